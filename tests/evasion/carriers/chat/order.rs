//! Chunks where none may be.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
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
