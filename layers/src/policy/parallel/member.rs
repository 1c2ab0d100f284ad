//! One of several reviewers.

use std::time::Duration;

use luthien_core::decision::{Mode, Outcome, Skip, Vote};

use super::{
    Decide, JUDGED,
    ballot::{Ballot, Review},
};
use crate::policy::{Context, Entry, Fail, Watches, ask::Answered};

/// What keeps a policy from being a reviewer.
pub(super) fn check(decide: &Decide, member: &Entry, others: &[Entry]) -> Result<(), String> {
    let name = member.name();
    let watches = member.watches;
    if others.iter().any(|other| other.name() == name) {
        return Err(format!("there are two {name:?}; give them names"));
    }
    if !JUDGED.iter().any(|judged| watches.has(*judged)) || watches.has(Watches::TEXT_EDITS) {
        return Err(format!(
            "{name:?} does not judge, or not only: it cannot be a reviewer"
        ));
    }
    if watches.has(Watches::CHANGES) && !decide.takes_changes() {
        return Err(format!(
            "{name:?} changes what it judges: that takes `most_restrictive` or `designated`"
        ));
    }
    if !matches!(member.mode, Mode::Enforce | Mode::Observe) {
        return Err(format!(
            "{name:?} is in mode `{}`, which only the whole can be",
            member.mode.name()
        ));
    }
    Ok(())
}

/// The reviewer's memory is its own: another policy of its name has another.
pub(super) fn context(cx: &Context, member: &Entry) -> Context {
    cx.for_member(format!("{}/{}", cx.policy(), member.name()).into())
}

/// Asks a reviewer, if its condition holds, and notes down what it said.
pub(super) async fn hear<R: Review>(
    member: &Entry,
    applies: bool,
    asked: impl Future<Output = Answered<R>>,
    own: &Context,
    cx: &Context,
) -> Option<Ballot<R>> {
    if !applies {
        cx.vote(Vote {
            policy: member.name.clone(),
            outcome: Outcome::Skipped(Skip::Condition),
            reason: "".into(),
            latency: Duration::ZERO,
        });
        return None;
    }
    let Answered { answer, latency } = asked.await;
    let (outcome, reason) = match &answer {
        Ok(answer) => {
            let reason = answer.denial().map_or("", |denial| denial.for_operator());
            (answer.outcome(), reason.into())
        }
        Err(failed) => (Outcome::Failed(failed.failure), failed.reason.clone()),
    };
    cx.vote(Vote {
        policy: member.name.clone(),
        outcome,
        reason,
        latency,
    });
    cx.take_over(&member.name, own);
    Some(Ballot {
        name: member.name.clone(),
        answer,
        open: member.fail == Fail::Open,
        counts: member.mode == Mode::Enforce,
    })
}
