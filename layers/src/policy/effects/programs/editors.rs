//! Programs for something else, that run commands they are told: editors, `make`, debuggers.

use super::{Command, code, make, mark_code, vim};
use crate::policy::effects::shell::{Data, Shell, State};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "vim" | "vi" | "nvim" | "ex" | "ed" | "view" | "gvim" | "mvim" | "rvim" | "vimdiff" => {
            Some(vim::run(shell, state, command))
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
        "make" | "gmake" | "bmake" => make::run(shell, state, command),
        "gdb" | "lldb" | "cgdb" | "rr" => Some(debugger(shell, state, command)),
        _ => None,
    }
}

/// Commands that a debugger is told; and what it is attached to, which it may end.
fn debugger(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&[
        "ex",
        "eval-command",
        "iex",
        "o",
        "O",
        "one-line",
        "x",
        "p",
        "pid",
        "n",
        "attach-pid",
    ]);
    let told = ["ex", "eval-command", "iex", "o", "O", "one-line"];
    let given: Vec<String> = args.values(&told).map(str::to_owned).collect();
    let lines = command.stdin.text.iter().flat_map(|text| text.lines());
    let lines: Vec<String> = lines.take(256).map(str::to_owned).collect();
    for code in given.iter().chain(&lines) {
        let code = code.trim();
        let runs = ["shell ", "!", "platform shell ", "pipe "];
        if let Some(code) = runs.iter().find_map(|start| code.strip_prefix(start)) {
            shell.text(state, &mark_code(code), &Data::default());
        } else if let Some(code) = ["python ", "py ", "script "]
            .iter()
            .find_map(|start| code.strip_prefix(start))
        {
            code::scan(shell, state, "python", code);
        }
    }
    super::executes(shell, command.name, command.words);
    Data::hidden()
}
