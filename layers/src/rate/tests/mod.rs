//! What the tests of rate limits have in common.

mod accounts;
mod refusals;
mod room;
mod rules;
mod settle;
mod tokens;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use governor::clock::FakeRelativeClock;
use http::Request;
use luthien_core::{
    Dialect,
    gate::gate,
    testing::{Provider, Reply, ScriptedBody, Step, recorded, send},
};
use tower::{Layer, Service};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn ledger(rules: Vec<Rule>) -> (Arc<LocalLedger<FakeRelativeClock>>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (
        Arc::new(LocalLedger::with_clock(rules, clock.clone())),
        clock,
    )
}

fn claim(rule: usize, who: &str, amount: u32) -> Claim {
    Claim {
        rule,
        subject: Subject::new("key", who),
        amount,
    }
}

fn reserve(ledger: &LocalLedger<FakeRelativeClock>, claims: &[Claim]) -> Result<Grant, Denied> {
    match ledger.reserve(claims.to_vec()) {
        Decision::Now(decision) => decision,
        Decision::Later(_) => panic!("accounts in process answer at once"),
    }
}

fn used(input: u64, output: u64) -> Used {
    Used {
        input: Some(input),
        output: Some(output),
    }
}

/// Remembers what it was asked to settle.
#[derive(Clone)]
struct Books {
    rules: Vec<Rule>,
    asked: Arc<Mutex<Vec<Vec<Claim>>>>,
    settled: Arc<Mutex<Vec<Used>>>,
    later: bool,
}

impl Books {
    fn new(later: bool) -> Self {
        let rules = vec![
            Rule::input_tokens(Per::Key, limit(1000), MINUTE),
            Rule::output_tokens(Per::Key, limit(1000), MINUTE),
        ];
        Self {
            rules,
            asked: Arc::default(),
            settled: Arc::default(),
            later,
        }
    }

    fn settled(&self) -> Vec<Used> {
        self.settled.lock().unwrap().clone()
    }
}

impl Ledger for Books {
    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn reserve(&self, claims: Vec<Claim>) -> Decision {
        self.asked.lock().unwrap().push(claims.clone());
        let standings = vec![
            Standing {
                remaining: 1,
                reset: MINUTE
            };
            claims.len()
        ];
        let grant = Ok(Grant {
            claims,
            standings,
            book: 0,
        });
        if !self.later {
            return Decision::Now(grant);
        }
        Decision::Later(Box::pin(async {
            tokio::task::yield_now().await;
            grant
        }))
    }

    fn settle(&self, _: Grant, used: Used) {
        self.settled.lock().unwrap().push(used);
    }
}

fn post(dialect: Dialect, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(dialect.path()).body(body.into()).unwrap()
}
