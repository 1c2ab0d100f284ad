//! Repositories that come from elsewhere, and those that a call has made itself.

use super::{super::hosts, Args, given, settings};
use crate::policy::effects::{
    Scope,
    shell::{Shell, State},
};

/// Whether all that is pushed to has been made by the call, as far as it is written out.
pub(super) fn is_among_own(shell: &Shell<'_>, state: &State, words: &[String]) -> bool {
    let is_place = |word: &&String| word.contains('/') && !word.starts_with(['-', '+']);
    shell.made.has("git", "here")
        && words.iter().filter(is_place).all(|word| {
            word.starts_with("refs/") || word.contains(":refs/") || is_own_place(shell, state, word)
        })
}

pub(super) fn is_own_place(shell: &Shell<'_>, state: &State, place: &str) -> bool {
    hosts::remote(place).is_none() && shell.path(state, place).scope == Scope::Temporary
}

/// A repository is cloned: with hooks, settings, and somebody else's history or a test's.
pub(super) fn clone(shell: &mut Shell<'_>, state: &mut State, words: &[String]) {
    let args = Args::of(
        words,
        &[
            "template",
            "b",
            "branch",
            "o",
            "origin",
            "depth",
            "c",
            "config",
            "reference",
            "u",
            "j",
            "filter",
        ],
    );
    for setting in args.values(&["c", "config"]) {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        given::once(shell, state, key, value);
    }
    // What is pushed from there comes back to where it was cloned from.
    if is_own_place(shell, state, args.first()) {
        shell.made.remember("git", "here");
    } else {
        shell.made.forget("git");
    }
    let name = args.first().trim_end_matches('/').rsplit(['/', ':']).next();
    let name = name.unwrap_or_default().trim_end_matches(".git");
    let folder = if args.nth(1).is_empty() {
        name
    } else {
        args.nth(1)
    };
    made(shell, state, folder);
    settings::template(shell, state, words, folder);
}

/// A folder that git would not make if it were there already.
pub(super) fn made(shell: &mut Shell<'_>, state: &State, folder: &str) {
    let path = shell.path(state, folder);
    shell.made.remember("folder", &path.resolved);
}
