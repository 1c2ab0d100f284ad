use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use luthien_core::decision::{DecisionId, Outcome};
use moka::sync::Cache;
use serde::{Serialize, de::DeserializeOwned};

/// What policies remember of conversations. Outlives exchanges, and sets of policies: the same store goes into the next
/// set. In memory, bounded: the conversation that was quiet for longest is forgotten first.
#[derive(Clone)]
pub struct Sessions {
    cache: Cache<SessionKey, Arc<Session>>,
}

/// A conversation is its caller's: who knows another's session id has nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub(crate) caller: Option<Arc<str>>,
    pub(crate) session: Arc<str>,
}

/// Earlier decisions of a conversation that are remembered.
const REMEMBERED: usize = 64;
/// The most bytes of state that a policy may keep of one conversation.
const STATE: usize = 64 * 1024;

impl Sessions {
    /// A store for at most this many conversations, each kept until it was quiet for this long.
    pub fn new(most: u64, quiet: Duration) -> Self {
        let cache = Cache::builder().max_capacity(most).time_to_idle(quiet);
        Self {
            cache: cache.build(),
        }
    }

    pub(crate) fn open(&self, key: Option<SessionKey>) -> Arc<Session> {
        match key {
            Some(key) => self.cache.get_with(key, Arc::default),
            // A conversation without a name is as long as its exchange.
            None => Arc::default(),
        }
    }
}

/// 10,000 conversations, each until it was quiet for a day.
impl Default for Sessions {
    fn default() -> Self {
        Self::new(10_000, Duration::from_secs(24 * 60 * 60))
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("open", &self.cache.entry_count())
            .finish()
    }
}

/// What is remembered of one conversation.
#[derive(Default)]
pub(crate) struct Session {
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    /// By policy, as JSON.
    states: BTreeMap<Arc<str>, Vec<u8>>,
    decisions: VecDeque<PastDecision>,
    denials: u32,
    /// What was denied last, and how often running.
    repeated: Option<(Arc<str>, u32)>,
}

/// A decision made earlier in the conversation, other than to let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// Its name.
    pub id: DecisionId,
    /// Who decided.
    pub policy: Arc<str>,
    /// What.
    pub outcome: Outcome,
    /// The tool, if it was about a call.
    pub tool: Option<Arc<str>>,
    /// The stable word.
    pub code: Arc<str>,
}

/// How often something was denied, this time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denials {
    /// The same, with no other denied in between.
    pub(crate) running: u32,
    /// In the conversation.
    pub(crate) all: u32,
}

impl Session {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // Nothing is left half done by a policy that panics: states are put back whole.
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, decision: PastDecision) {
        let mut remembered = self.remembered();
        if remembered.decisions.len() >= REMEMBERED {
            remembered.decisions.pop_front();
        }
        remembered.decisions.push_back(decision);
    }

    pub(crate) fn decisions(&self) -> Vec<PastDecision> {
        self.remembered().decisions.iter().cloned().collect()
    }

    /// A call was denied; `what` is the same for the same call.
    pub(crate) fn denied(&self, what: &str) -> Denials {
        let mut remembered = self.remembered();
        remembered.denials = remembered.denials.saturating_add(1);
        let running = match remembered.repeated.take() {
            Some((last, times)) if &*last == what => times.saturating_add(1),
            _ => 1,
        };
        remembered.repeated = Some((what.into(), running));
        Denials {
            running,
            all: remembered.denials,
        }
    }

    /// How many calls were denied.
    pub(crate) fn denials(&self) -> u32 {
        self.remembered().denials
    }

    pub(crate) fn state<T: DeserializeOwned + Default>(&self, policy: &str) -> T {
        let remembered = self.remembered();
        let state = remembered.states.get(policy);
        state
            .and_then(|state| serde_json::from_slice(state).ok())
            .unwrap_or_default()
    }

    pub(crate) fn update<T, R>(
        &self,
        policy: &Arc<str>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, StateError>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        let mut remembered = self.remembered();
        let mut state: T = remembered
            .states
            .get(policy)
            .and_then(|state| serde_json::from_slice(state).ok())
            .unwrap_or_default();
        let answer = change(&mut state);
        let json = serde_json::to_vec(&state).map_err(|error| StateError(error.to_string()))?;
        if json.len() > STATE {
            return Err(StateError(format!(
                "the state of a conversation may take {STATE} bytes, this one takes {}",
                json.len()
            )));
        }
        remembered.states.insert(policy.clone(), json);
        Ok(answer)
    }
}

/// The state of a conversation could not be kept; it is as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateError(String);

impl From<StateError> for super::PolicyError {
    fn from(error: StateError) -> Self {
        Self::new(error.0)
    }
}
