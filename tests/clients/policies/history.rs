//! What providers demand of the conversation in a request: what breaks these rules is refused for ever after, for the client
//! sends it again with every turn.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::http1::Message;

/// What the model is said to have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Text(String),
    /// A call, by its id.
    Call(String),
}

impl Said {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub fn call(id: &str) -> Self {
        Self::Call(id.to_owned())
    }
}

fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no string: {value}"))
        .to_owned()
}

/// The parts of a content, in its long form.
fn parts(content: &Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts.clone(),
        text => vec![serde_json::json!({ "type": "text", "text": text })],
    }
}

/// No text is of nothing.
fn not_blank(part: &Value) {
    let blank = |text: &str| text.trim().is_empty();
    assert!(!part["text"].as_str().is_some_and(blank), "blank: {part}");
}

fn ids(parts: &[Value], kind: &str, name: &str) -> Vec<String> {
    let found = parts.iter().filter(|part| part["type"] == kind);
    found.map(|part| string(&part[name])).collect()
}

/// What Claude Code sends to Anthropic: behind a call there is nothing but calls, the very next message has the results of
/// just those, and no text is blank.
pub fn anthropic(request: &Message) -> Vec<Said> {
    let body = request.json();
    let messages = body["messages"].as_array().unwrap();
    let mut said = Vec::new();
    let mut open = Vec::new();
    for message in messages {
        let parts = parts(&message["content"]);
        parts.iter().for_each(not_blank);
        let results: BTreeSet<_> = ids(&parts, "tool_result", "tool_use_id")
            .into_iter()
            .collect();
        assert_eq!(results, open.drain(..).collect(), "{body}");
        if message["role"] != "assistant" {
            continue;
        }
        for part in &parts {
            said.push(match part["type"].as_str().unwrap() {
                "text" => {
                    assert!(open.is_empty(), "text behind a call: {body}");
                    Said::Text(string(&part["text"]))
                }
                "tool_use" => {
                    open.push(string(&part["id"]));
                    Said::Call(string(&part["id"]))
                }
                other => panic!("{other}: {body}"),
            });
        }
    }
    assert!(open.is_empty(), "without a result: {body}");
    said
}

/// What Codex sends to OpenAI: each call has one output, behind it; each output has a call; behind reasoning comes what it
/// led to; and no text is blank.
pub fn responses(request: &Message) -> Vec<Said> {
    let body = request.json();
    let items = body["input"].as_array().unwrap();
    let mut said = Vec::new();
    let mut open = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        match item["type"].as_str().unwrap() {
            "message" => {
                let parts = parts(&item["content"]);
                parts.iter().for_each(not_blank);
                if item["role"] == "assistant" {
                    said.extend(parts.iter().map(|part| Said::Text(string(&part["text"]))));
                }
            }
            "function_call" => {
                assert!(open.insert(string(&item["call_id"])), "twice: {body}");
                said.push(Said::Call(string(&item["call_id"])));
            }
            "function_call_output" => {
                assert!(open.remove(&string(&item["call_id"])), "no call: {body}");
            }
            "reasoning" => {
                let next = items.get(place + 1).unwrap_or(&Value::Null);
                let led = next["role"] == "assistant" || next["type"] == "function_call";
                assert!(led, "reasoning that leads to nothing: {body}");
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "without an output: {body}");
    said
}
