//! Why the provider's cache did not answer.

use serde_json::{Value, json};

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    provider::Provider,
    sidecar::Sidecar,
};

/// A provider that says of itself to have read and written so many tokens.
async fn caching() -> Provider {
    Provider::start(|asked, mut wire| async move {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let turn = body["messages"].as_array().unwrap().len();
        let (read, write) = if turn == 3 { (1000, 50) } else { (0, 1000) };
        let usage = json!({
            "input_tokens": 10, "output_tokens": 3,
            "cache_read_input_tokens": read, "cache_creation_input_tokens": write,
        });
        let said = json!({
            "type": "message", "id": "m", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn", "usage": usage,
            "content": [{ "type": "text", "text": format!("Answer {turn}.") }],
        });
        wire.json(200, said.to_string().as_bytes()).await?;
        Ok(Some(wire))
    })
    .await
}

/// A turn of a conversation: its messages, and what its tool says of itself.
fn turn(count: usize, tool: &str) -> Vec<u8> {
    let messages = (0..count).map(|at| {
        let mark = if at + 1 == count {
            json!({ "type": "ephemeral" })
        } else {
            Value::Null
        };
        let (role, text) = if at % 2 == 0 {
            ("user", format!("Question {at} about teh colour."))
        } else {
            ("assistant", format!("Answer {at}."))
        };
        let mut block = json!({ "type": "text", "text": text });
        if !mark.is_null() {
            block["cache_control"] = mark;
        }
        json!({ "role": role, "content": [block] })
    });
    let body = json!({
        "model": "claude-x", "max_tokens": 9,
        "tools": [{ "name": "Bash", "description": tool, "input_schema": { "type": "object" } }],
        "system": [{ "type": "text", "text": "Be brief about teh weather." }],
        "messages": messages.collect::<Vec<_>>(),
    });
    let headers = "x-api-key: sk-test\r\nx-claude-code-session-id: s-cache\r\n";
    post("/v1/messages", headers, body.to_string().as_bytes())
}

#[tokio::test]
async fn what_was_not_read_from_the_cache_is_explained_and_who_changed_it_is_named() {
    let provider = caching().await;
    let mut sidecar = Sidecar::before(&provider, "").await;
    for (count, tool) in [(1, "runs"), (3, "runs"), (5, "runs it")] {
        let response = ask(sidecar.agents, &turn(count, tool)).await;
        assert_eq!(response.status(), 200, "{}", response.text());
    }
    stop(&mut sidecar).await;
    let looked = lines(sidecar.folder.path(), ["cache-why", "s-ca", "--json"]).await;
    let why: Vec<_> = looked
        .iter()
        .map(|line| line["why"].as_str().unwrap())
        .collect();
    assert_eq!(why, ["first", "hit", "changed"]);
    assert_eq!(looked[1]["follows"], looked[0]["transaction_id"]);
    assert_eq!(looked[1]["cache_read_tokens"], 1000);
    let changed = &looked[2];
    assert_eq!(changed["path"], "tools[0].description");
    assert_eq!(changed["by"], "client");
    assert_eq!(changed["after"]["text"], " it\"");
    let shown = printed(sidecar.folder.path(), ["cache-why", "s-cache"]).await;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("tools[0].description"), "{shown}");
}

#[tokio::test]
async fn a_policy_that_edits_one_request_and_not_the_next_is_named() {
    let provider = caching().await;
    let spelling =
        "policies: [{ use: replace, name: spelling, with: { from: teh, to: the, in: request } }]";
    let home = tempfile::tempdir().unwrap();
    let place = [("HOME", home.path().to_str().unwrap())];
    let config = |settings: &str| {
        format!(
            "upstreams: {{ mock: {{ url: {} }} }}\n{settings}\n",
            provider.url()
        )
    };
    let folder = || tempfile::tempdir().unwrap();
    let mut before = Sidecar::start_in(folder(), &config(""), &place).await;
    assert_eq!(ask(before.agents, &turn(1, "runs")).await.status(), 200);
    stop(&mut before).await;
    let mut after = Sidecar::start_in(folder(), &config(spelling), &place).await;
    assert_eq!(ask(after.agents, &turn(5, "runs")).await.status(), 200);
    stop(&mut after).await;
    let database = home.path().join(".local/share/luthien/luthien.db");
    let database = format!("database=sqlite:{}", database.display());
    let args = ["cache-why", "s-cache", "--json", "--set", &database];
    let looked = lines(after.folder.path(), args).await;
    assert_eq!(looked.len(), 2);
    let changed = &looked[1];
    assert_eq!(changed["why"], "changed", "{changed}");
    assert_eq!(changed["path"], "system[0].text");
    assert_eq!(changed["by"], "policy");
    assert_eq!(changed["policies"], json!(["spelling"]));
    assert!(
        changed["after"]["text"]
            .as_str()
            .unwrap()
            .starts_with("he weather")
    );
}
