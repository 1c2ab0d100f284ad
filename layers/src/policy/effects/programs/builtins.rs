//! What a shell does itself.

use super::{Command, assignments, unquoted};
use crate::policy::effects::{
    Act, Opaque, PathRef, Persist, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let first = words.first().map(String::as_str).unwrap_or_default();
    match command.name {
        "cd" | "pushd" | "chdir" => {
            let target = words
                .iter()
                .find(|word| !word.starts_with('-') || *word == "-")
                .map(String::as_str);
            let target = match target {
                None => state.home(),
                Some("-") => state.before().to_owned(),
                Some(target) => target.to_owned(),
            };
            // Where links lead is told when something is done there.
            let path = PathRef::within(&target, &state.cwd, shell.place);
            // Where it is not known the name stays, with its mark.
            let to = if target.contains(mark::is_unknown) && !target.starts_with(['/', '~']) {
                target
            } else {
                path.to_string()
            };
            if command.name == "pushd" {
                state.folders.push(state.cwd.clone());
            }
            state.go(to);
            Some(Data::text(""))
        }
        "popd" => {
            let before = state.folders.pop();
            let before = before.unwrap_or_else(|| state.before().to_owned());
            state.go(before);
            Some(Data::text(""))
        }
        "pwd" => Some(Data::text(format!("{}\n", state.cwd))),
        "export" | "declare" | "local" | "readonly" | "typeset" | "set" | "shopt" | "setopt" => {
            if command.name == "set" {
                if words.iter().any(|word| word == "history")
                    && words.iter().any(|word| word == "+o")
                {
                    unset_history(shell, &["HISTFILE".to_owned()]);
                }
                let at = words.iter().position(|word| word == "--");
                if let Some(args) = at.and_then(|at| words.get(at + 1..)) {
                    state.set_args(args);
                } else if !first.is_empty() && !first.starts_with(['-', '+']) {
                    state.set_args(words);
                }
            }
            for word in words {
                if let Some((name, value)) = word.split_once('=') {
                    shell.assigned(state, name, vec![value.to_owned()]);
                } else if let Some(value) = state.set_to(word).filter(|_| command.name == "export")
                {
                    super::meaning::environment(shell, word, Some(&value));
                }
            }
            Some(Data::text(""))
        }
        "unset" => {
            for name in words {
                let name = state.meant(name);
                super::meaning::environment(shell, &name, None);
                state.set(&name, vec![String::new()]);
            }
            unset_history(shell, words);
            Some(Data::text(""))
        }
        "shift" => {
            let count = first.parse().unwrap_or(1);
            state.shift(count);
            Some(Data::text(""))
        }
        "read" | "mapfile" | "readarray" => Some(assignments::read(state, command)),
        "eval" => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let code = unquoted(&words);
            Some(run_code(shell, state, &code, &command.stdin))
        }
        "source" | "." => {
            let data = match super::is_stdin(first) {
                true => command.stdin.clone(),
                false => shell.read_file(state, first),
            };
            // It is this shell that carries it out.
            if let (Some(text), None) = (&data.text, &data.remote) {
                if let Some(args) = words.get(1..).filter(|args| !args.is_empty()) {
                    state.set_args(args);
                }
                return Some(run_code(
                    shell,
                    state,
                    &super::mark_code(text),
                    &Data::default(),
                ));
            }
            let is_unknown = data.is_hidden
                && data.remote.is_none()
                && data.text.is_none()
                && !first.starts_with("/dev/")
                && !data.is_sealed;
            if data.is_any() && !is_unknown {
                return Some(super::interpreters::script(
                    shell,
                    state,
                    "bash",
                    data,
                    words.get(1..).unwrap_or_default(),
                ));
            }
            super::executes(shell, "source", words);
            Some(Data::default())
        }
        "alias" => {
            for word in words {
                if let Some((name, value)) = word.split_once('=') {
                    state.alias(name, &super::mark_code(value));
                }
            }
            Some(Data::text(""))
        }
        "hash" if words.len() > 2 && first == "-p" => {
            if let [_, path, name, ..] = words {
                state.alias(name, path);
            }
            Some(Data::text(""))
        }
        "trap" => {
            let code = super::mark_code(
                words
                    .iter()
                    .find(|word| !word.starts_with('-'))
                    .map(String::as_str)
                    .unwrap_or_default(),
            );
            let is_end = |word: &String| {
                let signal = word.trim_start_matches("SIG");
                matches!(signal, "EXIT" | "0" | "INT" | "TERM" | "HUP" | "QUIT")
            };
            if words.len() > 1 && !code.is_empty() {
                if !words.iter().skip(1).all(is_end) {
                    run_code(shell, state, &code, &Data::default());
                }
                // It runs later, and all variables are what they are then.
                state.at_end(code);
            }
            Some(Data::text(""))
        }
        "type"
            if words
                .iter()
                .any(|word| matches!(word.as_str(), "-p" | "-P")) =>
        {
            let name = words.last().map(String::as_str).unwrap_or_default();
            Some(Data::text(format!("/usr/bin/{name}")))
        }
        "history" => {
            if words
                .iter()
                .any(|word| word.starts_with('-') && word.contains(['c', 'w', 'd']))
            {
                shell.act(Act::CoverTracks {
                    what: "history".to_owned(),
                });
            }
            Some(Data {
                is_secret: true,
                ..Data::hidden()
            })
        }
        "let" => {
            for word in words {
                shell.arithmetic(state, word);
            }
            Some(Data::text(""))
        }
        // The names of variables, all or those that begin so.
        "compgen" => {
            let args = command.args(&["A", "G", "W", "F", "C", "X", "P", "S"]);
            let is_variable =
                matches!(args.value(&["A"]), Some("variable" | "export" | "arrayvar"));
            let name = args.first();
            Some(match is_variable || args.has(&["v", "e"]) {
                false => Data::text(""),
                true if name.is_empty() => Data::text(mark::SOME.to_string()),
                true => Data::text(format!("{name}{}", mark::STAR)),
            })
        }
        "true" | "false" | ":" | "test" | "[" | "wait" | "jobs" | "fg" | "bg" | "umask"
        | "ulimit" | "hash" | "type" | "return" | "exit" | "break" | "continue" | "getopts"
        | "disown" | "bind" | "complete" | "sleep" | "enable" | "caller" | "times" | "dirs"
        | "unalias" => Some(Data::text("")),
        _ => None,
    }
}

fn unset_history(shell: &mut Shell<'_>, words: &[String]) {
    if words.iter().any(|word| word == "HISTFILE") {
        shell.act(Act::CoverTracks {
            what: "history".to_owned(),
        });
    }
}

/// Text that is carried out as code.
pub(super) fn run_code(shell: &mut Shell<'_>, state: &mut State, code: &str, stdin: &Data) -> Data {
    let rest = code.trim();
    if rest.contains(mark::REMOTE) && rest.trim_start_matches(mark::is_unknown).is_empty() {
        let from = shell.remote.clone().unwrap_or_else(|| "?".to_owned());
        shell.act(Act::RunRemote { from });
        return Data::default();
    }
    if !rest.is_empty()
        && rest
            .chars()
            .all(|c| mark::is_unknown(c) || c == '"' || c == '\'' || c.is_whitespace())
    {
        if !rest.chars().all(|c| c == mark::HOOK) {
            shell.opaque(Opaque::UnknownCode);
        }
        return Data::default();
    }
    shell.text(state, code, stdin)
}

/// For [`super::system`]: a door.
pub(super) fn backdoor(shell: &mut Shell<'_>, target: &str) {
    shell.act(Act::Persist {
        what: Persist::Backdoor,
        target: target.to_owned(),
    });
}
