//! The same, written in another way.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let (name, id) = (&call.name, call.id);
    let begun = || Talk::new().text(0);
    let input = quoted(&call.input);
    for (carrier, done) in [
        (
            "the name in escapes",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_{id}","type":"function_call","status":"completed","call_id":"{id}","name":"{}","arguments":{input}}}}}"#,
                escaped(name)
            ),
        ),
        (
            "keys in escapes",
            format!(
                r#"{{"\u0074ype":"response.output_item.done","output\u005findex":1,"it\u0065m":{{"id":"fc_{id}","typ\u0065":"function_call","status":"completed","call_id":"{id}","n\u0061me":"{name}","arg\u0075ments":{input}}}}}"#
            ),
        ),
        (
            "types in escapes",
            format!(
                r#"{{"type":"response.output\u005fitem.done","output_index":1,"item":{{"id":"fc_{id}","type":"function\u005fcall","status":"completed","call_id":"{id}","name":"{name}","arguments":{input}}}}}"#
            ),
        ),
        (
            "arguments in escapes",
            format!(
                r#"{{"type":"response.output_item.done","output_index":1,"item":{{"id":"fc_{id}","type":"function_call","status":"completed","call_id":"{id}","name":"{name}","arguments":"{}"}}}}"#,
                escaped(&call.input)
            ),
        ),
        (
            "white space everywhere",
            format!(
                "{{ \"type\" : \"response.output_item.done\" ,\t\"output_index\" : 1 , \"item\" : {{ \"id\" : \"fc_{id}\" , \"type\" : \"function_call\" , \"status\" : \"completed\" , \"call_id\" : \"{id}\" , \"name\" : \"{name}\" , \"arguments\" : {input} }} }}"
            ),
        ),
        (
            "the type last",
            format!(
                r#"{{"item":{{"arguments":{input},"name":"{name}","call_id":"{id}","status":"completed","id":"fc_{id}","type":"function_call"}},"output_index":1,"type":"response.output_item.done"}}"#
            ),
        ),
    ] {
        let mut talk = begun()
            .begin(1, &call)
            .inputs(1, &call)
            .said(1, &call)
            .raw("response.output_item.done", &done);
        talk.output.push(full(&call));
        carriers.add(carrier, talk.end().explained(explained()));
    }
    if carriers.mark == Mark::Argument {
        let inner = call.with_input(&format!(r#"{{"command":"{}"}}"#, escaped("LEAKARG")));
        let mut split = begun().begin(1, &inner);
        for character in inner.input.chars() {
            split = split.input(1, &inner, &character.to_string());
        }
        carriers.add(
            "escapes inside the arguments, cut at every byte",
            split.finish(1, &inner).end().explained(explained()),
        );
        let deep = format!("{}\"LEAKARG\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        carriers.add(
            "arguments that are nested too deep for some",
            begun()
                .call(1, &call.with_input(&deep))
                .end()
                .explained(explained()),
        );
        carriers.add(
            "arguments that are nested too deep for some, whole",
            Exchange::whole(whole(&call.with_input(&deep)), explained()),
        );
        carriers.add(
            "a key that stands twice in the arguments",
            begun()
                .call(
                    1,
                    &call.with_input(r#"{"command":"ls","command":"LEAKARG"}"#),
                )
                .end()
                .explained(explained()),
        );
    }
}
