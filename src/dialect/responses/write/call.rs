//! Calls with other arguments.

use super::Writer;
use crate::{
    body::Chunk,
    dialect::wire::{json_or_string, parts_of, quoted},
    json::{Edits, Kind, quote},
    reply::{BlockId, DeltaKind, Encode, Part},
};

impl Writer {
    pub(super) fn replace_call(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    ) {
        self.inputs.insert(block, input.to_owned());
        // The name of the delta that brings all of it, until it is written.
        let mut delta = None;
        for frame in frames {
            match parts_of(&frame) {
                [Part::BlockStart { .. }] => {
                    let (frame, name) = begin_call(&frame, input);
                    delta = name;
                    self.forward(frame, out);
                }
                [
                    Part::Delta {
                        kind: DeltaKind::Input,
                        ..
                    },
                ] => {
                    if delta.take().is_some() {
                        self.forward(self.with_text(&frame, input), out);
                    }
                }
                [Part::Unknown { block: Some(_) }] if !repeats_input(&frame) => {}
                [Part::Unknown { block: Some(_) } | Part::BlockStop { .. }] => {
                    if let Some(name) = delta.take() {
                        self.input_delta(block, name, input, out);
                    }
                    self.forward(frame, out);
                }
                _ => self.forward(frame, out),
            }
        }
    }

    fn input_delta(&mut self, block: BlockId, name: &str, input: &str, out: &mut Vec<Chunk>) {
        let (index, _) = self.place(block);
        let id = quoted(&self.item(block).id());
        let delta = quoted(input);
        let members = format!(r#""item_id":{id},"output_index":{index},"delta":{delta}"#);
        self.write(out, |events| events.push(name, &members));
    }
}

/// The beginning of a call without the arguments that its deltas bring, and the name of those. Where none bring them,
/// with other arguments.
fn begin_call(chunk: &Chunk, input: &str) -> (Chunk, Option<&'static str>) {
    let edited = chunk.document().and_then(|document| {
        let item = document.root().get("item")?;
        let kind = item.get("type")?;
        let (member, name) = if kind.is_str("function_call") {
            ("arguments", Some("response.function_call_arguments.delta"))
        } else if kind.is_str("custom_tool_call") {
            ("input", Some("response.custom_tool_call_input.delta"))
        } else {
            let members = ["action", "operation", "arguments", "input"];
            let member = members.into_iter().find(|name| item.get(name).is_some())?;
            (member, None)
        };
        let mut edits = Edits::default();
        match item.get(member) {
            Some(said) if name.is_some() && said.is_empty() => {}
            Some(said) if name.is_some() => edits.replace(said, "\"\""),
            Some(said) if said.kind() == Kind::String => edits.replace(said, quote(input)),
            Some(said) => edits.replace(said, json_or_string(input)),
            None => {}
        }
        Some((chunk.edited(&document, edits), name))
    });
    edited.unwrap_or_else(|| (chunk.clone(), None))
}

/// Whether an event that this code has no word for says the arguments of a call once more.
fn repeats_input(chunk: &Chunk) -> bool {
    let document = chunk.document();
    document.is_some_and(|document| {
        let root = document.root();
        let member = root.get("arguments").or_else(|| root.get("input"));
        member.is_some_and(|member| member.kind() == Kind::String)
    })
}
