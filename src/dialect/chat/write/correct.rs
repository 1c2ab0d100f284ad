//! What goes out with a frame, and what must be changed in it since something else did not.

use std::collections::BTreeSet;

use super::{Role, Writer};
use crate::{
    body::Chunk,
    dialect::{
        Needle,
        chat::lanes::{Form, choice_number, choices, holders, lane},
        needle,
        wire::{Numbers, block_of, parts_of},
    },
    json::{Edits, Json, quote},
    reply::{BlockId, DeltaKind, Part},
    request::BlockKind,
};

/// What has to be changed in a frame.
#[derive(Default)]
pub(super) struct Corrections {
    numbers: bool,
    role: bool,
    /// The choices whose turn ends.
    over: BTreeSet<u32>,
}

impl Writer {
    /// Whether a frame speaks of nothing but what is dropped.
    pub(super) fn is_dropped(&self, chunk: &Chunk) -> bool {
        if self.dropped.is_empty() || block_of(chunk).is_none() {
            return false;
        }
        parts_of(chunk).iter().all(|part| match part.block() {
            Some(block) => self.dropped.contains(&block),
            None => !matches!(part, Part::Stop { .. } | Part::Error { .. }),
        })
    }

    /// Notes the choices that say their role in this frame.
    pub(super) fn note_roles(&mut self, chunk: &Chunk, role: Role) {
        static NAME: Needle = needle!(b"\"role\"");
        if !NAME.is_in(chunk.bytes()) || self.has_said(chunk) {
            return;
        }
        let Some(document) = chunk.document() else {
            return;
        };
        for choice in choices(document.root()) {
            if says_role(choice) {
                let known = &mut self.choices.entry(choice_number(choice)).or_default().role;
                if *known != Role::Out {
                    *known = role;
                }
            }
        }
    }

    /// Whether all choices that a frame speaks of have said their role: some servers say it in every frame.
    fn has_said(&self, chunk: &Chunk) -> bool {
        let mut spoken = parts_of(chunk).iter().filter_map(choice_of).peekable();
        spoken.peek().is_some()
            && spoken.all(|number| {
                let choice = self.choices.get(&number);
                choice.is_some_and(|choice| choice.role == Role::Out)
            })
    }

    /// Notes what goes out with a frame, and what must be changed in it.
    pub(super) fn note(&mut self, chunk: &Chunk) -> Corrections {
        let mut corrections = Corrections::default();
        for part in parts_of(chunk) {
            let Some(number) = choice_of(part) else {
                continue;
            };
            let choice = self.choices.entry(number).or_default();
            if let Some(number) = part.block().and_then(call_number) {
                let wire = choice.numbers.of(number, &self.order);
                corrections.numbers |= wire != number;
            }
            match part {
                Part::BlockStart { head, .. } => {
                    choice.calls.note(head.kind, false);
                    choice.has_text |= head.kind == BlockKind::Text;
                }
                Part::Delta { kind, .. } => {
                    choice.has_text |= *kind == DeltaKind::Text;
                    if *kind == DeltaKind::Input {
                        choice.calls.note(BlockKind::ToolCall, false);
                    }
                }
                Part::Stop { reason, .. } => {
                    choice.is_stopped = true;
                    if choice.calls.are_gone(reason) {
                        corrections.over.insert(number);
                    }
                }
                _ => {}
            }
        }
        corrections.role = self
            .choices
            .values()
            .any(|choice| choice.role == Role::Owed);
        corrections
    }

    pub(super) fn corrected(&mut self, chunk: Chunk, corrections: &Corrections) -> Chunk {
        let Corrections {
            numbers,
            role,
            over,
        } = corrections;
        if !numbers && !role && over.is_empty() {
            return chunk;
        }
        let Some(document) = chunk.document() else {
            return chunk;
        };
        let mut edits = Edits::default();
        for json in choices(document.root()) {
            let number = choice_number(json);
            let choice = self.choices.entry(number).or_default();
            if choice.role == Role::Owed
                && let Some(delta) = json.get("delta")
            {
                edits.set_member(delta, "role", "\"assistant\"");
                choice.role = Role::Out;
            }
            if *numbers {
                renumber(json, &choice.numbers, &mut edits);
            }
            if let (true, Some(reason)) = (over.contains(&number), json.get("finish_reason")) {
                edits.replace(reason, quote("stop"));
            }
        }
        chunk.edited(&document, edits)
    }

    pub(super) fn envelope(&self) -> &str {
        const UNKNOWN: &str = r#""id":"chatcmpl-luthien","object":"chat.completion.chunk","created":0,"model":"luthien""#;
        self.envelope.as_deref().unwrap_or(UNKNOWN)
    }
}

fn choice_of(part: &Part) -> Option<u32> {
    match part {
        Part::Stop { choice, .. } => Some(*choice),
        part => Some(part.block()?.choice),
    }
}

/// The number of a tool call in the provider's deltas.
fn call_number(block: BlockId) -> Option<u32> {
    let is_call = (lane::TOOL_CALLS..lane::OTHERS).contains(&block.index);
    is_call.then(|| block.index - lane::TOOL_CALLS)
}

fn says_role(choice: Json<'_>) -> bool {
    let role = choice.get("delta").and_then(|delta| delta.get("role"));
    role.is_some_and(|role| !role.is_null())
}

/// Puts the numbers on the wire into the tool calls of a delta. Those of a message have none.
fn renumber(choice: Json<'_>, numbers: &Numbers, edits: &mut Edits) {
    for holder in holders(choice, Form::Stream).filter(|holder| !holder.is_whole) {
        for (lane, call) in holder.calls() {
            let number = lane - lane::TOOL_CALLS;
            if let Some(wire) = numbers.get(number)
                && wire != number
            {
                edits.set_member(call, "index", wire.to_string());
            }
        }
    }
}

/// The members that a chunk has in common with all of its stream, if it is one of those that have them.
pub(super) fn envelope(chunk: &Chunk) -> Option<String> {
    let document = chunk.document()?;
    let root = document.root();
    choices(root).next()?;
    let names = ["id", "object", "created", "model", "system_fingerprint"];
    let members = names.iter().filter_map(|name| {
        let value = String::from_utf8_lossy(root.get(name)?.text());
        Some(format!("\"{name}\":{value}"))
    });
    Some(members.collect::<Vec<_>>().join(","))
}
