//! What would come out otherwise, counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    compare::{Decision, Differs, Kind, Outcome, Verdict},
    recorded::Unfit,
};

/// Which form this is.
const VERSION: u32 = 1;

/// What came of a replay. Nothing in it depends on when or how fast it ran.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    pub(super) sessions: u64,
    /// How many exchanges were compared.
    pub(super) compared: u64,
    /// How many would end as they did.
    pub(super) same: u64,
    /// By policy, in how many exchanges it makes which difference.
    pub(super) policies: BTreeMap<String, BTreeMap<Kind, u64>>,
    pub(super) changes: Vec<Change>,
    /// Exchanges that could not go through policies, by reason.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    /// Exchanges in which a model would be asked something to which no answer is recorded.
    pub(super) unanswered: Vec<String>,
    /// Policies that were left out, for they ask over the network.
    pub(super) left_out: Vec<String>,
}

/// An exchange that would end otherwise.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub(super) session_id: Option<String>,
    pub(super) transaction_id: String,
    pub(super) kind: Kind,
    pub(super) policies: Vec<String>,
    /// Whether something else would go up.
    request: bool,
    /// Whether the client would read something else.
    reply: bool,
    before: Side,
    pub(super) after: Side,
}

#[derive(Debug, Serialize)]
pub(super) struct Side {
    verdict: Verdict,
    /// Those that were not simply to let pass.
    pub(super) decisions: Vec<Decision>,
}

impl Side {
    fn of(outcome: &Outcome) -> Self {
        let decisions = outcome.decisions.iter();
        let says = |decision: &&Decision| !matches!(&*decision.outcome, "allow" | "skipped");
        Self {
            verdict: outcome.verdict,
            decisions: decisions.filter(says).cloned().collect(),
        }
    }
}

impl Report {
    pub(super) fn new(policies: impl IntoIterator<Item = String>, left_out: Vec<String>) -> Self {
        let policies = policies.into_iter();
        Self {
            version: VERSION,
            sessions: 0,
            compared: 0,
            same: 0,
            policies: policies.map(|policy| (policy, BTreeMap::new())).collect(),
            changes: Vec::new(),
            skipped: BTreeMap::new(),
            unanswered: Vec::new(),
            left_out,
        }
    }

    pub(super) fn skip(&mut self, why: Unfit) {
        *self.skipped.entry(why.words()).or_default() += 1;
    }

    pub(super) fn add(
        &mut self,
        session_id: Option<&str>,
        transaction_id: &str,
        differs: Option<Differs>,
        (before, after): (&Outcome, &Outcome),
    ) {
        self.compared += 1;
        let Some(differs) = differs else {
            self.same += 1;
            return;
        };
        for policy in &differs.policies {
            let counts = self.policies.entry(policy.clone()).or_default();
            *counts.entry(differs.kind).or_default() += 1;
        }
        self.changes.push(Change {
            session_id: session_id.map(str::to_owned),
            transaction_id: transaction_id.to_owned(),
            kind: differs.kind,
            policies: differs.policies.into_iter().collect(),
            request: differs.request,
            reply: differs.reply,
            before: Side::of(before),
            after: Side::of(after),
        });
    }
}

impl Change {
    /// Why, in short: what the policies that make the difference say now, or what they have said.
    pub(super) fn why(&self) -> String {
        let side = match self.kind {
            Kind::Allowed => &self.before,
            _ => &self.after,
        };
        let of_these = |decision: &&Decision| self.policies.contains(&decision.policy);
        let decisions = side.decisions.iter().filter(of_these);
        let said = decisions.map(|decision| {
            let tool = decision.tool.as_deref().map(|tool| format!(" {tool}"));
            let code = Some(&*decision.code).filter(|code| !code.is_empty());
            let why = decision.cause.as_deref().or(code);
            let why = why.map(|why| format!(" ({why})"));
            format!(
                "{}: {} {}{}{}",
                decision.policy,
                decision.outcome,
                decision.phase,
                tool.unwrap_or_default(),
                why.unwrap_or_default(),
            )
        });
        let said: Vec<_> = said.collect();
        match said.is_empty() {
            true => self.policies.join(", "),
            false => said.join("; "),
        }
    }
}
