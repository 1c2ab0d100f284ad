//! Chat's frames, taken apart; and what of them is left when a piece is dropped.

use super::*;
use crate::reply::{Assembler, ReplyBlock};

fn chunk(json: &str) -> Chunk {
    Chunk::event_of(Dialect::Chat, format!("data: {json}\n\n").into())
}

fn choice(delta: &str, finish: &str) -> String {
    format!(
        r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":{{"prompt_tokens":1}}}}"#
    )
}

fn blocks(chunks: &[Chunk]) -> Vec<ReplyBlock> {
    let mut assembler = Assembler::new(1 << 20);
    let mut blocks = Vec::new();
    for chunk in chunks {
        assembler.push(chunk.event().unwrap(), &mut blocks).unwrap();
    }
    blocks.extend(assembler.finish());
    blocks
}

fn split(chunk: &Chunk) -> Vec<Chunk> {
    StreamWriter::new(Dialect::Chat).split(chunk).unwrap()
}

#[test]
fn each_piece_speaks_of_one_block_or_of_one_stop() {
    let all = r#"{"role":"assistant","x":[1],"content":"a","reasoning_content":"t","refusal":"r","function_call":{"name":"f","arguments":"{}"},"tool_calls":[{"index":0,"id":"1","function":{"name":"g","arguments":"{}"}},{"index":1,"id":"2","function":{"name":"h","arguments":"{}"}}]}"#;
    let two = format!(
        r#"{{"choices":[{{"index":0,"delta":{all},"finish_reason":"stop"}},{{"index":1,"delta":{{"content":"b"}}}}]}}"#
    );
    let parts_list = r#"{"content":[{"type":"text","text":"a"}],"tool_calls":[{"index":0,"id":"1","function":{"name":"g","arguments":"{}"}}]}"#;
    for whole in [
        choice(all, "\"tool_calls\""),
        choice(all, "null"),
        choice(parts_list, "null"),
        choice(all, "null").replace("\"delta\"", "\"message\""),
        two,
    ] {
        let whole = chunk(&whole);
        let pieces = split(&whole);
        for piece in &pieces {
            let event = piece.event().unwrap();
            assert!(!event.is_ambiguous() && !event.is_unreadable());
            let blocks: BTreeSet<_> = parts(piece).iter().filter_map(Part::block).collect();
            let stops = parts(piece)
                .iter()
                .filter(|part| matches!(part, Part::Stop { .. }))
                .count();
            assert!(blocks.len() + stops <= 1, "{:?}", piece.bytes());
            assert!(StreamWriter::new(Dialect::Chat).split(piece).is_none());
        }
        assert_eq!(blocks(&pieces), blocks(&[whole]));
        let usage = pieces.iter().filter_map(Chunk::usage);
        assert!(usage.count() <= 1);
    }
}

#[test]
fn a_frame_of_more_blocks_than_anybody_sends_is_ambiguous() {
    let calls = |count: usize| {
        let call = |index| format!(r#"{{"index":{index},"id":"c","function":{{"name":"n"}}}}"#);
        let calls: Vec<_> = (0..count).map(call).collect();
        chunk(&choice(
            &format!(r#"{{"tool_calls":[{}]}}"#, calls.join(",")),
            "null",
        ))
    };
    assert!(!calls(100).event().unwrap().is_ambiguous());
    assert_eq!(split(&calls(100)).len(), 100);
    assert!(calls(200).event().unwrap().is_ambiguous());
    assert!(
        StreamWriter::new(Dialect::Chat)
            .split(&calls(200))
            .is_none()
    );
}

#[test]
fn a_frame_that_is_a_piece_already_is_not_taken_apart() {
    for delta in [
        r#"{"role":"assistant","content":""}"#,
        r#"{"role":"assistant","content":"Hi"}"#,
        r#"{"content":"Hi"}"#,
        "{}",
    ] {
        assert!(
            StreamWriter::new(Dialect::Chat)
                .split(&chunk(&choice(delta, "null")))
                .is_none()
        );
    }
    for dialect in [Dialect::Anthropic, Dialect::Responses] {
        for chunk in events(dialect, &recorded(dialect, true), 1) {
            assert!(StreamWriter::new(dialect).split(&chunk).is_none());
        }
    }
}

#[test]
fn the_first_piece_keeps_the_other_lines_of_its_frame() {
    let json = choice(r#"{"content":"a","refusal":"b"}"#, "null");
    let frame = format!(": c\r\nid: 1\r\ndata: {json}\r\n\r\n");
    let pieces = split(&Chunk::event_of(Dialect::Chat, frame.into()));
    assert_eq!(pieces.len(), 2);
    assert!(pieces[0].bytes().starts_with(b": c\r\nid: 1\r\ndata: {"));
    assert!(pieces[0].bytes().ends_with(b"}\r\n\r\n"));
    assert!(pieces[1].bytes().starts_with(b"data: {"));
}

#[test]
fn a_role_that_was_dropped_with_a_call_is_said_by_what_comes_next() {
    let call = choice(
        r#"{"role":"assistant","tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"g","arguments":"{}"}}]}"#,
        "null",
    );
    let stop = choice("{}", "\"tool_calls\"");
    let text = choice(r#"{"content":"Hi"}"#, "null");
    for next in [vec![], vec![text]] {
        let mut writer = StreamWriter::new(Dialect::Chat);
        let mut out = Vec::new();
        assert!(writer.split(&chunk(&call)).is_none());
        writer.drop_block(block(0, 4, 0), true);
        for next in next {
            writer.forward(chunk(&next), &mut out);
        }
        writer.text_block(0, "No.", &mut out);
        writer.forward(chunk(&stop), &mut out);
        writer.forward(chunk("[DONE]"), &mut out);
        let all = String::from_utf8(join(&out).to_vec()).unwrap();
        assert_eq!(all.matches("\"role\":\"assistant\"").count(), 1, "{all}");
        assert!(out[0].bytes().windows(6).any(|bytes| bytes == b"\"role\""));
        let view = seen(Dialect::Chat, &out);
        assert_eq!(view.stops[&0], "stop");
        assert!(short(&view)[0].ends_with("No."));
    }
}

#[test]
fn calls_that_are_left_are_numbered_without_gaps() {
    let call = |number: usize, name: &str| {
        let json = format!(
            r#"{{"tool_calls":[{{"index":{number},"id":"{number}","type":"function","function":{{"name":"{name}","arguments":"{{}}"}}}}]}}"#
        );
        chunk(&choice(&json, "null"))
    };
    let mut writer = StreamWriter::new(Dialect::Chat);
    let mut out = Vec::new();
    writer.drop_block(block(0, 4, 0), true);
    for (number, name) in [(0, "a"), (1, "b"), (2, "c")] {
        writer.forward(call(number, name), &mut out);
    }
    writer.forward(chunk(&choice("{}", "\"tool_calls\"")), &mut out);
    writer.forward(chunk("[DONE]"), &mut out);
    let view = seen(Dialect::Chat, &out);
    assert_eq!(short(&view), ["b({})", "c({})"]);
    assert_eq!(view.stops[&0], "tool_calls");
}

#[test]
fn a_legacy_call_is_dropped_and_changed_like_any_other() {
    let frames = [
        choice(r#"{"role":"assistant","content":null}"#, "null"),
        choice(r#"{"function_call":{"name":"f","arguments":""}}"#, "null"),
        choice(r#"{"function_call":{"arguments":"{\"a\""}}"#, "null"),
        choice(r#"{"function_call":{"arguments":":1}"}}"#, "null"),
        choice("{}", "\"function_call\""),
    ];
    let frames: Vec<_> = frames
        .iter()
        .map(|json| chunk(json))
        .chain([chunk("[DONE]")])
        .collect();
    let call = block(0, 3, 0);
    let dropped = Changes {
        dropped: [call].into(),
        notices: [(0, vec!["No.".to_owned()])].into(),
        ..Changes::default()
    };
    let view = seen(
        Dialect::Chat,
        &change(Dialect::Chat, frames.clone(), &dropped),
    );
    assert_eq!(
        (short(&view), view.stops[&0].as_str()),
        (vec!["No.".to_owned()], "stop")
    );
    let changed = Changes {
        inputs: [(call, r#"{"b":2}"#.to_owned())].into(),
        ..Changes::default()
    };
    let view = seen(Dialect::Chat, &change(Dialect::Chat, frames, &changed));
    assert_eq!(short(&view), [r#"f({"b":2})"#]);
    assert_eq!(view.stops[&0], "function_call");
}

#[test]
fn calls_of_any_type_get_other_arguments() {
    for (call, expected) in [
        (
            r#"{"index":0,"id":"1","type":"custom","custom":{"name":"f","input":"free"}}"#,
            r#""custom":{"name":"f","input":"new"}"#,
        ),
        (
            r#"{"index":0,"id":"1","function":{"name":"f"}}"#,
            r#""function":{"name":"f","arguments":"new"}"#,
        ),
        (
            r#"{"index":0,"id":"1","type":"x","x":{"name":"f","arguments":{"a":1}}}"#,
            r#""x":{"name":"f","arguments":"new"}"#,
        ),
    ] {
        let frame = chunk(&choice(&format!(r#"{{"tool_calls":[{call}]}}"#), "null"));
        let mut writer = StreamWriter::new(Dialect::Chat);
        let mut out = Vec::new();
        writer.replace_input(block(0, 4, 0), vec![frame], "new", &mut out);
        let out = String::from_utf8(join(&out).to_vec()).unwrap();
        assert!(out.contains(expected), "{out}");
    }
}
