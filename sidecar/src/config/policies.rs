//! Policies, as they stand in the configuration.

use luthien::policy::Decide;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Folder, Size, Time};

/// A policy: one that comes with Luthien (`use`), or several that judge as one (`parallel`).
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// A policy that comes with Luthien, by its name: `luthien policy list` shows them.
    #[serde(default, rename = "use")]
    pub(crate) builtin: Option<String>,
    /// Several policies that look at the same time and judge as one.
    #[serde(default)]
    pub(crate) parallel: Option<Parallel>,
    /// Its name in the log and in the memory of conversations, which no other has: that after `use`, or `parallel`, unless
    /// told otherwise.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// It comes with the system: whoever administers policies at run time cannot take it away.
    #[serde(default)]
    pub(crate) system: bool,
    /// `enforce`: what it says happens. `warn`: what it would refuse passes, with a warning in front. `observe`: it is
    /// waited for and recorded, and changes nothing. `shadow`: it looks afterwards, and nothing waits for it.
    #[serde(default)]
    pub(crate) mode: PolicyMode,
    /// What happens to a thing that it could not judge, because it failed or was late. `closed`: that is refused. `open`: it
    /// passes, and the log says so.
    #[serde(default)]
    pub(crate) fail: Fail,
    /// How long it may take for one thing: `5s` unless told otherwise; of `parallel`, a second more than the slowest.
    #[serde(default)]
    pub(crate) deadline: Option<Time>,
    /// When it applies: a condition in CEL, such as `model.startsWith("claude-")`. Always, unless told otherwise.
    #[serde(default)]
    pub(crate) when: Option<String>,
    /// Its own settings: `luthien policy show NAME` explains them.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
}

/// Several policies that look at the same time and judge as one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parallel {
    /// Whose word counts: `any_block`, `majority`, `unanimous`, `most_restrictive`, or `{ designated: NAME }`.
    pub(crate) decide: Decide,
    /// Who looks.
    pub(crate) of: Vec<Reviewer>,
}

/// One of several that look at the same time.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reviewer {
    /// A policy that comes with Luthien, by its name.
    #[serde(rename = "use")]
    pub(crate) builtin: String,
    /// Its name, which no other of them has: that after `use` unless told otherwise.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// `enforce`: its word counts. `observe`: it is asked and recorded, and does not count.
    #[serde(default)]
    pub(crate) mode: PolicyMode,
    /// What it means that it failed or was late. `closed`: that it is against. `open`: that it has not voted.
    #[serde(default)]
    pub(crate) fail: Fail,
    /// How long it may take for one thing: `5s` unless told otherwise.
    #[serde(default)]
    pub(crate) deadline: Option<Time>,
    /// When it is asked: a condition in CEL. Always, unless told otherwise.
    #[serde(default)]
    pub(crate) when: Option<String>,
    /// Its own settings.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
}

/// See [`Policy::mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PolicyMode {
    #[default]
    Enforce,
    Warn,
    Observe,
    Shadow,
}

/// See [`Policy::fail`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fail {
    #[default]
    Closed,
    Open,
}

/// What holds for all policies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PolicySettings {
    /// How much of a reply may be held back while policies judge it; and the longest thing that is judged.
    pub(crate) held: Size,
    /// Whether the words in place of a refused call show its arguments, shortened and with secrets masked.
    pub(crate) show_arguments: bool,
    /// `required`: what a policy should have looked at and could not is refused, whatever its `fail` says. `optional`: its
    /// `fail` counts.
    pub(crate) coverage: Coverage,
    /// The directory in which tool calls run, absolute; what the client says in its request, if it is left out.
    pub(crate) project: Option<Folder>,
    /// The home directory of whoever runs them, absolute; what the client says, or what the project's path tells, if it is
    /// left out.
    pub(crate) home: Option<Folder>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            held: Size::mebibytes(16),
            show_arguments: true,
            coverage: Coverage::Optional,
            project: None,
            home: None,
        }
    }
}

/// See [`PolicySettings::coverage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Coverage {
    #[default]
    Optional,
    Required,
}

impl Policy {
    /// Its name: the one it was given, or that of what it is.
    pub(crate) fn own_name(&self) -> &str {
        let name = self.name.as_deref().or(self.builtin.as_deref());
        name.unwrap_or("parallel")
    }
}

impl Reviewer {
    /// Its name: the one it was given, or that of what it is.
    pub(crate) fn own_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.builtin)
    }
}
