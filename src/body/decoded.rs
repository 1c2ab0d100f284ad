use std::{
    collections::BTreeSet,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::{Chunk, Form, end_of};
use crate::{
    BoxError, Dialect,
    reject::{Rejection, RejectionKind},
    reply::{Event, Part},
    sse::{EventTooLong, Framer},
};

/// How much of a reply there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// The longest event of a stream, in bytes; 8 MiB unless told otherwise. A longer one ends the reply.
    pub event: usize,
    /// The longest stream, in bytes; 512 MiB unless told otherwise. A longer one is ended there.
    pub stream: usize,
    /// The longest reply that is not streamed, in bytes; 64 MiB unless told otherwise. A longer one is broken off.
    pub whole: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self {
            event: 8 << 20,
            stream: 512 << 20,
            whole: 64 << 20,
        }
    }
}

/// The provider's bytes as chunks: of a stream, one for each event; of a whole reply, one for all of it; of an opaque
/// reply, the frames as they are. All chunks together are the bytes that came.
///
/// A stream that ends without its terminal event is lost, even if the connection was closed in order: the body ends in
/// [`Truncated`], for a clean end would be taken for a complete answer. (Only Chat's may end in order without it, when
/// all [choices](Self::with_choices) have.) After the terminal event it is the other way round: what goes wrong then
/// hurts nobody. Trailers are dropped.
#[pin_project]
#[derive(Debug)]
pub struct Decoded<B> {
    #[pin]
    inner: Option<B>,
    state: State,
    limits: ReplyLimits,
    /// The only chunk of a reply of our own.
    local: Option<Chunk>,
}

#[derive(Debug)]
enum State {
    Opaque,
    Stream(Stream),
    Whole {
        dialect: Dialect,
        bytes: BytesMut,
    },
    /// Nothing more comes.
    Over,
}

#[derive(Debug)]
struct Stream {
    dialect: Dialect,
    framer: Framer,
    events: u64,
    /// How many bytes have come, of how many that may.
    bytes: usize,
    limit: usize,
    /// Whether the terminal event has come.
    terminal: bool,
    /// How many choices have to end before the stream may end without it.
    choices: u64,
    /// Those that have.
    ended: BTreeSet<u32>,
}

/// What is too long.
enum TooLong {
    Event(EventTooLong),
    Stream { limit: usize },
}

impl Stream {
    fn chunk(&mut self, frame: Bytes) -> Chunk {
        let chunk = Chunk::frame(self.dialect, frame, self.events == 0);
        self.events += 1;
        self.terminal |= chunk.is_terminal();
        chunk
    }

    /// The next event of what has come.
    fn next(&mut self) -> Result<Option<Chunk>, TooLong> {
        let Some(frame) = self.framer.next_frame().map_err(TooLong::Event)? else {
            return Ok(None);
        };
        self.bytes = self.bytes.saturating_add(frame.len());
        if self.bytes > self.limit {
            return Err(TooLong::Stream { limit: self.limit });
        }
        let chunk = self.chunk(frame);
        self.note_ends(&chunk);
        Ok(Some(chunk))
    }

    /// Notes the choices that end with this event.
    fn note_ends(&mut self, chunk: &Chunk) {
        if !self.dialect.may_end_choice(chunk.bytes()) {
            return;
        }
        for part in chunk.event().map_or(&[][..], Event::parts) {
            if let Part::Stop { choice, .. } = part
                && u64::from(*choice) < self.choices
            {
                self.ended.insert(*choice);
            }
        }
    }

    /// Whether an end in order is the end of the reply.
    fn is_complete(&self) -> bool {
        self.terminal || (self.dialect == Dialect::Chat && self.ended.len() as u64 >= self.choices)
    }

    /// What is left when all has come.
    fn rest(&mut self) -> Option<Chunk> {
        self.framer.finish().map(|frame| self.chunk(frame))
    }

    fn too_long(&self, what: &TooLong) -> Chunk {
        let (message, code) = match what {
            TooLong::Event(error) => (error.to_string(), "event_too_long"),
            TooLong::Stream { limit } => (
                format!("the stream is longer than {limit} bytes"),
                "reply_too_long",
            ),
        };
        Rejection::new(RejectionKind::BadUpstream, message)
            .with_code(code)
            .last_event(self.dialect, self.events)
    }
}

impl<B: Body> Decoded<B> {
    /// Reads `body` as a reply of this form.
    pub fn new(body: B, form: Form, limits: ReplyLimits) -> Self {
        let state = match form {
            Form::Opaque => State::Opaque,
            Form::Stream(dialect) => {
                let framer = Framer::new(limits.event);
                State::Stream(Stream {
                    dialect,
                    framer,
                    events: 0,
                    bytes: 0,
                    limit: limits.stream,
                    terminal: false,
                    choices: 1,
                    ended: BTreeSet::new(),
                })
            }
            Form::Whole(dialect) => State::Whole {
                dialect,
                bytes: BytesMut::new(),
            },
        };
        let inner = (!body.is_end_stream()).then_some(body);
        Self {
            inner,
            state,
            limits,
            local: None,
        }
    }

    /// How many choices there will be, if more than one: Chat's `n`.
    #[must_use]
    pub fn with_choices(mut self, choices: u64) -> Self {
        if let State::Stream(stream) = &mut self.state {
            stream.choices = choices.max(1);
        }
        self
    }

    /// A reply of our own: for [`Rejection::respond`].
    pub fn local(chunk: Chunk) -> Self {
        Self {
            inner: None,
            state: State::Over,
            limits: ReplyLimits::default(),
            local: Some(chunk),
        }
    }
}

impl<B> Body for Decoded<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Chunk;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, BoxError>>> {
        let mut this = self.project();
        let yields = |chunk| Poll::Ready(Some(Ok(Frame::data(chunk))));
        loop {
            if let State::Stream(stream) = this.state {
                match stream.next() {
                    Ok(Some(chunk)) => return yields(chunk),
                    Ok(None) => {}
                    Err(error) => {
                        let last = stream.too_long(&error);
                        this.inner.set(None);
                        *this.state = State::Over;
                        return yields(last);
                    }
                }
            }
            let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
                if let State::Stream(stream) = this.state {
                    if let Some(chunk) = stream.rest() {
                        return yields(chunk);
                    }
                    let lost = !stream.is_complete();
                    *this.state = State::Over;
                    return Poll::Ready(lost.then(|| Err(Truncated.into())));
                }
                return Poll::Ready(this.local.take().map(|chunk| Ok(Frame::data(chunk))));
            };
            let polled = ready!(inner.as_mut().poll_frame(cx));
            let last = end_of(inner.as_ref().get_ref(), polled.as_ref()).is_some();
            if last {
                this.inner.set(None);
            }
            let data = match polled {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    let harmless = matches!(this.state, State::Stream(stream) if stream.terminal);
                    *this.state = State::Over;
                    return Poll::Ready((!harmless).then(|| Err(error.into())));
                }
                None => Bytes::new(),
            };
            match this.state {
                State::Stream(stream) => stream.framer.push(data),
                State::Opaque if !data.is_empty() => return yields(Chunk::opaque(data)),
                State::Opaque | State::Over => {}
                State::Whole { dialect, bytes } => {
                    if bytes.len() + data.len() > this.limits.whole {
                        let message =
                            format!("the reply is longer than {} bytes", this.limits.whole);
                        this.inner.set(None);
                        *this.state = State::Over;
                        let rejection = Rejection::new(RejectionKind::BadUpstream, message);
                        return Poll::Ready(Some(Err(rejection
                            .with_code("reply_too_long")
                            .into())));
                    }
                    // The common case, all in one piece, is not copied.
                    let whole = if bytes.is_empty() && last {
                        data
                    } else {
                        bytes.extend_from_slice(&data);
                        if !last {
                            continue;
                        }
                        bytes.split().freeze()
                    };
                    let chunk = Chunk::whole(*dialect, whole);
                    *this.state = State::Over;
                    if !chunk.bytes().is_empty() {
                        return yields(chunk);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        // A stream has yet to say whether it was complete.
        self.inner.is_none() && self.local.is_none() && !matches!(self.state, State::Stream(_))
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.state) {
            (_, State::Stream(_)) => SizeHint::default(),
            (None, _) => SizeHint::with_exact(
                self.local
                    .as_ref()
                    .map_or(0, |chunk| chunk.bytes().len() as u64),
            ),
            (Some(_), State::Whole { bytes, .. }) if !bytes.is_empty() => SizeHint::default(),
            (Some(inner), _) => inner.size_hint(),
        }
    }
}

/// A stream ended without its terminal event.
#[derive(Clone, Copy, Debug)]
pub struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider's stream ended before its last event")
    }
}

impl std::error::Error for Truncated {}
