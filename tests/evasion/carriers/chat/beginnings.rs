//! Calls whose head comes in pieces.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
