//! What became of an exchange, and what would become of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use luthien::record::Decided;
use luthien_core::decision;
use serde::Serialize;

use crate::{
    policy::why,
    trial::{Seen, Tried, is_refusal},
};

/// What became of an exchange.
pub(in crate::cli) struct Outcome {
    pub(in crate::cli) verdict: Verdict,
    pub(in crate::cli) decisions: Vec<Decision>,
    /// What went up, if anything did.
    pub(super) sent: Option<Bytes>,
    /// What its client has read; `None` if nobody knows all of it.
    pub(in crate::cli) seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Verdict {
    Allow,
    Modify,
    Block,
}

impl Verdict {
    /// What these decisions amount to, of an exchange that was refused or not.
    pub(super) fn of(decisions: &[Decision], is_refused: bool) -> Self {
        let mut applied = decisions.iter().filter(|decision| decision.applied);
        if is_refused || decisions.iter().any(Decision::is_refusal) {
            Self::Block
        } else if applied.any(|decision| decision.outcome != "allow") {
            Self::Modify
        } else {
            Self::Allow
        }
    }
}

/// A decision, as far as it can be compared with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Decision {
    #[serde(skip)]
    pub(super) id: String,
    pub(in crate::cli) policy: String,
    pub(super) mode: String,
    pub(super) phase: String,
    pub(super) block: Option<u32>,
    pub(super) tool: Option<String>,
    pub(in crate::cli) outcome: String,
    /// Why it failed, or was not asked.
    pub(super) cause: Option<String>,
    pub(in crate::cli) applied: bool,
    pub(super) code: String,
    pub(super) reason: String,
    #[serde(skip)]
    pub(super) after: Option<String>,
}

impl Decision {
    pub(super) fn recorded(decided: &Decided) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            id: decided.id.to_string(),
            policy: decided.policy.to_string(),
            mode: decided.mode.to_string(),
            phase: decided.phase.to_string(),
            block: decided.block,
            tool: text(&decided.tool),
            outcome: decided.outcome.to_string(),
            cause: text(&decided.cause),
            applied: decided.applied,
            code: decided.code.to_string(),
            reason: decided.reason.to_string(),
            after: text(&decided.after),
        }
    }

    fn made(decision: &decision::Decision) -> Self {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        Self {
            id: decision.id.to_string(),
            policy: decision.policy.to_string(),
            mode: decision.mode.name().to_owned(),
            phase: decision.phase.name().to_owned(),
            block: decision.block.map(|block| block.index),
            tool: text(&decision.tool),
            outcome: decision.outcome.name().to_owned(),
            cause: why(decision.outcome).map(str::to_owned),
            applied: decision.applied,
            code: decision.code.to_string(),
            reason: decision.reason.to_string(),
            after: text(&decision.after),
        }
    }

    /// Whether it kept something from whom it was for.
    fn is_refusal(&self) -> bool {
        let refuses = matches!(&*self.outcome, "block" | "ask" | "failed");
        refuses && self.applied && self.mode == "enforce"
    }

    fn is_failure(&self) -> bool {
        self.outcome == "failed"
    }

    fn is_edit(&self) -> bool {
        self.applied && !matches!(&*self.outcome, "allow" | "skipped")
    }

    /// Whether both change the same thing in the same way.
    fn is_like(&self, other: &Self) -> bool {
        (&self.policy, &self.phase, self.block, &self.outcome)
            == (&other.policy, &other.phase, other.block, &other.outcome)
            && masked(self.after.as_deref(), [&self.id])
                == masked(other.after.as_deref(), [&other.id])
    }
}

impl Outcome {
    /// What became of an exchange that was tried out. If no reply is known, only what was said of the request counts.
    pub(super) fn of(tried: Tried, has_reply: bool, was_refused_anyway: bool) -> Self {
        let is_refused = tried.decisions.iter().any(is_refusal)
            || (!tried.status.is_success() && !was_refused_anyway);
        let decisions = tried.decisions.iter().map(Decision::made);
        let decisions: Vec<_> = decisions
            .filter(|decision| has_reply || decision.phase == "request")
            .collect();
        let is_refused = if has_reply {
            is_refused
        } else {
            tried.asked.is_none()
        };
        Self {
            verdict: Verdict::of(&decisions, is_refused),
            decisions,
            sent: tried.asked,
            seen: has_reply.then_some(tried.seen),
        }
    }

    fn policies(&self, which: impl Fn(&Decision) -> bool) -> BTreeSet<String> {
        let those = self.decisions.iter().filter(|decision| which(decision));
        those.map(|decision| decision.policy.clone()).collect()
    }

    /// What its client has read, without the names of decisions, which are other ones each time.
    fn read(&self) -> Option<String> {
        let seen = self.seen.as_ref()?;
        let text = format!("{seen:?}");
        masked(
            Some(&text),
            self.decisions.iter().map(|decision| &decision.id),
        )
    }
}

fn masked<I: AsRef<str>>(text: Option<&str>, ids: impl IntoIterator<Item = I>) -> Option<String> {
    let mut text = text?.to_owned();
    for id in ids {
        let id = id.as_ref();
        if !id.is_empty() {
            text = text.replace(id, "d-");
        }
    }
    Some(text)
}

/// In what an exchange would end otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Something is refused of what passed.
    Blocked,
    /// What was refused passes.
    Allowed,
    /// Something else goes up, or comes back.
    Edited,
    /// A policy fails that did not.
    Failed,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Blocked, Self::Allowed, Self::Edited, Self::Failed];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Blocked => "Passed, and would be refused now",
            Self::Allowed => "Refused, and would pass now",
            Self::Edited => "Changed otherwise",
            Self::Failed => "A policy fails",
        }
    }
}

/// What differs between two outcomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differs {
    pub(super) kind: Kind,
    /// The policies that make the difference.
    pub(super) policies: BTreeSet<String>,
    pub(super) request: bool,
    pub(super) reply: bool,
}

/// What of an exchange would come out otherwise, if anything would.
pub(super) fn compare(before: &Outcome, after: &Outcome, is_whole: bool) -> Option<Differs> {
    let request = match (&before.sent, &after.sent) {
        (Some(before), Some(after)) => before != after,
        _ => false,
    };
    let reply = is_whole && before.read() != after.read();
    let differs = |kind, policies| {
        Some(Differs {
            kind,
            policies,
            request,
            reply,
        })
    };
    match (before.verdict, after.verdict) {
        (Verdict::Allow | Verdict::Modify, Verdict::Block) => {
            return differs(Kind::Blocked, after.policies(Decision::is_refusal));
        }
        (Verdict::Block, Verdict::Allow | Verdict::Modify) => {
            return differs(Kind::Allowed, before.policies(Decision::is_refusal));
        }
        _ => {}
    }
    if request || reply || before.verdict != after.verdict {
        let unlike = |of: &Outcome, other: &Outcome| {
            of.policies(|decision| {
                let mut others = other.decisions.iter();
                decision.is_edit()
                    && !others.any(|other| other.is_edit() && decision.is_like(other))
            })
        };
        let mut policies = unlike(before, after);
        policies.extend(unlike(after, before));
        if policies.is_empty() {
            // What was edited is not always told: then it is one of those who have.
            let in_question =
                |decision: &Decision| decision.is_edit() && (reply || decision.phase == "request");
            policies = before.policies(in_question);
            policies.extend(after.policies(in_question));
        }
        return differs(Kind::Edited, policies);
    }
    let failed = after.policies(Decision::is_failure);
    let failed: BTreeSet<_> = failed
        .difference(&before.policies(Decision::is_failure))
        .cloned()
        .collect();
    if failed.is_empty() {
        return None;
    }
    differs(Kind::Failed, failed)
}
