use std::time::Duration;

use super::*;

/// Fails at every call in one way.
#[derive(Clone, Copy, Debug)]
enum Failing {
    Panics,
    Errs,
    Hangs,
    Nonsense,
}

impl Policy for Failing {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::CHANGES
    }

    async fn on_tool_call(&self, _: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        match self {
            Self::Panics => panic!("as it does"),
            Self::Errs => Err(PolicyError::new("no idea")),
            Self::Hangs => std::future::pending().await,
            Self::Nonsense => Ok(Verdict::Replace("not an object".to_owned())),
        }
    }
}

const WAYS: [(Failing, Failure); 4] = [
    (Failing::Panics, Failure::Panic),
    (Failing::Errs, Failure::Error),
    (Failing::Hangs, Failure::Late),
    (Failing::Nonsense, Failure::Invalid),
];

fn entry(failing: Failing, fail: Fail) -> Entry {
    Entry::new("p", failing)
        .with_fail(fail)
        .with_deadline(Duration::from_millis(50))
}

/// A reply with one call, whose arguments are an object.
fn one_call(dialect: Dialect) -> Bytes {
    match dialect {
        Dialect::Anthropic => {
            r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t","name":"Read","input":{"a":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#
        }
        Dialect::Chat => {
            r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"Read","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}"#
        }
        _ => {
            r#"{"id":"r","object":"response","created_at":1,"model":"m","status":"completed","output":[{"type":"function_call","id":"f","status":"completed","call_id":"t","name":"Read","arguments":"{\"a\":1}"}]}"#
        }
    }
    .into()
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_fails_closed_keeps_the_call_back() {
    for (failing, failure) in WAYS {
        for dialect in Dialect::ALL {
            let house = House::new(vec![entry(failing, Fail::Closed)]);
            let view = house.view_once(dialect, false, &one_call(dialect), 0).await;
            assert!(calls(&view).is_empty(), "{failing:?} {dialect}");
            assert!(text(&view).contains("a check that must pass first could not be made"));
            assert_eq!(house.noted.outcomes(), [Outcome::Failed(failure)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_fails_open_lets_it_pass_and_is_not_recorded_as_passed() {
    for (failing, failure) in WAYS {
        for (dialect, stream, reply) in everywhere() {
            let house = House::new(vec![entry(failing, Fail::Open)]);
            let script = if stream {
                Reply::events(&reply, 1)
            } else {
                Reply::json(&reply, 1)
            };
            let response = house.ask(dialect, stream, script).await;
            let view = check(dialect, stream, &response.into_body().unwrap()).unwrap();
            let mut before = check(dialect, stream, &reply).unwrap();
            let mut expected = vec![Outcome::Failed(failure); 2];
            if let (Failing::Nonsense, Dialect::Responses) = (failing, dialect) {
                // The second call is of a custom tool, whose input is any text.
                expected[1] = Outcome::Modify;
                let custom = before
                    .blocks
                    .iter_mut()
                    .find(|block| block.name.as_deref() == Some("apply_patch"));
                custom.unwrap().input = "not an object".to_owned();
            }
            assert_eq!(view, before, "{failing:?} {dialect}");
            assert_eq!(
                house.noted.outcomes(),
                expected,
                "{failing:?} {dialect} {stream}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_coverage_is_required_no_failure_is_open() {
    let settings = PolicySettings {
        coverage_required: true,
        ..PolicySettings::default()
    };
    for (failing, _) in WAYS {
        let house = House::with(vec![entry(failing, Fail::Open)], settings.clone());
        let view = house
            .view_once(Dialect::Chat, false, &one_call(Dialect::Chat), 0)
            .await;
        assert!(calls(&view).is_empty(), "{failing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_panics_over_and_over_is_closed_and_tried_again_later() {
    let house = House::new(vec![entry(Failing::Panics, Fail::Open)]);
    let reply = one_call(Dialect::Anthropic);
    for time in 1..=5 {
        let view = house.view_once(Dialect::Anthropic, false, &reply, 0).await;
        assert_eq!(calls(&view).is_empty(), time > 3, "{time}");
    }
    assert_eq!(
        house.noted.outcomes().last(),
        Some(&Outcome::Failed(Failure::Tripped))
    );
    tokio::time::advance(Duration::from_secs(61)).await;
    let view = house.view_once(Dialect::Anthropic, false, &reply, 0).await;
    assert_eq!(calls(&view), ["Read"]);
    assert_eq!(
        house.noted.outcomes().last(),
        Some(&Outcome::Failed(Failure::Panic))
    );
}

#[tokio::test]
async fn a_reply_that_is_longer_than_may_be_held_is_refused_or_passes_unseen_as_declared() {
    let settings = PolicySettings {
        held: 100,
        ..PolicySettings::default()
    };
    for (dialect, stream, reply) in everywhere() {
        let script = |seed| {
            if stream {
                Reply::events(&reply, seed)
            } else {
                Reply::json(&reply, seed)
            }
        };
        let open = Entry::new("p", blocking("read")).with_fail(Fail::Open);
        let house = House::with(vec![open], settings.clone());
        let response = house.ask(dialect, stream, script(1)).await;
        let view = check(dialect, stream, &response.into_body().unwrap());
        assert_eq!(
            view.unwrap(),
            check(dialect, stream, &reply).unwrap(),
            "{dialect} {stream}"
        );
        assert!(
            house
                .noted
                .outcomes()
                .contains(&Outcome::Failed(Failure::TooLarge))
        );

        let closed = Entry::new("p", blocking("nothing"));
        let house = House::with(vec![closed], settings.clone());
        let response = house.ask(dialect, stream, script(1)).await;
        if stream {
            let view = check(dialect, true, &response.into_body().unwrap()).unwrap();
            assert!(view.error.is_some() && calls(&view).is_empty(), "{dialect}");
        } else {
            assert!(response.status().is_client_error());
        }
    }
}

#[tokio::test]
async fn ambiguous_and_unreadable_replies_are_not_let_through() {
    let house = || House::new(vec![Entry::new("p", blocking("nothing"))]);
    let doubled = [
        (
            Dialect::Anthropic,
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\"content\":[{\"type\":\"tool_use\",\"name\":\"LEAK\"}]}}\n\n",
        ),
        (
            Dialect::Anthropic,
            "event: ping\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"name\":\"LEAK\"}}\n\n",
        ),
        (
            Dialect::Anthropic,
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[{\"type\":\"tool_use\",\"name\":\"LEAK\"}]}}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"choices\":[],\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"LEAK\"}}]}}]}\n\n",
        ),
        (Dialect::Chat, "data: {\"choices\": LEAK\n\n"),
        (
            Dialect::Responses,
            "data: {\"type\":\"response.created\",\"response\":{\"output\":[{\"type\":\"function_call\",\"name\":\"LEAK\"}]}}\n\n",
        ),
    ];
    for (dialect, stream) in doubled {
        let script = Reply::events(&stream.into(), 3);
        let response = house().ask(dialect, true, script).await;
        let got = response.into_body().unwrap();
        let got = String::from_utf8_lossy(&got);
        assert!(!got.contains("LEAK"), "{dialect}: {got}");
        assert!(got.contains("error"), "{dialect}: {got}");
    }
    for dialect in Dialect::ALL {
        for whole in [
            r#"{"content":[LEAK"#,
            r#"{"content":[],"content":["LEAK"]}"#,
            "",
        ] {
            let response = house()
                .ask(dialect, false, Reply::json(&whole.into(), 0))
                .await;
            assert_eq!(response.status(), 502, "{dialect} {whole}");
            assert!(!String::from_utf8_lossy(&response.into_body().unwrap()).contains("LEAK"));
        }
        let script = Reply::new(
            "text/plain",
            luthien_core::testing::ScriptedBody::of([Bytes::from("LEAK")]),
        );
        assert_eq!(house().ask(dialect, false, script).await.status(), 502);
    }
}

#[cfg(feature = "policies")]
#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_holds_and_the_operator_is_told_once() {
    use crate::policy::{Decide, Parallel, Severity, When, find, testing::Case};

    let deny = |when: &str| {
        let deny = find("deny-tools").unwrap();
        let deny = deny.build(&serde_json::json!({"tools": ["*"]})).unwrap();
        deny.with_condition(when.parse::<When>().unwrap())
    };
    let of_reviewers = |when: &str| {
        let review = Parallel::new(Decide::AnyBlock, vec![deny(when)]).unwrap();
        review.into_entry("deny-tools")
    };
    for when in ["tool.input.command == 'x'", "1 / size(session) == 1"] {
        for entry in [deny(when), of_reviewers(when)] {
            let seen = Case::of([entry])
                .reply_tool_call("a", serde_json::json!({}))
                .reply_tool_call("b", serde_json::json!({}))
                .run()
                .await;
            assert_eq!(seen.tool_calls(), [], "{when}");
            let [(Severity::Warning, told)] = seen.emitted() else {
                panic!("{when}: {:?}", seen.emitted());
            };
            let expected = "its condition cannot be evaluated, so it holds: ";
            assert!(told.starts_with(expected), "{when}: {told}");
        }
    }
}
