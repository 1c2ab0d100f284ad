//! Codex.

use crate::{
    codex::{Codex, has_outputs, shell},
    model::{HELLO, Say, answer, events, thinking},
    run::{self, Agent, Ran},
    support::{provider::Provider, replies::Dialect},
};

use super::{
    DENIED, LITTLE, POLICIES, could_not, decision, explanation,
    history::{Said, responses},
    in_mode, long,
    told::{first, is_next, next},
};

type Desk = run::Desk<Codex>;

#[tokio::test]
async fn a_blocked_call_does_not_run_is_explained_and_the_next_turn_goes_on() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![
            Say::Thinking("Hm."),
            Say::Text("Let me see."),
            shell("call_A", DENIED),
        ],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(Codex::texts(&ran), ["Let me see.", &explained]);
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Codex::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see."), Said::Text(explained)]);
    assert_eq!(desk.provider.count(), 2);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn reasoning_that_led_to_a_blocked_call_leads_to_the_explanation() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Thinking("Hm."), shell("call_A", DENIED)],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Codex::session(&ran)).await;
    assert_eq!(said, [Said::Text(explained)]);
    assert!(desk.provider.last().text().contains("c2VhbGVk"));
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn of_several_calls_all_but_the_blocked_one_run() {
    let provider = thinking(|body| match has_outputs(body) {
        true => HELLO.to_vec(),
        false => vec![
            Say::Text("Let me see."),
            shell("call_A", "touch one"),
            shell("call_B", DENIED),
            shell("call_C", "touch three"),
        ],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(
        Codex::texts(&ran),
        ["Let me see.", &explained, "Hello there"]
    );
    assert_eq!(desk.home.made(), ["one", "three"]);
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        responses(&seen[1]),
        [
            Said::text("Let me see."),
            Said::Text(explained),
            Said::call("call_A"),
            Said::call("call_C")
        ]
    );
    assert!(!seen[1].text().contains("call_B"));
}

#[tokio::test]
async fn a_call_that_is_said_in_two_ways_runs_in_neither() {
    // It runs the arguments with which a call ends, whatever came before.
    let provider = Provider::start(|request, mut wire| async move {
        if is_next(&request.json()) {
            answer(&mut wire, &request, &HELLO).await?;
        } else {
            let calls = [shell("call_A", DENIED)];
            let events = events(Dialect::Responses, "mock", &calls).into_iter();
            let events = events.map(|event| match event.contains("_arguments.") {
                true => event.replace("touch denied", "touch harmless"),
                false => event,
            });
            wire.streamed(events).await?;
        }
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert_eq!(desk.provider.count(), 1);
    assert_eq!(next(&desk, Codex::session(&ran)).await, []);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_could_not_be_judged_does_not_run_and_is_not_asked_for_again() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Text("Let me see."), shell("call_A", &long())],
    })
    .await;
    let desk = Desk::new(provider, &format!("{POLICIES}\n{LITTLE}")).await;
    let ran = first(&desk).await;
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let failed = ran.line("a failure", |line| line["type"] == "turn.failed");
    could_not(&desk.sidecar, failed["error"]["message"].as_str().unwrap()).await;
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Codex::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see.")]);
    assert_eq!(desk.home.made(), [""; 0]);
}

/// A call that is denied, where a policy only looks on: it has run. What the model was said to have said before.
async fn looked_on(mode: &str) -> (Ran, Vec<Said>) {
    let provider = thinking(|body| match has_outputs(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Text("Let me see."), shell("call_A", DENIED)],
    })
    .await;
    let desk = Desk::new(provider, &in_mode(mode)).await;
    let ran = first(&desk).await.well();
    assert_eq!(Codex::words(&ran), "Hello there");
    assert_eq!(desk.home.made(), ["denied"]);
    let line = decision(&desk.sidecar).await;
    assert_eq!(
        (&line["outcome"], &line["mode"]),
        (&"block".into(), &mode.into())
    );
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 2);
    (ran, responses(&seen[1]))
}

#[tokio::test]
async fn who_observes_lets_the_call_run_and_says_nothing() {
    let (ran, said) = looked_on("observe").await;
    assert_eq!(Codex::texts(&ran), ["Let me see.", "Hello there"]);
    assert_eq!(said, [Said::text("Let me see."), Said::call("call_A")]);
}

#[tokio::test]
async fn who_warns_lets_the_call_run_behind_a_warning() {
    let (ran, said) = looked_on("warn").await;
    let texts = Codex::texts(&ran);
    let [_, warning, _] = texts[..] else {
        panic!("{texts:?}")
    };
    let warns = "Luthien warns of the call of the tool `exec_command` that follows";
    assert!(warning.starts_with(warns), "{warning}");
    let expected = [
        Said::text("Let me see."),
        Said::text(warning),
        Said::call("call_A"),
    ];
    assert_eq!(said, expected);
}
