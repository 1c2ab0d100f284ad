//! Keys that stand twice: who reads the first and who reads the last see different calls.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let begun = || Talk::new().text(0);
    let bad = used(&call);
    let good = used(&Call::new("call_x", "Read", "{}"));
    let quoted_input = quoted(&call.input);
    let mut starts = vec![
        (
            "a block that stands twice, harmless first",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{good},"content_block":{bad}}}"#
            ),
        ),
        (
            "a block that stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{bad},"content_block":{good}}}"#
            ),
        ),
        (
            "a block that stands twice in other spellings",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{good},"content\u005fblock":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless first",
            format!(
                r#"{{"type":"ping","type":"content_block_start","index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "a type that stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","type":"ping","index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "an index that stands twice",
            format!(
                r#"{{"type":"content_block_start","index":0,"index":1,"content_block":{bad}}}"#
            ),
        ),
        (
            "a block whose type stands twice, harmless first",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"text","text":"","type":"tool_use","id":"{}","name":"{}","input":{}}}}}"#,
                call.id, call.name, call.input
            ),
        ),
        (
            "a block whose type stands twice, harmless last",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"{}","name":"{}","input":{},"type":"text","text":""}}}}"#,
                call.id, call.name, call.input
            ),
        ),
    ];
    if carriers.mark == Mark::Name {
        for (carrier, names) in [
            (
                "a name that stands twice, harmless first",
                r#""name":"Read","name":"LEAKTOOL""#,
            ),
            (
                "a name that stands twice, harmless last",
                r#""name":"LEAKTOOL","name":"Read""#,
            ),
            (
                "a name that stands twice in other spellings",
                r#""name":"Read","n\u0061me":"LEAKTOOL""#,
            ),
        ] {
            starts.push((
                carrier,
                format!(r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"x",{names},"input":{{}}}}}}"#),
            ));
        }
    }
    for (carrier, start) in starts {
        carriers.add(
            carrier,
            begun()
                .raw("content_block_start", start)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(Expect::Refused),
        );
    }
    if carriers.mark == Mark::Argument {
        for (carrier, delta) in [
            (
                "a piece of arguments that stands twice, harmless first",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{{}}","partial_json":{quoted_input}}}}}"#
                ),
            ),
            (
                "a piece of arguments that stands twice, harmless last",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":{quoted_input},"partial_json":"{{}}"}}}}"#
                ),
            ),
            (
                "a delta that stands twice",
                format!(
                    r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{{}}"}},"delta":{{"type":"input_json_delta","partial_json":{quoted_input}}}}}"#
                ),
            ),
        ] {
            carriers.add(
                carrier,
                begun()
                    .begin(1, &harmless)
                    .raw("content_block_delta", delta)
                    .stop(1)
                    .end("tool_use")
                    .explained(Expect::Refused),
            );
        }
    }
    let mut wholes = vec![
        (
            "a content that stands twice, harmless first",
            format!(
                r#"{{"type":"message","id":"m","role":"assistant","model":"m","content":[{good}],"content":[{bad}],"stop_reason":"tool_use"}}"#
            ),
        ),
        (
            "a content that stands twice, harmless last",
            format!(
                r#"{{"type":"message","id":"m","role":"assistant","model":"m","content":[{bad}],"content":[{good}],"stop_reason":"tool_use"}}"#
            ),
        ),
    ];
    if carriers.mark == Mark::Argument {
        wholes.push(("an argument that stands twice", r#"{"type":"message","id":"m","role":"assistant","model":"m","content":[{"type":"tool_use","id":"x","name":"Bash","input":{"command":"ls","command":"LEAKARG"}}],"stop_reason":"tool_use"}"#.to_owned()));
    }
    for (carrier, whole) in wholes {
        carriers.add(carrier, Exchange::whole(whole, Expect::Refused));
    }
}
