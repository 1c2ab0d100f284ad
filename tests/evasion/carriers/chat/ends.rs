//! Streams that end otherwise.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let full = Talk::new().text().call(0, &call);
    carriers.add_cut("inside the call", &full.explained(Expect::Refused));
    carriers.add(
        "a stream without [DONE]",
        full.clone().stop(0, "tool_calls").explained(Expect::Gone),
    );
    carriers.add(
        "a stream that is lost before [DONE]",
        full.clone()
            .stop(0, "tool_calls")
            .explained(Expect::Refused)
            .lost(),
    );
    let mut failed = full.clone();
    failed.0.push(error());
    carriers.add(
        "an error behind the call",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().stop(0, "tool_calls");
    failed.0.push(error());
    carriers.add(
        "an error behind the finish reason",
        failed.explained(Expect::Refused),
    );
    let mut failed = full.clone().end("tool_calls");
    failed.0.push(error());
    carriers.add("an error behind the end", failed.explained(Expect::Over));
    let mut both = chunk(
        &json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": "tool_calls" }]),
    );
    for (carrier, error) in [
        (
            "an error with choices beside it",
            json!({ "message": "m", "code": "c" }),
        ),
        (
            "an error that is a string with choices beside it",
            json!("m"),
        ),
        (
            "an error that is false with choices beside it",
            json!(false),
        ),
        ("an empty error with choices beside it", json!({})),
        (
            "an error that is an empty string with choices beside it",
            json!(""),
        ),
    ] {
        both["error"] = error;
        carriers.add(
            carrier,
            Talk::new()
                .text()
                .raw(both.to_string())
                .done()
                .explained(Expect::Refused),
        );
    }
    let mut body = Framing::Lf.write(&full.stop(0, "tool_calls").0).to_vec();
    body.extend_from_slice(b"data: [DONE]");
    carriers.add(
        "a [DONE] without a blank line",
        Exchange::bytes(Form::Stream, body, explained()),
    );
}
