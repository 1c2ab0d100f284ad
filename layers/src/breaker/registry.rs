use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use luthien_core::upstream::{Admit, Outcome};
use tokio::time::Instant;

use super::{
    Settings, State,
    circuit::{Inner, Turn},
};

/// So many circuits, and no more: names of models are chosen by whoever asks. Models beyond share one.
const MOST: usize = 1_000;

/// Circuits of upstreams and models. Cheap to clone: clones share them.
#[derive(Clone)]
pub struct Breakers(Arc<Shared>);

struct Shared {
    settings: Settings,
    circuits: Mutex<HashMap<Key, Inner>>,
}

type Key = (Arc<str>, Box<str>);

/// How a circuit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// The upstream.
    pub upstream: Arc<str>,
    /// The model; empty for requests without one, and for all beyond the thousandth circuit.
    pub model: Box<str>,
    /// What it does.
    pub state: State,
}

impl Breakers {
    /// All circuits are closed.
    pub fn new(settings: Settings) -> Self {
        let circuits = Mutex::default();
        Self(Arc::new(Shared { settings, circuits }))
    }

    /// The circuits that are not closed.
    pub fn open(&self) -> Vec<Circuit> {
        let now = Instant::now();
        let circuits = self.circuits();
        let all = circuits.iter().map(|((upstream, model), inner)| Circuit {
            upstream: upstream.clone(),
            model: model.clone(),
            state: inner.state(now),
        });
        all.filter(|circuit| circuit.state != State::Closed)
            .collect()
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<Key, Inner>> {
        self.0
            .circuits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        upstream: &Arc<str>,
        model: Option<&str>,
        act: impl FnOnce(&mut Inner) -> T,
    ) -> T {
        let mut circuits = self.circuits();
        let mut key: Key = (upstream.clone(), model.unwrap_or_default().into());
        if circuits.len() >= MOST && !circuits.contains_key(&key) {
            key.1 = "".into();
        }
        act(circuits.entry(key).or_default())
    }
}

impl Default for Breakers {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// What an outcome says of an upstream.
enum Verdict {
    Success,
    Failure(Option<Duration>),
    Nothing,
}

fn verdict(settings: &Settings, outcome: Outcome) -> Verdict {
    let is_slow = |time: Duration| settings.slow.is_some_and(|slow| time > slow);
    match outcome {
        Outcome::Unreachable => Verdict::Failure(None),
        Outcome::Abandoned { after } if is_slow(after) => Verdict::Failure(None),
        Outcome::Answered {
            status,
            retry_after,
            is_shared,
            took,
        } => match status {
            // At once, for it says so: and for a moment, if it does not say for how long.
            429 if is_shared => Verdict::Failure(retry_after),
            429 => Verdict::Nothing,
            503 | 529 => Verdict::Failure(retry_after),
            500 | 502 | 504 => Verdict::Failure(None),
            _ if is_slow(took) => Verdict::Failure(None),
            _ => Verdict::Success,
        },
        // And whatever else may come.
        _ => Verdict::Nothing,
    }
}

impl Admit for Breakers {
    fn admit(
        &self,
        upstream: &Arc<str>,
        model: Option<&str>,
        has_others: bool,
    ) -> Result<(), Duration> {
        let (settings, now) = (&self.0.settings, Instant::now());
        self.with(upstream, model, |inner| {
            inner.admit(settings, now, has_others)
        })
    }

    fn report(&self, upstream: &Arc<str>, model: Option<&str>, outcome: Outcome) {
        let (settings, now) = (&self.0.settings, Instant::now());
        let verdict = verdict(settings, outcome);
        let turn = self.with(upstream, model, |inner| match verdict {
            Verdict::Success => inner.succeeded(settings, now),
            Verdict::Failure(rest) => inner.failed(settings, now, rest),
            Verdict::Nothing => {
                inner.forget();
                None
            }
        });
        let model = model.unwrap_or_default();
        match turn {
            Some(Turn::Opened(rest)) => {
                tracing::warn!(%upstream, model, ?rest, "the upstream fails, and is left alone");
            }
            Some(Turn::Closed) => tracing::info!(%upstream, model, "the upstream answers again"),
            None => {}
        }
    }
}
