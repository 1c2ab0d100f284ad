use std::{sync::Arc, time::Duration};

use luthien_core::{
    decision::{Decision, DecisionId, Outcome, Phase, Severity, Skip},
    facts,
};

use super::{
    Context, Entry, PolicySet, Watches,
    context::Shared,
    entry::Subject,
    session::{PastDecision, SessionKey},
    set::Applying,
};

/// One exchange and the policies it meets.
pub(crate) struct Run {
    pub(crate) set: Arc<PolicySet>,
    pub(crate) shared: Arc<Shared>,
    /// The policies that it meets.
    pub(crate) applying: Applying,
}

impl Run {
    /// The policies that watch this, in order.
    pub(crate) fn entries(&self, watch: Watches) -> impl Iterator<Item = &Entry> {
        self.applying
            .places
            .iter()
            .filter_map(|place| self.set.entries.get(*place))
            .filter(move |entry| entry.watches.has(watch))
    }

    /// Whether anything is held or changed for a policy that watches this.
    pub(crate) fn watches(&self, watch: Watches) -> bool {
        self.applying.watches.has(watch)
    }

    /// Whether a policy in the shadow watches this.
    pub(crate) fn shadows(&self, watch: Watches) -> bool {
        self.applying.shadows.has(watch)
    }

    pub(crate) fn context(&self, entry: &Entry) -> Context {
        Context::new(self.shared.clone(), entry.name.clone())
    }

    /// Whether a policy is asked about a subject.
    pub(crate) fn applies(&self, entry: &Entry, subject: &Subject) -> bool {
        match entry.applies_to(self.shared.ledger.exchange(), subject) {
            Ok(applies) => applies,
            unclear => self.context(entry).holds(unclear),
        }
    }

    /// What is decided unless more is said: it passes, and nothing more is to be told.
    pub(crate) fn decision(entry: &Entry, phase: Phase) -> Decision {
        Decision {
            id: decision_id(),
            policy: entry.name.clone(),
            version: entry.version.clone(),
            mode: entry.mode,
            phase,
            block: None,
            tool: None,
            outcome: Outcome::Allow,
            applied: false,
            code: "".into(),
            reason: "".into(),
            severity: Severity::Info,
            latency: Duration::ZERO,
            before: None,
            after: None,
            votes: Vec::new(),
            consulted: Vec::new(),
        }
    }

    /// The same about a block.
    pub(crate) fn decision_on(entry: &Entry, subject: &Subject) -> Decision {
        Decision {
            block: Some(subject.block()),
            tool: subject.tool(),
            ..Self::decision(entry, subject.phase())
        }
    }

    /// Hands a decision to whoever records, and to the memory of the conversation.
    pub(crate) fn tell(&self, decision: &Decision) {
        self.shared.ledger.decide(decision);
        if !matches!(decision.outcome, Outcome::Allow | Outcome::Skipped(_)) {
            self.shared.session.note(PastDecision {
                id: decision.id,
                policy: decision.policy.clone(),
                outcome: decision.outcome,
                tool: decision.tool.clone(),
                code: decision.code.clone(),
            });
        }
    }

    /// Tells that policies were not asked about a subject.
    pub(crate) fn skip(&self, entry: &Entry, subject: &Subject, why: Skip) {
        let mut decision = Self::decision_on(entry, subject);
        decision.outcome = Outcome::Skipped(why);
        self.tell(&decision);
    }
}

/// A random name. Should there be no randomness, the decision is as good without a name of its own.
pub(crate) fn decision_id() -> DecisionId {
    let mut random = [0; 6];
    getrandom::fill(&mut random).ok();
    DecisionId::new(random)
}

/// The conversation whose memory an exchange shares.
pub(crate) fn session_key(
    caller: Option<&facts::Caller>,
    session: Option<&facts::SessionId>,
) -> Option<SessionKey> {
    Some(SessionKey {
        caller: caller.map(|caller| caller.id().into()),
        session: session?.0.clone(),
    })
}
