use luthien_core::decision::{
    Consulted, Coverage, Decision, DecisionSink, Exchange, Inspected, Look, Outcome, Severity,
};
use tracing::Level;

use crate::log::{Lines, Members, Topic};

/// Writes what policies decide into the log: what they refused, changed or failed at, and, for who wants to know it all,
/// what they let pass and what they were not asked. At its end the coverage of each exchange: how much of it policies have
/// looked at, and what they should have looked at and could not.
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

/// An exchange in which nothing was missed.
const COVERAGE: Topic = Topic {
    message: "coverage",
    ..PASSED
};

/// One in which something was.
const GAPS: Topic = Topic {
    message: "coverage",
    ..DECISION
};

/// So many gaps are named; the others are counted.
const NAMED: usize = 8;

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

    fn covered(&self, exchange: &Exchange, coverage: &Coverage) {
        let gaps = coverage.gaps().count();
        let topic = if gaps == 0 { COVERAGE } else { GAPS };
        self.lines.write(topic, |line| {
            line.text("id", exchange.id.as_deref());
            let mut count = |name, count: usize| line.number(name, u64::try_from(count).ok());
            count("things", coverage.things().len() + coverage.more());
            count("looked_at", coverage.evaluated());
            count("gaps", gaps);
            let named: Vec<_> = coverage.gaps().take(NAMED).map(gap).collect();
            line.text("missed", some(&named.join(", ")));
        });
    }
}

/// `tool_call Bash: deny-tools late`
fn gap((thing, look): (&Inspected, &Look)) -> String {
    let tool = thing
        .tool
        .as_deref()
        .map(|tool| format!(" {}", short(tool)));
    format!(
        "{}{}: {} {}",
        thing.phase.name(),
        tool.unwrap_or_default(),
        look.policy,
        why(look.outcome).unwrap_or_default()
    )
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
    let consulted: Vec<_> = decision.consulted.iter().map(judge).collect();
    line.text("judges", some(&consulted.join(", ")));
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

/// `claude-haiku-4-5 412 ms 310+25 tokens`
fn judge(consulted: &Consulted) -> String {
    let tokens = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let cost = if consulted.cached {
        "cached".to_owned()
    } else {
        let usage = &consulted.usage;
        format!("{}+{} tokens", tokens(usage.input), tokens(usage.output))
    };
    let milliseconds = consulted.latency.as_millis();
    format!("{} {milliseconds} ms {cost}", consulted.model)
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
