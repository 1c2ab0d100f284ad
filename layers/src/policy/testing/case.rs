use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{Extensions, Request};
use luthien_core::{
    Dialect,
    decision::{Decision, DecisionSink, Exchange, Severity},
    facts::{Caller, Purpose, SessionId, UserId},
    gate::gate,
    reply::Usage,
    testing::{Provider, send},
};
use serde_json::{Value, json};
use tower_layer::Layer;

use super::{
    provider::{Said, Script},
    seen::Seen,
};
use crate::policy::{
    Answer, CallerCredential, Entry, JudgeError, JudgeModel, Policy, PolicyLayer, PolicySet,
    PolicySettings, Question, panics::Breaker,
};

/// A request, what the model answers to it, and policies between them. See the [module docs](super).
#[derive(Debug)]
#[must_use = "nothing happens before it is run"]
pub struct Case {
    entries: Vec<Entry>,
    settings: PolicySettings,
    dialects: Vec<Dialect>,
    request: Value,
    facts: Extensions,
    /// What the model has answered in earlier turns.
    earlier: Vec<Script>,
    script: Script,
    judge: Option<Judging>,
    times: usize,
}

/// How a reply is asked for and comes, and in how many ways it is cut.
const WAYS: [(bool, u64); 2] = [(false, 2), (true, 6)];

impl Case {
    /// A case for one policy, enforced and closed when it fails.
    pub fn new(policy: impl Policy) -> Self {
        Self::of([Entry::new("policy", policy)])
    }

    /// A case for policies in their places.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            settings: PolicySettings::default(),
            dialects: Dialect::ALL.to_vec(),
            request: json!({
                "model": "test-model",
                "max_tokens": 1000,
                "messages": [{ "role": "user", "content": "Hello" }],
            }),
            facts: Extensions::new(),
            earlier: Vec::new(),
            script: Script::default(),
            judge: None,
            times: 1,
        }
    }

    /// Other settings of the set.
    pub fn settings(mut self, settings: PolicySettings) -> Self {
        self.settings = settings;
        self
    }

    /// Only in this dialect.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialects = vec![dialect];
        self
    }

    /// The request, with plain texts as messages:
    /// `{"model": …, "messages": [{"role": "user", "content": "Hi"}]}`. For Responses, `messages` and `max_tokens` get the
    /// names that they have there. Everything else goes as it is; if it belongs to one dialect only, name
    /// [it](Self::dialect). `stream` is set by the kit.
    pub fn request(mut self, request: Value) -> Self {
        self.request = request;
        self
    }

    /// The model thinks.
    pub fn reply_thinking(mut self, text: impl Into<String>) -> Self {
        self.script.said.push(Said::Thinking(text.into()));
        self
    }

    /// The model writes.
    pub fn reply_text(mut self, text: impl Into<String>) -> Self {
        self.script.said.push(Said::Text(text.into()));
        self
    }

    /// The model calls a tool.
    pub fn reply_tool_call(mut self, name: impl Into<String>, input: Value) -> Self {
        self.script.said.push(Said::Call(name.into(), input));
        self
    }

    /// The reply ends because the limit of tokens was reached.
    pub fn reply_cut_short(mut self) -> Self {
        self.script.cut_short = true;
        self
    }

    /// What a model answers whom a policy asks: an object, or why it does not answer.
    pub fn judge<F>(mut self, answer: F) -> Self
    where
        F: Fn(&Question) -> Result<Value, JudgeError> + Send + Sync + 'static,
    {
        self.judge = Some(Judging(Arc::new(answer)));
        self
    }

    /// The client runs the calls that it got and asks on with their results; what the model then answers is what
    /// follows. What is seen is the last turn. For conversations without a name, see [`session`](Self::session).
    pub fn then(mut self) -> Self {
        let turn = self.script.turn + 1;
        let earlier = std::mem::take(&mut self.script);
        self.earlier.push(earlier);
        self.script.turn = turn;
        self
    }

    /// In this conversation.
    pub fn session(mut self, name: &str) -> Self {
        self.facts.insert(SessionId(name.into()));
        self
    }

    /// For this purpose.
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.facts.insert(purpose);
        self
    }

    /// From this caller.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.facts.insert(caller);
        self
    }

    /// On behalf of this person.
    pub fn user(mut self, user: UserId) -> Self {
        self.facts.insert(user);
        self
    }

    /// So often, one after the other, with one memory of conversations. What is seen is the last.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times.max(1);
        self
    }

    /// Plays it in every way, and answers what the client saw, which is the same in all of them.
    ///
    /// # Panics
    ///
    /// If it is not the same, or a reply breaks a rule of its dialect.
    pub async fn run(self) -> Seen {
        let mut seen: Vec<Seen> = Vec::new();
        for dialect in &self.dialects {
            for (stream, cuts) in WAYS {
                for seed in 0..cuts {
                    let played = self.play(*dialect, stream, seed).await;
                    seen.iter().for_each(|seen| seen.assert_same(&played));
                    // One of each form is enough to compare with.
                    if seed == 0 {
                        seen.push(played);
                    }
                }
            }
        }
        seen.into_iter().next().unwrap_or_default()
    }

    async fn play(&self, dialect: Dialect, stream: bool, seed: u64) -> Seen {
        let noted: Arc<Noted> = Arc::default();
        let entries = self.entries.iter().map(|entry| Entry {
            // What panicked in an earlier run is not to be tripped in this one.
            breaker: Arc::new(Breaker::default()),
            ..entry.clone()
        });
        let set = PolicySet::new(entries.collect())
            .with_settings(self.settings.clone())
            .with_sink(noted.clone());
        let set = match &self.judge {
            Some(judge) => set.with_judge(judge.clone()),
            None => set,
        };
        let last = std::iter::repeat_n(&self.script, self.times);
        let turns: Vec<&Script> = self.earlier.iter().chain(last).collect();
        let replies = turns
            .iter()
            .map(|script| script.reply(dialect, stream, seed));
        let provider = Provider::new(replies);
        let service = gate(PolicyLayer::new(set)).layer(provider.clone());
        let way = format!(
            "{dialect}, {}, cut {seed}",
            if stream { "streamed" } else { "whole" }
        );

        let mut history = Vec::new();
        for _ in &self.earlier {
            let answered = send(&service, self.sent(dialect, stream, &history)).await;
            let form = (dialect, stream);
            let seen = Seen::read(way.clone(), form, Some(answered), None, &noted);
            history.extend(seen.carried_on());
        }
        let mut answered = None;
        for _ in 0..self.times {
            noted.clear();
            answered = Some(send(&service, self.sent(dialect, stream, &history)).await);
        }
        // Those who judge in shadow have their turn.
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
        let asked = provider.seen();
        // Where the last exchange did not come to the provider, there is one less.
        let asked = asked
            .get(turns.len() - 1)
            .and_then(|seen| seen.body.clone());
        Seen::read(way, (dialect, stream), answered, asked, &noted)
    }

    fn sent(&self, dialect: Dialect, stream: bool, history: &[Value]) -> Request<Bytes> {
        let mut body = self.request.clone();
        if let Some(Value::Array(messages)) = body.get_mut("messages") {
            messages.extend_from_slice(history);
        }
        if let Value::Object(body) = &mut body {
            if dialect == Dialect::Responses {
                for (name, there) in [("messages", "input"), ("max_tokens", "max_output_tokens")] {
                    if let Some(value) = body.remove(name) {
                        body.insert(there.to_owned(), value);
                    }
                }
            }
            body.insert("stream".to_owned(), stream.into());
        }
        let mut request = Request::new(body.to_string().into());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static(dialect.path());
        *request.extensions_mut() = self.facts.clone();
        request
    }
}

type Answering = dyn Fn(&Question) -> Result<Value, JudgeError> + Send + Sync;

/// A model in the hands of a test.
#[derive(Clone)]
struct Judging(Arc<Answering>);

impl JudgeModel for Judging {
    async fn ask(&self, question: &Question, _: &CallerCredential) -> Result<Answer, JudgeError> {
        Ok(Answer {
            json: (self.0)(question)?.to_string(),
            usage: Usage::default(),
        })
    }
}

impl fmt::Debug for Judging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judging").finish_non_exhaustive()
    }
}

/// Remembers what was decided and told.
#[derive(Debug, Default)]
pub(super) struct Noted {
    decisions: Mutex<Vec<Decision>>,
    emitted: Mutex<Vec<(Severity, String)>>,
}

impl Noted {
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let decisions = self
            .decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        decisions.clone()
    }

    pub(super) fn emitted(&self) -> Vec<(Severity, String)> {
        let emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        emitted.clone()
    }

    fn clear(&self) {
        self.decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.emitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl DecisionSink for Noted {
    fn decided(&self, _: &Exchange, decision: &Decision) {
        let mut decisions = self
            .decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        decisions.push(decision.clone());
    }

    fn emitted(&self, _: &Exchange, _: &str, severity: Severity, message: &str) {
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        emitted.push((severity, message.to_owned()));
    }
}
