use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::Chunk;
use crate::BoxError;

/// A reply as bytes again: what the outer gate answers with, for servers and layers that ask for [`Bytes`].
#[pin_project]
#[derive(Debug)]
pub struct Plain<B> {
    #[pin]
    inner: Option<B>,
    /// The only chunk of a reply of our own.
    local: Option<Chunk>,
}

impl<B> Plain<B> {
    /// A reply of chunks, as bytes.
    pub fn new(inner: B) -> Self {
        Self {
            inner: Some(inner),
            local: None,
        }
    }

    /// A reply of our own: for [`Rejection::respond`](crate::reject::Rejection::respond).
    pub fn local(chunk: Chunk) -> Self {
        Self {
            inner: None,
            local: Some(chunk),
        }
    }
}

impl<B> Body for Plain<B>
where
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(
                this.local
                    .take()
                    .map(|chunk| Ok(Frame::data(chunk.into_bytes()))),
            );
        };
        let frame = ready!(inner.poll_frame(cx));
        Poll::Ready(frame.map(|frame| Ok(frame.map_err(Into::into)?.map_data(Chunk::into_bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Some(inner) => inner.is_end_stream(),
            None => self.local.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.local) {
            (Some(inner), _) => inner.size_hint(),
            (None, local) => {
                SizeHint::with_exact(local.as_ref().map_or(0, |chunk| chunk.bytes().len() as u64))
            }
        }
    }
}
