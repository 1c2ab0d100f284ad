use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Response, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};

use super::{Chunk, Form, StreamEnd, end_of};
use crate::{BoxError, Dialect, reject::Rejection};

/// Changes a reply on its way: holds chunks while something is awaited, replaces, inserts, drops, cuts.
///
/// Whatever is to go out is put into the [`Outbox`]; a chunk that is neither sent on nor kept is dropped. What is kept
/// when the provider fails, or the client leaves, is never sent.
pub trait Rewriter {
    /// Asked before more is read, and again whenever it has woken the task. `Pending` holds the reply back: nothing more
    /// is read until it is `Ready`. What is awaited is polled here, also while reading goes on; so are timers, such as
    /// the one that sends a sign of life.
    fn poll_ready(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        let _ = (cx, out);
        Poll::Ready(())
    }

    /// A chunk has come.
    fn on_chunk(&mut self, chunk: Chunk, out: &mut Outbox);

    /// All has come. `Ready` when all that was kept has been sent or dropped.
    fn poll_finish(&mut self, cx: &mut Context<'_>, out: &mut Outbox) -> Poll<()> {
        let _ = (cx, out);
        Poll::Ready(())
    }

    /// The reply is over. Told once. Runs inside `Drop` if the client left: it must not block and must not panic.
    fn on_end(self, end: StreamEnd)
    where
        Self: Sized,
    {
        let _ = end;
    }
}

/// Where a [`Rewriter`] puts what is to go out.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Chunk>,
    cut: Option<Option<Rejection>>,
}

impl Outbox {
    /// Sends a chunk, after those sent before.
    pub fn send(&mut self, chunk: Chunk) {
        if self.cut.is_none() {
            self.queue.push_back(chunk);
        }
    }

    /// Ends the reply here, after what was sent, and cancels what lies below. The reply must be well-formed by then.
    pub fn end(&mut self) {
        self.cut.get_or_insert(None);
    }

    /// Ends the reply here with a refusal, after what was sent, and cancels what lies below.
    pub fn cut(&mut self, rejection: Rejection) {
        self.cut.get_or_insert(Some(rejection));
    }
}

/// A reply that a [`Rewriter`] works on.
///
/// A cut speaks as in [`Tap`](super::Tap).
#[pin_project(PinnedDrop)]
#[derive(Debug)]
pub struct Rewrite<B, R: Rewriter> {
    #[pin]
    inner: Option<B>,
    /// What is left of a reply of our own.
    local: VecDeque<Chunk>,
    rewriter: Option<R>,
    out: Outbox,
    /// The end that is told as soon as the outbox is empty.
    end: Option<(StreamEnd, Option<BoxError>)>,
    form: Form,
    events: u64,
    /// The first event that went out, where a cut has more to say with it.
    first: Option<Chunk>,
    terminal: bool,
}

impl<B, R> Rewrite<B, R>
where
    B: Body<Data = Chunk>,
    R: Rewriter,
{
    /// Puts a response through a rewriter.
    pub fn over(response: Response<B>, rewriter: R) -> Response<Self> {
        let form = Form::of(&response);
        let (mut head, body) = response.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, Self::new(Some(body), Some(rewriter), form))
    }

    /// A reply of our own, which nobody rewrites: for [`Rejection::respond`].
    pub fn local(chunk: Chunk) -> Self {
        Self::answer([chunk])
    }

    /// A reply of our own in several chunks, which nobody rewrites: for [`Answer::chunks`](crate::reply::Answer::chunks).
    pub fn answer(chunks: impl IntoIterator<Item = Chunk>) -> Self {
        let mut body = Self::new(None, None, Form::Opaque);
        body.local.extend(chunks);
        body
    }

    fn new(inner: Option<B>, rewriter: Option<R>, form: Form) -> Self {
        let out = Outbox::default();
        Self {
            inner,
            local: VecDeque::new(),
            rewriter,
            out,
            end: None,
            form,
            events: 0,
            first: None,
            terminal: false,
        }
    }
}

impl<B, R> Body for Rewrite<B, R>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
    R: Rewriter,
{
    type Data = Chunk;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, BoxError>>> {
        let mut this = self.project();
        if let Some(chunk) = this.local.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        loop {
            // What is to go out goes first; with the last of it, the end is told.
            if let Some(chunk) = this.out.queue.pop_front() {
                if let (0, Form::Stream(Dialect::Responses)) = (*this.events, *this.form) {
                    *this.first = Some(chunk.clone());
                }
                *this.events += 1;
                *this.terminal |= chunk.is_terminal();
                if let (true, Some((end, None))) = (this.out.queue.is_empty(), &this.end) {
                    tell(this.rewriter, *end);
                }
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
            }
            if let Some((end, error)) = this.end {
                tell(this.rewriter, *end);
                return Poll::Ready(error.take().map(Err));
            }
            let Some(rewriter) = this.rewriter.as_mut() else {
                return Poll::Ready(None);
            };
            let mut waits = false;
            if let Some(mut inner) = this.inner.as_mut().as_pin_mut() {
                if rewriter.poll_ready(cx, this.out).is_ready() && this.out.cut.is_none() {
                    match inner.as_mut().poll_frame(cx) {
                        Poll::Pending => waits = true,
                        Poll::Ready(polled) => {
                            let end = end_of(inner.as_ref().get_ref(), polled.as_ref());
                            match polled {
                                Some(Ok(frame)) => {
                                    // Trailers are dropped: they describe a body that is another one now.
                                    if let Ok(chunk) = frame.into_data() {
                                        if chunk.refusal().is_some() {
                                            // Cut further in: nobody's to change, and the last there is.
                                            this.out.send(chunk);
                                            *this.end = Some((StreamEnd::Failed, None));
                                            this.inner.set(None);
                                        } else {
                                            rewriter.on_chunk(chunk, this.out);
                                        }
                                    }
                                }
                                Some(Err(error)) => {
                                    *this.end = Some((StreamEnd::Failed, Some(error.into())));
                                }
                                None => {}
                            }
                            if end.is_some() {
                                this.inner.set(None);
                            }
                        }
                    }
                } else {
                    waits = true;
                }
            }
            if this.inner.is_none() && this.end.is_none() && this.out.cut.is_none() {
                match rewriter.poll_finish(cx, this.out) {
                    Poll::Ready(()) => *this.end = Some((StreamEnd::Complete, None)),
                    Poll::Pending => waits = true,
                }
            }
            if let Some(rejection) = this.out.cut.take() {
                this.inner.set(None);
                *this.end = Some(match (rejection, *this.form) {
                    (None, _) => (StreamEnd::Cut, None),
                    (Some(rejection), Form::Stream(dialect)) => {
                        let sent = *this.events + this.out.queue.len() as u64;
                        let first = this.first.as_ref().or(this.out.queue.front());
                        let last = rejection.last_event_of(dialect, sent, first);
                        this.out.queue.push_back(last);
                        (StreamEnd::Cut, None)
                    }
                    (Some(rejection), Form::Whole(_) | Form::Opaque) => {
                        (StreamEnd::Cut, Some(rejection.into()))
                    }
                });
            } else if waits && this.out.queue.is_empty() {
                return Poll::Pending;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let at_end = match &self.end {
            Some((_, error)) => error.is_none(),
            // Not even begun: only a reply of our own can be over.
            None => self.rewriter.is_none(),
        };
        at_end && self.local.is_empty() && self.out.queue.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // A reply of our own is all here; of another, only its end is known.
        if self.local.is_empty() && !self.is_end_stream() {
            return SizeHint::default();
        }
        let lengths = self.local.iter().map(|chunk| chunk.bytes().len() as u64);
        SizeHint::with_exact(lengths.sum())
    }
}

fn tell<R: Rewriter>(rewriter: &mut Option<R>, end: StreamEnd) {
    if let Some(rewriter) = rewriter.take() {
        rewriter.on_end(end);
    }
}

#[pinned_drop]
impl<B, R: Rewriter> PinnedDrop for Rewrite<B, R> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let end = if *this.terminal {
            StreamEnd::Complete
        } else {
            StreamEnd::Dropped
        };
        tell(this.rewriter, end);
    }
}
