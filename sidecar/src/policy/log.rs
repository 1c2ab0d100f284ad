use luthien_core::decision::{Decision, DecisionSink, Exchange, Outcome, Severity};
use tracing::Level;

use crate::log::{Lines, Members, Topic};

/// Writes what policies decide into the log: what they refused, changed or failed at, and, for who wants to know it all,
/// what they let pass and what they were not asked. All lines of an exchange together are its coverage.
///
/// What was judged does not belong into a log, and is not there.
pub(crate) struct DecisionLog {
    lines: Lines,
}

impl DecisionLog {
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines }
    }
}

const DECISION: Topic = Topic {
    level: Level::INFO,
    target: "luthien::policy",
    message: "decision",
};

/// One that only completes the picture.
const PASSED: Topic = Topic {
    level: Level::DEBUG,
    ..DECISION
};

const REMARK: Topic = Topic {
    message: "remark",
    ..DECISION
};

/// The longest text of somebody else's, in bytes.
const LONGEST: usize = 2_048;

impl DecisionSink for DecisionLog {
    fn decided(&self, exchange: &Exchange, decision: &Decision) {
        let topic = match decision.outcome {
            Outcome::Allow | Outcome::Skipped(_) => PASSED,
            _ => DECISION,
        };
        self.lines
            .write(topic, |line| describe(line, exchange, decision));
    }

    fn emitted(&self, exchange: &Exchange, policy: &str, severity: Severity, message: &str) {
        self.lines.write(REMARK, |line| {
            line.text("id", exchange.id.as_deref());
            line.text("policy", policy);
            line.text("severity", severity.name());
            line.text("remark", short(message));
        });
    }
}

fn describe(line: &mut Members<'_>, exchange: &Exchange, decision: &Decision) {
    line.text("id", exchange.id.as_deref());
    line.text("decision", &*decision.id.to_string());
    line.text("policy", &*decision.policy);
    line.text("version", some(&decision.version));
    line.text("mode", decision.mode.name());
    line.text("phase", decision.phase.name());
    let block = decision.block;
    let block = block.map(|id| format!("{}.{}.{}", id.choice, id.index, id.part));
    line.text("block", block.as_deref());
    // The model's word.
    line.text("tool", decision.tool.as_deref().map(short));
    line.text("outcome", decision.outcome.name());
    line.text("why", why(decision.outcome));
    line.flag("applied", decision.applied);
    line.text("code", some(&decision.code));
    line.text("severity", decision.severity.name());
    line.milliseconds("ms", decision.latency);
    line.text("votes", some(&votes(decision)));
    line.text("reason", some(short(&decision.reason)));
}

/// What kept a policy from looking.
pub(crate) fn why(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed(failure) => Some(failure.name()),
        Outcome::Skipped(skip) => Some(skip.name()),
        _ => None,
    }
}

/// `strict=block lenient=allow`
fn votes(decision: &Decision) -> String {
    let votes = decision.votes.iter();
    let votes: Vec<_> = votes
        .map(|vote| format!("{}={}", vote.policy, vote.outcome.name()))
        .collect();
    votes.join(" ")
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn short(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or_default()
}
