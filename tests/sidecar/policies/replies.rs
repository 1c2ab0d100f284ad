//! What clients get.

use super::{NO_READING, other_call, seen};
use crate::support::{
    client::ask,
    good::{goes_on, pair},
    replies::{Dialect, asked, recorded, request},
    sidecar::Sidecar,
};

#[tokio::test]
async fn a_refused_call_is_gone_is_explained_and_the_other_one_arrives() {
    let (provider, sidecar) = pair(NO_READING).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            assert_eq!(response.status(), 200);
            assert_eq!(provider.last().body, request(dialect, stream));
            let (text, calls) = seen(dialect, stream, &response.body).await;
            assert_eq!(calls, [other_call(dialect)], "{dialect} {stream}");
            assert!(text.starts_with("Let me look."), "{dialect}: {text}");
            assert!(text.contains("Luthien blocked"), "{dialect}: {text}");
            assert!(text.contains("Decision d-"), "{dialect}: {text}");
            assert!(!response.text().contains("a.txt"), "{}", response.text());
        }
    }
}

#[tokio::test]
async fn a_turn_of_which_no_call_is_left_is_over() {
    let all = "policies: [{ use: deny-tools, with: { tools: ['*'] } }]";
    let (_provider, sidecar) = pair(all).await;
    for (dialect, before, after) in [
        (
            Dialect::Anthropic,
            r#""tool_use""#,
            r#""stop_reason":"end_turn""#,
        ),
        (
            Dialect::Chat,
            r#""tool_calls""#,
            r#""finish_reason":"stop""#,
        ),
        (
            Dialect::Responses,
            r#""function_call""#,
            r#""status":"completed""#,
        ),
    ] {
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            let (text, calls) = seen(dialect, stream, &response.body).await;
            assert_eq!(calls, [""; 0], "{dialect} {stream}");
            assert_eq!(text.matches("Luthien blocked").count(), 2, "{text}");
            let reply = response.text();
            assert!(!reply.contains(before), "{dialect} {stream}: {reply}");
            assert!(reply.contains(after), "{dialect} {stream}: {reply}");
        }
    }
}

/// Everything arrives as it was sent. (Where one event of Chat speaks of two choices, and the calls of one of them wait to
/// be judged, the same is said in two events.)
async fn all_passes(sidecar: &Sidecar) {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let sent = recorded(dialect, stream);
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            if dialect == Dialect::Chat && stream {
                let (got, sent) = (
                    seen(dialect, stream, &response.body).await,
                    seen(dialect, stream, &sent).await,
                );
                assert_eq!(got, sent);
            } else {
                assert!(
                    response.body == sent,
                    "{dialect} {stream}: {}",
                    response.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_allowed_arrives_as_it_was_sent() {
    let none = "policies: [{ use: deny-tools, with: { tools: [nothing] } }, { use: noop }]";
    let (_provider, sidecar) = pair(none).await;
    all_passes(&sidecar).await;
}

/// The line about what a policy in this mode would have refused.
async fn would_be(sidecar: &Sidecar, mode: &str) {
    let decision = |line: &serde_json::Value| {
        line["message"] == "decision" && line["mode"] == mode && line["outcome"] == "block"
    };
    let line = sidecar.logged("what it would have done", decision).await;
    assert_eq!(line["applied"], false);
}

#[tokio::test]
async fn who_only_observes_changes_nothing() {
    let watching = NO_READING.replace("{ use", "{ mode: observe, use");
    let (_provider, sidecar) = pair(&watching).await;
    all_passes(&sidecar).await;
    would_be(&sidecar, "observe").await;
}

#[tokio::test]
async fn who_is_in_the_shadow_changes_no_byte() {
    let watching = NO_READING.replace("{ use", "{ mode: shadow, use");
    let (provider, sidecar) = pair(&watching).await;
    goes_on(&provider, &sidecar).await;
    would_be(&sidecar, "shadow").await;
}

#[tokio::test]
async fn who_warns_lets_the_call_through_behind_a_warning() {
    let warning = NO_READING.replace("{ use", "{ mode: warn, use");
    let (_provider, sidecar) = pair(&warning).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            let (text, calls) = seen(dialect, stream, &response.body).await;
            assert_eq!(calls.len(), 2, "{dialect} {stream}");
            assert!(text.contains("Luthien warns"), "{dialect}: {text}");
        }
    }
}

#[tokio::test]
async fn a_condition_says_where_a_policy_applies() {
    for (condition, holds) in [
        (r#"model.startsWith("mock-")"#, true),
        (r#"model.startsWith("claude-")"#, false),
        (r#"tool.name.matches("^[Rr]ead$")"#, true),
        (r#"tool.name == "Write""#, false),
        (r#"path == "/v1/batches""#, false),
    ] {
        let when = format!("{{ when: '{condition}', use");
        let (_provider, sidecar) = pair(&NO_READING.replace("{ use", &when)).await;
        for dialect in Dialect::ALL {
            let response = ask(sidecar.agents, &asked(dialect, true)).await;
            let (_, calls) = seen(dialect, true, &response.body).await;
            assert_eq!(
                calls.len(),
                if holds { 1 } else { 2 },
                "{dialect}: {condition}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_goes_up_as_the_policies_have_left_it() {
    let replace = "policies: [{ use: replace, with: { from: hello, to: goodbye, in: request } }]";
    let (provider, sidecar) = pair(replace).await;
    for dialect in Dialect::ALL {
        let response = ask(sidecar.agents, &asked(dialect, true)).await;
        assert_eq!(response.body, recorded(dialect, true));
        let sent = String::from_utf8(request(dialect, true).to_vec()).unwrap();
        assert_eq!(provider.last().text(), sent.replace("hello", "goodbye"));
    }
}

#[tokio::test]
async fn a_later_policy_sees_what_an_earlier_one_has_made_of_it() {
    let chain = "policies:
  - { use: replace, with: { from: look, to: search, in: reply } }
  - { use: replace, name: second, with: { from: search, to: wait, in: reply } }";
    let (_provider, sidecar) = pair(chain).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            let (text, calls) = seen(dialect, stream, &response.body).await;
            assert!(
                text.starts_with("Let me wait."),
                "{dialect} {stream}: {text}"
            );
            assert_eq!(calls.len(), 2);
        }
    }
}
