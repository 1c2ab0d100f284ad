use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Said, with, words};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let delta = |delta: Value| chunk(said, &[choice("delta", &delta, None)], None);
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}))];
    events.extend(words(&said.thinking).map(|word| delta(json!({"reasoning_content": word}))));
    events.extend(words(&said.text).map(|word| delta(json!({"content": word}))));
    for (index, asked) in said.calls.iter().enumerate() {
        let (arguments, is_free) = asked.text();
        let (kind, member) = names(is_free);
        let more = |call: Value| delta(json!({"tool_calls": [with(call, "index", index)]}));
        events.push(more(call(index, asked, "")));
        events.extend(words(&arguments).map(|word| more(json!({kind: {member: word}}))));
    }
    let end = choice("delta", &json!({}), Some(reason(said)));
    events.push(chunk(said, &[end], None));
    events.push(chunk(said, &[], Some(&usage())));
    events.push("data: [DONE]\n\n".into());
    events
}

pub(super) fn whole(said: &Said) -> Bytes {
    let text = Some(&said.text).filter(|text| !text.is_empty());
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if !said.thinking.is_empty() {
        message = with(message, "reasoning_content", said.thinking.as_str());
    }
    if !said.calls.is_empty() {
        let calls = said.calls.iter().enumerate();
        let calls: Vec<_> = calls
            .map(|(index, asked)| call(index, asked, &asked.text().0))
            .collect();
        message = with(message, "tool_calls", calls);
    }
    let choices = [choice("message", &message, Some(reason(said)))];
    reply(said, "chat.completion", &choices, Some(&usage()))
        .to_string()
        .into()
}

fn reply(said: &Said, object: &str, choices: &[Value], usage: Option<&Value>) -> Value {
    json!({"id": "chatcmpl-script", "object": object, "created": 1, "model": said.model, "choices": choices, "usage": usage})
}

fn chunk(said: &Said, choices: &[Value], usage: Option<&Value>) -> Bytes {
    let data = reply(said, "chat.completion.chunk", choices, usage);
    format!("data: {data}\n\n").into()
}

fn choice(member: &str, content: &Value, reason: Option<&str>) -> Value {
    json!({"index": 0, member: content, "logprobs": null, "finish_reason": reason})
}

fn usage() -> Value {
    json!({"prompt_tokens": 24, "completion_tokens": 31, "total_tokens": 55})
}

fn reason(said: &Said) -> &'static str {
    if said.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    }
}

/// What a call is, and under which name its arguments stand.
fn names(is_free: bool) -> (&'static str, &'static str) {
    if is_free {
        ("custom", "input")
    } else {
        ("function", "arguments")
    }
}

fn call(index: usize, call: &Call, arguments: &str) -> Value {
    let (kind, member) = names(call.text().1);
    let id = format!("call_{:02}", index + 1);
    json!({"id": id, "type": kind, kind: {"name": call.name, member: arguments}})
}
