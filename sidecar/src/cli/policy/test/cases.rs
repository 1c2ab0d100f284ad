use bytes::Bytes;
use luthien_core::Dialect;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::expect::Expect;
use crate::{
    config::{self, ConfigError, Document, Policy, PolicySettings, below, in_our_words},
    script::{Call, Said},
    trial::Scenario,
};

/// A file of cases.
pub(super) struct Cases {
    /// Whether policies stand in it, and which.
    pub(super) policies: Option<Vec<Policy>>,
    pub(super) cases: Vec<Case>,
}

/// What is asked, what a model would answer, and what is to become of it.
pub(super) struct Case {
    pub(super) name: String,
    dialect: Option<Dialect>,
    model: String,
    request: Asked,
    reply: Reply,
    pub(super) expect: Expect,
}

enum Asked {
    Text(String),
    Body(Map<String, Value>),
}

enum Reply {
    Said(Said),
    Whole(Bytes),
    Stream(Bytes),
}

/// One of the forms of a case.
pub(super) struct Run {
    /// Such as `chat, streamed`.
    pub(super) form: String,
    pub(super) scenario: Scenario,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    policies: Option<Vec<Policy>>,
    #[serde(default)]
    #[allow(dead_code, reason = "read with the policies; here it may stand")]
    policy: PolicySettings,
    cases: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    dialect: Option<config::Dialect>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    request: Value,
    #[serde(default)]
    reply: Value,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReply {
    #[serde(default)]
    text: String,
    #[serde(default)]
    thinking: String,
    #[serde(default)]
    tool_calls: Vec<WrittenCall>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCall {
    name: String,
    #[serde(default = "no_input")]
    input: Value,
}

fn no_input() -> Value {
    Value::Object(Map::new())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStream {
    sse: String,
}

impl Cases {
    pub(super) fn read(document: &Document) -> Result<Self, ConfigError> {
        let file: File = document.parse()?;
        let cases = file.cases.into_iter().enumerate();
        let cases = cases.map(|(index, written)| {
            let path = format!("cases.{index}");
            Case::read(&path, written).map_err(|error| document.placed(error))
        });
        Ok(Self {
            policies: file.policies,
            cases: cases.collect::<Result<_, _>>()?,
        })
    }
}

impl Case {
    fn read(path: &str, written: Written) -> Result<Self, ConfigError> {
        let model = written.model.unwrap_or_else(|| "model".to_owned());
        let case = Self {
            request: asked(&format!("{path}.request"), written.request)?,
            reply: reply(&format!("{path}.reply"), written.reply, &model)?,
            name: written.name,
            dialect: written.dialect.map(Into::into),
            model,
            expect: written.expect,
        };
        let of_one_dialect =
            matches!(case.request, Asked::Body(_)) || !matches!(case.reply, Reply::Said(_));
        if of_one_dialect && case.dialect.is_none() {
            let message = "`dialect` is missing: the bodies are those of one";
            return Err(ConfigError::new(path, message).with_hint("such as `dialect: anthropic`"));
        }
        if case.expect.is_empty() {
            let message = "whatever becomes of it is as expected";
            return Err(ConfigError::new(format!("{path}.expect"), message)
                .with_hint("such as `verdict: block`"));
        }
        if case.runs().is_empty() {
            let message = "a tool that takes free text cannot be called in this dialect";
            return Err(ConfigError::new(format!("{path}.dialect"), message));
        }
        Ok(case)
    }

    /// All forms that it has.
    pub(super) fn runs(&self) -> Vec<Run> {
        let dialects = match self.dialect {
            Some(dialect) => vec![dialect],
            None => Dialect::ALL.to_vec(),
        };
        let forms = dialects
            .into_iter()
            .flat_map(|dialect| [(dialect, true), (dialect, false)]);
        forms
            .filter_map(|(dialect, streamed)| {
                let reply = self.reply.bytes(dialect, streamed)?;
                let how = if streamed { "streamed" } else { "whole" };
                Some(Run {
                    form: format!("{}, {how}", dialect.name()),
                    scenario: Scenario {
                        dialect,
                        request: self.request(dialect, streamed),
                        reply: pieces(&reply),
                        streamed,
                    },
                })
            })
            .collect()
    }

    fn request(&self, dialect: Dialect, stream: bool) -> Bytes {
        let model = &self.model;
        let mut body = match (&self.request, dialect) {
            (Asked::Body(body), _) => Value::Object(body.clone()),
            (Asked::Text(text), Dialect::Responses) => json!({"model": model, "input": text}),
            (Asked::Text(text), _) => {
                let message = json!({"role": "user", "content": text});
                json!({"model": model, "max_tokens": 1024, "messages": [message]})
            }
        };
        if let Some(body) = body.as_object_mut() {
            body.insert("stream".to_owned(), stream.into());
        }
        body.to_string().into()
    }
}

impl Reply {
    /// What the provider sends, if it can be sent so.
    fn bytes(&self, dialect: Dialect, streamed: bool) -> Option<Bytes> {
        match (self, streamed) {
            (Self::Said(said), _) => said
                .can_be_said_in(dialect)
                .then(|| said.reply(dialect, streamed).concat().into()),
            (Self::Whole(bytes), false) | (Self::Stream(bytes), true) => Some(bytes.clone()),
            (Self::Whole(_), true) | (Self::Stream(_), false) => None,
        }
    }
}

/// Cut where nobody would cut: what is decided must not depend on it.
fn pieces(bytes: &Bytes) -> Vec<Bytes> {
    bytes
        .chunks(23)
        .map(|piece| bytes.slice_ref(piece))
        .collect()
}

fn asked(path: &str, written: Value) -> Result<Asked, ConfigError> {
    match written {
        Value::Null => Ok(Asked::Text("Say hello.".to_owned())),
        Value::String(text) => Ok(Asked::Text(text)),
        Value::Object(body) => Ok(Asked::Body(body)),
        _ => Err(ConfigError::new(path, "expected a text, or a body")),
    }
}

fn reply(path: &str, written: Value, model: &str) -> Result<Reply, ConfigError> {
    let said = |text: String| {
        Reply::Said(Said {
            model: model.to_owned(),
            text,
            ..Said::default()
        })
    };
    let members = match &written {
        Value::Null => return Ok(said("Hello.".to_owned())),
        Value::String(text) => return Ok(said(text.clone())),
        Value::Object(members) => members,
        _ => {
            return Err(ConfigError::new(
                path,
                "expected a text, or keys and their values",
            ));
        }
    };
    if members.contains_key("sse") {
        let stream: WrittenStream = read(path, written)?;
        return Ok(Reply::Stream(stream.sse.into()));
    }
    // How the three dialects call what a model says.
    let whole = ["content", "choices", "output", "error"];
    if whole.iter().any(|name| members.contains_key(*name)) {
        return Ok(Reply::Whole(written.to_string().into()));
    }
    let reply: WrittenReply = read(path, written)?;
    for (index, call) in reply.tool_calls.iter().enumerate() {
        if !call.input.is_object() && !call.input.is_string() {
            let path = format!("{path}.tool_calls.{index}.input");
            return Err(ConfigError::new(
                path,
                "expected keys and their values, or a text",
            ));
        }
    }
    let calls = reply.tool_calls.into_iter();
    Ok(Reply::Said(Said {
        model: model.to_owned(),
        thinking: reply.thinking,
        text: reply.text,
        calls: calls
            .map(|WrittenCall { name, input }| Call { name, input })
            .collect(),
    }))
}

/// A part of a case, whose errors stand below `path`.
fn read<T: DeserializeOwned>(path: &str, written: Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(written).map_err(|error| {
        let path = below(path, &error.path().to_string());
        in_our_words(path, &error.inner().to_string())
    })
}
