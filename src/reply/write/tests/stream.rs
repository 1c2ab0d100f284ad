//! Streams, written anew frame for frame.

use super::*;

/// Forwards these, as they are.
fn forward(writer: &mut StreamWriter, chunks: &[Chunk]) -> Vec<Chunk> {
    let mut out = Vec::new();
    for chunk in chunks {
        writer.forward(chunk.clone(), &mut out);
    }
    out
}

fn data(chunk: &Chunk) -> serde_json::Value {
    let frame = std::str::from_utf8(chunk.bytes()).unwrap();
    let line = frame.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[test]
fn what_nobody_changed_leaves_as_the_bytes_that_came() {
    for dialect in Dialect::ALL {
        for seed in 0..20 {
            let chunks = events(dialect, &recorded(dialect, true), seed);
            let mut writer = StreamWriter::new(dialect);
            for chunk in chunks {
                let mut out = Vec::new();
                // Whether the frame was looked at or not.
                if seed % 2 == 0 {
                    writer.split(&chunk);
                }
                writer.forward(chunk.clone(), &mut out);
                assert_eq!(out.len(), 1);
                assert_eq!(out[0].bytes(), chunk.bytes());
                assert_eq!(out[0].bytes().as_ptr(), chunk.bytes().as_ptr(), "{dialect}");
            }
        }
    }
}

#[test]
fn a_provider_that_numbers_oddly_is_left_alone_until_something_is_changed() {
    let odd = [
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":7,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_stop","index":7}"#,
    ];
    let chunks = said(Dialect::Anthropic, &odd);
    let mut writer = StreamWriter::new(Dialect::Anthropic);
    for chunk in &chunks {
        assert!(writer.split(chunk).is_none());
    }
    assert_eq!(join(&forward(&mut writer, &chunks)), join(&chunks));
    let odd = [
        r#"{"type":"response.output_text.delta","sequence_number":0,"output_index":3,"content_index":1,"item_id":"m","delta":"a"}"#,
        r#"{"type":"response.output_text.delta","sequence_number":0,"output_index":3,"content_index":1,"item_id":"m","delta":"b"}"#,
    ];
    let chunks = said(Dialect::Responses, &odd);
    let mut writer = StreamWriter::new(Dialect::Responses);
    for chunk in &chunks {
        writer.split(chunk);
    }
    assert_eq!(join(&forward(&mut writer, &chunks)), join(&chunks));
}

#[test]
fn a_call_that_is_held_while_text_flows_gets_the_number_behind_it() {
    let anthropic = [
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":5}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let call = r#"{"id":"f","type":"function_call","status":"completed","arguments":"{}","call_id":"c","name":"n"}"#;
    let message = r#"{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}"#;
    let response = |status: &str, output: &str| {
        format!(r#"{{"id":"r","model":"x","status":"{status}","output":[{output}]}}"#)
    };
    let responses = [
        format!(r#"{{"type":"response.created","sequence_number":0,"response":{}}}"#, response("in_progress", "")),
        r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"f","type":"function_call","status":"in_progress","arguments":"","call_id":"c","name":"n"}}"#.into(),
        r#"{"type":"response.function_call_arguments.delta","sequence_number":2,"item_id":"f","output_index":0,"delta":"{}"}"#.into(),
        r#"{"type":"response.function_call_arguments.done","sequence_number":3,"item_id":"f","output_index":0,"arguments":"{}"}"#.into(),
        format!(r#"{{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{call}}}"#),
        r#"{"type":"response.output_item.added","sequence_number":5,"output_index":1,"item":{"id":"m","type":"message","status":"in_progress","role":"assistant","content":[]}}"#.into(),
        r#"{"type":"response.content_part.added","sequence_number":6,"item_id":"m","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#.into(),
        r#"{"type":"response.output_text.delta","sequence_number":7,"item_id":"m","output_index":1,"content_index":0,"delta":"hi"}"#.into(),
        r#"{"type":"response.output_text.done","sequence_number":8,"item_id":"m","output_index":1,"content_index":0,"text":"hi"}"#.into(),
        r#"{"type":"response.content_part.done","sequence_number":9,"item_id":"m","output_index":1,"content_index":0,"part":{"type":"output_text","text":"hi","annotations":[]}}"#.into(),
        format!(r#"{{"type":"response.output_item.done","sequence_number":10,"output_index":1,"item":{message}}}"#),
        format!(r#"{{"type":"response.completed","sequence_number":11,"response":{}}}"#, response("completed", &format!("{call}, {message}"))),
    ];
    let responses: Vec<_> = responses.iter().map(String::as_str).collect();
    for (dialect, stream) in [
        (Dialect::Anthropic, &anthropic[..]),
        (Dialect::Responses, &responses),
    ] {
        let chunks = said(dialect, stream);
        for looked_at in [true, false] {
            let mut writer = StreamWriter::new(dialect);
            if looked_at {
                for chunk in &chunks {
                    writer.split(chunk);
                }
            }
            let is_held = |chunk: &&Chunk| {
                parts(chunk)
                    .iter()
                    .filter_map(Part::block)
                    .any(|block| block.index == 0)
                    && !chunk.is_terminal()
            };
            let (held, mut flows): (Vec<_>, Vec<_>) =
                chunks.iter().cloned().partition(|chunk| is_held(&chunk));
            let end =
                flows.split_off(flows.len() - if dialect == Dialect::Anthropic { 2 } else { 1 });
            let chunks = [flows, held, end].concat();
            let view = seen(dialect, &forward(&mut writer, &chunks));
            assert_eq!(short(&view), ["hi", "n({})"], "{dialect}");
        }
    }
}

#[test]
fn other_reasons_to_stop_stay_when_calls_are_dropped() {
    for (dialect, word, reasons) in [
        (
            Dialect::Anthropic,
            "\"tool_use\",\"stop_sequence",
            &[
                "max_tokens",
                "refusal",
                "pause_turn",
                "stop_sequence",
                "end_turn",
                "new",
            ][..],
        ),
        (
            Dialect::Chat,
            "\"finish_reason\":\"tool_calls\"",
            &["length", "content_filter", "stop"],
        ),
    ] {
        let original = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
        let changes = Changes {
            dropped: calls(dialect).into(),
            ..Changes::default()
        };
        for reason in reasons {
            let other = word
                .replace("tool_use", reason)
                .replace("tool_calls", reason);
            assert!(original.contains(word));
            let stream = original.replace(word, &other).into();
            let view = seen(
                dialect,
                &change(dialect, events(dialect, &stream, 1), &changes),
            );
            assert_eq!(view.stops[&0], *reason, "{dialect}");
        }
    }
}

#[test]
fn without_a_dropped_call_a_reason_to_stop_is_never_touched() {
    let stream = [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}"#,
    ];
    let chunks = said(Dialect::Anthropic, &stream);
    let mut writer = StreamWriter::new(Dialect::Anthropic);
    writer.drop_block(block(0, 0, 0), false);
    let out = forward(&mut writer, &chunks);
    assert_eq!(join(&out), chunks[2].bytes());
}

#[test]
fn other_arguments_reach_clients_of_claude_in_one_delta_and_nowhere_else() {
    let call = |input: &str, deltas: &[&str]| {
        let delta = |delta: &&str| {
            format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":"{delta}"}},"x":1}}"#
            )
        };
        let start = format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"t","name":"n","input":{input}}}}}"#
        );
        let unknown = r#"{"type":"content_block_delta","index":0,"delta":{"type":"brand_new_delta","partial":"x"}}"#;
        let stop = r#"{"type":"content_block_stop","index":0}"#;
        let deltas = deltas.iter().map(delta);
        let all: Vec<_> = [start]
            .into_iter()
            .chain(deltas)
            .chain([unknown.to_owned(), stop.to_owned()])
            .collect();
        said(
            Dialect::Anthropic,
            &all.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    };
    for frames in [
        call("{}", &["", "{\\\"a\\\"", ":1}"]),
        call("{}", &[]),
        call(r#"{"a":1}"#, &[]),
        call(r#"{"a":1}"#, &["{\\\"a\\\":1}"]),
    ] {
        let mut writer = StreamWriter::new(Dialect::Anthropic);
        let mut out = Vec::new();
        writer.replace_input(block(0, 0, 0), frames, r#"{"b":"\u2028"}"#, &mut out);
        let [start, delta, stop] = &out[..] else {
            panic!("{}", String::from_utf8_lossy(&join(&out)));
        };
        assert_eq!(data(start)["content_block"]["input"].to_string(), "{}");
        assert_eq!(data(delta)["delta"]["partial_json"], r#"{"b":"\u2028"}"#);
        assert_eq!(data(stop)["type"], "content_block_stop");
    }
}

#[test]
fn other_arguments_stand_wherever_the_responses_repeat_them() {
    let dialect = Dialect::Responses;
    let changes = Changes {
        inputs: [
            (block(0, 2, 0), r#"{"path":"b.txt"}"#.to_owned()),
            (block(0, 3, 0), "*** Other".to_owned()),
        ]
        .into(),
        ..Changes::default()
    };
    let chunks = events(dialect, &recorded(dialect, true), 1);
    let out = String::from_utf8(join(&change(dialect, chunks, &changes)).to_vec()).unwrap();
    assert!(
        !out.contains("a.txt") && !out.contains("Begin Patch"),
        "{out}"
    );
    // Delta, done, item, response.
    assert_eq!(out.matches("b.txt").count(), 4);
    assert_eq!(out.matches("*** Other").count(), 4);
}

#[test]
fn what_is_not_changed_in_a_responses_last_event_stays_byte_for_byte() {
    let dialect = Dialect::Responses;
    let stream = String::from_utf8(recorded(dialect, true).to_vec()).unwrap();
    // A server's own member, and white space that nobody else would write.
    let odd = r#""output_text":"Let me look.","x": [ 1.0 ],"output":[{ "id":"rs_1","#;
    let stream = stream.replace(r#""output":[{"id":"rs_1","#, odd);
    let changes = Changes {
        dropped: [block(0, 2, 0)].into(),
        texts: [(text(dialect), "Other.".to_owned())].into(),
        notices: [(0, vec!["No.".to_owned()])].into(),
        ..Changes::default()
    };
    let out = change(dialect, events(dialect, &stream.into(), 1), &changes);
    let last = out.last().unwrap();
    let text = String::from_utf8(last.bytes().to_vec()).unwrap();
    for untouched in [
        r#""x": [ 1.0 ],"output":[{ "id":"rs_1","type":"reasoning""#,
        r#"{"id":"ctc_1","type":"custom_tool_call","status":"completed","input":"*** Begin Patch\n","call_id":"call_B","name":"apply_patch"}"#,
        r#""usage":{"input_tokens":50,"#,
    ] {
        assert!(text.contains(untouched), "{text}");
    }
    assert_eq!(data(last)["response"]["output_text"], "Other.No.");
}

#[test]
fn a_message_that_loses_its_first_part_keeps_the_other() {
    let dialect = Dialect::Responses;
    let chunks = events(dialect, &recorded(dialect, true), 1);
    for part in [0, 1] {
        let dropped = block(0, 1, part);
        let changes = Changes {
            dropped: [dropped].into(),
            ..Changes::default()
        };
        let view = seen(dialect, &change(dialect, chunks.clone(), &changes));
        let (gone, left) =
            [("Let me look.", "Not all."), ("Not all.", "Let me look.")][part as usize];
        assert!(short(&view).contains(&left.to_owned()), "{view:?}");
        assert!(!short(&view).contains(&gone.to_owned()), "{view:?}");
    }
    let both = Changes {
        dropped: [block(0, 1, 0), block(0, 1, 1)].into(),
        ..Changes::default()
    };
    let out = change(dialect, chunks, &both);
    assert!(!String::from_utf8_lossy(&join(&out)).contains("msg_1"));
    seen(dialect, &out);
}

#[test]
fn a_message_that_has_begun_ends_even_if_nothing_is_left_of_it() {
    let dialect = Dialect::Responses;
    let chunks = events(dialect, &recorded(dialect, true), 1);
    let mut writer = StreamWriter::new(dialect);
    let mut out = Vec::new();
    for chunk in chunks {
        writer.split(&chunk);
        let is_part = matches!(parts(&chunk), [Part::BlockStart { block, .. }] if block.index == 1);
        if is_part {
            let block = parts(&chunk)[0].block().unwrap();
            writer.drop_block(block, false);
        }
        writer.forward(chunk, &mut out);
    }
    let view = seen(dialect, &out);
    assert!(
        !view
            .blocks
            .iter()
            .any(|block| block.kind == BlockKind::Text)
    );
}

#[test]
fn other_text_leaves_the_rest_of_its_frame_alone_but_for_the_probabilities() {
    for (dialect, frame, expected) in [
        (
            Dialect::Anthropic,
            "event: content_block_delta\r\n: c\r\ndata: {\"type\":\"content_block_delta\", \"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\u0062\"},\"x\":1.0}\r\n\r\n",
            "event: content_block_delta\r\n: c\r\ndata: {\"type\":\"content_block_delta\", \"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\\\"\"},\"x\":1.0}\r\n\r\n",
        ),
        (
            Dialect::Anthropic,
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\\\"\"}}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"},\ndata:\"logprobs\":{\"content\":[{\"token\":\"a\"}]}}],\"obfuscation\":\"z\"}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\\\"\"}, \"logprobs\":null}],\"obfuscation\":\"z\"}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"\"}}]}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"a\",\"reasoning_details\":[{\"text\":\"a\"}]}}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"\\\"\",\"reasoning_details\":null}}]}\n\n",
        ),
        (
            Dialect::Responses,
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"a\",\"logprobs\":[{\"token\":\"a\"}]}\n\n",
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"\\\"\",\"logprobs\":[]}\n\n",
        ),
    ] {
        let chunk = Chunk::event_of(dialect, frame.into());
        let edited = StreamWriter::new(dialect).with_text(&chunk, "\"");
        assert_eq!(edited.bytes(), expected);
        assert!(parts(&edited).iter().any(|part| part.block().is_some()));
    }
}

#[test]
fn a_reply_may_be_ended_at_any_frame() {
    for dialect in Dialect::ALL {
        let chunks = events(dialect, &recorded(dialect, true), 1);
        for count in 0..=chunks.len() {
            let mut writer = StreamWriter::new(dialect);
            let mut out = forward(&mut writer, &chunks[..count]);
            let is_call = |chunk: &Chunk| {
                let kind = match (dialect, parts(chunk)) {
                    (Dialect::Chat, [Part::BlockStart { .. }, ..]) => BlockKind::ToolCall,
                    (_, [Part::BlockStart { head, .. }, ..]) => head.kind,
                    _ => BlockKind::Unknown,
                };
                kind == BlockKind::ToolCall
            };
            let in_call = chunks[..count].iter().any(is_call);
            writer.finish(&mut out);
            let length = out.len();
            writer.finish(&mut out);
            assert_eq!(out.len(), length, "it ends once");
            // Half a call is not ended here: calls are held.
            if dialect == Dialect::Responses && (count == 0 || (in_call && count < chunks.len())) {
                continue;
            }
            if dialect == Dialect::Anthropic && in_call {
                continue;
            }
            let view = seen(dialect, &out);
            assert_eq!(view.error, None);
            let end = match dialect {
                Dialect::Anthropic => "end_turn",
                Dialect::Chat => "stop",
                Dialect::Responses => "completed",
            };
            assert!(count == chunks.len() || view.stops.values().any(|stop| stop == end));
        }
    }
}

#[test]
fn an_end_of_our_own_says_what_has_gone_out_and_what_it_took() {
    let chunks = events(Dialect::Anthropic, &recorded(Dialect::Anthropic, true), 1);
    let mut writer = StreamWriter::new(Dialect::Anthropic);
    let mut out = forward(&mut writer, &chunks[..12]);
    writer.finish(&mut out);
    let [.., stop, delta, _] = &out[..] else {
        panic!("too short");
    };
    assert_eq!(data(stop)["type"], "content_block_stop");
    assert_eq!(data(delta)["usage"]["output_tokens"], 1);

    let chunks = events(Dialect::Responses, &recorded(Dialect::Responses, true), 1);
    let mut writer = StreamWriter::new(Dialect::Responses);
    let mut out = forward(&mut writer, &chunks[..13]);
    writer.text_delta(block(0, 1, 0), " No more.", &mut out);
    writer.finish(&mut out);
    let view = seen(Dialect::Responses, &out);
    assert_eq!(short(&view), ["Two files.", "Let me look. No more."]);
    assert_eq!(data(out.last().unwrap())["response"]["id"], "resp_1");
}

#[test]
fn a_sign_of_life_says_nothing_anywhere() {
    for dialect in Dialect::ALL {
        let chunks = events(dialect, &recorded(dialect, true), 1);
        let expected = seen(dialect, &chunks);
        let mut writer = StreamWriter::new(dialect);
        let mut out = Vec::new();
        for chunk in chunks {
            out.push(writer.ping());
            writer.forward(chunk, &mut out);
        }
        assert_eq!(seen(dialect, &out), expected);
    }
}

#[test]
fn a_text_that_becomes_empty_before_it_has_begun_does_not_go_out_to_claude() {
    let dialect = Dialect::Anthropic;
    let chunks = events(dialect, &recorded(dialect, true), 1);
    let mut writer = StreamWriter::new(dialect);
    writer.set_text(text(dialect), String::new());
    let view = seen(dialect, &forward(&mut writer, &chunks));
    let changes = Changes {
        texts: [(text(dialect), String::new())].into(),
        ..Changes::default()
    };
    assert_eq!(view, seen_whole(dialect, &changes));
    assert_eq!(view.blocks.len(), 4);
}

#[test]
fn thinking_says_other_words_wherever_it_repeats_them() {
    let dialect = Dialect::Responses;
    let changes = Changes {
        texts: [(thinking(), "Hm.".to_owned())].into(),
        ..Changes::default()
    };
    let chunks = events(dialect, &recorded(dialect, true), 1);
    let out = change(dialect, chunks, &changes);
    assert!(!String::from_utf8_lossy(&join(&out)).contains("Two files"));
    assert_eq!(short(&seen(dialect, &out))[0], "Hm.");
}
