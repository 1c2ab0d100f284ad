//! Whole replies, written anew.

use super::*;

fn rewritten(dialect: Dialect, reply: &str, changes: &Changes) -> String {
    let bytes = rewrite_whole(dialect, &Bytes::copy_from_slice(reply.as_bytes()), changes);
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

fn dropped(blocks: &[BlockId]) -> Changes {
    Changes {
        dropped: blocks.iter().copied().collect(),
        ..Changes::default()
    }
}

#[test]
fn without_changes_it_is_the_same_bytes() {
    for dialect in Dialect::ALL {
        let reply = recorded(dialect, false);
        for changes in [
            Changes::default(),
            dropped(&[block(7, 7, 7)]),
            Changes {
                calls_last: true,
                ..Changes::default()
            },
        ] {
            let same = rewrite_whole(dialect, &reply, &changes).unwrap();
            assert_eq!(same, reply, "{dialect}");
        }
    }
    assert!(Changes::default().is_empty());
    assert!(!dropped(&[block(0, 0, 0)]).is_empty());
}

#[test]
fn one_change_touches_nothing_else() {
    let reply = r#"{ "content": [ {"type":"text", "text":"a", "x":1.0},  {"type":"tool_use","id":"t","name":"n","input":{"a" : 1}} ], "stop_reason":"tool_use" }"#;
    let mut changes = Changes::default();
    changes.texts.insert(block(0, 0, 0), "b".into());
    changes.inputs.insert(block(0, 1, 0), "{}".into());
    assert_eq!(
        rewritten(Dialect::Anthropic, reply, &changes),
        reply
            .replace("\"a\", \"x", "\"b\", \"x")
            .replace(r#"{"a" : 1}"#, "{}")
    );
}

#[test]
fn text_moves_before_the_calls_and_thinking_stays_with_them() {
    let block = |json: &str| json.to_owned();
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let call = |id: &str| format!(r#"{{"type":"tool_use","id":"{id}","name":"n","input":{{}}}}"#);
    let thinking = |text: &str| format!(r#"{{"type":"thinking","thinking":"{text}"}}"#);
    let content = [
        thinking("1"),
        call("a"),
        text("x"),
        thinking("2"),
        block(&call("b")),
        text("y"),
    ];
    let reply = format!(
        r#"{{"content":[{}],"stop_reason":"tool_use"}}"#,
        content.join(",")
    );
    let mut changes = Changes {
        calls_last: true,
        ..Changes::default()
    };
    let expected = [
        thinking("1"),
        text("x"),
        text("y"),
        call("a"),
        thinking("2"),
        call("b"),
    ];
    let expected = format!(
        r#"{{"content":[{}],"stop_reason":"tool_use"}}"#,
        expected.join(",")
    );
    assert_eq!(rewritten(Dialect::Anthropic, &reply, &changes), expected);
    changes.notices.insert(0, vec!["No.".into()]);
    let noticed = expected.replace(&call("a"), &format!("{},{}", text("No."), call("a")));
    assert_eq!(rewritten(Dialect::Anthropic, &reply, &changes), noticed);
}

#[test]
fn other_arguments_that_are_no_json_are_refused_where_they_must_be() {
    let mut changes = Changes::default();
    changes
        .inputs
        .insert(calls(Dialect::Anthropic)[0], "{".into());
    let reply = recorded(Dialect::Anthropic, false);
    assert!(rewrite_whole(Dialect::Anthropic, &reply, &changes).is_err());
    assert!(rewrite_whole(Dialect::Anthropic, &"{".into(), &changes).is_err());
}

#[test]
fn a_message_of_chat_loses_its_calls_without_a_trace() {
    let reply = |message: &str, reason: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"message":{message},"logprobs":{{"content":[1]}},"finish_reason":"{reason}"}}]}}"#
        )
    };
    let calls = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"a","arguments":"{}"}}]}"#;
    let mut changes = dropped(&[block(0, 4, 0)]);
    let words = r#""logprobs":{"content":[1]}"#;
    assert_eq!(
        rewritten(Dialect::Chat, &reply(calls, "tool_calls"), &changes),
        reply(r#"{"role":"assistant","content":null}"#, "stop")
    );
    changes.notices.insert(0, vec!["No.".into()]);
    assert_eq!(
        rewritten(Dialect::Chat, &reply(calls, "tool_calls"), &changes),
        reply(r#"{"role":"assistant","content":"No."}"#, "stop")
    );
    let said = calls.replace("null", "\"Hi.\"");
    assert_eq!(
        rewritten(Dialect::Chat, &reply(&said, "length"), &changes),
        reply(r#"{"role":"assistant","content":"Hi.\n\nNo."}"#, "length")
    );
    let legacy =
        r#"{"role":"assistant","content":null,"function_call":{"name":"a","arguments":"{}"}}"#;
    assert_eq!(
        rewritten(
            Dialect::Chat,
            &reply(legacy, "function_call"),
            &dropped(&[block(0, 3, 0)])
        ),
        reply(r#"{"role":"assistant","content":null}"#, "stop")
    );
    let text = reply(r#"{"role":"assistant","content":"Hi."}"#, "stop");
    assert_eq!(
        rewritten(Dialect::Chat, &text, &dropped(&[block(0, 2, 0)])),
        text.replace("\"Hi.\"", "null")
            .replace(words, r#""logprobs":null"#)
    );
}

#[test]
fn a_content_in_parts_is_changed_as_one_text() {
    let reply = |content: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":[{content}]}},"finish_reason":"stop"}}]}}"#
        )
    };
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let image = r#"{"type":"image_url","image_url":{}}"#;
    let two = reply(&[text("a"), image.to_owned(), text("b")].join(","));
    let mut changes = Changes::default();
    changes.appended.insert(0, "c".into());
    assert_eq!(
        rewritten(Dialect::Chat, &two, &changes),
        reply(&[text("abc"), image.to_owned()].join(","))
    );
    changes = dropped(&[block(0, 2, 0)]);
    changes.notices.insert(0, vec!["No.".into()]);
    assert_eq!(
        rewritten(Dialect::Chat, &two, &changes),
        reply(&[image.to_owned(), text("No.")].join(","))
    );
}

#[test]
fn what_arrives_as_a_delta_in_a_whole_reply_is_changed_all_the_same() {
    let reply = r#"{"choices":[{"index":0,"delta":{"content":"Hi.","tool_calls":[{"index":0,"id":"1","function":{"name":"a","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    let mut changes = dropped(&[block(0, 4, 0)]);
    changes.appended.insert(0, " No.".into());
    assert_eq!(
        rewritten(Dialect::Chat, reply, &changes),
        r#"{"choices":[{"index":0,"delta":{"content":"Hi. No."},"finish_reason":"stop"}]}"#
    );
}

#[test]
fn an_empty_response_gets_a_notice() {
    for (dialect, reply) in [
        (
            Dialect::Anthropic,
            r#"{"id":"m","type":"message","role":"assistant","model":"x","content":[],"stop_reason":"end_turn","usage":{"output_tokens":1}}"#,
        ),
        (
            Dialect::Chat,
            r#"{"id":"c","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,"message":{"role":"assistant"},"finish_reason":"stop"}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"id":"resp_1","model":"x","status":"completed","output":[],"output_text":""}"#,
        ),
    ] {
        let mut changes = Changes::default();
        changes.appended.insert(0, "More.".into());
        changes.notices.insert(0, vec!["No.".into()]);
        let bytes = rewritten(dialect, reply, &changes);
        let view = protocol::check(dialect, false, bytes.as_bytes()).unwrap();
        let text = short(&view).join("\n\n");
        assert_eq!(text, "More.\n\nNo.", "{dialect}");
    }
}

#[test]
fn a_call_of_the_responses_gets_other_arguments_wherever_its_type_has_them() {
    for (item, input, expected) in [
        (
            r#"{"type":"local_shell_call","call_id":"c","action":{"command":["a"]}}"#,
            r#"{"command":["b"]}"#,
            r#""action":{"command":["b"]}"#,
        ),
        (
            r#"{"type":"apply_patch_call","call_id":"c","operation":{"a":1}}"#,
            "no json",
            r#""operation":"no json""#,
        ),
        (
            r#"{"type":"brand_new","call_id":"c","name":"n","arguments":"{}"}"#,
            r#"{"a":1}"#,
            r#""arguments":"{\"a\":1}""#,
        ),
    ] {
        let mut changes = Changes::default();
        changes.inputs.insert(block(0, 0, 0), input.into());
        let reply = format!(r#"{{"id":"r","status":"completed","output":[{item}]}}"#);
        let out = rewritten(Dialect::Responses, &reply, &changes);
        assert!(out.contains(expected), "{out}");
        // And gone is gone.
        let out = rewritten(Dialect::Responses, &reply, &dropped(&[block(0, 0, 0)]));
        assert!(out.contains(r#""output":[]"#), "{out}");
    }
}
