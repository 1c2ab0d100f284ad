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
    calls(carriers);
    kinds(carriers);
    places(carriers);
    differences(carriers);
    spellings(carriers);
    twice(carriers);
    names(carriers);
    numbers(carriers);
    order(carriers);
    ends(carriers);
    wholes(carriers);
}

/// Calls as the protocol has them.
fn calls(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    carriers.add(
        "a plain call",
        begun().call(1, &call).end().explained(explained()),
    );
    carriers.add(
        "a call and no text",
        Talk::new().call(0, &call).end().explained(explained()),
    );
    carriers.add(
        "the second of two calls",
        begun()
            .call(1, &other)
            .call(2, &call)
            .end()
            .explained(kept()),
    );
    carriers.add(
        "the first of two calls",
        begun()
            .call(1, &call)
            .call(2, &other)
            .end()
            .explained(kept()),
    );
    let ([one, two], [three, four]) = (call.pieces(), other.pieces());
    carriers.add(
        "interleaved with another call",
        begun()
            .begin(1, &call)
            .begin(2, &other)
            .input(1, &call, one)
            .input(2, &other, three)
            .input(1, &call, two)
            .finish(1, &call)
            .input(2, &other, four)
            .finish(2, &other)
            .end()
            .explained(kept()),
    );
    carriers.add(
        "text behind the call",
        Talk::new()
            .call(0, &call)
            .text(1)
            .end()
            .explained(explained()),
    );
    let thinking = json!({ "id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "c2VhbA==" });
    carriers.add(
        "reasoning before the call",
        Talk::new()
            .added(0, &thinking)
            .done(0, &thinking)
            .call(1, &call)
            .end()
            .explained(explained()),
    );
    carriers.add(
        "reasoning behind the call",
        Talk::new()
            .call(0, &call)
            .added(1, &thinking)
            .done(1, &thinking)
            .end()
            .explained(explained()),
    );
    let mut split = begun().begin(1, &call);
    for character in call.input.chars() {
        split = split.input(1, &call, &character.to_string());
    }
    carriers.add(
        "arguments cut at every byte",
        split.finish(1, &call).end().explained(explained()),
    );
    carriers.add(
        "arguments that are no JSON",
        begun()
            .call(1, &call.with_input(call.input.trim_end_matches('}')))
            .end()
            .explained(explained()),
    );
    carriers.add(
        "no deltas",
        begun()
            .begin(1, &call)
            .finish(1, &call)
            .end()
            .explained(explained()),
    );
    carriers.add(
        "no deltas and no end of the arguments",
        begun()
            .begin(1, &call)
            .done(1, &full(&call))
            .end()
            .explained(explained()),
    );
    let talk = begun().call(1, &call);
    let output = talk.output.clone();
    carriers.add(
        "a response that is incomplete",
        talk.ends("incomplete", &output).explained(explained()),
    );
}

/// Items of other kinds that a client runs.
fn kinds(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    let free = call.with_input(match carriers.mark {
        Mark::Name => "free text",
        Mark::Argument => "free text with LEAKARG in it",
    });
    carriers.add(
        "a custom tool",
        begun().custom(1, &free).end().explained(explained()),
    );
    carriers.add(
        "a custom tool beside another call",
        begun()
            .call(1, &other)
            .custom(2, &free)
            .end()
            .explained(kept()),
    );
    if carriers.mark == Mark::Argument {
        for (kind, member, input) in [
            (
                "local_shell_call",
                "action",
                json!({ "type": "exec", "command": ["echo", "LEAKARG"], "env": {} }),
            ),
            (
                "shell_call",
                "action",
                json!({ "commands": ["echo LEAKARG"], "timeout_ms": null, "max_output_length": null }),
            ),
            (
                "computer_call",
                "action",
                json!({ "type": "type", "text": "LEAKARG" }),
            ),
            (
                "apply_patch_call",
                "operation",
                json!({ "type": "create_file", "path": "LEAKARG", "diff": "+x" }),
            ),
        ] {
            let item = |status: &str| {
                let mut item = json!({ "id": "lsh_LEAKID", "type": kind, "status": status, "call_id": "call_LEAKID" });
                item[member] = input.clone();
                item
            };
            carriers.add(
                format!("a {kind}"),
                begun()
                    .added(1, &item("in_progress"))
                    .done(1, &item("completed"))
                    .end()
                    .explained(explained()),
            );
            carriers.add(
                format!("a {kind}, whole"),
                Exchange::whole(
                    response("completed", &[text(), item("completed")]).to_string(),
                    explained(),
                ),
            );
        }
    }
    for kind in [
        "agent_call",
        "hosted_function_call",
        "Function_call",
        "function_call ",
        "tool_use",
        "",
    ] {
        let item = |input: &str, status: &str| json!({ "id": "x_LEAKID", "type": kind, "status": status, "call_id": call.id, "name": call.name, "arguments": input });
        carriers.add(
            format!("an item of the type {kind:?}"),
            begun()
                .added(1, &item("", "in_progress"))
                .done(1, &item(&call.input, "completed"))
                .end()
                .explained(explained()),
        );
        carriers.add(
            format!("an item of the type {kind:?}, whole"),
            Exchange::whole(
                response("completed", &[text(), item(&call.input, "completed")]).to_string(),
                explained(),
            ),
        );
    }
    for kind in [None, Some(Value::Null), Some(json!(["function_call"]))] {
        let mut item = full(&call);
        let carrier = format!("an item of the type {kind:?}");
        match kind {
            Some(kind) => item["type"] = kind,
            None => {
                item.as_object_mut().unwrap().remove("type");
            }
        }
        carriers.add(
            carrier.clone(),
            begun()
                .added(1, &item)
                .done(1, &item)
                .end()
                .explained(explained()),
        );
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(
                response("completed", &[text(), item]).to_string(),
                explained(),
            ),
        );
    }
    let object: Value = serde_json::from_str(&call.input).unwrap();
    let mut item = full(&call);
    item["arguments"] = object;
    carriers.add(
        "arguments that are an object",
        begun()
            .begin(1, &call)
            .done(1, &item)
            .end()
            .explained(explained()),
    );
    let inside = |part: Value| json!({ "id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part] });
    for (carrier, part) in [
        ("a call as a part of a message", full(&call)),
        (
            "a tool_use as a part of a message",
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input }),
        ),
    ] {
        carriers.add(
            carrier,
            begun()
                .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [] }))
                .event(json!({ "type": "response.content_part.added", "item_id": "msg_1", "output_index": 1, "content_index": 0, "part": part }))
                .event(json!({ "type": "response.content_part.done", "item_id": "msg_1", "output_index": 1, "content_index": 0, "part": part }))
                .done(1, &inside(part.clone()))
                .end()
                .explained(Expect::Gone),
        );
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(
                response("completed", &[text(), inside(part)]).to_string(),
                explained(),
            ),
        );
    }
}

/// Calls in events that are not there for them.
fn places(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let all = [text(), full(&call)];
    for status in ["completed", "incomplete"] {
        carriers.add(
            format!("only in the output of response.{status}"),
            begun().ends(status, &all).explained(explained()),
        );
    }
    carriers.add(
        "only in the output of response.failed",
        begun().ends("failed", &all).explained(Expect::Refused),
    );
    carriers.add(
        "in the output of response.completed instead of the text",
        begun()
            .ends("completed", &[full(&call)])
            .explained(Expect::Gone),
    );
    let mut both = response("completed", &all);
    both["error"] = json!({ "code": "server_error", "message": "m" });
    carriers.add(
        "in a response.completed with an error",
        begun()
            .event(json!({ "type": "response.completed", "response": both }))
            .explained(Expect::Refused),
    );
    for status in ["created", "in_progress", "queued"] {
        carriers.add(
            format!("in response.{status}"),
            Talk::new()
                .event(json!({ "type": format!("response.{status}"), "response": response("in_progress", &[full(&call)]) }))
                .text(0)
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "in the first response.created",
        Talk::beginning(&[full(&call)])
            .text(0)
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with a response",
        begun()
            .event(json!({ "type": "response.snapshot", "response": response("in_progress", &[full(&call)]) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with an item",
        begun()
            .event(json!({ "type": "response.tool_call.done", "output_index": 1, "item": full(&call) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in an unknown event with an item, of another",
        begun()
            .event(json!({ "type": "response.output_item.snapshot", "output_index": 0, "item": full(&call) }))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "in response.output_item.done, never added",
        begun().done(1, &full(&call)).end().explained(Expect::Gone),
    );
    carriers.add(
        "in response.output_item.done alone",
        begun()
            .only_done(1, &full(&call))
            .end()
            .explained(Expect::Gone),
    );
    carriers.add(
        "in response.output_item.added, done and the rest left out",
        begun()
            .added(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "an added message that is done as a call",
        begun()
            .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [] }))
            .done(1, &json!({ "id": "msg_1", "type": "function_call", "status": "completed", "arguments": call.input, "call_id": call.id, "name": call.name }))
            .end()
            .explained(Expect::Gone),
    );
    carriers.add(
        "an item that is done twice, the second time as a call",
        begun()
            .only_done(0, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "arguments that are done, of no item",
        begun().said(1, &call).end().explained(Expect::Refused),
    );
    if carriers.mark == Mark::Argument {
        // Of the tool's name there is nothing in these.
        carriers.add(
            "arguments in deltas, of no item",
            begun().inputs(1, &call).end().explained(Expect::Refused),
        );
        carriers.add(
            "more arguments behind the end of the item",
            begun()
                .call(1, &carriers.mark.harmless().fine())
                .inputs(1, &call)
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "an added message that begins with a call",
        begun()
            .added(1, &json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [full(&call)] }))
            .end()
            .explained(Expect::Refused),
    );
}

/// Events that say different things of one call. Codex runs what `response.output_item.done` says.
fn differences(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let begun = || Talk::new().text(0);
    carriers.add(
        "harmless deltas, the call in response.output_item.done",
        begun()
            .begin(1, &harmless)
            .inputs(1, &harmless)
            .said(1, &harmless)
            .done(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    let ended = |talk: Talk, last: &Call| {
        let output = [text(), full(last)];
        talk.ends("completed", &output)
    };
    carriers.add(
        "the call in deltas, harmless in response.output_item.done",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "harmless everywhere, the call in response.completed",
        ended(
            begun()
                .begin(1, &harmless)
                .inputs(1, &harmless)
                .said(1, &harmless)
                .only_done(1, &full(&harmless)),
            &call,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call everywhere, harmless in response.completed",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&call)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call in function_call_arguments.done, harmless elsewhere",
        ended(
            begun()
                .begin(1, &harmless)
                .inputs(1, &harmless)
                .said(1, &call)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call in response.output_item.added, harmless elsewhere",
        ended(
            begun()
                .added(1, &function(&call, "in_progress"))
                .inputs(1, &harmless)
                .said(1, &harmless)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "a call that response.completed leaves out",
        begun()
            .begin(1, &call)
            .inputs(1, &call)
            .said(1, &call)
            .only_done(1, &full(&call))
            .ends("completed", &[text()])
            .explained(explained()),
    );
    carriers.add(
        "the call done twice, harmless first",
        begun()
            .call(1, &harmless)
            .only_done(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "the call done twice, harmless last",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&call))
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
}

/// The same, written in another way.
fn spellings(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id) = (&call.name, call.id);
    let begun = || Talk::new().text(0);
    let input = quoted(&call.input);
    for (carrier, done) in [
        (
            "the name in escapes",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_{id}","type":"function_call","status":"completed","call_id":"{id}","name":"{}","arguments":{input}}}}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"\u0074ype":"response.output_item.done","output\u005findex":1,"it\u0065m":{{"id":"fc_{id}","typ\u0065":"function_call","status":"completed","call_id":"{id}","n\u0061me":"{name}","arg\u0075ments":{input}}}}}"#
            ),
        ),
        (
            "types in escapes",
            format!(
                r#"{{"type":"response.output\u005fitem.done","output_index":1,"item":{{"id":"fc_{id}","type":"function\u005fcall","status":"completed","call_id":"{id}","name":"{name}","arguments":{input}}}}}"#
            ),
        ),
        (
            "arguments in escapes",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_{id}","type":"function_call","status":"completed","call_id":"{id}","name":"{name}","arguments":"{}"}}}}"#,
                escaped(&call.input)
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"type\" : \"response.output_item.done\" ,\t\"output_index\" : 1 , \"item\" : {{ \"id\" : \"fc_{id}\" , \"type\" : \"function_call\" , \"status\" : \"completed\" , \"call_id\" : \"{id}\" , \"name\" : \"{name}\" , \"arguments\" : {input} }} }}"
            ),
        ),
        (
            "the type last",
            format!(
                r#"{{"item":{{"arguments":{input},"name":"{name}","call_id":"{id}","status":"completed","id":"fc_{id}","type":"function_call"}},"output_index":1,"type":"response.output_item.done"}}"#
            ),
        ),
    ] {
        let mut talk = begun()
            .begin(1, &call)
            .inputs(1, &call)
            .said(1, &call)
            .raw("response.output_item.done", &done);
        talk.output.push(full(&call));
        carriers.add(carrier, talk.end().explained(explained()));
    }
    if carriers.mark == Mark::Argument {
        let inner = call.with_input(&format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG")));
        let mut split = begun().begin(1, &inner);
        for character in inner.input.chars() {
            split = split.input(1, &inner, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.finish(1, &inner).end().explained(explained()),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            begun()
                .call(1, &call.with_input(&deep))
                .end()
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call.with_input(&deep)), explained()),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            begun()
                .call(
                    1,
                    &call.with_input(r#"{"command":"ls","command":"LEAKARG"}"#),
                )
                .end()
                .explained(explained()),
        );
    }
}

/// Keys that stand twice: who reads the first and who reads the last see different calls.
fn twice(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let (bad, good) = (full(&call), full(&Call::new("call_x", "Read", "{}")));
    let input = quoted(&call.input);
    let mut events = vec![
        (
            "an item that stands twice, harmless first",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{good},"item":{bad}}}"#
            ),
        ),
        (
            "an item that stands twice, harmless last",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{bad},"item":{good}}}"#
            ),
        ),
        (
            "an item that stands twice in other spellings",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{good},"it\u0065m":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless first",
            format!(
                r#"{{"type":"newer","type":"response.output_item.done","output_index":1,"item":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless last",
            format!(
                r#"{{"type":"response.output_item.done","type":"newer","output_index":1,"item":{bad}}}"#
            ),
        ),
        (
            "an item whose type stands twice",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"type":"reasoning","summary":[],"type":"function_call","id":"fc_LEAKID","call_id":"{}","name":"{}","arguments":{input}}}}}"#,
                call.id, call.name
            ),
        ),
    ];
    match carriers.mark {
        Mark::Name => events.extend([
            ("a name that stands twice, harmless first", r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"Read","name":"LEAKTOOL","arguments":"{}"}}"#.to_owned()),
            ("a name that stands twice, harmless last", r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"LEAKTOOL","name":"Read","arguments":"{}"}}"#.to_owned()),
        ]),
        Mark::Argument => events.extend([
            ("arguments that stand twice, harmless first", format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_1","type":"function_call","call_id":"c","name":"Bash","arguments":"{{}}","arguments":{input}}}}}"#)),
            ("arguments that stand twice, harmless last", format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_1","type":"function_call","call_id":"c","name":"Bash","arguments":{input},"arguments":"{{}}"}}}}"#)),
        ]),
    }
    for (carrier, data) in events {
        carriers.add(
            carrier,
            begun()
                .raw("response.output_item.done", &data)
                .end()
                .explained(Expect::Refused),
        );
    }
    let (all, none) = (
        response("completed", &[text(), bad]),
        response("completed", &[text()]),
    );
    for (carrier, first, last) in [
        ("a response that stands twice, harmless first", &none, &all),
        ("a response that stands twice, harmless last", &all, &none),
    ] {
        carriers.add(
            carrier,
            begun()
                .raw(
                    "response.completed",
                    &format!(
                        r#"{{"type":"response.completed","response":{first},"response":{last}}}"#
                    ),
                )
                .explained(Expect::Refused),
        );
    }
    let plain = whole(&call);
    for (carrier, from, to) in [
        (
            "an output that stands twice, whole, harmless first",
            r#""output":["#,
            r#""output":[],"output":["#,
        ),
        (
            "a name that stands twice, whole, harmless first",
            r#""name":"#,
            r#""name":"Read","name":"#,
        ),
        (
            "arguments that stand twice, whole, harmless first",
            r#""arguments":"#,
            r#""arguments":"{}","arguments":"#,
        ),
        (
            "a type that stands twice, whole, harmless first",
            r#""type":"function_call""#,
            r#""type":"reasoning","type":"function_call""#,
        ),
    ] {
        let twice = plain.replacen(from, to, 1);
        assert_ne!(twice, plain, "{carrier}");
        carriers.add(carrier, Exchange::whole(twice, Expect::Refused));
    }
}

/// The name of an event and the type of its data.
fn names(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let done = |kind: Option<Value>| {
        let mut event = json!({ "output_index": 1, "item": full(&call) });
        if let Some(kind) = kind {
            event["type"] = kind;
        }
        event
    };
    let real = || Some(json!("response.output_item.done"));
    for name in [
        "ping",
        "response.completed",
        "response.output_text.delta",
        "newer",
        "error",
        "",
    ] {
        carriers.add(
            format!("an event named {name:?} with the item in it"),
            begun()
                .named(Some(name), done(real()))
                .end()
                .explained(Expect::Refused),
        );
    }
    for kind in [
        json!("ping"),
        json!("newer"),
        json!("response.completed"),
        Value::Null,
        json!(1),
    ] {
        carriers.add(
            format!("an event named response.output_item.done with data of the type {kind}"),
            begun()
                .named(real().as_ref().and_then(Value::as_str), done(Some(kind)))
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "an event named response.output_item.done with data of no type",
        begun()
            .named(real().as_ref().and_then(Value::as_str), done(None))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "data of no type, and no name",
        begun()
            .named(None, done(None))
            .end()
            .explained(Expect::Refused),
    );
    let mut bare = begun().call(1, &call).end();
    for event in &mut bare.events {
        event.name = None;
    }
    carriers.add("events without names", bare.explained(Expect::Gone));
    carriers.add(
        "an event in a list",
        Talk {
            events: [
                begun().events,
                vec![Event::new(
                    "response.output_item.done",
                    json!([done(real())]).to_string(),
                )],
                begun().end().events.split_off(begun().events.len()),
            ]
            .concat(),
            output: Vec::new(),
        }
        .explained(Expect::Refused),
    );
}

/// Indexes that are read differently.
fn numbers(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    for (index, expect) in [
        ("7", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("-1", Expect::Refused),
        ("1.0", Expect::Refused),
        ("1e0", Expect::Refused),
        ("\"1\"", Expect::Refused),
        ("null", Expect::Refused),
        ("", Expect::Refused),
    ] {
        let index_member = if index.is_empty() {
            String::new()
        } else {
            format!(r#""output_index":{index},"#)
        };
        let event =
            |kind: &str, member: &str| format!(r#"{{"type":"{kind}",{index_member}{member}}}"#);
        let mut talk = begun()
            .raw(
                "response.output_item.added",
                &event(
                    "response.output_item.added",
                    &format!(
                        r#""item":{}"#,
                        function(&call.with_input(""), "in_progress")
                    ),
                ),
            )
            .raw(
                "response.function_call_arguments.delta",
                &event(
                    "response.function_call_arguments.delta",
                    &format!(
                        r#""item_id":"{}","delta":{}"#,
                        item_id(&call),
                        quoted(&call.input)
                    ),
                ),
            )
            .raw(
                "response.output_item.done",
                &event(
                    "response.output_item.done",
                    &format!(r#""item":{}"#, full(&call)),
                ),
            );
        // As clients see it that look at nothing but events.
        let quiet = talk.clone().end().explained(expect.clone());
        carriers.add(
            format!("the index {index:?}, and nothing in the last event"),
            quiet,
        );
        talk.output.push(full(&call));
        carriers.add(format!("the index {index:?}"), talk.end().explained(expect));
    }
    let other = Call::kept();
    carriers.add(
        "two calls with one index",
        begun()
            .call(1, &other)
            .call(1, &call)
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "deltas with the index of one call and the id of another",
        begun()
            .begin(1, &other)
            .begin(2, &carriers.mark.harmless())
            .event(json!({ "type": "response.function_call_arguments.delta", "item_id": item_id(&call), "output_index": 1, "delta": call.input }))
            .finish(1, &other)
            .finish(2, &carriers.mark.harmless())
            .end()
            .explained(Expect::Refused),
    );
}

/// Items where none may be.
fn order(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    carriers.add(
        "a call behind the end",
        begun().end().call(1, &call).explained(Expect::Over),
    );
    carriers.add(
        "a call and another end behind the end",
        begun().end().call(1, &call).end().explained(Expect::Over),
    );
    carriers.add(
        "a second end with the call in it",
        begun()
            .end()
            .ends("completed", &[text(), full(&call)])
            .explained(Expect::Over),
    );
    carriers.add(
        "a call before response.created",
        Talk {
            events: [
                Talk::new().call(0, &call).events.split_off(2),
                begun().end().events,
            ]
            .concat(),
            output: Vec::new(),
        }
        .explained(Expect::Refused),
    );
}

/// Streams that end otherwise.
fn ends(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let half = begun().begin(1, &call).inputs(1, &call);
    let full_call = begun().call(1, &call);
    carriers.add(
        "a stream that ends inside the call",
        half.explained(Expect::Refused),
    );
    carriers.add(
        "a stream that is lost inside the call",
        half.explained(Expect::Refused).lost(),
    );
    carriers.add(
        "a stream that ends behind the call",
        full_call.explained(Expect::Refused),
    );
    carriers.add(
        "a stream that is lost behind the call",
        full_call.explained(Expect::Refused).lost(),
    );
    let with_error = |mut events: Vec<Event>| {
        events.push(error());
        Exchange::stream(&events, Expect::Refused)
    };
    carriers.add(
        "an error behind the call",
        with_error(full_call.events.clone()),
    );
    let mut over = full_call.clone().end().events;
    over.push(error());
    carriers.add(
        "an error behind the end",
        Exchange::stream(&over, Expect::Over),
    );
    let talk = full_call.clone();
    carriers.add(
        "a failure behind the call",
        talk.ends("failed", &[]).explained(Expect::Refused),
    );
    let output = full_call.output.clone();
    carriers.add(
        "a failure behind the call, with the call in its output",
        full_call
            .clone()
            .ends("failed", &output)
            .explained(Expect::Refused),
    );
    carriers.add(
        "an error with the item in it",
        begun()
            .event(json!({ "type": "error", "code": "c", "message": "m", "output_index": 1, "item": full(&call) }))
            .explained(Expect::Refused),
    );
    let mut body = Framing::Lf.write(&full_call.events).to_vec();
    body.extend_from_slice(
        format!("event: response.completed\ndata: {}", json!({ "type": "response.completed", "sequence_number": full_call.events.len(), "response": response("completed", &full_call.output) })).as_bytes(),
    );
    carriers.add(
        "an end without a blank line",
        Exchange::bytes(Form::Stream, body, explained()),
    );
}

/// Replies that are not streamed.
fn wholes(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let put = |carriers: &mut Carriers, carrier: &str, output: &[Value], expect| {
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(response("completed", output).to_string(), expect),
        );
    };
    put(
        carriers,
        "a plain call",
        &[text(), full(&call)],
        explained(),
    );
    put(carriers, "a call and no text", &[full(&call)], explained());
    put(
        carriers,
        "the first of two calls",
        &[text(), full(&call), full(&other)],
        kept(),
    );
    put(
        carriers,
        "the second of two calls",
        &[full(&other), full(&call)],
        kept(),
    );
    put(
        carriers,
        "a custom tool",
        &[text(), custom(&call, "completed")],
        explained(),
    );
    put(
        carriers,
        "text behind the call",
        &[full(&call), text()],
        explained(),
    );
    let object: Value = serde_json::from_str(&call.input).unwrap();
    let mut item = full(&call);
    item["arguments"] = object;
    put(
        carriers,
        "arguments that are an object",
        &[text(), item],
        explained(),
    );
    carriers.add(
        "a response that is incomplete, whole",
        Exchange::whole(
            response("incomplete", &[text(), full(&call)]).to_string(),
            explained(),
        ),
    );
    carriers.add(
        "a response that has failed, whole",
        Exchange::whole(
            response("failed", &[text(), full(&call)]).to_string(),
            Expect::Refused,
        ),
    );
    let plain = response("completed", &[text(), full(&call)]);
    let with = |name: &str, value: Value| {
        let mut reply = plain.clone();
        reply[name] = value;
        reply.to_string()
    };
    for error in [
        json!({ "message": "m", "code": "c" }),
        json!("m"),
        json!(false),
        json!({}),
        json!(""),
    ] {
        carriers.add(
            format!("an error {error} beside the output, whole"),
            Exchange::whole(with("error", error), Expect::Refused),
        );
    }
    for status in [
        json!("in_progress"),
        json!("queued"),
        json!("newer"),
        Value::Null,
    ] {
        carriers.add(
            format!("the status {status}, whole"),
            Exchange::whole(with("status", status), Expect::Gone),
        );
    }
    carriers.add(
        "an output that is an object, whole",
        Exchange::whole(with("output", full(&call)), Expect::Refused),
    );
    carriers.add(
        "a list inside the output, whole",
        Exchange::whole(with("output", json!([[full(&call)]])), Expect::Refused),
    );
    carriers.add(
        "a response inside the response",
        Exchange::whole(
            {
                let mut outer = response("completed", &[text()]);
                outer["response"] = plain.clone();
                outer.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "an event in place of a response",
        Exchange::whole(
            json!({ "type": "response.completed", "response": plain }).to_string(),
            Expect::Refused,
        ),
    );
    carriers.add(
        "a list of responses",
        Exchange::whole(json!([plain]).to_string(), Expect::Refused),
    );
    carriers.add(
        "two responses, one behind the other",
        Exchange::whole(
            format!("{}\n{plain}", response("completed", &[text()])),
            Expect::Refused,
        ),
    );
    carriers.add(
        "a response with something behind it",
        Exchange::whole(format!("{plain}]"), Expect::Refused),
    );
    carriers.add(
        "a response behind a byte order mark",
        Exchange::whole(format!("\u{feff}{plain}"), Expect::Refused),
    );
    carriers.add(
        "a response that does not end",
        Exchange::whole(
            plain.to_string().trim_end_matches('}').to_owned(),
            Expect::Refused,
        ),
    );
    let plain = plain.to_string();
    carriers.add(
        "white space around the response",
        Exchange::whole(format!("\n {plain}\r\n"), explained()),
    );
    carriers.add(
        "keys in escapes, whole",
        Exchange::whole(
            plain
                .replace("\"output\"", "\"o\\u0075tput\"")
                .replace("\"name\"", "\"n\\u0061me\"")
                .replace("\"function_call\"", "\"function\\u005fcall\""),
            explained(),
        ),
    );
}
