//! How large a request may be, and the repair of two mistakes that clients are known to make.
//!
//! Bytes, nesting and keys that stand twice are the outer gate's to count, where they arrive
//! ([`ParseLayer`](luthien_core::gate::ParseLayer)). This layer counts what they mean: messages, content blocks, tools.
//! Two different tools of one name are refused: a rule about one would be a rule about the other.
//!
//! A client that sends the *same* definition twice, or a tool result whose call was compacted away, is refused by
//! Anthropic for the rest of the conversation. With [`Repair`] the superfluous part is removed, every other byte stays,
//! and what was done is written into the response's extensions as [`Repairs`]. Other dialects are never touched.
//!
//! ```
//! use http::Request;
//! use luthien::{Dialect, gate, limit::LimitLayer};
//! use luthien_core::testing::{Provider, send};
//! use tower::Layer;
//!
//! let provider = Provider::default();
//! let service = gate(LimitLayer::new().with_messages(1)).layer(provider.clone());
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let ask = |messages: &str, tools: &str| {
//!     let body = format!(r#"{{"messages":[{messages}],"tools":[{tools}]}}"#);
//!     Request::post("/v1/messages").body(body.into()).unwrap()
//! };
//! let response = send(&service, ask("{},{}", "")).await;
//! assert_eq!(response.status(), 413);
//!
//! send(&service, ask("{}", r#"{"name":"Read"}, {"name":"Read"}"#)).await;
//! assert_eq!(provider.seen()[0].body.as_deref(), Some(&br#"{"messages":[{}],"tools":[{"name":"Read"}]}"#[..]));
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The layer does not touch replies; when one ends, or if the client leaves, is nothing to it.

mod layer;
mod repair;
#[cfg(test)]
mod tests;

pub use layer::{Limit, LimitLayer};
pub use luthien_core::facts::Repairs;
pub use repair::Repair;
