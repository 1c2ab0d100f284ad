//! Indexes that are read differently.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    for (index, expect) in [
        ("7", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("-1", Expect::Refused),
        ("1.0", Expect::Refused),
        ("1e0", Expect::Refused),
        ("\"1\"", Expect::Refused),
        ("null", Expect::Refused),
        ("", Expect::Refused),
    ] {
        let index_member = if index.is_empty() {
            String::new()
        } else {
            format!(r#""output_index":{index},"#)
        };
        let event =
            |kind: &str, member: &str| format!(r#"{{"type":"{kind}",{index_member}{member}}}"#);
        let mut talk = begun()
            .raw(
                "response.output_item.added",
                &event(
                    "response.output_item.added",
                    &format!(
                        r#""item":{}"#,
                        function(&call.with_input(""), "in_progress")
                    ),
                ),
            )
            .raw(
                "response.function_call_arguments.delta",
                &event(
                    "response.function_call_arguments.delta",
                    &format!(
                        r#""item_id":"{}","delta":{}"#,
                        item_id(&call),
                        quoted(&call.input)
                    ),
                ),
            )
            .raw(
                "response.output_item.done",
                &event(
                    "response.output_item.done",
                    &format!(r#""item":{}"#, full(&call)),
                ),
            );
        // As clients see it that look at nothing but events.
        let quiet = talk.clone().end().explained(expect.clone());
        carriers.add(
            format!("the index {index:?}, and nothing in the last event"),
            quiet,
        );
        talk.output.push(full(&call));
        carriers.add(format!("the index {index:?}"), talk.end().explained(expect));
    }
    let other = Call::kept();
    carriers.add(
        "two calls with one index",
        begun()
            .call(1, &other)
            .call(1, &call)
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "deltas with the index of one call and the id of another",
        begun()
            .begin(1, &other)
            .begin(2, &carriers.mark.harmless())
            .event(json!({ "type": "response.function_call_arguments.delta", "item_id": item_id(&call), "output_index": 1, "delta": call.input }))
            .finish(1, &other)
            .finish(2, &carriers.mark.harmless())
            .end()
            .explained(Expect::Refused),
    );
}
