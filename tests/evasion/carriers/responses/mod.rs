mod calls;
mod differences;
mod ends;
mod kinds;
mod names;
mod numbers;
mod order;
mod places;
mod spellings;
mod twice;
mod wholes;

use serde_json::{Value, json};

use crate::attempt::{
    Call, Carriers, Event, Exchange, Expect, Form, Framing, Mark, escaped, explained, kept, quoted,
};

/// A reply, event by event. It remembers its output for the last one.
#[derive(Clone)]
pub struct Talk {
    pub events: Vec<Event>,
    output: Vec<Value>,
}

impl Talk {
    pub fn new() -> Self {
        Self::beginning(&[])
    }

    fn beginning(output: &[Value]) -> Self {
        let talk = Self {
            events: Vec::new(),
            output: Vec::new(),
        };
        let begun = response("in_progress", output);
        talk.event(json!({ "type": "response.created", "response": begun }))
            .event(
                json!({ "type": "response.in_progress", "response": response("in_progress", &[]) }),
            )
    }

    pub fn event(mut self, mut data: Value) -> Self {
        data["sequence_number"] = json!(self.events.len());
        self.events.push(Event::of(&data));
        self
    }

    /// An event whose data is written like this.
    fn raw(mut self, name: &str, data: &str) -> Self {
        let number = format!("{{\"sequence_number\":{},", self.events.len());
        self.events
            .push(Event::new(name, data.replacen('{', &number, 1)));
        self
    }

    fn named(mut self, name: Option<&str>, mut data: Value) -> Self {
        data["sequence_number"] = json!(self.events.len());
        self.events.push(Event {
            name: name.map(str::to_owned),
            data: data.to_string(),
        });
        self
    }

    fn added(self, index: u32, item: &Value) -> Self {
        self.event(
            json!({ "type": "response.output_item.added", "output_index": index, "item": item }),
        )
    }

    fn done(mut self, index: u32, item: &Value) -> Self {
        self.output.push(item.clone());
        self.only_done(index, item)
    }

    fn only_done(self, index: u32, item: &Value) -> Self {
        self.event(
            json!({ "type": "response.output_item.done", "output_index": index, "item": item }),
        )
    }

    pub fn text(self, index: u32) -> Self {
        let id = format!("msg_{index}");
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
        let event = |kind: &str, name: &str, value: Value| {
            let mut event =
                json!({ "type": kind, "item_id": id, "output_index": index, "content_index": 0 });
            event[name] = value;
            event
        };
        let item = |status: &str, content: &[Value]| json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content });
        let mut said = event("response.output_text.done", "text", json!("Let me look."));
        said["logprobs"] = json!([]);
        self.added(index, &item("in_progress", &[]))
            .event(event("response.content_part.added", "part", part("")))
            .event(event(
                "response.output_text.delta",
                "delta",
                json!("Let me "),
            ))
            .event(event("response.output_text.delta", "delta", json!("look.")))
            .event(said)
            .event(event(
                "response.content_part.done",
                "part",
                part("Let me look."),
            ))
            .done(index, &item("completed", &[part("Let me look.")]))
    }

    fn begin(self, index: u32, call: &Call) -> Self {
        self.added(index, &function(&call.with_input(""), "in_progress"))
    }

    fn input(self, index: u32, call: &Call, piece: &str) -> Self {
        self.event(json!({ "type": "response.function_call_arguments.delta", "item_id": item_id(call), "output_index": index, "delta": piece }))
    }

    fn inputs(self, index: u32, call: &Call) -> Self {
        let [one, two] = call.pieces();
        self.input(index, call, one).input(index, call, two)
    }

    fn said(self, index: u32, call: &Call) -> Self {
        self.event(json!({ "type": "response.function_call_arguments.done", "item_id": item_id(call), "output_index": index, "name": call.name, "arguments": call.input }))
    }

    fn finish(self, index: u32, call: &Call) -> Self {
        self.said(index, call)
            .done(index, &function(call, "completed"))
    }

    pub fn call(self, index: u32, call: &Call) -> Self {
        self.begin(index, call)
            .inputs(index, call)
            .finish(index, call)
    }

    fn custom(self, index: u32, call: &Call) -> Self {
        let event = |kind: &str, name: &str, value: &str| json!({ "type": format!("response.custom_tool_call_input.{kind}"), "item_id": item_id(call), "output_index": index, name: value });
        let [one, two] = call.pieces();
        self.added(index, &custom(&call.with_input(""), "in_progress"))
            .event(event("delta", "delta", one))
            .event(event("delta", "delta", two))
            .event(event("done", "input", &call.input))
            .done(index, &custom(call, "completed"))
    }

    pub fn end(self) -> Self {
        let output = self.output.clone();
        self.ends("completed", &output)
    }

    fn ends(self, status: &str, output: &[Value]) -> Self {
        self.event(
            json!({ "type": format!("response.{status}"), "response": response(status, output) }),
        )
    }

    pub fn explained(&self, expect: Expect) -> Exchange {
        Exchange::stream(&self.events, expect)
    }
}

fn response(status: &str, output: &[Value]) -> Value {
    let usage = json!({
        "input_tokens": 12,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": 7,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": 19,
    });
    json!({
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": if status == "failed" { json!({ "code": "server_error", "message": "m" }) } else { Value::Null },
        "incomplete_details": if status == "incomplete" { json!({ "reason": "max_output_tokens" }) } else { Value::Null },
        "model": "gpt-mock",
        "output": output,
        "parallel_tool_calls": true,
        "tool_choice": "auto",
        "tools": [],
        "usage": if status == "in_progress" { Value::Null } else { usage },
    })
}

fn item_id(call: &Call) -> String {
    format!("fc_{}", call.id)
}

fn function(call: &Call, status: &str) -> Value {
    json!({ "id": item_id(call), "type": "function_call", "status": status, "arguments": call.input, "call_id": call.id, "name": call.name })
}

fn custom(call: &Call, status: &str) -> Value {
    json!({ "id": item_id(call), "type": "custom_tool_call", "status": status, "input": call.input, "call_id": call.id, "name": call.name })
}

fn full(call: &Call) -> Value {
    function(call, "completed")
}

fn text() -> Value {
    json!({
        "id": "msg_0",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{ "type": "output_text", "text": "Let me look.", "annotations": [], "logprobs": [] }],
    })
}

/// A plain call, streamed.
pub fn streamed(call: &Call) -> Vec<Event> {
    Talk::new().text(0).call(1, call).end().events
}

/// A plain call, whole.
pub fn whole(call: &Call) -> String {
    response("completed", &[text(), full(call)]).to_string()
}

pub fn error() -> Event {
    Event::of(
        &json!({ "type": "error", "code": "server_error", "message": "m", "param": null, "sequence_number": 99 }),
    )
}

pub fn add(carriers: &mut Carriers) {
    calls::add(carriers);
    kinds::add(carriers);
    places::add(carriers);
    differences::add(carriers);
    spellings::add(carriers);
    twice::add(carriers);
    names::add(carriers);
    numbers::add(carriers);
    order::add(carriers);
    ends::add(carriers);
    wholes::add(carriers);
}
