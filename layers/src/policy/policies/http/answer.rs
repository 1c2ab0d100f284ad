//! What is answered, and what it means.

use luthien_core::{
    decision,
    json::{Document, Limits},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::contract::{Phase, VERSION};
use crate::policy::{
    Denial, PolicyError, RequestVerdict, Verdict, notice::shorten, policies::sentence,
};

/// What a policy over HTTP answers, with status 200: this object and nothing else.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The version of this contract: 1.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// What it says.
    verdict: Word,
    /// With `replace`: the text, or the arguments of the tool call: an object, or a text where they came as one.
    #[serde(default)]
    content: Option<Value>,
    /// With `block`, `ask`, `answer` and `refuse`, why; with `drop`, what stands in its place. The client reads it.
    #[serde(default)]
    message: Option<String>,
    /// What the agent, or the person, can do instead. The client reads it.
    #[serde(default)]
    remedy: Option<String>,
    /// Why, in full: for the operator's record alone.
    #[serde(default)]
    detail: Option<String>,
    /// A stable word for programs: at most 64 letters, digits, `-`, `_` and `.`. `http_policy` unless told otherwise.
    #[serde(default)]
    code: Option<String>,
    /// How much the operator should care. `warning` unless told otherwise.
    #[serde(default)]
    severity: Option<Severity>,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// It passes.
    Allow,
    /// It passes with `content` in its place. Not of requests, and only if the configuration has `replaces: true`.
    Replace,
    /// It goes, and `message` stands in its place. Not of requests.
    Drop,
    /// It is refused, and the client reads why. A request is answered so.
    Block,
    /// A person has to decide. Not of requests.
    Ask,
    /// A request does not go up: `message` is the reply.
    Answer,
    /// A request does not go up: it ends in an error.
    Refuse,
}

/// How much the operator should care.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Info,
    Warning,
    Critical,
}

/// The longest text that the client reads.
const SAID: usize = 4 * 1024;
/// The longest text for the operator.
const DETAIL: usize = 16 * 1024;

impl Answer {
    /// Reads exactly one answer of this version that can be read in one way.
    pub(super) fn read(body: &[u8]) -> Result<Self, PolicyError> {
        let wrong = |error: &dyn std::fmt::Display| {
            // Whatever it says of the answer may be as long as that.
            let error = shorten(&error.to_string());
            PolicyError::new(format!("its answer is none of this contract: {error}"))
        };
        Document::parse(body.to_vec().into(), &Limits::default()).map_err(|error| wrong(&error))?;
        let answer: Self = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
        if answer.version != VERSION {
            let version = answer.version;
            return Err(wrong(&format_args!(
                "its version is {version}, not {VERSION}"
            )));
        }
        let texts = [
            (&answer.message, SAID),
            (&answer.remedy, SAID),
            (&answer.detail, DETAIL),
        ];
        if texts
            .into_iter()
            .any(|(text, most)| text.as_ref().is_some_and(|text| text.len() > most))
        {
            return Err(wrong(&"it says too much"));
        }
        Ok(answer)
    }

    pub(super) fn on_request(self) -> Result<RequestVerdict, PolicyError> {
        match self.verdict {
            Word::Allow => self.silent().map(|()| RequestVerdict::Allow),
            Word::Answer | Word::Block => self.denial().map(RequestVerdict::Answer),
            Word::Refuse => self.denial().map(RequestVerdict::Refuse),
            Word::Replace | Word::Drop | Word::Ask => Err(self.misplaced("a request")),
        }
    }

    pub(super) fn on_block(self, phase: Phase, replaces: bool) -> Result<Verdict, PolicyError> {
        match self.verdict {
            Word::Allow => self.silent().map(|()| Verdict::Allow),
            Word::Block => self.denial().map(Verdict::Block),
            Word::Ask => self.denial().map(Verdict::Ask),
            Word::Drop => {
                let dropped = self.denial()?;
                Ok(Verdict::Drop(dropped.reason.into_owned()))
            }
            Word::Replace if replaces => self.replacement(phase).map(Verdict::Replace),
            Word::Replace => Err(PolicyError::new(
                "it answers `replace`, which its configuration does not allow: `replaces: true`",
            )),
            Word::Answer | Word::Refuse => Err(self.misplaced("a reply")),
        }
    }

    fn misplaced(&self, of: &str) -> PolicyError {
        let word = format!("{:?}", self.verdict).to_lowercase();
        PolicyError::new(format!("it answers `{word}`, which cannot be said of {of}"))
    }

    /// Whoever allows has nothing to say: that there is something means that another verdict was meant.
    fn silent(&self) -> Result<(), PolicyError> {
        let said = [&self.message, &self.remedy];
        if self.content.is_some() || said.into_iter().any(Option::is_some) {
            let message = "it answers `allow`, and has content or something to say";
            return Err(PolicyError::new(message));
        }
        Ok(())
    }

    fn denial(self) -> Result<Denial, PolicyError> {
        if self.content.is_some() {
            return Err(PolicyError::new("only `replace` has `content`"));
        }
        let message = self.message.filter(|message| !message.trim().is_empty());
        let Some(message) = message else {
            return Err(PolicyError::new("its answer has no `message`"));
        };
        let code = self.code.unwrap_or("http_policy".to_owned());
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&code.len()) || !code.bytes().all(fits) {
            return Err(PolicyError::new("its `code` is no word"));
        }
        // What is dropped leaves the words as they are; a reason becomes part of a sentence.
        let reason = match self.verdict {
            Word::Drop => message,
            _ => sentence(&message),
        };
        let mut denial = Denial::new(code, reason);
        if let Some(remedy) = &self.remedy {
            denial = denial.with_remedy(sentence(remedy));
        }
        if let Some(detail) = self.detail {
            denial = denial.with_detail(detail);
        }
        Ok(denial.with_severity(match self.severity {
            Some(Severity::Info) => decision::Severity::Info,
            Some(Severity::Critical) => decision::Severity::Critical,
            Some(Severity::Warning) | None => decision::Severity::Warning,
        }))
    }

    fn replacement(self, phase: Phase) -> Result<String, PolicyError> {
        if self.message.is_some() || self.remedy.is_some() {
            return Err(PolicyError::new(
                "nobody is told of a replacement: it can have no `message`",
            ));
        }
        match (phase, self.content) {
            (_, Some(Value::String(text))) => Ok(text),
            (Phase::ToolCall, Some(arguments @ Value::Object(_))) => Ok(arguments.to_string()),
            _ => Err(PolicyError::new(
                "its answer has no `content` that can stand there",
            )),
        }
    }
}
