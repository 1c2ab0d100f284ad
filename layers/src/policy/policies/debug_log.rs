//! `debug-log`: writes into the log of the program, at level `debug`, what goes by: what kinds of things, how large, under
//! which names. What they say only if `bodies` is set, and then with everything masked that looks like a secret.
//!
//! ```yaml
//! - use: debug-log
//!   fail: open
//!   with: { bodies: false }
//! ```
//!
//! The target is `luthien::policy::debug`. While nobody listens there, nothing is looked at. Text is counted as it flows;
//! tool calls wait no longer than it takes to write a line.

use http::HeaderMap;
use luthien_core::request::{Content, LlmRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::{Level, debug, enabled};

use crate::policy::{
    Context, Policy, PolicyError, ReplyEnd, RequestVerdict, Text, TextEditor, TextEdits, ToolCall,
    Verdict, Watches, mask,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "debug-log",
    "Writes into the log what goes by: kinds, names and sizes, and bodies if it is told to.",
    "{ bodies: false }",
);

/// How much is written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Whether what was said is written as well, at most 16 KiB of each thing, with secrets masked.
    #[serde(default)]
    bodies: bool,
}

impl registry::Settings for Settings {
    type Policy = DebugLog;

    fn policy(self) -> Result<DebugLog, BuildError> {
        Ok(DebugLog {
            bodies: self.bodies,
        })
    }
}

struct DebugLog {
    bodies: bool,
}

const TARGET: &str = "luthien::policy::debug";
/// The most bytes of a body that are written.
const BODY: usize = 16 * 1024;

fn is_heard() -> bool {
    enabled!(target: TARGET, Level::DEBUG)
}

impl DebugLog {
    fn body(&self, text: &str) -> Option<String> {
        self.bodies.then(|| shown(&mask::masked(text)))
    }
}

/// Cut only after it was masked: half a secret would not be known for one.
fn shown(masked: &str) -> String {
    let end = masked.floor_char_boundary(BODY);
    masked.get(..end).unwrap_or_default().to_owned()
}

impl Policy for DebugLog {
    fn watches(&self) -> Watches {
        Watches::REQUEST
            | Watches::HEAD
            | Watches::TOOL_CALLS
            | Watches::THINKING
            | Watches::TEXT_EDITS
            | Watches::END
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        if !is_heard() {
            return Ok(RequestVerdict::Allow);
        }
        let exchange = cx.exchange();
        let shape = request.shape();
        let tools: Vec<_> = request
            .tools()
            .filter_map(|tool| Some(tool.name?.decode()))
            .collect();
        let last = request.last_message();
        let last: Option<Vec<_>> =
            last.map(|message| message.blocks().map(|b| kind(&b.content)).collect());
        debug!(
            target: TARGET,
            policy = cx.policy(),
            exchange = exchange.id.as_deref(),
            dialect = exchange.dialect.name(),
            model = exchange.model.as_deref(),
            session = exchange.session.as_ref().map(|session| &*session.0),
            purpose = exchange.purpose.as_ref().map(luthien_core::facts::Purpose::name),
            stream = request.stream(),
            bytes = request.bytes().len(),
            messages = shape.messages,
            blocks = shape.blocks,
            tools = tools.join(" "),
            last = last.map(|kinds| kinds.join(" ")),
            body = self.body(&String::from_utf8_lossy(request.bytes())),
            "request"
        );
        Ok(RequestVerdict::Allow)
    }

    fn on_head(&self, headers: &mut HeaderMap, cx: &Context) {
        if !is_heard() {
            return;
        }
        let written: Vec<_> = headers
            .iter()
            .map(|(name, value)| match value.to_str() {
                Ok(value) if self.bodies && !mask::is_secret(name.as_str()) => {
                    format!("{name}: {}", mask::mask_text(value))
                }
                _ => name.to_string(),
            })
            .collect();
        let exchange = cx.exchange().id.as_deref();
        debug!(target: TARGET, policy = cx.policy(), exchange, headers = written.join("; "), "head");
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        debug!(
            target: TARGET,
            policy = cx.policy(),
            exchange = cx.exchange().id.as_deref(),
            tool = call.name(),
            id = call.id(),
            bytes = call.input().len(),
            body = self.body(call.input()),
            "tool call"
        );
        Ok(Verdict::Allow)
    }

    async fn on_thinking(&self, thinking: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        debug!(
            target: TARGET,
            policy = cx.policy(),
            exchange = cx.exchange().id.as_deref(),
            bytes = thinking.text.len(),
            body = self.body(&thinking.text),
            "thinking"
        );
        Ok(Verdict::Allow)
    }

    fn text_editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>> {
        is_heard().then(|| -> Box<dyn TextEditor> {
            Box::new(Counting {
                policy: cx.policy().into(),
                exchange: cx.exchange().id.as_deref().map(Into::into),
                bytes: 0,
                pieces: 0,
                said: self.bodies.then(String::new),
            })
        })
    }

    fn on_end(&self, end: &ReplyEnd, cx: &Context) -> Option<String> {
        debug!(
            target: TARGET,
            policy = cx.policy(),
            exchange = cx.exchange().id.as_deref(),
            choice = end.choice,
            reason = ?end.reason,
            tool_calls = end.tool_calls,
            usage = ?end.usage,
            "end"
        );
        None
    }
}

fn kind(content: &Content<'_>) -> String {
    format!("{:?}", content.kind())
}

/// Counts the text of a block as it flows by.
struct Counting {
    policy: Box<str>,
    exchange: Option<Box<str>>,
    bytes: usize,
    pieces: usize,
    /// The text so far, if it is to be written: a secret may have come in two pieces.
    said: Option<String>,
}

impl TextEditor for Counting {
    fn look_behind(&self) -> usize {
        0
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        self.bytes += text.len();
        self.pieces += usize::from(!text.is_empty());
        if let Some(said) = &mut self.said
            && said.len() <= BODY
        {
            said.push_str(text);
        }
        if last {
            debug!(
                target: TARGET,
                policy = &*self.policy,
                exchange = self.exchange.as_deref(),
                bytes = self.bytes,
                pieces = self.pieces,
                body = self.said.as_deref().map(|said| shown(&mask::masked(said))),
                "text"
            );
        }
        TextEdits::none(text)
    }
}

#[cfg(test)]
mod tests;
