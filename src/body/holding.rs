use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

/// A body that keeps a guard (a permit, a counter, a connection's mark) until it is over: a generation is not over
/// when its head has arrived. The guard is dropped at the end of the body or with it, whichever comes first.
#[pin_project]
#[derive(Debug)]
pub struct Holding<B, G> {
    #[pin]
    inner: B,
    guard: Option<G>,
}

impl<B, G> Holding<B, G> {
    /// Keeps `guard` for as long as `inner` lasts.
    pub fn new(inner: B, guard: G) -> Self {
        Self {
            inner,
            guard: Some(guard),
        }
    }
}

impl<B: Body, G> Body for Holding<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        if let Poll::Ready(polled) = &polled
            && super::end_of(this.inner.as_ref().get_ref(), polled.as_ref()).is_some()
        {
            this.guard.take();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
