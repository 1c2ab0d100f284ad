//! Calls of other kinds, and in other places.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
