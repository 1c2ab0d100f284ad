//! Attempts, and what is told of them to whoever knows how upstreams do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Response, header::RETRY_AFTER};
use luthien_core::{
    reject::{Rejection, RejectionKind},
    upstream::{Admit, Outcome},
};

/// An attempt at an upstream. What comes of it is reported once: that nobody waited any longer, if it is dropped before.
pub(super) struct Attempt<'a> {
    admit: &'a dyn Admit,
    upstream: &'a Arc<str>,
    model: Option<&'a str>,
    start: Instant,
    is_reported: bool,
}

impl<'a> Attempt<'a> {
    /// Begins one, if the upstream may be asked, in whose place others could be if it `has_others`; if not, after how long it is worth to ask again.
    pub(super) fn begin(
        admit: &'a dyn Admit,
        upstream: &'a Arc<str>,
        model: Option<&'a str>,
        has_others: bool,
    ) -> Result<Self, Duration> {
        admit.admit(upstream, model, has_others)?;
        Ok(Self {
            admit,
            upstream,
            model,
            start: Instant::now(),
            is_reported: false,
        })
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn report(&mut self, outcome: Outcome) {
        self.is_reported = true;
        self.admit.report(self.upstream, self.model, outcome);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_reported {
            let after = self.elapsed();
            self.report(Outcome::Abandoned { after });
        }
    }
}

/// What an answer says of its upstream.
pub(super) fn answered<B>(response: &Response<B>, is_shared: bool, took: Duration) -> Outcome {
    // In seconds, as both vendors write it; dates are not read.
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Outcome::Answered {
        status: response.status().as_u16(),
        retry_after: retry_after.map(Duration::from_secs),
        is_shared,
        took,
    }
}

/// In place of upstreams that all are left alone.
pub(super) fn left_alone(wait: Duration) -> Rejection {
    let seconds = wait.as_secs_f64().ceil();
    let message = format!("the provider fails, and is left alone: try again in {seconds} s");
    Rejection::new(RejectionKind::Unavailable, message)
        .with_code("circuit_open")
        .with_retry_after(wait)
}
