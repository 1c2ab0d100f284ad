//! Calls as the protocol has them.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    carriers.add(
        "a plain call",
        begun().call(1, &call).end().explained(explained()),
    );
    carriers.add(
        "a call and no text",
        Talk::new().call(0, &call).end().explained(explained()),
    );
    carriers.add(
        "the second of two calls",
        begun()
            .call(1, &other)
            .call(2, &call)
            .end()
            .explained(kept()),
    );
    carriers.add(
        "the first of two calls",
        begun()
            .call(1, &call)
            .call(2, &other)
            .end()
            .explained(kept()),
    );
    let ([one, two], [three, four]) = (call.pieces(), other.pieces());
    carriers.add(
        "interleaved with another call",
        begun()
            .begin(1, &call)
            .begin(2, &other)
            .input(1, &call, one)
            .input(2, &other, three)
            .input(1, &call, two)
            .finish(1, &call)
            .input(2, &other, four)
            .finish(2, &other)
            .end()
            .explained(kept()),
    );
    carriers.add(
        "text behind the call",
        Talk::new()
            .call(0, &call)
            .text(1)
            .end()
            .explained(explained()),
    );
    let thinking = json!({ "id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "c2VhbA==" });
    carriers.add(
        "reasoning before the call",
        Talk::new()
            .added(0, &thinking)
            .done(0, &thinking)
            .call(1, &call)
            .end()
            .explained(explained()),
    );
    carriers.add(
        "reasoning behind the call",
        Talk::new()
            .call(0, &call)
            .added(1, &thinking)
            .done(1, &thinking)
            .end()
            .explained(explained()),
    );
    let mut split = begun().begin(1, &call);
    for character in call.input.chars() {
        split = split.input(1, &call, &character.to_string());
    }
    carriers.add(
        "arguments cut at every byte",
        split.finish(1, &call).end().explained(explained()),
    );
    carriers.add(
        "arguments that are no JSON",
        begun()
            .call(1, &call.with_input(call.input.trim_end_matches('}')))
            .end()
            .explained(explained()),
    );
    carriers.add(
        "no deltas",
        begun()
            .begin(1, &call)
            .finish(1, &call)
            .end()
            .explained(explained()),
    );
    carriers.add(
        "no deltas and no end of the arguments",
        begun()
            .begin(1, &call)
            .done(1, &full(&call))
            .end()
            .explained(explained()),
    );
    let talk = begun().call(1, &call);
    let output = talk.output.clone();
    carriers.add(
        "a response that is incomplete",
        talk.ends("incomplete", &output).explained(explained()),
    );
}
