#![allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]

mod judge;
mod schemas;

use std::time::Duration;

use luthien_core::{
    Dialect,
    decision::{Failure, Severity},
    facts::{Caller, Purpose, SessionId, UserId},
};
use serde_json::{Value, json};

use self::judge::{Judge, Reply};
use crate::policy::{
    Entry, Fail, Outcome, find,
    testing::{Case, Seen},
};

fn entry(judge: &Judge, more: Value) -> Entry {
    let mut with = json!({"url": judge.url(), "watch": ["tool_call", "text", "request"]});
    let more = more.as_object().unwrap().clone();
    with.as_object_mut().unwrap().extend(more);
    build(&with).unwrap_or_else(|error| panic!("{error}"))
}

fn build(with: &Value) -> Result<Entry, crate::policy::BuildError> {
    find("http").unwrap().build(with)
}

/// Answers questions about calls in this way, and allows all else.
async fn of_calls(answer: Value) -> Judge {
    Judge::start(move |question| {
        let allow = json!({"version": 1, "verdict": "allow"});
        let is_call = question["phase"] == "tool_call";
        Reply::json(if is_call { answer.clone() } else { allow })
    })
    .await
}

async fn seen(entry: Entry) -> Seen {
    Case::of([entry])
        .reply_text("I try.")
        .reply_tool_call("Bash", json!({"command": "ls"}))
        .run()
        .await
}

#[tokio::test]
async fn each_verdict_does_what_it_says() {
    let says = |mut answer: Value| async move {
        answer["version"] = json!(1);
        let judge = of_calls(answer).await;
        seen(entry(&judge, json!({"replaces": true}))).await
    };
    let call = |input: Value| vec![("Bash".to_owned(), input)];

    let allowed = says(json!({"verdict": "allow"})).await;
    assert_eq!(allowed.outcomes(), [Outcome::Allow; 3]);
    assert_eq!(allowed.tool_calls(), call(json!({"command": "ls"})));

    let answer = json!({"verdict": "replace", "content": {"command": "pwd", "n": [1]}});
    assert_eq!(
        says(answer).await.tool_calls(),
        call(json!({"command": "pwd", "n": [1]}))
    );

    let dropped = says(json!({"verdict": "drop", "message": "Gone."})).await;
    assert_eq!(
        (dropped.tool_calls(), dropped.stop_reason()),
        (vec![], "end_turn")
    );
    assert!(dropped.text().ends_with("Gone."));

    let blocked = says(json!({
        "verdict": "block", "message": "not here.", "remedy": "ask first.", "detail": "score 7", "code": "scored", "severity": "critical",
    }))
    .await;
    assert!(blocked.tool_calls().is_empty());
    assert!(blocked.text().contains("not here.\n"), "{}", blocked.text());
    assert!(blocked.text().contains("What to do: ask first.\n"));
    let decision = blocked
        .decisions()
        .iter()
        .find(|one| one.outcome == Outcome::Block)
        .unwrap();
    let told = (&*decision.code, &*decision.reason, decision.severity);
    assert_eq!(told, ("scored", "score 7", Severity::Critical));

    let asked = says(json!({"verdict": "ask", "message": "may it?"})).await;
    assert!(asked.outcomes().contains(&Outcome::Ask) && asked.tool_calls().is_empty());
}

#[tokio::test]
async fn requests_are_answered_or_refused_and_texts_replaced() {
    let says = |phase: &'static str, answer: Value| async move {
        let judge = Judge::start(move |question| {
            let allow = json!({"version": 1, "verdict": "allow"});
            Reply::json(if question["phase"] == phase {
                answer.clone()
            } else {
                allow
            })
        })
        .await;
        seen(entry(&judge, json!({"replaces": true}))).await
    };
    for verdict in ["answer", "block"] {
        let answer = json!({"version": 1, "verdict": verdict, "message": "not today"});
        let seen = says("request", answer).await;
        assert_eq!((seen.status(), seen.upstream_request()), (200, None));
        assert!(seen.text().contains("not today"));
    }
    let seen = says(
        "request",
        json!({"version": 1, "verdict": "refuse", "message": "not today"}),
    )
    .await;
    assert!(seen.is_error() && seen.body().contains("not today"));
    let seen = says(
        "text",
        json!({"version": 1, "verdict": "replace", "content": "I did."}),
    )
    .await;
    assert_eq!(
        (seen.text().as_str(), seen.tool_calls().len()),
        ("I did.", 1)
    );
}

#[tokio::test]
async fn a_question_says_who_asks_what_and_brings_the_conversation_if_it_is_wanted() {
    let judge = of_calls(json!({"version": 1, "verdict": "allow"})).await;
    let with = json!({"headers": {"authorization": "Bearer s3cret"}, "conversation": true});
    Case::of([entry(&judge, with).with_name("mine")])
        .dialect(Dialect::Chat)
        .request(json!({"model": "m", "n": 1.0, "messages": [{"role": "user", "content": "List it."}], "tools": [
            {"type": "function", "function": {"name": "Bash", "parameters": {}}},
        ]}))
        .session("s1")
        .purpose(Purpose::Title)
        .caller(Caller::Key { id: "k1".into(), name: "ci".into() })
        .user(UserId { id: "ann".into(), trusted: true })
        .reply_text("I try.")
        .reply_tool_call("Bash", json!({"command": "ls"}))
        .run()
        .await;
    let asked = judge.asked();
    let of = |phase: &str| {
        let mut asked = asked
            .iter()
            .filter(|asked| asked.question["phase"] == phase);
        asked.next().unwrap()
    };
    let exchange = json!({
        "dialect": "chat", "path": "/v1/chat/completions", "model": "m", "session": "s1", "purpose": "title",
        "caller": {"id": "k1", "kind": "key", "name": "ci"}, "user": {"id": "ann", "trusted": true},
    });
    let call = of("tool_call");
    assert!(
        call.head.starts_with("POST /judge?x=1 HTTP/1.1\r\n"),
        "{}",
        call.head
    );
    for line in [
        "authorization: Bearer s3cret\r\n",
        "content-type: application/json\r\n",
    ] {
        assert!(
            call.head.to_lowercase().contains(&line.to_lowercase()),
            "{}",
            call.head
        );
    }
    let mut question = call.question.clone();
    let conversation = question
        .as_object_mut()
        .unwrap()
        .remove("conversation")
        .unwrap();
    assert_eq!(conversation["messages"][0]["content"], "List it.");
    assert!(call.body.contains(r#""n":1.0"#), "{}", call.body);
    let id = question["tool"].as_object_mut().unwrap().remove("id");
    assert!(id.is_some_and(|id| id.is_string()));
    assert_eq!(
        question,
        json!({
            "version": 1, "phase": "tool_call", "policy": "mine", "exchange": exchange,
            "tool": {"name": "Bash", "input": {"command": "ls"}},
        })
    );
    assert_eq!(of("text").question["text"], "I try.");
    let request = json!({"text": "List it.", "messages": 1, "tools": ["Bash"]});
    assert_eq!(of("request").question["request"], request);
    let plain = of_calls(json!({"version": 1, "verdict": "allow"})).await;
    seen(entry(&plain, json!({}))).await;
    assert!(
        plain
            .asked()
            .iter()
            .all(|asked| asked.question.get("conversation").is_none())
    );
}

#[tokio::test]
async fn what_is_no_answer_of_the_contract_is_a_failure_and_keeps_the_call_back() {
    let allow = r#"{"version":1,"verdict":"allow"}"#;
    for (status, body, reason) in [
        (200, "", "none of this contract"),
        (200, "yes", "none of this contract"),
        (
            200,
            r#"{"version":2,"verdict":"allow"}"#,
            "its version is 2, not 1",
        ),
        (200, r#"{"verdict":"allow"}"#, "missing field `version`"),
        (
            200,
            r#"{"version":1,"verdict":"permit"}"#,
            "unknown variant `permit`",
        ),
        (
            200,
            r#"{"version":1,"verdict":"allow","why":"x"}"#,
            "unknown field `why`",
        ),
        (200, &[allow, allow].concat(), "none of this contract"),
        (
            200,
            r#"[{"version":1,"verdict":"allow"}]"#,
            "none of this contract",
        ),
        (
            200,
            r#"{"version":1,"verdict":"block","verdict":"allow"}"#,
            "duplicate key",
        ),
        (
            200,
            "```json\n{\"version\":1,\"verdict\":\"allow\"}\n```",
            "none of this contract",
        ),
        (
            200,
            r#"{"version":1,"verdict":"allow","message":"x"}"#,
            "has content or something to say",
        ),
        (
            200,
            r#"{"version":1,"verdict":"block"}"#,
            "its answer has no `message`",
        ),
        (
            200,
            r#"{"version":1,"verdict":"block","message":" "}"#,
            "its answer has no `message`",
        ),
        (
            200,
            r#"{"version":1,"verdict":"block","message":"x","code":"a b"}"#,
            "its `code` is no word",
        ),
        (
            200,
            r#"{"version":1,"verdict":"replace","content":{}}"#,
            "`replaces: true`",
        ),
        (
            200,
            r#"{"version":1,"verdict":"answer","message":"x"}"#,
            "it answers `answer`, which cannot be said of a reply",
        ),
        (201, allow, "status 201"),
        (204, "", "status 204"),
        (302, allow, "status 302"),
        (500, allow, "status 500"),
        (401, allow, "status 401"),
    ] {
        let reply = Reply::new(status, body);
        let judge = Judge::start(move |_| reply.clone()).await;
        let watch = json!({"watch": ["tool_call"]});
        let judged = seen(entry(&judge, watch.clone())).await;
        assert_eq!(
            judged.outcomes(),
            [Outcome::Failed(Failure::Error)],
            "{body}"
        );
        assert!(judged.tool_calls().is_empty(), "{body}");
        let told = &judged.decisions()[0].reason;
        assert!(told.contains(reason), "{status} {body}: {told}");
        // None of them is asked again.
        let plays = judge.asked().len();
        let open = seen(entry(&judge, watch).with_fail(Fail::Open)).await;
        assert_eq!(open.tool_calls().len(), 1, "{body}");
        assert_eq!(judge.asked().len(), 2 * plays, "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_a_failure() {
    let judge = Judge::start(|_| Reply::new(200, &" ".repeat(5 << 20))).await;
    let entry = entry(&judge, json!({"watch": ["tool_call"]}));
    let case = Case::of([entry]).dialect(Dialect::Chat);
    let seen = case.reply_tool_call("f", json!({})).run().await;
    let told = &seen.decisions()[0].reason;
    assert!(told.contains("with more than 4194304 bytes"), "{told}");
}

#[tokio::test]
async fn where_the_connection_is_at_fault_it_is_asked_again_and_twice_at_most() {
    let allow = || Reply::new(200, r#"{"version":1,"verdict":"allow"}"#);
    for trouble in [
        Reply::new(502, ""),
        Reply::new(503, ""),
        Reply::new(504, ""),
        Reply::cut(),
    ] {
        for (times, expected) in [(2, Outcome::Allow), (3, Outcome::Failed(Failure::Error))] {
            let trouble = trouble.clone();
            let judge = Judge::start_counting(move |place, _| match place % (times + 1) < times {
                true => trouble.clone(),
                false => allow(),
            })
            .await;
            let entry = entry(&judge, json!({"watch": ["tool_call"]}));
            let judged = one_by_one(entry).await;
            assert_eq!(judged.last(), Some(&expected), "{times}");
            assert_eq!(judge.asked().len(), 3, "{times}");
        }
    }
}

/// One call, judged once.
async fn one_by_one(entry: Entry) -> Vec<Outcome> {
    use crate::policy::{PolicyLayer, PolicySet, tests::Noted};
    use luthien_core::{
        gate,
        testing::{Provider, Reply, request, send},
    };
    use tower_layer::Layer;
    let noted: std::sync::Arc<Noted> = std::sync::Arc::default();
    let set = PolicySet::new(vec![entry]).with_sink(noted.clone());
    let reply = r#"{"content":[{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"tool_use"}"#;
    let provider = Provider::new([Reply::json(&reply.into(), 0)]);
    let service = gate::gate(PolicyLayer::new(set)).layer(provider);
    let asked = http::Request::post("/v1/messages").body(request(Dialect::Anthropic, false));
    send(&service, asked.unwrap()).await.into_body().unwrap();
    noted.outcomes()
}

#[tokio::test]
async fn the_deadline_ends_all_attempts() {
    let judge = Judge::start(|_| Reply::silent()).await;
    let entry = entry(&judge, json!({"watch": ["tool_call"]}));
    let entry = entry.with_deadline(Duration::from_millis(100));
    assert_eq!(one_by_one(entry).await, [Outcome::Failed(Failure::Late)]);
}

#[tokio::test]
async fn nobody_there_is_a_failure() {
    let with = json!({"url": "http://127.0.0.1:1/judge", "watch": ["tool_call"]});
    let outcomes = one_by_one(build(&with).unwrap()).await;
    assert_eq!(outcomes, [Outcome::Failed(Failure::Error)]);
}

#[test]
fn settings_that_cannot_be_meant_are_refused_and_secrets_are_not_printed() {
    for (more, complaint) in [
        (
            json!({"watch": []}),
            "watch: it must be asked about something",
        ),
        (
            json!({"watch": ["reply"]}),
            "watch[0]: unknown variant `reply`",
        ),
        (
            json!({"url": "file:///etc/passwd"}),
            "url: it must be an address",
        ),
        (json!({"url": "ftp://x/"}), "url: it must be an address"),
        (json!({"url": "/judge"}), "url: it must be an address"),
        (
            json!({"url": "http://user:pass@x/"}),
            "url: it must be an address",
        ),
        (
            json!({"headers": {"a b": "x"}}),
            "headers.a b: it is not the name of a header",
        ),
        (
            json!({"headers": {"host": "x"}}),
            "headers.host: it cannot be set",
        ),
        (
            json!({"headers": {"x-key": "a\nb"}}),
            "headers.x-key: its value cannot stand in a header",
        ),
        (
            json!({"headers": {"x-key": "${TOKEN}"}}),
            "headers.x-key: nobody has resolved",
        ),
    ] {
        let mut with = json!({"url": "http://127.0.0.1:9/", "watch": ["text"]});
        with.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let error = build(&with).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
    let settings: super::Settings = serde_json::from_value(json!({
        "url": "http://x/", "watch": ["text"], "headers": {"x-key": "s3cret"},
    }))
    .unwrap();
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_session_is_named_as_it_is() {
    // What a client names its conversation may hold anything that JSON can.
    let exchange = luthien_core::decision::Exchange {
        id: Some("e1".into()),
        dialect: Dialect::Responses,
        path: "/v1/responses".into(),
        model: None,
        caller: Some(Caller::Client {
            fingerprint: "f".into(),
        }),
        user: None,
        session: Some(SessionId("a\"b\\c".into())),
        purpose: None,
    };
    let question = super::contract::Question::new(super::contract::Phase::Text, "p", &exchange);
    let question: Value = serde_json::from_slice(&question.body(None).unwrap()).unwrap();
    assert_eq!(
        question["exchange"],
        json!({
            "id": "e1", "dialect": "responses", "path": "/v1/responses", "session": "a\"b\\c", "purpose": "turn",
            "caller": {"id": "f", "kind": "client"},
        })
    );
}
