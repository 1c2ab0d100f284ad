//! Models that policies ask: what they are asked, and what counts as an answer.

mod over;
mod request;
#[cfg(test)]
mod tests;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use http::{Extensions, HeaderMap};
use luthien_core::{
    Dialect,
    facts::{CREDENTIAL_HEADERS, Caller},
    reply::Usage,
};
use serde_json::Value;

use super::{PolicyError, entry::BoxFuture};

pub use over::JudgeOver;

/// A model that policies may ask, as a judge or for other words. [`JudgeOver`] asks one over the stack's own upstreams.
///
/// A policy reaches it by [`Context::ask_model`](super::Context::ask_model), which records what was asked and answered. A
/// question is never put before policies itself.
pub trait JudgeModel: Send + Sync + 'static {
    /// Asks once. Whoever asks has a deadline, and drops the future when it has passed.
    fn ask(
        &self,
        question: &Question,
        caller: &CallerCredential,
    ) -> impl Future<Output = Result<Answer, JudgeError>> + Send;
}

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The dialect in which it is asked.
    pub dialect: Dialect,
    /// The upstream to ask, by its name in the configuration; else the one that the routes name for the model.
    pub upstream: Option<Arc<str>>,
    /// The model's name.
    pub model: Arc<str>,
    /// Whose credential pays for it.
    pub credential: JudgeCredential,
    /// What it is to do: the operator's words alone. Nothing of what is judged belongs here.
    pub instructions: String,
    /// What is judged: one JSON value, which is sent as text, with everything in it escaped.
    pub content: Value,
    /// The JSON Schema of the answer, which must be an object. The model is made to answer in this form.
    pub answer: Value,
    /// The most tokens it may answer with.
    pub max_tokens: u32,
}

/// Whose credential a question goes up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JudgeCredential {
    /// That of the upstream's configuration.
    #[default]
    Upstream,
    /// That of the client whose exchange is judged. If it came with a key of ours, the upstream's.
    Caller,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One JSON object, in the model's words: which members it has is for whoever asked to check.
    pub json: String,
    /// The tokens it took, as far as the provider says so.
    pub usage: Usage,
}

/// Why there is no answer. For the operator alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// There is no model to ask.
    #[error("no model is set up for policies to ask")]
    Unconfigured,
    /// The provider refused.
    #[error("the model's provider answered with status {0}")]
    Status(u16),
    /// The reply broke off, or could not be read.
    #[error("the model's reply cannot be read: {0}")]
    Unreadable(String),
    /// It answered something else than it was asked for.
    #[error("the model did not answer as it was asked to: {0}")]
    Form(&'static str),
}

impl From<JudgeError> for PolicyError {
    fn from(error: JudgeError) -> Self {
        Self::new(error.to_string()).with_code("judge_unavailable")
    }
}

/// The credential of the client whose exchange is judged, with which it may be asked on its behalf. Does not print.
#[derive(Clone, Default)]
pub struct CallerCredential {
    pub(crate) caller: Option<Caller>,
    pub(crate) headers: HeaderMap,
}

impl CallerCredential {
    /// Takes it from a request: the credential, and what Anthropic wants to see beside a login.
    pub(crate) fn of(sent: &HeaderMap, facts: &Extensions) -> Self {
        let mut headers = HeaderMap::new();
        for name in CREDENTIAL_HEADERS {
            for value in sent.get_all(&name) {
                let mut value = value.clone();
                value.set_sensitive(true);
                headers.append(name.clone(), value);
            }
        }
        let betas = sent.get_all("anthropic-beta").iter();
        let betas = betas.filter_map(|value| value.to_str().ok());
        let login: Vec<_> = betas
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|beta| beta.starts_with("oauth-"))
            .collect();
        if let (false, Ok(login)) = (login.is_empty(), login.join(",").parse()) {
            headers.insert("anthropic-beta", login);
        }
        Self {
            caller: facts.get().cloned(),
            headers,
        }
    }
}

impl fmt::Debug for CallerCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerCredential")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// A [`JudgeModel`] of any type.
pub(crate) trait AnyJudge: Send + Sync {
    fn ask<'a>(
        &'a self,
        question: &'a Question,
        caller: &'a CallerCredential,
    ) -> BoxFuture<'a, Result<Answer, JudgeError>>;
}

impl<J: JudgeModel> AnyJudge for J {
    fn ask<'a>(
        &'a self,
        question: &'a Question,
        caller: &'a CallerCredential,
    ) -> BoxFuture<'a, Result<Answer, JudgeError>> {
        Box::pin(JudgeModel::ask(self, question, caller))
    }
}

/// A model and the client on whose behalf it is asked.
pub(crate) struct Asking {
    pub(crate) model: Arc<dyn AnyJudge>,
    pub(crate) caller: CallerCredential,
}

/// What was asked and answered, for the decision that came of it.
pub(crate) fn consulted(
    question: &Question,
    answer: &Result<Answer, JudgeError>,
    latency: Duration,
) -> luthien_core::decision::Consulted {
    luthien_core::decision::Consulted {
        model: question.model.clone(),
        asked: question.content.to_string().into(),
        answered: match answer {
            Ok(answer) => answer.json.as_str().into(),
            Err(error) => error.to_string().into(),
        },
        usage: answer
            .as_ref()
            .map_or_else(|_| Usage::default(), |answer| answer.usage),
        latency,
        cached: false,
    }
}
