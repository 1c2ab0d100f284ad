//! What the writers of all dialects keep account of.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{
    Dialect,
    body::Chunk,
    json::{Document, Limits, quote},
    reply::{BlockId, Part, StopReason},
    request::BlockKind,
};

/// Whether frames leave as they came, one after the other. As soon as one does not, all numbers are given out anew: a
/// provider that numbers oddly is left alone until then.
#[derive(Default)]
pub(super) struct Order {
    /// What has come and not gone.
    waiting: VecDeque<Bytes>,
    is_broken: bool,
}

impl Order {
    pub(super) fn arrives(&mut self, chunk: &Chunk) {
        if !self.is_broken {
            self.waiting.push_back(chunk.bytes().clone());
        }
    }

    pub(super) fn leaves(&mut self, chunk: &Chunk) {
        if self.is_broken {
            return;
        }
        let bytes = chunk.bytes();
        // The very same bytes, not equal ones.
        let is_next = self
            .waiting
            .pop_front()
            .is_some_and(|next| next.as_ptr() == bytes.as_ptr() && next.len() == bytes.len());
        if !is_next {
            self.breaks();
        }
    }

    /// Something is added or left out.
    pub(super) fn breaks(&mut self) {
        self.is_broken = true;
        self.waiting = VecDeque::new();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }
}

/// Which number each numbered thing of the provider's has on the wire: its own while the order is kept, then the next.
#[derive(Default)]
pub(super) struct Numbers {
    wire: BTreeMap<u32, u32>,
    next: u32,
}

impl Numbers {
    /// The number of a thing, given out when it is asked for first.
    pub(super) fn of(&mut self, number: u32, order: &Order) -> u32 {
        if let Some(wire) = self.wire.get(&number) {
            return *wire;
        }
        let wire = if order.is_broken() { self.next } else { number };
        self.wire.insert(number, wire);
        self.next = self.next.max(wire.saturating_add(1));
        wire
    }

    /// The number of a thing, if it has gone out.
    pub(super) fn get(&self, number: u32) -> Option<u32> {
        self.wire.get(&number).copied()
    }

    /// A number for a thing of our own.
    pub(super) fn own(&mut self) -> u32 {
        let own = self.next;
        self.next = own.saturating_add(1);
        own
    }
}

/// What became of the calls of a choice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    dropped: bool,
    out: bool,
}

impl Calls {
    /// A block is dropped, or goes out. What is dropped may be of a kind that nobody knows.
    pub(crate) fn note(&mut self, kind: BlockKind, is_dropped: bool) {
        match kind {
            BlockKind::ToolCall | BlockKind::Unknown if is_dropped => self.dropped = true,
            BlockKind::ToolCall => self.out = true,
            _ => {}
        }
    }

    /// Whether a choice that stops for this reason has lost all the calls that it stops for.
    pub(crate) fn are_gone(self, reason: &StopReason) -> bool {
        self.dropped && !self.out && *reason == StopReason::ToolUse
    }
}

/// The block that a frame speaks of, or the first of them.
pub(super) fn block_of(chunk: &Chunk) -> Option<BlockId> {
    parts_of(chunk).iter().find_map(Part::block)
}

pub(super) fn parts_of(chunk: &Chunk) -> &[Part] {
    chunk.event().map_or(&[], |event| event.parts())
}

/// Arguments for a place in which JSON stands: text that is none becomes a string.
pub(super) fn json_or_string(text: &str) -> Bytes {
    let json = Bytes::copy_from_slice(text.as_bytes());
    match Document::parse(json, &Limits::default()) {
        Ok(document) => document.bytes().clone(),
        Err(_) => quote(text),
    }
}

/// An event of our own, whose type is its name.
pub(super) fn event(dialect: Dialect, name: &str, data: &str) -> Chunk {
    Chunk::event_of(dialect, format!("event: {name}\ndata: {data}\n\n").into())
}

/// An event of our own that has no name.
pub(super) fn data(dialect: Dialect, data: &str) -> Chunk {
    Chunk::event_of(dialect, format!("data: {data}\n\n").into())
}

/// `text` as a JSON string, to be put into JSON that is written here.
pub(super) fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}
