//! Databases that are away, and PostgreSQL.

use std::{process::Command, time::Instant};

use super::lines;
use crate::support::{
    client::ask,
    good::pair,
    provider::Provider,
    replies::{Dialect, asked, recorded},
    sidecar::{Sidecar, luthien},
    within,
};

/// A database of its own, on the server that `scripts/test` has started.
pub(super) fn postgres(name: &str) -> String {
    let server = std::env::var("LUTHIEN_TEST_POSTGRES");
    let server = server.expect("there is no PostgreSQL: run scripts/test");
    for statement in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        sql(&server, &statement);
    }
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Does something to a database behind everybody's back.
pub(super) fn sql(url: &str, statement: &str) {
    let psql = "psql=$(ls -d /usr/lib/postgresql/*/bin/psql | tail -1); \"$psql\" --no-psqlrc --quiet \"$0\" --command \"$1\"";
    let done = Command::new("sh")
        .args(["-c", psql, url, statement])
        .status();
    assert!(done.unwrap().success());
}

#[tokio::test]
async fn postgresql_keeps_the_same() {
    let url = postgres("luthien_sidecar_keeps");
    let (_provider, mut sidecar) = pair(&format!("database: {url}")).await;
    for dialect in Dialect::ALL {
        assert_eq!(
            ask(sidecar.agents, &asked(dialect, true)).await.status(),
            200
        );
    }
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
    let exported = lines(sidecar.folder.path(), ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), 3);
    for dialect in Dialect::ALL {
        let line = exported
            .iter()
            .find(|line| line["dialect"] == dialect.name())
            .unwrap();
        assert_eq!(
            line["reply"].as_str().unwrap().as_bytes(),
            recorded(dialect, true)
        );
    }
    assert!(
        !sidecar
            .folder
            .path()
            .join(".local/share/luthien/luthien.db")
            .exists()
    );
}

#[tokio::test]
async fn a_database_that_is_away_when_we_start_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = luthien(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--set"]);
    command.arg("database=postgres://luthien:${PASSWORD}@127.0.0.1:1/luthien");
    command.env("PASSWORD", "correct-horse");
    let start = Instant::now();
    let output = within("it ends", command.output()).await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("database=none"), "{said}");
    assert!(!said.contains("correct-horse"), "{said}");
    // Not for ever: the promise is five seconds, and a slow machine is no reason to fail.
    assert!(start.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let text = "These are my notes, and no database. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    let mut command = luthien(folder.path());
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--set"]);
    command.arg(format!("database=sqlite:{}", file.display()));
    let output = within("it ends", command.output()).await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("damaged, or no database"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn while_the_database_is_away_nobody_waits_and_nothing_is_lost() {
    let url = postgres("luthien_sidecar_away");
    let server: std::net::SocketAddr = url
        .rsplit_once('@')
        .and_then(|(_, place)| place.split_once('/'))
        .and_then(|(place, _)| place.parse().ok())
        .unwrap();
    // Between the sidecar and its database, so that it can be taken away.
    let door = Door::open(server).await;
    let place = url.replace(&server.to_string(), &door.address.to_string());
    let provider = Provider::start(crate::support::good::reply).await;
    let mut sidecar = Sidecar::before(&provider, &format!("database: {place}")).await;
    let request = asked(Dialect::Anthropic, true);
    assert_eq!(ask(sidecar.agents, &request).await.status(), 200);
    door.shut();
    for _ in 0..20 {
        assert_eq!(ask(sidecar.agents, &request).await.status(), 200);
    }
    sidecar
        .logged("that the database is away", |line| {
            line["level"] == "WARN" && line.to_string().contains("waits in the spool")
        })
        .await;
    door.reopen();
    sidecar
        .logged("that it is back", |line| {
            line["message"] == "the record is kept again"
        })
        .await;
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
    let exported = lines(sidecar.folder.path(), ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), 21);
    assert!(exported.iter().all(|line| line["ending"] == "ok"));
}

/// A way to somewhere that can be shut: then nothing goes through, and nobody new gets in.
struct Door {
    address: std::net::SocketAddr,
    is_open: tokio::sync::watch::Sender<bool>,
    _task: tokio::task::JoinSet<()>,
}

impl Door {
    async fn open(to: std::net::SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_open, watching) = tokio::sync::watch::channel(true);
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (mut inner, _) = listener.accept().await.unwrap();
                let mut watching = watching.clone();
                if !*watching.borrow_and_update() {
                    continue;
                }
                open.spawn(async move {
                    let mut outer = tokio::net::TcpStream::connect(to).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
                        _ = watching.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self {
            address,
            is_open,
            _task: task,
        }
    }

    fn shut(&self) {
        self.is_open.send_replace(false);
    }

    fn reopen(&self) {
        self.is_open.send_replace(true);
    }
}
