//! What was said can be found, shown and exported, byte for byte.

use std::fs;

use serde_json::Value;

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    http1::Message,
    provider::{Provider, Wire},
    replies::{Dialect, asked, recorded, request},
    sidecar::Sidecar,
};

fn id(response: &Message) -> &str {
    response.header("x-luthien-request-id").unwrap()
}

#[tokio::test]
async fn every_dialect_is_kept_byte_for_byte_on_embedded_defaults() {
    let (_provider, mut sidecar) = pair("").await;
    let mut asked_for = Vec::new();
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            assert_eq!(response.status(), 200);
            asked_for.push((dialect, stream, id(&response).to_owned()));
        }
    }
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    for (dialect, stream, id) in &asked_for {
        let bytes = async |what| printed(folder, ["show", id.as_str(), "--bytes", what]).await;
        assert_eq!(bytes("request").await, request(*dialect, *stream));
        assert_eq!(bytes("sent-request").await, request(*dialect, *stream));
        assert_eq!(bytes("reply").await, recorded(*dialect, *stream));
        assert_eq!(bytes("received-reply").await, recorded(*dialect, *stream));
    }
    let exported = lines(folder, ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), asked_for.len());
    for (dialect, stream, id) in &asked_for {
        let of = |line: &&Value| line["transaction_id"] == id.as_str();
        let line = exported.iter().find(of).unwrap();
        assert_eq!(
            (&line["version"], &line["ending"]),
            (&1.into(), &"ok".into())
        );
        let text = |name: &str| line[name].as_str().unwrap().as_bytes();
        assert_eq!(text("request"), request(*dialect, *stream));
        assert_eq!(text("reply"), recorded(*dialect, *stream));
        assert!(line["received_reply"].is_null() && line["sent_request"].is_null());
    }
    // What a client shows who it is by is nowhere.
    let database = fs::read(folder.join(".local/share/luthien/luthien.db")).unwrap();
    assert!(memchr::memmem::find(&database, b"sk-test").is_none());
}

#[tokio::test]
async fn a_conversation_is_listed_found_and_shown() {
    let (_provider, mut sidecar) = pair("").await;
    let body = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"Where do the \u001b[31m herons nest?"}],"stream":true}"#;
    let headers =
        "x-api-key: sk-test\r\nx-claude-code-session-id: s-herons\r\nuser-agent: agent/2\r\n";
    let asked = post("/v1/messages", headers, body.as_bytes());
    assert_eq!(ask(sidecar.agents, &asked).await.status(), 200);
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let text = async |args: &[&str]| String::from_utf8(printed(folder, args).await).unwrap();
    let listed = text(&["sessions"]).await;
    assert!(
        listed.contains("s-herons") && listed.contains("herons nest?"),
        "{listed}"
    );
    let [session] = &*lines(
        folder,
        ["sessions", "--json", "--since", "1h", "--model", "claude-x"],
    )
    .await
    else {
        panic!("{listed}");
    };
    assert_eq!(session["session_id"], "s-herons");
    assert_eq!(session["client"], "agent/2");
    assert!(session["output_tokens"].as_i64().unwrap() > 0);
    for (args, count) in [
        (["sessions", "--json", "--verdict", "block"], 0),
        (["sessions", "--json", "--ending", "ok"], 1),
        (["sessions", "--json", "--text", "herons nest"], 1),
        (["sessions", "--json", "--text", "herons fly"], 0),
        (["sessions", "--json", "--until", "2020-01-01"], 0),
    ] {
        assert_eq!(lines(folder, args).await.len(), count, "{args:?}");
    }
    assert!(text(&["search", "heron*"]).await.contains("s-herons"));
    let shown = text(&["show", "s-her"]).await;
    assert!(
        shown.contains("**user**") && shown.contains("**assistant**"),
        "{shown}"
    );
    // What was said does not move anybody's cursor.
    assert!(!shown.contains('\u{1b}') && shown.contains("herons nest?"));
    let markdown = text(&["export", "s-herons"]).await;
    assert!(markdown.contains("herons nest?"));
    let exported: Value =
        serde_json::from_str(&text(&["export", "--format", "json"]).await).unwrap();
    assert_eq!(
        exported["sessions"][0]["turns"][0]["messages"][1]["is_reply"],
        true
    );
}

#[tokio::test]
async fn what_policies_refuse_is_kept_as_it_came_and_as_it_went() {
    let (_provider, mut sidecar) =
        pair("policies: [{ use: deny-tools, with: { tools: ['*'] } }]").await;
    let response = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    let id = id(&response).to_owned();
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let bytes = async |what| printed(folder, ["show", id.as_str(), "--bytes", what]).await;
    assert_eq!(bytes("reply").await, response.body);
    assert_eq!(
        bytes("received-reply").await,
        recorded(Dialect::Anthropic, true)
    );
    assert_ne!(bytes("reply").await, bytes("received-reply").await);
    let shown = printed(folder, ["show", id.as_str(), "--json"]).await;
    let exchange: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(exchange["ending"], "blocked");
    assert_eq!(exchange["decisions"][0]["policy"], "deny-tools");
    assert_eq!(exchange["decisions"][0]["outcome"], "block");
    let events = exchange["events"].as_array().unwrap();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names.first(), Some(&"request_received"));
    assert!(names.contains(&"policies_covered") && names.contains(&"ended"));
    let listed = lines(folder, ["sessions", "--json", "--verdict", "block"]).await;
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn refusals_and_errors_are_kept_too() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"later"}}"#;
    let provider = Provider::saying(529, "content-type: application/json\r\n", error).await;
    let mut sidecar = Sidecar::before(&provider, "limits: { messages: 3 }").await;
    let much = r#"{"model":"m","messages":[1,2,3,4]}"#;
    for asked in [
        asked(Dialect::Anthropic, true),
        post("/v1/messages", "x-api-key: sk\r\n", much.as_bytes()),
    ] {
        assert!(ask(sidecar.agents, &asked).await.status() >= 400);
    }
    stop(&mut sidecar).await;
    let exported = lines(sidecar.folder.path(), ["export", "--format", "jsonl"]).await;
    let mut endings: Vec<_> = exported
        .iter()
        .map(|line| line["ending"].as_str().unwrap())
        .collect();
    endings.sort_unstable();
    assert_eq!(endings, ["shed", "upstream_error"]);
}

#[tokio::test]
async fn nothing_is_kept_if_that_is_said() {
    let (_provider, mut sidecar) = pair("database: none").await;
    assert_eq!(
        ask(sidecar.agents, &asked(Dialect::Chat, true))
            .await
            .status(),
        200
    );
    stop(&mut sidecar).await;
    assert!(!sidecar.folder.path().join(".local").exists());
}

#[tokio::test]
async fn two_sidecars_of_one_user_share_a_database() {
    let (provider, mut first) = pair("").await;
    let home = first.folder.path().to_str().unwrap().to_owned();
    let other = tempfile::tempdir().unwrap();
    let config = format!("upstreams: {{ mock: {{ url: {} }} }}\n", provider.url());
    let mut second = Sidecar::start_in(other, &config, &[("HOME", &home)]).await;
    for sidecar in [&first, &second] {
        let response = ask(sidecar.agents, &asked(Dialect::Chat, true)).await;
        assert_eq!(response.status(), 200);
    }
    stop(&mut first).await;
    stop(&mut second).await;
    let exported = lines(first.folder.path(), ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), 2);
}

#[tokio::test]
async fn secrets_are_taken_out_before_anything_is_written_and_nobody_else_misses_them() {
    let key = format!("AKIA{}", "QYLPMN5HFIQR7XYA");
    let secret = key.clone();
    // The model says it in two pieces, so that no event holds it.
    let provider = Provider::start(move |request: Message, mut wire: Wire| {
        let (first, second) = secret.split_at(9);
        let event = |text: &str| format!("data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n");
        let reply = format!(
            "data: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\",\"model\":\"m\",\"role\":\"assistant\",\"content\":[]}}}}\n\n\
             data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n{}{}\
             data: {{\"type\":\"content_block_stop\",\"index\":0}}\n\ndata: {{\"type\":\"message_stop\"}}\n\n",
            event(&format!("It is {first}")),
            event(&format!("{second}, as you said.")),
        );
        async move {
            assert!(!request.body.is_empty());
            wire.streamed([reply.into_bytes()]).await?;
            Ok(Some(wire))
        }
    })
    .await;
    let mut sidecar = Sidecar::before(&provider, "record: { redact: [secrets] }").await;
    let body = format!(
        r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"my key is {key}, remember it"}}]}}"#
    );
    let got = ask(
        sidecar.agents,
        &post("/v1/messages", "x-api-key: sk-test\r\n", body.as_bytes()),
    )
    .await;
    let (first, second) = key.split_at(9);
    assert!(got.text().contains(first) && got.text().contains(second));
    assert_eq!(provider.last().text(), body);
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let exported = lines(folder, ["export", "--format", "jsonl"]).await;
    let [line] = &exported[..] else {
        panic!("{exported:?}")
    };
    let text = line.to_string();
    assert!(!text.contains(&key) && !text.contains(second), "{text}");
    // The same key is recognised by the same mark.
    let marks: Vec<_> = text
        .match_indices("[redacted:")
        .map(|(at, _)| &text[at..at + 40])
        .collect();
    let mark = marks[0].split(']').next().unwrap();
    assert!(
        marks.len() > 1 && marks.iter().all(|other| other.starts_with(mark)),
        "{marks:?}"
    );
    assert_eq!(
        line["events"][0]["payload"]
            .as_str()
            .unwrap()
            .matches("\"redacted\":true")
            .count(),
        1
    );
}
