//! How often, how many tokens, how many at once.
//!
//! [`RateLayer`] holds every exchange against a list of [`Rule`]s: requests, tokens in, tokens out in a time; exchanges
//! at once; per key, user, session, model or address. Accounts are kept by a [`Ledger`]: in process
//! ([`LocalLedger`]), or shared through Redis (`RedisLedger`, feature `redis`).
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//! use http::Request;
//! use luthien::{gate, rate::{LocalLedger, Per, RateLayer, Rule}};
//! use luthien_core::testing::{Provider, send};
//! use tower::Layer;
//!
//! let two = NonZeroU32::new(2).unwrap();
//! let rules = vec![Rule::requests(Per::Everyone, two, Duration::from_secs(60))];
//! let service = gate(RateLayer::new(LocalLedger::new(rules))).layer(Provider::default());
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let ask = || Request::post("/v1/messages").body("{}".into()).unwrap();
//! let first = send(&service, ask()).await;
//! assert_eq!(first.headers()["ratelimit-policy"], r#""requests-per-everyone-1m";q=2;w=60"#);
//! assert_eq!(first.headers()["ratelimit"], r#""requests-per-everyone-1m";r=1;t=30"#);
//! assert_eq!(send(&service, ask()).await.status(), 200);
//! let third = send(&service, ask()).await;
//! assert_eq!(third.status(), 429);
//! assert_eq!(third.headers()["retry-after"], "30");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A reservation is made before the request goes up and lives as long as the reply. When the reply ends, at whichever
//! of its ends, tokens are settled by what the provider reports. If the client leaves, what came until then is
//! estimated (four bytes of text to a token) unless the provider had reported it. What was used beyond the account is a
//! debt: the next request waits until it is paid. An exchange that the provider refused costs a request and no tokens.
//!
//! Headers: `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers-11 on every reply of a call,
//! `retry-after` on refusals. The provider's own rate headers are left alone.

mod claims;
mod headers;
mod layer;
mod ledger;
mod local;
#[cfg(feature = "redis")]
mod redis;
mod rule;
mod settle;
#[cfg(test)]
mod tests;

pub use layer::{Rate, RateFuture, RateLayer};
pub use ledger::{Claim, Decision, Denied, Grant, Ledger, Standing, Subject, Used};
pub use local::{LocalLedger, MonotonicClock};
#[cfg(feature = "redis")]
pub use redis::{RedisLedger, RedisSettings};
pub use rule::{Measure, Per, Rule};
pub use settle::Settle;
