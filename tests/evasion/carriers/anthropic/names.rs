//! The name of an event and the type of its data.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let start = json!({ "type": "content_block_start", "index": 1, "content_block": used(&call) });
    let with_type = |kind: Value| {
        let mut start = start.clone();
        start["type"] = kind;
        start.to_string()
    };
    let rest = |talk: Talk| talk.stop(1).end("tool_use").explained(Expect::Refused);
    for name in [
        "ping",
        "message_stop",
        "content_block_delta",
        "newer",
        "error",
        "",
    ] {
        carriers.add(
            format!("an event named {name:?} with the start in it"),
            rest(begun().raw(name, start.to_string())),
        );
    }
    for kind in [
        json!("ping"),
        json!("newer"),
        json!("message_stop"),
        Value::Null,
        json!(1),
        json!(["content_block_start"]),
    ] {
        carriers.add(
            format!("an event named content_block_start with data of the type {kind}"),
            rest(begun().raw("content_block_start", with_type(kind))),
        );
    }
    let mut untyped = start.clone();
    untyped.as_object_mut().unwrap().remove("type");
    carriers.add(
        "an event named content_block_start with data of no type",
        rest(begun().raw("content_block_start", untyped.to_string())),
    );
    carriers.add(
        "data of no type, and no name",
        rest(begun().bare(untyped.to_string())),
    );
    // There, a type in the data is enough for some clients.
    let mut bare = begun().call(1, &call).end("tool_use");
    for event in &mut bare.0 {
        event.name = None;
    }
    carriers.add("events without names", bare.explained(Expect::Gone));
    let mut upper = begun().call(1, &call).end("tool_use");
    for event in &mut upper.0 {
        event.name = event.name.as_ref().map(|name| name.to_uppercase());
    }
    carriers.add(
        "names of events in capitals",
        upper.explained(Expect::Refused),
    );
    carriers.add(
        "data that is a list of events",
        rest(begun().raw("content_block_start", json!([start]).to_string())),
    );
    carriers.add(
        "two JSON texts in one event",
        rest(begun().raw(
            "content_block_start",
            format!("{}\n{start}", json!({ "type": "ping" })),
        )),
    );
    carriers.add(
        "JSON that does not end",
        rest(begun().raw(
            "content_block_start",
            start.to_string().trim_end_matches('}').to_owned(),
        )),
    );
    carriers.add(
        "a JSON text with something behind it",
        rest(begun().raw("content_block_start", format!("{start},"))),
    );
    carriers.add(
        "a JSON text behind a byte order mark",
        rest(begun().raw("content_block_start", format!("\u{feff}{start}"))),
    );
}
