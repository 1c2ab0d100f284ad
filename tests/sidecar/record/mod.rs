//! What the binary records: on its embedded defaults, with PostgreSQL, and when it is killed.

mod cache_why;
mod cost;
mod coverage;
mod crash;
mod database;
mod faults;
mod forget;
mod html;
mod import;
mod kept;
mod replay;
mod retention;
mod transcripts;
mod verify;

use std::{ffi::OsStr, path::Path};

use serde_json::Value;

use crate::support::{
    client::ask,
    sidecar::{Sidecar, luthien},
    within,
};

/// Ends it in order, when all of the record is in its database.
async fn stop(sidecar: &mut Sidecar) {
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    // Without a record there is no such line.
    let is_behind = |told: &str| {
        let lag = told
            .lines()
            .find_map(|line| line.strip_prefix("luthien_record_lag_events "));
        lag.is_some_and(|lag| lag != "0")
    };
    let kept = async {
        while is_behind(ask(sidecar.admin, request).await.text()) {
            tokio::task::yield_now().await;
        }
    };
    within("all of it is kept", kept).await;
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
}

/// What a command prints, run in this folder. It must succeed.
async fn printed<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Vec<u8> {
    let mut command = luthien(folder);
    command.args(["--config", "luthien.yaml"]).args(args);
    let output = within("the command ends", command.output()).await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output.stdout
}

/// The same, as lines of JSON.
async fn lines<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Vec<Value> {
    let text = String::from_utf8(printed(folder, args).await).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
