//! Terminals that go on behind: what is run in them, and the variables that they have.

use super::{Command, mark_code};
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

/// Commands behind which something is run in another terminal.
const RUNS: &[&str] = &[
    "new-session",
    "new",
    "send-keys",
    "send",
    "new-window",
    "neww",
    "split-window",
    "splitw",
    "respawn-pane",
    "respawn-window",
    "run-shell",
    "run",
    "if-shell",
    "if",
    "pipe-pane",
    "pipep",
    "display-popup",
    "popup",
    "set-hook",
    "bind-key",
    "confirm-before",
    "-dm",
    "-dmS",
    "-Dm",
    "stuff",
    "exec",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    if !matches!(
        command.name,
        "screen" | "tmux" | "zellij" | "byobu" | "dtach" | "abduco"
    ) {
        return None;
    }
    let words = command.words;
    super::executes(shell, command.name, words);
    variables(shell, words);
    let at = words.iter().position(|word| RUNS.contains(&word.as_str()));
    let Some(at) = at else {
        return Some(Data::default());
    };
    let codes = words.iter().skip(at + 1).filter(|word| word.contains(' '));
    for code in codes.take(16) {
        shell.text(state, &mark_code(code), &Data::default());
    }
    let argv: Vec<String> = words
        .iter()
        .skip(at + 2)
        .skip_while(|word| word.starts_with('-'))
        .cloned()
        .collect();
    if command.name == "screen" && argv.len() > 1 {
        shell.invoke(state, argv, Data::default());
    }
    Some(Data::default())
}

/// `set-environment -gu NAME`, `setenv NAME value`: what runs there from then on has them, or has them no longer.
fn variables(shell: &mut Shell<'_>, words: &[String]) {
    let is_setter =
        |word: &String| matches!(word.as_str(), "set-environment" | "setenv" | "unsetenv");
    let Some(at) = words.iter().position(is_setter) else {
        return;
    };
    let behind = words.get(at + 1..).unwrap_or_default();
    let takes = |word: &String| {
        word.starts_with('-') && !word.starts_with("--") && word.contains(['u', 'r'])
    };
    let is_taken = behind.iter().any(takes) || words.get(at).is_some_and(|word| word == "unsetenv");
    let mut named = behind.iter().filter(|word| !word.starts_with('-'));
    if let Some(name) = named.next() {
        shell.act(Act::Environment {
            name: name.clone(),
            value: named.next().filter(|_| !is_taken).cloned(),
        });
    }
}
