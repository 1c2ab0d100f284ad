//! Bodies: the only place in the tree where frames are polled.
//!
//! How a stream ends is the question everybody answers wrongly once, so it is answered here and nowhere else. A body
//! ends in one of seven ways: it was at its end when it was made; it answers `None`; an error; trailers; a frame after
//! which [`is_end_stream`](http_body::Body::is_end_stream) is true, so that servers do not ask again; a cut of our own;
//! it is dropped. Whoever watches is told once, at the first of them, as a [`StreamEnd`].
//!
//! | body | of | does |
//! |---|---|---|
//! | [`LlmBody`](crate::request::LlmBody) | a request | sends the call's bytes, or streams |
//! | [`Decoded`] | a reply, innermost | cuts frames at event boundaries: one frame, one event |
//! | [`Tap`] | a reply, in a room that watches | shows each [`Chunk`] to an [`Observe`]r, which may cut |
//! | [`Rewrite`] | a reply, in a room that changes it | hands each [`Chunk`] to a [`Rewriter`], which holds, replaces, inserts, drops, cuts |
//! | [`Plain`] | a reply, outermost | turns chunks back into bytes |
//! | [`Holding`] | any | keeps a guard alive for as long as the body |
//! | [`Impatient`] | a request from the network | fails when nothing comes for too long |

mod chunk;
mod decoded;
mod holding;
mod impatient;
mod plain;
mod request;
mod rewrite;
mod tap;
#[cfg(test)]
mod tests;

pub use chunk::Chunk;
pub use decoded::{Decoded, ReplyLimits, Truncated};
pub use holding::Holding;
pub use impatient::{Impatient, Patience};
pub use plain::Plain;
pub use rewrite::{Outbox, Rewrite, Rewriter};
pub use tap::{Flow, Observe, Tap};

use http_body::{Body, Frame};

use crate::Dialect;

/// How a body ended, told to each observer once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamEnd {
    /// All of it went out; or its client left after the terminal event, with all it came for.
    Complete,
    /// What lies below failed: the provider was lost, a limit was exceeded.
    Failed,
    /// The observer cut it.
    Cut,
    /// Nobody wanted more: the client left before the end, or an observer further out cut.
    Dropped,
}

/// How a reply came. Lies in the response's extensions, put there by the inner gate; a response without it is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Not read.
    Opaque,
    /// A stream of events.
    Stream(Dialect),
    /// One JSON text; it arrives as a single chunk.
    Whole(Dialect),
}

impl Form {
    /// The form of a response.
    pub fn of<B>(response: &http::Response<B>) -> Self {
        response.extensions().get().copied().unwrap_or(Self::Opaque)
    }
}

/// Whether `polled`, which `body` has just answered, is the end of it, and which.
fn end_of<B: Body>(
    body: &B,
    polled: Option<&Result<Frame<B::Data>, B::Error>>,
) -> Option<StreamEnd> {
    match polled {
        None => Some(StreamEnd::Complete),
        Some(Err(_)) => Some(StreamEnd::Failed),
        // Servers stop polling here too: on trailers, and when the length is known.
        Some(Ok(frame)) => {
            (frame.is_trailers() || body.is_end_stream()).then_some(StreamEnd::Complete)
        }
    }
}
