//! Streams that end otherwise.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let half = begun().begin(1, &call).inputs(1, &call);
    let full_call = begun().call(1, &call);
    carriers.add_cut("inside the call", &half.explained(Expect::Refused));
    carriers.add_cut("behind the call", &full_call.explained(Expect::Refused));
    let with_error = |mut events: Vec<Event>| {
        events.push(error());
        Exchange::stream(&events, Expect::Refused)
    };
    carriers.add(
        "an error behind the call",
        with_error(full_call.events.clone()),
    );
    let mut over = full_call.clone().end().events;
    over.push(error());
    carriers.add(
        "an error behind the end",
        Exchange::stream(&over, Expect::Over),
    );
    let talk = full_call.clone();
    carriers.add(
        "a failure behind the call",
        talk.ends("failed", &[]).explained(Expect::Refused),
    );
    let output = full_call.output.clone();
    carriers.add(
        "a failure behind the call, with the call in its output",
        full_call
            .clone()
            .ends("failed", &output)
            .explained(Expect::Refused),
    );
    carriers.add(
        "an error with the item in it",
        begun()
            .event(json!({ "type": "error", "code": "c", "message": "m", "output_index": 1, "item": full(&call) }))
            .explained(Expect::Refused),
    );
    let mut body = Framing::Lf.write(&full_call.events).to_vec();
    body.extend_from_slice(
        format!("event: response.completed\ndata: {}", json!({ "type": "response.completed", "sequence_number": full_call.events.len(), "response": response("completed", &full_call.output) })).as_bytes(),
    );
    carriers.add(
        "an end without a blank line",
        Exchange::bytes(Form::Stream, body, explained()),
    );
}
