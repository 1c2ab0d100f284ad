//! `personal-data`: what means a person, in what is asked, answered, said and done: flagged, redacted or blocked.
//!
//! ```yaml
//! - use: personal-data
//!   with:
//!     action: flag
//!     classes: { credit_card: block, us_ssn: redact, ip_address: "off" }
//!     in: [requests, tool_results, replies, tool_calls]
//! ```
//!
//! What is found is described at [`detect`](crate::policy::detect). In its place stands `[redacted:email]`: the same for
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
    "personal-data",
    "Finds addresses, numbers and dates that mean a person, and flags, redacts or blocks them.",
    "{ action: flag, classes: { credit_card: redact }, in: [requests, tool_results] }",
);

/// What is done about which personal data, and where.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What is done about what `classes` says nothing of.
    #[serde(default = "flag")]
    action: Action,
    /// What is done about single classes.
    #[serde(default)]
    classes: BTreeMap<Class, Action>,
    /// Where it is looked for. Everywhere, unless told otherwise.
    #[serde(default = "everywhere", rename = "in")]
    places: Vec<Where>,
}

fn flag() -> Action {
    Action::Flag
}

impl registry::Settings for Settings {
    type Policy = Detected;

    fn policy(self) -> Result<Detected, BuildError> {
        let kind = Kind {
            code: "personal_data_found",
            what: "what looks like personal data",
            classes: Classes::personal(),
        };
        Detected::new(&kind, self.action, &self.classes, self.places)
    }
}
