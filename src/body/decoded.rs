use std::{
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
    sse::{EventTooLong, Framer},
};

/// How much of a reply may be in memory at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// The longest event of a stream, in bytes; 8 MiB unless told otherwise. A longer one ends the reply.
    pub event: usize,
    /// The longest reply that is not streamed, in bytes; 64 MiB unless told otherwise. A longer one is broken off.
    pub whole: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self {
            event: 8 << 20,
            whole: 64 << 20,
        }
    }
}

/// The provider's bytes as chunks: of a stream, one for each event; of a whole reply, one for all of it; of an opaque
/// reply, the frames as they are. All chunks together are the bytes that came.
///
/// A stream that ends without its terminal event is lost, even if the connection was closed in order: the body ends in
/// [`Truncated`], for a clean end would be taken for a complete answer. After the terminal event it is the other way
/// round: what goes wrong then hurts nobody. Trailers are dropped.
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
    /// Whether the reply may end here.
    complete: bool,
}

impl Stream {
    fn chunk(&mut self, frame: Bytes) -> Chunk {
        let chunk = Chunk::frame(self.dialect, frame, self.events == 0);
        self.events += 1;
        self.complete |= chunk.is_terminal() || self.dialect.may_do_without_terminal(chunk.bytes());
        chunk
    }

    /// The next event of what has come.
    fn next(&mut self) -> Result<Option<Chunk>, EventTooLong> {
        Ok(self.framer.next_frame()?.map(|frame| self.chunk(frame)))
    }

    /// What is left when all has come.
    fn rest(&mut self) -> Option<Chunk> {
        self.framer.finish().map(|frame| self.chunk(frame))
    }

    fn too_long(&self, error: EventTooLong) -> Chunk {
        Rejection::new(RejectionKind::BadUpstream, error.to_string())
            .with_code("event_too_long")
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
                    complete: false,
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
                        let last = stream.too_long(error);
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
                    let lost = !stream.complete;
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
                    let harmless = matches!(this.state, State::Stream(stream) if stream.complete);
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
