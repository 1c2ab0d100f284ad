mod calls;
mod ends;
mod names;
mod numbers;
mod order;
mod spellings;
mod starts;
mod twice;
mod wholes;

use serde_json::{Value, json};

use crate::attempt::{
    Call, Carriers, Event, Exchange, Expect, Mark, escaped, explained, kept, quoted,
};

/// A reply, event by event.
#[derive(Clone)]
pub struct Talk(pub Vec<Event>);

impl Talk {
    pub fn new() -> Self {
        Self(vec![Event::of(&json!({
            "type": "message_start",
            "message": message(&[], &Value::Null),
        }))])
    }

    pub fn event(mut self, data: &Value) -> Self {
        self.0.push(Event::of(data));
        self
    }

    pub fn raw(mut self, name: &str, data: impl Into<String>) -> Self {
        self.0.push(Event::new(name, data));
        self
    }

    /// The data alone.
    fn bare(mut self, data: impl Into<String>) -> Self {
        self.0.push(Event::bare(data));
        self
    }

    pub fn start(self, index: u32, block: &Value) -> Self {
        self.event(
            &json!({ "type": "content_block_start", "index": index, "content_block": block }),
        )
    }

    pub fn delta(self, index: u32, delta: &Value) -> Self {
        self.event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }))
    }

    pub fn stop(self, index: u32) -> Self {
        self.event(&json!({ "type": "content_block_stop", "index": index }))
    }

    pub fn text(self, index: u32) -> Self {
        self.start(index, &json!({ "type": "text", "text": "" }))
            .delta(index, &json!({ "type": "text_delta", "text": "Let me " }))
            .delta(index, &json!({ "type": "text_delta", "text": "look." }))
            .stop(index)
    }

    fn input(self, index: u32, piece: &str) -> Self {
        self.delta(
            index,
            &json!({ "type": "input_json_delta", "partial_json": piece }),
        )
    }

    fn inputs(self, index: u32, call: &Call) -> Self {
        let [one, two] = call.pieces();
        self.input(index, one).input(index, two)
    }

    fn begin(self, index: u32, call: &Call) -> Self {
        self.start(index, &tool_use(call, &json!({})))
    }

    pub fn call(self, index: u32, call: &Call) -> Self {
        self.begin(index, call).inputs(index, call).stop(index)
    }

    fn reason(self, reason: &str) -> Self {
        self.event(&json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": { "output_tokens": 7 },
        }))
    }

    fn over(self) -> Self {
        self.event(&json!({ "type": "message_stop" }))
    }

    pub fn end(self, reason: &str) -> Self {
        self.reason(reason).over()
    }

    pub fn explained(&self, expect: Expect) -> Exchange {
        Exchange::stream(&self.0, expect)
    }
}

fn message(content: &[Value], reason: &Value) -> Value {
    json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": null,
        "usage": { "input_tokens": 12, "output_tokens": 7 },
    })
}

fn tool_use(call: &Call, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

fn used(call: &Call) -> Value {
    tool_use(call, &serde_json::from_str(&call.input).unwrap())
}

fn text() -> Value {
    json!({ "type": "text", "text": "Let me look." })
}

/// A plain call, streamed.
pub fn streamed(call: &Call) -> Vec<Event> {
    Talk::new().text(0).call(1, call).end("tool_use").0
}

/// A plain call, whole.
pub fn whole(call: &Call) -> String {
    message(&[text(), used(call)], &json!("tool_use")).to_string()
}

pub fn error() -> Event {
    Event::of(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": "m" } }))
}

pub fn add(carriers: &mut Carriers) {
    calls::add(carriers);
    starts::add(carriers);
    spellings::add(carriers);
    twice::add(carriers);
    names::add(carriers);
    numbers::add(carriers);
    order::add(carriers);
    ends::add(carriers);
    wholes::add(carriers);
}
