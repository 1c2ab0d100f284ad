//! `sensitive-files`: tool calls that change what a project has nothing to do with, through whichever tool.
//!
//! ```yaml
//! - use: sensitive-files
//!   with:
//!     project: /home/me/shop
//!     outside: block
//!     reads: true
//!     allow: ["~/notes/*"]
//!     deny: ["/home/me/shop/secrets/*"]
//! ```
//!
//! Written, deleted, moved, copied onto, or given other permissions must not be: keys and credentials, what shells read when
//! they start, schedulers and services, git's hooks and configuration, the settings of agents, files of the system; and, unless
//! `outside: allow`, anything that is neither of the project nor temporary. With `reads: true`, keys and credentials must
//! not be read either, `.env` among them. An edit, a patch and a redirection of a shell are the same.
//!
//! Patterns in `allow` and `deny` are for paths as they mean something (without `..`, with the home directory as `~` or in full,
//! or relative to the project); `*` stands for anything. `deny` is asked first, and also means what is only read.
//!
//! Without a known project everything that has a root is outside. What cannot be read is a matter of `dangerous-commands`.

mod kind;
mod places;
#[cfg(test)]
mod tests;

pub use kind::Kind;
use kind::Kinds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::guard::{self, Where};
use crate::policy::{
    Context, Denial, Policy, PolicyError, Severity, ToolCall, Verdict, Watches,
    effects::{Act, Effect, PathRef, Persist, Place},
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "sensitive-files",
    "Denies calls that change keys, settings of agents, start files, the system, or anything outside the project.",
    "{ project: /work/shop, reads: true }",
);

/// Which files are guarded.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Kinds of files, each of which can be left unguarded.
    #[serde(default)]
    kinds: Kinds,
    /// Whether keys and credentials are not to be read either.
    #[serde(default)]
    reads: bool,
    /// What becomes of changes to files that are neither of the project nor temporary.
    #[serde(default)]
    outside: Outside,
    /// Whether the file system tells no letter case apart, as on macOS and Windows.
    #[serde(default)]
    ignore_case: bool,
    /// What may be changed and read, whatever it is: patterns of paths.
    #[serde(default)]
    allow: Vec<String>,
    /// What may be neither changed nor read: patterns of paths.
    #[serde(default)]
    deny: Vec<String>,
    /// The directory of the project, absolute; what the client says, if it is left out.
    #[serde(default)]
    project: Option<String>,
    /// The home directory, absolute; what the project's path tells, if it is left out.
    #[serde(default)]
    home: Option<String>,
}

/// What becomes of changes outside the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outside {
    /// They are refused.
    #[default]
    Block,
    /// They pass.
    Allow,
}

impl registry::Settings for Settings {
    type Policy = SensitiveFiles;

    fn policy(self) -> Result<SensitiveFiles, BuildError> {
        let patterns = |patterns: &[String]| {
            let pattern = |pattern: &String| match self.ignore_case {
                true => WildMatch::new_case_insensitive(pattern),
                false => WildMatch::new(pattern),
            };
            patterns.iter().map(pattern).collect()
        };
        Ok(SensitiveFiles {
            allow: patterns(&self.allow),
            deny: patterns(&self.deny),
            kinds: self.kinds,
            reads: self.reads,
            outside: self.outside,
            ignore_case: self.ignore_case,
            at: Where::new(self.project, self.home)?,
        })
    }
}

struct SensitiveFiles {
    kinds: Kinds,
    reads: bool,
    outside: Outside,
    ignore_case: bool,
    allow: Vec<WildMatch>,
    deny: Vec<WildMatch>,
    at: Where,
}

impl Policy for SensitiveFiles {
    fn watches(&self) -> Watches {
        guard::watches()
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let found = self.find(call, self.at.place(cx));
        Ok(found.map_or(Verdict::Allow, |denial| Verdict::Block(*denial)))
    }
}

/// What is done to a file.
enum Touch<'a> {
    Reads(&'a PathRef),
    Changes(&'a PathRef, Reach),
}

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Itself,
    /// And all below it.
    Tree,
}

impl SensitiveFiles {
    /// The first file that must not be touched.
    fn find(&self, call: &ToolCall, place: &Place) -> Option<Box<Denial>> {
        let effects = guard::effects(call, place);
        let (kind, effect) = effects
            .iter()
            .find_map(|effect| Some((self.harm(effect, place)?, effect)))?;
        let denial = Denial::new("sensitive_file", kind.reason())
            .with_remedy(kind.remedy())
            .with_detail(format!("{kind}: {effect}, in {:?}", effect.evidence))
            .with_severity(Severity::Critical);
        Some(Box::new(denial))
    }

    fn harm(&self, effect: &Effect, place: &Place) -> Option<Kind> {
        if let Act::Persist {
            what: Persist::Schedule,
            ..
        } = effect.act
        {
            return self.kinds.has(Kind::Services).then_some(Kind::Services);
        }
        if let Act::Persist {
            what: Persist::GitHook,
            ..
        } = effect.act
            && ["--global", "--system"]
                .iter()
                .any(|all| effect.evidence.contains(all))
        {
            return self.kinds.has(Kind::Git).then_some(Kind::Git);
        }
        if let Some(folder) = guard::thrown_away(effect, place) {
            return self.judge(&Touch::Changes(&folder, Reach::Tree), place);
        }
        if let Act::Copy { from, to } | Act::Move { from, to } = &effect.act {
            let landed = guard::landed(from, to);
            if let Some(kind) = self.judge(&Touch::Changes(&landed, Reach::Itself), place) {
                return Some(kind);
            }
        }
        if matches!(effect.act, Act::Disk { .. }) {
            return self.kinds.has(Kind::System).then_some(Kind::System);
        }
        touched(effect)
            .into_iter()
            .flatten()
            .find_map(|touch| self.judge(&touch, place))
    }

    fn judge(&self, touch: &Touch<'_>, place: &Place) -> Option<Kind> {
        let (Touch::Reads(path) | Touch::Changes(path, _)) = *touch;
        if self
            .deny
            .iter()
            .any(|pattern| is_meant(pattern, path, place))
        {
            return Some(Kind::Denied);
        }
        let kind = match *touch {
            Touch::Reads(path) => {
                (self.reads && places::is_key(path)).then_some(Kind::Credentials)?
            }
            Touch::Changes(path, reach) => self.changed(path, reach == Reach::Tree, place)?,
        };
        // What is not known in a path may lead anywhere.
        let is_allowed = !path.resolved.contains('$')
            && self
                .allow
                .iter()
                .any(|pattern| is_meant(pattern, path, place));
        let is_on = match kind {
            Kind::Outside => self.outside == Outside::Block,
            kind => self.kinds.has(kind),
        };
        (is_on && !is_allowed).then_some(kind)
    }

    /// Why a file matters that is changed, in whichever letter case it is written.
    fn changed(&self, path: &PathRef, tree: bool, place: &Place) -> Option<Kind> {
        let kind = places::changed(path, tree);
        if !self.ignore_case {
            return kind;
        }
        let lower = |path: &Option<String>| path.as_deref().map(str::to_ascii_lowercase);
        let place = Place {
            cwd: lower(&place.cwd),
            home: lower(&place.home),
            project: lower(&place.project),
        };
        let folded = PathRef::new(&path.resolved.to_ascii_lowercase(), &place);
        match (kind, places::changed(&folded, tree)) {
            (Some(Kind::Outside) | None, folded) => folded,
            (kind, _) => kind,
        }
    }
}

/// The files that an effect touches.
fn touched(effect: &Effect) -> [Option<Touch<'_>>; 2] {
    let changes = |path, tree: bool| {
        let reach = if tree { Reach::Tree } else { Reach::Itself };
        Some(Touch::Changes(path, reach))
    };
    match &effect.act {
        Act::Delete { path, recursive } => [changes(path, *recursive), None],
        Act::Write { path, .. } | Act::Permissions { path, .. } => [changes(path, false), None],
        Act::Move { from, to } if is_folder(to) => [changes(from, true), None],
        Act::Move { from, to } => [changes(from, true), changes(to, false)],
        // Whoever writes to a link writes to what it is a link to.
        Act::Copy { from, to } if is_link(effect) && places::is_named(from) => {
            [changes(from, false), changes(to, false)]
        }
        Act::Copy { from, to } if is_folder(to) => [Some(Touch::Reads(from)), None],
        Act::Copy { from, to } => [Some(Touch::Reads(from)), changes(to, false)],
        Act::Read { path } => [Some(Touch::Reads(path)), None],
        _ => [None, None],
    }
}

/// Whether it is said to be a folder: then it is not changed itself, but what lands in it is.
fn is_folder(to: &PathRef) -> bool {
    to.written.ends_with('/')
}

fn is_link(effect: &Effect) -> bool {
    effect.evidence.split_whitespace().next() == Some("ln")
}

/// Whether a pattern is for this path, in one of the ways to write it that mean one thing only.
fn is_meant(pattern: &WildMatch, path: &PathRef, place: &Place) -> bool {
    let resolved = path.to_string();
    let full = place.home.as_deref().zip(resolved.strip_prefix('~'));
    let full = full.map_or_else(
        || resolved.clone(),
        |(home, rest)| format!("{}{rest}", home.trim_end_matches('/')),
    );
    let project = place.project.as_deref().or(place.cwd.as_deref());
    let relative = project
        .and_then(|project| full.strip_prefix(project.trim_end_matches('/')))
        .and_then(|rest| rest.strip_prefix('/'))
        .or_else(|| resolved.strip_prefix("./"));
    pattern.matches(&resolved)
        || pattern.matches(&full)
        || relative.is_some_and(|relative| pattern.matches(relative))
}
