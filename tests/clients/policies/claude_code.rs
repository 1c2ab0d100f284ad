//! Claude Code.

use serde_json::json;

use crate::{
    claude_code::{Claude, bash, has_results, result, results},
    model::{HELLO, Say, answer, events, thinking},
    run::{self, Agent, Ran},
    support::{provider::Provider, replies::Dialect},
};

use super::{
    DENIED, LITTLE, POLICIES, could_not, decision, explanation,
    history::{Said, anthropic},
    in_mode, long, requests,
    told::{first, is_next, next},
};

type Desk = run::Desk<Claude>;

#[tokio::test]
async fn a_blocked_call_does_not_run_is_explained_and_the_next_turn_goes_on() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Text("Let me see."), bash("toolu_A", DENIED)],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(Claude::words(&ran), explained);
    // It is over: the client does not ask by itself for a call that it could run.
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see."), Said::Text(explained)]);
    assert_eq!(desk.provider.count(), 2);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn a_reply_of_nothing_but_a_blocked_call_is_the_explanation() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![bash("toolu_A", DENIED)],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(Claude::words(&ran), explained);
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(said, [Said::Text(explained)]);
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn of_several_calls_all_but_the_blocked_one_run() {
    let provider = thinking(|body| match has_results(body) {
        true => HELLO.to_vec(),
        false => vec![
            Say::Text("Let me see."),
            bash("toolu_A", "touch one"),
            bash("toolu_B", DENIED),
            bash("toolu_C", "touch three"),
        ],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(
        Claude::texts(&ran),
        ["Let me see.", &explained, "Hello there"]
    );
    assert_eq!(desk.home.made(), ["one", "three"]);
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        anthropic(&seen[1]),
        [
            Said::text("Let me see."),
            Said::Text(explained),
            Said::call("toolu_A"),
            Said::call("toolu_C")
        ]
    );
    assert!(!seen[1].text().contains("toolu_B"));
}

#[tokio::test]
async fn a_call_that_is_tried_again_and_again_ends_the_attempt() {
    // It never gives up, and what else it calls keeps the client going.
    let provider = thinking(|body| match results(body).len() {
        _ if is_next(body) => HELLO.to_vec(),
        0 => vec![bash("toolu_A", DENIED), bash("toolu_B", "touch one")],
        1 => vec![bash("toolu_C", DENIED), bash("toolu_D", "touch two")],
        _ => vec![bash("toolu_E", DENIED), bash("toolu_F", "touch three")],
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let words = Claude::words(&ran);
    assert!(
        words.contains("The same call was refused 3 times running"),
        "{words}"
    );
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 3);
    let calls = anthropic(&seen[2]);
    let calls: Vec<_> = calls
        .iter()
        .filter(|said| matches!(said, Said::Call(_)))
        .collect();
    assert_eq!(calls, [&Said::call("toolu_B"), &Said::call("toolu_D")]);
    assert_eq!(desk.home.made(), ["one", "two"]);
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(said.last(), Some(&Said::text(Claude::words(&ran))));
}

#[tokio::test]
async fn a_call_that_can_be_read_in_two_ways_does_not_run() {
    // It goes by the last of two keys, others by the first.
    let refused =
        "Luthien blocked a call of the tool `Bash`: its arguments can be read in two ways.";
    for (policies, made, begins) in [
        ("", &["denied"][..], "Hello there"),
        (POLICIES, &[], refused),
    ] {
        let provider = Provider::start(|request, mut wire| async move {
            if is_next(&request.json()) || has_results(&request.json()) {
                answer(&mut wire, &request, &HELLO).await?;
            } else {
                let calls = [bash("toolu_A", "true")];
                let twice = r#"\"says it\",\"command\":\"touch denied\""#;
                let events = events(Dialect::Anthropic, "mock", &calls).into_iter();
                let events = events.map(|event| event.replace(r#"\"says it\""#, twice));
                wire.streamed(events).await?;
            }
            Ok(Some(wire))
        })
        .await;
        let desk = Desk::new(provider, policies).await;
        let ran = first(&desk).await.well();
        assert_eq!(desk.home.made(), made);
        let words = Claude::words(&ran);
        assert!(words.starts_with(begins), "{words}");
        next(&desk, Claude::session(&ran)).await;
    }
}

#[tokio::test]
async fn a_sub_agent_whose_call_is_blocked_reports_the_explanation() {
    let provider = thinking(|body| {
        let sub = body["system"].to_string().contains("cc_is_subagent=true");
        let task = json!({ "description": "do it", "prompt": "Do it.", "subagent_type": "general-purpose", "run_in_background": false });
        match (sub, has_results(body)) {
            (true, _) => vec![bash("toolu_B", DENIED)],
            (false, true) => HELLO.to_vec(),
            (false, false) => vec![Say::Call("toolu_A", "Agent", task)],
        }
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    assert_eq!(Claude::words(&ran), "Hello there");
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(anthropic(&seen[2]), [Said::call("toolu_A")]);
    let name = decision(&desk.sidecar).await["decision"].clone();
    let report = results(&seen[2].json())[0].to_string();
    assert!(report.contains(name.as_str().unwrap()), "{report}");
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn the_retry_without_streaming_meets_the_same_policies() {
    let provider = Provider::start(|request, mut wire| async move {
        let body = request.json();
        let says = vec![Say::Text("Let me see."), bash("toolu_A", DENIED)];
        match (is_next(&body), body["stream"] == true) {
            (true, _) => answer(&mut wire, &request, &HELLO).await?,
            (false, false) => answer(&mut wire, &request, &says).await?,
            (false, true) => {
                let begin = events(Dialect::Anthropic, "mock", &[])[0].clone();
                let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"not so\"}}\n\n";
                wire.streamed([begin.as_str(), error]).await?;
            }
        }
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, POLICIES).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    assert_eq!(Claude::words(&ran), explained);
    let seen = desk.provider.seen();
    let streams: Vec<_> = seen
        .iter()
        .map(|seen| seen.json()["stream"] == true)
        .collect();
    assert_eq!(streams, [true, false]);
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see."), Said::Text(explained)]);
    assert_eq!(desk.home.made(), [""; 0]);
}

/// It has failed, and says that a check could not be made.
async fn failed(desk: &Desk, ran: &Ran) {
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert_eq!(result(ran)["is_error"], true);
    could_not(&desk.sidecar, Claude::words(ran)).await;
}

#[tokio::test]
async fn a_call_that_could_not_be_judged_does_not_run_with_or_without_streaming() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![bash("toolu_A", &long())],
    })
    .await;
    let desk = Desk::new(provider, &format!("{POLICIES}\n{LITTLE}")).await;
    let ran = first(&desk).await;
    failed(&desk, &ran).await;
    assert_eq!(result(&ran)["api_error_status"], 451);
    // After an error event it has asked once more, without streaming, and no more after our status.
    let seen = desk.provider.seen();
    let streams: Vec<_> = seen
        .iter()
        .map(|seen| seen.json()["stream"] == true)
        .collect();
    assert_eq!(streams, [true, false]);
    assert_eq!(next(&desk, Claude::session(&ran)).await, []);
    requests(&desk.sidecar, 3).await;
    assert_eq!(desk.home.made(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_could_not_be_judged_behind_a_text_ends_the_turn() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Text("Let me see."), bash("toolu_A", &long())],
    })
    .await;
    let desk = Desk::new(provider, &format!("{POLICIES}\n{LITTLE}")).await;
    let ran = first(&desk).await;
    failed(&desk, &ran).await;
    // What has been shown is not asked for once more.
    assert_eq!(desk.provider.count(), 1);
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(said, [Said::text("Let me see.")]);
    assert_eq!(desk.home.made(), [""; 0]);
}

/// A call that is denied, where a policy only looks on: it has run. What the model was said to have said before.
async fn looked_on(mode: &str) -> (Ran, Vec<Said>) {
    let provider = thinking(|body| match has_results(body) {
        true => HELLO.to_vec(),
        false => vec![Say::Text("Let me see."), bash("toolu_A", DENIED)],
    })
    .await;
    let desk = Desk::new(provider, &in_mode(mode)).await;
    let ran = first(&desk).await.well();
    assert_eq!(Claude::words(&ran), "Hello there");
    assert_eq!(desk.home.made(), ["denied"]);
    let line = decision(&desk.sidecar).await;
    assert_eq!(
        (&line["outcome"], &line["mode"]),
        (&"block".into(), &mode.into())
    );
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 2);
    (ran, anthropic(&seen[1]))
}

#[tokio::test]
async fn who_observes_lets_the_call_run_and_says_nothing() {
    let (ran, said) = looked_on("observe").await;
    assert_eq!(Claude::texts(&ran), ["Let me see.", "Hello there"]);
    assert_eq!(said, [Said::text("Let me see."), Said::call("toolu_A")]);
}

#[tokio::test]
async fn who_warns_lets_the_call_run_behind_a_warning() {
    let (ran, said) = looked_on("warn").await;
    let texts = Claude::texts(&ran);
    let [_, warning, _] = texts[..] else {
        panic!("{texts:?}")
    };
    assert!(
        warning.starts_with("Luthien warns of the call of the tool `Bash` that follows"),
        "{warning}"
    );
    let expected = [
        Said::text("Let me see."),
        Said::text(warning),
        Said::call("toolu_A"),
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn what_is_added_for_the_person_is_taken_out_again_and_what_is_denied_is_not_offered() {
    let provider = thinking(|body| match is_next(body) {
        true => HELLO.to_vec(),
        false => vec![bash("toolu_A", DENIED)],
    })
    .await;
    let more = "  - { use: deny-tools, name: no-web, with: { tools: [WebSearch], offer: remove } }
  - { use: indicator, with: { words: watched } }";
    let settings =
        POLICIES
            .replace("[{ use", "\n  - { use")
            .replacen(" } }]", &format!(" }} }}\n{more}"), 1);
    let desk = Desk::new(provider, &settings).await;
    let ran = first(&desk).await.well();
    let explained = explanation(&desk, &ran).await;
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(
        explained.strip_suffix("\n\nwatched"),
        match &said[..] {
            [Said::Text(text)] => Some(text.as_str()),
            _ => None,
        }
    );
    for seen in desk.provider.seen() {
        let body = seen.json();
        let offers = |name| {
            body["tools"]
                .as_array()
                .unwrap()
                .iter()
                .any(|tool| tool["name"] == name)
        };
        assert!(offers("Bash") && !offers("WebSearch"), "{}", body["tools"]);
    }
}

#[tokio::test]
async fn dashes_are_plain_and_what_is_added_for_the_person_stands_at_the_very_end() {
    let provider = thinking(|body| match has_results(body) {
        _ if is_next(body) => HELLO.to_vec(),
        false => vec![Say::Text("First — a look."), bash("toolu_A", "touch one")],
        true => vec![Say::Text("Done — so:\n\n```\na — b\n```")],
    })
    .await;
    let policies =
        "policies: [{ use: plain-dashes }, { use: indicator, with: { words: watched } }]";
    let desk = Desk::new(provider, policies).await;
    let ran = first(&desk).await.well();
    let done = "Done - so:\n\n```\na — b\n```";
    assert_eq!(
        Claude::texts(&ran),
        ["First - a look.", &format!("{done}\n\nwatched")]
    );
    assert_eq!(desk.home.made(), ["one"]);
    // The model has written dashes, and reads what the person has seen, but for what was not its own.
    let said = next(&desk, Claude::session(&ran)).await;
    assert_eq!(
        said,
        [
            Said::text("First - a look."),
            Said::call("toolu_A"),
            Said::text(done)
        ]
    );
    assert!(!desk.provider.last().text().contains("watched"));
}
