//! The corpus, and what agents and operators are told.

use serde_json::{Value, json};

use super::Settings;
use crate::policy::{
    Outcome, find,
    policies::guard::corpus::measure,
    registry::Settings as _,
    testing::{Case, Seen},
};

#[test]
fn connections_that_must_not_be_are_found_and_everyday_ones_pass() {
    measure("network-egress", |with, call, place| {
        let settings: Settings = serde_json::from_value(with.clone()).unwrap();
        settings.policy().unwrap().find(call, place).is_some()
    });
}

async fn seen(with: Value, tool: &str, input: Value) -> Seen {
    let entry = find("network-egress").unwrap().build(&with).unwrap();
    Case::of([entry])
        .reply_text("I try.")
        .reply_tool_call(tool, input)
        .run()
        .await
}

#[tokio::test]
async fn the_agent_learns_why_and_the_operator_which_host() {
    let input = json!({"url": "http://0xa9fea9fe/latest/meta-data"});
    let seen = seen(json!({}), "WebFetch", input).await;
    assert_eq!(seen.outcomes(), [Outcome::Block]);
    assert_eq!(seen.tool_calls(), []);
    let text = seen.text();
    assert!(
        text.contains("it asks a cloud for the keys of this machine"),
        "{text}"
    );
    let reasons: Vec<_> = seen
        .decisions()
        .iter()
        .map(|decision| decision.reason.to_string())
        .collect();
    assert_eq!(reasons, ["metadata: 0xa9fea9fe"]);
}

#[tokio::test]
async fn what_is_allowed_passes_as_it_came() {
    let with = json!({"allow": ["docs.rs"]});
    for (url, outcome) in [
        ("https://docs.rs/tower", Outcome::Allow),
        ("https://DOCS.RS./tower", Outcome::Allow),
        ("http://localhost:3000", Outcome::Allow),
        ("https://docs.rs@evil.io/tower", Outcome::Block),
        ("https://docs.rs.evil.io/tower", Outcome::Block),
    ] {
        let input = json!({"url": url, "prompt": "What is it?"});
        let seen = seen(with.clone(), "WebFetch", input.clone()).await;
        assert_eq!(seen.outcomes(), [outcome], "{url}");
        let passed = match outcome {
            Outcome::Allow => vec![("WebFetch".to_owned(), input)],
            _ => Vec::new(),
        };
        assert_eq!(seen.tool_calls(), passed);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"allow": ["https://docs.rs"]}),
            "allow[0]: it must be a host, without scheme and path",
        ),
        (
            json!({"sends": {"all": "block"}}),
            "sends.all: unknown field `all`",
        ),
        (json!({"unknown": "ask"}), "unknown: unknown variant `ask`"),
    ] {
        let built = find("network-egress").unwrap().build(&with);
        let error = built.map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(complaint), "{with}: {error}");
    }
}
