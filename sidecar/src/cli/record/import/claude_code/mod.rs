//! What Claude Code writes about its sessions: a line for each piece of a message, and others, in
//! `~/.claude/projects/…/SESSION.jsonl`, and those of sub-agents in `SESSION/subagents/`. Nobody promises this form.

mod exchange;
mod line;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use bytes::Bytes;

use line::{Read, Says};
use tree::Tree;

pub(super) use exchange::Exchange;
pub(super) use line::is_one;

/// What stands in the place of the client that asked.
pub(super) const CLIENT: &str = "claude-code transcript";

/// What a file holds.
#[derive(Default)]
pub(super) struct Transcript {
    tree: Tree,
    /// How many lines say nothing of exchanges, by their kind.
    pub(super) skipped: BTreeMap<String, u64>,
    /// The lines that cannot be read, by their number, and why.
    pub(super) broken: Vec<(usize, String)>,
}

impl Transcript {
    pub(super) fn read(file: &Bytes) -> Self {
        let mut transcript = Self::default();
        let lines = file.split(|byte| *byte == b'\n').enumerate();
        for (at, text) in lines {
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match line::read(&file.slice_ref(text)) {
                Ok(Read::Placed(line)) => {
                    if let Says::Nothing(kind) = &line.says {
                        *transcript.skipped.entry(kind.clone()).or_default() += 1;
                    }
                    transcript.tree.add(*line);
                }
                Ok(Read::Other(kind)) => *transcript.skipped.entry(kind).or_default() += 1,
                Err(error) => transcript.broken.push((at + 1, error)),
            }
        }
        transcript.tree.join();
        transcript
    }

    /// The exchanges.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = Exchange<'_>> {
        let replies = self.tree.replies().into_iter();
        replies.filter_map(|reply| exchange::exchange(&self.tree, reply))
    }
}
