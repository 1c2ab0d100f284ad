mod beginnings;
mod calls;
mod choices;
mod ends;
mod messages;
mod numbers;
mod order;
mod others;
mod spellings;
mod twice;
mod wholes;

use serde_json::{Value, json};

use crate::attempt::{
    Call, Carriers, Event, Exchange, Expect, Form, Framing, Mark, escaped, explained, kept, quoted,
};

/// A reply, chunk by chunk.
#[derive(Clone)]
pub struct Talk(pub Vec<Event>);

impl Talk {
    pub fn new() -> Self {
        Self(Vec::new()).delta(0, &json!({ "role": "assistant", "content": "" }))
    }

    pub fn chunk(mut self, choices: &Value) -> Self {
        self.0.push(Event::bare(chunk(choices).to_string()));
        self
    }

    pub fn raw(mut self, data: impl Into<String>) -> Self {
        self.0.push(Event::bare(data));
        self
    }

    /// A chunk whose delta is written like this.
    fn spelled(self, delta: &str) -> Self {
        let chunk = chunk(&json!([{ "index": 0, "delta": "DELTA", "finish_reason": null }]));
        self.raw(chunk.to_string().replace("\"DELTA\"", delta))
    }

    pub fn delta(self, choice: u32, delta: &Value) -> Self {
        self.chunk(&json!([{ "index": choice, "delta": delta, "finish_reason": null }]))
    }

    fn text_in(self, choice: u32) -> Self {
        self.delta(choice, &json!({ "content": "Let me " }))
            .delta(choice, &json!({ "content": "look." }))
    }

    pub fn text(self) -> Self {
        self.text_in(0)
    }

    fn calls(self, choice: u32, calls: &[Value]) -> Self {
        self.delta(choice, &json!({ "tool_calls": calls }))
    }

    fn input(self, choice: u32, index: u32, piece: &str) -> Self {
        self.calls(choice, &[more(index, piece)])
    }

    fn inputs(self, choice: u32, index: u32, call: &Call) -> Self {
        let [one, two] = call.pieces();
        self.input(choice, index, one).input(choice, index, two)
    }

    fn call_in(self, choice: u32, index: u32, call: &Call) -> Self {
        self.calls(choice, &[begun(index, call)])
            .inputs(choice, index, call)
    }

    pub fn call(self, index: u32, call: &Call) -> Self {
        self.call_in(0, index, call)
    }

    fn stop(self, choice: u32, reason: &str) -> Self {
        self.chunk(&json!([{ "index": choice, "delta": {}, "finish_reason": reason }]))
    }

    pub fn done(self) -> Self {
        self.raw("[DONE]")
    }

    pub fn end(self, reason: &str) -> Self {
        self.stop(0, reason).done()
    }

    pub fn explained(&self, expect: Expect) -> Exchange {
        Exchange::stream(&self.0, expect)
    }
}

fn chunk(choices: &Value) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-mock",
        "choices": choices,
    })
}

/// The beginning of a call in a stream.
fn begun(index: u32, call: &Call) -> Value {
    json!({ "index": index, "id": call.id, "type": "function", "function": { "name": call.name, "arguments": "" } })
}

fn more(index: u32, piece: &str) -> Value {
    json!({ "index": index, "function": { "arguments": piece } })
}

/// All of a call at once.
fn at_once(index: u32, call: &Call) -> Value {
    let mut all = full(call);
    all["index"] = json!(index);
    all
}

fn full(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.input } })
}

fn custom(call: &Call) -> Value {
    json!({ "id": call.id, "type": "custom", "custom": { "name": call.name, "input": call.input } })
}

fn legacy(call: &Call) -> Value {
    json!({ "name": call.name, "arguments": call.input })
}

fn message(member: &str, value: &Value) -> Value {
    let mut message = json!({ "role": "assistant", "content": "Let me look.", "refusal": null });
    message[member] = value.clone();
    message
}

fn choice(index: u32, message: &Value, reason: &str) -> Value {
    json!({ "index": index, "message": message, "logprobs": null, "finish_reason": reason })
}

fn completion(choices: &Value) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-mock",
        "choices": choices,
        "usage": { "prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19 },
    })
}

/// A plain call, streamed.
pub fn streamed(call: &Call) -> Vec<Event> {
    Talk::new().text().call(0, call).end("tool_calls").0
}

/// A plain call, whole.
pub fn whole(call: &Call) -> String {
    completion(&json!([choice(
        0,
        &message("tool_calls", &json!([full(call)])),
        "tool_calls"
    )]))
    .to_string()
}

pub fn error() -> Event {
    Event::bare(
        json!({ "error": { "message": "m", "type": "server_error", "code": "c" } }).to_string(),
    )
}

pub fn add(carriers: &mut Carriers) {
    calls::add(carriers);
    choices::add(carriers);
    beginnings::add(carriers);
    others::add(carriers);
    spellings::add(carriers);
    twice::add(carriers);
    numbers::add(carriers);
    messages::add(carriers);
    order::add(carriers);
    ends::add(carriers);
    wholes::add(carriers);
}
