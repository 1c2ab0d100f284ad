//! The record of this sidecar: who writes it, and who keeps it.

mod folders;
mod lines;
mod retention;

use std::{io, sync::Arc, thread, time::Duration};

use luthien::record::{
    RecordLayer, Recorder, Settings,
    spool::Feed,
    store::{AnyStore, Keeping, Options, StoreError, keep},
};
use luthien_core::decision::{Coverage, Decision, DecisionSink, Exchange, Severity};
use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{error::Elapsed, timeout},
};

use crate::config::{Config, Retention};

use folders::spool;
pub(crate) use folders::{database, files, shown};
pub(crate) use lines::{VERSION, kept, lines};

/// How long the database may take to answer when we start.
const START: Duration = Duration::from_secs(5);

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
            Self::Thread(error) => write!(f, "nothing can be recorded: {error}"),
        }
    }
}

impl Recording {
    /// Starts to record, as is configured. Waits until the database has answered.
    pub(crate) fn start(config: &Config) -> Result<Self, RecordError> {
        let Some(database) = database(config) else {
            return Ok(Self(None));
        };
        let (folder, (recorder, feed)) = spool(config, |folder| {
            let record = &config.record;
            Recorder::start(&Settings {
                folder: folder.to_owned(),
                durability: record.durability.into(),
                queue: record.queue.0,
                spool: record.spool_size.0 as u64,
            })
        })
        .map_err(|(folder, error)| RecordError::Spool(folder, error))?;
        tracing::debug!(spool = %folder.display(), "recording");
        let keeping = Arc::new(Keeping::default());
        let (give_up, given_up) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (opened, is_open) = std::sync::mpsc::sync_channel(1);
        let other = keeping.clone();
        let retention = config.record.retention.clone();
        // Apart from the agents' traffic: reading files and compressing take their time.
        let keeper = move || {
            keeper(&database, feed, &other, &retention, given_up, |result| {
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
            Some(running) => Arc::new(Both(log, running.recorder.clone())),
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

fn keeper(
    database: &str,
    feed: Feed,
    keeping: &Keeping,
    retention: &Retention,
    given_up: oneshot::Receiver<()>,
    opened: impl FnOnce(Result<(), RecordError>),
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return opened(Err(RecordError::Thread(error))),
    };
    runtime.block_on(async {
        let store = match timeout(START, AnyStore::open(database, Options::default())).await {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => return opened(Err(RecordError::Store(error))),
            Err(_) => return opened(Err(RecordError::Late)),
        };
        opened(Ok(()));
        let name = feed.writer().to_owned();
        tokio::select! {
            () = keep(feed, &store, keeping) => {}
            never = retention::run(&store, retention, &name) => match never {},
            // Also if nobody is there any more who could tell.
            _ = given_up => {}
        }
        store.close().await;
    });
}

/// Decisions go to both.
struct Both<A>(A, Recorder);

impl<A: DecisionSink> DecisionSink for Both<A> {
    fn decided(&self, exchange: &Exchange, decision: &Decision) {
        self.0.decided(exchange, decision);
        self.1.decided(exchange, decision);
    }

    fn emitted(&self, exchange: &Exchange, policy: &str, severity: Severity, message: &str) {
        self.0.emitted(exchange, policy, severity, message);
        self.1.emitted(exchange, policy, severity, message);
    }

    fn covered(&self, exchange: &Exchange, coverage: &Coverage) {
        self.0.covered(exchange, coverage);
        self.1.covered(exchange, coverage);
    }
}
