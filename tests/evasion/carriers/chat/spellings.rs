//! The same, written in another way.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id, input) = (&call.name, call.id, quoted(&call.input));
    let text = || Talk::new().text();
    for (carrier, delta) in [
        (
            "the name in escapes",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"{}","arguments":{input}}}}}]}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"tool\u005fcalls":[{{"index":0,"id":"{id}","type":"function","f\u0075nction":{{"n\u0061me":"{name}","\u0061rguments":{input}}}}}]}}"#
            ),
        ),
        (
            "arguments in escapes",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"{name}","arguments":"{}"}}}}]}}"#,
                escaped(&call.input)
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"tool_calls\" : [ {{ \"index\" : 0 ,\t\"id\" : \"{id}\" , \"type\" : \"function\" , \"function\" : {{ \"name\" : \"{name}\" , \"arguments\" : {input} }} }} ] }}"
            ),
        ),
        (
            "the index last",
            format!(
                r#"{{"tool_calls":[{{"function":{{"arguments":{input},"name":"{name}"}},"type":"function","id":"{id}","index":0}}]}}"#
            ),
        ),
    ] {
        carriers.add(
            carrier,
            text()
                .spelled(&delta)
                .end("tool_calls")
                .explained(explained()),
        );
    }
    carriers.add(
        "choices in escapes",
        text()
            .raw(chunk(&json!([{ "index": 0, "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null }])).to_string().replace("\"choices\"", "\"ch\\u006fices\"").replace("\"delta\"", "\"d\\u0065lta\""))
            .end("tool_calls")
            .explained(explained()),
    );
    if carriers.mark == Mark::Argument {
        let inner = format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG"));
        let mut split = text().calls(0, &[begun(0, &call)]);
        for character in inner.chars() {
            split = split.input(0, 0, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.end("tool_calls").explained(explained()),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            text()
                .call(0, &call.with_input(&deep))
                .end("tool_calls")
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call.with_input(&deep)), explained()),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            text()
                .call(
                    0,
                    &call.with_input(r#"{"command":"ls","command":"LEAKARG"}"#),
                )
                .end("tool_calls")
                .explained(explained()),
        );
    }
}
