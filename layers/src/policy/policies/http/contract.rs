//! What is asked. This is a contract with programs of other people: what is here stays, and what is added may be ignored.

use std::borrow::Cow;

use luthien_core::{
    decision::Exchange,
    facts::{self, Purpose},
    request::LlmRequest,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::{ToolCall, Watches, cel::last_asked};

/// The version of the contract.
pub(super) const VERSION: u32 = 1;

/// What a policy over HTTP is asked: the body of the POST.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Question<'a> {
    /// The version of this contract: 1. Within a version members are added, and none changes its meaning.
    version: u32,
    /// What is judged.
    phase: Phase,
    /// The policy's name in the configuration.
    policy: &'a str,
    /// Who asks whom, and for whom.
    exchange: Facts<'a>,
    /// The tool call, if the phase is `tool_call`: complete, and the client has seen nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<Tool<'a>>,
    /// The text, if the phase is `text`: a whole block, and the client has seen nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    /// The request in short, if the phase is `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Request<'a>>,
    /// The whole request, and in it the conversation so far, in the words of its dialect; if the configuration asks for it.
    /// It is put in as the bytes that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<Value>,
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// A request, before the provider sees it.
    Request,
    /// A tool call of the model, before the client sees it.
    ToolCall,
    /// A text of the model, before the client sees it.
    Text,
}

impl Phase {
    pub(super) fn watch(self) -> Watches {
        match self {
            Self::Request => Watches::REQUEST,
            Self::ToolCall => Watches::TOOL_CALLS,
            Self::Text => Watches::TEXT,
        }
    }
}

/// What is known of the exchange. What is not known is left out.
#[derive(Debug, Serialize, JsonSchema)]
struct Facts<'a> {
    /// Under which id it is logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// `anthropic`, `chat` or `responses`.
    dialect: &'a str,
    /// The path of the request.
    path: &'a str,
    /// The model asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    /// The conversation, as its client names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    /// What the request is for: `turn`, `sub_agent`, `probe`, `title`, `compaction` or `token_count`; `turn` if nobody found
    /// out.
    purpose: &'a str,
    /// Who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Caller<'a>>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
}

/// Who calls.
#[derive(Debug, Serialize, JsonSchema)]
struct Caller<'a> {
    /// What tells callers apart: the public part of a key, or the fingerprint of a credential.
    id: &'a str,
    /// `key` if it has a key of this sidecar's, `client` if it comes with a credential of its own.
    kind: &'a str,
    /// The key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// On whose behalf.
#[derive(Debug, Serialize, JsonSchema)]
struct User<'a> {
    /// The name or number.
    id: &'a str,
    /// Whether somebody trusted says so, and not only the client itself.
    trusted: bool,
}

/// A tool call.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tool<'a> {
    /// The tool.
    name: &'a str,
    /// What the result will refer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// The arguments as JSON; a text if they are none.
    input: Cow<'a, Value>,
}

impl<'a> Tool<'a> {
    pub(super) fn of(call: &'a ToolCall) -> Self {
        let text = || Cow::Owned(call.input().into());
        Self {
            name: call.name(),
            id: call.id(),
            input: call.arguments().map_or_else(text, Cow::Borrowed),
        }
    }
}

/// A request in short.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Request<'a> {
    /// What the person said last.
    text: String,
    /// How many messages there are.
    messages: usize,
    /// The names of the tools on offer.
    tools: Vec<Cow<'a, str>>,
}

impl<'a> Request<'a> {
    pub(super) fn of(request: &'a LlmRequest) -> Self {
        let tools = request.tools().filter_map(|tool| tool.name);
        Self {
            text: last_asked(request),
            messages: request.shape().messages,
            tools: tools.map(|name| name.decode()).collect(),
        }
    }
}

impl<'a> Question<'a> {
    pub(super) fn new(phase: Phase, policy: &'a str, exchange: &'a Exchange) -> Self {
        let caller = exchange.caller.as_ref();
        Self {
            version: VERSION,
            phase,
            policy,
            exchange: Facts {
                id: exchange.id.as_deref(),
                dialect: exchange.dialect.name(),
                path: &exchange.path,
                model: exchange.model.as_deref(),
                session: exchange.session.as_ref().map(|session| &*session.0),
                purpose: exchange.purpose.as_ref().map_or("turn", Purpose::name),
                caller: caller.map(|caller| {
                    let (kind, name) = match caller {
                        facts::Caller::Key { name, .. } => ("key", Some(&**name)),
                        _ => ("client", None),
                    };
                    Caller {
                        id: caller.id(),
                        kind,
                        name,
                    }
                }),
                user: exchange.user.as_ref().map(|user| User {
                    id: &user.id,
                    trusted: user.trusted,
                }),
            },
            tool: None,
            text: None,
            request: None,
            conversation: None,
        }
    }

    /// As the body of a request. The conversation goes in as the JSON that it is.
    pub(super) fn body(&self, conversation: Option<&LlmRequest>) -> serde_json::Result<Vec<u8>> {
        let mut body = serde_json::to_vec(self)?;
        if let Some(conversation) = conversation {
            // In place of the brace at the end; in front of it there is always something.
            body.pop();
            body.extend_from_slice(b",\"conversation\":");
            body.extend_from_slice(conversation.bytes());
            body.push(b'}');
        }
        Ok(body)
    }
}
