//! The vocabulary of Luthien: LLM requests and replies as Tower layers see them, byte for byte.
//!
//! One **exchange** is one request to a model and its reply. Between two gates, rooms see it parsed: requests as
//! [`LlmBody`](request::LlmBody), replies as bodies of [`Chunk`](body::Chunk)s.
//!
//! - [`gate`]: the two gates. [`gate::gate`] packs a layer between them, for any axum, hyper or tower service.
//! - [`request`]: what a client asks; [`reply`]: what a model answers; [`dialect`]: how each is written.
//! - [`body`]: bodies that watch or change a reply, and how a stream ends.
//! - [`decision`]: what policies decided.
//! - [`reject`]: refusals that the client's SDK understands.
//! - [`facts`]: what one layer finds out and another wants to know.
//! - [`upstream`]: whether a provider may be asked.
//! - [`json`], [`sse`]: reading without changing.
//!
//! The crate does no IO and knows no runtime. The layers themselves are in `luthien-tower`.
#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::cast_possible_truncation,
        reason = "a test that panics has failed, as it should"
    )
)]

pub mod body;
pub mod decision;
pub mod dialect;
pub mod facts;
pub mod gate;
pub mod json;
pub mod reject;
pub mod reply;
pub mod request;
pub mod sse;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod upstream;

pub use dialect::Dialect;

/// Any error, as bodies carry it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
