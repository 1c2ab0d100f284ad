//! A question as a request: the model is made to call one tool, whose arguments are the answer. Every dialect has that.

use bytes::Bytes;
use luthien_core::Dialect;
use serde_json::{Value, json};

use super::Question;

/// The tool that the model must call.
pub(super) const TOOL: &str = "answer";
const ABOUT: &str = "Give your answer.";

pub(super) fn body(question: &Question) -> Bytes {
    // As text inside a JSON string: whatever is in it, it is one value, and ends where it ends.
    let content = question.content.to_string();
    let model = &*question.model;
    let Question {
        instructions,
        answer,
        max_tokens,
        ..
    } = question;
    let body: Value = match question.dialect {
        Dialect::Anthropic => json!({
            "model": model,
            "max_tokens": max_tokens,
            "system": instructions,
            "messages": [{ "role": "user", "content": content }],
            "tools": [{ "name": TOOL, "description": ABOUT, "input_schema": answer }],
            "tool_choice": { "type": "tool", "name": TOOL, "disable_parallel_tool_use": true },
        }),
        Dialect::Chat => json!({
            "model": model,
            "max_completion_tokens": max_tokens,
            "messages": [
                { "role": "system", "content": instructions },
                { "role": "user", "content": content },
            ],
            "tools": [{ "type": "function", "function": { "name": TOOL, "description": ABOUT, "parameters": answer } }],
            "tool_choice": { "type": "function", "function": { "name": TOOL } },
            "parallel_tool_calls": false,
        }),
        _ => json!({
            "model": model,
            "max_output_tokens": max_tokens,
            "instructions": instructions,
            "input": [{ "role": "user", "content": content }],
            "tools": [{ "type": "function", "name": TOOL, "description": ABOUT, "parameters": answer }],
            "tool_choice": { "type": "function", "name": TOOL },
            "parallel_tool_calls": false,
            "store": false,
        }),
    };
    body.to_string().into()
}
