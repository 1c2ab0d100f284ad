//! What a tool call does, instead of how it is written.
//!
//! `rm -rf ~`, `cd ~ && find . -delete` and a patch that deletes a file are the same thing said in three ways. Here they
//! become the same [`Effect`]s, so that rules can speak of what is done:
//!
//! ```
//! use luthien::policy::{ToolCall, effects::{Effects, Place}};
//!
//! let place = Place { cwd: Some("/work/shop".into()), ..Place::default() };
//! let call = ToolCall::new("Bash", r#"{"command": "cd ..; X=r\\m; $X -rf sh*"}"#);
//! let effects = Effects::of(&call, &place);
//! let short: Vec<_> = effects.iter().map(ToString::to_string).collect();
//! assert!(short.contains(&"delete(/work/sh*)".to_owned()), "{short:?}");
//! ```
//!
//! Shell text is parsed as a shell would, and carried out as far as text alone allows: variables, functions, loops,
//! substitutions, what one command writes into the next. Programs that run others are followed into them. Nothing is run
//! and no file is read. What cannot be told is [`Opaque`], never nothing.
//!
//! Time and memory are bounded: by [`MAX_TEXT`] bytes of text and [`MAX_DEPTH`] levels of text in text.

mod act;
#[cfg(test)]
mod bounds_tests;
mod globs;
pub(crate) mod mark;
pub(crate) mod names;
#[cfg(test)]
mod network_tests;
mod patch;
mod path;
#[cfg(test)]
mod path_tests;
mod persist;
mod place;
mod programs;
mod shell;
#[cfg(test)]
mod told_tests;
mod tool;

use std::fmt;

pub use act::{Act, Database, Exhaust, Git, Opaque, Permissions, Persist, Process, Sends, Write};
pub use path::{PathRef, Scope};
pub(crate) use persist::is_secret;
pub use place::Place;
pub(crate) use programs::{is_here, is_shared_branch};
use serde::Serialize;
pub(crate) use shell::commands as shell_commands;

use super::ToolCall;

/// The most bytes of shell text that are looked at in a call.
pub const MAX_TEXT: usize = 64 << 10;
/// How deep text may stand in text that is looked at.
pub const MAX_DEPTH: usize = 16;

/// Everything that a call does, in the order of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Effects(Vec<Effect>);

/// One thing that a call does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// What.
    #[serde(flatten)]
    pub act: Act,
    /// The words of the call that say so, shortened. For people.
    pub evidence: String,
    /// It is done as somebody else, who may do more.
    pub elevated: bool,
}

impl Effects {
    /// The most that are told of one call. What follows is [`Opaque::TooLong`].
    pub const MAX: usize = 512;

    /// What the call would do in this place.
    pub fn of(call: &ToolCall, place: &Place) -> Self {
        let mut effects = Self::default();
        tool::effects(call, place, &mut effects);
        effects
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Effect> {
        self.0.iter()
    }

    /// Whether it does nothing that anybody knows of.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of those behind the first ones, the ones that are so.
    pub(crate) fn keep(&mut self, from: usize, is: impl Fn(&Effect) -> bool) {
        let behind = self.0.split_off(from.min(self.0.len()));
        self.0.extend(behind.into_iter().filter(is));
    }

    /// Those behind the first ones, said otherwise.
    pub(crate) fn change(&mut self, from: usize, change: impl Fn(&mut Act)) {
        self.0
            .iter_mut()
            .skip(from)
            .for_each(|effect| change(&mut effect.act));
    }

    /// One more, unless it has just been said.
    pub(crate) fn add(&mut self, act: Act, evidence: &str, elevated: bool) {
        let act = match self.0.len() {
            len if len > Self::MAX => return,
            Self::MAX => Act::Opaque {
                why: Opaque::TooLong,
            },
            _ => act,
        };
        let persists = match &act {
            Act::Write { path, .. } | Act::Copy { to: path, .. } | Act::Move { to: path, .. } => {
                persist::kind(path).map(|what| (what, path.to_string()))
            }
            _ => None,
        };
        if self
            .0
            .last()
            .is_some_and(|last| last.act == act && last.elevated == elevated)
        {
            return;
        }
        self.0.push(Effect {
            act,
            evidence: shortened(evidence),
            elevated,
        });
        if let Some((what, target)) = persists {
            self.add(Act::Persist { what, target }, evidence, elevated);
        }
    }
}

impl<'a> IntoIterator for &'a Effects {
    type Item = &'a Effect;
    type IntoIter = std::slice::Iter<'a, Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The [`Act`]'s short form.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.act.fmt(f)
    }
}

/// The most characters of evidence.
const EVIDENCE: usize = 120;

fn shortened(evidence: &str) -> String {
    let evidence = evidence.trim();
    match evidence.char_indices().nth(EVIDENCE) {
        None => mark::shown(evidence),
        Some((end, _)) => format!("{}…", mark::shown(evidence.get(..end).unwrap_or_default())),
    }
}
