//! What comes from a provider, as chunks: one for an event, one for a whole reply.

use bytes::Bytes;
use http::HeaderMap;

use super::*;
use crate::testing::{cut, recorded};

fn decoded(steps: Vec<Step<Bytes>>, form: Form, hint: bool) -> Decoded<ScriptedBody<Bytes>> {
    Decoded::new(
        ScriptedBody::new(steps).with_hint(hint),
        form,
        ReplyLimits {
            event: 5000,
            stream: 500_000,
            whole: 100_000,
        },
    )
}

/// The chunks of a reply and how it ended.
fn chunks(steps: Vec<Step<Bytes>>, form: Form, hint: bool) -> (Vec<Chunk>, Result<(), String>) {
    let mut body = decoded(steps, form, hint);
    let mut chunks = Vec::new();
    loop {
        match now(body.frame()) {
            Some(Ok(frame)) => chunks.push(frame.into_data().unwrap()),
            Some(Err(error)) => break (chunks, Err(error.to_string())),
            None => break (chunks, Ok(())),
        }
    }
}

fn joined(chunks: &[Chunk]) -> Vec<u8> {
    chunks
        .iter()
        .flat_map(|chunk| chunk.bytes().to_vec())
        .collect()
}

fn data(pieces: Vec<Bytes>) -> Vec<Step<Bytes>> {
    pieces
        .into_iter()
        .flat_map(|piece| [Step::Wait, Step::Data(piece)])
        .collect()
}

#[test]
fn one_chunk_is_one_event_and_all_are_the_bytes_that_came() {
    for dialect in Dialect::ALL {
        let bytes = recorded(dialect, true);
        for seed in 0..20 {
            for hint in [false, true] {
                let (chunks, end) = chunks(data(cut(&bytes, seed)), Form::Stream(dialect), hint);
                assert_eq!(end, Ok(()));
                assert!(chunks.iter().all(|chunk| chunk.bytes().ends_with(b"\n\n")));
                assert!(
                    chunks
                        .iter()
                        .all(|chunk| !chunk.event().unwrap().is_unreadable())
                );
                assert_eq!(joined(&chunks), bytes);
            }
        }
    }
}

#[test]
fn a_whole_reply_is_one_chunk() {
    for dialect in Dialect::ALL {
        let bytes = recorded(dialect, false);
        for hint in [false, true] {
            let (chunks, end) = chunks(data(cut(&bytes, 3)), Form::Whole(dialect), hint);
            assert_eq!((chunks.len(), end), (1, Ok(())));
            assert_eq!(chunks[0].bytes(), &bytes);
        }
    }
}

#[test]
fn a_stream_that_ends_without_its_terminal_event_is_lost() {
    for dialect in [Dialect::Anthropic, Dialect::Responses] {
        let all = recorded(dialect, true);
        let last_event = all[..all.len() - 2]
            .windows(2)
            .rposition(|pair| pair == b"\n\n")
            .unwrap()
            + 2;
        for length in [0, 10, last_event] {
            let (chunks, end) = chunks(
                data(cut(&all.slice(..length), 1)),
                Form::Stream(dialect),
                false,
            );
            assert_eq!(
                end,
                Err("the provider's stream ended before its last event".into()),
                "{dialect} {length}"
            );
            assert_eq!(
                chunks
                    .iter()
                    .map(|chunk| chunk.bytes().len())
                    .sum::<usize>(),
                length
            );
        }
    }
}

#[test]
fn chat_may_forget_its_done_but_not_its_finish_reason() {
    let all = recorded(Dialect::Chat, true);
    let said = std::str::from_utf8(&all).unwrap();
    let without_done = all.slice(..said.find("data: [DONE]").unwrap());
    let without_reason = all.slice(..said.find("\"finish_reason\":\"").unwrap());
    assert_eq!(
        chunks(data(vec![without_done]), Form::Stream(Dialect::Chat), false).1,
        Ok(())
    );
    assert!(
        chunks(
            data(vec![without_reason]),
            Form::Stream(Dialect::Chat),
            false
        )
        .1
        .is_err()
    );
    // Another choice that was asked for is still to end; and a finish reason does not heal what broke off.
    let first = said.find("\"finish_reason\":\"").unwrap();
    let one_ended = all.slice(..first + said[first..].find("\n\n").unwrap() + 2);
    let decoded = |steps, choices| {
        let body = decoded(steps, Form::Stream(Dialect::Chat), false).with_choices(choices);
        text(body)
    };
    assert!(decoded(data(vec![one_ended.clone()]), 1).is_ok());
    assert!(decoded(data(vec![one_ended.clone()]), 2).is_err());
    // Said again, it is still one.
    assert!(decoded(data(vec![one_ended.clone(), one_ended.clone()]), 2).is_err());
    assert!(decoded(data(vec![all.slice(..first)]), 0).is_err());
    assert!(decoded(vec![Step::Data(one_ended), Step::Fail], 1).is_err());
}

#[test]
fn what_goes_wrong_after_the_terminal_event_hurts_nobody() {
    for dialect in Dialect::ALL {
        let mut steps = data(cut(&recorded(dialect, true), 1));
        steps.push(Step::Fail);
        assert_eq!(chunks(steps, Form::Stream(dialect), false).1, Ok(()));
        let steps = vec![Step::Data(recorded(dialect, true).slice(..200)), Step::Fail];
        assert_eq!(
            chunks(steps, Form::Stream(dialect), false).1,
            Err("the script says: fail".into())
        );
    }
}

#[test]
fn an_event_without_end_is_cut_in_words_of_the_dialect() {
    let endless = vec![
        Step::Data("data: 1\n\n".into()),
        Step::Data("x".repeat(6000).into()),
        Step::Hang,
    ];
    let (chunks, end) = chunks(endless, Form::Stream(Dialect::Responses), false);
    assert_eq!(end, Ok(()));
    let last = String::from_utf8(chunks[1].bytes().to_vec()).unwrap();
    assert!(
        last.contains("an event of the stream is longer than 5000 bytes"),
        "{last}"
    );
    assert!(last.contains("\"sequence_number\":1"), "{last}");
}

#[test]
fn a_whole_reply_beyond_its_limit_is_broken_off() {
    let steps = data(vec!["[".into(), vec![b'1'; 99_999].into(), "]".into()]);
    let (chunks, end) = chunks(steps, Form::Whole(Dialect::Chat), false);
    assert_eq!(
        (chunks.len(), end),
        (0, Err("the reply is longer than 100000 bytes".into()))
    );
}

#[test]
fn trailers_end_a_reply_and_are_dropped() {
    for (form, bytes) in [
        (Form::Opaque, Bytes::from("x")),
        (Form::Stream(Dialect::Chat), recorded(Dialect::Chat, true)),
        (Form::Whole(Dialect::Chat), recorded(Dialect::Chat, false)),
    ] {
        let (chunks, end) = chunks(
            vec![Step::Data(bytes.clone()), Step::Trailers(HeaderMap::new())],
            form,
            false,
        );
        assert_eq!(end, Ok(()));
        assert_eq!(joined(&chunks), bytes);
    }
}

#[test]
fn replies_without_a_body_stay_without_one() {
    for hint in [false, true] {
        for form in [Form::Opaque, Form::Whole(Dialect::Chat)] {
            let body = decoded(vec![], form, hint);
            assert_eq!(body.is_end_stream(), hint);
            assert_eq!(chunks(vec![], form, hint).1, Ok(()));
        }
    }
}
