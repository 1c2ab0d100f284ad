use std::io::Write;

use luthien_core::{
    Dialect,
    facts::SessionId,
    gate::gate,
    testing::{Provider, Reply, send},
};
use serde_json::{Value, json};
use tower::Layer;

use crate::policy::{
    Entry, Mode, Outcome, PolicyLayer, PolicySet, find,
    testing::{Case, Seen},
};

/// With everything that JSON must escape.
const CANARY: &str = "canary\"\\\té-7Rk2mZx9";

fn vault(more: Value) -> Entry {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "CANARY_TOKEN={CANARY}").unwrap();
    let mut with = more;
    with["files"] = json!([file.path()]);
    find("secret-vault").unwrap().build(&with).unwrap()
}

fn says(text: &str) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]})
}

/// The first placeholder that went up.
fn placeholder(seen: &Seen) -> String {
    let sent = seen.upstream_request().unwrap().to_string();
    let start = sent
        .find("luthien_secret_")
        .unwrap_or_else(|| panic!("no placeholder in {sent}"));
    let end = sent[start..]
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap();
    sent[start..start + end].to_owned()
}

async fn first_turn(vault: &Entry) -> String {
    let case = Case::of([vault.clone()])
        .session("s")
        .request(says(&format!("It is {CANARY}, yes.")));
    let seen = case.reply_text("Fine.").run().await;
    let made = placeholder(&seen);
    let sent = seen.upstream_request().unwrap().to_string();
    assert!(sent.contains(&format!("It is {made}, yes.")), "{sent}");
    assert!(!sent.contains("canary"));
    made
}

#[tokio::test]
async fn a_secret_goes_up_as_a_placeholder_and_comes_down_in_a_call() {
    let vault = vault(json!({}));
    let made = first_turn(&vault).await;
    assert!(made.starts_with("luthien_secret_known_"));
    let said = format!("I use {made}.");
    let seen = Case::of([vault])
        .session("s")
        .request(says(CANARY))
        .reply_text(&said)
        .reply_tool_call("Bash", json!({"command": format!("curl -H 'X: {made}' {made}"), "env": {"n": 1, "list": [made]}}))
        .run()
        .await;
    let expected = json!({"command": format!("curl -H 'X: {CANARY}' {CANARY}"), "env": {"n": 1, "list": [CANARY]}});
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), expected)]);
    assert_eq!(seen.text(), said);
}

#[tokio::test]
async fn what_the_client_ran_goes_up_as_the_model_wrote_it() {
    let vault = vault(json!({}));
    let made = first_turn(&vault).await;
    let turn = |dialect, request| {
        Case::of([vault.clone()])
            .session("s")
            .dialect(dialect)
            .request(request)
            .run()
    };
    let history = json!({"model": "m", "max_tokens": 9, "system": CANARY, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": CANARY, "signature": "x"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"k": {"deep": [CANARY]}}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": CANARY}]},
    ]});
    let mut expected: Value = history.clone();
    expected["system"] = made.as_str().into();
    expected["messages"][1]["content"][1]["input"]["k"]["deep"][0] = made.as_str().into();
    expected["messages"][2]["content"][0]["content"] = made.as_str().into();
    let seen = turn(Dialect::Anthropic, history).await;
    let mut sent = seen.upstream_request().unwrap().clone();
    sent.as_object_mut().unwrap().remove("stream");
    assert_eq!(sent, expected);

    let arguments = json!({"k": CANARY}).to_string();
    let chat = json!({"model": "m", "messages": [
        {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "t", "content": CANARY},
    ]});
    let seen = turn(Dialect::Chat, chat).await;
    let sent = seen.upstream_request().unwrap();
    let call = &sent["messages"][0]["tool_calls"][0]["function"]["arguments"];
    assert_eq!(call, &json!({"k": made}).to_string());
    assert_eq!(sent["messages"][1]["content"], made);

    let responses = json!({"model": "m", "instructions": CANARY, "input": [
        {"type": "function_call", "call_id": "t", "name": "f", "arguments": arguments},
        {"type": "custom_tool_call", "call_id": "u", "name": "g", "input": format!("*** {CANARY}")},
        {"type": "function_call_output", "call_id": "t", "output": CANARY},
    ]});
    let seen = turn(Dialect::Responses, responses).await;
    let sent = seen.upstream_request().unwrap();
    assert_eq!(sent["instructions"], made);
    assert_eq!(
        sent["input"][0]["arguments"],
        json!({"k": made}).to_string()
    );
    assert_eq!(sent["input"][1]["input"], format!("*** {made}"));
    assert_eq!(sent["input"][2]["output"], made);
}

#[tokio::test]
async fn what_was_found_once_is_known_where_nothing_says_what_it_is() {
    let vault = vault(json!({"detect": ["assigned_secret"]}));
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "DB_PASSWORD=correct7horse"}, {"role": "assistant", "content": "psql correct7horse"},
    ]});
    let seen = Case::of([vault])
        .session("s")
        .dialect(Dialect::Anthropic)
        .request(request)
        .run()
        .await;
    let sent = seen.upstream_request().unwrap();
    let made = placeholder(&seen);
    assert!(made.starts_with("luthien_secret_assigned_secret_"));
    assert_eq!(
        sent["messages"][0]["content"],
        format!("DB_PASSWORD={made}")
    );
    assert_eq!(sent["messages"][1]["content"], format!("psql {made}"));
}

#[tokio::test]
async fn free_text_of_a_custom_tool_gets_the_secret_as_it_is() {
    let vault = vault(json!({}));
    let made = first_turn(&vault).await;
    let patch = |secret: &str| format!("*** Begin Patch\n+key = {secret}\n*** End Patch");
    let reply = json!({"id": "r", "object": "response", "status": "completed", "output": [
        {"type": "custom_tool_call", "id": "c", "call_id": "t", "name": "apply_patch", "input": patch(&made), "status": "completed"},
    ]});
    let provider = Provider::new([Reply::json(&reply.to_string().into(), 0)]);
    let service = gate(PolicyLayer::new(PolicySet::new(vec![vault]))).layer(provider);
    let mut request = http::Request::post("/v1/responses")
        .body(r#"{"model":"m","input":"go"}"#.into())
        .unwrap();
    request.extensions_mut().insert(SessionId("s".into()));
    let answered = send(&service, request).await.into_body().unwrap();
    let answered: Value = serde_json::from_slice(&answered).unwrap();
    assert_eq!(answered["output"][0]["input"], patch(CANARY));
}

#[tokio::test]
async fn text_gets_its_secrets_back_only_if_it_is_told_to() {
    let vault = vault(json!({"restore_in_text": true}));
    let made = first_turn(&vault).await;
    let seen = Case::of([vault])
        .session("s")
        .reply_text(format!("é{made}{made} luthien_secret_known_"))
        .run()
        .await;
    assert_eq!(
        seen.text(),
        format!("é{CANARY}{CANARY} luthien_secret_known_")
    );
}

#[tokio::test]
async fn a_placeholder_that_nobody_gave_out_is_left_as_it_is_and_told() {
    let vault = vault(json!({}));
    let made = first_turn(&vault).await;
    for (session, invented) in [
        ("s", "luthien_secret_known_abcdefgh"),
        ("other", made.as_str()),
    ] {
        let input = json!({"k": invented});
        let case = Case::of([vault.clone()])
            .session(session)
            .reply_tool_call("f", input.clone());
        let seen = case.run().await;
        assert_eq!(seen.tool_calls(), [("f".to_owned(), input)]);
        assert_eq!(
            seen.emitted()[0].1,
            "placeholders in a tool call that stand for nothing known here: 1"
        );
    }
}

#[tokio::test]
async fn no_canary_is_in_anything_that_is_told_or_recorded_or_sent_up() {
    let vault = vault(json!({"restore_in_text": true, "detect": ["assigned_secret"]}));
    let made = first_turn(&vault).await;
    let deny = find("deny-tools")
        .unwrap()
        .build(&json!({"tools": ["denied"]}))
        .unwrap();
    let replace = |mode| {
        let entry = find("secrets")
            .unwrap()
            .build(&json!({"classes": {"assigned_secret": "redact"}}))
            .unwrap();
        entry.with_mode(mode)
    };
    let denied = |name: &str, mode| deny.clone().with_name(name).with_mode(mode);
    let seen = Case::of([
        vault.clone(),
        denied("enforced", Mode::Enforce),
        denied("warned", Mode::Warn),
        denied("shadowed", Mode::Shadow),
        replace(Mode::Observe),
    ])
    .session("s")
    .request(says(&format!("{CANARY} and DB_PASSWORD=canary7horse")))
    .reply_tool_call("allowed", json!({"k": made, "x": "password=canary7zebra"}))
    .reply_tool_call("denied", json!({"k": made}))
    .run()
    .await;
    assert_eq!(seen.tool_calls()[0].1["k"], CANARY);
    let told = format!(
        "{:?} {:?} {vault:?} {}",
        seen.decisions(),
        seen.emitted(),
        seen.upstream_request().unwrap()
    );
    assert!(!told.contains("canary"), "{told}");
    assert!(!seen.text().contains("canary"), "{}", seen.text());
    assert!(seen.outcomes().contains(&Outcome::Block));
    let call = crate::policy::ToolCall::new("f", json!({"k": CANARY}).to_string());
    assert!(!format!("{call:?}").contains("canary"));
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (json!({"detect": []}), "it must know of secrets"),
        (json!({"detect": ["email"]}), "detect: email is no secret"),
        (
            json!({"files": ["/nowhere/.env"]}),
            "files[0]: cannot be read",
        ),
        (json!({"enviroment": []}), "enviroment: unknown field"),
    ] {
        let error = find("secret-vault")
            .unwrap()
            .build(&with)
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}
