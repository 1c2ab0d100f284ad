//! An upstream that fails again and again is left alone for a while.
//!
//! [`Breakers`] keeps a circuit for each upstream and model. It is told what came of every attempt, and says whether the next may be made:
//!
//! | state | when | what happens |
//! |---|---|---|
//! | closed | usually | everything passes |
//! | open | [`failures`](Settings::failures) or more within [`window`](Settings::window), and half of all attempts or more; or the provider said for how long it wants to be left alone, and there are others | nothing passes, and who asks is told when to come again |
//! | half open | the time is over | one attempt passes: if it succeeds the circuit is closed, if it fails it is open again, for twice as long |
//!
//! **What counts as a failure**: that it cannot be reached; 500, 502, 503, 504 and 529; and, if [`slow`](Settings::slow) is set, that it took longer until the head of
//! the reply. A 429 says that somebody asks too often: it is a failure if
//! the credential is one that all share, and means nothing otherwise. A failure with a `retry-after` opens the circuit at once, for as long as it says, where another
//! upstream can be asked; where none can, the client is told by the provider itself, and its SDK knows what to do. All other 4xx are the client's own. If the client leaves before anything has come,
//! that is neither a failure nor a success, unless it waited longer than `slow`.
//!
//! Whoever chooses among upstreams asks it through [`Admit`]: [`Upstreams`](https://docs.rs/luthien-tower) takes the next one that
//! a route names. [`BreakerLayer`] stands before a single provider.
//!
//! ```
//! use http::{Request, StatusCode};
//! use luthien::{breaker::{BreakerLayer, Breakers, Settings}, gate};
//! use luthien_core::testing::{Provider, Reply, send};
//! use tower::Layer;
//!
//! let settings = Settings { failures: 2, ..Settings::default() };
//! let failing = Reply::json(&"{}".into(), 0).with_status(StatusCode::BAD_GATEWAY);
//! let provider = Provider::new([failing]);
//! let service = gate(BreakerLayer::new("anthropic", Breakers::new(settings))).layer(provider.clone());
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let ask = || Request::post("/v1/chat/completions").body(r#"{"model":"m"}"#.into()).unwrap();
//! assert_eq!(send(&service, ask()).await.status(), 502);
//! assert_eq!(send(&service, ask()).await.status(), 502);
//! // Now it is left alone.
//! let response = send(&service, ask()).await;
//! assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"5".parse().unwrap()));
//! assert_eq!(provider.seen().len(), 2);
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Replies pass untouched, streamed or whole: what happens after the head is not this layer's to judge.

mod circuit;
mod layer;
mod registry;
#[cfg(test)]
mod tests;

pub use circuit::{Settings, State};
pub use layer::{Breaker, BreakerFuture, BreakerLayer};
pub use luthien_core::upstream::{Admit, Outcome};
pub use registry::{Breakers, Circuit};
