//! Programs for something else, that run commands they are told: editors, `make`, debuggers.

use super::{Command, code};
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "vim" | "vi" | "nvim" | "ex" | "ed" | "view" => {
            let args = command.args(&["c", "cmd"]);
            let plus = command
                .words
                .iter()
                .filter_map(|word| word.strip_prefix('+'));
            let stdin = command.stdin.text.clone().unwrap_or_default();
            let commands: Vec<String> = args
                .values(&["c", "cmd"])
                .chain(plus)
                .chain(stdin.lines())
                .map(str::to_owned)
                .collect();
            let saves = |line: &String| {
                matches!(
                    line.trim_start_matches(':').trim(),
                    "w" | "wq" | "x" | "w!" | "wq!" | "update"
                )
            };
            if commands.iter().any(saves) {
                for file in &args.operands {
                    let path = shell.path(state, file);
                    let how = crate::policy::effects::Write::Edit;
                    shell.act(Act::Write { path, how });
                }
            }
            for line in commands {
                let line = line.trim_start_matches(':');
                let line = line
                    .strip_prefix("silent ")
                    .or_else(|| line.strip_prefix("sil "))
                    .unwrap_or(line);
                if let Some(code) = line
                    .trim_start_matches(['%', '.', 'r', ' '])
                    .strip_prefix('!')
                {
                    shell.text(state, code, &Data::default());
                } else if let Some(from) = line
                    .strip_prefix("so")
                    .and_then(|rest| {
                        rest.split_whitespace()
                            .nth(1)
                            .or(rest.split_whitespace().next())
                    })
                    .filter(|from| from.contains("://"))
                {
                    let from = super::host(from).unwrap_or_else(|| "?".to_owned());
                    shell.act(Act::RunRemote { from });
                } else if line.contains("system(") {
                    code::scan(shell, state, "vim", line);
                }
            }
            Some(Data::default())
        }
        "apply_patch" | "applypatch" => {
            let written = command.words.first().cloned();
            let patch = written.or_else(|| command.stdin.text.clone())?;
            shell.patch(&patch);
            Some(Data::default())
        }
        "go" if command.words.first().is_some_and(|word| word == "run") => {
            let data = match command.words.get(1).map(String::as_str) {
                Some("-" | "/dev/stdin") => command.stdin.clone(),
                Some(file) => state
                    .files
                    .get(&shell.path(state, file).resolved)
                    .cloned()?,
                None => return None,
            };
            code::scan(shell, state, "go", data.text.as_deref().unwrap_or_default());
            Some(Data::hidden())
        }
        "make" | "gmake"
            if command
                .words
                .iter()
                .any(|word| word == "-f" || word == "-f-")
                || makefile(shell, state).is_some() =>
        {
            let args = command.args(&["f", "C", "I", "j", "file", "makefile"]);
            let text = match args.value(&["f", "file", "makefile"]) {
                None | Some("-" | "/dev/stdin") => {
                    makefile(shell, state).unwrap_or_else(|| command.stdin.clone())
                }
                Some(file) => shell.read_file(state, file),
            };
            // Its variables are in parentheses, which mean something else to a shell.
            let text = text.text.unwrap_or_default();
            let text = text.replace("$(HOME)", "$HOME").replace("$$", "$");
            // What stands behind a tab, or behind a semicolon of a rule, is a command.
            for line in text.lines() {
                let code = line
                    .strip_prefix('\t')
                    .or_else(|| line.split_once(';').map(|(_, code)| code));
                if let Some(code) = code {
                    shell.text(
                        state,
                        code.trim_start_matches(['@', '-', '+']),
                        &Data::default(),
                    );
                }
            }
            if !text.is_empty() {
                return Some(Data::default());
            }
            None
        }
        "gdb" | "lldb" => {
            for code in
                command
                    .args(&["ex", "eval-command", "o", "x"])
                    .values(&["ex", "eval-command", "o"])
            {
                if let Some(code) = code
                    .strip_prefix("shell ")
                    .or_else(|| code.strip_prefix('!'))
                {
                    shell.text(state, code, &Data::default());
                }
            }
            Some(Data::default())
        }
        "make" | "gmake"
            if command
                .args(&["f", "C", "E", "eval"])
                .value(&["E", "eval"])
                .is_some() =>
        {
            let args = command.args(&["f", "C", "E", "eval"]);
            let text = args
                .value(&["E", "eval"])
                .unwrap_or_default()
                .replace("\\n\\t", "\n");
            let code = text
                .split_once([':', '('])
                .map_or(text.as_str(), |(_, code)| {
                    code.trim_start_matches("shell").trim_end_matches(')')
                });
            shell.text(state, code, &Data::default());
            Some(Data::default())
        }
        _ => None,
    }
}

/// What has been written here for `make`.
fn makefile(shell: &Shell<'_>, state: &State) -> Option<Data> {
    let mut names = ["Makefile", "makefile", "GNUmakefile"].into_iter();
    names.find_map(|name| state.files.get(&shell.path(state, name).resolved).cloned())
}
