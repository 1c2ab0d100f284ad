//! `luthien forget` and `luthien hold`.

use std::process::{Output, Stdio};

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    http1::Message,
    sidecar::{Sidecar, luthien},
    within,
};

/// A command, with nobody there who could be asked.
async fn run(sidecar: &Sidecar, args: &[&str]) -> Output {
    let mut command = luthien(sidecar.folder.path());
    command.args(["--config", "luthien.yaml"]).args(args);
    command.stdin(Stdio::null());
    within("the command ends", command.output()).await.unwrap()
}

const SYSTEM: &str = "You watch birds, and you tell what you see. ";

fn body(words: &str) -> String {
    let system = SYSTEM.repeat(20);
    format!(
        r#"{{"model":"claude-x","max_tokens":9,"system":"{system}","messages":[{{"role":"user","content":"{words}"}}],"stream":true}}"#
    )
}

async fn said(sidecar: &Sidecar, session: &str, words: &str) -> Message {
    let headers = format!("x-api-key: sk-test\r\nx-claude-code-session-id: {session}\r\n");
    let request = post("/v1/messages", &headers, body(words).as_bytes());
    let response = ask(sidecar.agents, &request).await;
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn a_session_is_forgotten_unless_it_is_held() {
    let (_provider, mut sidecar) = pair("").await;
    said(&sidecar, "s-herons", "Where do the herons nest?").await;
    said(&sidecar, "s-owls", "Where do the owls nest?").await;
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let names = async || {
        let sessions = lines(folder, ["sessions", "--json"]).await;
        let names = sessions.iter().map(|line| line["session_id"].to_string());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.join(" ")
    };
    for (args, expected) in [
        (&["forget", "s-herons"][..], "`--yes`"),
        (&["forget", "s-her", "--yes"], "no session is called"),
        (
            &["forget", "s-herons", "nobody", "--yes"],
            "no session is called",
        ),
        (&["hold", "nobody"], "no session is called"),
        (&["hold", "s-herons", "--off"], "is not held"),
    ] {
        let output = run(&sidecar, args).await;
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && errors.contains(expected),
            "{args:?}: {errors}"
        );
    }
    assert!(run(&sidecar, &["hold", "s-herons"]).await.status.success());
    assert_eq!(printed(folder, ["hold"]).await, b"s-herons\n");
    let output = run(&sidecar, &["forget", "s-owls", "s-herons", "--yes"]).await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("luthien hold s-herons --off"));
    assert_eq!(names().await, r#""s-herons" "s-owls""#);
    assert!(
        run(&sidecar, &["hold", "s-herons", "--off"])
            .await
            .status
            .success()
    );
    let forgotten = printed(folder, ["forget", "s-herons", "--yes"]).await;
    let forgotten = String::from_utf8(forgotten).unwrap();
    assert!(
        forgotten.starts_with("s-herons is forgotten: 1 exchanges"),
        "{forgotten}"
    );
    assert_eq!(names().await, r#""s-owls""#);
    let found = lines(folder, ["search", "--json", "nest"]).await;
    assert_eq!(found.len(), 1);
    let verified = printed(folder, ["log", "verify", "--json"]).await;
    let verified: serde_json::Value = serde_json::from_slice(&verified).unwrap();
    assert!(verified["tombstones"].as_i64().unwrap() >= 2, "{verified}");
    let database = std::fs::read(folder.join(".local/share/luthien/luthien.db")).unwrap();
    for (word, is_there) in [("herons", false), ("owls", true)] {
        let found = memchr::memmem::find(&database, word.as_bytes());
        assert_eq!(found.is_some(), is_there, "{word}");
    }
}

#[tokio::test]
async fn while_it_is_recorded_too_and_what_comes_again_is_whole() {
    let (_provider, mut sidecar) = pair("").await;
    // Of a session that is there when another is begun, the prompt and the tools are not written twice.
    said(&sidecar, "s-herons", "Where do the herons nest?").await;
    let there = async || {
        let sessions = lines(sidecar.folder.path(), ["sessions", "--json"]).await;
        sessions
            .iter()
            .any(|line| line["session_id"] == "s-herons" && !line["endings"]["ok"].is_null())
    };
    within("it is in the database", async { while !there().await {} }).await;
    printed(sidecar.folder.path(), ["forget", "s-herons", "--yes"]).await;
    let is_whole = async || {
        let response = said(&sidecar, "s-owls", "Where do the herons nest?").await;
        let id = response.header("x-luthien-request-id").unwrap();
        let shown = async || run(&sidecar, &["show", id, "--bytes", "request"]).await;
        let kept = async || {
            run(&sidecar, &["show", id, "--json"])
                .await
                .status
                .success()
        };
        within("it is in the database", async { while !kept().await {} }).await;
        shown().await.stdout == body("Where do the herons nest?").as_bytes()
    };
    within("what was forgotten is written anew", async {
        while !is_whole().await {}
    })
    .await;
    stop(&mut sidecar).await;
    let output = run(&sidecar, &["log", "verify"]).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
