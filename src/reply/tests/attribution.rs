//! Nothing of a block slips by: whatever an event speaks of, it says so, and what SDKs take over is read.

use super::*;

fn read(dialect: Dialect, data: &str) -> Event {
    let chunk = Chunk::event_of(dialect, format!("data: {data}\n\n").into());
    chunk.event().unwrap().clone()
}

fn whole(dialect: Dialect, reply: &str) -> Vec<ReplyBlock> {
    blocks(&[Chunk::whole(dialect, reply.to_owned().into())])
}

fn spoken_of(event: &Event) -> Vec<Option<(u32, u32)>> {
    let parts = event.parts().iter();
    parts
        .map(|part| part.block().map(|block| (block.index, block.part)))
        .collect()
}

#[test]
fn every_event_of_the_responses_that_numbers_an_item_is_attributed() {
    for event in [
        r#"{"type":"response.function_call_arguments.done","output_index":3,"arguments":"{}"}"#,
        r#"{"type":"response.custom_tool_call_input.done","output_index":3,"input":""}"#,
        r#"{"type":"response.reasoning_summary_part.added","output_index":3,"summary_index":2,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_text.done","output_index":3,"content_index":2,"text":""}"#,
        r#"{"type":"response.reasoning_text.delta","output_index":3,"content_index":2,"delta":""}"#,
        r#"{"type":"response.content_part.added","output_index":3,"content_index":2,"part":{"type":"reasoning_text","text":""}}"#,
        r#"{"type":"response.content_part.done","output_index":3,"content_index":2,"part":{"type":"reasoning_text","text":""}}"#,
        r#"{"type":"response.web_search_call.searching","output_index":3}"#,
        r#"{"type":"response.brand_new.delta","output_index":3,"content_index":2}"#,
        r#"{"type":"response.output_item.added","output_index":3,"item":{"type":"message","content":[]}}"#,
        r#"{"type":"response.output_item.added","output_index":3}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"message","content":[]}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":3,"delta":7}"#,
    ] {
        assert_eq!(
            spoken_of(&read(Dialect::Responses, event)),
            [Some((3, 0))],
            "{event}"
        );
    }
    for event in [
        r#"{"type":"response.output_text.delta","output_index":3,"content_index":2,"delta":""}"#,
        r#"{"type":"response.output_text.done","output_index":3,"content_index":2,"text":""}"#,
        r#"{"type":"response.output_text.annotation.added","output_index":3,"content_index":2}"#,
        r#"{"type":"response.refusal.done","output_index":3,"content_index":2,"refusal":""}"#,
        r#"{"type":"response.content_part.added","output_index":3,"content_index":2,"part":{"type":"output_text","text":""}}"#,
    ] {
        assert_eq!(
            spoken_of(&read(Dialect::Responses, event)),
            [Some((3, 2))],
            "{event}"
        );
    }
    for event in [
        r#"{"type":"response.in_progress","response":{"output":[]}}"#,
        r#"{"type":"response.brand_new"}"#,
    ] {
        assert_eq!(spoken_of(&read(Dialect::Responses, event)), [None]);
    }
}

#[test]
fn what_nobody_knows_of_a_block_is_attributed_to_it() {
    for event in [
        r#"{"type":"content_block_brand_new","index":3}"#,
        r#"{"type":"content_block_start","index":3}"#,
        r#"{"type":"content_block_delta","index":3}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"brand_new_delta"}}"#,
    ] {
        assert_eq!(
            spoken_of(&read(Dialect::Anthropic, event)),
            [Some((3, 0))],
            "{event}"
        );
    }
    let unknown = read(Dialect::Anthropic, r#"{"type":"brand_new"}"#);
    assert_eq!(spoken_of(&unknown), [None]);
    let nothing = r#"{"choices":[{"delta":{"function_call":null,"tool_calls":[{"index":3,"function":{"arguments":""}}]}}]}"#;
    assert_eq!(spoken_of(&read(Dialect::Chat, nothing)), [Some((7, 0))]);
    // A part of a text that is none.
    let thinks = r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hi"}]}}]}"#;
    let thinks = read(Dialect::Chat, thinks);
    assert_eq!(spoken_of(&thinks), [Some((2, 0)), Some((2, 0))]);
    assert!(matches!(thinks.parts()[0], Part::Unknown { .. }));
}

#[test]
fn an_event_that_begins_with_the_content_that_is_to_come_is_ambiguous() {
    for (dialect, event, content) in [
        (
            Dialect::Anthropic,
            r#"{"type":"message_start","message":{"content":@}}"#,
            r#"[{"type":"tool_use","id":"t","name":"n","input":{}}]"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.created","response":{"output":@}}"#,
            r#"[{"type":"function_call"}]"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.in_progress","response":{"output":@}}"#,
            r#"[{"type":"function_call"}]"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.brand_new","response":{"output":@}}"#,
            r#"[{"type":"function_call"}]"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":@}}"#,
            r#"[{"type":"output_text","text":"a"}]"#,
        ),
    ] {
        assert!(read(dialect, &event.replace('@', content)).is_ambiguous());
        for nothing in ["[]", "null", "\"\""] {
            let event = event.replace('@', nothing);
            assert!(!read(dialect, &event).is_ambiguous(), "{event}");
        }
    }
    let end = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","name":"n","arguments":""}]}}"#;
    assert!(!read(Dialect::Responses, end).is_ambiguous());
}

#[test]
fn what_has_a_name_and_an_input_is_a_call_whatever_its_type() {
    for (dialect, reply) in [
        (
            Dialect::Anthropic,
            r#"{"content":[{"type":"brand_new_use","id":"c","name":"n","input":{}}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"output":[{"type":"brand_new_call","call_id":"c","name":"n","arguments":"{}"}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"output":[{"type":"brand_new","call_id":"c","name":"n","input":{}}]}"#,
        ),
        (
            Dialect::Chat,
            r#"{"choices":[{"message":{"tool_calls":[{"type":"brand_new","id":"c","brand_new":{"name":"n","arguments":"{}"}}]}}]}"#,
        ),
        (
            Dialect::Chat,
            r#"{"choices":[{"message":{"tool_calls":[{"type":"brand_new","id":"c","name":"n","input":"{}"}]}}]}"#,
        ),
        (
            Dialect::Chat,
            r#"{"choices":[{"message":{"tool_calls":[{"type":"text","text":"hi","id":"c","function":{"name":"n","arguments":{}}}]}}]}"#,
        ),
    ] {
        let blocks = whole(dialect, reply);
        let [block] = &blocks[..] else {
            panic!("{blocks:?}");
        };
        assert_eq!(block.kind, BlockKind::ToolCall, "{reply}");
        assert_eq!(block.id.as_deref(), Some("c"), "{reply}");
        assert_eq!(block.name.as_deref(), Some("n"), "{reply}");
        assert_eq!(block.input, "{}", "{reply}");
    }
    for (dialect, reply) in [
        (
            Dialect::Anthropic,
            r#"{"content":[{"type":"server_tool_use","id":"c","name":"n","input":{}}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"output":[{"type":"mcp_call","id":"c","name":"n","arguments":"{}"}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"output":[{"type":"brand_new_call","id":"c"}]}"#,
        ),
    ] {
        assert_eq!(whole(dialect, reply)[0].kind, BlockKind::ServerTool);
    }
}

#[test]
fn messages_in_streams_and_deltas_in_whole_replies_are_read() {
    let body = r#"{"content":"hi","tool_calls":[{"id":"c","type":"function","function":{"name":"n","arguments":"{}"}}]}"#;
    let reply = |holder| {
        format!(r#"{{"choices":[{{"index":0,"{holder}":{body},"finish_reason":"stop"}}]}}"#)
    };
    let expected = whole(Dialect::Chat, &reply("message"));
    assert_eq!(expected.len(), 2);
    assert_eq!(whole(Dialect::Chat, &reply("delta")), expected);
    for holder in ["message", "delta"] {
        let frame = format!("data: {}\n\n", reply(holder));
        let streamed = blocks(&[Chunk::event_of(Dialect::Chat, frame.into())]);
        assert_eq!(streamed, expected);
    }
}

#[test]
fn a_call_where_no_call_belongs_makes_its_event_ambiguous() {
    let call = r#"{"type":"tool_use","id":"c","name":"n","input":{},"arguments":"{}"}"#;
    for (dialect, event) in [
        (
            Dialect::Anthropic,
            r#"{"type":"brand_new","wrapped":[[@]]}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","note":@}}"#,
        ),
        (
            Dialect::Chat,
            r#"{"data":{"choices":[{"delta":{"tool_calls":[@]}}]}}"#,
        ),
        (
            Dialect::Chat,
            r#"{"choices":[{"delta":{},"tool_calls":[@]}]}"#,
        ),
        (
            Dialect::Chat,
            r#"{"choices":[{"delta":{},"tool_calls":[{"index":0,"function":{"n\u0061me":"n"}}]}]}"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.output_item.snapshot","output_index":0,"item":@}"#,
        ),
    ] {
        let event = event.replace('@', call);
        assert!(read(dialect, &event).is_ambiguous(), "{event}");
    }
    // Tools that were offered, and what stands in a call's own arguments, are no calls.
    for (dialect, event) in [
        (
            Dialect::Responses,
            r#"{"type":"response.created","response":{"output":[],"tools":[{"type":"function","name":"n","parameters":{}}]}}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c","name":"n","input":{"call":@}}}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"c","name":"n","input":{}}}"#,
        ),
    ] {
        let event = event.replace('@', call);
        assert!(!read(dialect, &event).is_ambiguous(), "{event}");
    }
}

#[test]
fn arguments_that_are_said_once_more_otherwise_are_another_call() {
    use crate::reply::Assembler;
    let begun = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"n","arguments":""}}"#;
    let delta =
        r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{}"}"#;
    let calls = |done: &str| {
        let mut finished = Vec::new();
        let mut assembler = Assembler::new(1000);
        for event in [begun, delta, done] {
            assembler
                .push(&read(Dialect::Responses, event), &mut finished)
                .unwrap();
        }
        finished.extend(assembler.finish());
        let calls = finished
            .into_iter()
            .map(|call| (call.name.unwrap(), call.input));
        calls.collect::<Vec<_>>()
    };
    let of = |name: &str, input: &str| (name.to_owned(), input.to_owned());
    let same = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{}","name":"n"}"#;
    assert_eq!(calls(same), [of("n", "{}")]);
    let others = same.replace(r#""{}""#, r#""{\"a\":1}""#);
    assert_eq!(calls(&others), [of("n", r#"{"a":1}"#), of("n", "{}")]);
    let renamed = same.replace(r#""n""#, r#""m""#);
    assert_eq!(calls(&renamed), [of("m", "{}"), of("n", "{}")]);
}
