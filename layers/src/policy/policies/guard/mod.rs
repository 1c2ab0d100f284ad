//! What guards have in common: where a call would run, and what it does there.

#[cfg(test)]
pub(super) mod corpus;
pub(super) mod host;
#[cfg(test)]
mod incidents;
pub(super) use crate::policy::effects::names;
pub(super) mod tools;

use std::borrow::Cow;

use crate::policy::{
    Context, ToolCall, Watches,
    effects::{Act, Effect, Effects, Git, PathRef, Place, Scope},
    registry::BuildError,
};

/// What a guard watches.
pub(super) fn watches() -> Watches {
    Watches::TOOL_CALLS | Watches::EFFECTS
}

/// Where calls run, as far as the settings say.
#[derive(Debug)]
pub(super) struct Where {
    known: Place,
}

impl Where {
    /// From the settings `project` and `home`.
    ///
    /// # Errors
    ///
    /// If one of them is not absolute.
    pub(super) fn new(project: Option<String>, home: Option<String>) -> Result<Self, BuildError> {
        for (name, path) in [("project", &project), ("home", &home)] {
            if path.as_deref().is_some_and(|path| !path.starts_with('/')) {
                return Err(BuildError::new(name, "it must be an absolute path"));
            }
        }
        Ok(Self {
            known: Place {
                home,
                cwd: project.clone(),
                project,
            },
        })
    }

    /// Where the calls of this exchange run: what the settings say, or else what is known of the exchange.
    pub(super) fn place<'a>(&'a self, cx: &'a Context) -> &'a Place {
        match self.known.cwd {
            Some(_) => &self.known,
            None => cx.place(),
        }
    }
}

/// What the call does. Policies that know no other place than the exchange's share what was found out.
pub(super) fn effects<'a>(call: &'a ToolCall, place: &Place) -> Cow<'a, Effects> {
    call.effects_in(place)
}

/// Where something is then that is brought to this place, should the place be a folder.
pub(super) fn landed(from: &PathRef, to: &PathRef) -> PathRef {
    let scope = match to.scope {
        Scope::Project => Scope::Below,
        scope => scope,
    };
    PathRef {
        resolved: format!("{}/{}", to.resolved.trim_end_matches('/'), from.name()),
        scope,
        all: false,
        collapsed: None,
        written: to.written.clone(),
    }
}

/// Another folder in which git throws something away: `git -C ~/other checkout .`.
pub(super) fn thrown_away(effect: &Effect, place: &Place) -> Option<PathRef> {
    let is_whole = matches!(
        effect.act,
        Act::Git {
            what: Git::Discard | Git::HardReset | Git::Clean,
            ..
        }
    );
    let mut words = effect.evidence.split_whitespace();
    let folder = words
        .find(|word| *word == "-C")
        .and_then(|_| words.next())?;
    is_whole.then(|| PathRef::new(folder, place))
}
