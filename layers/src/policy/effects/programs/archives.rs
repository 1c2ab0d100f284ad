//! Files packed into one, and taken out again.

use super::{Command, files::MOST_LINKS, private};
use crate::policy::effects::{
    Act, Write, mark,
    shell::{Data, Shell, State},
};

pub(super) fn tar(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    for (at, word) in command.words.iter().enumerate() {
        let next = command.words.get(at + 1).map(String::as_str);
        let code = word
            .strip_prefix("--checkpoint-action=exec=")
            .or_else(|| word.strip_prefix("--to-command="))
            .or_else(|| word.strip_prefix("--use-compress-program="))
            .or_else(|| word.strip_prefix("--rsh-command="))
            .or_else(|| {
                next.filter(|_| word == "--checkpoint-action")?
                    .strip_prefix("exec=")
            })
            .or_else(|| next.filter(|_| word == "-I" || word == "--to-command"));
        if let Some(code) = code {
            shell.text(state, code, &Data::default());
        }
    }
    let args = command.args(&["f", "C", "file", "directory", "exclude", "X", "T"]);
    let letters = command
        .words
        .first()
        .filter(|word| !word.starts_with('-'))
        .map(String::as_str)
        .unwrap_or_default();
    let extracts = args.has(&["x", "extract", "get"]) || letters.contains('x');
    if args.has(&["remove-files"]) {
        for file in &args.operands {
            let path = shell.path(state, file);
            shell.act(Act::Delete {
                path,
                recursive: true,
            });
        }
    }
    let folder = args.value(&["C", "directory"]);
    if let (true, Some(folder)) = (extracts, folder) {
        let path = shell.path(state, folder);
        shell.act(Act::Write {
            path,
            how: Write::Append,
        });
    }
    let mut packed = Data::hidden();
    if !extracts {
        let mut files = operands(command);
        if let Some(list) = args.value(&["T", "files-from"]) {
            let list = match super::is_stdin(list) {
                true => command.stdin.clone(),
                false => shell.read_file(state, list),
            };
            packed.is_secret |= list.is_secret;
            let lines = list.text.iter().flat_map(|text| text.split(['\n', '\0']));
            files.extend(lines.take(MOST_LINKS).map(str::to_owned));
        }
        packed.is_secret |= are_secret(shell, state, &files);
        packed.is_private = files
            .iter()
            .any(|file| !file.is_empty() && private::is_packed(&shell.path(state, file)));
    }
    match args
        .value(&["f", "file"])
        .filter(|file| *file != "-" && !extracts)
    {
        Some(file) => {
            shell.write_file(state, file, false, &packed);
            Data::default()
        }
        None => packed,
    }
}

/// What is packed: each operand where the `-C` before it leads.
fn operands(command: &Command<'_>) -> Vec<String> {
    let mut files = Vec::new();
    let mut folder = String::new();
    let mut words = command.words.iter();
    while let Some(word) = words.next() {
        let named = word
            .strip_prefix("--directory=")
            .or_else(|| word.strip_prefix("-C").filter(|rest| !rest.is_empty()));
        match word.as_str() {
            "-C" | "--directory" => folder = words.next().cloned().unwrap_or_default(),
            _ if named.is_some() => folder = named.unwrap_or_default().to_owned(),
            "-f" | "--file" | "-X" | "--exclude" | "-T" | "--files-from" => drop(words.next()),
            word if word.starts_with('-') => {
                // The name of the archive follows its letters.
                if !word.starts_with("--") && word.ends_with('f') {
                    words.next();
                }
            }
            word if folder.is_empty() || word.starts_with(['/', '~']) => {
                files.push(word.to_owned());
            }
            word => files.push(format!("{}/{word}", folder.trim_end_matches('/'))),
        }
    }
    files.truncate(MOST_LINKS);
    files
}

/// Whether something secret is among these files. It is written down that it is read.
fn are_secret(shell: &mut Shell<'_>, state: &State, files: &[String]) -> bool {
    let mut found = false;
    for file in files.iter().filter(|file| !file.is_empty()) {
        let path = shell.path(state, file);
        let known = state.files.get(&path.resolved);
        if super::is_secret(&path) || known.is_some_and(|data| data.is_secret) {
            shell.act(Act::Read { path });
            found = true;
        }
    }
    found
}

/// `cpio -o`: the files that are packed are those whose names it reads.
pub(super) fn listed(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&["F", "D", "H", "f", "s", "x", "file", "directory", "format"]);
    let folder = args.value(&["D", "directory"]).unwrap_or(".");
    let text = command.stdin.text.as_deref().unwrap_or_default();
    let mut files: Vec<String> = text
        .split(['\n', '\0'])
        .take(MOST_LINKS)
        .map(
            |file| match file.starts_with(['/', '~']) || file.is_empty() {
                true => file.to_owned(),
                false => format!("{folder}/{file}"),
            },
        )
        .collect();
    files.extend(args.operands.iter().map(|file| (*file).to_owned()));
    let is_pass = args.has(&["p", "pass-through"]);
    if let Some(to) = args.operands.last().filter(|_| is_pass) {
        for file in &files {
            let (from, to) = (shell.path(state, file), shell.path(state, to));
            shell.act(Act::Copy { from, to });
        }
    }
    if args.has(&["i", "extract"]) {
        let path = shell.path(state, &format!("{folder}/{}", mark::SOME));
        shell.act(Act::Write {
            path,
            how: Write::Append,
        });
        return Data::default();
    }
    let packed = Data {
        is_secret: are_secret(shell, state, &files) || command.stdin.is_secret,
        ..Data::hidden()
    };
    match args.value(&["F", "O", "file"]) {
        Some(file) => {
            shell.write_file(state, file, false, &packed);
            Data::default()
        }
        None => packed,
    }
}
