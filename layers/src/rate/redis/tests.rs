//! Against a real server: each test starts one of its own, and may take it away.

use std::{process::Stdio, sync::Arc};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command as Process},
};

use super::*;
use crate::rate::{Per, Standing, Subject};

const MINUTE: Duration = Duration::from_secs(60);

struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            process: Self::run(&folder).await,
            folder,
        }
    }

    async fn run(folder: &TempDir) -> Child {
        let socket = folder.path().join("redis.sock");
        let mut process = Process::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(socket)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is needed: scripts/test installs it");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.to_lowercase().contains("ready to accept connections") {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return process;
            }
        }
        panic!("redis-server has not started");
    }

    async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// It lives, and does not answer.
    async fn freeze(&self) {
        let process = self.process.id().unwrap().to_string();
        assert!(
            Process::new("kill")
                .args(["-STOP", &process])
                .status()
                .await
                .unwrap()
                .success()
        );
    }

    async fn restart(&mut self) {
        self.process = Self::run(&self.folder).await;
    }

    fn url(&self) -> String {
        format!(
            "redis+unix://{}",
            self.folder.path().join("redis.sock").display()
        )
    }

    fn ledger(&self, rules: &[Rule], settings: RedisSettings) -> RedisLedger {
        // The machine of a test may be slow; what happens when it is too slow is another test.
        let settings = RedisSettings {
            timeout: Duration::from_secs(5).max(settings.timeout),
            ..settings
        };
        RedisLedger::new(rules.to_vec(), &self.url(), settings).unwrap()
    }
}

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn claim(rule: usize, who: &str, amount: u32) -> Claim {
    Claim {
        rule,
        subject: Subject::new("key", who),
        amount,
    }
}

async fn reserve(ledger: &RedisLedger, claims: &[Claim]) -> Result<Grant, Denied> {
    match ledger.reserve(claims.to_vec()) {
        Decision::Now(decision) => decision,
        Decision::Later(decision) => decision.await,
    }
}

fn used(output: u64) -> Used {
    Used {
        input: Some(0),
        output: Some(output),
    }
}

async fn settle(ledger: &RedisLedger, grant: Grant, used: Used) {
    ledger.settle(grant, used);
    assert!(ledger.flush(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn limits_are_shared_between_processes() {
    let server = Server::start().await;
    let rules = [
        Rule::requests(Per::Key, limit(3), MINUTE * 60),
        Rule::concurrent(Per::Key, limit(2)),
    ];
    let (one, other) = (
        server.ledger(&rules, Default::default()),
        server.ledger(&rules, Default::default()),
    );
    let claims = [claim(0, "a", 1), claim(1, "a", 1)];
    let first = reserve(&one, &claims).await.unwrap();
    assert_eq!(
        first
            .standings
            .iter()
            .map(|standing| standing.remaining)
            .collect::<Vec<_>>(),
        [2, 1]
    );
    let second = reserve(&other, &claims).await.unwrap();
    assert_eq!(
        second
            .standings
            .iter()
            .map(|standing| standing.remaining)
            .collect::<Vec<_>>(),
        [1, 0]
    );
    assert_eq!(
        reserve(&one, &claims).await.unwrap_err(),
        Denied {
            rule: 1,
            retry_after: None
        }
    );
    settle(&other, second, Used::default()).await;
    let third = reserve(&one, &claims).await.unwrap();
    assert_eq!(
        third.standings[0].remaining, 0,
        "the refusal has cost no request"
    );
    settle(&one, first, Used::default()).await;
    let denied = reserve(&other, &claims).await.unwrap_err();
    assert_eq!(denied.rule, 0);
    let wait = denied.retry_after.unwrap();
    assert!(wait > MINUTE * 19 && wait <= MINUTE * 20, "{wait:?}");
    assert!(
        reserve(&other, &[claim(0, "b", 1)]).await.is_ok(),
        "each key has its own"
    );
    assert!(!one.is_away() && !other.is_away());
}

#[tokio::test]
async fn tokens_are_settled_and_debts_carried() {
    let server = Server::start().await;
    let rules = [Rule::output_tokens(Per::Key, limit(600), MINUTE * 60)];
    let ledger = server.ledger(&rules, Default::default());
    let grant = reserve(&ledger, &[claim(0, "a", 100)]).await.unwrap();
    settle(&ledger, grant, used(30)).await;
    let grant = reserve(&ledger, &[claim(0, "a", 570)]).await.unwrap();
    assert_eq!(grant.standings[0].remaining, 0);
    settle(&ledger, grant, used(1170)).await;
    let wait = reserve(&ledger, &[claim(0, "a", 1)])
        .await
        .unwrap_err()
        .retry_after
        .unwrap();
    assert!(
        wait > MINUTE * 59 && wait <= MINUTE * 61,
        "600 owed, ten come back in a minute: {wait:?}"
    );
    let absurd = reserve(&ledger, &[claim(0, "b", 1)]).await.unwrap();
    settle(&ledger, absurd, used(u64::MAX)).await;
    let wait = reserve(&ledger, &[claim(0, "b", 1)])
        .await
        .unwrap_err()
        .retry_after
        .unwrap();
    assert!(wait <= MINUTE * 60 * 11, "{wait:?}");
}

#[tokio::test]
async fn an_estimate_beyond_the_limit_is_taken_for_the_limit() {
    let server = Server::start().await;
    let ledger = server.ledger(
        &[Rule::input_tokens(Per::Key, limit(60), MINUTE * 60)],
        Default::default(),
    );
    let grant = reserve(&ledger, &[claim(0, "a", 50_000)]).await.unwrap();
    assert_eq!(
        grant.standings[0],
        Standing {
            remaining: 0,
            reset: grant.standings[0].reset
        }
    );
    settle(
        &ledger,
        grant,
        Used {
            input: Some(10),
            output: None,
        },
    )
    .await;
    assert!(reserve(&ledger, &[claim(0, "a", 51)]).await.is_err());
    assert!(reserve(&ledger, &[claim(0, "a", 49)]).await.is_ok());
}

#[tokio::test]
async fn both_ledgers_decide_alike() {
    let server = Server::start().await;
    // So slow that nothing comes back while the test runs.
    let rules = [
        Rule::requests(Per::Key, limit(40), MINUTE * 60 * 24 * 365),
        Rule::output_tokens(Per::Key, limit(1000), MINUTE * 60 * 24 * 365),
        Rule::concurrent(Per::Key, limit(5)),
    ];
    let shared = server.ledger(&rules, Default::default());
    let local = LocalLedger::new(rules.to_vec());
    let mut open = Vec::new();
    let mut state = 7_u64;
    for _ in 0..300 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 33) as u32;
        let who = ["a", "b"][random as usize % 2];
        if random % 5 < 3 {
            let claims = [
                claim(0, who, 1),
                claim(1, who, random % 90 + 1),
                claim(2, who, 1),
            ];
            let Decision::Now(here) = local.reserve(claims.to_vec()) else {
                panic!("not now")
            };
            let there = reserve(&shared, &claims).await;
            match (here, there) {
                (Ok(here), Ok(there)) => {
                    let left = |grant: &Grant| {
                        grant
                            .standings
                            .iter()
                            .map(|standing| standing.remaining)
                            .collect::<Vec<_>>()
                    };
                    assert_eq!(left(&here), left(&there));
                    open.push((here, there));
                }
                (Err(here), Err(there)) => assert_eq!(here.rule, there.rule),
                other => panic!("{other:?}"),
            }
        } else if !open.is_empty() {
            let (here, there) = open.swap_remove(random as usize % open.len());
            let used = used(u64::from(random % 120));
            local.settle(here, used);
            settle(&shared, there, used).await;
        }
    }
}

#[tokio::test]
async fn a_settlement_that_is_made_twice_counts_once() {
    let server = Server::start().await;
    let rules = [Rule::output_tokens(Per::Key, limit(1000), MINUTE * 60 * 24)];
    let ledger = server.ledger(&rules, Default::default());
    let grant = reserve(&ledger, &[claim(0, "a", 1)]).await.unwrap();
    let settlement = scripts::settlement(&rules, &ledger.shared.settings.prefix, &grant, used(101));
    let mut connection = ledger.shared.connection.clone();
    for _ in 0..3 {
        settlement
            .call()
            .invoke_async::<()>(&mut connection)
            .await
            .unwrap();
    }
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 1)])
            .await
            .unwrap()
            .standings[0]
            .remaining,
        898
    );
}

#[tokio::test]
async fn places_are_kept_while_open_and_come_free_when_their_process_dies() {
    let server = Server::start().await;
    let rules = [Rule::concurrent(Per::Key, limit(1))];
    let settings = RedisSettings {
        lease: Duration::from_millis(300),
        ..Default::default()
    };
    let (alive, watcher) = (
        server.ledger(&rules, settings.clone()),
        server.ledger(&rules, settings.clone()),
    );
    let _open = reserve(&alive, &[claim(0, "a", 1)]).await.unwrap();
    let dead = server.ledger(&rules, settings);
    let lost = reserve(&dead, &[claim(0, "b", 1)]).await.unwrap();
    drop(dead);
    // The place of the dead process comes free; by then the other one has been renewed several times.
    let mut client = Client::open(server.url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let start = tokio::time::Instant::now();
    while reserve(&watcher, &[claim(0, "b", 1)]).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "never came free");
        let _: String = redis::cmd("PING").query_async(&mut client).await.unwrap();
    }
    assert!(
        reserve(&watcher, &[claim(0, "a", 1)]).await.is_err(),
        "still open"
    );
    drop(lost);
}

#[tokio::test]
async fn without_redis_each_process_keeps_its_part_and_nothing_fails() {
    let mut server = Server::start().await;
    let rules = [
        Rule::requests(Per::Key, limit(10), MINUTE * 60),
        Rule::concurrent(Per::Key, limit(9)),
    ];
    let settings = RedisSettings {
        instances: limit(2),
        ..Default::default()
    };
    let ledger = Arc::new(server.ledger(&rules, settings));
    let claims = [claim(0, "a", 1), claim(1, "a", 1)];
    let before = reserve(&ledger, &claims).await.unwrap();
    server.stop().await;
    let mut admitted = 0;
    while reserve(&ledger, &claims).await.is_ok() {
        admitted += 1;
        assert!(ledger.is_away());
    }
    assert_eq!(
        admitted, 4,
        "half of nine places, rounded down, though ten requests an hour would be five"
    );
    // What was reserved there is settled there, as soon as it is back.
    ledger.settle(before, Used::default());
    server.restart().await;
    assert!(ledger.flush(Duration::from_secs(30)).await);
    let start = tokio::time::Instant::now();
    while ledger.is_away() {
        assert!(start.elapsed() < Duration::from_secs(30), "never came back");
        drop(reserve(&ledger, &[claim(0, "other", 1)]).await);
        tokio::task::yield_now().await;
    }
    assert_eq!(
        reserve(&ledger, &claims).await.unwrap().standings[0].remaining,
        9,
        "the server has forgotten all"
    );
    assert_eq!(ledger.lost_settlements(), 0);
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_no_more_than_the_timeout_and_is_left_alone() {
    let server = Server::start().await;
    let rules = [Rule::requests(Per::Key, limit(1000), MINUTE)];
    let settings = RedisSettings {
        timeout: Duration::from_millis(50),
        ..Default::default()
    };
    let ledger = RedisLedger::new(rules.to_vec(), &server.url(), settings).unwrap();
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).await.is_ok());
    server.freeze().await;
    while !ledger.is_away() {
        assert!(reserve(&ledger, &[claim(0, "a", 1)]).await.is_ok());
    }
    let at_once = (0..100)
        .filter(|_| matches!(ledger.reserve(vec![claim(0, "a", 1)]), Decision::Now(Ok(_))))
        .count();
    assert!(at_once >= 99, "at most one asks: {at_once}");
}

#[tokio::test]
async fn a_url_that_is_none_is_an_error() {
    assert!(RedisLedger::new(vec![], "http://localhost", RedisSettings::default()).is_err());
}
