//! `make`: what its rules run, with the variables that they are given.

use std::collections::HashMap;

use super::{Args, Command};
use crate::policy::effects::{
    MAX_TEXT,
    shell::{Data, Shell, State},
};

/// How deep variables may stand in one another.
const DEEPEST: usize = 8;
/// How many of them are known.
const MOST: usize = 256;
const VALUED: &[&str] = &[
    "f",
    "C",
    "I",
    "o",
    "W",
    "E",
    "eval",
    "file",
    "makefile",
    "directory",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    // `-sf x`: its letters are flags but for the last.
    let args = command.args(VALUED);
    let before = state.cwd.clone();
    if let Some(folder) = args.value(&["C", "directory"]) {
        state.go(shell.path(state, folder).to_string());
    }
    let told = args
        .values(&["E", "eval"])
        .map(|text| text.replace("\\n", "\n").replace("\\t", "\t"));
    let mut text: String = told.collect::<Vec<_>>().join("\n");
    let file = args.value(&["f", "file", "makefile"]);
    let data = match file {
        Some(file) if super::is_stdin(file) => command.stdin.clone(),
        Some(file) => shell.read_file(state, file),
        None => makefile(shell, state).unwrap_or_default(),
    };
    text.push('\n');
    text.push_str(data.text.as_deref().unwrap_or_default());
    if text.trim().is_empty() {
        state.cwd = before;
        return None;
    }
    let place = shell.path(state, file.unwrap_or("Makefile")).resolved;
    if state.running.contains(&place) {
        shell.itself();
        state.cwd = before;
        return Some(Data::default());
    }
    state.running.push(place);
    rules(shell, state, &text, &args);
    state.running.pop();
    state.cwd = before;
    Some(Data::default())
}

/// What has been written here for `make`.
fn makefile(shell: &Shell<'_>, state: &State) -> Option<Data> {
    let mut names = ["Makefile", "makefile", "GNUmakefile"].into_iter();
    names.find_map(|name| state.files.get(&shell.path(state, name).resolved).cloned())
}

fn rules(shell: &mut Shell<'_>, state: &mut State, text: &str, args: &Args<'_>) {
    let mut variables: HashMap<String, String> = HashMap::new();
    let joined = text.replace("\\\n", " ");
    let mut code: Vec<String> = Vec::new();
    for line in joined.lines() {
        // What stands behind a tab, or behind a semicolon of a rule, is a command.
        if let Some(recipe) = line.strip_prefix('\t') {
            code.push(recipe.to_owned());
        } else if let Some((name, value)) = assignment(line) {
            if variables.len() < MOST {
                variables.insert(name.to_owned(), value.to_owned());
            }
            // What is filled in at once is run at once.
            if value.contains("$(shell ") {
                code.push(format!(": {value}"));
            }
        } else if let Some((_, recipe)) = line.split_once(';') {
            code.push(recipe.to_owned());
        } else if line.contains("$(shell ") {
            code.push(format!(": {line}"));
        }
    }
    // Those of the command stand above those of the file.
    for word in args.operands.iter().take(MOST) {
        if let Some((name, value)) = assignment(word) {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    for line in code {
        let mut left = MAX_TEXT;
        let line = filled(&line, &variables, 0, &mut left);
        let line = line.trim_start().trim_start_matches(['@', '-', '+']);
        shell.text(state, line, &Data::default());
    }
}

/// `NAME = value`, with any of its signs.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = ["export ", "override "]
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches([':', '?', '+', '!', ' ']);
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_name.then(|| (name, value.trim()))
}

/// A line with its variables filled in; `left` is how much they may add.
fn filled(
    line: &str,
    variables: &HashMap<String, String>,
    depth: usize,
    left: &mut usize,
) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let first = behind.chars().next();
        let inner = match first {
            Some('(') => behind.get(1..).and_then(|inner| closed(inner, '(', ')')),
            Some('{') => behind.get(1..).and_then(|inner| closed(inner, '{', '}')),
            _ => None,
        };
        rest = match (first, inner) {
            (_, Some((inner, after))) => {
                let text = variable(inner, variables, depth, left);
                *left = left.saturating_sub(text.len());
                out.push_str(&text);
                after
            }
            // For the shell.
            (Some('$'), _) => {
                out.push('$');
                behind.get(1..).unwrap_or_default()
            }
            // `$@`, `$<`, `$X`
            (Some(c), _) => {
                let name = c.to_string();
                match variables.get(&name) {
                    Some(value) if depth < DEEPEST && *left > value.len() => {
                        *left -= value.len();
                        out.push_str(&filled(value, variables, depth + 1, left));
                    }
                    _ => out.push_str("${_}"),
                }
                behind.get(c.len_utf8()..).unwrap_or_default()
            }
            (None, _) => "",
        };
    }
    out.push_str(rest);
    out
}

/// What a name in parentheses stands for: a variable, one of the environment, or what a command writes.
fn variable(
    inner: &str,
    variables: &HashMap<String, String>,
    depth: usize,
    left: &mut usize,
) -> String {
    if depth >= DEEPEST || *left == 0 {
        return String::new();
    }
    if let Some(code) = inner.strip_prefix("shell ") {
        return format!("$({})", filled(code, variables, depth + 1, left));
    }
    match (inner, variables.get(inner)) {
        ("MAKE", None) => "make".to_owned(),
        ("CURDIR", None) => "$PWD".to_owned(),
        (_, Some(value)) if value.len() < *left => {
            *left -= value.len();
            filled(value, variables, depth + 1, left)
        }
        (name, None) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            format!("${{{name}}}")
        }
        // A function of `make`.
        _ => "${_}".to_owned(),
    }
}

/// The text up to the bracket that closes it, and what follows.
fn closed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
            }
            depth -= 1;
        }
    }
    None
}
