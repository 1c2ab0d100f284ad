//! `dangerous-commands`: tool calls that would do harm which nobody can undo, by what they do and not by how they are
//! written.
//!
//! ```yaml
//! - use: dangerous-commands
//!   with:
//!     categories: { infrastructure: false }
//!     allow: ["git reset --hard origin/*"]
//!     deny: ["* --no-verify*", "scp"]
//!     opaque: block
//! ```
//!
//! What a call does is read from its text (see [`effects`](crate::policy::effects)): shell text, the files that tools
//! write, patches. Each [category](Category) can be switched off. Patterns in `allow` and `deny` are for a command as it
//! stands after variables and quotes, for the name of a program, or for a path; `*` stands for anything. What `deny` means is
//! refused whatever it does; what `allow` means passes; `deny` is asked first.
//!
//! Paths without a root mean something only where a working directory is known: from the settings of the set, or from what
//! Claude Code and Codex say of it in their requests. What cannot be read is refused, unless `opaque: allow`.
//!
//! The agent is told which kind of harm it was, and never by which words it was found.

mod category;
mod files;
mod judge;
mod kept;
#[cfg(test)]
mod tests;

use category::Categories;
pub use category::Category;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::policy::{
    Context, Denial, Policy, PolicyError, Severity, ToolCall, Verdict, Watches,
    effects::{Act, Effect, Effects},
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "dangerous-commands",
    "Denies calls that destroy what cannot be brought back, by what they do.",
    "{ categories: { databases: false }, deny: [scp] }",
);

/// Which harm is refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Kinds of harm, each of which can be switched off.
    #[serde(default)]
    categories: Categories,
    /// What passes, whatever it does: patterns of commands, programs or paths.
    #[serde(default)]
    allow: Vec<String>,
    /// What is refused, whatever it does: patterns of commands, programs or paths.
    #[serde(default)]
    deny: Vec<String>,
    /// What becomes of a command of which nobody can tell what it does.
    #[serde(default)]
    opaque: Opaque,
}

/// What becomes of a command that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Opaque {
    /// It is refused.
    #[default]
    Block,
    /// It passes.
    Allow,
}

impl registry::Settings for Settings {
    type Policy = DangerousCommands;

    fn policy(self) -> Result<DangerousCommands, BuildError> {
        let patterns = |patterns: &[String]| {
            patterns
                .iter()
                .map(|pattern| WildMatch::new(pattern))
                .collect()
        };
        Ok(DangerousCommands {
            categories: self.categories,
            allow: patterns(&self.allow),
            deny: patterns(&self.deny),
            opaque: self.opaque,
        })
    }
}

struct DangerousCommands {
    categories: Categories,
    allow: Vec<WildMatch>,
    deny: Vec<WildMatch>,
    opaque: Opaque,
}

impl Policy for DangerousCommands {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::EFFECTS
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let found = self.find(cx.effects(call));
        Ok(found.map_or(Verdict::Allow, |denial| Verdict::Block(*denial)))
    }
}

impl DangerousCommands {
    /// The first harm that is not allowed.
    fn find(&self, effects: &Effects) -> Option<Box<Denial>> {
        let mut found = effects
            .iter()
            .filter_map(|effect| self.harm(effect).map(|category| (category, effect)));
        // What is known says more than what is not.
        let first = found.next()?;
        let (category, effect) = match first.0 {
            Category::Opaque => found
                .find(|(category, _)| *category != Category::Opaque)
                .unwrap_or(first),
            _ => first,
        };
        let by = if effect.elevated {
            ", as somebody who may do more"
        } else {
            ""
        };
        let denial = Denial::new("dangerous_command", category.reason())
            .with_remedy(category.remedy())
            .with_detail(format!(
                "{category}: {effect}{by}, in {:?}",
                effect.evidence
            ))
            .with_severity(Severity::Critical);
        Some(Box::new(denial))
    }

    fn harm(&self, effect: &Effect) -> Option<Category> {
        if self.deny.iter().any(|pattern| is_meant(pattern, effect)) {
            return Some(Category::Denied);
        }
        let category = judge::category(&effect.act)?;
        let is_on = match category {
            Category::Opaque => self.opaque == Opaque::Block,
            category => self.categories.has(category),
        };
        (is_on && !self.allow.iter().any(|pattern| is_meant(pattern, effect))).then_some(category)
    }
}

/// Whether a pattern is for the command, its program, or a path in it.
fn is_meant(pattern: &WildMatch, effect: &Effect) -> bool {
    let path = |path: &crate::policy::effects::PathRef| {
        pattern.matches(&path.resolved) || pattern.matches(&path.written)
    };
    pattern.matches(&effect.evidence)
        || effect
            .evidence
            .split_whitespace()
            .next()
            .is_some_and(|program| pattern.matches(program))
        || match &effect.act {
            Act::Delete { path: at, .. }
            | Act::Write { path: at, .. }
            | Act::Read { path: at }
            | Act::Permissions { path: at, .. } => path(at),
            Act::Move { from, to } | Act::Copy { from, to } => path(from) || path(to),
            Act::Exec { program, .. } => pattern.matches(program),
            _ => false,
        }
}
