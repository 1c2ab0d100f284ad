//! `env`: what it sets, and what it runs.

use super::{Command, wrappers::is_assignment};
use crate::policy::effects::{
    Act, MAX_TEXT,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;

    let mut argv: Vec<String> = Vec::new();
    let mut folder = None;
    // Of `-S` there are words in a word.
    let mut rest = split_strings(state, words).into_iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-u" | "--unset" => {
                let name = rest.next().unwrap_or_default();
                super::meaning::environment(shell, &name, None);
            }
            word if word.starts_with("-u") || word.starts_with("--unset=") => {
                let name = word.rsplit('=').next().unwrap_or(word);
                let name = name.trim_start_matches("-u");
                super::meaning::environment(shell, name, None);
            }
            "-i" | "-" | "--ignore-environment" => {
                shell.act(Act::Environment {
                    name: "*".to_owned(),
                    value: None,
                });
            }
            "-C" | "--chdir" => folder = rest.next(),
            "-P" | "-a" | "--argv0" => drop(rest.next()),
            word if word.starts_with("--chdir=") => {
                folder = word.split_once('=').map(|(_, folder)| folder.to_owned());
            }
            word if word.starts_with('-') => {}
            word if is_assignment(word) => {
                let (name, value) = word.split_once('=').unwrap_or_default();
                shell.assigned(state, name, vec![value.to_owned()]);
            }
            _ => {
                argv.push(word);
                argv.extend(rest.by_ref());
            }
        }
    }
    if argv.is_empty() {
        return None;
    }
    let before = state.cwd.clone();
    if let Some(folder) = folder {
        state.go(shell.path(state, &folder).to_string());
    }
    let out = shell.invoke(state, argv, command.stdin.clone());
    state.cwd = before;
    Some(out)
}

/// The words of `env`, with those that stand in one word behind `-S`.
fn split_strings(state: &State, words: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let letters = word.strip_prefix('-').unwrap_or_default();
        let letters = letters.trim_start_matches(['i', 'v', '0']);
        let text = match (word.as_str(), letters.strip_prefix('S')) {
            ("--split-string", _) | (_, Some("")) => rest.next().cloned(),
            (_, Some(text)) => Some(text.to_owned()),
            (word, None) => word.strip_prefix("--split-string=").map(str::to_owned),
        };
        match text {
            Some(text) => all.extend(words_of(&filled(state, &text))),
            None => all.push(word.clone()),
        }
        // What follows the name of a program is not for `env`.
        if all
            .last()
            .is_some_and(|word| !word.starts_with('-') && !is_assignment(word))
        {
            all.extend(rest.by_ref().cloned());
        }
    }
    all
}

/// A text of `-S` with its blanks and variables: `rm\_-rf\_${HOME}`.
fn filled(state: &State, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut is_quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let name = rest
            .strip_prefix("${")
            .and_then(|name| name.split_once('}'));
        rest = behind;
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                out.push(c);
            }
            '\\' if !is_quoted => {
                let next = behind.chars().next();
                rest = behind
                    .get(next.map_or(0, char::len_utf8)..)
                    .unwrap_or_default();
                match next {
                    Some('_' | 't' | 'n' | 'r' | 'f' | 'v') => out.push(' '),
                    Some('c') => break,
                    next => {
                        out.push(c);
                        out.extend(next);
                    }
                }
            }
            '$' if !is_quoted && name.is_some_and(|(name, _)| name.len() < 64) => {
                let (name, behind) = name.unwrap_or_default();
                if out.len() < MAX_TEXT {
                    out.push_str(&state.variable(name));
                }
                rest = behind;
            }
            c => out.push(c),
        }
    }
    out
}

/// Words in quotes and without, as `xargs` and `env -S` read them.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut now, mut is_there, mut quote) = (String::new(), false, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                is_there = true;
            }
            (None, '\\') => {
                now.extend(chars.next());
                is_there = true;
            }
            (None, c) if c.is_whitespace() => {
                if is_there {
                    words.push(std::mem::take(&mut now));
                }
                is_there = false;
            }
            (_, c) => {
                now.push(c);
                is_there = true;
            }
        }
    }
    if is_there {
        words.push(now);
    }
    words
}
