use luthien_core::Dialect;
use serde_json::{Value, json};

use crate::policy::{
    Entry, Outcome, Phase, find,
    testing::{Case, Seen},
};

fn secrets(with: &Value) -> Entry {
    find("secrets").unwrap().build(with).unwrap()
}

/// What looks like a key and is none: put together here, so that no scanner takes it for one.
fn key() -> String {
    ["sk_", "live_", "q7Rk2mZx9LpT4vWnB3cD8fGh"].concat()
}

fn armoured() -> String {
    let line = "q7Rk2mZx9LpT4vWnB3cD8fGhJ5kM6nPq".repeat(2);
    let body = vec![line; 400].join("\n");
    format!(
        "-----BEGIN {0}-----\n{body}\n-----END {0}-----",
        "PRIVATE KEY"
    )
}

fn messages(content: &str) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]})
}

async fn sent(with: &Value, request: Value, dialect: Dialect) -> Value {
    let case = Case::of([secrets(with)]).dialect(dialect).request(request);
    case.run().await.upstream_request().unwrap().clone()
}

#[tokio::test]
async fn what_a_person_says_goes_up_without_its_secrets() {
    let seen = Case::of([secrets(&json!({}))])
        .request(messages(&format!("use {} please", key())))
        .reply_text("Yes.")
        .run()
        .await;
    let sent = seen.upstream_request().unwrap().to_string();
    assert!(sent.contains("use [redacted:stripe_key] please"), "{sent}");
    assert!(!sent.contains(&key()));
    assert_eq!(seen.decisions()[0].outcome, Outcome::Modify);
    assert_eq!(seen.emitted().len(), 1);
    assert_eq!(seen.emitted()[0].1, "redacted stripe_key in requests: 1");
}

#[tokio::test]
async fn every_other_byte_of_a_request_stays_where_it_was() {
    let key = key();
    let history = json!({"model": "m", "max_tokens": 9, "big": 12345678901234567890_u64, "system": format!("it is {key}"), "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": format!("{key} é \u{1F600}"), "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": key}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": key, "signature": key}, {"type": "text", "text": key},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"k": key}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "text", "text": format!("TOKEN={key}")}, {"type": "image", "source": {"type": "base64", "data": key}},
        ]}]},
    ], "tools": [{"name": "f", "description": key, "input_schema": {"type": "object"}}]});
    let mark = "[redacted:stripe_key]";
    let mut expected = history.clone();
    expected["system"] = format!("it is {mark}").into();
    expected["messages"][0]["content"][0]["text"] = format!("{mark} é \u{1F600}").into();
    expected["messages"][2]["content"][0]["content"][0]["text"] = format!("TOKEN={mark}").into();
    let mut up = sent(&json!({}), history.clone(), Dialect::Anthropic).await;
    up.as_object_mut().unwrap().remove("stream");
    assert_eq!(up, expected);

    let results_only = sent(
        &json!({"in": ["tool_results"]}),
        history,
        Dialect::Anthropic,
    )
    .await;
    assert_eq!(results_only["system"], format!("it is {key}"));
    assert_eq!(results_only["messages"][2], expected["messages"][2]);
}

#[tokio::test]
async fn results_of_tools_are_looked_through_in_every_dialect() {
    let text = format!("API_KEY={}", key());
    let chat = json!({"model": "m", "messages": [
        {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "t", "content": text},
    ]});
    let up = sent(&json!({}), chat, Dialect::Chat).await;
    assert_eq!(
        up["messages"][1]["content"],
        "API_KEY=[redacted:stripe_key]"
    );
    let responses = json!({"model": "m", "input": [
        {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t", "output": text},
        {"type": "custom_tool_call_output", "call_id": "u", "output": [{"type": "input_text", "text": text}]},
    ]});
    let up = sent(&json!({}), responses, Dialect::Responses).await;
    assert_eq!(up["input"][1]["output"], "API_KEY=[redacted:stripe_key]");
    assert_eq!(
        up["input"][2]["output"][0]["text"],
        "API_KEY=[redacted:stripe_key]"
    );
}

#[tokio::test]
async fn a_history_that_is_sent_again_is_redacted_alike() {
    let entry = secrets(&json!({}));
    let first = format!("the key is {}", key());
    let turn = |messages: Value| {
        let case = Case::of([entry.clone()])
            .dialect(Dialect::Anthropic)
            .session("s");
        case.request(json!({"model": "m", "max_tokens": 9, "messages": messages}))
            .run()
    };
    let one = turn(json!([{"role": "user", "content": first}])).await;
    let two = turn(json!([{"role": "user", "content": first}, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "on"}])).await;
    let prefix = |seen: &Seen| seen.upstream_request().unwrap()["messages"][0].to_string();
    assert_eq!(prefix(&one), prefix(&two));
}

#[tokio::test]
async fn what_was_told_of_a_conversation_is_not_told_again() {
    let case = Case::of([secrets(&json!({"action": "flag"}))])
        .request(messages(&key()))
        .session("s");
    assert_eq!(case.times(3).run().await.emitted(), []);
    let fresh = Case::of([secrets(&json!({"action": "flag"}))]).request(messages(&key()));
    let seen = fresh.run().await;
    assert_eq!(seen.emitted()[0].1, "flagged stripe_key in requests: 1");
    assert!(
        seen.upstream_request()
            .unwrap()
            .to_string()
            .contains(&key())
    );
}

#[tokio::test]
async fn text_is_redacted_while_it_flows_wherever_it_is_cut() {
    let said = format!(
        "Your key is {} and your file is\n{}\nEnd.",
        key(),
        armoured()
    );
    let seen = Case::of([secrets(&json!({}))]).reply_text(said).run().await;
    assert_eq!(
        seen.text(),
        "Your key is [redacted:stripe_key] and your file is\n[redacted:private_key]\nEnd."
    );
    assert_eq!(seen.outcomes(), [Outcome::Allow, Outcome::Modify]);
    let told: Vec<_> = seen
        .emitted()
        .iter()
        .map(|(_, message)| message.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "redacted stripe_key in replies: 1",
            "redacted private_key in replies: 1"
        ]
    );
}

#[tokio::test]
async fn arguments_of_calls_are_redacted_and_stay_json() {
    let seen = Case::of([secrets(&json!({}))])
        .reply_tool_call(
            "write",
            json!({"text": format!("a \"{}\"\n", key()), "n": 1, "list": [key(), 7.5]}),
        )
        .run()
        .await;
    let mark = "[redacted:stripe_key]";
    let expected = json!({"text": format!("a \"{mark}\"\n"), "n": 1, "list": [mark, 7.5]});
    assert_eq!(seen.tool_calls(), [("write".to_owned(), expected)]);
    let decision = &seen.decisions()[1];
    assert_eq!(
        (decision.phase, decision.outcome),
        (Phase::ToolCall, Outcome::Modify)
    );
    assert!(decision.before.is_none() && decision.after.is_none());
}

#[tokio::test]
async fn what_must_not_pass_is_blocked_and_shown_to_nobody() {
    let block = json!({"classes": {"stripe_key": "block"}});
    let seen = Case::of([secrets(&block)])
        .reply_text(format!("It is {}.", key()))
        .reply_tool_call("write", json!({"text": key()}))
        .run()
        .await;
    assert!(seen.tool_calls().is_empty());
    let text = seen.text();
    assert!(text.contains("Luthien blocked a call of the tool `write`: it holds what looks like a secret (stripe_key)."), "{text}");
    assert!(
        text.contains("Luthien blocked what the model wrote"),
        "{text}"
    );
    assert!(!seen.body().contains(&key()) && !format!("{:?}", seen.decisions()).contains(&key()));

    let seen = Case::of([secrets(&block)])
        .request(messages(&key()))
        .run()
        .await;
    assert!(seen.upstream_request().is_none());
    assert!(
        seen.text().contains(
            "Luthien blocked this request: it holds what looks like a secret (stripe_key)."
        )
    );
    assert_eq!(&*seen.decisions()[0].reason, "stripe_key in requests: 1");
}

#[tokio::test]
async fn policies_behind_it_record_nothing_of_what_it_objected_to() {
    let caps = || {
        find("deny-tools")
            .unwrap()
            .build(&json!({"tools": ["write"]}))
            .unwrap()
    };
    let call = json!({"text": key()});
    let seen = Case::of([secrets(&json!({})), caps()])
        .reply_tool_call("write", call.clone())
        .run()
        .await;
    assert!(
        seen.decisions()
            .iter()
            .all(|decision| decision.before.is_none()),
        "{:?}",
        seen.decisions()
    );
    assert!(!seen.text().contains("text"), "{}", seen.text());
    let alone = Case::of([caps()])
        .reply_tool_call("write", call)
        .run()
        .await;
    assert!(alone.decisions()[0].before.is_some());
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"classes": {"email": "flag"}}),
            "classes.email: this policy is not about email",
        ),
        (
            json!({"classes": {"aws": "flag"}}),
            "classes: unknown variant `aws`",
        ),
        (json!({"action": "hide"}), "action: unknown variant `hide`"),
        (json!({"in": []}), "in: it must name at least one place"),
        (
            json!({"action": "off"}),
            "classes: it must look for something",
        ),
    ] {
        let error = find("secrets")
            .unwrap()
            .build(&with)
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}
