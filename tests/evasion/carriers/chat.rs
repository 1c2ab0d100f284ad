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
    calls(carriers);
    choices(carriers);
    beginnings(carriers);
    others(carriers);
    spellings(carriers);
    twice(carriers);
    numbers(carriers);
    messages(carriers);
    order(carriers);
    ends(carriers);
    wholes(carriers);
}

/// Calls as the protocol has them.
fn calls(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let text = || Talk::new().text();
    carriers.add(
        "a plain call",
        text()
            .call(0, &call)
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a call and no text",
        Talk::new()
            .call(0, &call)
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a call in one chunk",
        text()
            .calls(0, &[at_once(0, &call)])
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a call in one chunk with its end",
        text()
            .chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": "tool_calls" }]))
            .done()
            .explained(explained()),
    );
    carriers.add(
        "a call in one chunk with a text",
        Talk::new()
            .delta(
                0,
                &json!({ "content": "Let me look.", "tool_calls": [at_once(0, &call)] }),
            )
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a reply in one chunk",
        Talk(Vec::new())
            .chunk(&json!([{ "index": 0, "delta": { "role": "assistant", "content": "Let me look.", "tool_calls": [at_once(0, &call)] }, "finish_reason": "tool_calls" }]))
            .done()
            .explained(explained()),
    );
    carriers.add(
        "the second of two calls",
        text()
            .call(0, &other)
            .call(1, &call)
            .end("tool_calls")
            .explained(kept()),
    );
    carriers.add(
        "the first of two calls",
        text()
            .call(0, &call)
            .call(1, &other)
            .end("tool_calls")
            .explained(kept()),
    );
    carriers.add(
        "the first of two calls in one chunk",
        text()
            .calls(0, &[at_once(0, &call), at_once(1, &other)])
            .end("tool_calls")
            .explained(kept()),
    );
    carriers.add(
        "the second of two calls in one chunk",
        text()
            .calls(0, &[at_once(0, &other), at_once(1, &call)])
            .end("tool_calls")
            .explained(kept()),
    );
    let ([one, two], [three, four]) = (call.pieces(), other.pieces());
    carriers.add(
        "interleaved with another call",
        text()
            .calls(0, &[begun(0, &call), begun(1, &other)])
            .input(0, 0, one)
            .input(0, 1, three)
            .input(0, 0, two)
            .input(0, 1, four)
            .end("tool_calls")
            .explained(kept()),
    );
    carriers.add(
        "interleaved with another call, in the same chunks",
        text()
            .calls(0, &[begun(0, &other), begun(1, &call)])
            .calls(0, &[more(0, three), more(1, one)])
            .calls(0, &[more(1, two), more(0, four)])
            .end("tool_calls")
            .explained(kept()),
    );
    carriers.add(
        "text behind the call",
        Talk::new()
            .call(0, &call)
            .text()
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "thinking around the call",
        Talk::new()
            .delta(0, &json!({ "reasoning_content": "Hm." }))
            .call(0, &call)
            .delta(0, &json!({ "reasoning_content": "Hm." }))
            .end("tool_calls")
            .explained(explained()),
    );
    for reason in ["stop", "length", "content_filter", "function_call", "newer"] {
        carriers.add(
            format!("a call, and the finish reason {reason}"),
            text().call(0, &call).end(reason).explained(explained()),
        );
    }
    let mut split = text().calls(0, &[begun(0, &call)]);
    for character in call.input.chars() {
        split = split.input(0, 0, &character.to_string());
    }
    carriers.add(
        "arguments cut at every byte",
        split.end("tool_calls").explained(explained()),
    );
    carriers.add(
        "arguments that are no JSON",
        text()
            .call(0, &call.with_input(call.input.trim_end_matches('}')))
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "usage behind the end of the choice",
        text()
            .call(0, &call)
            .stop(0, "tool_calls")
            .chunk(&json!([]))
            .done()
            .explained(explained()),
    );
}

/// Several choices.
fn choices(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let role = json!({ "role": "assistant", "content": "" });
    let several =
        |count: u32| (1..count).fold(Talk::new(), |talk, choice| talk.delta(choice, &role));
    carriers.add(
        "two choices, the call in the second",
        several(2)
            .text_in(0)
            .text_in(1)
            .call_in(1, 0, &call)
            .stop(0, "stop")
            .stop(1, "tool_calls")
            .done()
            .explained(explained())
            .choices(2),
    );
    carriers.add(
        "two choices with a call each",
        several(2)
            .call_in(0, 0, &other)
            .call_in(1, 0, &call)
            .stop(1, "tool_calls")
            .stop(0, "tool_calls")
            .done()
            .explained(kept())
            .choices(2),
    );
    carriers.add(
        "three choices, the call in the second",
        several(3)
            .text_in(2)
            .call_in(1, 0, &call)
            .call_in(2, 0, &other)
            .stop(2, "tool_calls")
            .stop(0, "stop")
            .stop(1, "tool_calls")
            .done()
            .explained(kept())
            .choices(3),
    );
    let both = |one: &Value, two: &Value| json!([{ "index": 0, "delta": one, "finish_reason": null }, { "index": 1, "delta": two, "finish_reason": null }]);
    let ends = json!([
        { "index": 0, "delta": {}, "finish_reason": "stop" },
        { "index": 1, "delta": {}, "finish_reason": "tool_calls" },
    ]);
    carriers.add(
        "two choices in the same chunks",
        Talk(Vec::new())
            .chunk(&both(&role, &role))
            .chunk(&both(
                &json!({ "content": "Let me look." }),
                &json!({ "tool_calls": [at_once(0, &call)] }),
            ))
            .chunk(&ends)
            .done()
            .explained(explained())
            .choices(2),
    );
    carriers.add(
        "two choices in the same chunks, in the other order",
        Talk(Vec::new())
            .chunk(&both(&role, &role))
            .chunk(&json!([
                { "index": 1, "delta": { "tool_calls": [begun(0, &call)] }, "finish_reason": null },
                { "index": 0, "delta": { "tool_calls": [begun(0, &other)] }, "finish_reason": null },
            ]))
            .chunk(&json!([
                { "index": 1, "delta": { "tool_calls": [more(0, &call.input)] }, "finish_reason": "tool_calls" },
                { "index": 0, "delta": { "tool_calls": [more(0, &other.input)] }, "finish_reason": "tool_calls" },
            ]))
            .done()
            .explained(kept())
            .choices(2),
    );
    carriers.add(
        "a choice that nobody asked for",
        several(2)
            .text()
            .call_in(1, 0, &call)
            .stop(0, "stop")
            .stop(1, "tool_calls")
            .done()
            .explained(explained()),
    );
    carriers.add(
        "the same choice twice in one chunk",
        Talk::new()
            .chunk(&json!([
                { "index": 0, "delta": { "content": "Let me look." }, "finish_reason": null },
                { "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null },
            ]))
            .end("tool_calls")
            .explained(explained()),
    );
}

/// Calls whose head comes in pieces.
fn beginnings(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let text = || Talk::new().text();
    let head = |head: Value| {
        let mut call = head;
        call["index"] = json!(0);
        call
    };
    let name = |name: &str| head(json!({ "function": { "name": name } }));
    let id = head(json!({ "id": call.id, "type": "function" }));
    carriers.add(
        "the name behind the arguments",
        text()
            .inputs(0, 0, &call)
            .calls(
                0,
                &[head(
                    json!({ "id": call.id, "type": "function", "function": { "name": call.name } }),
                )],
            )
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "the id first, the name last",
        text()
            .calls(0, std::slice::from_ref(&id))
            .inputs(0, 0, &call)
            .calls(0, &[name(&call.name)])
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    let (one, two) = call.name.split_at(call.name.len() / 2);
    carriers.add(
        "a name in two pieces",
        text()
            .calls(0, &[head(json!({ "id": call.id, "type": "function", "function": { "name": one, "arguments": "" } }))])
            .calls(0, &[name(two)])
            .inputs(0, 0, &call)
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    carriers.add(
        "a name with an empty one behind it",
        text()
            .calls(0, &[begun(0, &call)])
            .calls(0, &[name("")])
            .inputs(0, 0, &call)
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    carriers.add(
        "a name with null behind it",
        text()
            .calls(0, &[begun(0, &call)])
            .calls(0, &[head(json!({ "id": null, "type": null, "function": { "name": null, "arguments": call.input } }))])
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a name that comes with every piece",
        text()
            .calls(0, &[head(json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.pieces()[0] } }))])
            .calls(0, &[head(json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.pieces()[1] } }))])
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    if carriers.mark == Mark::Name {
        for (carrier, first, last) in [
            ("a second name that is harmless", "LEAKTOOL", "Read"),
            ("a second name behind a harmless one", "Read", "LEAKTOOL"),
        ] {
            carriers.add(
                carrier,
                text()
                    .calls(0, &[begun(0, &call.named(first))])
                    .calls(0, &[name(last)])
                    .inputs(0, 0, &call)
                    .end("tool_calls")
                    .explained(Expect::Gone),
            );
        }
        carriers.add(
            "the name in every place",
            text()
                .calls(0, &[json!({ "index": 0, "id": call.id, "type": "function", "name": "LEAKTOOL", "function": { "name": "Read", "arguments": "{}" } })])
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    let object: Value = serde_json::from_str(&call.input).unwrap();
    carriers.add(
        "arguments that are an object",
        text()
            .calls(0, &[json!({ "index": 0, "id": call.id, "type": "function", "function": { "name": call.name, "arguments": object } })])
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "arguments that are an object, then a harmless string",
        text()
            .calls(0, &[json!({ "index": 0, "id": call.id, "type": "function", "function": { "name": call.name, "arguments": object } })])
            .inputs(0, 0, &harmless)
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "arguments that are a harmless string, then an object",
        text()
            .calls(0, &[begun(0, &call)])
            .inputs(0, 0, &harmless)
            .calls(
                0,
                &[json!({ "index": 0, "function": { "arguments": object } })],
            )
            .end("tool_calls")
            .explained(Expect::Refused),
    );
}

/// Calls of other kinds, and in other places.
fn others(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let text = || Talk::new().text();
    let free = call.with_input(match carriers.mark {
        Mark::Name => "free text",
        Mark::Argument => "free text with LEAKARG in it",
    });
    let indexed = |mut call: Value| {
        call["index"] = json!(0);
        call
    };
    carriers.add(
        "a custom tool",
        text()
            .calls(0, &[indexed(custom(&free))])
            .end("tool_calls")
            .explained(explained()),
    );
    let [one, two] = free.pieces();
    carriers.add(
        "a custom tool in pieces",
        text()
            .calls(0, &[json!({ "index": 0, "id": free.id, "type": "custom", "custom": { "name": free.name, "input": "" } })])
            .calls(0, &[json!({ "index": 0, "custom": { "input": one } })])
            .calls(0, &[json!({ "index": 0, "custom": { "input": two } })])
            .end("tool_calls")
            .explained(explained()),
    );
    carriers.add(
        "a custom tool beside another call",
        text()
            .calls(0, &[indexed(custom(&free)), at_once(1, &other)])
            .end("tool_calls")
            .explained(kept()),
    );
    for (carrier, bad) in [
        (
            "a call of the type custom with a function",
            json!({ "index": 0, "id": call.id, "type": "custom", "function": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "a call of no type",
            json!({ "index": 0, "id": call.id, "function": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "a call of an unknown type",
            json!({ "index": 0, "id": call.id, "type": "newer", "newer": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "a call of an unknown type with a function",
            json!({ "index": 0, "id": call.id, "type": "newer", "function": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "a call without anything around it",
            json!({ "index": 0, "id": call.id, "name": call.name, "arguments": call.input }),
        ),
        (
            "a call with its input as input",
            json!({ "index": 0, "id": call.id, "type": "function", "function": { "name": call.name, "input": call.input } }),
        ),
    ] {
        carriers.add(
            carrier,
            text()
                .calls(0, &[bad])
                .end("tool_calls")
                .explained(explained()),
        );
    }
    let harmless = json!({ "name": "Read", "arguments": "{}" });
    for (carrier, bad) in [
        (
            "a harmless function beside a custom tool",
            json!({ "index": 0, "id": call.id, "type": "function", "function": harmless, "custom": { "name": call.name, "input": call.input } }),
        ),
        (
            "a harmless custom tool beside a function",
            json!({ "index": 0, "id": call.id, "type": "custom", "custom": { "name": "Read", "input": "{}" }, "function": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "harmless members of the type's name beside a function",
            json!({ "index": 0, "id": call.id, "type": "newer", "newer": harmless, "function": { "name": call.name, "arguments": call.input } }),
        ),
        (
            "a harmless function with arguments outside of it",
            json!({ "index": 0, "id": call.id, "type": "function", "function": { "name": "Read" }, "name": call.name, "arguments": call.input }),
        ),
    ] {
        carriers.add(
            carrier,
            text()
                .calls(0, &[bad])
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "a legacy call",
        text()
            .delta(0, &json!({ "function_call": legacy(&call) }))
            .end("function_call")
            .explained(explained()),
    );
    let [one, two] = call.pieces();
    carriers.add(
        "a legacy call in pieces",
        text()
            .delta(
                0,
                &json!({ "function_call": { "name": call.name, "arguments": "" } }),
            )
            .delta(0, &json!({ "function_call": { "arguments": one } }))
            .delta(0, &json!({ "function_call": { "arguments": two } }))
            .end("function_call")
            .explained(explained()),
    );
    carriers.add(
        "a legacy call whose name comes last",
        text()
            .delta(0, &json!({ "function_call": { "arguments": call.input } }))
            .delta(0, &json!({ "function_call": { "name": call.name } }))
            .end("function_call")
            .explained(explained()),
    );
    carriers.add(
        "a legacy call beside another call",
        text()
            .delta(
                0,
                &json!({ "function_call": legacy(&call), "tool_calls": [at_once(0, &other)] }),
            )
            .end("tool_calls")
            .explained(kept()),
    );
    let part = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": serde_json::from_str::<Value>(&call.input).unwrap() });
    carriers.add(
        "a part of the content",
        Talk::new()
            .delta(
                0,
                &json!({ "content": [{ "type": "text", "text": "Let me look." }, part] }),
            )
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "calls that are an object",
        text()
            .delta(0, &json!({ "tool_calls": at_once(0, &call) }))
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "calls that are an object of calls",
        text()
            .delta(0, &json!({ "tool_calls": { "0": at_once(0, &call) } }))
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "choices that are an object",
        text()
            .chunk(&json!({ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null }))
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a chunk in a list",
        text()
            .raw(json!([chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null }]))]).to_string())
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a chunk in an envelope",
        text()
            .raw(json!({ "data": chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null }])), "event": "chunk" }).to_string())
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "calls beside the delta",
        text()
            .chunk(&json!([{ "index": 0, "delta": {}, "tool_calls": [at_once(0, &call)], "finish_reason": null }]))
            .end("tool_calls")
            .explained(Expect::Refused),
    );
}

/// The same, written in another way.
fn spellings(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id, input) = (&call.name, call.id, quoted(&call.input));
    let text = || Talk::new().text();
    for (carrier, delta) in [
        (
            "the name in escapes",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"{}","arguments":{input}}}}}]}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"tool\u005fcalls":[{{"index":0,"id":"{id}","type":"function","f\u0075nction":{{"n\u0061me":"{name}","\u0061rguments":{input}}}}}]}}"#
            ),
        ),
        (
            "arguments in escapes",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"{name}","arguments":"{}"}}}}]}}"#,
                escaped(&call.input)
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"tool_calls\" : [ {{ \"index\" : 0 ,\t\"id\" : \"{id}\" , \"type\" : \"function\" , \"function\" : {{ \"name\" : \"{name}\" , \"arguments\" : {input} }} }} ] }}"
            ),
        ),
        (
            "the index last",
            format!(
                r#"{{"tool_calls":[{{"function":{{"arguments":{input},"name":"{name}"}},"type":"function","id":"{id}","index":0}}]}}"#
            ),
        ),
    ] {
        carriers.add(
            carrier,
            text()
                .spelled(&delta)
                .end("tool_calls")
                .explained(explained()),
        );
    }
    carriers.add(
        "choices in escapes",
        text()
            .raw(chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null }])).to_string().replace("\"choices\"", "\"ch\\u006fices\"").replace("\"delta\"", "\"d\\u0065lta\""))
            .end("tool_calls")
            .explained(explained()),
    );
    if carriers.mark == Mark::Argument {
        let inner = format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG"));
        let mut split = text().calls(0, &[begun(0, &call)]);
        for character in inner.chars() {
            split = split.input(0, 0, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.end("tool_calls").explained(explained()),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            text()
                .call(0, &call.with_input(&deep))
                .end("tool_calls")
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call.with_input(&deep)), explained()),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            text()
                .call(
                    0,
                    &call.with_input(r#"{"command":"ls","command":"LEAKARG"}"#),
                )
                .end("tool_calls")
                .explained(explained()),
        );
    }
}

/// Keys that stand twice: who reads the first and who reads the last see different calls.
fn twice(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let text = || Talk::new().text();
    let bad = at_once(0, &call);
    let good = at_once(0, &Call::new("call_x", "Read", "{}"));
    let input = quoted(&call.input);
    let mut deltas = vec![
        (
            "calls that stand twice, harmless first",
            format!(r#"{{"tool_calls":[{good}],"tool_calls":[{bad}]}}"#),
        ),
        (
            "calls that stand twice, harmless last",
            format!(r#"{{"tool_calls":[{bad}],"tool_calls":[{good}]}}"#),
        ),
        (
            "calls that stand twice in other spellings",
            format!(r#"{{"tool_calls":[{good}],"tool\u005fcalls":[{bad}]}}"#),
        ),
        (
            "a function that stands twice, harmless first",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Read","arguments":"{{}}"}},"function":{}}}]}}"#,
                bad["function"]
            ),
        ),
        (
            "a function that stands twice, harmless last",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{},"function":{{"name":"Read","arguments":"{{}}"}}}}]}}"#,
                bad["function"]
            ),
        ),
    ];
    match carriers.mark {
        Mark::Name => deltas.extend([
            ("a name that stands twice, harmless first", r#"{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"Read","name":"LEAKTOOL","arguments":"{}"}}]}"#.to_owned()),
            ("a name that stands twice, harmless last", r#"{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"LEAKTOOL","name":"Read","arguments":"{}"}}]}"#.to_owned()),
        ]),
        Mark::Argument => deltas.extend([
            ("arguments that stand twice, harmless first", format!(r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Bash","arguments":"{{}}","arguments":{input}}}}}]}}"#)),
            ("arguments that stand twice, harmless last", format!(r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Bash","arguments":{input},"arguments":"{{}}"}}}}]}}"#)),
        ]),
    }
    for (carrier, delta) in deltas {
        carriers.add(
            carrier,
            text()
                .spelled(&delta)
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    let bad = json!([{ "index": 0, "delta": { "tool_calls": [bad] }, "finish_reason": null }]);
    for (carrier, choices) in [
        (
            "choices that stand twice, harmless first",
            format!(r#""choices":[],"choices":{bad}"#),
        ),
        (
            "choices that stand twice, harmless last",
            format!(r#""choices":{bad},"choices":[]"#),
        ),
    ] {
        let data = chunk(&json!([]))
            .to_string()
            .replace(r#""choices":[]"#, &choices);
        carriers.add(
            carrier,
            text()
                .raw(data)
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    let plain = whole(&call);
    for (carrier, from, to) in [
        (
            "choices that stand twice, whole, harmless first",
            r#""choices":"#,
            r#""choices":[],"choices":"#,
        ),
        (
            "a message that stands twice, whole, harmless first",
            r#""message":"#,
            r#""message":{"role":"assistant","content":"x"},"message":"#,
        ),
        (
            "calls that stand twice, whole, harmless first",
            r#""tool_calls":["#,
            r#""tool_calls":[],"tool_calls":["#,
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
    ] {
        carriers.add(
            carrier,
            Exchange::whole(plain.replacen(from, to, 1), Expect::Refused),
        );
    }
}

/// Indexes that are read differently.
fn numbers(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let text = || Talk::new().text();
    let of_call = |index: Option<&str>| {
        let mut all = full(&call).to_string();
        if let Some(index) = index {
            all = all.replacen('{', &format!("{{\"index\":{index},"), 1);
        }
        format!(r#"{{"tool_calls":[{all}]}}"#)
    };
    for (index, expect) in [
        ("7", explained()),
        ("4294967290", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("-1", Expect::Refused),
        ("0.0", Expect::Refused),
        ("0e0", Expect::Refused),
        ("\"0\"", Expect::Refused),
        ("[0]", Expect::Refused),
        ("null", explained()),
    ] {
        carriers.add(
            format!("the index {index}"),
            text()
                .spelled(&of_call(Some(index)))
                .end("tool_calls")
                .explained(expect),
        );
    }
    carriers.add(
        "no index",
        text()
            .spelled(&of_call(None))
            .end("tool_calls")
            .explained(explained()),
    );
    let of_choice = |index: &str| {
        let choice =
            json!({ "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null })
                .to_string();
        let choice = choice.replacen('{', &format!("{{{index}"), 1);
        chunk(&json!("CHOICES"))
            .to_string()
            .replace("\"CHOICES\"", &format!("[{choice}]"))
    };
    for (index, expect) in [
        ("", explained()),
        ("\"index\":null,", explained()),
        ("\"index\":\"0\",", Expect::Refused),
        ("\"index\":0.0,", Expect::Refused),
        ("\"index\":-1,", Expect::Refused),
        ("\"index\":4294967296,", Expect::Refused),
    ] {
        carriers.add(
            format!(
                "a choice with {:?} for its index",
                index.trim_end_matches(',')
            ),
            text()
                .raw(of_choice(index))
                .end("tool_calls")
                .explained(expect),
        );
    }
    carriers.add(
        "a choice with a huge index",
        text()
            .raw(of_choice("\"index\":4294967295,"))
            .chunk(&json!([{ "index": u32::MAX, "delta": {}, "finish_reason": "tool_calls" }]))
            .end("stop")
            .explained(explained()),
    );
    carriers.add(
        "two calls with one index",
        text()
            .calls(
                0,
                &[
                    at_once(0, &Call::new("call_x", "Read", "")),
                    at_once(0, &call),
                ],
            )
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    carriers.add(
        "two calls without an index in two chunks",
        text()
            .spelled(&format!(
                r#"{{"tool_calls":[{}]}}"#,
                full(&Call::new("call_x", "Read", "{}"))
            ))
            .spelled(&of_call(None))
            .end("tool_calls")
            .explained(Expect::Gone),
    );
}

/// Whole messages in streams.
fn messages(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let bad = message("tool_calls", &json!([full(&call)]));
    carriers.add(
        "a message in a stream",
        Talk(Vec::new())
            .chunk(&json!([choice(0, &bad, "tool_calls")]))
            .done()
            .explained(Expect::Gone),
    );
    carriers.add(
        "a message behind the deltas",
        Talk::new()
            .text()
            .chunk(&json!([{ "index": 0, "delta": {}, "message": bad, "finish_reason": "tool_calls" }]))
            .done()
            .explained(Expect::Gone),
    );
    carriers.add(
        "the call in deltas, and again in a message",
        Talk::new()
            .text()
            .call(0, &call)
            .chunk(&json!([{ "index": 0, "delta": {}, "message": bad, "finish_reason": "tool_calls" }]))
            .done()
            .explained(Expect::Gone),
    );
    carriers.add(
        "a harmless call in deltas, and the other in a message",
        Talk::new()
            .text()
            .call(0, &other)
            .chunk(&json!([{ "index": 0, "delta": {}, "message": bad, "finish_reason": "tool_calls" }]))
            .done()
            .explained(Expect::Gone),
    );
    carriers.add(
        "a message behind the end of the choice",
        Talk::new()
            .text()
            .stop(0, "stop")
            .chunk(&json!([{ "index": 0, "message": bad, "finish_reason": null }]))
            .done()
            .explained(Expect::Refused),
    );
}

/// Chunks where none may be.
fn order(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let text = || Talk::new().text();
    carriers.add(
        "a call behind the finish reason",
        text()
            .stop(0, "stop")
            .call(0, &call)
            .done()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind the finish reason of another",
        text()
            .call(0, &other)
            .stop(0, "tool_calls")
            .call(1, &call)
            .done()
            .explained(Expect::Refused),
    );
    carriers.add(
        "more arguments behind the finish reason",
        text()
            .call(0, &carriers.mark.harmless().fine())
            .stop(0, "tool_calls")
            .input(0, 0, &call.input)
            .calls(0, &[begun(0, &call)])
            .done()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a finish reason that comes twice, around the call",
        text()
            .stop(0, "stop")
            .call(0, &call)
            .end("tool_calls")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call in the chunk with the usage",
        text()
            .stop(0, "stop")
            .raw({
                let mut chunk =
                    chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] } }]));
                chunk["usage"] =
                    json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
                chunk.to_string()
            })
            .done()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind [DONE]",
        text().end("stop").call(0, &call).explained(Expect::Over),
    );
    carriers.add(
        "a call and another end behind [DONE]",
        text()
            .end("stop")
            .call(0, &call)
            .end("tool_calls")
            .explained(Expect::Over),
    );
    for almost in ["[DONE]x", "[done]", "\"[DONE]\"", "[DONE] {}", ""] {
        carriers.add(
            format!("a call behind {almost:?}"),
            text()
                .stop(0, "stop")
                .raw(almost)
                .call(0, &call)
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "no finish reason at all",
        text().call(0, &call).done().explained(Expect::Gone),
    );
}

/// Streams that end otherwise.
fn ends(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let full = Talk::new().text().call(0, &call);
    carriers.add(
        "a stream that ends inside the call",
        full.explained(Expect::Refused),
    );
    carriers.add(
        "a stream that is lost inside the call",
        full.explained(Expect::Refused).lost(),
    );
    carriers.add(
        "a stream without [DONE]",
        full.clone().stop(0, "tool_calls").explained(Expect::Gone),
    );
    carriers.add(
        "a stream that is lost before [DONE]",
        full.clone()
            .stop(0, "tool_calls")
            .explained(Expect::Refused)
            .lost(),
    );
    let mut failed = full.clone();
    failed.0.push(error());
    carriers.add(
        "an error behind the call",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().stop(0, "tool_calls");
    failed.0.push(error());
    carriers.add(
        "an error behind the finish reason",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().end("tool_calls");
    failed.0.push(error());
    carriers.add("an error behind the end", failed.explained(Expect::Over));
    let mut both = chunk(
        &json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": "tool_calls" }]),
    );
    for (carrier, error) in [
        (
            "an error with choices beside it",
            json!({ "message": "m", "code": "c" }),
        ),
        (
            "an error that is a string with choices beside it",
            json!("m"),
        ),
        (
            "an error that is false with choices beside it",
            json!(false),
        ),
        ("an empty error with choices beside it", json!({})),
        (
            "an error that is an empty string with choices beside it",
            json!(""),
        ),
    ] {
        both["error"] = error;
        carriers.add(
            carrier,
            Talk::new()
                .text()
                .raw(both.to_string())
                .done()
                .explained(Expect::Refused),
        );
    }
    let mut body = Framing::Lf.write(&full.stop(0, "tool_calls").0).to_vec();
    body.extend_from_slice(b"data: [DONE]");
    carriers.add(
        "a [DONE] without a blank line",
        Exchange::bytes(Form::Stream, body, explained()),
    );
}

/// Replies that are not streamed.
fn wholes(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let put = |carriers: &mut Carriers, carrier: &str, message: &Value, expect| {
        let reply = completion(&json!([choice(0, message, "tool_calls")]));
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(reply.to_string(), expect),
        );
    };
    let of = |calls: &[Value]| message("tool_calls", &json!(calls));
    let object: Value = serde_json::from_str(&call.input).unwrap();
    put(carriers, "a plain call", &of(&[full(&call)]), explained());
    put(
        carriers,
        "the first of two calls",
        &of(&[full(&call), full(&other)]),
        kept(),
    );
    put(
        carriers,
        "the second of two calls",
        &of(&[full(&other), full(&call)]),
        kept(),
    );
    put(
        carriers,
        "a custom tool",
        &of(&[custom(&call)]),
        explained(),
    );
    put(
        carriers,
        "a legacy call",
        &message("function_call", &legacy(&call)),
        explained(),
    );
    let mut both = of(&[full(&other)]);
    both["function_call"] = legacy(&call);
    put(carriers, "a legacy call beside another call", &both, kept());
    put(
        carriers,
        "arguments that are an object",
        &of(&[
            json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": object } }),
        ]),
        explained(),
    );
    put(
        carriers,
        "a call of no type",
        &of(&[
            json!({ "id": call.id, "function": { "name": call.name, "arguments": call.input } }),
        ]),
        explained(),
    );
    put(
        carriers,
        "a call without anything around it",
        &of(&[json!({ "id": call.id, "name": call.name, "arguments": call.input })]),
        explained(),
    );
    put(
        carriers,
        "a harmless function beside a custom tool",
        &of(&[
            json!({ "id": call.id, "type": "function", "function": { "name": "Read", "arguments": "{}" }, "custom": { "name": call.name, "input": call.input } }),
        ]),
        Expect::Refused,
    );
    put(
        carriers,
        "calls that are an object",
        &message("tool_calls", &full(&call)),
        Expect::Refused,
    );
    put(
        carriers,
        "a part of the content",
        &message(
            "content",
            &json!([{ "type": "text", "text": "x" }, { "type": "tool_use", "id": call.id, "name": call.name, "input": object }]),
        ),
        Expect::Gone,
    );
    let empty = {
        let mut message = of(&[full(&call)]);
        message["content"] = Value::Null;
        message
    };
    put(carriers, "a call and no text", &empty, explained());
    let text = json!({ "role": "assistant", "content": "x", "refusal": null });
    let bad = of(&[full(&call)]);
    let several = |choices: &[Value]| completion(&json!(choices)).to_string();
    carriers.add(
        "two choices, the call in the second, whole",
        Exchange::whole(
            several(&[choice(0, &text, "stop"), choice(1, &bad, "tool_calls")]),
            explained(),
        )
        .choices(2),
    );
    carriers.add(
        "two choices in the other order, whole",
        Exchange::whole(
            several(&[
                choice(1, &bad, "tool_calls"),
                choice(0, &of(&[full(&other)]), "tool_calls"),
            ]),
            kept(),
        )
        .choices(2),
    );
    carriers.add(
        "three choices, the call in the second, whole",
        Exchange::whole(
            several(&[
                choice(0, &text, "stop"),
                choice(1, &bad, "tool_calls"),
                choice(2, &of(&[full(&other)]), "tool_calls"),
            ]),
            kept(),
        )
        .choices(3),
    );
    carriers.add(
        "two choices with one index, whole",
        Exchange::whole(
            several(&[choice(0, &text, "stop"), choice(0, &bad, "tool_calls")]),
            Expect::Gone,
        )
        .choices(2),
    );
    for index in [Value::Null, json!("0"), json!(0.0), json!(-1)] {
        let mut bad = choice(0, &bad, "tool_calls");
        bad["index"] = index.clone();
        carriers.add(
            format!("a choice with the index {index}, whole"),
            Exchange::whole(several(&[bad]), Expect::Gone),
        );
    }
    let plain = completion(&json!([choice(0, &bad, "tool_calls")]));
    let with = |name: &str, value: Value| {
        let mut reply = plain.clone();
        reply[name] = value;
        reply.to_string()
    };
    for error in [
        json!({ "message": "m" }),
        json!("m"),
        json!(false),
        json!({}),
        json!(""),
    ] {
        carriers.add(
            format!("an error {error} beside the choices, whole"),
            Exchange::whole(with("error", error), Expect::Refused),
        );
    }
    for reason in [json!("stop"), json!("length"), Value::Null] {
        let mut bad = choice(0, &bad, "stop");
        bad["finish_reason"] = reason.clone();
        let expect = if reason.is_null() {
            Expect::Gone
        } else {
            explained()
        };
        carriers.add(
            format!("a call, and the finish reason {reason}, whole"),
            Exchange::whole(several(&[bad]), expect),
        );
    }
    carriers.add(
        "choices that are an object, whole",
        Exchange::whole(
            with("choices", choice(0, &bad, "tool_calls")),
            Expect::Refused,
        ),
    );
    carriers.add(
        "a delta in a whole reply",
        Exchange::whole(
            completion(&json!([{ "index": 0, "delta": { "role": "assistant", "tool_calls": [at_once(0, &call)] }, "finish_reason": "tool_calls" }])).to_string(),
            Expect::Gone,
        ),
    );
    carriers.add(
        "a delta beside the message",
        Exchange::whole(
            completion(&json!([{ "index": 0, "message": text, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": "stop" }])).to_string(),
            Expect::Gone,
        ),
    );
    carriers.add(
        "a message inside the message",
        Exchange::whole(
            completion(&json!([choice(0, &message("message", &bad), "stop")])).to_string(),
            Expect::Refused,
        ),
    );
    carriers.add(
        "choices inside a choice",
        Exchange::whole(
            completion(&json!([{ "index": 0, "message": text, "choices": [choice(0, &bad, "tool_calls")], "finish_reason": "stop" }])).to_string(),
            Expect::Refused,
        ),
    );
    carriers.add(
        "a completion inside an envelope",
        Exchange::whole(json!({ "data": plain }).to_string(), Expect::Refused),
    );
    carriers.add(
        "a list of completions",
        Exchange::whole(json!([plain]).to_string(), Expect::Refused),
    );
    carriers.add(
        "two completions, one behind the other",
        Exchange::whole(
            format!("{}\n{plain}", several(&[choice(0, &text, "stop")])),
            Expect::Refused,
        ),
    );
    carriers.add(
        "a completion with something behind it",
        Exchange::whole(format!("{plain},"), Expect::Refused),
    );
    carriers.add(
        "a completion behind a byte order mark",
        Exchange::whole(format!("\u{feff}{plain}"), Expect::Refused),
    );
    carriers.add(
        "a completion that does not end",
        Exchange::whole(
            plain.to_string().trim_end_matches('}').to_owned(),
            Expect::Refused,
        ),
    );
    let plain = plain.to_string();
    carriers.add(
        "white space around the completion",
        Exchange::whole(format!("\n {plain}\r\n"), explained()),
    );
    carriers.add(
        "keys in escapes, whole",
        Exchange::whole(
            plain
                .replace("\"choices\"", "\"ch\\u006fices\"")
                .replace("\"tool_calls\":[", "\"tool\\u005fcalls\":[")
                .replace("\"name\"", "\"n\\u0061me\""),
            explained(),
        ),
    );
}
