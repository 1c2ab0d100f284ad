//! Several choices.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
