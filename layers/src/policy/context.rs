use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use luthien_core::{
    decision::{DecisionSink, Exchange, Severity, Vote},
    request::LlmRequest,
};
use serde::{Serialize, de::DeserializeOwned};

use super::session::{PastDecision, Session, StateError};
#[cfg(feature = "guards")]
use super::{
    ToolCall,
    effects::{Effects, Place},
};

/// What a policy may know of the exchange it judges, and the only things it may do beside judging. Everything about the
/// exchange is read-only.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    policy: Arc<str>,
    votes: Arc<Mutex<Vec<Vote>>>,
}

/// What all policies of one exchange share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) exchange: Exchange,
    pub(crate) request: Option<Arc<LlmRequest>>,
    pub(crate) session: Arc<Session>,
    pub(crate) sink: Arc<dyn DecisionSink>,
    /// Where the calls of this exchange run.
    #[cfg(feature = "guards")]
    pub(crate) place: Arc<Place>,
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, policy: Arc<str>) -> Self {
        Self {
            shared,
            policy,
            votes: Arc::default(),
        }
    }

    /// Who calls, for whom, in which dialect, model and conversation.
    pub fn exchange(&self) -> &Exchange {
        &self.shared.exchange
    }

    /// The request, and in it the conversation so far. While a reply is judged it is there only for policies that watch
    /// [`CONVERSATION`](super::Watches::CONVERSATION).
    pub fn request(&self) -> Option<&LlmRequest> {
        self.shared.request.as_deref()
    }

    /// The policy's own name in the configuration.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What this policy has kept of the conversation; the default if it has kept nothing, or nothing that fits `T`. A
    /// conversation without a name is as long as its exchange.
    pub fn state<T: DeserializeOwned + Default>(&self) -> T {
        self.shared.session.state(&self.policy)
    }

    /// Changes what this policy keeps of the conversation: nobody else changes it meanwhile.
    ///
    /// # Errors
    ///
    /// If it would take more than 64 KiB as JSON; it is as before then.
    pub fn update_state<T, R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, StateError>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        self.shared.session.update(&self.policy, change)
    }

    /// What was refused, changed or failed earlier in this conversation, by any policy, oldest first: the last 64.
    pub fn decisions(&self) -> Vec<PastDecision> {
        self.shared.session.decisions()
    }

    /// What a call does, in the place where this exchange's calls run: found out once, whoever asks. Only for policies that
    /// watch [`EFFECTS`](super::Watches::EFFECTS) the place is read from the request; without, it is what the
    /// [settings](super::PolicySettings) say.
    #[cfg(feature = "guards")]
    pub fn effects<'c>(&self, call: &'c ToolCall) -> &'c Effects {
        call.effects(&self.shared.place)
    }

    /// Tells the operator something beside the verdict.
    pub fn emit(&self, severity: Severity, message: &str) {
        let shared = &self.shared;
        shared
            .sink
            .emitted(&shared.exchange, &self.policy, severity, message);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The same for a reviewer inside this policy.
    #[cfg(feature = "policies")]
    pub(crate) fn for_member(&self, name: Arc<str>) -> Self {
        Self::new(self.shared.clone(), name)
    }

    #[cfg(feature = "policies")]
    pub(crate) fn vote(&self, vote: Vote) {
        let mut votes = self.votes.lock().unwrap_or_else(PoisonError::into_inner);
        votes.push(vote);
    }

    pub(crate) fn take_votes(&self) -> Vec<Vote> {
        let mut votes = self.votes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut votes)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("policy", &self.policy)
            .field("exchange", &self.shared.exchange)
            .finish_non_exhaustive()
    }
}
