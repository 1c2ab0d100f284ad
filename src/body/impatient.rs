use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::StreamEnd;
use crate::BoxError;

/// How long somebody is willing to wait: a timer of whatever runtime there is.
pub trait Patience {
    /// Asked whenever nothing comes; answers when it has lasted too long since [`renew`](Self::renew).
    fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<BoxError>;

    /// Something has come.
    fn renew(&mut self);

    /// All has come.
    fn ended(&mut self) {}
}

/// A body that is not waited for for ever: for requests, whose senders may drip or stop. Knows as much about its end
/// and length as the body inside.
#[pin_project]
#[derive(Debug)]
pub struct Impatient<B, P> {
    #[pin]
    inner: B,
    patience: P,
}

impl<B, P> Impatient<B, P> {
    /// Waits for `inner` as long as `patience` lasts.
    pub fn new(inner: B, patience: P) -> Self {
        Self { inner, patience }
    }
}

impl<B, P> Body for Impatient<B, P>
where
    B: Body,
    B::Error: Into<BoxError>,
    P: Patience,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        match this.inner.as_mut().poll_frame(cx) {
            Poll::Ready(polled) => {
                this.patience.renew();
                let end = super::end_of(this.inner.as_ref().get_ref(), polled.as_ref());
                if end == Some(StreamEnd::Complete) {
                    this.patience.ended();
                }
                Poll::Ready(polled.map(|polled| polled.map_err(Into::into)))
            }
            Poll::Pending => this.patience.poll_lost(cx).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
