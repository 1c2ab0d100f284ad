//! `http`: a policy in any language, asked over HTTP.
//!
//! ```yaml
//! - use: http
//!   deadline: 2s
//!   with:
//!     url: http://127.0.0.1:9000/judge
//!     watch: [request, tool_call]
//!     headers: { authorization: "Bearer ${JUDGE_TOKEN}" }
//!     conversation: false
//!     replaces: false
//! ```
//!
//! Each thing is a POST of one JSON object, and the answer is one: `{"version": 1, "verdict": "allow"}`. What else they hold
//! is in `docs/policy-over-http.md`. Whatever is no such answer (another status than 200, another version, a word that
//! nobody knows, more than 4 MiB, a redirect) is a failure of the policy, and means what `fail` says.
//!
//! Where no connection comes about or one breaks, and on 502, 503 and 504, it is asked again, twice at most, as long as the
//! policy's deadline allows: so it may be asked the same twice. It is asked at that address and nowhere else, whatever a
//! request or a reply says.

mod answer;
mod ask;
mod contract;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::{
    ask::Judge,
    contract::{Phase, Question, Request, Tool},
};
use crate::policy::{
    Context, Policy, PolicyError, RequestVerdict, Text, ToolCall, Verdict, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "http",
    "Asks a service of your own, in any language, over HTTP.",
    "{ url: \"http://127.0.0.1:9000/judge\", watch: [tool_call], conversation: false }",
);

/// Who is asked, and about what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Where it is: `https://…` or `http://…`.
    url: String,
    /// What it is asked about; texts do not flow while it thinks.
    watch: Vec<Phase>,
    /// Headers that go with each question. What is secret is written as `${NAME}` of an environment variable.
    #[serde(default)]
    headers: BTreeMap<String, Hidden>,
    /// Whether each question brings the whole conversation, as the client has sent it.
    #[serde(default)]
    conversation: bool,
    /// Whether it may put other content in place. Policies that do not are asked at the same time.
    #[serde(default)]
    replaces: bool,
}

/// A text that may be secret: it is not printed, and not written.
struct Hidden(SecretString);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

impl JsonSchema for Hidden {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hidden".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl registry::Settings for Settings {
    type Policy = Http;

    fn policy(self) -> Result<Http, BuildError> {
        if self.watch.is_empty() {
            return Err(BuildError::new("watch", "it must be asked about something"));
        }
        let mut watches = Watches::NOTHING;
        for phase in &self.watch {
            watches = watches | phase.watch();
        }
        if self.conversation {
            watches = watches | Watches::CONVERSATION;
        }
        if self.replaces {
            watches = watches | Watches::CHANGES;
        }
        let judge = Judge::new(url(&self.url)?, headers(&self.headers)?);
        let judge = judge.map_err(|error| {
            let message = format!("the system's root certificates cannot be read: {error}");
            BuildError::new("url", message)
        })?;
        Ok(Http {
            judge,
            watches,
            conversation: self.conversation,
            replaces: self.replaces,
        })
    }
}

fn url(text: &str) -> Result<Uri, BuildError> {
    let wrong = || {
        let message =
            "it must be an address that begins with https:// or http://, without a user in it";
        BuildError::new("url", message)
    };
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let web = matches!(url.scheme_str(), Some("http" | "https"));
    let host = url.authority().filter(|authority| {
        // A password in a URL ends up in logs.
        !authority.host().is_empty() && !authority.as_str().contains('@')
    });
    if web && host.is_some() {
        Ok(url)
    } else {
        Err(wrong())
    }
}

/// What belongs to the question itself, or to the connection.
const OURS: [&str; 5] = [
    "content-length",
    "content-type",
    "connection",
    "host",
    "transfer-encoding",
];

fn headers(settings: &BTreeMap<String, Hidden>) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    for (name, Hidden(value)) in settings {
        let wrong = |message: &str| BuildError::new(format!("headers.{name}"), message);
        let header = HeaderName::from_bytes(name.as_bytes());
        let header = header.map_err(|_| wrong("it is not the name of a header"))?;
        if OURS.contains(&header.as_str()) {
            return Err(wrong("it cannot be set"));
        }
        if value.expose_secret().contains("${") {
            let message = "nobody has resolved its `${…}`: whoever builds policies does that";
            return Err(wrong(message));
        }
        let value = HeaderValue::from_str(value.expose_secret());
        let mut value = value.map_err(|_| wrong("its value cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

struct Http {
    judge: Judge,
    watches: Watches,
    conversation: bool,
    replaces: bool,
}

impl Http {
    fn conversation<'a>(&self, request: Option<&'a LlmRequest>) -> Option<&'a LlmRequest> {
        request.filter(|_| self.conversation)
    }
}

impl Policy for Http {
    fn watches(&self) -> Watches {
        self.watches
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let mut question = Question::new(Phase::Request, cx.policy(), cx.exchange());
        question.request = Some(Request::of(request));
        let answer = self.judge.ask(&question, self.conversation(Some(request)));
        answer.await?.on_request()
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let mut question = Question::new(Phase::ToolCall, cx.policy(), cx.exchange());
        question.tool = Some(Tool::of(call));
        let answer = self.judge.ask(&question, self.conversation(cx.request()));
        answer.await?.on_block(Phase::ToolCall, self.replaces)
    }

    async fn on_text(&self, text: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        let mut question = Question::new(Phase::Text, cx.policy(), cx.exchange());
        question.text = Some(&text.text);
        let answer = self.judge.ask(&question, self.conversation(cx.request()));
        answer.await?.on_block(Phase::Text, self.replaces)
    }
}
