//! Replies that are not streamed.

use super::*;
use crate::carriers::documents;

pub(super) fn add(carriers: &mut Carriers) {
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
    let escaped = plain
        .to_string()
        .replace("\"choices\"", "\"ch\\u006fices\"")
        .replace("\"tool_calls\":[", "\"tool\\u005fcalls\":[")
        .replace("\"name\"", "\"n\\u0061me\"");
    documents::add(
        carriers,
        &plain,
        &several(&[choice(0, &text, "stop")]),
        escaped,
    );
}
