//! When to leave Redis alone.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// After a failure Redis is left alone: for 100 ms, then twice as long each time up to five seconds, each half as long
/// again at random, so that many processes do not come back at once. Then one request asks; the others wait for it.
pub(super) struct Away {
    start: Instant,
    failures: AtomicU32,
    /// Milliseconds since `start`; before then nobody asks.
    until: AtomicU64,
}

impl Default for Away {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            failures: AtomicU32::new(0),
            until: AtomicU64::new(0),
        }
    }
}

const FIRST: u64 = 100;
const LONGEST: u64 = 5_000;

impl Away {
    pub(super) fn is_away(&self) -> bool {
        self.failures.load(Ordering::Relaxed) > 0
    }

    /// Whether this request may ask. While Redis is away, only one may at a time.
    pub(super) fn may_ask(&self) -> bool {
        if !self.is_away() {
            return true;
        }
        let now = self.now();
        let until = self.until.load(Ordering::Relaxed);
        let probe =
            self.until
                .compare_exchange(until, now + FIRST, Ordering::Relaxed, Ordering::Relaxed);
        until <= now && probe.is_ok()
    }

    pub(super) fn answered(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Notes a failure; answers whether it is the first after a success.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        let wait = (FIRST << failures.min(10)).min(LONGEST);
        let wait = wait + random() % (wait / 2);
        self.until.store(self.now() + wait, Ordering::Relaxed);
        failures == 0
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A number that differs between calls and processes; nothing more is needed of it.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// How long to wait before trying again something that has failed so many times.
pub(super) fn pause(failures: u32) -> Duration {
    Duration::from_millis((FIRST << failures.min(10)).min(LONGEST))
}
