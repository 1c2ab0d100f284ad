//! Calls that begin in another way.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
    for (carrier, first, last) in [
        ("a start that comes twice, harmless first", &harmless, &call),
        ("a start that comes twice, harmless last", &call, &harmless),
    ] {
        carriers.add(
            carrier,
            begun()
                .begin(1, first)
                .begin(1, last)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(Expect::Gone),
        );
    }
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
