//! From the spool to the store.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;

use super::{Signer, Store, StoreError, checkpoint::last_link};
use crate::record::spool::{Batch, Feed, Kept, Position};

/// How long records gather before they are taken over: one transaction for many.
const GATHER: Duration = Duration::from_millis(50);
/// How long is waited before it is tried again, at first and at most.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// How long it takes, at most, to notice that something was forgotten.
const WATCH: Duration = Duration::from_secs(1);

/// How a keeper does.
#[derive(Debug, Default)]
pub struct Keeping {
    kept: AtomicU64,
    kept_events: AtomicU64,
    unreadable: AtomicU64,
    trouble: Mutex<Option<String>>,
    waits: AtomicBool,
}

impl Keeping {
    /// How many records were taken over.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// The number of the last event that was taken over, counted since the spool was made; 0 before the first.
    pub fn kept_events(&self) -> u64 {
        self.kept_events.load(Ordering::Relaxed)
    }

    /// How many records of the spool could not be read.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Why nothing is taken over at the moment.
    pub fn trouble(&self) -> Option<String> {
        self.locked().clone()
    }

    /// There is no store yet, for this reason: it will come.
    pub fn waits(&self, error: &dyn std::error::Error) {
        self.waits.store(true, Ordering::Relaxed);
        *self.locked() = Some(error.to_string());
    }

    /// Whether there is, or was, a store: `false` between [`waits`](Self::waits) and the first time that one has answered.
    pub fn has_begun(&self) -> bool {
        !self.waits.load(Ordering::Relaxed)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn went(&self, result: Result<(), &dyn std::error::Error>) {
        if result.is_ok() {
            self.waits.store(false, Ordering::Relaxed);
        }
        let mut trouble = self.locked();
        match (result, &*trouble) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                tracing::info!("the record is kept again");
                *trouble = None;
            }
            (Err(error), before) => {
                // Once, not every five seconds.
                if before.is_none() {
                    tracing::warn!(%error, "the record cannot be kept now, and waits in the spool");
                }
                *trouble = Some(error.to_string());
            }
        }
    }
}

/// Takes over what a spool holds, batch by batch, until nobody writes to it any more and all of it is taken over. While the store does not
/// take it, tries again for as long as it takes: drop the future to give up; what was not taken over stays in the spool.
/// With a `signer`, what was taken over is signed every thousand events or every minute, and at the end.
pub async fn keep(
    mut feed: Feed,
    store: &impl Store,
    keeping: &Keeping,
    mut signer: Option<Signer>,
) {
    let writer = feed.writer().to_owned();
    if let Some(at) = persist(keeping, async || store.position(&writer).await).await {
        feed.begin(at);
    } else {
        feed.begin(Position::default());
    }
    let last = persist(keeping, async || last_link(store, &writer).await).await;
    let last = last.and_then(|(number, _)| u64::try_from(number).ok());
    keeping
        .kept_events
        .store(last.unwrap_or_default(), Ordering::Relaxed);
    let mut forgettings = None;
    loop {
        tokio::select! {
            is_more = feed.wait() => if !is_more { break },
            () = sleep(WATCH) => {
                watch(&feed, store, &mut forgettings).await;
                sign(&mut signer, store, &writer, false).await;
                continue;
            }
        }
        sleep(GATHER).await;
        let batch = read(&mut feed, keeping).await;
        if batch.unreadable > 0 {
            tracing::error!(
                records = batch.unreadable,
                "the spool is damaged: what could not be read is lost"
            );
            keeping
                .unreadable
                .fetch_add(batch.unreadable, Ordering::Relaxed);
        }
        persist(keeping, async || {
            store
                .apply(&writer, &batch.kept, batch.end)
                .await
                .map(|_| ())
        })
        .await;
        let kept = u64::try_from(batch.kept.len()).unwrap_or(u64::MAX);
        keeping.kept.fetch_add(kept, Ordering::Relaxed);
        let links = batch.kept.iter().filter_map(|kept| match kept {
            Kept::Event(link) => Some(link.number),
            _ => None,
        });
        if let Some(last) = links.last() {
            keeping.kept_events.store(last, Ordering::Relaxed);
        }
        if let Err(error) = feed.forget(batch.end) {
            tracing::warn!(%error, "a part of the spool that is kept already cannot be deleted");
        }
        watch(&feed, store, &mut forgettings).await;
        sign(&mut signer, store, &writer, false).await;
    }
    sign(&mut signer, store, &writer, true).await;
}

async fn sign(signer: &mut Option<Signer>, store: &impl Store, writer: &str, is_last: bool) {
    if let Some(signer) = signer
        && let Err(error) = signer.look(store, writer, is_last).await
    {
        tracing::warn!(%error, "the record is kept, and could not be signed");
    }
}

/// Sees to it that what was forgotten is written once more if it comes by again.
async fn watch(feed: &Feed, store: &impl Store, seen: &mut Option<i64>) {
    // A store that is away is noticed elsewhere.
    if let Ok(forgettings) = store.forgettings().await
        && *seen != Some(forgettings)
    {
        *seen = Some(forgettings);
        feed.renew();
    }
}

async fn read(feed: &mut Feed, keeping: &Keeping) -> Batch {
    let mut wait = FIRST;
    loop {
        match feed.read() {
            Ok(batch) => return batch,
            Err(error) => {
                keeping.went(Err(&error as &dyn std::error::Error));
                pause(&mut wait).await;
            }
        }
    }
}

/// Asks the store until it answers.
async fn persist<T>(keeping: &Keeping, ask: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let mut wait = FIRST;
    loop {
        match ask().await {
            Ok(answer) => {
                keeping.went(Ok(()));
                return answer;
            }
            Err(error) => {
                keeping.went(Err(&error));
                pause(&mut wait).await;
            }
        }
    }
}

async fn pause(wait: &mut Duration) {
    sleep(*wait).await;
    *wait = wait.saturating_mul(2).min(LONGEST);
}
