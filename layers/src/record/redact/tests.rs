//! What is not to be recorded is found however it was cut, and all else stays as it is.

use bytes::Bytes;
use luthien_core::{
    Dialect,
    body::{Chunk, Form},
    json::Limits,
    request::LlmRequest,
};
use serde_json::{Value, json};

use super::{Redact, reply, request, words};
use crate::record::note::Frames;

/// Finds a word.
#[derive(Debug)]
struct Word(&'static str);

impl Redact for Word {
    fn find(&self, text: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let found = text.match_indices(self.0);
        found
            .map(|(at, word)| (at..at + word.len(), "[gone]".to_owned()))
            .collect()
    }
}

const SECRET: &str = "geheim \"7\"";
const TEXT: &str = "It is geheim \"7\" and once more geheim \"7\".";

fn event(dialect: Dialect, piece: &str, kind: &str) -> Value {
    match (dialect, kind) {
        (Dialect::Anthropic, "text") => {
            json!({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":piece}})
        }
        (Dialect::Anthropic, "thinking") => {
            json!({"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":piece}})
        }
        (Dialect::Anthropic, _) => {
            json!({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":piece}})
        }
        (Dialect::Chat, "text") => json!({"choices":[{"index":0,"delta":{"content":piece}}]}),
        (Dialect::Chat, "thinking") => {
            json!({"choices":[{"index":0,"delta":{"reasoning_content":piece}}]})
        }
        (Dialect::Chat, _) => {
            json!({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":piece}}]}}]})
        }
        (_, "text") => {
            json!({"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":piece})
        }
        (_, "thinking") => {
            json!({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":piece})
        }
        _ => {
            json!({"type":"response.function_call_arguments.delta","output_index":2,"delta":piece})
        }
    }
}

fn frames(dialect: Dialect, events: &[String]) -> Frames {
    let mut frames = Frames::new(Form::Stream(dialect));
    for (at, event) in (0..).zip(events) {
        let bytes = Bytes::from(format!("event: e\ndata: {event}\n\n"));
        frames.add(&Chunk::event_of(dialect, bytes), at);
    }
    frames
}

/// Every string under this event's known members, one behind the other.
fn said(frames: &Frames, kind: &str, dialect: Dialect) -> String {
    let mut all = String::new();
    for (chunk, _) in &frames.frames {
        let text = String::from_utf8(chunk.bytes().to_vec()).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        let value: Value = serde_json::from_str(data.unwrap()).unwrap();
        let pointer = match (dialect, kind) {
            (Dialect::Anthropic, "text") => "/delta/text",
            (Dialect::Anthropic, "thinking") => "/delta/thinking",
            (Dialect::Anthropic, _) => "/delta/partial_json",
            (Dialect::Chat, "text") => "/choices/0/delta/content",
            (Dialect::Chat, "thinking") => "/choices/0/delta/reasoning_content",
            (Dialect::Chat, _) => "/choices/0/delta/tool_calls/0/function/arguments",
            _ => "/delta",
        };
        let is_meant =
            dialect != Dialect::Responses || value["type"] == event(dialect, "", kind)["type"];
        if let (true, Some(piece)) = (is_meant, value.pointer(pointer)) {
            all.push_str(piece.as_str().unwrap());
        }
    }
    all
}

#[test]
fn in_a_stream_it_is_found_wherever_it_is_cut() {
    for dialect in Dialect::ALL {
        for first in 0..TEXT.len() {
            for second in first..TEXT.len().min(first + 12) {
                let cut = [&TEXT[..first], &TEXT[first..second], &TEXT[second..]];
                // Three texts at once, their pieces in turns.
                let events: Vec<_> = cut
                    .iter()
                    .flat_map(|piece| {
                        ["text", "thinking", "input"].map(|kind| event(dialect, piece, kind))
                    })
                    .map(|event| event.to_string())
                    .collect();
                let mut frames = frames(dialect, &events);
                assert!(reply(&Word(SECRET), &mut frames));
                assert_eq!(frames.frames.len(), events.len());
                for kind in ["text", "thinking", "input"] {
                    let said = said(&frames, kind, dialect);
                    assert_eq!(said, "It is [gone] and once more [gone].");
                }
            }
        }
    }
}

#[test]
fn what_is_said_again_whole_is_found_too_and_other_events_stay_as_they_are() {
    let whole =
        json!({"type":"response.completed","response":{"output":[{"content":[{"text":TEXT}]}]}});
    let other = r#"{"type":"ping" , "n": 1.50}"#.to_owned();
    let events = [other.clone(), whole.to_string(), "[DONE]".to_owned()];
    let mut frames = frames(Dialect::Responses, &events);
    let before = frames.joined();
    assert!(reply(&Word(SECRET), &mut frames));
    let after = String::from_utf8(frames.joined().to_vec()).unwrap();
    assert!(
        !after.contains("geheim") && after.contains("[gone]"),
        "{after}"
    );
    assert!(after.starts_with(&format!("event: e\ndata: {other}\n\n")));
    assert!(after.ends_with("data: [DONE]\n\n"));
    let mut untouched = self::frames(Dialect::Responses, &events);
    assert!(!reply(&Word("nothing"), &mut untouched));
    assert_eq!(untouched.joined(), before);
}

#[test]
fn requests_and_whole_replies_lose_it_and_nothing_else() {
    let body = r#"{ "model": "m" ,"messages":[{"role":"user","content":"a geheim \"7\"!"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"x","input":{"k":{"geheim \"7\"":["geheim \"7\"", 1.0]}}}]}]}"#;
    let parsed = LlmRequest::parse(Dialect::Anthropic, body.into(), &Limits::default()).unwrap();
    let rest = request(&Word(SECRET), &parsed).unwrap();
    let expected = body.replacen(r#"a geheim \"7\"!"#, "a [gone]!", 1);
    let expected = expected.replacen(r#"["geheim \"7\"","#, r#"["[gone]","#, 1);
    assert_eq!(rest.bytes(), &expected);
    assert!(request(&Word("nothing"), &parsed).is_none());

    for body in [
        r#"{"content":[{"text":"geheim \"7\""}]}"#,
        "geheim \"7\" is no JSON",
    ] {
        let mut frames = Frames::new(Form::Whole(Dialect::Anthropic));
        frames.add(&Chunk::whole(Dialect::Anthropic, body.into()), 5);
        assert!(reply(&Word(SECRET), &mut frames));
        let after = String::from_utf8(frames.joined().to_vec()).unwrap();
        assert!(
            !after.contains("geheim") && after.contains("[gone]"),
            "{after}"
        );
    }
}

#[test]
fn what_policies_say_loses_it_in_every_word() {
    let mut said = json!({"reason": TEXT, "votes": [{"reason": TEXT, "n": 3}, TEXT], "n": 1});
    words(&Word(SECRET), &mut said);
    let text = said.to_string();
    assert!(!text.contains("geheim"), "{text}");
    assert_eq!(text.matches("[gone]").count(), 6);
}
