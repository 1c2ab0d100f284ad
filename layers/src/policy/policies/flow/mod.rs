//! `flow`: rules over what a conversation does in several calls, each of which may be harmless alone.
//!
//! ```yaml
//! - use: flow
//!   with:
//!     allow: ["*.github.com"]
//!     destructive: 5
//! ```
//!
//! Three rules. Once a secret was read, nothing is sent to a host that is not allowed. What was moved into a folder, or
//! copied there and deleted where it was, is not deleted with the folder, nor with a folder above it, nor under the same name in
//! other letter case. And a conversation destroys something in so many calls, and no more.
//!
//! What counts is what has run. A call counts for those behind it in the same reply, and from then on if the client comes
//! back with its result: a call that somebody refused has none. A conversation without a name is as long as one reply.
//!
//! Little is remembered: paths, not what is in files. What counts as a secret, and what a call does, is as for the other guards.

mod memory;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use luthien_core::request::LlmRequest;
use memory::Memory;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::guard::{self, Where};
use crate::policy::{
    Context, Denial, Policy, PolicyError, RequestVerdict, Severity, ToolCall, Verdict, Watches,
    effects::Place,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "flow",
    "Denies what is harm only after what was done before: secrets sent, moved files deleted, too much destroyed.",
    r#"{ allow: ["*.github.com"], destructive: 5 }"#,
);

/// Which rules there are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Whether nothing is sent once a secret was read.
    secret_then_send: bool,
    /// Whether what was moved or copied somewhere is not deleted there while it is the only one.
    moved_then_deleted: bool,
    /// In how many calls a conversation may destroy something; 0 for any number.
    destructive: u32,
    /// Hosts to which something may be sent all the same: patterns. This machine is one of them.
    allow: Vec<String>,
    /// The directory of the project, absolute; what the client says, if it is left out.
    project: Option<String>,
    /// The home directory, absolute; what the project's path tells, if it is left out.
    home: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret_then_send: true,
            moved_then_deleted: true,
            destructive: 5,
            allow: Vec::new(),
            project: None,
            home: None,
        }
    }
}

impl registry::Settings for Settings {
    type Policy = Flow;

    fn policy(self) -> Result<Flow, BuildError> {
        let allow = self.allow.iter();
        Ok(Flow {
            secret_then_send: self.secret_then_send,
            moved_then_deleted: self.moved_then_deleted,
            destructive: self.destructive,
            allow: allow
                .map(|host| WildMatch::new_case_insensitive(host))
                .collect(),
            at: Where::new(self.project, self.home)?,
        })
    }
}

struct Flow {
    secret_then_send: bool,
    moved_then_deleted: bool,
    destructive: u32,
    allow: Vec<WildMatch>,
    at: Where,
}

/// How something went too far.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// Something would be sent after a secret was read.
    Sent { secret: String, host: String },
    /// Something would be lost that was brought here.
    Lost { from: String, to: String },
    /// More than enough has been destroyed.
    TooMany,
}

impl Fault {
    fn denial(&self) -> Denial {
        let (reason, remedy, detail) = match self {
            Self::Sent { secret, host } => (
                "it would send something after a secret was read in this conversation",
                "ask the person to send it, or to start a new conversation",
                format!("secret_then_send: {secret} was read, then {host}"),
            ),
            Self::Lost { from, to } => (
                "it would delete the only copy of what was moved or copied there before",
                "check that everything is safe elsewhere, and let the person delete it",
                format!("moved_then_deleted: {from} is now in {to}"),
            ),
            Self::TooMany => (
                "this conversation has destroyed enough already",
                "tell the person what should be deleted and why, and let them do it",
                "destructive: the limit of the conversation is reached".to_owned(),
            ),
        };
        Denial::new("flow", reason)
            .with_remedy(remedy)
            .with_detail(detail)
            .with_severity(Severity::Critical)
    }
}

impl Policy for Flow {
    fn watches(&self) -> Watches {
        Watches::REQUEST | Watches::CONVERSATION | guard::watches()
    }

    /// Which of the calls that were let go have run.
    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        if !cx.state::<Memory>().is_settled() {
            let links = request.tool_links().into_iter();
            let results: HashSet<String> = links
                .filter(|link| link.is_result)
                .map(|link| link.id.decode().into_owned())
                .collect();
            cx.update_state(|memory: &mut Memory| memory.settle(&results))?;
        }
        Ok(RequestVerdict::Allow)
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let place = self.at.place(cx);
        let turn = turn(cx);
        let fault =
            cx.update_state(|memory: &mut Memory| self.judge(memory, &turn, call, place))?;
        Ok(fault.map_or(Verdict::Allow, |fault| Verdict::Block(fault.denial())))
    }
}

impl Flow {
    /// How the call goes too far after what is remembered; if it does not, it is remembered.
    fn judge(
        &self,
        memory: &mut Memory,
        turn: &str,
        call: &ToolCall,
        place: &Place,
    ) -> Option<Fault> {
        let effects = guard::effects(call, place);
        match self.walk(&mut memory.facts(turn), call, &effects) {
            Ok(steps) => {
                memory.add(call.id(), turn, steps);
                None
            }
            Err(fault) => Some(fault),
        }
    }
}

/// What tells one reply of a conversation from another.
fn turn(cx: &Context) -> String {
    match &cx.exchange().id {
        Some(id) => id.chars().take(64).collect(),
        None => cx
            .request()
            .map_or(0, |request| request.shape().messages)
            .to_string(),
    }
}
