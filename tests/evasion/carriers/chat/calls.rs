//! Calls as the protocol has them.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
