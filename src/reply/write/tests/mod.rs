//! What the tests of writers have in common.

mod answers;
mod mutated;
mod parity;
mod split;
mod stream;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    Dialect,
    body::Chunk,
    reply::{BlockId, Changes, DeltaKind, Part, StreamWriter, rewrite_whole},
    request::BlockKind,
    sse::Framer,
    testing::{
        cut,
        protocol::{self, View},
        recorded,
    },
};

/// The events of a stream, however it was cut.
fn events(dialect: Dialect, stream: &Bytes, seed: u64) -> Vec<Chunk> {
    let mut framer = Framer::new(1 << 20);
    let mut chunks = Vec::new();
    for piece in cut(stream, seed) {
        framer.push(piece);
        while let Some(frame) = framer.next_frame().unwrap() {
            chunks.push(Chunk::event_of(dialect, frame));
        }
    }
    assert_eq!(framer.finish(), None);
    chunks
}

fn said(dialect: Dialect, events: &[&str]) -> Vec<Chunk> {
    let frame = |data: &&str| match dialect {
        Dialect::Chat => format!("data: {data}\n\n"),
        _ => {
            let json: serde_json::Value = serde_json::from_str(data).unwrap();
            format!(
                "event: {}\ndata: {data}\n\n",
                json["type"].as_str().unwrap()
            )
        }
    };
    let chunk = |data| Chunk::event_of(dialect, frame(data).into());
    events.iter().map(chunk).collect()
}

fn join(chunks: &[Chunk]) -> Bytes {
    let bytes: Vec<_> = chunks.iter().map(|chunk| chunk.bytes().clone()).collect();
    bytes.concat().into()
}

#[track_caller]
fn seen(dialect: Dialect, chunks: &[Chunk]) -> View {
    let bytes = join(chunks);
    protocol::check(dialect, true, &bytes)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&bytes)))
}

#[track_caller]
fn seen_whole(dialect: Dialect, changes: &Changes) -> View {
    let bytes = rewrite_whole(dialect, &recorded(dialect, false), changes).unwrap();
    protocol::check(dialect, false, &bytes)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&bytes)))
}

/// The texts and calls of a view, in short.
fn short(view: &View) -> Vec<String> {
    let blocks = view.blocks.iter();
    blocks
        .map(|block| match &block.name {
            Some(name) => format!("{name}({})", block.input),
            None => block.text.clone(),
        })
        .collect()
}

fn block(choice: u32, index: u32, part: u32) -> BlockId {
    BlockId::new(choice, index, part)
}

/// The calls of the recorded replies.
fn calls(dialect: Dialect) -> [BlockId; 2] {
    match dialect {
        Dialect::Anthropic => [block(0, 3, 0), block(0, 4, 0)],
        Dialect::Chat => [block(0, 4, 0), block(0, 5, 0)],
        Dialect::Responses => [block(0, 2, 0), block(0, 3, 0)],
    }
}

/// The text of the recorded replies.
fn text(dialect: Dialect) -> BlockId {
    match dialect {
        Dialect::Anthropic | Dialect::Chat => block(0, 2, 0),
        Dialect::Responses => block(0, 1, 0),
    }
}

/// The thinking of the recorded replies.
fn thinking() -> BlockId {
    block(0, 0, 0)
}

/// Puts changes into a stream as a policy engine does: calls are held to the end of their choice.
fn change(dialect: Dialect, chunks: Vec<Chunk>, changes: &Changes) -> Vec<Chunk> {
    let mut last_text = BTreeMap::new();
    for part in chunks.iter().flat_map(parts) {
        if let Part::Delta {
            block,
            kind: DeltaKind::Text,
            ..
        } = part
            && !changes.dropped.contains(block)
        {
            last_text.insert(block.choice, *block);
        }
    }
    let mut engine = Engine {
        writer: StreamWriter::new(dialect),
        changes,
        kinds: BTreeMap::new(),
        held: BTreeMap::new(),
        begun: BTreeSet::new(),
        last_text,
        appended: BTreeSet::new(),
        out: Vec::new(),
    };
    for chunk in chunks {
        match engine.writer.split(&chunk) {
            None => engine.take(chunk),
            Some(pieces) => pieces.into_iter().for_each(|piece| engine.take(piece)),
        }
    }
    engine.out
}

struct Engine<'a> {
    writer: StreamWriter,
    changes: &'a Changes,
    kinds: BTreeMap<BlockId, BlockKind>,
    held: BTreeMap<u32, Vec<(BlockId, Vec<Chunk>)>>,
    /// The blocks whose text has come.
    begun: BTreeSet<BlockId>,
    last_text: BTreeMap<u32, BlockId>,
    appended: BTreeSet<u32>,
    out: Vec<Chunk>,
}

impl Engine<'_> {
    fn take(&mut self, chunk: Chunk) {
        for part in parts(&chunk) {
            match part {
                Part::BlockStart { block, head } => {
                    self.kinds.insert(*block, head.kind);
                }
                Part::Delta {
                    block,
                    kind: DeltaKind::Input,
                    ..
                } => {
                    self.kinds.entry(*block).or_insert(BlockKind::ToolCall);
                }
                _ => {}
            }
        }
        let stops: Vec<_> = parts(&chunk)
            .iter()
            .filter_map(|part| match part {
                Part::Stop { choice, .. } => Some(*choice),
                _ => None,
            })
            .collect();
        for choice in &stops {
            self.release(*choice);
        }
        let blocks: BTreeSet<_> = parts(&chunk).iter().filter_map(Part::block).collect();
        let Some(block) = blocks.first().copied().filter(|_| stops.is_empty()) else {
            return self.writer.forward(chunk, &mut self.out);
        };
        if self.kinds.get(&block) == Some(&BlockKind::ToolCall) {
            let held = self.held.entry(block.choice).or_default();
            match held.iter_mut().find(|(held, _)| *held == block) {
                Some((_, frames)) => frames.push(chunk),
                None => held.push((block, vec![chunk])),
            }
            return;
        }
        self.passing(block, &blocks, chunk);
    }

    /// A frame of a block that is not held.
    fn passing(&mut self, block: BlockId, blocks: &BTreeSet<BlockId>, chunk: Chunk) {
        let changes = self.changes;
        if blocks.iter().all(|block| changes.dropped.contains(block)) {
            if self.begun.insert(block) {
                self.writer.drop_block(block, false);
            }
            return;
        }
        let carries = matches!(
            parts(&chunk),
            [Part::Delta {
                kind: DeltaKind::Text | DeltaKind::Thinking | DeltaKind::Refusal,
                ..
            }]
        );
        if let Some(text) = changes.texts.get(&block) {
            if carries && self.begun.insert(block) {
                let chunk = self.writer.with_text(&chunk, text);
                return self.writer.forward(chunk, &mut self.out);
            }
            if carries {
                return;
            }
            let is_last = self.last_text.get(&block.choice) == Some(&block);
            let more = match changes.appended.get(&block.choice) {
                Some(more) if is_last && self.appended.contains(&block.choice) => more.as_str(),
                _ => "",
            };
            self.writer.set_text(block, format!("{text}{more}"));
        }
        if carries {
            self.begun.insert(block);
        } else if self.begun.contains(&block) && self.last_text.get(&block.choice) == Some(&block) {
            self.append(block);
        }
        self.writer.forward(chunk, &mut self.out);
    }

    fn append(&mut self, block: BlockId) {
        if let Some(more) = self.changes.appended.get(&block.choice)
            && self.appended.insert(block.choice)
        {
            self.writer.text_delta(block, more, &mut self.out);
        }
    }

    fn release(&mut self, choice: u32) {
        let changes = self.changes;
        match self.last_text.get(&choice) {
            Some(block) => self.append(*block),
            None => {
                if let Some(more) = changes.appended.get(&choice) {
                    self.writer.text_block(choice, more, &mut self.out);
                }
            }
        }
        let held = self.held.remove(&choice).unwrap_or_default();
        for (block, _) in &held {
            if changes.dropped.contains(block) {
                self.writer.drop_block(*block, true);
            }
        }
        for notice in changes.notices.get(&choice).into_iter().flatten() {
            self.writer.text_block(choice, notice, &mut self.out);
        }
        for (block, frames) in held {
            if changes.dropped.contains(&block) {
                continue;
            }
            if let Some(input) = changes.inputs.get(&block) {
                self.writer
                    .replace_input(block, frames, input, &mut self.out);
                continue;
            }
            for frame in frames {
                self.writer.forward(frame, &mut self.out);
            }
        }
    }
}

fn parts(chunk: &Chunk) -> &[Part] {
    chunk.event().map_or(&[], |event| event.parts())
}
