//! `luthien log verify`.

use std::process::Output;

use serde_json::Value;

use super::{
    database::{postgres, sql},
    stop,
};
use crate::support::{
    client::ask,
    good::pair,
    replies::{Dialect, asked},
    sidecar::{Sidecar, luthien},
    within,
};

async fn verify(sidecar: &Sidecar, args: &[&str]) -> Output {
    let mut command = luthien(sidecar.folder.path());
    command
        .args(["--config", "luthien.yaml", "log", "verify"])
        .args(args);
    within("the command ends", command.output()).await.unwrap()
}

#[tokio::test]
async fn the_record_is_verified_and_the_first_break_is_named() {
    let url = postgres("luthien_sidecar_verify");
    let (_provider, mut sidecar) = pair(&format!("database: {url}")).await;
    for dialect in Dialect::ALL {
        let response = ask(sidecar.agents, &asked(dialect, true)).await;
        assert_eq!(response.status(), 200);
    }
    stop(&mut sidecar).await;
    let output = verify(&sidecar, &[]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1);
    assert!(
        said.starts_with("The record is what was recorded"),
        "{said}"
    );
    let output = verify(&sidecar, &["--json"]).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["first_break"].is_null(), "{found}");
    assert!(found["events"].as_i64().unwrap() >= 6, "{found}");
    sql(
        &url,
        "UPDATE conversation_events SET payload = hash WHERE link_number = 3",
    );
    for args in [&["--json"][..], &[]] {
        let output = verify(&sidecar, args).await;
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().count(), 1);
        assert!(said.contains('3') && said.contains("its text"), "{said}");
    }
}

#[tokio::test]
async fn checkpoints_are_signed_and_show_what_was_made_anew() {
    let url = postgres("luthien_sidecar_signed");
    let settings = format!(
        "database: {url}\nrecord: {{ signing_key: key.pem, checkpoints: checkpoints.jsonl }}"
    );
    let (_provider, mut sidecar) = pair(&settings).await;
    for dialect in Dialect::ALL {
        let response = ask(sidecar.agents, &asked(dialect, true)).await;
        assert_eq!(response.status(), 200);
    }
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let mode = std::fs::metadata(folder.join("key.pem")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600);
    let public = std::fs::read_to_string(folder.join("key.pem.pub")).unwrap();
    let output = verify(&sidecar, &["--json"]).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["first_break"].is_null(), "{found}");
    assert_eq!(found["checkpoints"], 1);
    let other = "0".repeat(64);
    let output = verify(&sidecar, &["--key", &other]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("signed by another key"), "{said}");
    // The last event goes, and everything in the database that tells of it.
    for statement in [
        "UPDATE spool_positions SET last_link = last_link - 1, last_hash = \
         (SELECT hash FROM conversation_events WHERE link_number = last_link - 1)",
        "DELETE FROM conversation_events WHERE link_number = (SELECT max(link_number) FROM conversation_events)",
        "DELETE FROM checkpoints",
    ] {
        sql(&url, statement);
    }
    let output = verify(&sidecar, &["--key", public.trim()]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("it was signed"), "{said}");
}
