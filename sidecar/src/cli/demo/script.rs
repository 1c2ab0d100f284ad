//! What is said in the demonstration.

use bytes::Bytes;
use luthien_core::Dialect;
use serde_json::{Value, json};

/// One exchange: what the agent asks, and what the provider answers.
pub(super) struct Scene {
    pub(super) title: &'static str,
    /// Who speaks before the model does, and what is said.
    pub(super) told: (&'static str, &'static str),
    pub(super) dialect: Dialect,
    pub(super) request: Bytes,
    /// The events of the reply.
    pub(super) reply: Vec<Bytes>,
}

const QUESTION: &str = "Is there anything left to commit?";
const RESULT: &str = "M  src/parser.rs";

/// The conversation, from its beginning to its end.
pub(super) fn scenes() -> [Scene; 3] {
    let user = json!({"role": "user", "content": QUESTION});
    let call = json!({"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "git status --short"}});
    let turn = json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "I should look before I answer.", "signature": "c2lnbmVk"},
        {"type": "text", "text": "Let me look."},
        call,
    ]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": RESULT}]});
    let messages = |messages: &[&Value]| json!({"model": "claude-demo", "max_tokens": 1000, "stream": true, "messages": messages});
    [
        Scene {
            title: "Anthropic Messages, streamed: the model thinks, speaks, and calls a tool",
            told: ("you", QUESTION),
            dialect: Dialect::Anthropic,
            request: bytes(&messages(&[&user])),
            reply: anthropic(&[
                (
                    json!({"type": "thinking", "thinking": "", "signature": ""}),
                    "thinking",
                    "I should look before I answer.",
                ),
                (json!({"type": "text", "text": ""}), "text", "Let me look."),
                (
                    json!({"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {}}),
                    "partial_json",
                    r#"{"command":"git status --short"}"#,
                ),
            ]),
        },
        Scene {
            title: "The tool's result goes up with the whole conversation, and the model answers",
            told: ("result", RESULT),
            dialect: Dialect::Anthropic,
            request: bytes(&messages(&[&user, &turn, &result])),
            reply: anthropic(&[(
                json!({"type": "text", "text": ""}),
                "text",
                "Yes: a change to src/parser.rs is staged, and waits for its commit.",
            )]),
        },
        Scene {
            title: "OpenAI Responses, streamed, through the same port",
            told: ("you", QUESTION),
            dialect: Dialect::Responses,
            request: bytes(
                &json!({"model": "gpt-demo", "stream": true, "store": false, "input": QUESTION}),
            ),
            reply: responses(
                "I cannot see your working tree from here. Run git status, and I will read it with you.",
            ),
        },
    ]
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

fn event(kind: &str, mut data: Value) -> Bytes {
    if let Some(data) = data.as_object_mut() {
        data.insert("type".to_owned(), kind.into());
    }
    format!("event: {kind}\ndata: {data}\n\n").into()
}

/// Pieces as models make them: a word at a time.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Blocks (how they begin, what their deltas add to, what they say) as a stream.
fn anthropic(blocks: &[(Value, &str, &str)]) -> Vec<Bytes> {
    let calls = blocks
        .iter()
        .any(|(_, member, _)| *member == "partial_json");
    let message = json!({"id": "msg_demo", "type": "message", "role": "assistant", "model": "claude-demo", "content": [], "usage": {"input_tokens": 24, "output_tokens": 1}});
    let mut events = vec![event("message_start", json!({"message": message}))];
    for (index, (block, member, text)) in blocks.iter().enumerate() {
        let kind = match *member {
            "partial_json" => "input_json_delta",
            "thinking" => "thinking_delta",
            _ => "text_delta",
        };
        events.push(event(
            "content_block_start",
            json!({"index": index, "content_block": block}),
        ));
        events.extend(words(text).map(|word| {
            let delta = json!({"type": kind, *member: word});
            event(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            )
        }));
        if *member == "thinking" {
            let delta = json!({"type": "signature_delta", "signature": "c2lnbmVk"});
            events.push(event(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            ));
        }
        events.push(event("content_block_stop", json!({"index": index})));
    }
    let reason = if calls { "tool_use" } else { "end_turn" };
    events.push(event(
        "message_delta",
        json!({"delta": {"stop_reason": reason}, "usage": {"output_tokens": 31}}),
    ));
    events.push(event("message_stop", json!({})));
    events
}

/// A message as a stream.
fn responses(text: &str) -> Vec<Bytes> {
    let at = |member: &str, value: Value| json!({"item_id": "msg_demo", "output_index": 0, "content_index": 0, member: value});
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| json!({"id": "msg_demo", "type": "message", "status": status, "role": "assistant", "content": content});
    let response = |status: &str, output: Value, usage: Value| json!({"response": {"id": "resp_demo", "object": "response", "model": "gpt-demo", "status": status, "output": output, "usage": usage}});
    let done = item("completed", json!([part(text)]));
    let mut events = vec![
        event(
            "response.created",
            response("in_progress", json!([]), Value::Null),
        ),
        event(
            "response.output_item.added",
            json!({"output_index": 0, "item": item("in_progress", json!([]))}),
        ),
        event("response.content_part.added", at("part", part(""))),
    ];
    events.extend(
        words(text).map(|word| event("response.output_text.delta", at("delta", word.into()))),
    );
    events.push(event("response.output_text.done", at("text", text.into())));
    events.push(event("response.content_part.done", at("part", part(text))));
    events.push(event(
        "response.output_item.done",
        json!({"output_index": 0, "item": done}),
    ));
    let usage = json!({"input_tokens": 15, "output_tokens": 22, "total_tokens": 37});
    events.push(event(
        "response.completed",
        response("completed", json!([done]), usage),
    ));
    events
}
