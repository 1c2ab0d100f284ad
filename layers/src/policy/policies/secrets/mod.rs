//! `secrets`: keys, tokens and passwords in what is asked, answered, said and done: redacted, flagged or blocked.
//!
//! ```yaml
//! - use: secrets
//!   with:
//!     action: redact
//!     classes: { jwt: flag, private_key: block, assigned_secret: "off" }
//!     in: [requests, tool_results, replies, tool_calls]
//! ```
//!
//! What is found is described at [`detect`](crate::policy::detect). In its place stands `[redacted:aws_key]`: the same for
//! the same class, so that a history which is sent again reads as before. Everything else of a request goes up byte for
//! byte; what the model has thought, said and called is left as it stands there, for it went by here when the model said
//! it. Text that flows is redacted while it flows. If anything is to be blocked, the text of replies waits for its end.
//!
//! Events and decisions say what and how often, never what it was, and nothing that was blocked or redacted is recorded.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detected::{Action, Detected, Kind, Where, everywhere};
use crate::policy::{
    detect::{Class, Classes},
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "secrets",
    "Finds keys, tokens and passwords, and redacts, flags or blocks them.",
    "{ action: redact, classes: { private_key: block }, in: [requests, tool_results] }",
);

/// What is done about which secrets, and where.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What is done about those of which `classes` says nothing.
    #[serde(default = "redact")]
    action: Action,
    /// What is done about those of single classes.
    #[serde(default)]
    classes: BTreeMap<Class, Action>,
    /// Where they are looked for. Everywhere, unless told otherwise.
    #[serde(default = "everywhere", rename = "in")]
    places: Vec<Where>,
}

fn redact() -> Action {
    Action::Redact
}

impl registry::Settings for Settings {
    type Policy = Detected;

    fn policy(self) -> Result<Detected, BuildError> {
        let kind = Kind {
            code: "secret_found",
            what: "what looks like a secret",
            classes: Classes::secrets(),
        };
        Detected::new(&kind, self.action, &self.classes, self.places)
    }
}
