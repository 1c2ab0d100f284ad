//! Replies of our own.

use super::*;
use crate::reply::Answer;

#[test]
fn an_answer_of_our_own_is_a_reply_of_one_text_in_every_dialect_and_form() {
    for (model, named) in [
        (Some("mock \"large\""), "mock \"large\""),
        (None, "luthien"),
    ] {
        let answer = Answer {
            text: "Not this.\n\u{2028}\"Really\" 🌍",
            model,
            created: 1_700_000_000,
            id: "0aZ_9",
        };
        for dialect in Dialect::ALL {
            let streamed = seen(dialect, &answer.chunks(dialect, true));
            let [whole] = &answer.chunks(dialect, false)[..] else {
                panic!("a whole reply is one chunk");
            };
            let json: serde_json::Value = serde_json::from_slice(whole.bytes()).unwrap();
            assert_eq!(json["model"], named);
            assert!(json["id"].as_str().unwrap().ends_with("0aZ_9"));
            let whole = protocol::check(dialect, false, whole.bytes()).unwrap();
            assert_eq!(streamed, whole, "{dialect}");
            assert_eq!(short(&whole), [answer.text]);
            let stop = &whole.stops[&0];
            assert!(["end_turn", "stop", "completed"].contains(&stop.as_str()));
        }
    }
    assert_eq!(Answer::content_type(true), "text/event-stream");
    assert_eq!(Answer::content_type(false), "application/json");
}

#[test]
fn every_chunk_of_an_answer_is_one_event_that_everybody_can_read() {
    let answer = Answer {
        text: "",
        model: None,
        created: 0,
        id: "1",
    };
    for dialect in Dialect::ALL {
        let chunks = answer.chunks(dialect, true);
        let terminal: Vec<_> = chunks.iter().map(Chunk::is_terminal).collect();
        assert_eq!(terminal.iter().filter(|is| **is).count(), 1);
        assert!(terminal[chunks.len() - 1]);
        assert_eq!(join(&events(dialect, &join(&chunks), 3)), join(&chunks));
        assert_eq!(events(dialect, &join(&chunks), 3).len(), chunks.len());
        for chunk in &chunks {
            let event = chunk.event().unwrap();
            assert!(!event.is_ambiguous() && !event.is_unreadable());
        }
    }
}
