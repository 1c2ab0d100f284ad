//! The table of endings: every way in which a body ends, with and without the hint, asked as servers ask.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;

use super::{ScriptedBody, Step};
use crate::{
    Dialect,
    body::{Chunk, Flow, Observe, Outbox, Rewriter, StreamEnd},
    reject::{Rejection, RejectionKind},
};

/// The ways in which a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was over when it was made.
    Birth,
    /// It ends after its last frame. With the hint, that is known with the last frame: a server does not ask again.
    Last,
    /// It fails.
    Error,
    /// Its trailers come.
    Trailers,
    /// The observer cuts it at its second chunk.
    Cut,
    /// Its client leaves in the middle.
    Drop,
    /// Its client leaves after the terminal event, before the end.
    DropAfterTerminal,
}

impl Ending {
    const ALL: [Self; 7] = [
        Self::Birth,
        Self::Last,
        Self::Error,
        Self::Trailers,
        Self::Cut,
        Self::Drop,
        Self::DropAfterTerminal,
    ];

    fn expected(self) -> StreamEnd {
        match self {
            Self::Birth | Self::Last | Self::Trailers | Self::DropAfterTerminal => {
                StreamEnd::Complete
            }
            Self::Error => StreamEnd::Failed,
            Self::Cut => StreamEnd::Cut,
            Self::Drop => StreamEnd::Dropped,
        }
    }

    fn steps(self) -> Vec<Step<Chunk>> {
        let chunk = |text: &'static [u8]| {
            Step::Data(Chunk::event_of(
                Dialect::Anthropic,
                Bytes::from_static(text),
            ))
        };
        let ping = || chunk(b"data: {\"type\":\"ping\"}\n\n");
        let stop = || chunk(b"data: {\"type\":\"message_stop\"}\n\n");
        match self {
            Self::Birth => vec![],
            Self::Last | Self::Cut => vec![ping(), Step::Wait, ping(), stop()],
            Self::Error => vec![ping(), Step::Wait, Step::Fail],
            Self::Trailers => vec![ping(), Step::Wait, stop(), Step::Trailers(HeaderMap::new())],
            Self::Drop => vec![ping(), Step::Hang],
            Self::DropAfterTerminal => vec![ping(), stop(), Step::Hang],
        }
    }
}

/// An observer (or rewriter) that notes which end it is told, and cuts when the table says so.
#[derive(Debug)]
pub struct Witness {
    told: Arc<Mutex<Vec<StreamEnd>>>,
    chunks: usize,
    cut_at: Option<usize>,
}

impl Witness {
    fn tell(&self, end: StreamEnd) {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(end);
    }

    fn cuts(&mut self) -> Option<Rejection> {
        self.chunks += 1;
        (self.cut_at == Some(self.chunks))
            .then(|| Rejection::new(RejectionKind::Internal, "cut by the table"))
    }
}

impl Observe for Witness {
    fn on_chunk(&mut self, _: &Chunk) -> Flow {
        self.cuts().map_or(Flow::Forward, Flow::Cut)
    }

    fn on_end(self, end: StreamEnd) {
        self.tell(end);
    }
}

impl Rewriter for Witness {
    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox) {
        match self.cuts() {
            Some(rejection) => out.cut(rejection),
            None => out.send(chunk),
        }
    }

    fn on_end(self, end: StreamEnd) {
        self.tell(end);
    }
}

/// Plays every ending, with and without the hint, through the body that `wrap` makes, once as servers read (they stop
/// as soon as they know of the end) and once to the very end.
///
/// `wrap` must hand the witness to an observer or rewriter inside what it makes.
///
/// # Panics
///
/// If the witness is not told the right end exactly once.
pub fn check<B: Body>(wrap: impl Fn(ScriptedBody<Chunk>, Witness) -> B) {
    for ending in Ending::ALL {
        for hint in [false, true] {
            for server in [false, true] {
                let told = Arc::new(Mutex::new(Vec::new()));
                let witness = Witness {
                    told: told.clone(),
                    chunks: 0,
                    cut_at: (ending == Ending::Cut).then_some(2),
                };
                let body = ScriptedBody::new(ending.steps()).with_hint(hint);
                {
                    let body = pin!(wrap(body, witness));
                    read(body, server);
                }
                let told = told.lock().unwrap_or_else(PoisonError::into_inner);
                assert_eq!(
                    *told,
                    [ending.expected()],
                    "{ending:?}, hint: {hint}, as servers read: {server}"
                );
            }
        }
    }
}

/// Reads until the end or until nothing comes, as hyper's server does if `server`.
fn read<B: Body>(mut body: Pin<&mut B>, server: bool) {
    let mut cx = Context::from_waker(Waker::noop());
    if server && body.is_end_stream() {
        return;
    }
    let mut waits = 0;
    loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Ready(None) => return,
            Poll::Ready(Some(Err(_))) if server => return,
            Poll::Ready(Some(Ok(frame)))
                if server && (frame.is_trailers() || body.is_end_stream()) =>
            {
                return;
            }
            Poll::Ready(Some(_)) => {}
            // `Wait` is pending once; what is pending longer hangs, and the client leaves.
            Poll::Pending if waits > 2 => return,
            Poll::Pending => waits += 1,
        }
    }
}
