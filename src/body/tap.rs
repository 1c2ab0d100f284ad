use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Response, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};

use super::{Chunk, Form, StreamEnd, end_of};
use crate::{BoxError, reject::Rejection};

/// Watches a reply go by. What it holds (a permit, a reservation) it holds until the reply is over.
pub trait Observe {
    /// A chunk is about to go out.
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        let _ = chunk;
        Flow::Forward
    }

    /// Asked whenever nothing comes: answers when the reply must be cut although nothing came, as a deadline does.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let _ = cx;
        Poll::Pending
    }

    /// The last of the reply has come: the terminal event of a stream, a reply that is not streamed, or the end of whatever
    /// else it is. It goes out when this is ready; until then the client sees a reply that is not over yet. Asked again
    /// until it is ready, and then never again. Not asked if the reply breaks off, is cut here, or is not wanted any more.
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
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

/// Watches if it is there.
impl<O: Observe> Observe for Option<O> {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        self.as_mut()
            .map_or(Flow::Forward, |observer| observer.on_chunk(chunk))
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        self.as_mut()
            .map_or(Poll::Pending, |observer| observer.poll_cut(cx))
    }

    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.as_mut()
            .map_or(Poll::Ready(()), |observer| observer.poll_last(cx))
    }

    fn on_end(self, end: StreamEnd) {
        if let Some(observer) = self {
            observer.on_end(end);
        }
    }
}

/// What an observer wants done with a chunk.
#[derive(Debug)]
pub enum Flow {
    /// Let it go out.
    Forward,
    /// Do not: end the reply with this refusal, and cancel what lies below.
    Cut(Rejection),
}

/// A reply under observation: the body that every room answers with.
///
/// A cut says its last words in the caller's dialect if the reply is a stream. If it is not, its head has promised
/// something else, and an error breaks the transfer off: a client must see that it is not whole.
#[pin_project(PinnedDrop, project = Projected)]
pub struct Tap<B: Body, O: Observe> {
    #[pin]
    inner: Option<B>,
    /// The only chunk of a reply of our own.
    local: Option<Chunk>,
    observer: Option<O>,
    form: Form,
    events: u64,
    terminal: bool,
    /// The last that has come, until the observer lets it go.
    last: Option<Last<B::Error>>,
    /// Whether it was let go.
    is_last: bool,
}

/// What was polled, and the end that it is.
type Last<E> = (Option<Result<Frame<Chunk>, E>>, Option<StreamEnd>);

impl<B, O> Tap<B, O>
where
    B: Body<Data = Chunk>,
    O: Observe,
{
    /// Puts a response under observation.
    pub fn over(response: Response<B>, observer: O) -> Response<Self> {
        let form = Form::of(&response);
        let (mut head, body) = response.into_parts();
        if let Form::Stream(_) = form {
            // A cut would break the promise.
            head.headers.remove(CONTENT_LENGTH);
        }
        let mut tap = Self {
            inner: Some(body),
            local: None,
            observer: Some(observer),
            form,
            events: 0,
            terminal: false,
            last: None,
            is_last: false,
        };
        if tap.inner.as_ref().is_some_and(Body::is_end_stream) {
            tell(&mut tap.observer, StreamEnd::Complete);
        }
        Response::from_parts(head, tap)
    }

    /// A reply of our own, which nobody needs to observe: for [`Rejection::respond`].
    pub fn local(chunk: Chunk) -> Self {
        Self {
            inner: None,
            local: Some(chunk),
            observer: None,
            form: Form::Opaque,
            events: 0,
            terminal: false,
            last: None,
            is_last: false,
        }
    }
}

impl<B: Body, O: Observe> std::fmt::Debug for Tap<B, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap")
            .field("form", &self.form)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

fn tell<O: Observe>(observer: &mut Option<O>, end: StreamEnd) {
    if let Some(observer) = observer.take() {
        observer.on_end(end);
    }
}

impl<B, O> Projected<'_, B, O>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
    O: Observe,
{
    fn let_go(
        mut self,
        polled: Option<Result<Frame<Chunk>, B::Error>>,
        end: Option<StreamEnd>,
    ) -> Poll<Option<Result<Frame<Chunk>, BoxError>>> {
        let frame = polled.as_ref().and_then(|polled| polled.as_ref().ok());
        if let Some(chunk) = frame.and_then(Frame::data_ref) {
            *self.events += 1;
            *self.terminal |= chunk.is_terminal();
        }
        if let Some(end) = end {
            tell(self.observer, end);
        }
        if let None | Some(Err(_)) = polled {
            self.inner.set(None);
        }
        Poll::Ready(polled.map(|polled| polled.map_err(Into::into)))
    }
}

impl<B, O> Body for Tap<B, O>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
    O: Observe,
{
    type Data = Chunk;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, BoxError>>> {
        let mut this = self.project();
        if let Some(last) = this.last.take() {
            let observer = this.observer.as_mut();
            if observer.is_some_and(|observer| observer.poll_last(cx).is_pending()) {
                *this.last = Some(last);
                return Poll::Pending;
            }
            *this.is_last = true;
            let (polled, end) = last;
            return this.let_go(polled, end);
        }
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(this.local.take().map(|chunk| Ok(Frame::data(chunk))));
        };
        let rejection = match inner.as_mut().poll_frame(cx) {
            // What has come goes before a deadline that fires at the same moment.
            Poll::Pending => match this.observer.as_mut().map(|observer| observer.poll_cut(cx)) {
                Some(Poll::Ready(rejection)) => rejection,
                Some(Poll::Pending) | None => return Poll::Pending,
            },
            Poll::Ready(polled) => {
                let end = end_of(inner.as_ref().get_ref(), polled.as_ref());
                let chunk = polled
                    .as_ref()
                    .and_then(|polled| polled.as_ref().ok()?.data_ref());
                // Cut further in: that it ends in order does not make it complete.
                let cut = chunk.is_some_and(|chunk| chunk.refusal().is_some());
                let end = if cut { Some(StreamEnd::Failed) } else { end };
                let flow = match (chunk, this.observer.as_mut()) {
                    (Some(chunk), Some(observer)) => observer.on_chunk(chunk),
                    _ => Flow::Forward,
                };
                match flow {
                    Flow::Cut(rejection) => rejection,
                    Flow::Forward => {
                        let is_sound = !matches!(polled, Some(Err(_)));
                        let is_last = end.is_some()
                            || chunk.is_some_and(Chunk::is_terminal)
                            || matches!(this.form, Form::Whole(_));
                        if is_sound && is_last && !*this.is_last {
                            let observer = this.observer.as_mut();
                            if observer.is_some_and(|observer| observer.poll_last(cx).is_pending())
                            {
                                *this.last = Some((polled, end));
                                return Poll::Pending;
                            }
                            *this.is_last = true;
                        }
                        return this.let_go(polled, end);
                    }
                }
            }
        };
        // Cancels the upstream at once.
        this.inner.set(None);
        tell(this.observer, StreamEnd::Cut);
        Poll::Ready(Some(match this.form {
            Form::Stream(dialect) => Ok(Frame::data(rejection.last_event(*dialect, *this.events))),
            Form::Whole(_) | Form::Opaque => Err(rejection.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        if self.last.is_some() {
            return false;
        }
        match (&self.inner, &self.local) {
            (Some(inner), _) => inner.is_end_stream(),
            (None, local) => local.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.local) {
            (Some(_), _) if matches!(self.form, Form::Stream(_)) || self.last.is_some() => {
                SizeHint::default()
            }
            (Some(inner), _) => inner.size_hint(),
            (None, local) => {
                SizeHint::with_exact(local.as_ref().map_or(0, |chunk| chunk.bytes().len() as u64))
            }
        }
    }
}

#[pinned_drop]
impl<B: Body, O: Observe> PinnedDrop for Tap<B, O> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let end = if *this.terminal {
            StreamEnd::Complete
        } else {
            StreamEnd::Dropped
        };
        tell(this.observer, end);
    }
}
