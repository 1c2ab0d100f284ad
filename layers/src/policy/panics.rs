use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A policy that panics over and over is not asked for a while. It is never taken away: what it was to judge is refused
/// meanwhile, whatever its failure was declared to mean.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    panics: u32,
    until: Option<Instant>,
}

/// So many running trip it.
const PANICS: u32 = 3;
/// For so long. Then it is tried again.
const REST: Duration = Duration::from_secs(60);

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_tripped(&self) -> bool {
        let state = self.state();
        state.until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn panicked(&self) {
        let mut state = self.state();
        state.panics = state.panics.saturating_add(1);
        if state.panics >= PANICS {
            state.until = Some(Instant::now() + REST);
        }
    }

    pub(crate) fn answered(&self) {
        *self.state() = State::default();
    }
}
