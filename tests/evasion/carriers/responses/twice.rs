//! Keys that stand twice: who reads the first and who reads the last see different calls.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    let (bad, good) = (full(&call), full(&Call::new("call_x", "Read", "{}")));
    let input = quoted(&call.input);
    let mut events = vec![
        (
            "an item that stands twice, harmless first",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{good},"item":{bad}}}"#
            ),
        ),
        (
            "an item that stands twice, harmless last",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{bad},"item":{good}}}"#
            ),
        ),
        (
            "an item that stands twice in other spellings",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{good},"it\u0065m":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless first",
            format!(
                r#"{{"type":"newer","type":"response.output_item.done","output_index":1,"item":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless last",
            format!(
                r#"{{"type":"response.output_item.done","type":"newer","output_index":1,"item":{bad}}}"#
            ),
        ),
        (
            "an item whose type stands twice",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"type":"reasoning","summary":[],"type":"function_call","id":"fc_LEAKID","call_id":"{}","name":"{}","arguments":{input}}}}}"#,
                call.id, call.name
            ),
        ),
    ];
    match carriers.mark {
        Mark::Name => events.extend([
            ("a name that stands twice, harmless first", r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"Read","name":"LEAKTOOL","arguments":"{}"}}"#.to_owned()),
            ("a name that stands twice, harmless last", r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"LEAKTOOL","name":"Read","arguments":"{}"}}"#.to_owned()),
        ]),
        Mark::Argument => events.extend([
            ("arguments that stand twice, harmless first", format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_1","type":"function_call","call_id":"c","name":"Bash","arguments":"{{}}","arguments":{input}}}}}"#)),
            ("arguments that stand twice, harmless last", format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_1","type":"function_call","call_id":"c","name":"Bash","arguments":{input},"arguments":"{{}}"}}}}"#)),
        ]),
    }
    for (carrier, data) in events {
        carriers.add(
            carrier,
            begun()
                .raw("response.output_item.done", &data)
                .end()
                .explained(Expect::Refused),
        );
    }
    let (all, none) = (
        response("completed", &[text(), bad]),
        response("completed", &[text()]),
    );
    for (carrier, first, last) in [
        ("a response that stands twice, harmless first", &none, &all),
        ("a response that stands twice, harmless last", &all, &none),
    ] {
        carriers.add(
            carrier,
            begun()
                .raw(
                    "response.completed",
                    &format!(
                        r#"{{"type":"response.completed","response":{first},"response":{last}}}"#
                    ),
                )
                .explained(Expect::Refused),
        );
    }
    let plain = whole(&call);
    for (carrier, from, to) in [
        (
            "an output that stands twice, whole, harmless first",
            r#""output":["#,
            r#""output":[],"output":["#,
        ),
        (
            "a name that stands twice, whole, harmless first",
            r#""name":"#,
            r#""name":"Read","name":"#,
        ),
        (
            "arguments that stand twice, whole, harmless first",
            r#""arguments":"#,
            r#""arguments":"{}","arguments":"#,
        ),
        (
            "a type that stands twice, whole, harmless first",
            r#""type":"function_call""#,
            r#""type":"reasoning","type":"function_call""#,
        ),
    ] {
        let twice = plain.replacen(from, to, 1);
        assert_ne!(twice, plain, "{carrier}");
        carriers.add(carrier, Exchange::whole(twice, Expect::Refused));
    }
}
