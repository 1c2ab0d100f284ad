//! Streams, written anew.

use std::collections::BTreeSet;

use super::answer;
use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::{Calls, Numbers, Order, block_of, event, parts_of},
    json::{Edits, quote},
    reply::{BlockId, DeltaKind, Encode, Part, Usage},
    request::BlockKind,
};

#[derive(Default)]
pub(crate) struct Writer {
    order: Order,
    numbers: Numbers,
    dropped: BTreeSet<BlockId>,
    calls: Calls,
    /// The numbers on the wire of blocks that have begun and not ended.
    open: BTreeSet<u32>,
    usage: Usage,
    stage: Stage,
}

/// How far the stream on the wire is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Before,
    Started,
    Stopped,
    Ended,
}

impl Encode for Writer {
    fn split(&mut self, chunk: &Chunk) -> Option<Vec<Chunk>> {
        self.order.arrives(chunk);
        None
    }

    fn forward(&mut self, chunk: Chunk, out: &mut Vec<Chunk>) {
        let block = block_of(&chunk);
        if block.is_some_and(|block| self.dropped.contains(&block)) {
            return;
        }
        self.order.leaves(&chunk);
        let wire = block.map(|block| self.numbers.of(block.index, &self.order));
        let is_renumbered = wire != block.map(|block| block.index);
        let mut turn_ends = false;
        for part in parts_of(&chunk) {
            match part {
                Part::Start { .. } => self.reach(Stage::Started),
                Part::Usage(usage) => self.usage.update(usage),
                Part::BlockStart { head, .. } => {
                    self.calls.note(head.kind, false);
                    self.open.extend(wire);
                }
                Part::BlockStop { .. } => {
                    wire.map(|wire| self.open.remove(&wire));
                }
                Part::Stop { reason, .. } => {
                    turn_ends = self.calls.are_gone(reason);
                    self.reach(Stage::Stopped);
                }
                _ => {}
            }
        }
        if chunk.is_terminal() {
            self.reach(Stage::Ended);
        }
        if !is_renumbered && !turn_ends {
            out.push(chunk);
            return;
        }
        let edited = chunk.document().map(|document| {
            let root = document.root();
            let mut edits = Edits::default();
            if let (true, Some(wire), Some(index)) = (is_renumbered, wire, root.get("index")) {
                edits.replace(index, wire.to_string());
            }
            let reason = root.get("delta").and_then(|delta| delta.get("stop_reason"));
            if let (true, Some(reason)) = (turn_ends, reason) {
                edits.replace(reason, quote("end_turn"));
            }
            chunk.edited(&document, edits)
        });
        out.push(edited.unwrap_or(chunk));
    }

    fn drop_block(&mut self, block: BlockId, is_call: bool) {
        self.order.breaks();
        self.dropped.insert(block);
        if is_call {
            self.calls.note(BlockKind::ToolCall, true);
        }
    }

    fn with_text(&self, chunk: &Chunk, text: &str) -> Chunk {
        with_member(chunk, &["text", "thinking"], text)
    }

    fn set_text(&mut self, block: BlockId, text: String) {
        // It is said only in deltas; but the API takes no empty text back.
        if text.is_empty() && self.numbers.get(block.index).is_none() {
            self.drop_block(block, false);
        }
    }

    fn text_delta(&mut self, block: BlockId, text: &str, out: &mut Vec<Chunk>) {
        if self.dropped.contains(&block) {
            return self.text_block(block.choice, text, out);
        }
        self.order.breaks();
        let index = self.numbers.of(block.index, &self.order);
        out.push(answer::text_delta(index, text));
    }

    fn text_block(&mut self, _: u32, text: &str, out: &mut Vec<Chunk>) {
        self.order.breaks();
        let index = self.numbers.own();
        out.extend(answer::text_block(index, text));
    }

    fn replace_input(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    ) {
        // Clients read the arguments in a delta, one at least, and in none of them if they stand in the beginning.
        self.order.breaks();
        let index = self.numbers.of(block.index, &self.order);
        let is_input = |chunk: &&Chunk| {
            matches!(
                parts_of(chunk),
                [Part::Delta {
                    kind: DeltaKind::Input,
                    ..
                }]
            )
        };
        let template = frames.iter().find(is_input).cloned();
        let mut is_written = false;
        let mut write = |writer: &mut Self, out: &mut Vec<Chunk>| {
            if std::mem::replace(&mut is_written, true) {
                return;
            }
            match &template {
                Some(chunk) => {
                    writer.forward(with_member(chunk, &["partial_json"], input), out);
                }
                None => out.push(answer::input_delta(index, input)),
            }
        };
        for frame in frames {
            match parts_of(&frame) {
                [Part::BlockStart { .. }] => {
                    self.forward(without_input(frame), out);
                    write(self, out);
                }
                [Part::BlockStop { .. }] => {
                    write(self, out);
                    self.forward(frame, out);
                }
                // Its other arguments; and what nobody knows of it.
                [Part::Delta { .. } | Part::Unknown { block: Some(_) }] => {}
                _ => self.forward(frame, out),
            }
        }
        write(self, out);
    }

    fn ping(&self) -> Chunk {
        event(Dialect::Anthropic, "ping", r#"{"type": "ping"}"#)
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        let stage = self.stage;
        self.reach(Stage::Ended);
        if stage == Stage::Before {
            out.push(answer::message_start("msg_luthien", "luthien"));
        }
        for index in std::mem::take(&mut self.open) {
            out.push(answer::block_stop(index));
        }
        if stage < Stage::Stopped {
            out.push(answer::message_delta(self.usage.output.unwrap_or(0)));
        }
        if stage < Stage::Ended {
            out.push(answer::message_stop());
        }
    }
}

impl Writer {
    fn reach(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }
}

/// The frame of a block's beginning or of a delta, with other text in whichever of these members it has.
fn with_member(chunk: &Chunk, names: &[&str], text: &str) -> Chunk {
    let edited = chunk.document().and_then(|document| {
        let root = document.root();
        let of = root.get("delta").or_else(|| root.get("content_block"))?;
        let member = names.iter().find_map(|name| of.get(name))?;
        let mut edits = Edits::default();
        edits.replace(member, quote(text));
        Some(chunk.edited(&document, edits))
    });
    edited.unwrap_or_else(|| chunk.clone())
}

/// The beginning of a call, with an empty placeholder for its arguments.
fn without_input(chunk: Chunk) -> Chunk {
    let edited = chunk.document().and_then(|document| {
        let input = document.root().get("content_block")?.get("input")?;
        if input.text() == b"{}" {
            return None;
        }
        let mut edits = Edits::default();
        edits.replace(input, "{}");
        Some(chunk.edited(&document, edits))
    });
    edited.unwrap_or(chunk)
}
