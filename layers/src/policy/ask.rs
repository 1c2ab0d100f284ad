//! Asking one policy one thing: with a deadline, and a net under it.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use luthien_core::decision::Failure;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::{Context, Entry, PolicyError};

/// An answer, or why there is none, and how long it took.
pub(crate) struct Answered<T> {
    pub(crate) answer: Result<T, Failed>,
    pub(crate) latency: Duration,
}

/// Why there is no answer.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    /// For the operator.
    pub(crate) reason: Arc<str>,
    /// A word of the policy's own in the place of the failure's.
    code: Option<&'static str>,
}

impl Failed {
    pub(crate) fn new(failure: Failure, reason: &str) -> Self {
        Self {
            failure,
            reason: reason.into(),
            code: None,
        }
    }

    /// The stable word for programs.
    pub(crate) fn code(&self) -> Arc<str> {
        match self.code {
            Some(code) => code.into(),
            None => format!("policy_{}", self.failure.name()).into(),
        }
    }
}

/// Asks a hook that may wait.
pub(crate) async fn ask<T>(
    entry: &Entry,
    cx: &Context,
    hook: impl Future<Output = Result<T, PolicyError>>,
) -> Answered<T> {
    let start = Instant::now();
    if entry.breaker.is_tripped() {
        return Answered {
            answer: Err(tripped()),
            latency: Duration::ZERO,
        };
    }
    // What it leaves behind is its own: the engine gave it nothing that a panic could leave half done.
    let caught = AssertUnwindSafe(hook)
        .catch_unwind()
        .instrument(cx.span().clone());
    let answer = match timeout(entry.deadline, caught).await {
        Ok(Ok(Ok(answer))) => {
            entry.breaker.answered();
            Ok(answer)
        }
        Ok(Ok(Err(error))) => Err(Failed {
            code: error.code(),
            ..Failed::new(Failure::Error, &error.to_string())
        }),
        Ok(Err(panic)) => {
            entry.breaker.panicked();
            Err(Failed::new(Failure::Panic, message(panic.as_ref())))
        }
        Err(_) => {
            let reason = format!("no answer within {:?}", entry.deadline);
            Err(Failed::new(Failure::Late, &reason))
        }
    };
    Answered {
        answer,
        latency: start.elapsed(),
    }
}

/// Asks a hook that answers at once.
pub(crate) fn ask_now<T>(entry: &Entry, hook: impl FnOnce() -> T) -> Result<T, Failed> {
    if entry.breaker.is_tripped() {
        return Err(tripped());
    }
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(answer) => {
            entry.breaker.answered();
            Ok(answer)
        }
        Err(panic) => {
            entry.breaker.panicked();
            Err(Failed::new(Failure::Panic, message(panic.as_ref())))
        }
    }
}

fn tripped() -> Failed {
    Failed::new(
        Failure::Tripped,
        "it panicked so often that it is not asked for a minute",
    )
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it panicked")
}
