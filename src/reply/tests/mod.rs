//! Replies of all dialects, read.

mod attribution;

use super::*;
use crate::{
    Dialect,
    body::Chunk,
    request::BlockKind,
    sse::Framer,
    testing::{cut, recorded},
};

/// The chunks of a reply: the events of a stream, or the whole.
fn chunks(dialect: Dialect, stream: bool, seed: u64) -> Vec<Chunk> {
    let bytes = recorded(dialect, stream);
    if !stream {
        return vec![Chunk::whole(dialect, bytes)];
    }
    let mut framer = Framer::new(1 << 20);
    let mut chunks = Vec::new();
    for piece in cut(&bytes, seed) {
        framer.push(piece);
        while let Some(frame) = framer.next_frame().unwrap() {
            chunks.push(Chunk::event_of(dialect, frame));
        }
    }
    assert_eq!(framer.finish(), None);
    chunks
}

fn blocks(chunks: &[Chunk]) -> Vec<ReplyBlock> {
    let mut assembler = Assembler::new(1 << 20);
    let mut blocks = Vec::new();
    for chunk in chunks {
        assembler.push(chunk.event().unwrap(), &mut blocks).unwrap();
    }
    assert_eq!(assembler.finish(), []);
    blocks.sort_by_key(|block| block.block);
    blocks
}

fn parts(chunks: &[Chunk]) -> impl Iterator<Item = &Part> {
    chunks
        .iter()
        .flat_map(|chunk| chunk.event().unwrap().parts())
}

fn usage(chunks: &[Chunk]) -> Usage {
    let mut usage = Usage::default();
    for part in parts(chunks) {
        if let Part::Usage(later) = part {
            usage.update(later);
        }
    }
    usage
}

#[test]
fn a_streamed_reply_has_the_blocks_of_a_whole_one_however_it_is_cut() {
    for dialect in Dialect::ALL {
        let whole = blocks(&chunks(dialect, false, 0));
        assert!(whole.len() >= 4, "{dialect}");
        for seed in 0..50 {
            assert_eq!(
                blocks(&chunks(dialect, true, seed)),
                whole,
                "{dialect}, seed {seed}"
            );
        }
    }
}

#[test]
fn blocks_say_what_the_model_said() {
    let texts = |dialect| -> Vec<_> {
        let blocks = blocks(&chunks(dialect, true, 1));
        blocks
            .into_iter()
            .map(|b| (b.kind, b.name.unwrap_or_default(), b.text + &b.input))
            .collect()
    };
    assert_eq!(
        texts(Dialect::Anthropic),
        [
            (
                BlockKind::Thinking,
                String::new(),
                "Two files: Grüße, 世界 🌍 \u{2028} \"both\".".into()
            ),
            (BlockKind::RedactedThinking, String::new(), String::new()),
            (BlockKind::Text, String::new(), "Let me look.\n".into()),
            (
                BlockKind::ToolCall,
                "Read".into(),
                r#"{"path": "a.txt", "n": 12345678901234567890123}"#.into()
            ),
            (
                BlockKind::ToolCall,
                "Bash".into(),
                r#"{"command": "ls"}"#.into()
            ),
        ]
    );
    assert_eq!(
        texts(Dialect::Chat),
        [
            (BlockKind::Thinking, String::new(), "Two files.".into()),
            (BlockKind::Text, String::new(), "Let me look.".into()),
            (
                BlockKind::ToolCall,
                "read".into(),
                r#"{"path":"a.txt"}"#.into()
            ),
            (BlockKind::ToolCall, "bash".into(), r#"{"cmd":"ls"}"#.into()),
            (BlockKind::Refusal, String::new(), "I can't help.".into()),
        ]
    );
    assert_eq!(
        texts(Dialect::Responses),
        [
            (BlockKind::Thinking, String::new(), "Two files.".into()),
            (BlockKind::Text, String::new(), "Let me look.".into()),
            (BlockKind::Refusal, String::new(), "Not all.".into()),
            (
                BlockKind::ToolCall,
                "read".into(),
                r#"{"path":"a.txt"}"#.into()
            ),
            (
                BlockKind::ToolCall,
                "apply_patch".into(),
                "*** Begin Patch\n".into()
            ),
            (BlockKind::ServerTool, String::new(), String::new()),
        ]
    );
}

#[test]
fn seals_and_call_ids_are_kept() {
    let anthropic = blocks(&chunks(Dialect::Anthropic, true, 2));
    assert_eq!(
        anthropic[0].signature.as_deref(),
        Some("EqMBCkYIBhgCKkBx+/==")
    );
    assert_eq!(anthropic[1].signature.as_deref(), Some("c2VhbGVk"));
    assert_eq!(anthropic[4].id.as_deref(), Some("toolu_01B"));
    let responses = blocks(&chunks(Dialect::Responses, true, 2));
    assert_eq!(responses[0].signature.as_deref(), Some("c2VhbGVk"));
    assert_eq!(responses[4].id.as_deref(), Some("call_B"));
}

#[test]
fn usage_counts_all_input_cached_or_not() {
    for stream in [true, false] {
        assert_eq!(
            usage(&chunks(Dialect::Anthropic, stream, 3)),
            Usage {
                input: Some(2112),
                output: Some(88),
                cache_read: Some(2000),
                cache_write: Some(100),
                cache_write_1h: stream.then_some(0),
                reasoning: None
            }
        );
        for dialect in [Dialect::Chat, Dialect::Responses] {
            assert_eq!(
                usage(&chunks(dialect, stream, 3)),
                Usage {
                    input: Some(50),
                    output: Some(20),
                    cache_read: Some(32),
                    cache_write: None,
                    cache_write_1h: None,
                    reasoning: Some(7)
                }
            );
        }
    }
}

#[test]
fn what_goes_into_the_cache_is_told_apart_by_how_long_it_stays() {
    let whole = |dialect, usage: &str| {
        let body =
            format!(r#"{{"type":"message","object":"response","content":[],"output":[],{usage}}}"#);
        self::usage(&[Chunk::whole(dialect, body.into())])
    };
    let anthropic = r#""usage":{"input_tokens":5,"output_tokens":7,"cache_creation_input_tokens":100,"cache_read_input_tokens":0,
        "cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60}}"#;
    let found = whole(Dialect::Anthropic, anthropic);
    assert_eq!(
        (found.input, found.cache_write, found.cache_write_1h),
        (Some(105), Some(100), Some(60))
    );
    let responses = r#""usage":{"input_tokens":50,"output_tokens":7,
        "input_tokens_details":{"cached_tokens":10,"cache_write_tokens":30}}"#;
    let found = whole(Dialect::Responses, responses);
    assert_eq!(
        (found.input, found.cache_write, found.cache_write_1h),
        (Some(50), Some(30), None)
    );
}

#[test]
fn each_choice_stops_once_with_its_reason() {
    for (dialect, expected) in [
        (Dialect::Anthropic, vec![(0, StopReason::ToolUse)]),
        (
            Dialect::Chat,
            vec![(0, StopReason::ToolUse), (1, StopReason::EndTurn)],
        ),
        (Dialect::Responses, vec![(0, StopReason::ToolUse)]),
    ] {
        for stream in [true, false] {
            let chunks = chunks(dialect, stream, 4);
            let stops: Vec<_> = parts(&chunks)
                .filter_map(|part| match part {
                    Part::Stop { choice, reason } => Some((*choice, reason.clone())),
                    _ => None,
                })
                .collect();
            assert_eq!(stops, expected, "{dialect}, stream: {stream}");
        }
    }
}

#[test]
fn only_the_last_event_is_terminal() {
    for dialect in Dialect::ALL {
        let chunks = chunks(dialect, true, 5);
        let terminal: Vec<_> = chunks.iter().map(Chunk::is_terminal).collect();
        assert_eq!(
            terminal.iter().filter(|terminal| **terminal).count(),
            1,
            "{dialect}"
        );
        assert!(terminal[terminal.len() - 1], "{dialect}");
    }
}

#[test]
fn an_error_ends_a_stream_in_every_dialect() {
    for (dialect, event, kind) in [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
            "overloaded_error",
        ),
        (
            Dialect::Chat,
            "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}\n\n",
            "server_error",
        ),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"ERR\",\"message\":\"m\",\"param\":null}\n\n",
            "ERR",
        ),
        (
            Dialect::Responses,
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"rate\",\"message\":\"m\"}}}\n\n",
            "rate",
        ),
    ] {
        let chunk = Chunk::event_of(dialect, event.into());
        assert!(chunk.is_terminal(), "{event}");
        let found = chunk
            .event()
            .unwrap()
            .parts()
            .iter()
            .find_map(|part| match part {
                Part::Error { kind, message } => Some((kind.clone()?, message.clone()?)),
                _ => None,
            });
        let (found, message) = found.unwrap();
        assert!(found.is(kind) && message.is("m"), "{event}: {found:?}");
    }
}

#[test]
fn what_is_unknown_is_passed_on_and_what_is_broken_says_so() {
    let read = |dialect, data: &str| {
        let chunk = Chunk::event_of(dialect, format!("data: {data}\n\n").into());
        let event = chunk.event().unwrap().clone();
        (
            event.is_unreadable(),
            event.is_ambiguous(),
            event.parts().len(),
        )
    };
    for dialect in Dialect::ALL {
        assert!(!read(dialect, r#"{"type":"response.brand_new","x":1}"#).0);
        assert_eq!(read(dialect, "{\"type\":"), (true, false, 1));
        assert_eq!(
            read(dialect, r#"{"type":"ping","type":"message_stop"}"#),
            (true, true, 1)
        );
    }
    let contradiction = "event: ping\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    assert!(
        Chunk::event_of(Dialect::Anthropic, contradiction.into())
            .event()
            .unwrap()
            .is_ambiguous()
    );
    let comment = Chunk::event_of(Dialect::Chat, ": OPENROUTER PROCESSING\n\n".into());
    assert!(
        comment.event().unwrap().parts().is_empty() && !comment.event().unwrap().is_unreadable()
    );
}

#[test]
fn a_call_whose_input_stands_in_its_start_event_is_whole() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{"a":1}}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let chunks = [start, stop]
        .map(|data| Chunk::event_of(Dialect::Anthropic, format!("data: {data}\n\n").into()));
    assert_eq!(blocks(&chunks)[0].input, r#"{"a":1}"#);
}

#[test]
fn legacy_function_calls_late_names_and_missing_numbers_are_calls() {
    let deltas = |deltas: &[&str]| -> Vec<_> {
        let events = deltas.iter().map(|delta| {
            format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
        });
        let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned();
        let chunks: Vec<_> = events
            .chain([stop])
            .map(|data| Chunk::event_of(Dialect::Chat, format!("data: {data}\n\n").into()))
            .collect();
        blocks(&chunks)
            .into_iter()
            .map(|b| (b.id, b.name.unwrap_or_default(), b.input))
            .collect()
    };
    let legacy = [
        r#"{"function_call":{"name":"f","arguments":"{\"a\""}}"#,
        r#"{"function_call":{"arguments":":1}"}}"#,
    ];
    assert_eq!(
        deltas(&legacy),
        [(None, "f".to_owned(), r#"{"a":1}"#.to_owned())]
    );
    let late = [
        r#"{"tool_calls":[{"index":0,"id":"c","function":{"arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"late"}}]}"#,
    ];
    assert_eq!(
        deltas(&late),
        [(Some("c".into()), "late".into(), "{}".into())]
    );
    let unnumbered = [r#"{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}"#];
    assert_eq!(
        deltas(&unnumbered),
        [(Some("c".into()), "f".into(), "{}".into())]
    );
    let custom = [
        r#"{"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"f","input":"free"}}]}"#,
    ];
    assert_eq!(
        deltas(&custom),
        [(Some("c".into()), "f".into(), "free".into())]
    );
}

#[test]
fn every_version_of_a_call_that_contradicts_another_is_told() {
    let events = [
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"harmless\":1}"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{\"evil\":1}"}}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"worse\":1}"}]}}"#,
    ];
    let chunks =
        events.map(|data| Chunk::event_of(Dialect::Responses, format!("data: {data}\n\n").into()));
    let inputs: Vec<_> = blocks(&chunks)
        .into_iter()
        .map(|block| block.input)
        .collect();
    assert_eq!(
        inputs,
        [r#"{"harmless":1}"#, r#"{"evil":1}"#, r#"{"worse":1}"#]
    );
}

#[test]
fn an_assembler_holds_no_more_than_it_may() {
    let long = "x".repeat(101);
    let delta = format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{long}"}}}}"#
    );
    let start = |member: &str| {
        format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use",{member}}}}}"#
        )
    };
    let name = start(&format!(r#""name":"{long}""#));
    let input = start(&format!(r#""input":"{long}""#));
    let id = start(&format!(r#""id":"{}""#, "x".repeat(60)));
    let push = |assembler: &mut Assembler, data: &str| {
        let chunk = Chunk::event_of(Dialect::Anthropic, format!("data: {data}\n\n").into());
        assembler.push(chunk.event().unwrap(), &mut Vec::new())
    };
    for data in [&delta, &name, &input] {
        assert!(push(&mut Assembler::new(100), data).is_err(), "{data}");
    }
    let mut assembler = Assembler::new(150);
    for _ in 0..5 {
        // Said again, it is not more.
        assert!(push(&mut assembler, &id).is_ok());
    }
    let another = id.replace("\"index\":0", "\"index\":1");
    assert!(push(&mut assembler, &another).is_err());

    let mut assembler = Assembler::new(1000);
    let empty = |index: usize| start("\"id\":\"\"").replace(":0", &format!(":{index}"));
    assert!(
        (0..100).any(|index| push(&mut assembler, &empty(index)).is_err()),
        "empty blocks without end"
    );
}

#[test]
fn a_number_of_a_block_that_readers_read_differently_is_ambiguous() {
    for (dialect, data) in [
        (
            Dialect::Anthropic,
            r#"{"type":"content_block_stop","index":@}"#,
        ),
        (
            Dialect::Responses,
            r#"{"type":"response.output_item.done","output_index":@}"#,
        ),
        (Dialect::Chat, r#"{"choices":[{"index":@,"delta":{}}]}"#),
        (
            Dialect::Chat,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":@}]}}]}"#,
        ),
    ] {
        for (index, ambiguous) in [
            ("1", false),
            ("1.0", true),
            ("1e0", true),
            ("-1", true),
            ("4294967296", true),
            ("\"1\"", true),
        ] {
            let frame = format!("data: {}\n\n", data.replace('@', index));
            let chunk = Chunk::event_of(dialect, frame.into());
            assert_eq!(
                chunk.event().unwrap().is_ambiguous(),
                ambiguous,
                "{data} {index}"
            );
        }
    }
}
