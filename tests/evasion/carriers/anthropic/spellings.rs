//! The same, written in another way.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id) = (&call.name, call.id);
    let begun = || Talk::new().text(0);
    let quoted_input = quoted(&call.input);
    let starts = [
        (
            "the name in escapes",
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"{id}","name":"{}","input":{{}}}}}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"\u0074ype":"content_block_start","index":1,"content\u005fblock":{{"typ\u0065":"tool_use","id":"{id}","n\u0061me":"{name}","input":{{}}}}}}"#
            ),
        ),
        (
            "types in escapes",
            format!(
                r#"{{"type":"content\u005fblock\u005fstart","index":1,"content_block":{{"type":"tool\u005fuse","id":"{id}","name":"{name}","input":{{}}}}}}"#
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"type\" :\t\"content_block_start\" , \"index\" : 1 , \"content_block\" : {{ \"type\" : \"tool_use\" , \"id\" : \"{id}\" , \"name\" : \"{name}\" , \"input\" : {{ }} }} }} "
            ),
        ),
        (
            "the type last",
            format!(
                r#"{{"content_block":{{"input":{{}},"name":"{name}","id":"{id}","type":"tool_use"}},"index":1,"type":"content_block_start"}}"#
            ),
        ),
    ];
    for (carrier, start) in starts {
        carriers.add(
            carrier,
            begun()
                .raw("content_block_start", start)
                .inputs(1, &call)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    let in_escapes = escaped(&call.input);
    let deltas = [
        (
            "arguments in escapes",
            format!(
                r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":"{in_escapes}"}}}}"#
            ),
        ),
        (
            "the keys of deltas in escapes",
            format!(
                r#"{{"type":"content_block_delta","index":1,"d\u0065lta":{{"type":"input\u005fjson_delta","partial\u005fjson":{quoted_input}}}}}"#
            ),
        ),
    ];
    for (carrier, delta) in deltas {
        carriers.add(
            carrier,
            begun()
                .begin(1, &call)
                .raw("content_block_delta", delta)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
    if carriers.mark == Mark::Argument {
        let inner = format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG"));
        let mut split = begun().begin(1, &call);
        for character in inner.chars() {
            split = split.input(1, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.stop(1).end("tool_use").explained(explained()),
        );
        let escaped =
            format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{inner}}}"#);
        carriers.add(
            "escapes inside the arguments in the start",
            begun()
                .raw(
                    "content_block_start",
                    format!(
                        r#"{{"type":"content_block_start","index":1,"content_block":{escaped}}}"#
                    ),
                )
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
        carriers.add(
            "escapes inside the arguments",
            Exchange::whole(
                message(&[], &json!("tool_use"))
                    .to_string()
                    .replace("\"content\":[]", &format!("\"content\":[{escaped}]")),
                explained(),
            ),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            begun()
                .begin(1, &call)
                .input(1, &deep)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call).replace(&call.input, &deep), Expect::Gone),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            begun()
                .begin(1, &call)
                .input(1, r#"{"command":"ls","command":"LEAKARG"}"#)
                .stop(1)
                .end("tool_use")
                .explained(explained()),
        );
    }
}
