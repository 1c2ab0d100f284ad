use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::HeaderMap;
use luthien_core::{
    decision::{Exchange, Mode, Phase},
    reply::BlockId,
    request::LlmRequest,
};

use super::{
    Context, Policy, PolicyError, ReplyEnd, RequestVerdict, Text, TextEditor, ToolCall, Verdict,
    Watches, panics::Breaker,
};

/// A policy in its place: under which name, when, how strictly, and what its failure means.
#[derive(Clone)]
pub struct Entry {
    pub(crate) policy: Arc<dyn AnyPolicy>,
    pub(crate) watches: Watches,
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) fail: Fail,
    pub(crate) deadline: Duration,
    pub(crate) condition: Option<Arc<dyn Condition>>,
    pub(crate) system: bool,
    pub(crate) breaker: Arc<Breaker>,
}

/// What it means when a policy fails: panics, is late, cannot judge, answers nonsense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fail {
    /// What it was to judge is refused.
    #[default]
    Closed,
    /// It passes; the record says that nobody looked.
    Open,
}

/// When a policy applies.
pub trait Condition: Send + Sync {
    /// Whether it does, here. `call` is there when a tool call is judged.
    ///
    /// # Errors
    ///
    /// If it cannot be said. Then the policy applies, and the operator is told so, once in the exchange.
    fn holds(&self, exchange: &Exchange, call: Option<&ToolCall>) -> Result<bool, PolicyError>;

    /// Whether it speaks of a tool call: then it holds for tool calls only.
    fn is_about_calls(&self) -> bool;
}

impl Entry {
    /// A policy under this name: enforced, closed when it fails, with a deadline of five seconds.
    pub fn new(name: impl Into<Arc<str>>, policy: impl Policy) -> Self {
        Self {
            watches: policy.watches(),
            policy: Arc::new(policy),
            name: name.into(),
            version: "".into(),
            mode: Mode::Enforce,
            fail: Fail::Closed,
            deadline: Duration::from_secs(5),
            condition: None,
            system: false,
            breaker: Arc::default(),
        }
    }

    /// Another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What changes whenever the policy or its settings do.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.version = version.into();
        self
    }

    /// How much its verdicts weigh.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What its failure means.
    #[must_use]
    pub fn with_fail(mut self, fail: Fail) -> Self {
        self.fail = fail;
        self
    }

    /// How long it may take for one thing.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// When it applies. Always, unless told otherwise.
    #[must_use]
    pub fn with_condition(mut self, condition: impl Condition + 'static) -> Self {
        self.condition = Some(Arc::new(condition));
        self
    }

    /// It comes with the system: whoever administers policies at run time cannot take it away.
    #[must_use]
    pub fn with_system(mut self) -> Self {
        self.system = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes whenever the policy or its settings do.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How much its verdicts weigh.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it cannot be taken away at run time.
    pub fn is_system(&self) -> bool {
        self.system
    }

    /// Whether it applies to the exchange, as far as one can say without knowing a call.
    pub(crate) fn may_apply(&self, exchange: &Exchange) -> Result<bool, PolicyError> {
        match &self.condition {
            Some(condition) if !condition.is_about_calls() => condition.holds(exchange, None),
            _ => Ok(true),
        }
    }

    /// Whether it applies to the subject, of an exchange to which it may apply.
    pub(crate) fn applies_to(
        &self,
        exchange: &Exchange,
        subject: &Subject,
    ) -> Result<bool, PolicyError> {
        match (&self.condition, subject) {
            (Some(condition), Subject::Call(call)) if condition.is_about_calls() => {
                condition.holds(exchange, Some(call))
            }
            (Some(condition), _) => Ok(!condition.is_about_calls()),
            (None, _) => Ok(true),
        }
    }

    /// Whether what it refuses, or fails at, is kept from the client.
    pub(crate) fn is_enforced(&self) -> bool {
        self.mode == Mode::Enforce
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("mode", &self.mode)
            .field("fail", &self.fail)
            .field("deadline", &self.deadline)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

/// What of a reply is judged.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Call(ToolCall),
    Text(Text),
    Thinking(Text),
}

impl Subject {
    pub(crate) fn watch(&self) -> Watches {
        match self {
            Self::Call(_) => Watches::TOOL_CALLS,
            Self::Text(_) => Watches::TEXT,
            Self::Thinking(_) => Watches::THINKING,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self {
            Self::Call(_) => Phase::ToolCall,
            Self::Text(_) => Phase::Text,
            Self::Thinking(_) => Phase::Thinking,
        }
    }

    pub(crate) fn block(&self) -> BlockId {
        match self {
            Self::Call(call) => call.block(),
            Self::Text(text) | Self::Thinking(text) => text.block,
        }
    }

    pub(crate) fn tool(&self) -> Option<Arc<str>> {
        match self {
            Self::Call(call) => Some(call.shared_name()),
            Self::Text(_) | Self::Thinking(_) => None,
        }
    }

    pub(crate) fn content(&self) -> Arc<str> {
        match self {
            Self::Call(call) => call.shared_input(),
            Self::Text(text) | Self::Thinking(text) => text.text.as_str().into(),
        }
    }

    /// The same with other content, if it can have any.
    pub(crate) fn with_content(&self, content: &str) -> Option<Self> {
        match self {
            Self::Call(call) => {
                let is_object = |input: &str| {
                    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(input)
                        .is_ok()
                };
                let changed = call.with_input(content);
                // What was an object must stay one, and must be read in one way only.
                let sound = !is_object(call.input())
                    || (is_object(changed.input()) && !changed.is_ambiguous());
                sound.then_some(Self::Call(changed))
            }
            Self::Text(text) => Some(Self::Text(Text {
                block: text.block,
                text: content.to_owned(),
            })),
            Self::Thinking(_) => None,
        }
    }
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Policy`] of any type.
pub(crate) trait AnyPolicy: Send + Sync {
    fn judge<'a>(
        &'a self,
        subject: &'a Subject,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Verdict, PolicyError>>;

    fn request<'a>(
        &'a self,
        request: &'a LlmRequest,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<RequestVerdict, PolicyError>>;

    fn head(&self, headers: &mut HeaderMap, cx: &Context);

    fn editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>>;

    fn end(&self, end: &ReplyEnd, cx: &Context) -> Option<String>;
}

impl<P: Policy> AnyPolicy for P {
    fn judge<'a>(
        &'a self,
        subject: &'a Subject,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Verdict, PolicyError>> {
        // A hook may panic before it returns its future: inside, that is caught like any other.
        match subject {
            Subject::Call(call) => Box::pin(async move { self.on_tool_call(call, cx).await }),
            Subject::Text(text) => Box::pin(async move { self.on_text(text, cx).await }),
            Subject::Thinking(text) => Box::pin(async move { self.on_thinking(text, cx).await }),
        }
    }

    fn request<'a>(
        &'a self,
        request: &'a LlmRequest,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<RequestVerdict, PolicyError>> {
        Box::pin(async move { self.on_request(request, cx).await })
    }

    fn head(&self, headers: &mut HeaderMap, cx: &Context) {
        self.on_head(headers, cx);
    }

    fn editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>> {
        self.text_editor(cx)
    }

    fn end(&self, end: &ReplyEnd, cx: &Context) -> Option<String> {
        self.on_end(end, cx)
    }
}
