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
