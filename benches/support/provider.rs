use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{Either, Full, StreamBody};
use tower::Service;

/// A provider in memory that does as little as it can. It does let everybody wait once before its head and before each
/// event, as a network does: what a layer does while it waits is part of its cost.
#[derive(Clone)]
pub(crate) struct Provider {
    frames: Arc<[Bytes]>,
    stream: bool,
}

impl Provider {
    /// Answers with these frames, or with the only one of them as a whole.
    pub(crate) fn new(frames: Arc<[Bytes]>, stream: bool) -> Self {
        Self { frames, stream }
    }
}

type Reply = Either<StreamBody<Events>, Full<Bytes>>;

impl<B> Service<Request<B>> for Provider {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Answer {
        let (kind, body) = if self.stream {
            let events = Events {
                frames: self.frames.clone(),
                next: 0,
                waited: false,
            };
            ("text/event-stream", Either::Left(StreamBody::new(events)))
        } else {
            let whole = self.frames.first().cloned().unwrap_or_default();
            ("application/json", Either::Right(Full::new(whole)))
        };
        let mut response = Response::new(body);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Answer {
            response: Some(response),
            waited: false,
        }
    }
}

/// The future of [`Provider`].
pub(crate) struct Answer {
    response: Option<Response<Reply>>,
    waited: bool,
}

impl Future for Answer {
    type Output = Result<Response<Reply>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match wait(&mut self.waited, cx).map(|()| self.response.take()) {
            Poll::Ready(Some(response)) => Poll::Ready(Ok(response)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// The frames of a streamed reply.
pub(crate) struct Events {
    frames: Arc<[Bytes]>,
    next: usize,
    waited: bool,
}

impl Stream for Events {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        wait(&mut self.waited, cx).map(|()| {
            let frame = self.frames.get(self.next).cloned()?;
            self.next += 1;
            Some(Ok(Frame::data(frame)))
        })
    }
}

/// Pending every other time.
fn wait(waited: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    if mem::replace(waited, !*waited) {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
