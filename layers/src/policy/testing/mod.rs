//! For authors of policies: what would happen, said in a few lines.
//!
//! A [`Case`] is a request and what the model answers to it. [`run`](Case::run) plays it in every dialect, streamed and
//! whole, cut at random in many ways, and fails unless the client sees the same each time and every reply keeps the rules of
//! its dialect. So a test that passes says more than it shows:
//!
//! ```
//! use luthien::policy::{
//!     Context, Denial, Outcome, Policy, PolicyError, ToolCall, Verdict, Watches, testing::Case,
//! };
//! use serde_json::json;
//!
//! /// Nothing is deleted outside of `/tmp`.
//! struct OnlyTemporary;
//!
//! impl Policy for OnlyTemporary {
//!     fn watches(&self) -> Watches {
//!         Watches::TOOL_CALLS
//!     }
//!
//!     async fn on_tool_call(&self, call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
//!         if call.name() != "delete" {
//!             return Ok(Verdict::Allow);
//!         }
//!         let arguments = call.arguments().ok_or_else(|| PolicyError::new("no JSON"))?;
//!         let path = arguments.get("path").and_then(|path| path.as_str());
//!         Ok(match path {
//!             Some(path) if path.starts_with("/tmp/") => Verdict::Allow,
//!             _ => Verdict::Block(Denial::new("not_temporary", "only /tmp may be cleaned up")),
//!         })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let seen = Case::new(OnlyTemporary)
//!     .reply_text("I tidy up.")
//!     .reply_tool_call("delete", json!({ "path": "/tmp/a" }))
//!     .reply_tool_call("delete", json!({ "path": "/home/ann" }))
//!     .run()
//!     .await;
//! assert_eq!(seen.tool_calls(), [("delete".to_owned(), json!({ "path": "/tmp/a" }))]);
//! assert!(seen.text().contains("only /tmp may be cleaned up"));
//! assert_eq!(seen.stop_reason(), "tool_use");
//! assert_eq!(seen.outcomes(), [Outcome::Allow, Outcome::Block]);
//! # }
//! ```
//!
//! What a policy says of requests is tested alike: [`request`](Case::request) is the request, and
//! [`Seen::upstream_request`] what the provider got of it. Conversations of several turns are played with
//! [`then`](Case::then).

mod case;
mod provider;
mod seen;
#[cfg(test)]
mod tests;

pub use case::Case;
pub use seen::Seen;
