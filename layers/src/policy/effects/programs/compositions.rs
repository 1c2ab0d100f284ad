//! Compositions of containers: which of them are there for tests alone.

use super::{
    Args,
    containers::{inside, published},
    made::{is_for_tests, is_scratch},
};
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State},
};

/// What is run in a container of a composition.
pub(super) fn composed(
    shell: &mut Shell<'_>,
    state: &mut State,
    words: &[String],
    stdin: &Data,
) -> bool {
    let at = words
        .iter()
        .position(|word| matches!(word.as_str(), "exec" | "run"));
    let Some((command, rest)) = at.and_then(|at| words.get(at..)?.split_first()) else {
        return false;
    };
    let is_own = is_own_composition(shell, state, words);
    inside(shell, state, command, rest, stdin, is_own);
    true
}

/// Whether a composition with its volumes goes away that the call has not started, and that is not there for tests.
pub(super) fn compose(shell: &mut Shell<'_>, state: &State, words: &[String]) -> bool {
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let letter = |letter: char| {
        words
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    if has("up") || has("create") || has("start") {
        if let Some(project) = project(state, words) {
            shell.made.remember("compose", &project);
        }
        published(shell, words);
        return false;
    }
    let takes_volumes = has("down")
        && (has("--volumes") || words.iter().any(|word| word.starts_with("--rmi")) || letter('v'))
        || has("rm") && (letter('v') || has("--volumes"));
    takes_volumes && !is_own_composition(shell, state, words)
}

/// What is said of which composition is meant; nothing if it is the one that people work with.
fn project(state: &State, words: &[String]) -> Option<String> {
    let args = Args::of(words, COMPOSE);
    let set = |name: &str| {
        let value = state.variable(name);
        (!value.contains(mark::UNSET)).then_some(value)
    };
    let mut said: Vec<String> = args
        .values(&["p", "project-name", "f", "file", "project-directory"])
        .map(str::to_owned)
        .collect();
    said.extend(
        ["COMPOSE_PROJECT_NAME", "COMPOSE_FILE"]
            .into_iter()
            .filter_map(set),
    );
    (!said.is_empty()).then(|| said.join(" "))
}

const COMPOSE: &[&str] = &[
    "p",
    "project-name",
    "f",
    "file",
    "project-directory",
    "profile",
    "env-file",
    "t",
    "timeout",
];

fn is_own_composition(shell: &Shell<'_>, state: &State, words: &[String]) -> bool {
    let Some(project) = project(state, words) else {
        return false;
    };
    let is_test = |word: &str| is_scratch(word.rsplit('/').next().unwrap_or(word));
    shell.made.has("compose", &project)
        || is_for_tests(
            &Args::of(words, COMPOSE),
            &["p", "project-name", "f", "file"],
        )
        || project.split(' ').any(is_test)
}
