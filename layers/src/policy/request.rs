//! A request before the policies that watch requests.

use std::sync::Arc;

use luthien_core::{
    decision::{Decision, Failure, Mode, Outcome, Phase, Severity, Skip},
    reject::{Rejection, RejectionKind},
    request::{LlmBody, LlmRequest},
};

use super::{
    Denial, Entry, Fail, RequestVerdict, Watches,
    ask::{Answered, Failed, ask},
    context::{Context, Shared},
    notice,
    run::Run,
};

/// What becomes of a request.
pub(super) enum Asked {
    /// It goes up.
    Send,
    /// These words are the reply.
    Answer(String),
    /// It is refused.
    Refuse(Rejection),
}

/// Puts a request before its policies, one behind the other: each sees what those before it have made of it.
pub(super) async fn judge_request(run: &Run, body: &mut LlmBody) -> Asked {
    let mut refused = None;
    for entry in run.entries(Watches::REQUEST) {
        let mut decision = Run::decision(entry, Phase::Request);
        let about_calls = entry
            .condition
            .as_ref()
            .is_some_and(|condition| condition.is_about_calls());
        let skip = match () {
            () if about_calls => Some(Skip::Condition),
            () if refused.is_some() => Some(Skip::Refused),
            () => None,
        };
        let (None, Some(request)) = (skip, body.shared_call()) else {
            decision.outcome = Outcome::Skipped(skip.unwrap_or(Skip::Opaque));
            run.tell(&decision);
            continue;
        };
        let cx = context(run, entry, request.clone());
        if entry.mode == Mode::Shadow {
            begin_shadow(entry.clone(), request, cx, decision, run);
            continue;
        }
        let Answered { answer, latency } = ask(entry, entry.policy.request(&request, &cx)).await;
        decision.latency = latency;
        decision.votes = cx.take_votes();
        refused = take(run, entry, answer, body, &mut decision);
        run.tell(&decision);
    }
    refused.unwrap_or(Asked::Send)
}

/// The context of a policy that sees the request as those before it have left it.
fn context(run: &Run, entry: &Entry, request: Arc<LlmRequest>) -> Context {
    let shared = Shared {
        request: Some(request),
        ..Shared::clone(&run.shared)
    };
    Context::new(Arc::new(shared), entry.name.clone())
}

fn take(
    run: &Run,
    entry: &Entry,
    answer: Result<RequestVerdict, Failed>,
    body: &mut LlmBody,
    decision: &mut Decision,
) -> Option<Asked> {
    let enforced = entry.is_enforced();
    match answer {
        Ok(RequestVerdict::Allow) => None,
        Ok(RequestVerdict::Edit(edits)) if edits.is_empty() => None,
        Ok(RequestVerdict::Edit(edits)) => {
            decision.outcome = Outcome::Modify;
            if !enforced {
                return None;
            }
            decision.applied = true;
            match body.edit(|_, all| *all = edits) {
                Ok(()) => None,
                Err(error) => {
                    let failed = Failed::new(Failure::Invalid, &error.to_string());
                    fail(run, entry, &failed, decision)
                }
            }
        }
        Ok(RequestVerdict::Answer(denial)) => {
            refusal(decision, &denial, enforced);
            enforced.then(|| Asked::Answer(notice::request(&denial, decision.id)))
        }
        Ok(RequestVerdict::Refuse(denial)) => {
            refusal(decision, &denial, enforced);
            enforced.then(|| Asked::Refuse(reject(&notice::request(&denial, decision.id))))
        }
        Err(failed) => fail(run, entry, &failed, decision),
    }
}

fn refusal(decision: &mut Decision, denial: &Denial, enforced: bool) {
    decision.outcome = Outcome::Block;
    decision.applied = enforced;
    decision.code = denial.code.as_ref().into();
    decision.reason = denial.for_operator().into();
    decision.severity = denial.severity;
}

fn fail(run: &Run, entry: &Entry, failed: &Failed, decision: &mut Decision) -> Option<Asked> {
    decision.outcome = Outcome::Failed(failed.failure);
    decision.code = format!("policy_{}", failed.failure.name()).into();
    decision.reason = failed.reason.clone();
    decision.severity = Severity::Critical;
    let closed = entry.fail == Fail::Closed
        || failed.failure == Failure::Tripped
        || run.set.settings.coverage_required;
    decision.applied = entry.is_enforced() && closed;
    decision.applied.then(|| {
        let message = "a check that must pass first could not be made";
        let denial = Denial::new("policy_failed", message)
            .with_remedy("try again later, or tell the person who runs this sidecar");
        Asked::Refuse(reject(&notice::request(&denial, decision.id)))
    })
}

/// An error that no client tries again by itself.
fn reject(message: &str) -> Rejection {
    Rejection::new(RejectionKind::PolicyRefused, message.to_owned()).with_should_retry(false)
}

fn begin_shadow(
    entry: Entry,
    request: Arc<LlmRequest>,
    cx: Context,
    mut decision: Decision,
    run: &Run,
) {
    let skipped = decision.clone();
    let evaluation = async move {
        let Answered { answer, latency } = ask(&entry, entry.policy.request(&request, &cx)).await;
        decision.latency = latency;
        decision.votes = cx.take_votes();
        match answer {
            Ok(RequestVerdict::Allow) => {}
            Ok(RequestVerdict::Edit(_)) => decision.outcome = Outcome::Modify,
            Ok(RequestVerdict::Answer(denial) | RequestVerdict::Refuse(denial)) => {
                refusal(&mut decision, &denial, false);
            }
            Err(failed) => {
                decision.outcome = Outcome::Failed(failed.failure);
                decision.reason = failed.reason;
            }
        }
        let shared = cx.shared();
        shared.sink.decided(&shared.exchange, &decision);
    };
    if !run.set.shadows.begin(evaluation) {
        let mut skipped = skipped;
        skipped.outcome = Outcome::Skipped(Skip::Overload);
        run.tell(&skipped);
    }
}
