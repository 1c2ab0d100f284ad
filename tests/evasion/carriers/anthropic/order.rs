//! Blocks where none may be.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, other) = (carriers.mark.call(), Call::kept());
    let begun = || Talk::new().text(0);
    carriers.add(
        "a call behind the stop reason",
        begun()
            .reason("end_turn")
            .call(1, &call)
            .over()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind the stop reason of another",
        begun()
            .call(1, &other)
            .reason("tool_use")
            .call(2, &call)
            .over()
            .explained(Expect::Refused),
    );
    carriers.add(
        "a call behind the end",
        begun()
            .end("end_turn")
            .call(1, &call)
            .explained(Expect::Over),
    );
    carriers.add(
        "a call and another end behind the end",
        begun()
            .end("end_turn")
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Over),
    );
    carriers.add(
        "a second reply behind the end",
        Talk(
            [
                begun().end("end_turn").0,
                begun().call(1, &call).end("tool_use").0,
            ]
            .concat(),
        )
        .explained(Expect::Over),
    );
    carriers.add(
        "a call before message_start",
        Talk(
            [
                Talk::new().call(0, &call).0.split_off(1),
                begun().end("tool_use").0,
            ]
            .concat(),
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "a call without message_start",
        Talk(Talk::new().call(0, &call).end("tool_use").0.split_off(1)).explained(Expect::Refused),
    );
    if carriers.mark == Mark::Argument {
        // Of the tool's name there is nothing in these.
        let harmless = carriers.mark.harmless().fine();
        for (carrier, before) in [
            ("deltas without a start", begun()),
            (
                "more arguments behind the end of the block",
                begun().call(1, &harmless),
            ),
            ("more arguments in the block of a text", begun()),
        ] {
            let index = u32::from(!carrier.ends_with("text"));
            carriers.add(
                carrier,
                before
                    .inputs(index, &call)
                    .stop(index)
                    .end("tool_use")
                    .explained(Expect::Refused),
            );
        }
    }
    carriers.add(
        "a stop reason that comes twice, around the call",
        begun()
            .reason("end_turn")
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    carriers.add(
        "usage before the call, in a message_delta without a reason",
        begun()
            .event(
                &json!({ "type": "message_delta", "delta": {}, "usage": { "output_tokens": 1 } }),
            )
            .call(1, &call)
            .end("tool_use")
            .explained(Expect::Gone),
    );
}
