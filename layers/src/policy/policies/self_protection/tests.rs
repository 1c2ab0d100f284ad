//! The corpus, and what agents and operators are told.

use serde_json::{Value, json};

use super::Settings;
use crate::policy::{
    Outcome, find,
    policies::guard::corpus::measure,
    registry::Settings as _,
    testing::{Case, Seen},
};

/// As the sidecar adds it.
fn own() -> Value {
    json!({
        "pids": [4242],
        "files": ["/srv/proxy/config.yaml", "/srv/proxy/keys.json"],
        "addresses": ["127.0.0.1:8000"],
        "admin": ["127.0.0.1:8001"],
    })
}

#[test]
fn meddling_is_found_and_everyday_work_passes() {
    measure("self-protection", |with, call, place| {
        let with = if *with == json!({}) {
            own()
        } else {
            with.clone()
        };
        let settings: Settings = serde_json::from_value(with).unwrap();
        settings.policy().unwrap().find(call, place).is_some()
    });
}

async fn seen(tool: &str, input: Value) -> Seen {
    let entry = find("self-protection").unwrap().build(&own()).unwrap();
    Case::of([entry.with_system()])
        .reply_text("I try.")
        .reply_tool_call(tool, input)
        .run()
        .await
}

#[tokio::test]
async fn the_agent_is_told_to_leave_the_guard_alone_and_the_operator_what_it_tried() {
    let seen = seen("Bash", json!({"command": "X=luth; pkill -f ${X}ien"})).await;
    assert_eq!(seen.outcomes(), [Outcome::Block]);
    assert_eq!(seen.tool_calls(), []);
    let text = seen.text();
    assert!(
        text.contains("it meddles with the guard between you and the model"),
        "{text}"
    );
    let reasons: Vec<_> = seen
        .decisions()
        .iter()
        .map(|decision| decision.reason.to_string())
        .collect();
    assert_eq!(reasons.len(), 1);
    assert!(
        reasons[0].starts_with("stopped: process(kill_named luthien)"),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn questions_pass_as_they_came() {
    for command in [
        "luthien check",
        "curl -s http://127.0.0.1:8001/health",
        "tail -f /srv/proxy/log",
    ] {
        let input = json!({"command": command});
        let seen = seen("Bash", input.clone()).await;
        assert_eq!(seen.outcomes(), [Outcome::Allow], "{command}");
        assert_eq!(seen.tool_calls(), [("Bash".to_owned(), input)]);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"addresses": ["localhost"]}),
            "addresses[0]: expected an address with its port",
        ),
        (
            json!({"processes": ["x"]}),
            "processes[0]: it must have two letters at least",
        ),
        (json!({"port": 1}), "port: unknown field `port`"),
    ] {
        let built = find("self-protection").unwrap().build(&with);
        let error = built.map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(complaint), "{with}: {error}");
    }
}
