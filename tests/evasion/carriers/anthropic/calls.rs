//! Calls as the protocol has them.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
