//! What policies decided: the type that whoever judges hands to whoever records, measures or shows.
//!
//! Every policy that an exchange meets answers with a [`Decision`] for everything it was there to judge, those it let pass
//! included. That nothing was found is said by an [`Outcome::Allow`] and by nothing else: a check that did not run is
//! [`Skipped`](Outcome::Skipped) or [`Failed`](Outcome::Failed), and no reader can take it for one that passed. All
//! decisions of an exchange together are its [`Coverage`]: what was looked at, by which version of which policy, and what was
//! not, and why.

mod coverage;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Dialect, facts,
    reply::{BlockId, Usage},
};

pub use coverage::{Coverage, Inspected, Look};

/// What one policy said of one thing.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Names the decision in the words that the client reads, and wherever it is recorded.
    pub id: DecisionId,
    /// The policy's name in the configuration.
    pub policy: Arc<str>,
    /// Changes whenever the policy or its settings do.
    pub version: Arc<str>,
    /// How much the decision weighs.
    pub mode: Mode,
    /// What was judged.
    pub phase: Phase,
    /// The block, in a reply.
    pub block: Option<BlockId>,
    /// The tool, if the block is a call.
    pub tool: Option<Arc<str>>,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether the client saw the consequence: a verdict of [`Mode::Observe`] has none.
    pub applied: bool,
    /// A stable word for programs, such as `denied_tool`; empty if there is nothing to say.
    pub code: Arc<str>,
    /// For the operator: why, in full. Never shown to the client.
    pub reason: Arc<str>,
    /// How much the operator should care.
    pub severity: Severity,
    /// How long it took to judge.
    pub latency: Duration,
    /// What was judged, as it came; if something was changed or refused. A policy may keep it back: then it is not here.
    pub before: Option<Arc<str>>,
    /// What stands in its place.
    pub after: Option<Arc<str>>,
    /// Of reviewers in parallel, what each of them said.
    pub votes: Vec<Vote>,
    /// Which models were asked about it.
    pub consulted: Vec<Consulted>,
}

/// A model that a policy has asked, and what it said.
#[derive(Clone, PartialEq, Eq)]
pub struct Consulted {
    /// The model.
    pub model: Arc<str>,
    /// What it was shown, as JSON. For the operator.
    pub asked: Arc<str>,
    /// What it answered, or why it did not. For the operator.
    pub answered: Arc<str>,
    /// The tokens it took: what it cost.
    pub usage: Usage,
    /// How long it took.
    pub latency: Duration,
    /// Whether an earlier answer to the same question was taken.
    pub cached: bool,
}

/// Shows what it cost, not what was said.
impl fmt::Debug for Consulted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consulted")
            .field("model", &self.model)
            .field("usage", &self.usage)
            .field("latency", &self.latency)
            .field("cached", &self.cached)
            .finish_non_exhaustive()
    }
}

/// What one of several reviewers said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The reviewer's name.
    pub policy: Arc<str>,
    /// What it said.
    pub outcome: Outcome,
    /// For the operator: why.
    pub reason: Arc<str>,
    /// How long it took.
    pub latency: Duration,
}

/// What came of asking a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It looked, and lets it pass.
    Allow,
    /// It lets it pass, changed.
    Modify,
    /// It refuses.
    Block,
    /// A person has to say.
    Ask,
    /// It was asked and did not answer.
    Failed(Failure),
    /// It was not asked.
    Skipped(Skip),
}

impl Outcome {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Modify => "modify",
            Self::Block => "block",
            Self::Ask => "ask",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Whether the policy looked and answered. Only then may anything be said to have passed.
    pub fn is_evaluated(self) -> bool {
        matches!(self, Self::Allow | Self::Modify | Self::Block | Self::Ask)
    }
}

/// Why a policy that was asked gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// It panicked.
    Panic,
    /// It panicked so often that it is not asked for a while.
    Tripped,
    /// It took longer than its deadline.
    Late,
    /// It said itself that it could not judge.
    Error,
    /// It answered with something that cannot be.
    Invalid,
    /// What it had to judge is longer than may be held.
    TooLarge,
}

impl Failure {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Tripped => "tripped",
            Self::Late => "late",
            Self::Error => "error",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
        }
    }
}

/// Why a policy was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// Its condition does not hold here.
    Condition,
    /// An earlier policy has refused already.
    Refused,
    /// The reply cannot be read.
    Opaque,
    /// There was no room for one more evaluation off the hot path.
    Overload,
    /// The client left.
    ClientGone,
}

impl Skip {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Refused => "refused",
            Self::Opaque => "opaque",
            Self::Overload => "overload",
            Self::ClientGone => "client_gone",
        }
    }
}

/// How much a policy's verdict weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It happens.
    #[default]
    Enforce,
    /// What it would refuse passes, with a warning in front.
    Warn,
    /// It is judged as if it were to happen, waited for, and recorded; nothing is changed.
    Observe,
    /// It is judged after the fact, off the hot path; nothing is changed, and nothing waits.
    Shadow,
}

impl Mode {
    /// The word in configurations, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Observe => "observe",
            Self::Shadow => "shadow",
        }
    }
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The request, before it goes up.
    Request,
    /// A text block of the reply.
    Text,
    /// A thinking block of the reply.
    Thinking,
    /// A tool call of the reply.
    ToolCall,
    /// The end of the reply.
    End,
}

impl Phase {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Text => "text",
            Self::Thinking => "thinking",
            Self::ToolCall => "tool_call",
            Self::End => "end",
        }
    }
}

/// How much the operator should care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Should be looked at.
    Warning,
    /// Somebody should be woken.
    Critical,
}

impl Severity {
    /// The word in configurations, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Names a decision: `d-` and twelve hexadecimal digits. Random: it tells nobody how many there were.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId([u8; 6]);

impl DecisionId {
    /// The name made of these random bytes.
    pub fn new(random: [u8; 6]) -> Self {
        Self(random)
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("d-")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The exchange that a decision belongs to.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The id under which the exchange is logged, if it has one.
    pub id: Option<Arc<str>>,
    /// The dialect it is held in.
    pub dialect: Dialect,
    /// The path it came on.
    pub path: Arc<str>,
    /// The model asked for.
    pub model: Option<Arc<str>>,
    /// Who calls.
    pub caller: Option<facts::Caller>,
    /// On whose behalf.
    pub user: Option<facts::UserId>,
    /// The conversation.
    pub session: Option<facts::SessionId>,
    /// Why the client asks; absent means that nobody found out: a turn.
    pub purpose: Option<facts::Purpose>,
}

/// Takes decisions as they are made: a recorder, a metric, a log. Called in the middle of traffic: it must not block,
/// and must not panic.
pub trait DecisionSink: Send + Sync {
    /// A policy has decided.
    fn decided(&self, exchange: &Exchange, decision: &Decision);

    /// A policy has something to say beside its verdicts.
    fn emitted(&self, exchange: &Exchange, policy: &str, severity: Severity, message: &str) {
        let _ = (exchange, policy, severity, message);
    }

    /// An exchange that met policies has ended, whatever way: what was judged in it, and what was not. Once for each, after
    /// all else.
    fn covered(&self, exchange: &Exchange, coverage: &Coverage) {
        let _ = (exchange, coverage);
    }
}

/// Both are told, the first one first.
impl<A: DecisionSink, B: DecisionSink> DecisionSink for (A, B) {
    fn decided(&self, exchange: &Exchange, decision: &Decision) {
        self.0.decided(exchange, decision);
        self.1.decided(exchange, decision);
    }

    fn emitted(&self, exchange: &Exchange, policy: &str, severity: Severity, message: &str) {
        self.0.emitted(exchange, policy, severity, message);
        self.1.emitted(exchange, policy, severity, message);
    }

    fn covered(&self, exchange: &Exchange, coverage: &Coverage) {
        self.0.covered(exchange, coverage);
        self.1.covered(exchange, coverage);
    }
}

/// Nobody listens.
impl DecisionSink for () {
    fn decided(&self, _: &Exchange, _: &Decision) {}
}
