//! Transcripts of Claude Code come in.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    replies::{Dialect, request},
    sidecar::luthien,
    within,
};

/// A project of Claude Code: a session, and a sub-agent of it.
const PROJECT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/fixtures/transcripts/-home-ada-shop"
);
const SESSION: &str = "5b1e0c52-6a0e-4a55-9d0c-3f0e7c1a9b10";

/// What an import says, on both channels, and whether all could be read.
async fn imported(folder: &Path, args: &[&str]) -> (String, String, bool) {
    let mut command = luthien(folder);
    command
        .args(["--config", "luthien.yaml", "import"])
        .args(args);
    let output = within("the command ends", command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.success(),
    )
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("luthien.yaml"), "{}").unwrap();
    folder
}

/// The roles of a request's messages, each with the kinds of its blocks.
fn shape(line: &Value) -> Vec<(String, Vec<String>)> {
    let request: Value = serde_json::from_str(line["request"].as_str().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = request["messages"].as_array().unwrap().iter();
    let messages = messages.map(|message| {
        let blocks = message["content"].as_array().into_iter().flatten();
        (
            text(&message["role"]),
            blocks.map(|block| text(&block["type"])).collect(),
        )
    });
    messages.collect()
}

#[tokio::test]
async fn a_project_comes_in_once_and_a_broken_line_keeps_nothing_else_out() {
    let folder = folder();
    let folder = folder.path();
    for (new, known) in [(9, 0), (0, 9)] {
        let (said, errors, is_whole) = imported(folder, &[PROJECT]).await;
        let expected = format!("{new} exchanges taken in; {known} were there already.\n");
        assert!(said.starts_with(&expected), "{said}");
        let kinds = "1 attachment, 1 file-history-snapshot, 1 kind-of-tomorrow, 1 progress, 1 summary, 2 system";
        assert!(said.contains(kinds), "{said}");
        assert!(said.contains("1 line could not be read"), "{said}");
        assert!(
            errors.contains(&format!("{SESSION}.jsonl:18: ")),
            "{errors}"
        );
        assert!(!is_whole);
    }
    let sessions = lines(folder, ["sessions", "--json"]).await;
    let [session] = &*sessions else {
        panic!("{sessions:?}")
    };
    assert_eq!(session["session_id"], SESSION);
    assert_eq!(session["transactions"], 9);
    assert_eq!(session["client"], "claude-code transcript 2.1.330");
    assert_eq!(session["endings"], json!({ "ok": 8, "upstream_error": 1 }));
    assert!(
        session["preview"]
            .as_str()
            .unwrap()
            .starts_with("Why do the herons")
    );
    // All models have a price, and what failed costs nothing.
    assert!(session["cost_micros"].as_i64().unwrap() > 0);
    assert_eq!(session["unpriced"], 0);
    printed(folder, ["log", "verify"]).await;
}

#[tokio::test]
async fn exchanges_have_what_was_said_before_them_and_when() {
    let folder = folder();
    let folder = folder.path();
    imported(folder, &[PROJECT]).await;
    let exported = lines(folder, ["export", "--format", "jsonl"]).await;
    let by = |id: &str| {
        let is = |line: &&Value| {
            line["reply"]
                .as_str()
                .is_some_and(|reply| reply.contains(id))
        };
        exported.iter().find(is).unwrap()
    };
    let blocks = |role: &str, kinds: &[&str]| {
        (
            role.to_owned(),
            kinds
                .iter()
                .map(|kind| (*kind).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    // Calls in parallel are one message, and so are their answers.
    let first = [
        blocks("user", &["text", "image"]),
        blocks("assistant", &["thinking", "text", "tool_use", "tool_use"]),
        blocks("user", &["tool_result", "tool_result"]),
    ];
    assert_eq!(shape(by("msg_01A")), first[..1]);
    assert_eq!(shape(by("msg_01B")), first);
    let reply: Value = serde_json::from_str(by("msg_01A")["reply"].as_str().unwrap()).unwrap();
    assert_eq!(reply["content"][0]["signature"], "EqQBCgIYAhIkc2VhbGVk");
    assert_eq!(reply["stop_reason"], "tool_use");
    let line = by("msg_01A");
    assert_eq!(
        (&line["input_tokens"], &line["output_tokens"]),
        (&2412.into(), &96.into())
    );
    // 12 at $4, 2000 at $0.20, 400 for an hour at $8, 96 at $20.
    assert_eq!(line["cost_micros"], 48 + 400 + 3_200 + 1_920);
    assert_eq!(
        (&line["stream"], &line["dialect"]),
        (&false.into(), &"anthropic".into())
    );
    // 2026-11-28T10:00:00.150Z
    assert_eq!(line["started_at"], 1_795_860_000_150_000_i64);
    assert_eq!(line["duration_us"], 4_050_000);
    assert_eq!(line["calls"][0]["name"], "Read");
    assert_eq!(
        line["calls"][0]["result"],
        "The pond froze on Tuesday.\nHerons eat fish."
    );
    // A rewind is a branch, and a compaction begins anew.
    assert_eq!(shape(by("msg_01G")).len(), 5);
    assert_eq!(shape(by("msg_01F")), [blocks("user", &["text", "text"])]);
    // What went wrong between was told to no model.
    assert!(
        shape(by("msg_01D")).len() == 7
            && !by("msg_01D")["request"]
                .as_str()
                .unwrap()
                .contains("Overloaded")
    );
    // The sub-agent's are where they were asked.
    let ids: Vec<_> = exported.iter().map(|line| &line["started_at"]).collect();
    assert!(ids.is_sorted_by_key(|at| at.as_i64()), "{ids:?}");
    let agent = by("msg_01I");
    assert_eq!(
        (&agent["purpose"], &agent["agent"]),
        (&"sub_agent".into(), &"a7f3c2d1e".into())
    );
    let failed = exported
        .iter()
        .find(|line| line["ending"] == "upstream_error")
        .unwrap();
    assert_eq!(
        (&failed["status"], &failed["reason"]),
        (&529.into(), &"overloaded".into())
    );

    let text = async |args: &[&str]| String::from_utf8(printed(folder, args).await).unwrap();
    assert!(text(&["search", "cannot fish"]).await.contains(SESSION));
    let shown = text(&["show", "5b1e"]).await;
    for said in [
        "calls Bash",
        "The notes may tell",
        "a7f3c2d1e",
        "cost",
        "open water",
        "upstream_error",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    // Nobody has judged them, and that is said.
    let report = lines(folder, ["coverage", "--json"]).await.remove(0);
    assert_eq!(
        (&report["exchanges"], &report["untold"]),
        (&9.into(), &9.into())
    );
    assert_eq!(
        report["kinds"]["tool_call"]["not_judged"],
        json!({ "untold": 4 })
    );
}

#[tokio::test]
async fn what_went_through_the_sidecar_is_not_there_twice() {
    let (_provider, mut sidecar) = pair("").await;
    let headers = "x-api-key: sk\r\nx-claude-code-session-id: s-live\r\n";
    let asked = post("/v1/messages", headers, &request(Dialect::Anthropic, true));
    assert_eq!(ask(sidecar.agents, &asked).await.status(), 200);
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let live = lines(folder, ["export", "--format", "jsonl"])
        .await
        .remove(0);
    // As Claude Code writes it, with an earlier reply that went past the sidecar.
    let at = |micros: i64| {
        let seconds = live["ended_at"].as_i64().unwrap() / 1_000_000 + micros / 1_000_000;
        let time = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        time.format(&time::format_description::well_known::Rfc3339)
            .unwrap()
    };
    let line = |uuid: &str, parent: &str, at: &str, kind: &str, message: Value| {
        json!({ "uuid": uuid, "parentUuid": parent, "sessionId": "s-live", "timestamp": at, "type": kind, "message": message }).to_string()
    };
    let reply = |id: &str| {
        json!({ "id": id, "role": "assistant", "model": "claude-opus-5-5", "content": [{ "type": "text", "text": id }],
            "usage": { "input_tokens": 12, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 2000, "output_tokens": 88 } })
    };
    let user = json!({ "role": "user", "content": "go" });
    let hour = 3_600_000_000;
    let transcript = [
        line("u1", "", &at(-hour), "user", user.clone()),
        line("a1", "u1", &at(-hour), "assistant", reply("msg_before")),
        line("u2", "a1", &at(0), "user", user),
        line("a2", "u2", &at(1_000_000), "assistant", reply("msg_live")),
    ];
    fs::write(folder.join("s-live.jsonl"), transcript.join("\n")).unwrap();
    let (said, errors, is_whole) = imported(folder, &["s-live.jsonl"]).await;
    assert!(is_whole, "{errors}");
    assert!(
        said.contains("1 exchange taken in; 0 were there already."),
        "{said}"
    );
    assert!(
        said.contains("1 exchange left out: the sidecar has recorded the same."),
        "{said}"
    );
}

#[tokio::test]
async fn the_form_is_found_out_or_said() {
    let folder = folder();
    let folder = folder.path();
    let notes = folder.join("notes");
    fs::create_dir(&notes).unwrap();
    fs::write(notes.join("other.jsonl"), "{\"a\":1}\n").unwrap();
    fs::write(notes.join("empty.jsonl"), "").unwrap();
    fs::write(notes.join("versions.jsonl"), "{\"version\":3}\n").unwrap();
    fs::write(notes.join("readme.txt"), "no").unwrap();
    let (said, _, is_whole) = imported(folder, &["notes"]).await;
    assert!(is_whole && said.contains("3 files left out"), "{said}");
    let (_, errors, is_whole) = imported(folder, &["notes/other.jsonl"]).await;
    assert!(
        !is_whole && errors.contains("notes/other.jsonl:1: this is neither"),
        "{errors}"
    );
    let (_, errors, is_whole) =
        imported(folder, &["--format", "claude-code", "notes/other.jsonl"]).await;
    assert!(
        !is_whole && errors.contains("notes/other.jsonl:1: it says of no kind"),
        "{errors}"
    );
    let agent = format!("{PROJECT}/{SESSION}/subagents/agent-a7f3c2d1e.jsonl");
    // What was exported of it comes in elsewhere, along with it.
    let (said, errors, is_whole) = imported(folder, &[&agent]).await;
    assert!(
        is_whole && said.starts_with("2 exchanges taken in"),
        "{said}{errors}"
    );
    let exported = printed(folder, ["export", "--format", "jsonl"]).await;
    fs::write(folder.join("exported.jsonl"), exported).unwrap();
    let (said, errors, is_whole) = imported(folder, &["exported.jsonl", &agent]).await;
    assert!(
        is_whole && said.starts_with("0 exchanges taken in; 4 were"),
        "{said}{errors}"
    );
}
