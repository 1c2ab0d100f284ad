use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{
    BoxError,
    request::{LlmBody, Repr},
};

/// Sends a call as one frame, of known length, and keeps nothing of it; an opaque body frame by frame.
impl Body for LlmBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Repr::Opaque(body) = &mut self.0 {
            let frame = ready!(Pin::new(body).poll_frame(cx));
            if frame.is_none() {
                self.take();
            }
            return Poll::Ready(frame);
        }
        Poll::Ready(match self.take() {
            Repr::Call(call) => Some(Ok(Frame::data(call.bytes().clone()))),
            Repr::Opaque(_) | Repr::Empty => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Repr::Call(_) => false,
            Repr::Opaque(body) => body.is_end_stream(),
            Repr::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Repr::Call(call) => SizeHint::with_exact(call.bytes().len() as u64),
            Repr::Opaque(body) => body.size_hint(),
            Repr::Empty => SizeHint::with_exact(0),
        }
    }
}
