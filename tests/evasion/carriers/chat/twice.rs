//! Keys that stand twice: who reads the first and who reads the last see different calls.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let text = || Talk::new().text();
    let bad = at_once(0, &call);
    let good = at_once(0, &Call::new("call_x", "Read", "{}"));
    let input = quoted(&call.input);
    let mut deltas = vec![
        (
            "calls that stand twice, harmless first",
            format!(r#"{{"tool_calls":[{good}],"tool_calls":[{bad}]}}"#),
        ),
        (
            "calls that stand twice, harmless last",
            format!(r#"{{"tool_calls":[{bad}],"tool_calls":[{good}]}}"#),
        ),
        (
            "calls that stand twice in other spellings",
            format!(r#"{{"tool_calls":[{good}],"tool\u005fcalls":[{bad}]}}"#),
        ),
        (
            "a function that stands twice, harmless first",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Read","arguments":"{{}}"}},"function":{}}}]}}"#,
                bad["function"]
            ),
        ),
        (
            "a function that stands twice, harmless last",
            format!(
                r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{},"function":{{"name":"Read","arguments":"{{}}"}}}}]}}"#,
                bad["function"]
            ),
        ),
    ];
    match carriers.mark {
        Mark::Name => deltas.extend([
            ("a name that stands twice, harmless first", r#"{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"Read","name":"LEAKTOOL","arguments":"{}"}}]}"#.to_owned()),
            ("a name that stands twice, harmless last", r#"{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"LEAKTOOL","name":"Read","arguments":"{}"}}]}"#.to_owned()),
        ]),
        Mark::Argument => deltas.extend([
            ("arguments that stand twice, harmless first", format!(r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Bash","arguments":"{{}}","arguments":{input}}}}}]}}"#)),
            ("arguments that stand twice, harmless last", format!(r#"{{"tool_calls":[{{"index":0,"id":"x","type":"function","function":{{"name":"Bash","arguments":{input},"arguments":"{{}}"}}}}]}}"#)),
        ]),
    }
    for (carrier, delta) in deltas {
        carriers.add(
            carrier,
            text()
                .spelled(&delta)
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    let bad = json!([{ "index": 0, "delta": { "tool_calls": [bad] }, "finish_reason": null }]);
    for (carrier, choices) in [
        (
            "choices that stand twice, harmless first",
            format!(r#""choices":[],"choices":{bad}"#),
        ),
        (
            "choices that stand twice, harmless last",
            format!(r#""choices":{bad},"choices":[]"#),
        ),
    ] {
        let data = chunk(&json!([]))
            .to_string()
            .replace(r#""choices":[]"#, &choices);
        carriers.add(
            carrier,
            text()
                .raw(data)
                .end("tool_calls")
                .explained(Expect::Refused),
        );
    }
    let plain = whole(&call);
    for (carrier, from, to) in [
        (
            "choices that stand twice, whole, harmless first",
            r#""choices":"#,
            r#""choices":[],"choices":"#,
        ),
        (
            "a message that stands twice, whole, harmless first",
            r#""message":"#,
            r#""message":{"role":"assistant","content":"x"},"message":"#,
        ),
        (
            "calls that stand twice, whole, harmless first",
            r#""tool_calls":["#,
            r#""tool_calls":[],"tool_calls":["#,
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
    ] {
        carriers.add(
            carrier,
            Exchange::whole(plain.replacen(from, to, 1), Expect::Refused),
        );
    }
}
