//! How a frame goes out: with the numbers it has on the wire, and without what was changed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{EventKind, Writer};
use crate::{
    body::Chunk,
    dialect::{
        Needle,
        list::array,
        needle,
        responses::{item::set_output_text, reply::is_of_part},
        wire::{block_of, parts_of},
    },
    json::{Document, Edits, Json},
    reply::{BlockId, DeltaKind, Part},
    request::BlockKind,
};

impl Writer {
    pub(super) fn let_go(&mut self, chunk: Chunk, kind: EventKind, out: &mut Vec<Chunk>) {
        self.order.leaves(&chunk);
        let block = block_of(&chunk).filter(|_| kind != EventKind::Last);
        let wire = block.map(|block| match kind {
            EventKind::Other => self.place(block),
            // It speaks of the item, whatever is in it.
            _ => (self.numbers.of(block.index, &self.order), block.part),
        });
        self.listen(&chunk);
        let chunk = self.corrected(chunk, kind, block, wire);
        match (kind, block) {
            (EventKind::Created, _) => self.created = Some(chunk.clone()),
            (EventKind::Last, _) => self.is_over = true,
            (EventKind::Added, Some(block)) => self.item(block).added = Some(chunk.clone()),
            (EventKind::Done, Some(block)) => {
                let item = self.item(block);
                item.done = item_of(&chunk);
                item.parts = BTreeMap::new();
            }
            _ => {}
        }
        out.push(chunk);
    }

    /// Notes what goes out of messages, should they have to be closed.
    fn listen(&mut self, chunk: &Chunk) {
        for part in parts_of(chunk) {
            match part {
                Part::BlockStart { block, head } => {
                    let is_refusal = head.kind == BlockKind::Refusal;
                    if is_refusal || head.kind == BlockKind::Text {
                        let text = head.text.as_ref().map(|text| text.decode());
                        self.say(*block, &text.unwrap_or_default(), is_refusal);
                    }
                }
                Part::Delta { block, kind, text } => match kind {
                    DeltaKind::Text => self.say(*block, &text.decode(), false),
                    DeltaKind::Refusal => self.say(*block, &text.decode(), true),
                    _ => {}
                },
                Part::BlockStop { block, .. } => {
                    if let Some(said) = self.item(*block).parts.get_mut(&block.part) {
                        said.is_done = true;
                    }
                }
                _ => {}
            }
        }
    }

    fn corrected(
        &mut self,
        chunk: Chunk,
        kind: EventKind,
        block: Option<BlockId>,
        wire: Option<(u32, u32)>,
    ) -> Chunk {
        let sequence = sequence_of(&chunk);
        let next = match self.sequence {
            Some(last) if self.order.is_broken() && sequence.is_some() => {
                Some(last.saturating_add(1))
            }
            _ => sequence,
        };
        self.sequence = next.or(self.sequence);
        let is_renumbered =
            next != sequence || wire != block.map(|block| (block.index, block.part));
        let is_changed = match kind {
            EventKind::Last => self.changes_output(),
            _ => block.is_some_and(|block| self.changes(block)),
        };
        if !is_renumbered && !is_changed {
            return chunk;
        }
        let Some(document) = chunk.document() else {
            return chunk;
        };
        let root = document.root();
        let mut edits = Edits::default();
        if let (true, Some(number), Some(next)) =
            (next != sequence, root.get("sequence_number"), next)
        {
            edits.replace(number, next.to_string());
        }
        if let (Some((index, part)), Some(block)) = (wire, block) {
            let members = [
                ("output_index", index, block.index),
                ("content_index", part, block.part),
            ];
            for (name, wire, number) in members {
                let is_meant = name == "output_index" || is_of_message(root);
                if let Some(member) = root.get(name)
                    && wire != number
                    && is_meant
                {
                    edits.replace(member, wire.to_string());
                }
            }
        }
        match kind {
            EventKind::Last => self.correct_output(&document, &mut edits),
            _ if is_changed => self.correct(root, kind, block, &mut edits),
            _ => {}
        }
        chunk.edited(&document, edits)
    }

    /// Whether anything was changed that a frame about this block may say.
    fn changes(&self, block: BlockId) -> bool {
        // An item says all its parts.
        let parts = BlockId { part: 0, ..block }..=BlockId {
            part: u32::MAX,
            ..block
        };
        self.texts.range(parts.clone()).next().is_some()
            || self.dropped.range(parts).next().is_some()
            || self.inputs.contains_key(&block)
    }

    fn changes_output(&self) -> bool {
        // Without any change, the order is kept.
        self.order.is_broken() || !(self.texts.is_empty() && self.inputs.is_empty())
    }

    /// Corrects an event about a block. Beginnings say nothing yet.
    fn correct(&self, root: Json<'_>, kind: EventKind, block: Option<BlockId>, edits: &mut Edits) {
        let correction = self.correction();
        match (kind, block, root.get("item")) {
            (EventKind::Done, Some(block), Some(item)) => {
                if !correction.edit_item(item, block.index, edits)
                    && let Some(content) = item.get("content")
                {
                    // Nothing is left, but it has begun.
                    edits.replace(content, "[]");
                }
            }
            (EventKind::Other, Some(block), _) if is_done(root) => {
                correction.edit_event(root, block, edits);
            }
            _ => {}
        }
    }

    /// Corrects what the last event says of all items: those that have gone out, in their order on the wire.
    fn correct_output(&self, document: &Document, edits: &mut Edits) {
        let Some(response) = document.root().get("response") else {
            return;
        };
        let Some(output) = response.get("output") else {
            return;
        };
        let mut items = Vec::new();
        let mut is_same = self.own.is_empty();
        for (number, item) in (0_u32..).zip(output.items()) {
            let mut changes = Edits::default();
            if !self.correction().edit_item(item, number, &mut changes) {
                let message = self.items.get(&number).filter(|item| item.added.is_some());
                let Some((_, content)) = message.zip(item.get("content")) else {
                    is_same = false;
                    continue;
                };
                changes = Edits::default();
                changes.replace(content, "[]");
            }
            is_same &= changes.is_empty();
            // What has never gone out before comes last.
            let wire = self.numbers.get(number).unwrap_or(u32::MAX);
            items.push((wire, changes.apply_in(item, document.bytes())));
        }
        is_same &= items.is_sorted_by_key(|(wire, _)| *wire);
        if is_same {
            return;
        }
        items.extend(self.own.iter().map(|(wire, item)| (*wire, item.clone())));
        items.sort_by_key(|(wire, _)| *wire);
        let items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
        edits.replace(output, array(&items));
        set_output_text(response, &["response"], document, edits);
    }
}

/// The number of an event, found without reading it if it stands there as usual.
fn sequence_of(chunk: &Chunk) -> Option<u64> {
    static NAME: Needle = needle!(b"\"sequence_number\"");
    let mut found = NAME.values(chunk.bytes());
    let digits = |value: &[u8]| {
        let end = value.iter().position(|byte| !byte.is_ascii_digit());
        let digits = value.get(..end.unwrap_or(value.len()))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    match (found.next(), found.next()) {
        (None, _) => None,
        (Some(value), None) => digits(value),
        // It stands somewhere else, too.
        _ => chunk.document()?.root().get("sequence_number")?.as_u64(),
    }
}

fn is_done(root: Json<'_>) -> bool {
    let kind = root.get("type").and_then(|kind| kind.as_str());
    kind.is_some_and(|kind| kind.decode().ends_with(".done"))
}

/// Whether the part that an event numbers is one of a message; those of other items keep their numbers.
fn is_of_message(root: Json<'_>) -> bool {
    let kind = root.get("type").and_then(|kind| kind.as_str());
    kind.is_some_and(|kind| is_of_part(root, &kind.decode()))
}

/// The item that an event says whole.
fn item_of(chunk: &Chunk) -> Option<Bytes> {
    let document = chunk.document()?;
    let item = document.root().get("item")?;
    Some(document.bytes().slice_ref(item.text()))
}
