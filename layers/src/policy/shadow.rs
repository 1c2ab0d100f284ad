use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use tokio::task::JoinSet;

/// Evaluations off the hot path: so many at once, owned here, and ended with the set of policies they belong to.
#[derive(Debug, Default)]
pub(crate) struct Shadows {
    running: Mutex<JoinSet<()>>,
}

/// More than these are not begun.
const MOST: usize = 64;

impl Shadows {
    /// Begins one, unless there are too many, or no runtime to run it on; answers whether it did.
    pub(crate) fn begin(&self, evaluation: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended make room.
        while running.try_join_next().is_some() {}
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return false;
        };
        if running.len() >= MOST {
            return false;
        }
        running.spawn_on(evaluation, &runtime);
        true
    }
}
