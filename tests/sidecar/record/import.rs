//! What was exported comes in again, elsewhere.

use std::fs;

use serde_json::Value;

use super::{lines, printed, stop};
use crate::support::{
    client::ask,
    good::pair,
    replies::{Dialect, asked},
    sidecar::luthien,
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
