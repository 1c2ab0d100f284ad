//! Programs that run code: shells and languages.

use super::{Args, Command, awk, builtins::run_code, code, foreign, languages, mark_code};
use crate::policy::effects::{
    Act, Opaque, mark,
    shell::{Data, Shell, State},
};

pub(super) const SHELLS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "yash",
    "pdksh",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let name = command.name;
    if SHELLS.contains(&name) {
        return Some(a_shell(shell, state, command));
    }
    if foreign::is_foreign(name) {
        shell.opaque(Opaque::ForeignShell);
        return Some(Data::hidden());
    }
    if awk::NAMES.contains(&name) {
        return Some(awk::run(shell, state, command));
    }
    languages::run(shell, state, command)
}

fn a_shell(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    // `-c` may stand anywhere among the letters; its code is the first operand.
    let args = Args::leading(command.words, &["o", "O", "init-file", "rcfile"]);
    let mut has_code = args.has(&["c"]);
    let mut operands = args.command(0);
    // More options behind `-c`.
    while has_code
        && operands
            .first()
            .is_some_and(|word| word.starts_with('-') && word.len() > 1)
    {
        operands.remove(0);
    }
    if let Some(file) = args.value(&["init-file", "rcfile"]) {
        let data = shell.read_file(state, file);
        script(shell, state, "bash", data, &[]);
    }
    if has_code && operands.is_empty() {
        has_code = false;
    }
    if has_code {
        let code = mark_code(operands.first().map(String::as_str).unwrap_or_default());
        let mut inner = state.clone();
        if let Some(name) = operands.get(1) {
            inner.set_name(name);
        }
        inner.set_args(operands.get(2..).unwrap_or_default());
        let out = run_code(shell, &mut inner, &code, &command.stdin);
        state.files = inner.files;
        return out;
    }
    let is_stdin = args.has(&["s"]) || operands.first().is_none_or(|file| super::is_stdin(file));
    if is_stdin {
        if command.stdin.is_any() {
            return script(
                shell,
                state,
                "bash",
                command.stdin.clone(),
                operands.get(1..).unwrap_or_default(),
            );
        }
        return Data::default();
    }
    let file = operands.first().cloned().unwrap_or_default();
    if file.contains(mark::REMOTE) {
        return run_code(shell, state, &mark::REMOTE.to_string(), &Data::default());
    }
    let data = shell.read_file(state, &file);
    let is_known =
        data.text.is_some() || data.remote.is_some() || data.is_sealed || file.starts_with("/dev/");
    if is_known {
        return started(shell, state, &operands, data);
    }
    super::executes(shell, command.name, &operands);
    Data::hidden()
}

/// A script is started by its name, with words behind it. One that starts itself goes on without end.
pub(super) fn started(
    shell: &mut Shell<'_>,
    state: &mut State,
    argv: &[String],
    data: Data,
) -> Data {
    let (file, words) = argv
        .split_first()
        .map_or(("", argv), |(file, words)| (file.as_str(), words));
    let path = shell.path(state, file).resolved;
    if state.running.contains(&path) {
        shell.itself();
        return Data::default();
    }
    let mut inner = state.clone();
    inner.running.push(path);
    inner.set_name(file);
    // Whatever it is called: if its first line does not say otherwise, a shell carries it out.
    let out = script(shell, &mut inner, "sh", data, words);
    state.files = inner.files;
    out
}

/// A script whose content has come from somewhere.
pub(super) fn script(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    data: Data,
    words: &[String],
) -> Data {
    if let Some(from) = data.remote {
        shell.act(Act::RunRemote { from });
        return Data::default();
    }
    let Some(text) = data.text else {
        if data.is_hidden && !data.is_for_shells {
            shell.opaque(Opaque::UnknownCode);
        }
        return Data::hidden();
    };
    let first = text.lines().next().unwrap_or_default();
    let language = first
        .strip_prefix("#!")
        .map(|line| line.rsplit(['/', ' ']).next().unwrap_or_default());
    match languages::known(language.unwrap_or(name)) {
        Some(language) => {
            let code = code::Source {
                language,
                text: &text,
                stdin: &Data::default(),
                argv: words,
            };
            code::run(shell, state, &code)
        }
        None => {
            let mut inner = state.clone();
            inner.set_args(words);
            let out = run_code(shell, &mut inner, &mark_code(&text), &Data::default());
            state.files = inner.files;
            out
        }
    }
}
