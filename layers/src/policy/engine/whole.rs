//! A reply that is not streamed: the same judgements, all at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join_all;
use luthien_core::{
    Dialect,
    body::Chunk,
    reject::Rejection,
    reply::{Assembler, BlockId, Changes, Part, ReplyBlock, StopReason, Usage, rewrite_whole},
};

use super::{
    last_words, reason_left,
    roles::{Role, is_nameless, subject},
    text::edit_whole,
    unreadable,
};
use crate::policy::{
    ReplyEnd, Watches,
    judge::{Fate, Judged, judge, opaque, pass_over, too_large},
    run::Run,
};

/// Judges a whole reply: what the client is to get in its place, or why it gets none.
pub(crate) async fn judge_whole(
    run: Arc<Run>,
    dialect: Dialect,
    reply: Chunk,
) -> Result<Chunk, Rejection> {
    let Some(event) = reply.event() else {
        return Ok(reply);
    };
    if event.is_ambiguous() || event.is_unreadable() {
        return Err(unreadable(
            "the provider's reply can be read in two ways, or not at all",
        ));
    }
    let is_error = |part: &Part| matches!(part, Part::Error { .. });
    if event.parts().iter().any(is_error) {
        return Ok(reply);
    }
    let mut assembler = Assembler::new(run.set.settings.held);
    let mut blocks = Vec::new();
    if assembler.push(event, &mut blocks).is_err() {
        too_large(&run)?;
        return Ok(reply);
    }
    blocks.extend(assembler.finish());
    if run.watches(Watches::TOOL_CALLS) && blocks.iter().any(is_nameless) {
        return Err(unreadable("a tool call without a name"));
    }
    let mut outcome = Outcome {
        ends: ends(event.parts()),
        ..Outcome::default()
    };
    for block in blocks
        .iter_mut()
        .filter(|block| Role::of(block.kind) == Role::Text)
    {
        outcome.edit(&run, block)?;
    }
    let judged = blocks.iter().map(|block| judge_block(&run, block));
    let judged = join_all(judged).await;
    for (block, judged) in blocks.iter().zip(judged) {
        outcome.take(block, judged);
    }
    outcome.close(&run, dialect);
    if outcome.changes.is_empty() {
        return Ok(reply);
    }
    let bytes = rewrite_whole(dialect, reply.bytes(), &outcome.changes)
        .map_err(|_| unreadable("the provider's reply cannot be changed as it must be"))?;
    Ok(Chunk::whole(dialect, bytes))
}

async fn judge_block(run: &Arc<Run>, block: &ReplyBlock) -> Judged {
    let watch = match Role::of(block.kind) {
        Role::Call => Watches::TOOL_CALLS,
        Role::Text => Watches::TEXT,
        Role::Thinking => Watches::THINKING,
        Role::Other => return Judged::default(),
    };
    if !run.watches(watch) {
        if let Some(subject) = subject(block) {
            pass_over(run, &subject);
        }
        return Judged::default();
    }
    match subject(block) {
        Some(subject) => judge(run.clone(), subject).await,
        None => opaque(run, block.block),
    }
}

/// What has become of the reply so far.
#[derive(Default)]
struct Outcome {
    changes: Changes,
    /// By choice.
    ends: BTreeMap<u32, End>,
}

#[derive(Default)]
struct End {
    reason: Option<StopReason>,
    usage: Usage,
    calls: BTreeSet<BlockId>,
    gone: BTreeSet<BlockId>,
    words: Vec<String>,
    /// Whether none of the calls goes out.
    over: bool,
    has_text: bool,
    /// Whether something else has come behind its last text: then no more can be added to that, in a stream.
    closed: bool,
}

fn ends(parts: &[Part]) -> BTreeMap<u32, End> {
    let mut usage = Usage::default();
    for part in parts {
        if let Part::Usage(later) = part {
            usage.update(later);
        }
    }
    let mut ends = BTreeMap::new();
    for part in parts {
        if let Part::Stop { choice, reason } = part {
            let end: &mut End = ends.entry(*choice).or_default();
            end.reason = Some(reason.clone());
            end.usage = usage;
        }
    }
    ends
}

impl Outcome {
    /// Puts a text before those who edit texts.
    fn edit(&mut self, run: &Arc<Run>, block: &mut ReplyBlock) -> Result<(), Rejection> {
        if !run.watches(Watches::TEXT_EDITS) {
            return Ok(());
        }
        let edited = edit_whole(run, block.block, &block.text)?;
        if let Some(text) = edited {
            self.changes.texts.insert(block.block, text.clone());
            block.text = text;
        }
        Ok(())
    }

    fn take(&mut self, block: &ReplyBlock, judged: Judged) {
        let id = block.block;
        let end = self.ends.entry(id.choice).or_default();
        let role = Role::of(block.kind);
        match (role, judged.fate) {
            (Role::Call, fate) => {
                end.calls.insert(id);
                end.over |= judged.ends;
                end.words.extend(judged.words);
                match fate {
                    Fate::Keep => {}
                    Fate::Change(input) => {
                        self.changes.inputs.insert(id, input);
                    }
                    Fate::Drop => {
                        end.gone.insert(id);
                    }
                }
            }
            (Role::Text, fate) => {
                end.has_text = true;
                end.closed = false;
                // Text behind a call goes before it, as it does in a stream.
                self.changes.calls_last |= !end.calls.is_empty();
                let words = judged.words.join("\n\n");
                let text = match fate {
                    Fate::Keep if words.is_empty() => return,
                    Fate::Keep => format!("{words}\n\n{}", block.text),
                    Fate::Change(text) if words.is_empty() => text,
                    Fate::Change(text) => format!("{words}\n\n{text}"),
                    Fate::Drop => words,
                };
                self.changes.texts.insert(id, text);
            }
            (Role::Thinking, fate) => {
                end.closed = true;
                end.over |= fate == Fate::Drop;
                end.words.extend(judged.words);
            }
            (Role::Other, _) => end.closed = true,
        }
    }

    /// All is judged: writes down what is to be done.
    fn close(&mut self, run: &Run, dialect: Dialect) {
        for (choice, end) in &mut self.ends {
            if end.over {
                end.gone = end.calls.clone();
            }
            let left = end.calls.len() - end.gone.len();
            self.changes.dropped.extend(&end.gone);
            if !end.words.is_empty() {
                self.changes
                    .notices
                    .insert(*choice, vec![end.words.join("\n\n")]);
            }
            let reply_end = ReplyEnd {
                choice: *choice,
                reason: reason_left(end.reason.clone(), !end.gone.is_empty(), left),
                tool_calls: left,
                has_text: end.has_text || !end.words.is_empty(),
                usage: end.usage,
            };
            if left == 0
                && let Some(words) = last_words(run, &reply_end)
            {
                match self.changes.notices.get_mut(choice) {
                    Some(notices) => notices.iter_mut().for_each(|notice| {
                        notice.push_str("\n\n");
                        notice.push_str(words.trim_start());
                    }),
                    // Chat has one text, which is open to its end.
                    None if end.closed && dialect != Dialect::Chat => {
                        let words = words.trim_start().to_owned();
                        self.changes.notices.insert(*choice, vec![words]);
                    }
                    None => {
                        self.changes.appended.insert(*choice, words);
                    }
                }
            }
        }
    }
}
