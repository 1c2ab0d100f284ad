//! The engine: the only one that touches the reply. It lets go at once what nobody watches, holds what somebody must judge,
//! and puts the rest in order: blocks numbered without gaps, tool calls last, one true stop reason.
//!
//! A streamed and a whole reply go through the same judgements ([`super::judge`]); only how the outcome is written differs.

mod lane;
mod rejoin;
mod roles;
mod stream;
mod text;
mod whole;

pub use stream::Engine;
pub(super) use whole::judge_whole;

use luthien_core::{
    reject::{Rejection, RejectionKind},
    reply::StopReason,
};

use super::{ReplyEnd, Watches, ask::ask_now, run::Run};

/// A reply that cannot be judged, since it can be read in more than one way, or not at all. Whether it was an accident nobody
/// knows: who tries again by himself gives it one more try.
fn unreadable(message: &'static str) -> Rejection {
    Rejection::new(RejectionKind::BadUpstream, message)
        .with_code("unreadable_reply")
        .with_should_retry(false)
}

/// What stands at the end of the last text of a choice, if any policy has something to say there.
fn last_words(run: &Run, end: &ReplyEnd) -> Option<String> {
    let words: Vec<_> = run
        .entries(Watches::END)
        .filter(|entry| entry.is_enforced())
        .filter_map(|entry| {
            let cx = run.context(entry);
            let asked = ask_now(entry, || entry.policy.end(end, &cx));
            asked.unwrap_or_else(|failed| {
                // Nothing was to be judged here: it is only missing.
                cx.emit(luthien_core::decision::Severity::Warning, &failed.reason);
                None
            })
        })
        .collect();
    (!words.is_empty()).then(|| words.concat())
}

/// Why a choice ends, once calls were taken out of it.
fn reason_left(reason: Option<StopReason>, gone: bool, left: usize) -> Option<StopReason> {
    match reason {
        Some(StopReason::ToolUse) if gone && left == 0 => Some(StopReason::EndTurn),
        reason => reason,
    }
}
