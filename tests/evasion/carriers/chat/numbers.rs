//! Indexes that are read differently.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let text = || Talk::new().text();
    let of_call = |index: Option<&str>| {
        let mut all = full(&call).to_string();
        if let Some(index) = index {
            all = all.replacen('{', &format!("{{\"index\":{index},"), 1);
        }
        format!(r#"{{"tool_calls":[{all}]}}"#)
    };
    for (index, expect) in [
        ("7", explained()),
        ("4294967290", explained()),
        ("4294967295", explained()),
        ("4294967296", Expect::Refused),
        ("-1", Expect::Refused),
        ("0.0", Expect::Refused),
        ("0e0", Expect::Refused),
        ("\"0\"", Expect::Refused),
        ("[0]", Expect::Refused),
        ("null", explained()),
    ] {
        carriers.add(
            format!("the index {index}"),
            text()
                .spelled(&of_call(Some(index)))
                .end("tool_calls")
                .explained(expect),
        );
    }
    carriers.add(
        "no index",
        text()
            .spelled(&of_call(None))
            .end("tool_calls")
            .explained(explained()),
    );
    let of_choice = |index: &str| {
        let choice =
            json!({ "delta": { "tool_calls": [at_once(0, &call)] }, "finish_reason": null })
                .to_string();
        let choice = choice.replacen('{', &format!("{{{index}"), 1);
        chunk(&json!("CHOICES"))
            .to_string()
            .replace("\"CHOICES\"", &format!("[{choice}]"))
    };
    for (index, expect) in [
        ("", explained()),
        ("\"index\":null,", explained()),
        ("\"index\":\"0\",", Expect::Refused),
        ("\"index\":0.0,", Expect::Refused),
        ("\"index\":-1,", Expect::Refused),
        ("\"index\":4294967296,", Expect::Refused),
    ] {
        carriers.add(
            format!(
                "a choice with {:?} for its index",
                index.trim_end_matches(',')
            ),
            text()
                .raw(of_choice(index))
                .end("tool_calls")
                .explained(expect),
        );
    }
    carriers.add(
        "a choice with a huge index",
        text()
            .raw(of_choice("\"index\":4294967295,"))
            .chunk(&json!([{ "index": u32::MAX, "delta": {}, "finish_reason": "tool_calls" }]))
            .end("stop")
            .explained(explained()),
    );
    carriers.add(
        "two calls with one index",
        text()
            .calls(
                0,
                &[
                    at_once(0, &Call::new("call_x", "Read", "")),
                    at_once(0, &call),
                ],
            )
            .end("tool_calls")
            .explained(Expect::Gone),
    );
    carriers.add(
        "two calls without an index in two chunks",
        text()
            .spelled(&format!(
                r#"{{"tool_calls":[{}]}}"#,
                full(&Call::new("call_x", "Read", "{}"))
            ))
            .spelled(&of_call(None))
            .end("tool_calls")
            .explained(Expect::Gone),
    );
}
