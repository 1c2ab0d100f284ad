//! The provider: where a request goes, with which credential, and what comes back.
//!
//! [`Upstreams`] is the innermost service: below it there is only the network. It chooses by dialect and model from
//! named upstreams, tries the next one that a route names if the first cannot be reached or is overloaded (before the
//! first byte only), and relays what comes back with status, headers and bytes. What does not belong on the other side is taken off both
//! ways: see [`headers`].
//!
//! ```no_run
//! use http::Request;
//! use luthien::{Dialect, gate, upstream::{Credential, Upstream, Upstreams}};
//! use tower::{Layer, ServiceExt, layer::util::Identity};
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstreams = Upstreams::builder()
//!     .upstream(Upstream::new("anthropic", "https://api.anthropic.com")?.with_dialects([Dialect::Anthropic]))
//!     .upstream(
//!         Upstream::new("local", "http://127.0.0.1:11434")?
//!             .with_dialects([Dialect::Chat])
//!             .with_credential(Credential::bearer("not needed")),
//!     )
//!     .route(["claude-*"], ["anthropic"])
//!     .build()?;
//! let proxy = gate(Identity::new()).layer(upstreams);
//!
//! let request = Request::post("/v1/messages").header("x-api-key", "…").body(Full::<Bytes>::from("{}"))?;
//! let response = proxy.oneshot(request).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Redirects are not followed. A reply to a call that comes compressed although none was asked for is unpacked, so that
//! no layer is blind; what is relayed unread stays packed. When a client leaves, dropping the future or the body closes
//! the connection to the provider (HTTP/1) or resets its stream (HTTP/2), before the first byte as well.
//!
//! HTTP/1 is spoken unless [`Upstream::with_http2`] says otherwise: an HTTP/2 connection carries only as many streams as
//! the provider allows, about a hundred, and more would wait in line behind generations that take minutes.

mod attempt;
mod client;
pub mod headers;
mod select;
mod service;
#[cfg(test)]
mod tests;

pub use client::UpstreamBody;
pub use select::{Credential, Upstream, UpstreamError};
pub use service::{Builder, Upstreams};
