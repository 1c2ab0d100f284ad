//! Rules that were written at run time.

use serde_json::Value;

use crate::{
    claude_code::Claude,
    codex::Codex,
    model::{HELLO, Say, thinking},
    run::{Agent, Desk},
    support::provider::Provider,
};

use super::{
    DENIED, decision,
    history::Said,
    requests,
    told::{Told, first, is_next, next},
};

/// A desk with this rule.
async fn desk<A: Told>(provider: Provider, rule: &str) -> Desk<A> {
    Desk::new(
        provider,
        &format!("policies: [{{ use: rules, with: {{ rules: [{rule}] }} }}]"),
    )
    .await
}

/// A rule about the command that is denied elsewhere.
fn about_a_call<A: Told>(does: &str) -> String {
    format!(
        "{{ name: a-rule, on: tool_call, when: 'tool.name == \"{}\" && tool.input.{} == \"{DENIED}\"', {does} }}",
        A::TOOL,
        A::ARGUMENT
    )
}

/// A model that wants the command run, and says hello afterwards.
async fn calling<A: Told>() -> Provider {
    thinking(
        |body: &Value| match A::outputs(body).is_empty() && !is_next(body) {
            true => vec![Say::Text("Let me see."), A::call("call_A", DENIED)],
            false => HELLO.to_vec(),
        },
    )
    .await
}

async fn a_call_that_a_person_would_have_to_approve_does_not_run<A: Told>() {
    let rule = about_a_call::<A>("do: ask, message: a person should see this");
    let desk = desk::<A>(calling::<A>().await, &rule).await;
    let ran = first(&desk).await.well();
    let line = decision(&desk.sidecar).await;
    assert_eq!(
        (&line["outcome"], &line["applied"], &line["code"]),
        (&"ask".into(), &true.into(), &"a-rule".into())
    );
    let explained = A::words(&ran);
    for part in [
        &format!(
            "Luthien blocked a call of the tool `{}`: a person should see this.",
            A::TOOL
        ),
        DENIED,
        "What to do: a person would have to approve this, and approvals are not set up.",
        &format!("Decision {}", line["decision"].as_str().unwrap()),
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see."), Said::text(explained)]);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn claude_code_does_not_run_what_a_person_would_have_to_approve() {
    a_call_that_a_person_would_have_to_approve_does_not_run::<Claude>().await;
}

#[tokio::test]
async fn codex_does_not_run_what_a_person_would_have_to_approve() {
    a_call_that_a_person_would_have_to_approve_does_not_run::<Codex>().await;
}

async fn the_command_that_was_put_in_place_runs<A: Told>() {
    let set = format!(
        "do: replace, set: {{ {}: \"'touch replaced'\" }}",
        A::ARGUMENT
    );
    let desk = desk::<A>(calling::<A>().await, &about_a_call::<A>(&set)).await;
    let ran = first(&desk).await.well();
    assert_eq!(A::texts(&ran), ["Let me see.", "Hello there"]);
    assert_eq!(desk.home.made(), ["replaced"]);
    let line = decision(&desk.sidecar).await;
    assert_eq!(
        (&line["outcome"], &line["applied"]),
        (&"modify".into(), &true.into())
    );
    // The model reads in its history what has run.
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(
        said,
        [
            Said::text("Let me see."),
            Said::call("call_A"),
            Said::text("Hello there")
        ]
    );
    for request in &desk.provider.seen()[1..] {
        assert_eq!(A::commands(&request.json()), ["touch replaced"]);
    }
}

#[tokio::test]
async fn claude_code_runs_the_command_that_was_put_in_place() {
    the_command_that_was_put_in_place_runs::<Claude>().await;
}

#[tokio::test]
async fn codex_runs_the_command_that_was_put_in_place() {
    the_command_that_was_put_in_place_runs::<Codex>().await;
}

async fn commands_are_counted_over_all_turns_of_a_conversation<A: Told>() {
    let provider = thinking(|body| match A::outputs(body).len() {
        0 => vec![A::call("call_A", "touch one")],
        1 if !is_next(body) => HELLO.to_vec(),
        1 => vec![A::call("call_B", "touch two")],
        _ => vec![A::call("call_C", "touch three")],
    })
    .await;
    let rules = format!(
        "{{ name: commands, on: tool_call, when: 'tool.name == \"{}\"', count: commands }}, \
         {{ name: enough, on: tool_call, when: 'session.count(\"commands\") > 2', do: block, \
         message: \"these are {{{{session.count('commands')}}}}\" }}",
        A::TOOL
    );
    let desk = desk::<A>(provider, &rules).await;
    first(&desk).await.well();
    assert_eq!(desk.home.made(), ["one"]);
    let ran = desk.turn(A::NEXT).await.well();
    let explained = A::words(&ran);
    assert!(explained.contains("these are 3."), "{explained}");
    assert_eq!(desk.home.made(), ["one", "two"]);
    assert_eq!(desk.provider.count(), 4);
}

#[tokio::test]
async fn commands_of_claude_code_are_counted_over_all_turns_of_a_conversation() {
    commands_are_counted_over_all_turns_of_a_conversation::<Claude>().await;
}

#[tokio::test]
async fn commands_of_codex_are_counted_over_all_turns_of_a_conversation() {
    commands_are_counted_over_all_turns_of_a_conversation::<Codex>().await;
}

/// Holds for the first turn.
const DO_IT: &str = r#"request.text.contains("Do it.")"#;

/// Holds for every turn but the next.
const NOT_NEXT: &str = r#"!request.text.contains("next question")"#;

/// A desk where requests for which this holds are kept from a model that says hello.
async fn closed<A: Told>(when: &str, does: &str) -> Desk<A> {
    let says = "message: the office is closed, remedy: come back tomorrow";
    let rule = format!("{{ name: not-now, on: request, when: '{when}', do: {does}, {says} }}");
    desk(thinking(|_| HELLO.to_vec()).await, &rule).await
}

/// Why the request was kept back, as it is shown, after one request that went no further.
async fn kept_back<A: Told>(desk: &Desk<A>, words: &str) {
    for part in [
        "Luthien blocked this request: the office is closed.",
        "What to do: come back tomorrow.",
        "Decision d-",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    requests(&desk.sidecar, 1).await;
    assert_eq!(desk.provider.count(), 0);
}

async fn an_answer_in_the_models_place_is_the_answer<A: Told>() {
    let desk = closed::<A>(DO_IT, "answer").await;
    let ran = first(&desk).await.well();
    kept_back(&desk, A::words(&ran)).await;
    let said = next(&desk, A::session(&ran)).await;
    assert_eq!(said, [Said::text(A::words(&ran))]);
    // The client has kept it.
    assert!(desk.provider.only().text().contains("Do it."));
}

#[tokio::test]
async fn claude_code_takes_an_answer_in_the_models_place_for_the_answer() {
    an_answer_in_the_models_place_is_the_answer::<Claude>().await;
}

#[tokio::test]
async fn codex_takes_an_answer_in_the_models_place_for_the_answer() {
    an_answer_in_the_models_place_is_the_answer::<Codex>().await;
}

async fn the_error_of_a_refused_request_is_shown_once<A: Told>() {
    let desk = closed::<A>(NOT_NEXT, "refuse").await;
    let ran = first(&desk).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    kept_back(&desk, &A::refused(&ran)).await;
    assert_eq!(next(&desk, A::session(&ran)).await, []);
    assert_eq!(desk.provider.count(), 1);
}

#[tokio::test]
async fn claude_code_shows_the_error_of_a_refused_request_and_does_not_try_again() {
    the_error_of_a_refused_request_is_shown_once::<Claude>().await;
}

#[tokio::test]
async fn codex_shows_the_error_of_a_refused_request_and_does_not_try_again() {
    the_error_of_a_refused_request_is_shown_once::<Codex>().await;
}

#[tokio::test]
async fn claude_code_asks_what_was_refused_once_more_beside_the_next_question() {
    let desk = closed::<Claude>(DO_IT, "refuse").await;
    let ran = first(&desk).await;
    kept_back(&desk, &Claude::refused(&ran)).await;
    let ran = desk.turn(Claude::NEXT).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    Claude::refused(&ran);
    requests(&desk.sidecar, 2).await;
    assert_eq!(desk.provider.count(), 0);
}

#[tokio::test]
async fn codex_sends_what_was_refused_before_the_next_question() {
    let desk = closed::<Codex>(DO_IT, "refuse").await;
    let ran = first(&desk).await;
    kept_back(&desk, &Codex::refused(&ran)).await;
    assert_eq!(next(&desk, Codex::session(&ran)).await, []);
    assert!(desk.provider.only().text().contains("Do it."));
}
