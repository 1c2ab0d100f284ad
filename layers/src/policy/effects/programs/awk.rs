//! Awk: its program, what is set before it, and the files that it goes through.

use super::{Command, builtins::run_code, code, mark_code};
use crate::policy::effects::{
    Act, mark,
    shell::{Data, Shell, State},
};

pub(super) const NAMES: &[&str] = &["awk", "gawk", "mawk", "nawk", "original-awk", "goawk"];

/// Options that have a value.
const VALUED: &[&str] = &[
    "F",
    "field-separator",
    "v",
    "assign",
    "f",
    "file",
    "E",
    "exec",
    "e",
    "source",
    "i",
    "include",
    "l",
    "load",
    "W",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(VALUED);
    let mut operands = args.operands.iter().copied();
    let mut program = String::new();
    let mut has_program = false;
    for source in args.values(&["e", "source"]) {
        has_program = true;
        program.push_str(&mark_code(source));
        program.push('\n');
    }
    for file in args.values(&["f", "file", "E", "exec"]) {
        has_program = true;
        let data = match file {
            "-" | "/dev/stdin" => command.stdin.clone(),
            file => shell.read_file(state, file),
        };
        match (data.remote, data.text) {
            (Some(from), _) => shell.act(Act::RunRemote { from }),
            (None, Some(text)) => {
                program.push_str(&text);
                program.push('\n');
            }
            (None, None) => super::executes(shell, command.name, command.words),
        }
    }
    if !has_program {
        program = mark_code(operands.next().unwrap_or_default());
    }
    let is_remote =
        program.contains(mark::REMOTE) && program.trim_matches(mark::is_unknown).trim().is_empty();
    if is_remote {
        return run_code(shell, state, &program, &Data::default());
    }
    // Who looks for something does not mean all that runs.
    shell.lists_all &= !program.contains(['/', '~', '(']);
    let is_set = |word: &&str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    let (set, files): (Vec<&str>, Vec<&str>) = operands.partition(is_set);
    let by = args.values(&["F", "field-separator"]).map(|by| match by {
        "t" => "FS=\\t".to_owned(),
        by => format!("FS={by}"),
    });
    let set = args.values(&["v", "assign"]).chain(set).map(str::to_owned);
    let before: String = by.chain(set).map(|word| assignment(&word)).collect();
    let input = input(shell, state, command, &files);
    let argv: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let source = code::Source {
        language: "awk",
        text: &(before + &program),
        stdin: &input,
        argv: &argv,
    };
    let text = code::run(shell, state, &source).text;
    let has = |mark| text.as_ref().is_some_and(|text| text.contains(mark));
    match (&text, has(mark::REMOTE)) {
        // What it writes of its own is nobody else's.
        (Some(_), false) => Data {
            remote: None,
            is_secret: input.is_secret || has(mark::SECRET),
            ..input.with_text(text)
        },
        (_, is_remote) => Data {
            remote: input
                .remote
                .clone()
                .or_else(|| shell.remote.clone().filter(|_| is_remote)),
            ..input.with_text(None)
        },
    }
}

/// `-v name=value`, as a part of the program.
fn assignment(word: &str) -> String {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let value = value.replace('"', "\\\"").replace('\n', "\\n");
    format!("BEGIN{{{name}=\"{value}\"}}\n")
}

/// What is in the files, one behind the other, or on the standard input.
fn input(shell: &mut Shell<'_>, state: &State, command: &Command<'_>, files: &[&str]) -> Data {
    let mut all: Option<Data> = None;
    for file in files {
        let data = match *file {
            "-" | "/dev/stdin" => command.stdin.clone(),
            file => shell.read_file(state, file),
        };
        let is_known = data.text.is_some() && all.as_ref().is_none_or(|all| all.text.is_some());
        let mut both = all.unwrap_or_default().and(data);
        // Known in part is not known.
        both.text = both.text.filter(|_| is_known);
        all = Some(both);
    }
    all.unwrap_or_else(|| command.stdin.clone())
}
