//! Streams, written anew.

mod call;
mod finish;
mod send;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    answer::{self, Events},
    item::{Correction, Words, forget_words},
};
use crate::{
    Dialect,
    body::Chunk,
    dialect::{
        Needle, needle,
        wire::{Numbers, Order, block_of, parts_of},
    },
    json::{Document, Edits, quote},
    reply::{BlockId, Encode, Part},
};

#[derive(Default)]
pub(crate) struct Writer {
    order: Order,
    /// The number that the last event on the wire had.
    sequence: Option<u64>,
    numbers: Numbers,
    items: BTreeMap<u32, Item>,
    /// Our own items, by their numbers on the wire.
    own: BTreeMap<u32, Bytes>,
    dropped: BTreeSet<BlockId>,
    texts: BTreeMap<BlockId, Words>,
    inputs: BTreeMap<BlockId, String>,
    /// The event in which the provider has said what response this is.
    created: Option<Chunk>,
    is_over: bool,
}

/// An item of the provider's, by its number there.
#[derive(Default)]
struct Item {
    /// The beginning of a message that has come, and not gone out.
    shell: Option<Chunk>,
    /// The beginning that has gone out.
    added: Option<Chunk>,
    /// The item as it has gone out whole.
    done: Option<Bytes>,
    parts: BTreeMap<u32, Said>,
    /// The numbers of its parts on the wire.
    numbers: Numbers,
}

/// A text of at most so many bytes is kept until its message ends.
const MOST: usize = 4 << 20;

/// What a part of a message has said on the wire.
struct Said {
    text: String,
    is_refusal: bool,
    is_done: bool,
}

/// What an event is to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventKind {
    Created,
    Added,
    Done,
    Last,
    Other,
}

impl Encode for Writer {
    fn split(&mut self, chunk: &Chunk) -> Option<Vec<Chunk>> {
        self.order.arrives(chunk);
        if let [Part::MessageStart { block }] = parts_of(chunk) {
            self.item(*block).shell = Some(chunk.clone());
        }
        None
    }

    fn forward(&mut self, chunk: Chunk, out: &mut Vec<Chunk>) {
        let kind = kind_of(&chunk);
        if let (Some(block), true) = (block_of(&chunk), kind != EventKind::Last) {
            let item = self.items.get(&block.index);
            // The end of a message that has begun must come, whatever is left of it.
            let has_begun = item.is_some_and(|item| item.added.is_some());
            if self.is_dropped(&chunk) && !(kind == EventKind::Done && has_begun) {
                return;
            }
            if let Some(shell) = self.item(block).shell.take()
                && kind != EventKind::Added
            {
                self.order.breaks();
                self.let_go(shell, EventKind::Added, out);
            }
        }
        self.let_go(chunk, kind, out);
    }

    fn drop_block(&mut self, block: BlockId, _: bool) {
        self.order.breaks();
        self.dropped.insert(block);
    }

    fn with_text(&self, chunk: &Chunk, text: &str) -> Chunk {
        let edited = chunk.document().map(|document| {
            let root = document.root();
            let mut edits = Edits::default();
            let part = root.get("part");
            let members = [
                root.get("delta"),
                part.and_then(|part| part.get("text")),
                part.and_then(|part| part.get("refusal")),
            ];
            for member in members.into_iter().flatten() {
                edits.replace(member, quote(text));
            }
            for holder in [Some(root), part].into_iter().flatten() {
                forget_words(holder, &mut edits);
            }
            chunk.edited(&document, edits)
        });
        edited.unwrap_or_else(|| chunk.clone())
    }

    fn set_text(&mut self, block: BlockId, text: String) {
        self.texts.insert(block, Words::Is(text));
    }

    fn text_delta(&mut self, block: BlockId, text: &str, out: &mut Vec<Chunk>) {
        let words = self
            .texts
            .entry(block)
            .or_insert_with(|| Words::More(String::new()));
        let (Words::Is(said) | Words::More(said)) = words;
        said.push_str(text);
        self.say(block, text, false);
        let (index, part) = self.place(block);
        let id = self.item(block).id();
        self.write(out, |events| events.text_delta(index, &id, part, text));
    }

    fn text_block(&mut self, _: u32, text: &str, out: &mut Vec<Chunk>) {
        self.order.breaks();
        let index = self.numbers.own();
        let id = answer::own_id(self.response_id().as_deref(), self.own.len());
        self.own.insert(index, answer::message(&id, text).into());
        self.write(out, |events| events.message(index, &id, text));
    }

    fn replace_input(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    ) {
        self.replace_call(block, frames, input, out);
    }

    fn ping(&self) -> Chunk {
        Chunk::event_of(Dialect::Responses, ": ping\n\n".into())
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        self.end(out);
    }
}

impl Writer {
    fn item(&mut self, block: BlockId) -> &mut Item {
        self.items.entry(block.index).or_default()
    }

    fn correction(&self) -> Correction<'_> {
        Correction {
            dropped: &self.dropped,
            texts: &self.texts,
            inputs: &self.inputs,
        }
    }

    /// Whether a frame speaks of nothing but what is dropped.
    fn is_dropped(&self, chunk: &Chunk) -> bool {
        let is_dropped = |block| self.dropped.contains(&block);
        !self.dropped.is_empty()
            && parts_of(chunk)
                .iter()
                .all(|part| part.block().is_some_and(is_dropped))
    }

    /// The numbers of a block on the wire: of its item, and of the part in it.
    fn place(&mut self, block: BlockId) -> (u32, u32) {
        let index = self.numbers.of(block.index, &self.order);
        let item = self.items.entry(block.index).or_default();
        (index, item.numbers.of(block.part, &self.order))
    }

    /// Writes events of our own.
    fn write(&mut self, out: &mut Vec<Chunk>, write: impl FnOnce(&mut Events)) {
        self.order.breaks();
        let mut events = Events {
            next: self.sequence.map_or(0, |last| last.saturating_add(1)),
            out: Vec::new(),
        };
        write(&mut events);
        self.sequence = events.next.checked_sub(1);
        out.append(&mut events.out);
    }

    /// Notes what a part of a message says on the wire.
    fn say(&mut self, block: BlockId, text: &str, is_refusal: bool) {
        let parts = &mut self.item(block).parts;
        let said = parts.entry(block.part).or_insert_with(|| Said {
            text: String::new(),
            is_refusal,
            is_done: false,
        });
        // So long a text is not kept; should the reply be ended, its message stays open.
        if said.text.len() <= MOST {
            said.text.push_str(text);
        }
    }

    fn response_id(&self) -> Option<String> {
        let document = self.created.as_ref()?.document()?;
        let id = document.root().get("response")?.get("id")?;
        Some(id.as_str()?.decode().into_owned())
    }
}

impl Item {
    fn id(&self) -> String {
        let document = self.added.as_ref().and_then(Chunk::document);
        let id = document.as_ref().and_then(|document| {
            let id = document.root().get("item")?.get("id")?;
            Some(id.as_str()?.decode().into_owned())
        });
        id.unwrap_or_else(|| "msg_luthien".to_owned())
    }
}

/// What an event is, found out without reading it for most.
fn kind_of(chunk: &Chunk) -> EventKind {
    static ADDED: Needle = needle!(b"\"response.output_item.added\"");
    static DONE: Needle = needle!(b"\"response.output_item.done\"");
    if chunk.is_terminal() {
        return EventKind::Last;
    }
    if let [Part::Start { .. }] = parts_of(chunk) {
        return EventKind::Created;
    }
    for (needle, name, kind) in [
        (&ADDED, "response.output_item.added", EventKind::Added),
        (&DONE, "response.output_item.done", EventKind::Done),
    ] {
        // It may stand elsewhere in the event.
        let is_type = |document: Document| {
            let kind = document.root().get("type");
            kind.is_some_and(|kind| kind.is_str(name))
        };
        if needle.is_in(chunk.bytes()) && chunk.document().is_some_and(is_type) {
            return kind;
        }
    }
    EventKind::Other
}
