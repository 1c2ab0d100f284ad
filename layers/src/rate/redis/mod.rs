//! Accounts that several processes share.

mod away;
mod scripts;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use self::{
    away::Away,
    worker::{Command, Open},
};
use super::{
    Rule,
    ledger::{Claim, Decision, Denied, Grant, Ledger, Used},
    local::LocalLedger,
};

/// Accounts in Redis, shared by all processes that name the same server, rules and prefix.
///
/// Each reservation is one script, for all its rules at once, by the server's clock. If Redis does not answer in
/// [`timeout`](RedisSettings::timeout), it is left alone for a while, longer each time up to five seconds, and accounts
/// in process are used meanwhile, each rule divided by [`instances`](RedisSettings::instances): no request fails because
/// Redis is away. Places of exchanges that are open are renewed; those of a process that died come free after a minute.
///
/// Settling never waits: it goes through a bounded queue to one task, which this value owns. What finds no room is
/// counted ([`lost_settlements`](Self::lost_settlements)) and logged. Must be made inside a tokio runtime.
pub struct RedisLedger {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

struct Shared {
    rules: Vec<Rule>,
    settings: RedisSettings,
    connection: ConnectionManager,
    local: LocalLedger,
    away: Away,
    open: Open,
    queue: mpsc::Sender<Command>,
    lost: AtomicU64,
    next_exchange: AtomicU64,
}

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// What all keys begin with; `{luthien}:rate:` unless told otherwise. The braces keep them in one slot of a cluster.
    pub prefix: String,
    /// How long a request waits for Redis; 50 ms unless told otherwise.
    pub timeout: Duration,
    /// How many processes share the limits: each takes its part of them while Redis is away. 1 unless told otherwise.
    pub instances: NonZeroU32,
    /// For how long an open exchange keeps its place without renewal; a minute unless told otherwise.
    pub lease: Duration,
    /// How many settlements may wait; 10,000 unless told otherwise.
    pub queue: usize,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            prefix: "{luthien}:rate:".into(),
            timeout: Duration::from_millis(50),
            instances: NonZeroU32::MIN,
            lease: Duration::from_secs(60),
            queue: 10_000,
        }
    }
}

impl RedisLedger {
    /// Accounts for these rules on the server at `url` (`redis://…`, `rediss://…`, `unix://…`). Connects in the
    /// background; a server that is away now may come later.
    ///
    /// # Errors
    ///
    /// If the URL is none.
    pub fn new(rules: Vec<Rule>, url: &str, settings: RedisSettings) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(Duration::from_secs(1)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        let connection = ConnectionManager::new_lazy_with_config(Client::open(url)?, config)?;
        let (queue, commands) = mpsc::channel(settings.queue.max(1));
        let open = Open::default();
        let worker = worker::run(connection.clone(), commands, open.clone(), settings.lease);
        let divided = rules
            .iter()
            .map(|rule| rule.divided_by(settings.instances))
            .collect();
        let shared = Shared {
            rules,
            connection,
            local: LocalLedger::new(divided),
            away: Away::default(),
            open,
            queue,
            lost: AtomicU64::new(0),
            next_exchange: AtomicU64::new(away::random()),
            settings,
        };
        Ok(Self {
            shared: Arc::new(shared),
            worker: tokio::spawn(worker),
        })
    }

    /// Whether Redis is left alone at the moment, and accounts in process are used.
    pub fn is_away(&self) -> bool {
        self.shared.away.is_away()
    }

    /// How many exchanges could not be settled, since their settlement found no room.
    pub fn lost_settlements(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Waits until all settlements so far have been made, but not longer than `limit`. Answers whether they have.
    pub async fn flush(&self, limit: Duration) -> bool {
        let (done, all_done) = oneshot::channel();
        let flushed = async {
            self.shared.queue.send(Command::Flush(done)).await.is_ok() && all_done.await.is_ok()
        };
        timeout(limit, flushed).await.unwrap_or(false)
    }
}

impl Drop for RedisLedger {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl Ledger for RedisLedger {
    fn rules(&self) -> &[Rule] {
        &self.shared.rules
    }

    fn reserve(&self, claims: Vec<Claim>) -> Decision {
        if claims.is_empty() || !self.shared.away.may_ask() {
            return self.shared.local.reserve(claims);
        }
        let shared = self.shared.clone();
        Decision::Later(Box::pin(async move { shared.ask(claims).await }))
    }

    fn settle(&self, grant: Grant, used: Used) {
        if grant.book == LOCAL {
            return self.shared.local.settle(grant, used);
        }
        self.shared.open.close(grant.book);
        let settlement = scripts::settlement(
            &self.shared.rules,
            &self.shared.settings.prefix,
            &grant,
            used,
        );
        if self
            .shared
            .queue
            .try_send(Command::Settle(settlement))
            .is_err()
        {
            let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(
                    lost,
                    "rate limits in Redis: settlements find no room in the queue"
                );
            }
        }
    }
}

/// The book of grants that were made in process.
const LOCAL: u64 = 0;

impl Shared {
    async fn ask(&self, claims: Vec<Claim>) -> Result<Grant, Denied> {
        let exchange = self.next_exchange.fetch_add(1, Ordering::Relaxed).max(1);
        let reservation = scripts::reservation(&self.rules, &self.settings, &claims, exchange);
        let mut connection = self.connection.clone();
        let asked = timeout(
            self.settings.timeout,
            reservation.invoke_async::<Vec<i64>>(&mut connection),
        )
        .await;
        match asked.map(|asked| asked.map(|answer| scripts::read(&answer))) {
            Ok(Ok(Some(decision))) => {
                self.away.answered();
                let standings = decision?;
                let places = scripts::places(&self.rules, &self.settings.prefix, &claims);
                self.open.open(exchange, places);
                Ok(Grant {
                    claims,
                    standings,
                    book: exchange,
                })
            }
            failed => {
                if self.away.failed() {
                    let error = match failed {
                        Ok(Err(error)) => error.to_string(),
                        Ok(Ok(_)) => "an answer that makes no sense".to_owned(),
                        Err(_) => format!("no answer in {:?}", self.settings.timeout),
                    };
                    let instances = self.settings.instances;
                    tracing::warn!(%error, %instances, "rate limits: Redis is away, each process keeps its part of them");
                }
                match self.local.reserve(claims) {
                    Decision::Now(decision) => decision,
                    Decision::Later(decision) => decision.await,
                }
            }
        }
    }
}

impl fmt::Debug for RedisLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLedger")
            .field("rules", &self.shared.rules)
            .finish_non_exhaustive()
    }
}
