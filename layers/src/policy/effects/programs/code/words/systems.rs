//! What some languages have of their own.

use super::literal;
use crate::policy::effects::{
    Act, Persist, Process,
    shell::{Data, Shell, State},
};

/// What it tells the system of a Mac.
pub(super) fn script_of_a_mac(shell: &mut Shell<'_>, code: &str) {
    if code.contains("to shut down") || code.contains("to restart") {
        shell.act(Act::Process {
            what: Process::Shutdown,
            target: code.chars().take(80).collect(),
        });
    }
    if code.contains("make login item") || code.contains("make new login item") {
        shell.act(Act::Persist {
            what: Persist::Service,
            target: code.chars().take(80).collect(),
        });
    }
}

/// Functions of Emacs whose first argument says what is done.
pub(super) fn lisp(shell: &mut Shell<'_>, state: &mut State, code: &str) {
    let of = |name: &str| {
        let (_, rest) = code.split_once(name)?;
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("(expand-file-name ").unwrap_or(rest);
        literal(rest.trim_start()).map(|(text, _)| text)
    };
    for name in [
        "shell-command ",
        "shell-command-to-string ",
        "call-process-shell-command ",
        "run-program ",
        "(system ",
        "run-shell-command ",
    ] {
        if let Some(text) = of(name) {
            shell.text(state, &text, &Data::default());
        }
    }
    for name in ["delete-directory ", "delete-file "] {
        if let Some(path) = of(name) {
            let path = shell.path(state, &path);
            shell.act(Act::Delete {
                path,
                recursive: name == "delete-directory ",
            });
        }
    }
}

/// `spawn` and `exec` of Tcl.
pub(super) fn spawned(shell: &mut Shell<'_>, state: &mut State, code: &str) {
    for line in code.split([';', '\n']).map(str::trim) {
        let command = line.strip_prefix("spawn ");
        if let Some(command) = command.or_else(|| line.strip_prefix("exec ")) {
            shell.text(state, command, &Data::default());
        }
    }
}

/// A shell's text among the code.
pub(super) fn backquoted(shell: &mut Shell<'_>, state: &mut State, code: &str) {
    for inner in code.split('`').skip(1).step_by(2).take(8) {
        shell.text(state, inner, &Data::default());
    }
}
