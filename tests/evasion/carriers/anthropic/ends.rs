//! Streams that end otherwise.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let half = begun().begin(1, &call).inputs(1, &call);
    let full = begun().call(1, &call);
    carriers.add_cut("inside the call", &half.explained(Expect::Refused));
    carriers.add_cut("behind the call", &full.explained(Expect::Refused));
    carriers.add_cut(
        "before message_stop",
        &full.clone().reason("tool_use").explained(Expect::Refused),
    );
    let mut failed = full.clone();
    failed.0.push(error());
    carriers.add(
        "an error behind the call",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().reason("tool_use");
    failed.0.push(error());
    carriers.add(
        "an error behind the stop reason",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.end("tool_use");
    failed.0.push(error());
    carriers.add("an error behind the end", failed.explained(Expect::Over));
    for (carrier, event) in [
        (
            "an error with the block in it",
            json!({ "type": "error", "error": { "type": "e", "message": "m" }, "index": 1, "content_block": used(&call) }),
        ),
        (
            "an error with a message in it",
            json!({ "type": "error", "error": { "type": "e", "message": "m" }, "message": message(&[used(&call)], &json!("tool_use")) }),
        ),
    ] {
        carriers.add(carrier, begun().event(&event).explained(Expect::Refused));
    }
    let cut = |keep: &[Event], last: &str| {
        let mut body = crate::attempt::Framing::Lf.write(keep).to_vec();
        body.extend_from_slice(last.as_bytes());
        body
    };
    let events = begun().begin(1, &call).inputs(1, &call).0;
    carriers.add(
        "a stream whose last event has no blank line",
        Exchange::bytes(
            crate::attempt::Form::Stream,
            cut(
                &events,
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}",
            ),
            Expect::Refused,
        ),
    );
    let events = begun().call(1, &call).reason("tool_use").0;
    carriers.add(
        "a stream whose end has no blank line",
        Exchange::bytes(
            crate::attempt::Form::Stream,
            cut(
                &events,
                "event: message_stop\ndata: {\"type\":\"message_stop\"}",
            ),
            explained(),
        ),
    );
}
