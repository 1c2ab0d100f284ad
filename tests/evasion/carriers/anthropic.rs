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
    calls(carriers);
    starts(carriers);
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
        begun()
            .call(1, &call)
            .end("tool_use")
            .explained(explained()),
    );
    carriers.add(
        "a call and no text",
        Talk::new()
            .call(0, &call)
            .end("tool_use")
            .explained(explained()),
    );
    carriers.add(
        "the second of two calls",
        begun()
            .call(1, &other)
            .call(2, &call)
            .end("tool_use")
            .explained(kept()),
    );
    carriers.add(
        "the first of two calls",
        begun()
            .call(1, &call)
            .call(2, &other)
            .end("tool_use")
            .explained(kept()),
    );
    let (last, [one, two], [three, four]) = (
        Call::new("call_LEAKID2", "LEAKTOOL", "{}"),
        call.pieces(),
        other.pieces(),
    );
    carriers.add(
        "between two others that must not pass",
        begun()
            .call(1, &last)
            .call(2, &other)
            .call(3, &call)
            .end("tool_use")
            .explained(kept()),
    );
    carriers.add(
        "interleaved with another call",
        begun()
            .begin(1, &call)
            .begin(2, &other)
            .input(1, one)
            .input(2, three)
            .input(1, two)
            .stop(1)
            .input(2, four)
            .stop(2)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "text behind the call",
        Talk::new()
            .call(0, &call)
            .text(1)
            .end("tool_use")
            .explained(explained()),
    );
    carriers.add(
        "thinking before the call",
        Talk::new()
            .start(
                0,
                &json!({ "type": "thinking", "thinking": "", "signature": "" }),
            )
            .delta(0, &json!({ "type": "thinking_delta", "thinking": "Hm." }))
            .delta(
                0,
                &json!({ "type": "signature_delta", "signature": "c2VhbA==" }),
            )
            .stop(0)
            .call(1, &call)
            .end("tool_use")
            .explained(explained()),
    );
    for reason in [
        "end_turn",
        "max_tokens",
        "refusal",
        "pause_turn",
        "stop_sequence",
        "newer",
    ] {
        carriers.add(
            format!("a call, and the stop reason {reason}"),
            begun().call(1, &call).end(reason).explained(explained()),
        );
    }
    let pings = |talk: Talk| talk.event(&json!({ "type": "ping" }));
    carriers.add(
        "pings inside the call",
        pings(pings(begun().begin(1, &call)).inputs(1, &call))
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
    let mut split = begun().begin(1, &call);
    for character in call.input.chars() {
        split = split.input(1, &character.to_string());
    }
    carriers.add(
        "arguments cut at every byte",
        split.stop(1).end("tool_use").explained(explained()),
    );
    carriers.add(
        "empty deltas around the arguments",
        begun()
            .begin(1, &call)
            .input(1, "")
            .inputs(1, &call)
            .input(1, "")
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
    carriers.add(
        "arguments that are no JSON",
        begun()
            .begin(1, &call)
            .input(1, call.input.trim_end_matches('}'))
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
}

/// Calls that begin in another way.
fn starts(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let begun = || Talk::new().text(0);
    let full = |call: &Call| used(call);
    carriers.add(
        "the input in the start",
        begun()
            .start(1, &full(&call))
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
    carriers.add(
        "the input in the start, and an empty delta",
        begun()
            .start(1, &full(&call))
            .input(1, "")
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "one input in the start, another in deltas",
        begun()
            .start(1, &full(&call))
            .inputs(1, &harmless)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a harmless input in the start, another in deltas",
        begun()
            .start(1, &full(&harmless.named(&call.name)))
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    let mut unknown = used(&call);
    unknown["type"] = json!("hosted_tool_use");
    carriers.add(
        "a block of an unknown type with a name and an input",
        begun()
            .start(1, &unknown)
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
    unknown["input"] = json!({});
    carriers.add(
        "a block of an unknown type with a name, and deltas",
        begun()
            .start(1, &unknown)
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(explained()),
    );
    for kind in ["Tool_use", "tool_use ", "", "TOOL_USE", "tool\u{200b}_use"] {
        unknown["type"] = json!(kind);
        carriers.add(
            format!("a block of the type {kind:?}"),
            begun()
                .start(1, &unknown)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    for kind in [None, Some(Value::Null), Some(json!(["tool_use"]))] {
        let carrier = format!("a block of the type {kind:?}");
        match kind {
            Some(kind) => unknown["type"] = kind,
            None => {
                unknown.as_object_mut().unwrap().remove("type");
            }
        }
        carriers.add(
            carrier,
            begun()
                .start(1, &unknown)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    let mut start = message(&[used(&call)], &Value::Null);
    let begins = |start: &Value| {
        Talk(vec![Event::of(
            &json!({ "type": "message_start", "message": start }),
        )])
    };
    carriers.add(
        "a message that begins with the call",
        begins(&start)
            .text(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a message that begins with the call, and nothing else",
        begins(&start).end("tool_use").explained(Expect::Refused),
    );
    start["content"] = used(&call);
    carriers.add(
        "a message that begins with the call instead of a list",
        begins(&start).end("tool_use").explained(Expect::Refused),
    );
    carriers.add(
        "a second message_start, with the call",
        begun()
            .event(&json!({ "type": "message_start", "message": message(&[used(&call)], &Value::Null) }))
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a start that comes twice, harmless first",
        begun()
            .begin(1, &harmless)
            .begin(1, &call)
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Gone),
    );
    carriers.add(
        "a start that comes twice, harmless last",
        begun()
            .begin(1, &call)
            .begin(1, &harmless)
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Gone),
    );
    carriers.add(
        "a start with the index of a text",
        begun()
            .start(0, &used(&call))
            .inputs(0, &call)
            .stop(0)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a start with the index of an open text",
        Talk::new()
            .start(0, &json!({ "type": "text", "text": "" }))
            .start(0, &used(&call))
            .stop(0)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "a start without an end",
        begun()
            .begin(1, &call)
            .inputs(1, &call)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "arguments as deltas of text",
        begun()
            .begin(1, &call)
            .delta(
                1,
                &json!({ "type": "text_delta", "text": call.input, "partial_json": call.input }),
            )
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "arguments as deltas of an unknown type",
        begun()
            .begin(1, &call)
            .delta(
                1,
                &json!({ "type": "input_json_delta_v2", "partial_json": call.input }),
            )
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "an unknown event with the block in it",
        begun()
            .event(&json!({ "type": "content_block_snapshot", "index": 1, "content_block": used(&call) }))
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "an unknown event with the block in it, of an open text",
        Talk::new()
            .start(0, &json!({ "type": "text", "text": "" }))
            .event(&json!({ "type": "content_block_snapshot", "index": 0, "content_block": used(&call) }))
            .stop(0)
            .end("end_turn")
            .explained(Expect::Refused),
    );
}

/// The same, written in another way.
fn spellings(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id) = (&call.name, call.id);
    let begun = || Talk::new().text(0);
    let quoted_input = quoted(&call.input);
    let starts = [
        (
            "the name in escapes",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"{id}","name":"{}","input":{{}}}}}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"\u0074ype":"content_block_start","index":1,"content\u005fblock":{{"typ\u0065":"tool_use","id":"{id}","n\u0061me":"{name}","input":{{}}}}}}"#
            ),
        ),
        (
            "types in escapes",
            format!(
                r#"{{"type":"content\u005fblock\u005fstart","index":1,"content_block":{{"type":"tool\u005fuse","id":"{id}","name":"{name}","input":{{}}}}}}"#
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"type\" :\t\"content_block_start\" , \"index\" : 1 , \"content_block\" : {{ \"type\" : \"tool_use\" , \"id\" : \"{id}\" , \"name\" : \"{name}\" , \"input\" : {{ }} }} }} "
            ),
        ),
        (
            "the type last",
            format!(
                r#"{{"content_block":{{"input":{{}},"name":"{name}","id":"{id}","type":"tool_use"}},"index":1,"type":"content_block_start"}}"#
            ),
        ),
    ];
    for (carrier, start) in starts {
        carriers.add(
            carrier,
            begun()
                .raw("content_block_start", start)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    let in_escapes = escaped(&call.input);
    let deltas = [
        (
            "arguments in escapes",
            format!(
                r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{in_escapes}"}}}}"#
            ),
        ),
        (
            "the keys of deltas in escapes",
            format!(
                r#"{{"type":"content_block_delta","index":1,"d\u0065lta":{{"type":"input\u005fjson_delta","partial\u005fjson":{quoted_input}}}}}"#
            ),
        ),
    ];
    for (carrier, delta) in deltas {
        carriers.add(
            carrier,
            begun()
                .begin(1, &call)
                .raw("content_block_delta", delta)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    if carriers.mark == Mark::Argument {
        let inner = format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG"));
        let mut split = begun().begin(1, &call);
        for character in inner.chars() {
            split = split.input(1, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.stop(1).end("tool_use").explained(explained()),
        );
        let escaped =
            format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{inner}}}"#);
        carriers.add(
            "escapes inside the arguments in the start",
            begun()
                .raw(
                    "content_block_start",
                    format!(
                        r#"{{"type":"content_block_start","index":1,"content_block":{escaped}}}"#
                    ),
                )
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
        carriers.add(
            "escapes inside the arguments",
            Exchange::whole(
                message(&[], &json!("tool_use"))
                    .to_string()
                    .replace("\"content\":[]", &format!("\"content\":[{escaped}]")),
                explained(),
            ),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            begun()
                .begin(1, &call)
                .input(1, &deep)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call).replace(&call.input, &deep), Expect::Gone),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            begun()
                .begin(1, &call)
                .input(1, r#"{"command":"ls","command":"LEAKARG"}"#)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
}

/// Keys that stand twice: who reads the first and who reads the last see different calls.
fn twice(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let begun = || Talk::new().text(0);
    let bad = used(&call);
    let good = used(&Call::new("call_x", "Read", "{}"));
    let quoted_input = quoted(&call.input);
    let mut starts = vec![
        (
            "a block that stands twice, harmless first",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{good},"content_block":{bad}}}"#
            ),
        ),
        (
            "a block that stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{bad},"content_block":{good}}}"#
            ),
        ),
        (
            "a block that stands twice in other spellings",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{good},"content\u005fblock":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless first",
            format!(
                r#"{{"type":"ping","type":"content_block_start","index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","type":"ping","index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "an index that stands twice",
            format!(
                r#"{{"type":"content_block_start","index":0,"index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "a block whose type stands twice, harmless first",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"text","text":"","type":"tool_use","id":"{}","name":"{}","input":{}}}}}"#,
                call.id, call.name, call.input
            ),
        ),
        (
            "a block whose type stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"{}","name":"{}","input":{},"type":"text","text":""}}}}"#,
                call.id, call.name, call.input
            ),
        ),
    ];
    if carriers.mark == Mark::Name {
        for (carrier, names) in [
            (
                "a name that stands twice, harmless first",
                r#""name":"Read","name":"LEAKTOOL""#,
            ),
            (
                "a name that stands twice, harmless last",
                r#""name":"LEAKTOOL","name":"Read""#,
            ),
            (
                "a name that stands twice in other spellings",
                r#""name":"Read","n\u0061me":"LEAKTOOL""#,
            ),
        ] {
            starts.push((
                carrier,
                format!(r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"x",{names},"input":{{}}}}}}"#),
            ));
        }
    }
    for (carrier, start) in starts {
        carriers.add(
            carrier,
            begun()
                .raw("content_block_start", start)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(Expect::Refused),
        );
    }
    if carriers.mark == Mark::Argument {
        for (carrier, delta) in [
            (
                "a piece of arguments that stands twice, harmless first",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{{}}","partial_json":{quoted_input}}}}}"#
                ),
            ),
            (
                "a piece of arguments that stands twice, harmless last",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":{quoted_input},"partial_json":"{{}}"}}}}"#
                ),
            ),
            (
                "a delta that stands twice",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{{}}"}},"delta":{{"type":"input_json_delta","partial_json":{quoted_input}}}}}"#
                ),
            ),
        ] {
            carriers.add(
                carrier,
                begun()
                    .begin(1, &harmless)
                    .raw("content_block_delta", delta)
                    .stop(1)
                    .end("tool_use")
                    .explained(Expect::Refused),
            );
        }
    }
    let mut wholes = vec![
        (
            "a content that stands twice, harmless first",
            format!(
                r#"{{"type":"message","id":"m","role":"assistant","model":"m","content":[{good}],"content":[{bad}],"stop_reason":"tool_use"}}"#
            ),
        ),
        (
            "a content that stands twice, harmless last",
            format!(
                r#"{{"type":"message","id":"m","role":"assistant","model":"m","content":[{bad}],"content":[{good}],"stop_reason":"tool_use"}}"#
            ),
        ),
    ];
    if carriers.mark == Mark::Argument {
        wholes.push(("an argument that stands twice", r#"{"type":"message","id":"m","role":"assistant","model":"m","content":[{"type":"tool_use","id":"x","name":"Bash","input":{"command":"ls","command":"LEAKARG"}}],"stop_reason":"tool_use"}"#.to_owned()));
    }
    for (carrier, whole) in wholes {
        carriers.add(carrier, Exchange::whole(whole, Expect::Refused));
    }
}

/// The name of an event and the type of its data.
fn names(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let start = json!({ "type": "content_block_start", "index": 1, "content_block": used(&call) });
    let with_type = |kind: Value| {
        let mut start = start.clone();
        start["type"] = kind;
        start.to_string()
    };
    let rest = |talk: Talk| talk.stop(1).end("tool_use").explained(Expect::Refused);
    for name in [
        "ping",
        "message_stop",
        "content_block_delta",
        "newer",
        "error",
        "",
    ] {
        carriers.add(
            format!("an event named {name:?} with the start in it"),
            rest(begun().raw(name, start.to_string())),
        );
    }
    for kind in [
        json!("ping"),
        json!("newer"),
        json!("message_stop"),
        Value::Null,
        json!(1),
        json!(["content_block_start"]),
    ] {
        carriers.add(
            format!("an event named content_block_start with data of the type {kind}"),
            rest(begun().raw("content_block_start", with_type(kind))),
        );
    }
    let mut untyped = start.clone();
    untyped.as_object_mut().unwrap().remove("type");
    carriers.add(
        "an event named content_block_start with data of no type",
        rest(begun().raw("content_block_start", untyped.to_string())),
    );
    carriers.add(
        "data of no type, and no name",
        rest(begun().bare(untyped.to_string())),
    );
    // There, a type in the data is enough for some clients.
    let mut bare = begun().call(1, &call).end("tool_use");
    for event in &mut bare.0 {
        event.name = None;
    }
    carriers.add("events without names", bare.explained(Expect::Gone));
    let mut upper = begun().call(1, &call).end("tool_use");
    for event in &mut upper.0 {
        event.name = event.name.as_ref().map(|name| name.to_uppercase());
    }
    carriers.add(
        "names of events in capitals",
        upper.explained(Expect::Refused),
    );
    carriers.add(
        "data that is a list of events",
        rest(begun().raw("content_block_start", json!([start]).to_string())),
    );
    carriers.add(
        "two JSON texts in one event",
        rest(begun().raw(
            "content_block_start",
            format!("{}\n{start}", json!({ "type": "ping" })),
        )),
    );
    carriers.add(
        "JSON that does not end",
        rest(begun().raw(
            "content_block_start",
            start.to_string().trim_end_matches('}').to_owned(),
        )),
    );
    carriers.add(
        "a JSON text with something behind it",
        rest(begun().raw("content_block_start", format!("{start},"))),
    );
    carriers.add(
        "a JSON text behind a byte order mark",
        rest(begun().raw("content_block_start", format!("\u{feff}{start}"))),
    );
}

/// Indexes that are read differently.
fn numbers(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let pieces = call.pieces().map(quoted);
    let at = |index: &str| {
        let call = format!(
            r#"{{"type":"content_block_start"{index},"content_block":{}}}"#,
            tool_use(&call, &json!({}))
        );
        let deltas = pieces.each_ref().map(|piece| {
            format!(r#"{{"type":"content_block_delta"{index},"delta":{{"type":"input_json_delta","partial_json":{piece}}}}}"#)
        });
        (
            call,
            deltas,
            format!(r#"{{"type":"content_block_stop"{index}}}"#),
        )
    };
    for (index, expect) in [
        ("5", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("18446744073709551617", Expect::Refused),
        ("-1", Expect::Refused),
        ("1.0", Expect::Refused),
        ("1e0", Expect::Refused),
        ("\"1\"", Expect::Refused),
        ("[1]", Expect::Refused),
        ("true", Expect::Refused),
        ("null", Expect::Refused),
    ] {
        let (start, [one, two], stop) = at(&format!(",\"index\":{index}"));
        carriers.add(
            format!("the index {index}"),
            begun()
                .raw("content_block_start", start)
                .raw("content_block_delta", one)
                .raw("content_block_delta", two)
                .raw("content_block_stop", stop)
                .end("tool_use")
                .explained(expect),
        );
    }
    let (start, [one, two], stop) = at("");
    carriers.add(
        "no index",
        begun()
            .raw("content_block_start", start)
            .raw("content_block_delta", one)
            .raw("content_block_delta", two)
            .raw("content_block_stop", stop)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    let (start, ..) = at("");
    carriers.add(
        "a start without an index, and deltas with one",
        begun()
            .raw("content_block_start", start)
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
}

/// Blocks where none may be.
fn order(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    carriers.add(
        "a call behind the stop reason",
        begun()
            .reason("end_turn")
            .call(1, &call)
            .over()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind the stop reason of another",
        begun()
            .call(1, &other)
            .reason("tool_use")
            .call(2, &call)
            .over()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind the end",
        begun()
            .end("end_turn")
            .call(1, &call)
            .explained(Expect::Over),
    );
    carriers.add(
        "a call and another end behind the end",
        begun()
            .end("end_turn")
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Over),
    );
    carriers.add(
        "a second reply behind the end",
        Talk(
            [
                begun().end("end_turn").0,
                begun().call(1, &call).end("tool_use").0,
            ]
            .concat(),
        )
        .explained(Expect::Over),
    );
    carriers.add(
        "a call before message_start",
        Talk(
            [
                Talk::new().call(0, &call).0.split_off(1),
                begun().end("tool_use").0,
            ]
            .concat(),
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "a call without message_start",
        Talk(Talk::new().call(0, &call).end("tool_use").0.split_off(1)).explained(Expect::Refused),
    );
    if carriers.mark == Mark::Argument {
        // Of the tool's name there is nothing in these.
        let harmless = carriers.mark.harmless().fine();
        for (carrier, before) in [
            ("deltas without a start", begun()),
            (
                "more arguments behind the end of the block",
                begun().call(1, &harmless),
            ),
            ("more arguments in the block of a text", begun()),
        ] {
            let index = u32::from(!carrier.ends_with("text"));
            carriers.add(
                carrier,
                before
                    .inputs(index, &call)
                    .stop(index)
                    .end("tool_use")
                    .explained(Expect::Refused),
            );
        }
    }
    carriers.add(
        "a stop reason that comes twice, around the call",
        begun()
            .reason("end_turn")
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "usage before the call, in a message_delta without a reason",
        begun()
            .event(
                &json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": 1 } }),
            )
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Gone),
    );
}

/// Streams that end otherwise.
fn ends(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let half = begun().begin(1, &call).inputs(1, &call);
    let full = begun().call(1, &call);
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
        full.explained(Expect::Refused),
    );
    carriers.add(
        "a stream that is lost behind the call",
        full.explained(Expect::Refused).lost(),
    );
    carriers.add(
        "a stream that ends before message_stop",
        full.clone().reason("tool_use").explained(Expect::Refused),
    );
    carriers.add(
        "a stream that is lost before message_stop",
        full.clone()
            .reason("tool_use")
            .explained(Expect::Refused)
            .lost(),
    );
    let mut failed = full.clone();
    failed.0.push(error());
    carriers.add(
        "an error behind the call",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().reason("tool_use");
    failed.0.push(error());
    carriers.add(
        "an error behind the stop reason",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.end("tool_use");
    failed.0.push(error());
    carriers.add("an error behind the end", failed.explained(Expect::Over));
    for (carrier, event) in [
        (
            "an error with the block in it",
            json!({ "type": "error", "error": { "type": "e", "message": "m" }, "index": 1, "content_block": used(&call) }),
        ),
        (
            "an error with a message in it",
            json!({ "type": "error", "error": { "type": "e", "message": "m" }, "message": message(&[used(&call)], &json!("tool_use")) }),
        ),
    ] {
        carriers.add(carrier, begun().event(&event).explained(Expect::Refused));
    }
    let cut = |keep: &[Event], last: &str| {
        let mut body = crate::attempt::Framing::Lf.write(keep).to_vec();
        body.extend_from_slice(last.as_bytes());
        body
    };
    let events = begun().begin(1, &call).inputs(1, &call).0;
    carriers.add(
        "a stream whose last event has no blank line",
        Exchange::bytes(
            crate::attempt::Form::Stream,
            cut(
                &events,
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}",
            ),
            Expect::Refused,
        ),
    );
    let events = begun().call(1, &call).reason("tool_use").0;
    carriers.add(
        "a stream whose end has no blank line",
        Exchange::bytes(
            crate::attempt::Form::Stream,
            cut(
                &events,
                "event: message_stop\ndata: {\"type\":\"message_stop\"}",
            ),
            explained(),
        ),
    );
}

/// Replies that are not streamed.
fn wholes(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let reply = |content: &[Value]| message(content, &json!("tool_use"));
    let put = |carriers: &mut Carriers, carrier: &str, content: &[Value], expect| {
        carriers.add(
            format!("{carrier}, whole"),
            Exchange::whole(reply(content).to_string(), expect),
        );
    };
    put(
        carriers,
        "a plain call",
        &[text(), used(&call)],
        explained(),
    );
    put(carriers, "a call and no text", &[used(&call)], explained());
    put(
        carriers,
        "the first of two calls",
        &[text(), used(&call), used(&other)],
        kept(),
    );
    put(
        carriers,
        "the second of two calls",
        &[used(&other), used(&call)],
        kept(),
    );
    put(
        carriers,
        "text behind the call",
        &[used(&call), text()],
        explained(),
    );
    let mut unknown = used(&call);
    for kind in ["hosted_tool_use", "Tool_use", ""] {
        unknown["type"] = json!(kind);
        put(
            carriers,
            &format!("a block of the type {kind:?}"),
            &[text(), unknown.clone()],
            explained(),
        );
    }
    unknown.as_object_mut().unwrap().remove("type");
    put(
        carriers,
        "a block of no type",
        &[text(), unknown],
        explained(),
    );
    for reason in ["end_turn", "max_tokens", "refusal", "newer"] {
        carriers.add(
            format!("a call, and the stop reason {reason}, whole"),
            Exchange::whole(
                message(&[text(), used(&call)], &json!(reason)).to_string(),
                explained(),
            ),
        );
    }
    carriers.add(
        "a call, and no stop reason, whole",
        Exchange::whole(
            message(&[text(), used(&call)], &Value::Null).to_string(),
            Expect::Gone,
        ),
    );
    let plain = reply(&[text(), used(&call)]);
    let with = |name: &str, value: Value| {
        let mut reply = plain.clone();
        reply[name] = value;
        reply.to_string()
    };
    carriers.add(
        "a reply that calls itself an error",
        Exchange::whole(with("type", json!("error")), Expect::Refused),
    );
    carriers.add(
        "a reply that is an error as well",
        Exchange::whole(
            {
                let mut reply = plain.clone();
                reply["type"] = json!("error");
                reply["error"] = json!({ "type": "api_error", "message": "m" });
                reply.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "a reply with an error beside it",
        Exchange::whole(
            with("error", json!({ "type": "api_error", "message": "m" })),
            explained(),
        ),
    );
    carriers.add(
        "a reply of an unknown type",
        Exchange::whole(with("type", json!("newer")), Expect::Gone),
    );
    carriers.add(
        "a call instead of a list",
        Exchange::whole(with("content", used(&call)), Expect::Refused),
    );
    carriers.add(
        "a list inside the list",
        Exchange::whole(with("content", json!([[used(&call)]])), Expect::Refused),
    );
    carriers.add(
        "a message inside the message",
        Exchange::whole(
            {
                let mut outer = reply(&[text()]);
                outer["stop_reason"] = json!("end_turn");
                outer["message"] = plain.clone();
                outer.to_string()
            },
            Expect::Refused,
        ),
    );
    carriers.add(
        "a message inside an envelope",
        Exchange::whole(json!({ "message": plain }).to_string(), Expect::Refused),
    );
    carriers.add(
        "a list of messages",
        Exchange::whole(json!([plain]).to_string(), Expect::Refused),
    );
    carriers.add(
        "two messages, one behind the other",
        Exchange::whole(format!("{}\n{plain}", reply(&[text()])), Expect::Refused),
    );
    carriers.add(
        "a message with something behind it",
        Exchange::whole(format!("{plain}x"), Expect::Refused),
    );
    carriers.add(
        "a message behind a byte order mark",
        Exchange::whole(format!("\u{feff}{plain}"), Expect::Refused),
    );
    carriers.add(
        "a message that does not end",
        Exchange::whole(
            plain.to_string().trim_end_matches('}').to_owned(),
            Expect::Refused,
        ),
    );
    let plain = plain.to_string();
    carriers.add(
        "white space around the message",
        Exchange::whole(format!("\r\n\t {plain} \n"), explained()),
    );
    carriers.add(
        "keys in escapes, whole",
        Exchange::whole(
            plain
                .replace("\"name\"", "\"n\\u0061me\"")
                .replace("\"content\"", "\"c\\u006fntent\"")
                .replace("\"tool_use\"", "\"tool\\u005fuse\""),
            explained(),
        ),
    );
    carriers.add(
        "a message in UTF-16",
        Exchange::whole(plain.clone(), Expect::Refused)
            .packed(plain.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    );
}
