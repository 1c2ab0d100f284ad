//! Calls that somebody else has to judge: a second model, or a service that never answers.

use serde_json::{Value, json};

use crate::{
    claude_code::Claude,
    codex::Codex,
    model::{HELLO, Say, thinking},
    run::Desk,
    support::{provider::Provider, sidecar::Sidecar},
};

use super::{
    DENIED, decision,
    history::Said,
    told::{Told, first, is_next, next},
};

/// A judge that scores the command that is denied with 1, and others with 0.
async fn judge() -> Provider {
    Provider::start(|asked, mut wire| async move {
        let body = asked.json();
        let content = body["messages"][0]["content"].as_str().unwrap();
        let shown: Value = serde_json::from_str(content).unwrap();
        let score = u8::from(shown["call"]["input"].to_string().contains(DENIED));
        let answer = json!({ "score": score, "reason": "it looks grim" });
        let said = json!({
            "type": "message", "stop_reason": "tool_use", "usage": { "input_tokens": 70, "output_tokens": 9 },
            "content": [{ "type": "tool_use", "id": "t", "name": "answer", "input": answer }],
        });
        wire.json(200, said.to_string().as_bytes()).await?;
        Ok(Some(wire))
    })
    .await
}

/// A desk where this judge is asked. The model wants three things at once, and is content with what it gets.
async fn desk<A: Told>(judge: &Provider) -> Desk<A> {
    let provider = thinking(|body| match !A::outputs(body).is_empty() || is_next(body) {
        true => HELLO.to_vec(),
        false => vec![
            Say::Text("Let me see."),
            A::call("call_A", "touch one"),
            A::call("call_B", DENIED),
            A::call("call_C", "touch three"),
        ],
    })
    .await;
    let config = format!(
        "upstreams:
  models: {{ url: '{}' }}
  judges: {{ url: '{}', dialects: [anthropic], credential: '${{JUDGES_KEY}}' }}
routes: [{{ models: ['*'], upstreams: [models] }}]
policies: [{{ use: tool-call-judge, with: {{ upstream: judges, model: claude-haiku-4-5 }} }}]",
        provider.url(),
        judge.url()
    );
    let folder = tempfile::tempdir().unwrap();
    let environment = [("JUDGES_KEY", "sk-of-the-judges")];
    let sidecar = Sidecar::start_in(folder, &config, &environment).await;
    Desk::before(sidecar, provider)
}

async fn what_the_judge_advises_against_does_not_run_and_the_other_calls_do<A: Told>() {
    let judge = judge().await;
    let desk = desk::<A>(&judge).await;
    let ran = first(&desk).await.well();
    let texts = A::texts(&ran);
    let ["Let me see.", explained, "Hello there"] = texts[..] else {
        panic!("{texts:?}")
    };
    let line = decision(&desk.sidecar).await;
    for part in [
        &format!(
            "Luthien blocked a call of the tool `{}`: a second model advises against this call.",
            A::TOOL
        ),
        DENIED,
        &format!("Decision {}", line["decision"].as_str().unwrap()),
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    // Its reason is the operator's.
    assert!(line["reason"].as_str().unwrap().contains("it looks grim"));
    assert!(!explained.contains("it looks grim"));
    assert_eq!(judge.count(), 3);
    assert_eq!(desk.home.made(), ["one", "three"]);
    assert_eq!(desk.provider.count(), 2);
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(
        said,
        [
            Said::text("Let me see."),
            Said::text(explained),
            Said::call("call_A"),
            Said::call("call_C"),
            Said::text("Hello there"),
        ]
    );
    assert!(!desk.provider.last().text().contains("call_B"));
}

#[tokio::test]
async fn claude_code_runs_all_calls_but_the_one_that_the_judge_advises_against() {
    what_the_judge_advises_against_does_not_run_and_the_other_calls_do::<Claude>().await;
}

#[tokio::test]
async fn codex_runs_all_calls_but_the_one_that_the_judge_advises_against() {
    what_the_judge_advises_against_does_not_run_and_the_other_calls_do::<Codex>().await;
}

/// In place of a call about which nobody has said anything.
fn not_made(text: &str, tool: &str) {
    let start = format!(
        "Luthien blocked a call of the tool `{tool}`: a check that must pass first could not be made."
    );
    assert!(text.starts_with(&start), "{text}");
}

async fn while_the_judge_is_down_no_call_runs_and_the_session_goes_on<A: Told>() {
    let judge = judge().await;
    let desk = desk::<A>(&judge).await;
    drop(judge);
    let ran = first(&desk).await.well();
    let line = decision(&desk.sidecar).await;
    assert_eq!(
        (&line["outcome"], &line["code"]),
        (&"failed".into(), &"judge_unavailable".into())
    );
    let texts = A::texts(&ran);
    let ["Let me see.", explained] = texts[..] else {
        panic!("{texts:?}")
    };
    not_made(explained, A::TOOL);
    assert_eq!(explained.matches("Decision d-").count(), 3, "{explained}");
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see."), Said::text(explained)]);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn claude_code_runs_no_call_while_the_judge_is_down() {
    while_the_judge_is_down_no_call_runs_and_the_session_goes_on::<Claude>().await;
}

#[tokio::test]
async fn codex_runs_no_call_while_the_judge_is_down() {
    while_the_judge_is_down_no_call_runs_and_the_session_goes_on::<Codex>().await;
}

async fn a_call_that_was_not_judged_in_time_does_not_run<A: Told>() {
    let silent = Provider::start(|_, mut wire| async move {
        wire.closed().await;
        Ok(None)
    })
    .await;
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![A::call("call_A", DENIED)],
    })
    .await;
    let policy = format!(
        "use: http, deadline: 50ms, with: {{ url: '{}', watch: [tool_call] }}",
        silent.url()
    );
    let desk = Desk::<A>::new(provider, &format!("policies: [{{ {policy} }}]")).await;
    let ran = first(&desk).await.well();
    not_made(A::words(&ran), A::TOOL);
    assert_eq!(decision(&desk.sidecar).await["code"], "policy_late");
    assert_eq!(silent.count(), 1);
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(said, [Said::text(A::words(&ran))]);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn claude_code_runs_no_call_that_was_not_judged_in_time() {
    a_call_that_was_not_judged_in_time_does_not_run::<Claude>().await;
}

#[tokio::test]
async fn codex_runs_no_call_that_was_not_judged_in_time() {
    a_call_that_was_not_judged_in_time_does_not_run::<Codex>().await;
}
