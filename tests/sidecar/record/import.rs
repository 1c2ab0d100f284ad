//! What was exported comes in again, elsewhere.

use std::fs;

use serde_json::Value;

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    provider::Provider,
    replies::{Dialect, asked, recorded},
    sidecar::{Sidecar, luthien},
    within,
};

/// A line without what belongs to who has written it: its chain of hashes.
fn without_chain(mut line: Value) -> Value {
    for event in line["events"].as_array_mut().unwrap() {
        for name in ["writer", "link_number", "hash"] {
            event[name] = Value::Null;
        }
    }
    line
}

#[tokio::test]
async fn what_was_exported_comes_in_as_it_was_once() {
    let (_provider, mut sidecar) = pair(
        "policies: [{ use: deny-tools, with: { tools: ['*'] } }, { use: replace, with: { from: a, to: e, in: request } }]",
    )
    .await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            ask(sidecar.agents, &asked(dialect, stream)).await;
        }
    }
    stop(&mut sidecar).await;
    let here = sidecar.folder.path();
    let file = printed(here, ["export", "--format", "jsonl"]).await;
    let before = lines(here, ["export", "--format", "jsonl"]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let there = elsewhere.path();
    fs::write(there.join("luthien.yaml"), "{}").unwrap();
    fs::write(there.join("all.jsonl"), &file).unwrap();
    for (new, known) in [(6, 0), (0, 6)] {
        let said = printed(there, ["import", "all.jsonl"]).await;
        let expected = format!("{new} exchanges taken in; {known} were there already.\n");
        assert_eq!(String::from_utf8(said).unwrap(), expected);
        let after = lines(there, ["export", "--format", "jsonl"]).await;
        let all = |lines: &[Value]| lines.iter().cloned().map(without_chain).collect::<Vec<_>>();
        assert_eq!(all(&after), all(&before));
    }
    // The chain that they have there is sound.
    printed(there, ["log", "verify"]).await;
}

#[tokio::test]
async fn what_is_no_export_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.jsonl"), "\n{\"version\":7}\n").unwrap();
    let mut command = luthien(folder.path());
    command.args(["import", "other.jsonl"]);
    let output = within("the command ends", command.output()).await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("other.jsonl:2: this is no line of"), "{said}");
}

#[tokio::test]
async fn what_is_not_to_be_recorded_is_taken_out_of_what_comes_in() {
    let key = format!("AKIA{}", "QX7J2MPL4ZW6TR5V");
    let reply = String::from_utf8(recorded(Dialect::Anthropic, true).to_vec()).unwrap();
    // In two pieces of one text.
    let text = reply.split("\"text_delta\",\"text\":\"").nth(1).unwrap();
    let text = text.split('"').next().unwrap();
    let (first, second) = key.split_at(9);
    let delta = |text: &str| format!("\"text_delta\",\"text\":\"{text}\"");
    let event = |text: &str| {
        let events = reply.split_inclusive("\n\n");
        let mut events = events.filter(|event| event.contains(&delta(text)));
        events.next().unwrap().to_owned()
    };
    let whole = event(text);
    let cut =
        [first, &format!("{second}, ")].map(|piece| whole.replace(&delta(text), &delta(piece)));
    let reply = reply.replacen(&whole, &cut.concat(), 1);
    let provider = Provider::saying(
        200,
        "content-type: text/event-stream\r\n",
        reply.into_bytes(),
    )
    .await;
    let mut sidecar = Sidecar::before(&provider, "").await;
    let body = format!(
        r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"my key is {key}"}}]}}"#
    );
    let asked = post("/v1/messages", "x-api-key: sk\r\n", body.as_bytes());
    assert_eq!(ask(sidecar.agents, &asked).await.status(), 200);
    stop(&mut sidecar).await;
    let here = sidecar.folder.path();
    let file = printed(here, ["export", "--format", "jsonl"]).await;
    assert!(memchr::memmem::find(&file, second.as_bytes()).is_some());
    let elsewhere = tempfile::tempdir().unwrap();
    let there = elsewhere.path();
    fs::write(there.join("luthien.yaml"), "record: { redact: [secrets] }").unwrap();
    let message = |role: &str| serde_json::json!({ "id": "m1", "role": role, "model": "m", "content": [{ "type": "text", "text": format!("it is {key}") }] });
    let line = |uuid: &str, parent: &str, role: &str| {
        serde_json::json!({ "type": role, "uuid": uuid, "parentUuid": parent, "sessionId": "s",
            "timestamp": "2026-11-28T10:00:00Z", "message": message(role) })
        .to_string()
    };
    let transcript = [line("u", "", "user"), line("a", "u", "assistant")].join("\n");
    fs::write(there.join("all.jsonl"), &file).unwrap();
    fs::write(there.join("session.jsonl"), transcript).unwrap();
    printed(there, ["import", "all.jsonl", "session.jsonl"]).await;
    let exported = lines(there, ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), 2);
    for line in exported {
        let text = line.to_string();
        assert!(!text.contains(&key) && !text.contains(second), "{text}");
        for part in ["request", "reply"] {
            assert!(
                line[part].as_str().unwrap().contains("[redacted:"),
                "{text}"
            );
        }
        // Of its request and of its reply.
        assert_eq!(text.matches("\\\"redacted\\\":true").count(), 2, "{text}");
    }
    printed(there, ["log", "verify"]).await;
}
