//! What a judge is shown: bounded, and no more than it needs. What the model thinks, and what tools answer, is not among
//! it unless that is asked for: both are where somebody else would put words for the judge.

use luthien_core::request::{Content, LlmRequest, Message, Role, ToolInput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How much of the conversation the judge is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Shown {
    /// The most entries of the conversation so far, the latest: what the person wrote, and the calls that were made.
    messages: usize,
    /// The most bytes of any one text; of a longer one its beginning and its end are shown, and that it was cut.
    bytes: usize,
    /// Whether what tools have answered is shown.
    tool_results: bool,
    /// Whether what the model has written is shown.
    replies: bool,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            messages: 12,
            bytes: 4_096,
            tool_results: false,
            replies: false,
        }
    }
}

impl Shown {
    /// The end of the conversation, oldest first.
    pub(super) fn conversation(&self, request: Option<&LlmRequest>) -> Vec<Value> {
        let mut all: Vec<_> = request
            .into_iter()
            .flat_map(LlmRequest::messages)
            .flat_map(|message| self.entries(&message))
            .collect();
        all.drain(..all.len().saturating_sub(self.messages));
        all
    }

    fn entries(&self, message: &Message<'_>) -> Vec<Value> {
        let role = message.role;
        let entry = |content: Content<'_>| match content {
            Content::Text { text } if role == Role::User => {
                Some(json!({ "user": self.text(&text.decode()) }))
            }
            Content::Text { text } if role == Role::Assistant && self.replies => {
                Some(json!({ "assistant": self.text(&text.decode()) }))
            }
            Content::ToolCall(call) => {
                let input = match call.input {
                    ToolInput::Json(json) => String::from_utf8_lossy(json.text()).into_owned(),
                    ToolInput::Text(text) | ToolInput::Free(text) => text.decode().into_owned(),
                    ToolInput::Missing => String::new(),
                };
                let name = call.name.map(|name| name.decode().into_owned());
                Some(json!({ "call": self.call(&name.unwrap_or_default(), &input) }))
            }
            Content::ToolResult(result) if self.tool_results => {
                let content = result.content.map(|content| content.text());
                let content = String::from_utf8_lossy(content.unwrap_or_default());
                Some(json!({ "tool_result": self.text(&content) }))
            }
            _ => None,
        };
        message
            .blocks()
            .filter_map(|block| entry(block.content))
            .collect()
    }

    /// A call: its input as JSON if it is short enough to be shown whole, else as text.
    pub(super) fn call(&self, name: &str, input: &str) -> Value {
        let whole = (input.len() <= self.bytes).then(|| serde_json::from_str(input).ok());
        let input: Value = whole.flatten().unwrap_or_else(|| self.text(input));
        json!({ "tool": self.text(name), "input": input })
    }

    /// A text, or its two ends.
    pub(super) fn text(&self, text: &str) -> Value {
        if text.len() <= self.bytes {
            return text.into();
        }
        let half = self.bytes / 2;
        let head = text.get(..text.floor_char_boundary(half));
        let tail = text.get(text.ceil_char_boundary(text.len() - half)..);
        json!({ "truncated": true, "bytes": text.len(), "head": head, "tail": tail })
    }
}
