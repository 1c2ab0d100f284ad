//! Disks that are full or fail, databases that are slow or locked: exchanges go on, or are refused if that is asked for, and what
//! was acknowledged is there in the end.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

use super::{database::postgres, lines, printed, stop};
use crate::support::{
    client::{Client, ask, post},
    good::reply,
    http1::Message,
    provider::Provider,
    replies::{Dialect, asked, recorded},
    sidecar::Sidecar,
    within,
};

/// What a write beyond the limit gets is an error then, and not a signal.
const UNHURT: [&str; 3] = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];

/// As long as it is full no file can grow, not by a byte.
fn disk(sidecar: &Sidecar, is_full: bool) {
    let limit = if is_full { "0:" } else { "unlimited:" };
    let done = std::process::Command::new("prlimit")
        .args(["--pid", &sidecar.pid().to_string()])
        .arg(format!("--fsize={limit}"))
        .status();
    assert!(done.unwrap().success());
}

async fn admin(sidecar: &Sidecar, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let response = ask(sidecar.admin, request.as_bytes()).await;
    let record = response.json()["record"].as_str().unwrap().to_owned();
    (response.status(), record)
}

/// Asks until it says so.
async fn until(sidecar: &Sidecar, path: &str, wanted: (u16, &str)) {
    let asking = async {
        while admin(sidecar, path).await != (wanted.0, wanted.1.to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{path} says {wanted:?}"), asking).await;
}

/// Asks in every dialect, and gets what the provider has said.
async fn works(sidecar: &Sidecar) {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let got = ask(sidecar.agents, &asked(dialect, stream)).await;
            assert_eq!(
                (got.status(), &*got.body),
                (200, &*recorded(dialect, stream))
            );
        }
    }
}

/// Everything is there once, whole, and as it was written.
async fn is_whole(sidecar: &Sidecar, count: usize) {
    let folder = sidecar.folder.path();
    let exported = lines(folder, ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), count);
    for line in &exported {
        let dialect = Dialect::ALL
            .into_iter()
            .find(|dialect| line["dialect"] == dialect.name());
        let expected = recorded(dialect.unwrap(), line["stream"] == true);
        assert_eq!(line["reply"].as_str().unwrap().as_bytes(), expected);
        assert_eq!(line["ending"], "ok");
    }
    printed(folder, ["log", "verify"]).await;
}

#[tokio::test]
async fn on_a_full_disk_exchanges_go_on_and_what_is_held_is_written_when_there_is_room() {
    let provider = Provider::start(reply).await;
    let mut sidecar = started(&UNHURT, &provider, "").await;
    works(&sidecar).await;
    for _ in 0..3 {
        disk(&sidecar, true);
        works(&sidecar).await;
        sidecar
            .logged("that it is not recorded", |line| {
                line.to_string().contains("the record cannot be written")
            })
            .await;
        assert_eq!(admin(&sidecar, "/ready").await, (200, "failing".to_owned()));
        works(&sidecar).await;
        disk(&sidecar, false);
        until(&sidecar, "/health", (200, "ok")).await;
        works(&sidecar).await;
    }
    stop(&mut sidecar).await;
    is_whole(&sidecar, 6 + 3 * 18).await;
}

#[tokio::test]
async fn what_must_be_recorded_and_cannot_be_is_refused_before_it_goes_up() {
    let provider = Provider::start(reply).await;
    let settings = "record: { audit: required }";
    let mut sidecar = started(&UNHURT, &provider, settings).await;
    works(&sidecar).await;
    disk(&sidecar, true);
    let before = provider.seen().len();
    for _ in 0..2 {
        for dialect in Dialect::ALL {
            for stream in [true, false] {
                let got = ask(sidecar.agents, &asked(dialect, stream)).await;
                is_refused(&got, dialect);
            }
        }
    }
    assert_eq!(admin(&sidecar, "/ready").await, (503, "failing".to_owned()));
    assert_eq!(admin(&sidecar, "/health").await.0, 503);
    let live = ask(
        sidecar.admin,
        b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n",
    )
    .await;
    assert_eq!((live.status(), &live.json()["status"]), (200, &"ok".into()));
    assert_eq!(provider.seen().len(), before);
    disk(&sidecar, false);
    until(&sidecar, "/ready", (200, "ok")).await;
    works(&sidecar).await;
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let sessions = lines(folder, ["export", "--format", "jsonl"]).await;
    let whole = sessions.iter().filter(|line| line["ending"] == "ok");
    assert_eq!(whole.count(), 12);
    printed(folder, ["log", "verify"]).await;
}

fn is_refused(got: &Message, dialect: Dialect) {
    // Anthropic's clients know a status of their own for it.
    let status = match dialect {
        Dialect::Anthropic => 529,
        _ => 503,
    };
    assert_eq!(got.status(), status, "{}", got.text());
    assert!(got.text().contains("nothing may happen unrecorded"));
    assert_eq!(got.header("retry-after"), Some("5"));
}

#[tokio::test]
async fn after_an_fsync_that_failed_another_file_is_begun_and_nothing_is_lost() {
    let provider = Provider::start(reply).await;
    // Each thread's calls are counted apart: the third to the twentieth of them fail.
    let strace = [
        "strace",
        "-D",
        "-qqq",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:error=EIO:when=3..20",
    ];
    let mut sidecar = started(&strace, &provider, "").await;
    for _ in 0..10 {
        works(&sidecar).await;
    }
    sidecar
        .logged("that it is not recorded", |line| {
            line.to_string().contains("the record cannot be written")
        })
        .await;
    until(&sidecar, "/health", (200, "ok")).await;
    stop(&mut sidecar).await;
    is_whole(&sidecar, 60).await;
}

#[tokio::test]
async fn while_somebody_else_has_locked_the_database_nobody_waits() {
    let provider = Provider::start(reply).await;
    let mut sidecar = started(&[], &provider, "database: sqlite:luthien.db").await;
    works(&sidecar).await;
    let file = sidecar.folder.path().join("luthien.db");
    let script = "import sqlite3, sys
other = sqlite3.connect(sys.argv[1])
other.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.readline()
other.rollback()";
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(&file);
    let lock = Lock::of(python, "").await;
    works(&sidecar).await;
    // After the five seconds that SQLite waits by itself.
    until(&sidecar, "/ready", (200, "waiting")).await;
    works(&sidecar).await;
    lock.release().await;
    until(&sidecar, "/ready", (200, "ok")).await;
    stop(&mut sidecar).await;
    is_whole(&sidecar, 18).await;
}

#[tokio::test]
async fn while_a_commit_takes_for_ever_nobody_waits() {
    let url = postgres("luthien_sidecar_slow");
    let provider = Provider::start(reply).await;
    let mut sidecar = started(&[], &provider, &format!("database: {url}")).await;
    works(&sidecar).await;
    let psql = "psql=$(ls -d /usr/lib/postgresql/*/bin/psql | tail -1); exec \"$psql\" --no-psqlrc --quiet \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", psql, &url]);
    let lock = Lock::of(
        command,
        "BEGIN; LOCK TABLE transactions IN EXCLUSIVE MODE;\n\\echo locked\n",
    )
    .await;
    for _ in 0..20 {
        works(&sidecar).await;
    }
    lock.release().await;
    stop(&mut sidecar).await;
    is_whole(&sidecar, 21 * 6).await;
}

#[tokio::test]
async fn with_the_database_away_for_long_memory_stays_and_only_bodies_are_left_out() {
    let provider = Provider::start(reply).await;
    let spool = tempfile::tempdir().unwrap();
    let settings = |database: &str| {
        let folder = spool.path().display();
        format!(
            "database: {database}\nrecord: {{ allow_degraded_log: true, spool_size: 16MiB, spool: {folder} }}"
        )
    };
    // Nobody is there.
    let settings_away = settings("postgres://luthien@127.0.0.1:1/luthien");
    let mut sidecar = started(&[], &provider, &settings_away).await;
    assert_eq!(admin(&sidecar, "/ready").await, (503, "waiting".to_owned()));
    let mut client = Client::connect(sidecar.agents).await;
    let mut asks = async |number: usize| {
        let text = format!("{number} ").repeat(100_000);
        let body = format!(
            r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#
        );
        let request = post("/v1/messages", "x-api-key: sk-test\r\n", body.as_bytes());
        let got = client.ask(&request).await;
        assert_eq!(got.body, recorded(Dialect::Anthropic, true));
    };
    for number in 0..30 {
        asks(number).await;
    }
    let before = sidecar.memory();
    for number in 30..200 {
        asks(number).await;
    }
    let more = sidecar.memory().saturating_sub(before);
    // The queue, and a segment out of which bodies are taken.
    assert!(more < 40 << 20, "{} KiB more", more >> 10);
    let du = std::process::Command::new("du")
        .arg("-sk")
        .arg(spool.path())
        .output();
    let size = String::from_utf8(du.unwrap().stdout).unwrap();
    let size: u64 = size.split_whitespace().next().unwrap().parse().unwrap();
    assert!(size < 40 << 10, "{size} KiB");
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
    assert!(sidecar.log().contains("wait in the spool"));
    // With a database, all of them turn out to be there, the latest with what was said.
    let mut sidecar = started(&[], &provider, &settings("sqlite:luthien.db")).await;
    until(&sidecar, "/ready", (200, "ok")).await;
    stop(&mut sidecar).await;
    let exported = lines(sidecar.folder.path(), ["export", "--format", "jsonl"]).await;
    assert_eq!(exported.len(), 200);
    assert!(exported.iter().all(|line| line["ending"] == "ok"));
    let has_request = |line: &&serde_json::Value| line["request"].is_string();
    let with_request = exported.iter().filter(has_request).count();
    assert!((10..200).contains(&with_request), "{with_request}");
    printed(sidecar.folder.path(), ["log", "verify"]).await;
}

#[tokio::test]
async fn a_sidecar_that_started_without_its_database_keeps_all_of_it_when_it_comes() {
    let url = postgres("luthien_sidecar_later");
    let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let (server, name) = url.rsplit_once('/').unwrap();
    let (_, server) = server.split_once('@').unwrap();
    let provider = Provider::start(reply).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "upstreams: {{ mock: {{ url: {} }} }}\ndatabase: postgres://luthien@{address}/{name}\nrecord: {{ allow_degraded_log: true }}\n",
        provider.url()
    );
    let mut sidecar = Sidecar::start_in(folder, &config, &[]).await;
    works(&sidecar).await;
    assert_eq!(admin(&sidecar, "/ready").await, (503, "waiting".to_owned()));
    // Now it comes.
    let to: std::net::SocketAddr = server.parse().unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let _door = forward(listener, to);
    until(&sidecar, "/ready", (200, "ok")).await;
    works(&sidecar).await;
    stop(&mut sidecar).await;
    is_whole(&sidecar, 12).await;
}

/// Hands on whatever comes, until it is dropped.
fn forward(
    listener: tokio::net::TcpListener,
    to: std::net::SocketAddr,
) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        loop {
            let (mut inner, _) = listener.accept().await.unwrap();
            open.spawn(async move {
                let mut outer = tokio::net::TcpStream::connect(to).await.unwrap();
                tokio::io::copy_bidirectional(&mut inner, &mut outer)
                    .await
                    .ok();
            });
        }
    });
    tasks
}

async fn started(program: &[&str], provider: &Provider, settings: &str) -> Sidecar {
    let config = format!(
        "upstreams: {{ mock: {{ url: {} }} }}\n{settings}\n",
        provider.url()
    );
    let folder = tempfile::tempdir().unwrap();
    Sidecar::start_under(program, folder, &config, &[]).await
}

/// Somebody who holds a lock until told otherwise.
struct Lock(Child);

impl Lock {
    /// Runs it, tells it this, and waits until it says `locked`.
    async fn of(mut command: Command, told: &str) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(told.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("a lock", lines.next_line()).await;
        assert_eq!(line.unwrap().as_deref(), Some("locked"));
        Self(child)
    }

    async fn release(mut self) {
        drop(self.0.stdin.take());
        within("it ends", self.0.wait()).await.unwrap();
    }
}
