//! Policies: what may be asked, said and done.
//!
//! A policy is one screen of code. It says what it watches, and answers with a verdict:
//!
//! ```
//! use luthien::policy::{Context, Denial, Policy, PolicyError, ToolCall, Verdict, Watches};
//!
//! /// Nobody deploys on a Friday.
//! struct NoDeploys;
//!
//! impl Policy for NoDeploys {
//!     fn watches(&self) -> Watches {
//!         Watches::TOOL_CALLS
//!     }
//!
//!     async fn on_tool_call(&self, call: &ToolCall, _cx: &Context) -> Result<Verdict, PolicyError> {
//!         if call.name() != "deploy" {
//!             return Ok(Verdict::Allow);
//!         }
//!         let denial = Denial::new("friday", "nobody deploys on a Friday").with_remedy("ask again on Monday");
//!         Ok(Verdict::Block(denial))
//!     }
//! }
//!
//! # use http::Request;
//! # use luthien::{gate, policy::{Entry, PolicyLayer, PolicySet}};
//! # use luthien_core::testing::{Provider, Reply, send};
//! # use tower::Layer;
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! // In place of the provider of a test, any service that speaks like one.
//! let provider = Provider::new([Reply::json(
//!     &r#"{"content":[{"type":"tool_use","id":"t","name":"deploy","input":{}}],"stop_reason":"tool_use"}"#.into(),
//!     0,
//! )]);
//! let layer = PolicyLayer::new(PolicySet::new(vec![Entry::new("no-deploys", NoDeploys)]));
//! let service = gate(layer).layer(provider);
//!
//! let request = Request::post("/v1/messages").body(r#"{"model":"claude-opus-5-5","messages":[]}"#.into()).unwrap();
//! let reply = send(&service, request).await.into_body().unwrap();
//! let reply = String::from_utf8(reply.to_vec()).unwrap();
//! assert!(reply.contains("nobody deploys on a Friday"), "{reply}");
//! assert!(reply.contains(r#""stop_reason":"end_turn""#));
//! assert!(!reply.contains("tool_use"));
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A policy never sees a chunk. The engine alone owns the stream: it lets go at once what nobody watches, holds what
//! somebody must judge, keeps the client alive meanwhile, numbers blocks without gaps, keeps tool calls last and the stop
//! reason true. What is allowed leaves as the bytes that came.
//!
//! # What is held, and until when
//!
//! Agents run a tool call as soon as its block ends, whatever follows. So nothing of a call leaves before its verdict; and
//! since no text may stand behind a call, the calls of one reply leave together, once the last of them is judged, behind
//! the explanation of those that were blocked. Text and thinking flow meanwhile. A reply in which nothing is watched is
//! not held for a moment.
//!
//! # When a policy fails
//!
//! A panic, a lateness, an error, an answer that cannot be: each is a failure, and [`Fail`] says what it means. A failure
//! is recorded as one, never as something that passed. While a policy panics over and over, what it should judge is
//! refused.
//!
//! # When it ends
//!
//! A reply that ends well ends with all its verdicts. If the provider reports an error, or is lost, what has not been
//! judged goes nowhere. If the client leaves, judges are dropped where they wait, and what lies below is cancelled.
//!
//! # Alone
//!
//! The layer needs the two gates, as every layer here; see [`gate()`](luthien_core::gate::gate()).

mod ask;
#[cfg(feature = "policies")]
mod cel;
mod context;
#[cfg(feature = "secrets")]
pub mod detect;
#[cfg(feature = "guards")]
pub mod effects;
mod engine;
mod entry;
mod exchange;
mod hooks;
mod judge;
#[cfg(feature = "policies")]
mod known;
mod layer;
mod ledger;
mod mask;
mod models;
mod notice;
mod panics;
#[cfg(feature = "policies")]
mod parallel;
#[cfg(feature = "policies")]
pub mod policies;
#[cfg(feature = "policies")]
mod registry;
mod request;
mod run;
mod session;
mod set;
mod shadow;
mod subject;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod verdict;
mod window;

#[cfg(feature = "policies")]
pub use cel::{When, WhenError};
pub use context::Context;
pub use engine::Engine;
pub use entry::{Condition, Entry, Fail};
pub use exchange::PolicyBody;
pub use hooks::{Policy, Watches};
pub use layer::{Policies, PolicyLayer};
pub use luthien_core::decision::{
    Consulted, Coverage, Decision, DecisionSink, Exchange, Failure, Inspected, Look, Mode, Outcome,
    Phase, Severity, Skip, Vote,
};
pub use models::{
    Answer, CallerCredential, JudgeCredential, JudgeError, JudgeModel, JudgeOver, Question,
};
#[cfg(feature = "policies")]
pub use parallel::{Decide, Parallel};
#[cfg(feature = "policies")]
pub use registry::{BuildError, Builtin, builtins, find};
pub use session::{PastDecision, Sessions, StateError};
pub use set::{PolicySet, PolicySettings};
pub use subject::{ReplyEnd, Text, ToolCall};
pub use verdict::{Denial, PolicyError, RequestVerdict, Verdict};
pub use window::{TextEditor, TextEdits};
