//! What policies decide, as it is recorded.

use luthien_core::{
    decision::{
        Consulted as Asked, Coverage, Decision, DecisionSink, Exchange, Outcome, Severity,
        Vote as Said,
    },
    reply::{BlockId, Usage},
};

use super::{
    Consulted, Covered, Decided, Look, Recorder, Said as Words, Thing, Tokens, Vote,
    note::{Note, Noted},
};

/// A recorder takes down what policies decide. An exchange without a name is not recorded, and neither are its decisions.
impl DecisionSink for Recorder {
    fn decided(&self, exchange: &Exchange, decision: &Decision) {
        self.tell(exchange, || Noted::Decided(Box::new(decided(decision))));
    }

    fn emitted(&self, exchange: &Exchange, policy: &str, severity: Severity, message: &str) {
        let said = || Words {
            policy: policy.into(),
            severity: severity.name().into(),
            message: message.into(),
        };
        self.tell(exchange, || Noted::Said(said()));
    }

    fn covered(&self, exchange: &Exchange, coverage: &Coverage) {
        self.tell(exchange, || Noted::Covered(covered(coverage)));
    }
}

impl Recorder {
    fn tell(&self, exchange: &Exchange, what: impl FnOnce() -> Noted) {
        if let Some(id) = &exchange.id {
            self.note(Note::now(id.clone(), what()));
        }
    }
}

fn decided(decision: &Decision) -> Decided {
    Decided {
        id: decision.id.to_string().into(),
        policy: (&*decision.policy).into(),
        version: (&*decision.version).into(),
        mode: decision.mode.name().into(),
        phase: decision.phase.name().into(),
        block: decision.block.map(place),
        tool: decision.tool.as_deref().map(Into::into),
        outcome: decision.outcome.name().into(),
        cause: cause(decision.outcome),
        applied: decision.applied,
        code: (&*decision.code).into(),
        reason: (&*decision.reason).into(),
        severity: decision.severity.name().into(),
        latency_us: micros(decision.latency),
        before: decision.before.as_deref().map(Into::into),
        after: decision.after.as_deref().map(Into::into),
        votes: decision.votes.iter().map(vote).collect(),
        consulted: decision.consulted.iter().map(consulted).collect(),
    }
}

fn vote(vote: &Said) -> Vote {
    Vote {
        policy: (&*vote.policy).into(),
        outcome: vote.outcome.name().into(),
        reason: (&*vote.reason).into(),
        latency_us: micros(vote.latency),
    }
}

fn consulted(asked: &Asked) -> Consulted {
    Consulted {
        model: (&*asked.model).into(),
        asked: (&*asked.asked).into(),
        answered: (&*asked.answered).into(),
        usage: Tokens::from(&asked.usage),
        latency_us: micros(asked.latency),
        cached: asked.cached,
    }
}

fn covered(coverage: &Coverage) -> Covered {
    let things = coverage.things().iter().map(|thing| Thing {
        phase: thing.phase.name().into(),
        block: thing.block.map(place),
        tool: thing.tool.as_deref().map(Into::into),
        looks: thing
            .looks
            .iter()
            .map(|look| Look {
                policy: (&*look.policy).into(),
                version: (&*look.version).into(),
                outcome: look.outcome.name().into(),
                cause: cause(look.outcome),
            })
            .collect(),
    });
    Covered {
        things: things.collect(),
        more: coverage.more() as u64,
    }
}

impl From<&Usage> for Tokens {
    fn from(usage: &Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cache_write_1h: usage.cache_write_1h,
            reasoning: usage.reasoning,
        }
    }
}

/// Why a policy did not answer.
fn cause(outcome: Outcome) -> Option<Box<str>> {
    match outcome {
        Outcome::Failed(failure) => Some(failure.name().into()),
        Outcome::Skipped(skip) => Some(skip.name().into()),
        _ => None,
    }
}

fn place(block: BlockId) -> u32 {
    block.index
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
