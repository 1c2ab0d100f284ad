//! Killed again and again under load: what a client has seen the end of is there, once, and whole.
//!
//! `scripts/crash` does it more often than is done here.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{database::postgres, lines};
use crate::support::{
    client::{Client, post},
    good::reply,
    provider::Provider,
    replies::{Dialect, recorded},
    sidecar::Sidecar,
    within,
};

/// How often it is killed, unless the environment says otherwise.
const TIMES: usize = 4;
const CLIENTS: usize = 8;

fn times() -> usize {
    let times = std::env::var("LUTHIEN_CRASHES");
    times.map_or(TIMES, |times| {
        times.parse().expect("a number in LUTHIEN_CRASHES")
    })
}

/// Exchanges of which a client has seen the end, and what it had asked.
type Acknowledged = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// Asks one thing after the other until the sidecar is gone.
async fn ask(at: std::net::SocketAddr, client: usize, cycle: usize, seen: Acknowledged) {
    let mut connection = Client::connect(at).await;
    for number in 0.. {
        let said = format!("cycle {cycle}, client {client}, number {number}");
        let body = format!(
            r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"{said}"}}]}}"#
        );
        let request = post("/v1/messages", "x-api-key: sk-test\r\n", body.as_bytes());
        if connection.write(&request).await.is_err() {
            return;
        }
        let Ok(response) = connection.read.response(false).await else {
            return;
        };
        let (response, end) = response;
        let expected = recorded(Dialect::Anthropic, true);
        if end.is_err() || response.body != expected {
            return;
        }
        let id = response.header("x-luthien-request-id").unwrap().to_owned();
        let before = seen.lock().unwrap().insert(id, body.into_bytes());
        assert!(before.is_none(), "two exchanges have one name");
    }
}

async fn cycles(database: &str, folder: &TempDir) -> Acknowledged {
    let provider = Provider::start(reply).await;
    let spool = folder.path().join("spool");
    let settings = format!(
        "database: {database}\nrecord: {{ spool: {} }}",
        spool.display()
    );
    let seen = Acknowledged::default();
    for cycle in 0..times() {
        let mut sidecar = Sidecar::before(&provider, &settings).await;
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(ask(sidecar.agents, client, cycle, seen.clone()));
        }
        // Somewhere in the middle of it: after so many more, which is another moment each time.
        let enough = seen.lock().unwrap().len() + 20 + cycle * 37 % 90;
        within("clients are answered", async {
            while seen.lock().unwrap().len() < enough {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        sidecar.signal("KILL");
        assert!(!sidecar.ended().await.unwrap().success());
        within("clients notice", async {
            while clients.join_next().await.is_some() {}
        })
        .await;
    }
    // Once more, so that the spool is taken over, and to an end.
    let mut sidecar = Sidecar::before(&provider, &settings).await;
    std::fs::copy(sidecar.config_file(), folder.path().join("luthien.yaml")).unwrap();
    within("the spool is taken over", async {
        while segments(&spool) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
    seen
}

/// How many files a spool has: one is written, all others wait to be taken over.
fn segments(spool: &Path) -> usize {
    let files = std::fs::read_dir(spool.join("0")).unwrap();
    let names = files.map(|file| file.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().ends_with(".spool"))
        .count()
}

#[allow(
    clippy::print_stdout,
    reason = "the count is what `scripts/crash` is run for"
)]
async fn check(folder: &TempDir, seen: Acknowledged) {
    let seen = seen.lock().unwrap().clone();
    let mut found = HashMap::new();
    for line in lines(folder.path(), ["export", "--format", "jsonl"]).await {
        let id = line["transaction_id"].as_str().unwrap().to_owned();
        match found.entry(id) {
            Entry::Vacant(place) => place.insert(line),
            Entry::Occupied(place) => panic!("{} is there twice", place.key()),
        };
    }
    let expected = recorded(Dialect::Anthropic, true);
    for (id, request) in &seen {
        let line = found.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(line["ending"], "ok");
        assert_eq!(line["request"].as_str().unwrap().as_bytes(), request);
        assert_eq!(line["reply"].as_str().unwrap().as_bytes(), expected);
        let events = line["events"].as_array().unwrap();
        let ends = events
            .iter()
            .filter(|event| event["event"] == "ended")
            .count();
        assert_eq!(ends, 1);
    }
    println!(
        "killed {} times: {} acknowledged, 0 lost, 0 twice",
        times(),
        seen.len()
    );
}

#[tokio::test]
async fn killed_with_sqlite_it_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("luthien.db");
    let seen = cycles(&format!("sqlite:{}", file.display()), &folder).await;
    check(&folder, seen).await;
    let program = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone()[0])";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(&file)
        .output();
    assert_eq!(
        String::from_utf8(output.unwrap().stdout).unwrap().trim(),
        "ok"
    );
}

#[tokio::test]
async fn killed_with_postgresql_it_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let seen = cycles(&postgres("luthien_sidecar_crash"), &folder).await;
    check(&folder, seen).await;
}
