//! A streamed reply, event for event.

mod grammar;
mod release;
mod route;
mod verdicts;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use grammar::Known;
use luthien_core::{
    Dialect,
    body::{Chunk, Outbox, Rewriter},
    reject::Rejection,
    reply::{Assembler, BlockId, Part, StreamWriter, Usage},
};
use tokio::time::{Instant, Sleep};

use super::{
    lane::{Lane, State},
    rejoin::Rejoin,
    roles::subject,
    text::Windows,
    unreadable,
};
use crate::policy::{
    Watches,
    entry::BoxFuture,
    judge::{Judged, pass_over},
    run::Run,
};

/// How long a client waits for a sign of life while something is held.
const QUIET: Duration = Duration::from_secs(9);
/// With so many bytes waiting behind a text that is being judged, no more is read for the time being.
const AHEAD: usize = 256 * 1024;

/// What happens to a streamed reply: a [`Rewriter`].
pub struct Engine {
    run: Arc<Run>,
    writer: StreamWriter,
    assembler: Assembler,
    blocks: BTreeMap<BlockId, Known>,
    /// The messages of the Responses, by number, and whether they are open.
    messages: BTreeMap<u32, bool>,
    /// What was judged, or is being judged.
    told: BTreeSet<BlockId>,
    windows: BTreeMap<BlockId, Windows>,
    /// In the order in which it goes out. What is in front may have to wait, and then all behind it does.
    queue: VecDeque<Item>,
    lanes: BTreeMap<u32, Lane>,
    judging: FuturesUnordered<BoxFuture<'static, (BlockId, Judged)>>,
    /// The frames that end the text block which came last: something may be said before them.
    closing: Option<(BlockId, Vec<Chunk>)>,
    /// The same of a text that was judged whole, and has gone out but for these.
    parting: Option<(BlockId, Vec<Chunk>)>,
    usage: Usage,
    dialect: Dialect,
    /// Whether any frame has come, and whether the reply has begun in one.
    begun: bool,
    started: bool,
    /// What the writer has just made.
    written: Vec<Chunk>,
    rejoin: Rejoin,
    /// How many bytes are held.
    held: usize,
    /// Rings when nothing has gone out for too long. There is none while nothing is held.
    alarm: Option<Pin<Box<Sleep>>>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Reading,
    /// Only policies in the shadow look on: nothing is held, nothing changed.
    Shadow,
    /// What comes passes: a limit was exceeded, and everyone who should have looked has declared that this may be.
    Blind,
    /// The last event was taken in, or the reply was cut.
    Over,
}

enum Item {
    Frame(Chunk),
    /// What ends a text that was judged whole, once more.
    Tail(BlockId, Chunk),
    /// From here on a text says this wherever it is said again.
    Say(BlockId, String),
    /// A text block that is judged whole.
    Text {
        block: BlockId,
        frames: Vec<Chunk>,
        state: State,
    },
    /// The end of a choice, with the frame that says so, if one does.
    Stop {
        choice: u32,
        frame: Option<Chunk>,
        closing: Option<(BlockId, Vec<Chunk>)>,
    },
}

impl Engine {
    pub(crate) fn new(run: Arc<Run>, dialect: Dialect) -> Self {
        let most = run.set.settings.held;
        Self {
            writer: StreamWriter::new(dialect),
            assembler: Assembler::new(most),
            blocks: BTreeMap::new(),
            messages: BTreeMap::new(),
            told: BTreeSet::new(),
            windows: BTreeMap::new(),
            queue: VecDeque::new(),
            lanes: BTreeMap::new(),
            judging: FuturesUnordered::new(),
            closing: None,
            parting: None,
            usage: Usage::default(),
            dialect,
            begun: false,
            started: false,
            written: Vec::new(),
            rejoin: Rejoin::default(),
            held: 0,
            alarm: None,
            phase: if run.watches(Watches::REPLY) {
                Phase::Reading
            } else {
                Phase::Shadow
            },
            run,
        }
    }

    fn watches(&self, watch: Watches) -> bool {
        self.run.watches(watch)
    }

    /// Takes in a frame of at most one block.
    fn piece(&mut self, chunk: Chunk) -> Result<(), Rejection> {
        let first = !std::mem::replace(&mut self.begun, true);
        // Decoded before it is cloned: what is cloned then are handles, and nobody decodes it again.
        let shared = chunk.event().is_some().then(|| chunk.clone());
        let Some(event) = shared.as_ref().and_then(Chunk::event) else {
            self.queue.push_back(Item::Frame(chunk));
            return Ok(());
        };
        if event.is_ambiguous() || event.is_unreadable() || !is_well_framed(chunk.bytes(), first) {
            return Err(unreadable("the provider's reply can be read in two ways"));
        }
        let is_error = |part: &Part| matches!(part, Part::Error { .. });
        if event.parts().iter().any(is_error) {
            self.fail(chunk);
            return Ok(());
        }
        self.note(event)?;
        let mut finished = Vec::new();
        let pushed = self.assembler.push(event, &mut finished);
        if event.is_terminal() {
            finished.extend(self.assembler.finish());
        }
        self.route(chunk, event)?;
        for block in &finished {
            self.finished(block)?;
        }
        let held = self.held + self.windows.values().map(Windows::held).sum::<usize>();
        if pushed.is_err() || held > self.run.set.settings.held {
            return self.exceeded();
        }
        Ok(())
    }

    /// Shows a frame to those in the shadow, and lets it go.
    fn look_on(&mut self, chunk: Chunk, out: &mut Outbox) {
        if let Some(event) = chunk.event() {
            let mut finished = Vec::new();
            let pushed = self.assembler.push(event, &mut finished);
            if event.is_terminal() {
                finished.extend(self.assembler.finish());
            }
            for subject in finished.iter().filter_map(subject) {
                pass_over(&self.run, &subject);
            }
            if pushed.is_err() {
                self.phase = Phase::Blind;
            }
        }
        out.send(chunk);
    }

    fn poll_judging(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        let mut any = false;
        while let Poll::Ready(Some((block, judged))) = self.judging.poll_next_unpin(cx) {
            self.judged(block, judged);
            any = true;
        }
        if any {
            self.advance(out);
        }
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>, out: &mut Outbox) {
        while let Some(alarm) = &mut self.alarm
            && alarm.as_mut().poll(cx).is_ready()
        {
            alarm.as_mut().reset(Instant::now() + QUIET);
            out.send(self.writer.ping());
        }
    }

    fn cut(&mut self, rejection: Rejection, out: &mut Outbox) {
        self.queue.clear();
        self.lanes.clear();
        self.judging.clear();
        self.alarm = None;
        self.phase = Phase::Over;
        out.cut(rejection);
    }

    /// All has come, in order: whatever is still held is judged as it is.
    fn end(&mut self) -> Result<(), Rejection> {
        let finished = self.assembler.finish();
        for block in &finished {
            self.finished(block)?;
        }
        let open: Vec<_> = self
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.stopped)
            .map(|(choice, _)| *choice)
            .collect();
        for choice in open {
            self.stop_choice(choice, None)?;
        }
        self.flush_closing();
        self.flush_parting();
        Ok(())
    }
}

impl Rewriter for Engine {
    fn poll_ready(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        self.poll_judging(cx, out);
        self.poll_alarm(cx, out);
        let waits = self.queue.iter().map(Item::length).sum::<usize>();
        if waits > AHEAD && !self.judging.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
        match self.phase {
            Phase::Over => return,
            Phase::Shadow => return self.look_on(chunk, out),
            Phase::Blind => {
                self.queue.push_back(Item::Frame(chunk));
                return self.advance(out);
            }
            Phase::Reading => {}
        }
        let taken = match self.writer.split(&chunk) {
            None => self.piece(chunk),
            Some(pieces) => {
                self.rejoin.note(&chunk, &pieces);
                pieces.into_iter().try_for_each(|piece| self.piece(piece))
            }
        };
        match taken {
            Ok(()) => self.advance(out),
            Err(rejection) => self.cut(rejection, out),
        }
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        if self.phase == Phase::Reading {
            self.phase = Phase::Over;
            if let Err(rejection) = self.end() {
                self.cut(rejection, out);
            } else {
                self.advance(out);
            }
        }
        self.poll_judging(cx, out);
        self.poll_alarm(cx, out);
        if self.is_holding() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Item {
    fn length(&self) -> usize {
        match self {
            Self::Frame(chunk) | Self::Tail(_, chunk) => chunk.bytes().len(),
            Self::Say(_, text) => text.len(),
            Self::Text { frames, .. } => frames.iter().map(|frame| frame.bytes().len()).sum(),
            Self::Stop { .. } => 0,
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("judging", &self.judging.len())
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

/// Whether every line of a frame is one that all readers take for the same: some forgive a space or a byte order mark in
/// front of a field, or its letter case.
fn is_well_framed(frame: &[u8], first: bool) -> bool {
    // Only in front of all is the mark none of the text's.
    let mark: &[u8] = if first { b"\xEF\xBB\xBF" } else { b"" };
    let frame = frame.strip_prefix(mark).unwrap_or(frame);
    frame
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .all(|line| {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            matches!(name, b"" | b"data" | b"event" | b"id" | b"retry")
        })
}
