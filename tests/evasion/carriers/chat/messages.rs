//! Whole messages in streams.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
