//! Several reviewers at the same time, and one verdict.

mod ballot;
mod member;
mod rule;
#[cfg(test)]
mod tests;

use std::{fmt::Write, sync::Arc, time::Duration};

use futures_util::future::join_all;
use luthien_core::{decision::Severity, request::LlmRequest};
use sha2::{Digest, Sha256};

use self::ballot::{Ballot, Review};
pub use self::rule::Decide;
use super::{
    BuildError, Context, Entry, Policy, PolicyError, RequestVerdict, Text, ToolCall, Verdict,
    Watches, ask::ask, entry::Subject, known,
};

/// Several policies that are asked at the same time, and a rule that makes one verdict of what they say.
///
/// ```
/// use luthien::policy::{Decide, Parallel, find};
/// use serde_json::json;
///
/// let deny = |name: &str, tool: &str| {
///     let policy = find("deny-tools")?.build(&json!({ "tools": [tool] }))?;
///     Ok::<_, luthien::policy::BuildError>(policy.with_name(name.to_owned()))
/// };
/// let reviewers = vec![deny("a", "*")?, deny("b", "Bash")?, deny("c", "deploy")?];
/// let entry = Parallel::new(Decide::Majority, reviewers)?.into_entry("review");
/// # Ok::<(), luthien::policy::BuildError>(())
/// ```
///
/// In a configuration:
///
/// ```yaml
/// - parallel: { decide: majority, of: [{ use: deny-tools, with: … }, { use: … }] }
/// ```
///
/// Each is asked with its own deadline, and only where its own condition holds. What a reviewer fails at counts as a block,
/// unless it is `fail: open`: then it has not voted. If nobody has voted who should have, the whole has failed, and its own
/// `fail` says what that means. What each of them said, and how long it took, stands in the decision; that they disagree is
/// told to the operator. If the whole lets something pass, each warning stands before it. A reviewer with `mode: observe` is asked and recorded, and does not count.
///
/// Reviewers judge requests, tool calls, texts and thinking. What they would do to headers or at the end of a reply does not
/// happen here, and who edits text as it flows cannot be one of them.
#[derive(Debug)]
pub struct Parallel {
    decide: Decide,
    members: Vec<Entry>,
    watches: Watches,
}

/// What can be voted on.
const JUDGED: [Watches; 4] = [
    Watches::REQUEST,
    Watches::TOOL_CALLS,
    Watches::TEXT,
    Watches::THINKING,
];

/// What a reviewer may want beside.
const BESIDE: &[Watches] = &[
    Watches::CONVERSATION,
    Watches::CONFIDENTIAL,
    #[cfg(feature = "guards")]
    Watches::EFFECTS,
];

/// How much longer than the slowest of its reviewers the whole may take.
const MARGIN: Duration = Duration::from_secs(1);

impl Parallel {
    /// These reviewers, under this rule.
    ///
    /// # Errors
    ///
    /// If there are none, two have the same name, the designated one is not among them, or one of them cannot be a
    /// reviewer.
    pub fn new(decide: Decide, members: Vec<Entry>) -> Result<Self, BuildError> {
        if members.is_empty() {
            return Err(BuildError::new("of", "it must name at least one policy"));
        }
        for (place, member) in members.iter().enumerate() {
            let others = members.get(..place).unwrap_or_default();
            member::check(&decide, member, others)
                .map_err(|message| BuildError::new(format!("of[{place}]"), message))?;
        }
        if let Decide::Designated(name) = &decide {
            let names: Vec<_> = members.iter().map(Entry::name).collect();
            if !names.contains(&name.as_str()) {
                let hint = known::hint(name, &names);
                let message = format!("there is no {name:?} among them{hint}");
                return Err(BuildError::new("decide.designated", message));
            }
        }
        let kept = JUDGED.into_iter().chain(BESIDE.iter().copied());
        let changes = decide.takes_changes().then_some(Watches::CHANGES);
        let watches = kept
            .chain(changes)
            .filter(|watch| members.iter().any(|member| member.watches.has(*watch)))
            .fold(Watches::NOTHING, |all, watch| all | watch);
        Ok(Self {
            decide,
            members,
            watches,
        })
    }

    /// In its place: with a deadline that leaves its reviewers theirs, and a version that changes with theirs.
    pub fn into_entry(self, name: impl Into<Arc<str>>) -> Entry {
        let deadlines = self.members.iter().map(|member| member.deadline);
        let deadline = deadlines.max().unwrap_or_default() + MARGIN;
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", self.decide));
        for member in &self.members {
            hash.update(format!(
                "\0{}\0{}\0{:?}",
                member.name, member.version, member.fail
            ));
        }
        let version = hash
            .finalize()
            .iter()
            .take(6)
            .fold(String::new(), |mut hex, byte| {
                // Writing to a string does not fail.
                write!(hex, "{byte:02x}").unwrap_or_default();
                hex
            });
        Entry::new(name, self)
            .with_deadline(deadline)
            .with_version(version)
    }

    async fn judge(&self, subject: Subject, cx: &Context) -> Result<Verdict, PolicyError> {
        let (subject, exchange) = (&subject, cx.exchange());
        let members = self.members.iter();
        let asked = members
            .filter(|member| member.watches.has(subject.watch()))
            .map(|member| async move {
                let own = member::context(cx, member);
                let applies = own.holds(member.may_apply(exchange))
                    && own.holds(member.applies_to(exchange, subject));
                let asked = ask(member, &own, member.policy.judge(subject, &own));
                member::hear(member, applies, asked, &own, cx).await
            });
        self.conclude(join_all(asked).await, cx)
    }

    /// Makes one answer of all, and tells of each.
    fn conclude<R: Review>(
        &self,
        ballots: Vec<Option<Ballot<R>>>,
        cx: &Context,
    ) -> Result<R, PolicyError> {
        let ballots: Vec<_> = ballots.into_iter().flatten().collect();
        let counted = || ballots.iter().filter(|ballot| ballot.counts);
        let heard: Vec<_> = counted()
            .filter_map(|ballot| {
                let outcome = ballot.answer.as_ref().ok()?.outcome();
                Some(format!("{}: {}", ballot.name, outcome.name()))
            })
            .collect();
        let outcomes =
            || counted().filter_map(|ballot| Some(ballot.answer.as_ref().ok()?.outcome()));
        if outcomes().any(|outcome| Some(outcome) != outcomes().next()) {
            let message = format!("reviewers disagree: {}", heard.join(", "));
            cx.emit(Severity::Warning, &message);
        }
        let asked = !ballots.is_empty();
        let ballots = ballots.into_iter().filter(|ballot| ballot.counts).collect();
        self.decide.conclude(ballots, asked)
    }
}

impl Policy for Parallel {
    fn watches(&self) -> Watches {
        self.watches
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let exchange = cx.exchange();
        let members = self.members.iter();
        let asked = members
            .filter(|member| member.watches.has(Watches::REQUEST))
            .map(|member| async move {
                let about_calls = member
                    .condition
                    .as_ref()
                    .is_some_and(|condition| condition.is_about_calls());
                let own = member::context(cx, member);
                let applies = !about_calls && own.holds(member.may_apply(exchange));
                let asked = ask(member, &own, member.policy.request(request, &own));
                member::hear(member, applies, asked, &own, cx).await
            });
        self.conclude(join_all(asked).await, cx)
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        self.judge(Subject::Call(call.clone()), cx).await
    }

    async fn on_text(&self, text: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        self.judge(Subject::Text(text.clone()), cx).await
    }

    async fn on_thinking(&self, thinking: &Text, cx: &Context) -> Result<Verdict, PolicyError> {
        self.judge(Subject::Thinking(thinking.clone()), cx).await
    }
}
