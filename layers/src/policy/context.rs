use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use luthien_core::{
    decision::{Consulted, Decision, Exchange, Severity, Vote},
    request::LlmRequest,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::{
    PolicyError,
    ledger::Ledger,
    models::{Answer, Asking, JudgeError, Question, consulted},
    session::{PastDecision, Session, StateError},
};
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
    span: Span,
    notes: Arc<Mutex<Notes>>,
}

/// What is told with the decision, beside the verdict.
#[derive(Default)]
pub(crate) struct Notes {
    votes: Vec<Vote>,
    consulted: Vec<Consulted>,
}

impl Notes {
    /// Puts them into the decision they belong to.
    pub(crate) fn tell(self, decision: &mut Decision) {
        decision.votes = self.votes;
        decision.consulted = self.consulted;
    }
}

/// What all policies of one exchange share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) request: Option<Arc<LlmRequest>>,
    pub(crate) session: Arc<Session>,
    pub(crate) asking: Option<Arc<Asking>>,
    /// Where the calls of this exchange run.
    #[cfg(feature = "guards")]
    pub(crate) place: Arc<Place>,
}

impl Shared {
    /// The same about this request, or about none.
    pub(crate) fn with_request(&self, request: Option<Arc<LlmRequest>>) -> Self {
        Self {
            request,
            ..self.clone()
        }
    }
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, policy: Arc<str>) -> Self {
        Self {
            span: tracing::debug_span!(target: "luthien::policy", "policy", name = &*policy),
            shared,
            policy,
            notes: Arc::default(),
        }
    }

    /// Who calls, for whom, in which dialect, model and conversation.
    pub fn exchange(&self) -> &Exchange {
        self.shared.ledger.exchange()
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

    /// How many calls were refused earlier in this conversation, by any policy.
    pub fn denials(&self) -> u32 {
        self.shared.session.denials()
    }

    /// Where the calls of this exchange run, as far as somebody knows; see [`effects`](Self::effects).
    #[cfg(feature = "guards")]
    pub fn place(&self) -> &Place {
        &self.shared.place
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
        self.shared.ledger.emit(&self.policy, severity, message);
    }

    /// Whether a condition holds. One that cannot be evaluated does, and the operator is told so once in the exchange.
    pub(crate) fn holds(&self, condition: Result<bool, PolicyError>) -> bool {
        condition.unwrap_or_else(|error| {
            self.shared.ledger.unclear(&self.policy, &error);
            true
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Asks a model, and records what it was shown, what it said, how long it took and what it cost. The policy's own
    /// deadline bounds it.
    ///
    /// # Errors
    ///
    /// If there is no model to ask, it does not answer, or not in the form that was asked for. A policy that hands this on
    /// has failed, and what that means is declared with it.
    pub async fn ask_model(&self, question: &Question) -> Result<Answer, JudgeError> {
        let Some(asking) = &self.shared.asking else {
            return Err(JudgeError::Unconfigured);
        };
        let start = Instant::now();
        let span = tracing::debug_span!(
            target: "luthien::policy", parent: &self.span, "judge", model = &*question.model
        );
        let asked = asking.model.ask(question, &asking.caller).instrument(span);
        let answer = asked.await;
        self.note_consulted(consulted(question, &answer, start.elapsed()));
        answer
    }

    /// Records the answer of a model that was asked the same before.
    pub(crate) fn note_consulted(&self, consulted: Consulted) {
        self.notes().consulted.push(consulted);
    }

    /// The span in which the policy is asked, for what it wants to be traced below it.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The same for a reviewer inside this policy.
    #[cfg(feature = "policies")]
    pub(crate) fn for_member(&self, name: Arc<str>) -> Self {
        Self::new(self.shared.clone(), name)
    }

    /// Takes over what a reviewer inside this policy has noted, under its name.
    #[cfg(feature = "policies")]
    pub(crate) fn take_over(&self, member: &str, own: &Self) {
        let theirs = own.take_notes();
        let mut notes = self.notes();
        notes.consulted.extend(theirs.consulted);
        notes.votes.extend(theirs.votes.into_iter().map(|vote| {
            let policy = format!("{member}/{}", vote.policy).into();
            Vote { policy, ..vote }
        }));
    }

    #[cfg(feature = "policies")]
    pub(crate) fn vote(&self, vote: Vote) {
        self.notes().votes.push(vote);
    }

    pub(crate) fn take_notes(&self) -> Notes {
        std::mem::take(&mut self.notes())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("policy", &self.policy)
            .field("exchange", self.exchange())
            .finish_non_exhaustive()
    }
}
