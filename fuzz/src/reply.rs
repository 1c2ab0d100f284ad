//! Replies: the same bytes and the same words, however the network cut them.

use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::Body;
use luthien_core::{
    Dialect,
    body::{Chunk, Decoded, Form, ReplyLimits},
    json::{Document, Limits},
    reply::{Assembler, BlockId, Part, ReplyBlock, Usage},
    sse::Fields,
    testing::{ScriptedBody, Step},
};

use crate::{Dice, cuttings};

/// What an assembler may hold, by cutting: little, so that the bound is met.
const HELD: [usize; 5] = [600, 200, 100, 50, 20];

pub fn check(dialect: Dialect, data: &[u8]) {
    let cuttings = cuttings(data, &mut Dice::of(data));
    for form in [Form::Stream(dialect), Form::Whole(dialect), Form::Opaque] {
        // Only a stream is cut anew; of the others, in one piece and in three is enough.
        let step = if form == Form::Stream(dialect) { 1 } else { 3 };
        let mut first = None;
        for (index, pieces) in cuttings.iter().enumerate().step_by(step) {
            let mut heard = Heard::of(pieces, form, index % 2 == 0, HELD[index]);
            assert_eq!(heard.bytes, data, "the bytes that came, as {form:?}");
            heard.bytes.clear();
            match &first {
                None => first = Some(heard),
                Some(first) => assert_eq!(&heard, first, "{form:?} in {pieces:?}"),
            }
        }
    }
}

/// What a room makes of a reply.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    bytes: Vec<u8>,
    /// Of each event that says something, what it says; whether it is the last, ambiguous, unreadable.
    events: Vec<(Vec<String>, [bool; 3])>,
    blocks: Vec<ReplyBlock>,
    usage: Usage,
    words: usize,
    error: Option<String>,
}

impl Heard {
    fn of(pieces: &[Bytes], form: Form, hint: bool, held: usize) -> Self {
        let mut steps = Vec::new();
        for piece in pieces {
            steps.extend([Step::Data(piece.clone()), Step::Wait]);
        }
        let body = ScriptedBody::new(steps).with_hint(hint);
        let mut body = pin!(Decoded::new(body, form, ReplyLimits::default()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut heard = Self::default();
        let (mut assembler, mut small) = (Assembler::new(usize::MAX), Some(Small::new(held)));
        let mut first = true;
        loop {
            match body.as_mut().poll_frame(&mut cx) {
                Poll::Pending => {}
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(error))) => {
                    heard.error = Some(error.to_string());
                    break;
                }
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(chunk) = frame.into_data() else {
                        panic!("only data comes through");
                    };
                    assert!(!chunk.bytes().is_empty());
                    heard.hear(&chunk, form, first, &mut assembler);
                    small = small.and_then(|small| small.hear(&chunk));
                    first = false;
                }
            }
        }
        assert!(body.is_end_stream(), "it has ended");
        let Poll::Ready(None) = body.as_mut().poll_frame(&mut cx) else {
            panic!("it goes on after its end");
        };
        heard.blocks.extend(assembler.finish());
        heard
    }

    fn hear(&mut self, chunk: &Chunk, form: Form, first: bool, assembler: &mut Assembler) {
        self.bytes.extend_from_slice(chunk.bytes());
        assert!(chunk.words() <= chunk.bytes().len());
        self.words += chunk.words();
        if let Some(usage) = chunk.usage() {
            self.usage.update(usage);
        }
        let Some(event) = chunk.event() else {
            assert_eq!(form, Form::Opaque);
            return;
        };
        if let Form::Stream(dialect) = form {
            let data = Fields::read(chunk.bytes(), first);
            let json = data
                .data()
                .map(|data| Document::parse(data.clone(), &Limits::default()).is_ok());
            assert_eq!(
                event.is_unreadable(),
                json == Some(false) && !event.is_terminal()
            );
            assert!(json.is_some() || event.parts().is_empty(), "without data");
            // To be looked for without decoding, words must be spelt as providers spell them.
            if !chunk.bytes().contains(&b'\\') {
                assert_eq!(chunk.is_terminal(), event.is_terminal(), "{dialect}");
            }
            assert!(event.is_terminal() || !chunk.is_terminal());
        }
        let parts: Vec<_> = event
            .parts()
            .iter()
            .map(|part| format!("{part:?}"))
            .collect();
        if !parts.is_empty() {
            let flags = [
                event.is_terminal(),
                event.is_ambiguous(),
                event.is_unreadable(),
            ];
            self.events.push((parts, flags));
        }
        assembler.push(event, &mut self.blocks).unwrap();
        stated(event.parts(), &self.blocks, matches!(form, Form::Whole(_)));
    }
}

/// What a dialect repeats whole is found among the blocks, word for word; of a whole reply, nothing else is.
fn stated(parts: &[Part], blocks: &[ReplyBlock], only: bool) {
    let mut last = BTreeMap::new();
    for part in parts {
        if let Part::BlockStop {
            block,
            whole: Some(head),
        } = part
        {
            last.insert(*block, head);
        }
    }
    for (id, head) in &last {
        let block = blocks
            .iter()
            .rev()
            .find(|block| block.block == *id)
            .unwrap();
        let text = head.text.as_ref().map(|text| text.decode());
        assert_eq!(block.text, text.unwrap_or_default());
        assert_eq!(block.kind, head.kind);
        assert_eq!(
            block.name,
            head.name.as_ref().map(|name| name.decode().into_owned())
        );
    }
    assert!(!only || blocks.iter().all(|block| last.contains_key(&block.block)));
}

/// An assembler that may hold little.
struct Small {
    assembler: Assembler,
    limit: usize,
    held: BTreeMap<BlockId, usize>,
}

impl Small {
    fn new(limit: usize) -> Self {
        Self {
            assembler: Assembler::new(limit),
            limit,
            held: BTreeMap::new(),
        }
    }

    /// `None` once it has said that it holds too much.
    fn hear(mut self, chunk: &Chunk) -> Option<Self> {
        let mut finished = Vec::new();
        self.assembler.push(chunk.event()?, &mut finished).ok()?;
        for block in finished {
            let length = [&block.id, &block.name, &block.signature]
                .into_iter()
                .flatten()
                .chain([&block.text, &block.input])
                .map(String::len)
                .sum();
            self.held.insert(block.block, length);
        }
        let held: usize = self.held.values().sum();
        assert!(held <= self.limit, "it holds {held} bytes");
        Some(self)
    }
}
