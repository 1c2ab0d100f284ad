//! Indexes that are read differently.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let pieces = call.pieces().map(quoted);
    let at = |index: &str| {
        let call = format!(
            r#"{{"type":"content_block_start"{index},"content_block":{}}}"#,
            tool_use(&call, &json!({}))
        );
        let deltas = pieces.each_ref().map(|piece| {
            format!(r#"{{"type":"content_block_delta"{index},"delta":{{"type":"input_json_delta","partial_json":{piece}}}}}"#)
        });
        (
            call,
            deltas,
            format!(r#"{{"type":"content_block_stop"{index}}}"#),
        )
    };
    for (index, expect) in [
        ("5", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("18446744073709551617", Expect::Refused),
        ("-1", Expect::Refused),
        ("1.0", Expect::Refused),
        ("1e0", Expect::Refused),
        ("\"1\"", Expect::Refused),
        ("[1]", Expect::Refused),
        ("true", Expect::Refused),
        ("null", Expect::Refused),
    ] {
        let (start, [one, two], stop) = at(&format!(",\"index\":{index}"));
        carriers.add(
            format!("the index {index}"),
            begun()
                .raw("content_block_start", start)
                .raw("content_block_delta", one)
                .raw("content_block_delta", two)
                .raw("content_block_stop", stop)
                .end("tool_use")
                .explained(expect),
        );
    }
    let (start, [one, two], stop) = at("");
    carriers.add(
        "no index",
        begun()
            .raw("content_block_start", start)
            .raw("content_block_delta", one)
            .raw("content_block_delta", two)
            .raw("content_block_stop", stop)
            .end("tool_use")
            .explained(Expect::Refused),
    );
    let (start, ..) = at("");
    carriers.add(
        "a start without an index, and deltas with one",
        begun()
            .raw("content_block_start", start)
            .inputs(1, &call)
            .stop(1)
            .end("tool_use")
            .explained(Expect::Refused),
    );
}
