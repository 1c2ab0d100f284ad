//! `patch`: what it changes.

use super::{Command, files::MOST_LINKS};
use crate::policy::effects::{
    Act, Write, mark,
    shell::{Shell, State},
};

/// `patch`: the files that are named, or those of which the patch speaks.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let args = command.args(&[
        "p",
        "i",
        "d",
        "o",
        "r",
        "B",
        "D",
        "F",
        "V",
        "Y",
        "z",
        "strip",
        "input",
        "directory",
        "output",
    ]);
    if args.has(&["dry-run", "C", "check"]) {
        return;
    }
    let folder = args.value(&["d", "directory"]).unwrap_or(".");
    let patch = match args
        .value(&["i", "input"])
        .or(args.operands.get(1).copied())
    {
        Some(file) if !super::is_stdin(file) => shell.read_file(state, file),
        _ => command.stdin.clone(),
    };
    let named = args
        .value(&["o", "output"])
        .or(args.operands.first().copied());
    let strip = args
        .value(&["p", "strip"])
        .and_then(|strip| strip.parse().ok());
    let mut files: Vec<String> = named.map(str::to_owned).into_iter().collect();
    if files.is_empty() {
        let text = patch.text.as_deref().unwrap_or_default();
        let names = text.lines().filter_map(|line| {
            let name = line.strip_prefix("+++ ").or(line.strip_prefix("--- "))?;
            let name = name.split('\t').next()?.trim();
            let parts: Vec<&str> = name.split('/').skip(strip.unwrap_or(0)).collect();
            (name != "/dev/null").then(|| parts.join("/"))
        });
        files.extend(names.take(MOST_LINKS));
    }
    // Some files that are there.
    if files.is_empty() {
        files.push(mark::SOME.to_string());
    }
    for file in files {
        let path = match file.starts_with('/') {
            true => shell.path(state, &file),
            false => shell.path(state, &format!("{folder}/{file}")),
        };
        shell.act(Act::Write {
            path,
            how: Write::Edit,
        });
    }
}
