//! When what happened to an exchange: shared by the two layers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// In the extensions of a request. Moments are nanoseconds from the start; 0 is never.
#[derive(Clone, Debug)]
pub(super) struct Marks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    sent: AtomicU64,
    head: AtomicU64,
    event: AtomicU64,
}

impl Marks {
    pub(super) fn now() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            sent: AtomicU64::new(0),
            head: AtomicU64::new(0),
            event: AtomicU64::new(0),
        }))
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.start.elapsed()
    }

    /// It goes up.
    pub(super) fn sent(&self) {
        self.0.sent.store(self.nanoseconds(), Ordering::Relaxed);
    }

    /// The provider has answered.
    pub(super) fn answered(&self) {
        self.0.head.store(self.nanoseconds(), Ordering::Relaxed);
    }

    /// Something of the reply has come.
    pub(super) fn came(&self) {
        self.0.event.store(self.nanoseconds(), Ordering::Relaxed);
    }

    /// How long it took until it went up, if it did.
    pub(super) fn until_sent(&self) -> Option<Duration> {
        at(&self.0.sent)
    }

    /// How long ago the provider has answered.
    pub(super) fn since_head(&self) -> Option<Duration> {
        Some(self.elapsed().saturating_sub(at(&self.0.head)?))
    }

    /// How long before this moment the last of the reply came.
    pub(super) fn since_event(&self, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(at(&self.0.event)?))
    }

    fn nanoseconds(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

fn at(mark: &AtomicU64) -> Option<Duration> {
    let nanoseconds = mark.load(Ordering::Relaxed);
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}
