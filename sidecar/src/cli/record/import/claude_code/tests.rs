#![allow(
    clippy::needless_pass_by_value,
    reason = "what `json!` has made is handed over"
)]
use bytes::Bytes;
use luthien::record::{Asked, Ended, Ending, What};
use serde_json::{Value, json};

use super::{Exchange, Transcript, is_one};

/// A transcript, line by line: name, parent, and what the line says.
fn transcript(lines: &[(&str, Option<&str>, Value)]) -> Transcript {
    let lines = lines.iter().enumerate().map(|(at, (uuid, parent, says))| {
        let mut line = json!({
            "uuid": uuid, "parentUuid": parent, "sessionId": "s-1", "version": "2.1.330",
            "timestamp": format!("2026-11-28T10:00:{at:02}.500Z"),
        });
        let members = says.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(members);
        line.to_string()
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Transcript::read(&text.into())
}

fn user(content: Value) -> Value {
    json!({ "type": "user", "message": { "role": "user", "content": content } })
}

fn answer(call: &str) -> Value {
    user(json!([{ "type": "tool_result", "tool_use_id": call, "content": format!("of {call}") }]))
}

fn piece(id: &str, block: Value) -> Value {
    json!({ "type": "assistant", "message": {
        "id": id, "role": "assistant", "model": "claude-opus-5-5", "content": [block],
        "usage": { "input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 10 },
    } })
}

fn says(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn call(id: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": id } })
}

fn asked(exchange: &Exchange<'_>) -> Asked {
    match &exchange.foreign().events[0].what {
        What::RequestReceived(asked) => (**asked).clone(),
        other => panic!("{other:?}"),
    }
}

fn ended(exchange: &Exchange<'_>) -> Ended {
    match &exchange.foreign().events[1].what {
        What::Ended(ended) => (**ended).clone(),
        other => panic!("{other:?}"),
    }
}

/// The messages of a request in short: who, and the texts, calls and answers.
fn request(exchange: &Exchange<'_>) -> Vec<String> {
    let request: Value =
        serde_json::from_slice(exchange.foreign().request.as_ref().unwrap()).unwrap();
    let messages = request["messages"].as_array().unwrap().iter();
    let messages = messages.map(|message| {
        let blocks = match &message["content"] {
            Value::String(text) => vec![text.clone()],
            blocks => {
                let blocks = blocks.as_array().unwrap().iter();
                let names = ["text", "id", "tool_use_id"];
                let names = |block: &Value| {
                    names
                        .iter()
                        .find_map(|name| block[name].as_str().map(str::to_owned))
                };
                blocks.map(|block| names(block).unwrap()).collect()
            }
        };
        format!(
            "{}: {}",
            message["role"].as_str().unwrap(),
            blocks.join(" ")
        )
    });
    messages.collect()
}

#[test]
fn what_calls_in_parallel_have_answered_stands_behind_all_of_them() {
    // Every answer hangs on the line of its call, and the way leads past one of them; or they lie between the calls.
    let apart = [
        ("u1", None, user("do".into())),
        ("a1", Some("u1"), piece("m1", call("t1"))),
        ("a2", Some("a1"), piece("m1", call("t2"))),
        ("r1", Some("a1"), answer("t1")),
        ("r2", Some("a2"), answer("t2")),
        ("b1", Some("r2"), piece("m2", says("done"))),
        ("u2", Some("b1"), user("more".into())),
        ("c1", Some("u2"), piece("m3", says("yes"))),
    ];
    let between = [
        ("u1", None, user("do".into())),
        ("a1", Some("u1"), piece("m1", call("t1"))),
        ("r1", Some("a1"), answer("t1")),
        ("a2", Some("r1"), piece("m1", call("t2"))),
        ("r2", Some("a2"), answer("t2")),
        ("b1", Some("r2"), piece("m2", says("done"))),
        ("u2", Some("b1"), user("more".into())),
        ("c1", Some("u2"), piece("m3", says("yes"))),
    ];
    for lines in [apart, between] {
        let transcript = transcript(&lines);
        let exchanges: Vec<_> = transcript.exchanges().collect();
        let [first, second, third] = &*exchanges else {
            panic!("{}", exchanges.len())
        };
        assert_eq!(request(first), ["user: do"]);
        assert_eq!(
            request(second),
            ["user: do", "assistant: t1 t2", "user: t1 t2"]
        );
        assert_eq!(
            request(third),
            [
                "user: do",
                "assistant: t1 t2",
                "user: t1 t2",
                "assistant: done",
                "user: more"
            ]
        );
        let reply: Value = serde_json::from_slice(first.foreign().reply.as_ref().unwrap()).unwrap();
        assert_eq!(reply["content"], json!([call("t1"), call("t2")]));
        assert_eq!(reply["id"], "m1");
    }
}

#[test]
fn a_rewind_is_a_branch_and_a_compaction_begins_anew() {
    let transcript = transcript(&[
        ("u1", None, user("one".into())),
        ("a1", Some("u1"), piece("m1", says("first"))),
        ("u2", Some("a1"), user("two".into())),
        ("a2", Some("u2"), piece("m2", says("second"))),
        ("u3", Some("a1"), user("other".into())),
        ("a3", Some("u3"), piece("m3", says("third"))),
        (
            "c",
            None,
            json!({ "type": "system", "subtype": "compact_boundary", "logicalParentUuid": "a3" }),
        ),
        ("u4", Some("c"), user("what was said before".into())),
        ("u5", Some("u4"), user(json!([says("go on")]))),
        ("a4", Some("u5"), piece("m4", says("fourth"))),
    ]);
    let requests: Vec<_> = transcript
        .exchanges()
        .map(|exchange| request(&exchange))
        .collect();
    assert_eq!(requests[1], ["user: one", "assistant: first", "user: two"]);
    assert_eq!(
        requests[2],
        ["user: one", "assistant: first", "user: other"]
    );
    // Two lines that the model was told at once.
    assert_eq!(requests[3], ["user: what was said before go on"]);
    assert_eq!(transcript.skipped["system"], 1);
}

#[test]
fn an_exchange_is_told_as_far_as_it_is_known() {
    let mut last = piece("m1", says("b"));
    last["message"]["stop_reason"] = "end_turn".into();
    last["message"]["usage"]["output_tokens"] = 40.into();
    let transcript = transcript(&[
        ("u1", None, user("ask".into())),
        ("p1", Some("u1"), json!({ "type": "progress", "data": {} })),
        ("a1", Some("p1"), piece("m1", says("a"))),
        ("a2", Some("a1"), last),
    ]);
    let exchange = transcript.exchanges().next().unwrap();
    let asked = asked(&exchange);
    assert_eq!(asked.session.as_deref(), Some("s-1"));
    assert_eq!(
        asked.client.as_deref(),
        Some("claude-code transcript 2.1.330")
    );
    assert_eq!(
        (asked.purpose.as_deref(), asked.agent.as_deref()),
        (Some("turn"), None)
    );
    assert_eq!(asked.model.as_deref(), Some("claude-opus-5-5"));
    let ended = ended(&exchange);
    assert_eq!(
        (ended.ending, ended.stop_reason.as_deref()),
        (Ending::Ok, Some("end_turn"))
    );
    assert_eq!(
        (
            ended.usage.input,
            ended.usage.cache_read,
            ended.usage.output
        ),
        (Some(15), Some(10), Some(40))
    );
    // From the line before the reply to its last.
    assert_eq!(ended.duration_us, 2_000_000);
    assert_eq!(exchange.at, exchange.foreign().events[1].at);
    assert!(exchange.id.starts_with("cc-") && exchange.id.len() == 19);
}

#[test]
fn what_no_model_has_said_is_no_exchange_and_an_error_is_one_that_failed() {
    let itself = |error: bool| {
        let mut line = piece("m-x", says("API Error: Overloaded"));
        line["message"]["model"] = "<synthetic>".into();
        if error {
            line["isApiErrorMessage"] = true.into();
            line["apiErrorStatus"] = 529.into();
            line["error"] = "overloaded".into();
        }
        line
    };
    let mut aside = piece("m2", says("yes"));
    aside["isSidechain"] = true.into();
    aside["agentId"] = "a7f3".into();
    let transcript = transcript(&[
        ("u1", None, user("ask".into())),
        ("e1", Some("u1"), itself(true)),
        ("u2", Some("e1"), user("again".into())),
        ("a1", Some("u2"), piece("m1", says("here"))),
        ("s1", Some("a1"), itself(false)),
        ("u3", None, user("task".into())),
        ("a2", Some("u3"), aside),
    ]);
    let exchanges: Vec<_> = transcript.exchanges().collect();
    let [failed, answered, agent] = &*exchanges else {
        panic!("{}", exchanges.len())
    };
    let failed = ended(failed);
    assert_eq!(
        (failed.ending, failed.status),
        (Ending::UpstreamError, Some(529))
    );
    assert_eq!(failed.reason.as_deref(), Some("overloaded"));
    // What Claude Code says of errors, no model is told.
    assert_eq!(request(answered), ["user: ask again"]);
    let agent = asked(agent);
    assert_eq!(
        (agent.purpose.as_deref(), agent.agent.as_deref()),
        (Some("sub_agent"), Some("a7f3"))
    );
}

#[test]
fn lines_in_a_circle_and_lines_without_a_beginning_end_somewhere() {
    let transcript = transcript(&[
        ("a1", Some("u1"), piece("m1", says("a"))),
        ("u1", Some("a1"), user("ask".into())),
        ("u2", Some("nowhere"), user("later".into())),
        ("a2", Some("u2"), piece("m2", says("b"))),
        ("a2", Some("u2"), piece("m9", says("twice"))),
        ("a3", None, piece("m3", says("to nobody"))),
    ]);
    let requests: Vec<_> = transcript
        .exchanges()
        .map(|exchange| request(&exchange))
        .collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1], ["user: later"]);
}

#[test]
fn a_transcript_is_known_by_its_first_line() {
    for line in [
        r#"{"type":"user","uuid":"u","sessionId":"s","message":{}}"#,
        r#"{"type":"summary","summary":"Herons","leafUuid":"l"}"#,
        r#"{"type":"file-history-snapshot","messageId":"m","snapshot":{}}"#,
        r#"{"type":"queue-operation","sessionId":"s"}"#,
    ] {
        assert!(is_one(line.as_bytes()), "{line}");
    }
    for line in [
        r#"{"version":1,"session_id":"s","type":"x"}"#,
        r#"{"type":"x"}"#,
        "",
        "[1]",
        "no",
    ] {
        assert!(!is_one(line.as_bytes()), "{line}");
    }
}

#[test]
fn anything_can_be_read() {
    for text in ["", "\n\n", "{", "null", "{\"type\":\"user\"}\n\r\n\u{0}"] {
        let transcript = Transcript::read(&Bytes::from_static(text.as_bytes()));
        assert_eq!(transcript.exchanges().count(), 0);
    }
}
