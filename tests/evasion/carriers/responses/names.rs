//! The name of an event and the type of its data.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let done = |kind: Option<Value>| {
        let mut event = json!({ "output_index": 1, "item": full(&call) });
        if let Some(kind) = kind {
            event["type"] = kind;
        }
        event
    };
    let real = || Some(json!("response.output_item.done"));
    for name in [
        "ping",
        "response.completed",
        "response.output_text.delta",
        "newer",
        "error",
        "",
    ] {
        carriers.add(
            format!("an event named {name:?} with the item in it"),
            begun()
                .named(Some(name), done(real()))
                .end()
                .explained(Expect::Refused),
        );
    }
    for kind in [
        json!("ping"),
        json!("newer"),
        json!("response.completed"),
        Value::Null,
        json!(1),
    ] {
        carriers.add(
            format!("an event named response.output_item.done with data of the type {kind}"),
            begun()
                .named(real().as_ref().and_then(Value::as_str), done(Some(kind)))
                .end()
                .explained(Expect::Refused),
        );
    }
    carriers.add(
        "an event named response.output_item.done with data of no type",
        begun()
            .named(real().as_ref().and_then(Value::as_str), done(None))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "data of no type, and no name",
        begun()
            .named(None, done(None))
            .end()
            .explained(Expect::Refused),
    );
    let mut bare = begun().call(1, &call).end();
    for event in &mut bare.events {
        event.name = None;
    }
    carriers.add("events without names", bare.explained(Expect::Gone));
    carriers.add(
        "an event in a list",
        Talk {
            events: [
                begun().events,
                vec![Event::new(
                    "response.output_item.done",
                    json!([done(real())]).to_string(),
                )],
                begun().end().events.split_off(begun().events.len()),
            ]
            .concat(),
            output: Vec::new(),
        }
        .explained(Expect::Refused),
    );
}
