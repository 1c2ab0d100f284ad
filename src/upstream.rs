//! Whether a provider may be asked: what whoever chooses among upstreams asks whoever knows how they do.

use std::{fmt, sync::Arc, time::Duration};

/// Knows how upstreams do. Called in the middle of traffic: it must not block, and must not panic.
pub trait Admit: fmt::Debug + Send + Sync {
    /// Whether an upstream may be asked for a model now; `has_others` if another could be asked in its place. If so, what comes of it is
    /// [reported](Self::report), exactly once.
    ///
    /// # Errors
    ///
    /// With the time after which it is worth to ask again.
    fn admit(
        &self,
        upstream: &Arc<str>,
        model: Option<&str>,
        has_others: bool,
    ) -> Result<(), Duration>;

    /// What came of asking.
    fn report(&self, upstream: &Arc<str>, model: Option<&str>, outcome: Outcome);
}

/// What came of asking an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It has answered.
    Answered {
        /// With this status.
        status: u16,
        /// It said that it wants to be left alone for so long.
        retry_after: Option<Duration>,
        /// Whether others ask it with the same credential: what it says of too many requests is about all of them then.
        is_shared: bool,
        /// How long it took.
        took: Duration,
    },
    /// It could not be reached, or what it said was no HTTP.
    Unreachable,
    /// Nobody waited for it any longer, after so long.
    Abandoned {
        /// How long somebody had waited.
        after: Duration,
    },
}

/// Everybody may always be asked.
impl Admit for () {
    fn admit(&self, _: &Arc<str>, _: Option<&str>, _: bool) -> Result<(), Duration> {
        Ok(())
    }

    fn report(&self, _: &Arc<str>, _: Option<&str>, _: Outcome) {}
}
