//! The record of this sidecar: who writes it, and who keeps it.

mod folders;
mod lines;
mod redaction;
mod retention;
mod signing;

use std::{io, sync::Arc, thread, time::Duration};

use arc_swap::ArcSwap;
use luthien::record::{
    RecordLayer, Recorder, Redact, Settings,
    prices::Prices,
    spool::Feed,
    store::{AnyStore, Keeping, Options, Price, Signer, StoreError, keep},
};
use luthien_core::decision::DecisionSink;
use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{error::Elapsed, sleep, timeout},
};

use crate::config::{Audit, Config, Retention};

use folders::spool;
pub(crate) use folders::{database, files, shown};
pub(crate) use lines::{VERSION, kept, lines};
pub(crate) use signing::public_key;

/// How long the database may take to answer when we start.
const START: Duration = Duration::from_secs(5);

/// How long is waited before a database that was away at the start is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What records, if anything does.
#[derive(Default)]
pub(crate) struct Recording(Option<Running>);

struct Running {
    recorder: Recorder,
    keeping: Arc<Keeping>,
    /// Told to give up what the database does not take.
    give_up: oneshot::Sender<()>,
    /// Told when all is kept, or was given up.
    ended: oneshot::Receiver<()>,
}

/// Why nothing can be recorded.
#[derive(Debug)]
pub(crate) enum RecordError {
    Spool(std::path::PathBuf, io::Error),
    Store(StoreError),
    Late,
    Signing(io::Error),
    Thread(io::Error),
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hint = "`--set database=none` serves without a record";
        match self {
            Self::Spool(path, error) => write!(
                f,
                "nothing can be recorded in {}: {error} ({hint})",
                path.display()
            ),
            Self::Store(error) => write!(f, "{error} ({hint})"),
            Self::Late => write!(f, "the database does not answer within 5 s ({hint})"),
            Self::Signing(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "nothing can be recorded: {error}"),
        }
    }
}

impl std::error::Error for RecordError {}

impl RecordError {
    /// Whether it may go away by itself.
    fn may_pass(&self) -> bool {
        match self {
            Self::Late => true,
            Self::Store(error) => error.is_transient(),
            Self::Spool(..) | Self::Signing(_) | Self::Thread(_) => false,
        }
    }
}

/// How the record does, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordHealth(Option<(Recorder, Arc<Keeping>)>);

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is recorded.
    Off,
    /// All of it is on the disk, and soon in the database.
    Ok,
    /// The database does not take it: it waits in the spool.
    Waiting,
    /// The spool is full: bodies are left out.
    Full,
    /// The disk does not take it: it is lost, or will be.
    Failing,
}

impl Standing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ok => "ok",
            Self::Waiting => "waiting",
            Self::Full => "full",
            Self::Failing => "failing",
        }
    }
}

impl RecordHealth {
    /// Of a recorder whose records nobody keeps.
    #[cfg(test)]
    pub(crate) fn of(recorder: Recorder) -> Self {
        Self(Some((recorder, Arc::default())))
    }

    /// Recorder and keeper, if there are any.
    pub(crate) fn parts(&self) -> Option<(&Recorder, &Keeping)> {
        let (recorder, keeping) = self.0.as_ref()?;
        Some((recorder, keeping))
    }

    pub(crate) fn standing(&self) -> Standing {
        let Some((recorder, keeping)) = &self.0 else {
            return Standing::Off;
        };
        let health = recorder.health();
        match (health.is_degraded, health.is_full) {
            (true, _) => Standing::Failing,
            (false, true) => Standing::Full,
            (false, false) if keeping.trouble().is_some() => Standing::Waiting,
            (false, false) => Standing::Ok,
        }
    }

    /// Whether requests can be taken: not if they would be refused, and not before the database was there once.
    pub(crate) fn is_ready(&self) -> bool {
        let Some((recorder, keeping)) = &self.0 else {
            return true;
        };
        keeping.has_begun() && recorder.takes_requests()
    }
}

impl Recording {
    /// How it does.
    pub(crate) fn state(&self) -> RecordHealth {
        let running = self.0.as_ref();
        RecordHealth(running.map(|running| (running.recorder.clone(), running.keeping.clone())))
    }

    /// Starts to record, as is configured. Waits until the database has answered.
    pub(crate) fn start(
        config: &Config,
        prices: Arc<ArcSwap<Prices>>,
    ) -> Result<Self, RecordError> {
        let Some(database) = database(config) else {
            return Ok(Self(None));
        };
        let redact = redact(config)?;
        let (folder, (recorder, feed)) = spool(config, |folder| {
            let record = &config.record;
            Recorder::start(&Settings {
                folder: folder.to_owned(),
                durability: record.durability.into(),
                queue: record.queue.0,
                spool: record.spool_size.0 as u64,
                required: record.audit == Audit::Required,
                redact: redact.clone(),
            })
        })
        .map_err(|(folder, error)| RecordError::Spool(folder, error))?;
        tracing::debug!(spool = %folder.display(), "recording");
        let signer = signing::signer(&config.record).map_err(RecordError::Signing)?;
        let keeping = Arc::new(Keeping::default());
        let (give_up, given_up) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (opened, is_open) = std::sync::mpsc::sync_channel(1);
        let other = keeping.clone();
        let plan = Plan {
            database,
            prices,
            retention: config.record.retention.clone(),
            may_wait: config.record.allow_degraded_log,
        };
        // Apart from the agents' traffic: reading files and compressing take their time.
        let keeper = move || {
            keeper(&plan, feed, signer, &other, given_up, |result| {
                opened.send(result).ok();
            });
            end.send(()).ok();
        };
        thread::Builder::new()
            .name("luthien-keep".to_owned())
            .spawn(keeper)
            .map_err(RecordError::Thread)?;
        match is_open.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(RecordError::Late),
        }
        Ok(Self(Some(Running {
            recorder,
            keeping,
            give_up,
            ended,
        })))
    }

    /// The layer that records.
    pub(crate) fn layer(&self) -> RecordLayer {
        let recorder = self.0.as_ref().map(|running| running.recorder.clone());
        recorder.map_or_else(RecordLayer::off, RecordLayer::new)
    }

    /// Where decisions go: to the record as well as to `log`.
    pub(crate) fn decisions(&self, log: impl DecisionSink + 'static) -> Arc<dyn DecisionSink> {
        match &self.0 {
            Some(running) => Arc::new((log, running.recorder.clone())),
            None => Arc::new(log),
        }
    }

    /// Writes what was noted, and gives the database some time to take it. What it does not take waits in the spool.
    pub(crate) async fn stop(self) {
        let Some(running) = self.0 else {
            return;
        };
        let recorder = running.recorder;
        let closed = tokio::task::spawn_blocking(move || {
            recorder.close();
            recorder.health()
        });
        match closed.await {
            Ok(health) if health.lost_notes > 0 || health.shed_bodies > 0 => tracing::warn!(
                lost = health.lost_notes,
                without_text = health.shed_bodies,
                "not all of the record could be written",
            ),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the record was not closed"),
        }
        let late: Result<_, Elapsed> = timeout(Duration::from_secs(5), running.ended).await;
        if late.is_err() {
            let trouble = running.keeping.trouble();
            tracing::warn!(
                trouble,
                "the database does not take the last records: they wait in the spool"
            );
            running.give_up.send(()).ok();
        }
    }
}

/// What a keeper needs to know.
struct Plan {
    database: String,
    prices: Arc<ArcSwap<Prices>>,
    retention: Retention,
    /// Whether the database may be away when we start.
    may_wait: bool,
}

fn keeper(
    plan: &Plan,
    feed: Feed,
    signer: Option<Signer>,
    keeping: &Keeping,
    given_up: oneshot::Receiver<()>,
    opened: impl FnOnce(Result<(), RecordError>),
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return opened(Err(RecordError::Thread(error))),
    };
    let keep_on = async |store: AnyStore| {
        let name = feed.writer().to_owned();
        tokio::select! {
            () = keep(feed, &store, keeping, signer) => {}
            never = retention::run(&store, &plan.retention, &name) => match never {},
        }
        store.close().await;
    };
    runtime.block_on(async {
        let work = async {
            match open(plan).await {
                Ok(store) => {
                    opened(Ok(()));
                    keep_on(store).await;
                }
                Err(error) if plan.may_wait && error.may_pass() => {
                    tracing::warn!(%error, "serving without a database: the record waits in the spool");
                    keeping.waits(&error);
                    opened(Ok(()));
                    keep_on(reopen(plan).await).await;
                }
                Err(error) => opened(Err(error)),
            }
        };
        tokio::select! {
            () = work => {}
            // Also if nobody is there any more who could tell.
            _ = given_up => {}
        }
    });
}

/// What takes out what is not to be recorded, if anything is.
pub(crate) fn redact(config: &Config) -> Result<Option<Arc<dyn Redact>>, RecordError> {
    let spools = folders::folder(config);
    let redact = redaction::redaction(&config.record.redact, &spools);
    redact.map_err(|error| RecordError::Spool(spools, error))
}

/// How a store is opened whose exchanges cost what these say.
pub(crate) fn options(prices: Arc<ArcSwap<Prices>>) -> Options {
    let price: Price = Arc::new(move |model, tokens, at| prices.load().cost(model, tokens, at));
    Options {
        price: Some(price),
        ..Options::default()
    }
}

async fn open(plan: &Plan) -> Result<AnyStore, RecordError> {
    let options = options(plan.prices.clone());
    match timeout(START, AnyStore::open(&plan.database, options)).await {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(RecordError::Store(error)),
        Err(_) => Err(RecordError::Late),
    }
}

/// Tries until the database is there.
async fn reopen(plan: &Plan) -> AnyStore {
    loop {
        sleep(AGAIN).await;
        match open(plan).await {
            Ok(store) => return store,
            Err(error) => tracing::debug!(%error, "the database is still away"),
        }
    }
}
