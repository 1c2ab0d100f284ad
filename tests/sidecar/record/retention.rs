//! `record.retention`: what is old goes by itself.

use std::fs;

use serde_json::Value;

use super::{lines, printed, stop};
use crate::support::{
    client::{ask, post},
    good::pair,
    sidecar::Sidecar,
    within,
};

const BODY: &str = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"Where do herons nest?"}],"stream":true}"#;

/// A sidecar that has recorded these sessions, and has ended.
async fn recorded(sessions: &[&str]) -> Sidecar {
    let (_provider, mut sidecar) = pair("").await;
    for session in sessions {
        let headers = format!("x-api-key: sk-test\r\nx-claude-code-session-id: {session}\r\n");
        let request = post("/v1/messages", &headers, BODY.as_bytes());
        assert_eq!(ask(sidecar.agents, &request).await.status(), 200);
    }
    stop(&mut sidecar).await;
    sidecar
}

/// Another, with the same database, that does not keep anything for long.
async fn forgetful(first: &Sidecar, archive: &str) -> Sidecar {
    let retention = format!("{{ conversations: 1ms, archive: {archive:?} }}");
    let config = format!(
        "upstreams: {{ mock: {{ url: 'http://127.0.0.1:1' }} }}\nrecord: {{ retention: {retention} }}\n"
    );
    let home = first.folder.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    Sidecar::start_in(folder, &config, &[("HOME", home)]).await
}

async fn left(sidecar: &Sidecar) -> Vec<Value> {
    let sessions = lines(sidecar.folder.path(), ["sessions", "--json"]).await;
    let names = sessions
        .into_iter()
        .map(|mut line| line["session_id"].take());
    names.collect()
}

#[tokio::test]
async fn what_is_old_is_archived_and_deleted_unless_it_is_held() {
    let first = recorded(&["s-herons", "s-owls", "s-held"]).await;
    let folder = first.folder.path();
    printed(folder, ["hold", "s-held"]).await;
    let exported = lines(
        folder,
        ["export", "--format", "jsonl", "s-herons", "s-owls"],
    )
    .await;
    let archive = folder.join("archive");
    let mut second = forgetful(&first, archive.to_str().unwrap()).await;
    within("it is deleted", async {
        while left(&first).await.len() > 1 {}
    })
    .await;
    assert_eq!(left(&first).await, ["s-held"]);
    let said = second
        .logged("what was deleted", |line| {
            line["message"].to_string().contains("are deleted")
        })
        .await;
    assert_eq!(said["exchanges"], 2);
    stop(&mut second).await;
    let mut archived = Vec::new();
    for file in fs::read_dir(&archive).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(path.extension().unwrap(), "jsonl");
        let text = fs::read_to_string(path).unwrap();
        archived.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    assert_eq!(archived, exported);
    assert_eq!(archived[0]["request"], BODY);
    let verified = printed(folder, ["log", "verify", "--json"]).await;
    let verified: Value = serde_json::from_slice(&verified).unwrap();
    assert!(verified["tombstones"].as_i64().unwrap() >= 4, "{verified}");
}

#[tokio::test]
async fn what_cannot_be_archived_is_not_deleted() {
    let first = recorded(&["s-herons"]).await;
    // There is a file where the folder should be.
    let archive = first.folder.path().join("archive");
    fs::write(&archive, "mine").unwrap();
    let mut second = forgetful(&first, archive.to_str().unwrap()).await;
    let said = second
        .logged("that it is not deleted", |line| line["level"] == "WARN")
        .await;
    assert!(said.to_string().contains("cannot be archived"), "{said}");
    stop(&mut second).await;
    assert_eq!(left(&first).await, ["s-herons"]);
    assert_eq!(fs::read_to_string(&archive).unwrap(), "mine");
}
