//! Streams, written anew.

mod correct;

use std::collections::{BTreeMap, BTreeSet};

use correct::envelope;

use super::{
    answer,
    edit::forget_words,
    lanes::{Form, choice_number, choices, holders, lane},
    split,
};
use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::{Calls, Numbers, Order, block_of, parts_of, quoted},
    json::Edits,
    reply::{BlockId, DeltaKind, Encode, Part},
    request::BlockKind,
};

#[derive(Default)]
pub(crate) struct Writer {
    order: Order,
    /// What the provider's chunks have in common, for those of our own.
    envelope: Option<String>,
    choices: BTreeMap<u32, Choice>,
    dropped: BTreeSet<BlockId>,
    is_over: bool,
}

#[derive(Default)]
struct Choice {
    role: Role,
    has_text: bool,
    is_stopped: bool,
    calls: Calls,
    numbers: Numbers,
}

/// The member `role` of a choice's first delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Unsaid,
    /// It has come, and not gone out: it may be dropped with a call.
    Owed,
    Out,
}

impl Encode for Writer {
    fn split(&mut self, chunk: &Chunk) -> Option<Vec<Chunk>> {
        self.order.arrives(chunk);
        if self.envelope.is_none() {
            self.envelope = envelope(chunk);
        }
        self.note_roles(chunk, Role::Owed);
        split::split(chunk)
    }

    fn forward(&mut self, chunk: Chunk, out: &mut Vec<Chunk>) {
        if self.is_dropped(&chunk) {
            return;
        }
        self.order.leaves(&chunk);
        if self.envelope.is_none() {
            self.envelope = envelope(&chunk);
        }
        self.note_roles(&chunk, Role::Out);
        let corrections = self.note(&chunk);
        self.is_over |= chunk.is_terminal();
        out.push(self.corrected(chunk, &corrections));
    }

    fn drop_block(&mut self, block: BlockId, is_call: bool) {
        self.order.breaks();
        self.dropped.insert(block);
        let choice = self.choices.entry(block.choice).or_default();
        if is_call {
            choice.calls.note(BlockKind::ToolCall, true);
        }
    }

    fn with_text(&self, chunk: &Chunk, text: &str) -> Chunk {
        let edited = chunk.document().and_then(|document| {
            let block = block_of(chunk)?;
            let mut edits = Edits::default();
            for choice in choices(document.root()) {
                if choice_number(choice) != block.choice {
                    continue;
                }
                for holder in holders(choice, Form::Stream) {
                    holder.set_text(block.index, text, &mut edits);
                }
                forget_words(choice, &mut edits);
            }
            Some(chunk.edited(&document, edits))
        });
        edited.unwrap_or_else(|| chunk.clone())
    }

    fn set_text(&mut self, _: BlockId, _: String) {
        // It is said only once here.
    }

    fn text_delta(&mut self, block: BlockId, text: &str, out: &mut Vec<Chunk>) {
        self.order.breaks();
        let choice = self.choices.entry(block.choice).or_default();
        choice.has_text = true;
        let role = match choice.role {
            Role::Out => "",
            Role::Unsaid | Role::Owed => r#""role":"assistant","#,
        };
        choice.role = Role::Out;
        let members = format!(r#"{role}"content":{}"#, quoted(text));
        out.push(answer::delta(self.envelope(), block.choice, &members, None));
    }

    fn text_block(&mut self, choice: u32, text: &str, out: &mut Vec<Chunk>) {
        let has_text = self
            .choices
            .get(&choice)
            .is_some_and(|choice| choice.has_text);
        let block = BlockId::new(choice, lane::TEXT, 0);
        if has_text {
            self.text_delta(block, &format!("\n\n{text}"), out);
        } else {
            self.text_delta(block, text, out);
        }
    }

    fn replace_input(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    ) {
        let brings = |chunk: &Chunk| {
            parts_of(chunk).iter().any(|part| match part {
                Part::Delta { kind, .. } => *kind == DeltaKind::Input,
                Part::BlockStart { head, .. } => head.input.is_some(),
                _ => false,
            })
        };
        // The first frame that brings arguments brings them all; if none does, the first.
        let first = frames.iter().position(brings).unwrap_or(0);
        for (place, frame) in frames.into_iter().enumerate() {
            if place == first {
                self.forward(with_input(&frame, block, input), out);
            } else if !brings(&frame) {
                self.forward(frame, out);
            } else if !matches!(parts_of(&frame), [Part::Delta { .. }]) {
                // There is more in it.
                self.forward(with_input(&frame, block, ""), out);
            } else {
                self.order.breaks();
            }
        }
    }

    fn ping(&self) -> Chunk {
        Chunk::event_of(Dialect::Chat, ": ping\n\n".into())
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if self.choices.is_empty() {
            self.choices.entry(0).or_default();
        }
        let open: Vec<_> = self
            .choices
            .iter()
            .filter(|(_, choice)| !choice.is_stopped)
            .map(|(number, choice)| (*number, choice.role))
            .collect();
        for (choice, role) in open {
            let members = match role {
                Role::Out => "",
                Role::Unsaid | Role::Owed => r#""role":"assistant","content":"""#,
            };
            out.push(answer::delta(
                self.envelope(),
                choice,
                members,
                Some("stop"),
            ));
        }
        out.push(answer::done());
    }
}

/// The frame with other arguments in its piece of a call.
fn with_input(chunk: &Chunk, block: BlockId, input: &str) -> Chunk {
    let edited = chunk.document().map(|document| {
        let mut edits = Edits::default();
        for choice in choices(document.root()) {
            if choice_number(choice) == block.choice {
                for holder in holders(choice, Form::Stream) {
                    holder.set_input(block.index, input, &mut edits);
                }
            }
        }
        chunk.edited(&document, edits)
    });
    edited.unwrap_or_else(|| chunk.clone())
}
