//! How long a provider may take.
//!
//! Three deadlines, each for all models or by pattern: until the **first byte** of the reply's body, **idle** between
//! events, and in **total**. (How long connecting may take is the upstream's to say.) A deadline that passes before
//! the head is answered with 504. Inside a stream it ends the reply in an error event of the caller's dialect; a reply
//! that is not streamed is broken off, for its head has promised something else. Either way the provider is cancelled
//! at once.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use luthien::{deadline::{DeadlineLayer, Deadlines}, gate, request::LlmBody};
//! use luthien_core::testing::send;
//! use tower::{Layer, service_fn};
//! # use bytes::Bytes;
//!
//! let silent = service_fn(|_: Request<LlmBody>| std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>());
//! let patient = Deadlines { first_byte: Duration::from_secs(600), ..Deadlines::default() };
//! let layer = DeadlineLayer::new(patient)
//!     .with_models("*-mini", Deadlines { first_byte: Duration::from_secs(20), ..patient });
//! let service = gate(layer).layer(silent);
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let request = Request::post("/v1/responses").body(r#"{"model":"gpt-5-mini","input":"hi"}"#.into()).unwrap();
//! let response = send(&service, request).await;
//! assert_eq!(response.status(), 504);
//! assert!(String::from_utf8_lossy(response.body().as_ref().unwrap()).contains("no first byte in 20s"));
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time runs from the call until the reply ends. What comes at the moment of a deadline goes before it. If the client
//! does not read, nobody asks the body, and the deadlines wait with it: a server must bound how long a client may block.

mod layer;
mod observe;
#[cfg(test)]
mod tests;

pub use layer::{Deadline, DeadlineFuture, DeadlineLayer};
pub use observe::Watch;

use std::time::Duration;

/// How long a provider may take. No limit is [`Duration::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the call to the first byte of the reply's body; 10 minutes unless told otherwise.
    pub first_byte: Duration,
    /// Between two events, or two pieces of a body; 5 minutes unless told otherwise.
    pub idle: Duration,
    /// From the call to the end of the reply; an hour unless told otherwise.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            first_byte: minutes(10),
            idle: minutes(5),
            total: minutes(60),
        }
    }
}
