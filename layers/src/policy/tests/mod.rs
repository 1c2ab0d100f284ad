//! What clients see of replies that policies judge: every dialect, streamed and whole, cut anywhere.

mod calls;
mod coverage;
mod failures;
mod requests;
mod streams;
mod text;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use luthien_core::{
    Dialect,
    facts::{Caller, SessionId},
    gate::gate,
    testing::{
        Provider, Reply,
        protocol::{View, check},
        recorded, request, send,
    },
};
use tower::Layer;

use super::*;

/// A policy made of a function on tool calls.
pub(super) struct OnCalls<F>(pub(super) F);

impl<F> Policy for OnCalls<F>
where
    F: Fn(&ToolCall, &Context) -> Result<Verdict, PolicyError> + Send + Sync + 'static,
{
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::CHANGES
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        (self.0)(call, cx)
    }
}

/// Blocks calls of the tools whose names contain this.
pub(super) fn blocking(tools: &'static str) -> impl Policy {
    OnCalls(move |call: &ToolCall, _: &Context| {
        Ok(if call.name().to_lowercase().contains(tools) {
            Verdict::Block(Denial::new("test", "not here").with_detail("operator's eyes only"))
        } else {
            Verdict::Allow
        })
    })
}

/// Remembers what was decided.
#[derive(Default)]
pub(in crate::policy) struct Noted(Mutex<Vec<Decision>>);

impl Noted {
    pub(in crate::policy) fn all(&self) -> Vec<Decision> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        self.all().iter().map(|decision| decision.outcome).collect()
    }
}

impl DecisionSink for Noted {
    fn decided(&self, _: &Exchange, decision: &Decision) {
        self.0.lock().unwrap().push(decision.clone());
    }
}

/// Policies between a client and a provider that has these replies.
pub(super) struct House {
    pub(super) layer: PolicyLayer,
    pub(super) noted: Arc<Noted>,
}

impl House {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self::with(entries, PolicySettings::default())
    }

    pub(super) fn with(entries: Vec<Entry>, settings: PolicySettings) -> Self {
        let noted: Arc<Noted> = Arc::default();
        let set = PolicySet::new(entries)
            .with_sink(noted.clone())
            .with_settings(settings);
        Self {
            layer: PolicyLayer::new(set),
            noted,
        }
    }

    /// Sends a request of this dialect, to which the provider answers with this.
    pub(super) async fn ask(
        &self,
        dialect: Dialect,
        stream: bool,
        reply: Reply,
    ) -> Response<Result<Bytes, String>> {
        self.send(dialect, request(dialect, stream), Provider::new([reply]))
            .await
    }

    pub(super) async fn send(
        &self,
        dialect: Dialect,
        body: Bytes,
        provider: Provider,
    ) -> Response<Result<Bytes, String>> {
        let request = Request::post(dialect.path())
            .extension(SessionId("s".into()))
            .extension(Caller::Client {
                fingerprint: "c".into(),
            })
            .body(body);
        send(&gate(self.layer.clone()).layer(provider), request.unwrap()).await
    }

    /// What a client sees of a reply, in all ways in which it may arrive: they must agree.
    pub(super) async fn view(&self, dialect: Dialect, stream: bool, reply: &Bytes) -> View {
        let mut seen: Option<View> = None;
        for seed in 0..8 {
            let view = self.view_once(dialect, stream, reply, seed).await;
            assert_eq!(
                seen.get_or_insert_with(|| view.clone()),
                &view,
                "{dialect} {stream} {seed}"
            );
        }
        seen.unwrap()
    }

    pub(super) async fn view_once(
        &self,
        dialect: Dialect,
        stream: bool,
        reply: &Bytes,
        seed: u64,
    ) -> View {
        let script = if stream {
            Reply::events(reply, seed)
        } else {
            Reply::json(reply, seed)
        };
        let response = self.ask(dialect, stream, script).await;
        assert_eq!(response.status(), 200);
        let bytes = response.into_body().unwrap();
        without_ids(check(dialect, stream, &bytes).unwrap_or_else(|error| {
            panic!(
                "{dialect}, streamed: {stream}: {error}\n{}",
                String::from_utf8_lossy(&bytes)
            )
        }))
    }
}

/// The view with the random names of decisions taken out of it.
fn without_ids(mut view: View) -> View {
    for block in &mut view.blocks {
        while let Some(at) = block.text.find("Decision d-") {
            block
                .text
                .replace_range(at..at + "Decision d-000000000000".len(), "<id>");
        }
    }
    view
}

/// The names of the calls that a client sees.
pub(super) fn calls(view: &View) -> Vec<&str> {
    let names = view.blocks.iter().filter_map(|block| block.name.as_deref());
    names.collect()
}

/// All the text that a client sees.
pub(super) fn text(view: &View) -> String {
    view.blocks
        .iter()
        .filter(|block| block.kind == luthien_core::request::BlockKind::Text)
        .map(|block| block.text.as_str())
        .collect()
}

/// Every dialect, streamed and whole, and the recorded reply.
pub(super) fn everywhere() -> impl Iterator<Item = (Dialect, bool, Bytes)> {
    Dialect::ALL.into_iter().flat_map(|dialect| {
        [true, false].map(|stream| (dialect, stream, recorded(dialect, stream)))
    })
}
