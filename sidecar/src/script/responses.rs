use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Said, event, with, words};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let mut events = Events::default();
    let begun = response(said, "in_progress", &[], None);
    events.push("response.created", json!({"response": begun}));
    for (index, item) in items(said).iter().enumerate() {
        let at = |member: &str, value: Value| json!({"output_index": index, member: value});
        events.push("response.output_item.added", at("item", item.begin.clone()));
        for (kind, data) in &item.events {
            let data = with(data.clone(), "output_index", index);
            events.push(kind, with(data, "item_id", item.id()));
        }
        events.push("response.output_item.done", at("item", item.whole.clone()));
    }
    let done = response(said, "completed", &output(said), Some(&usage()));
    events.push("response.completed", json!({"response": done}));
    events.0
}

pub(super) fn whole(said: &Said) -> Bytes {
    response(said, "completed", &output(said), Some(&usage()))
        .to_string()
        .into()
}

/// Events, numbered.
#[derive(Default)]
struct Events(Vec<Bytes>);

impl Events {
    fn push(&mut self, kind: &str, data: Value) {
        let number = self.0.len();
        self.0
            .push(event(kind, with(data, "sequence_number", number)));
    }
}

/// An item at once, and bit by bit.
struct Item {
    whole: Value,
    begin: Value,
    events: Vec<(String, Value)>,
}

impl Item {
    fn id(&self) -> Value {
        self.whole.get("id").cloned().unwrap_or_default()
    }
}

fn output(said: &Said) -> Vec<Value> {
    items(said).into_iter().map(|item| item.whole).collect()
}

fn items(said: &Said) -> Vec<Item> {
    let mut items = Vec::new();
    if !said.thinking.is_empty() {
        items.push(reasoning(&said.thinking));
    }
    if !said.text.is_empty() {
        items.push(message(&said.text));
    }
    items.extend(
        (1..)
            .zip(&said.calls)
            .map(|(number, asked)| call(number, asked)),
    );
    items
}

fn reasoning(text: &str) -> Item {
    let item =
        |summary: &[Value]| json!({"id": "rs_script", "type": "reasoning", "summary": summary});
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    Item {
        whole: item(&[part(text)]),
        begin: item(&[]),
        events: parts(
            "response.reasoning_summary_part",
            "response.reasoning_summary_text",
            "summary_index",
            part,
            text,
        ),
    }
}

fn message(text: &str) -> Item {
    let item = |status: &str, content: &[Value]| json!({"id": "msg_script", "type": "message", "status": status, "role": "assistant", "content": content});
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    Item {
        whole: item("completed", &[part(text)]),
        begin: item("in_progress", &[]),
        events: parts(
            "response.content_part",
            "response.output_text",
            "content_index",
            part,
            text,
        ),
    }
}

/// The only part of an item: that it is there, its words, and the whole of it.
fn parts(
    around: &str,
    inside: &str,
    index: &str,
    part: impl Fn(&str) -> Value,
    text: &str,
) -> Vec<(String, Value)> {
    let at = |member: &str, value: Value| json!({index: 0, member: value});
    let mut events = vec![(format!("{around}.added"), at("part", part("")))];
    events.extend(words(text).map(|word| (format!("{inside}.delta"), at("delta", word.into()))));
    events.push((format!("{inside}.done"), at("text", text.into())));
    events.push((format!("{around}.done"), at("part", part(text))));
    events
}

fn call(number: usize, call: &Call) -> Item {
    let (arguments, is_free) = call.text();
    let (kind, member, event) = if is_free {
        (
            "custom_tool_call",
            "input",
            "response.custom_tool_call_input",
        )
    } else {
        (
            "function_call",
            "arguments",
            "response.function_call_arguments",
        )
    };
    let item = |status: &str, arguments: &str| {
        json!({
            "id": format!("fc_{number:02}"), "type": kind, "status": status,
            "call_id": format!("call_{number:02}"), "name": call.name, member: arguments,
        })
    };
    let deltas = words(&arguments).map(|word| (format!("{event}.delta"), json!({"delta": word})));
    let done = (format!("{event}.done"), json!({member: arguments}));
    Item {
        whole: item("completed", &arguments),
        begin: item("in_progress", ""),
        events: deltas.chain([done]).collect(),
    }
}

fn response(said: &Said, status: &str, output: &[Value], usage: Option<&Value>) -> Value {
    json!({"id": "resp_script", "object": "response", "created_at": 1, "model": said.model, "status": status, "output": output, "usage": usage})
}

fn usage() -> Value {
    json!({"input_tokens": 24, "output_tokens": 31, "total_tokens": 55})
}
