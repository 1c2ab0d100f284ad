//! What clients of databases are told in words of their own: to run a program, or to read and write files.

use super::{Command, mark_code};
use crate::policy::effects::{
    Act, Write,
    shell::{Data, Shell, State},
};

/// How many lines are looked at.
const MOST: usize = 256;

/// Words at the beginning of a line behind which a command stands.
const RUNS: &[&str] = &[
    "\\!", ".shell ", ".system ", "system ", "!!", "host ", "!", "pager ", "\\P ", "\\sys ",
];
/// Those behind which a file stands that is written, or a command behind a bar.
const WRITES: &[&str] = &[
    ".once ", ".output ", ".out ", ".excel ", ".log ", ".backup ", ".save ", ".clone ", ".dump ",
    "\\o ", "\\out ", "\\g ", "\\gx ", "\\w ", "\\write ", "\\log", "tee ", "\\T ", "spool ",
];
/// The same for one that is read.
const READS: &[&str] = &[".read ", ".import ", "\\i ", "\\ir ", "\\include "];

/// What the lines of a text do beside what its statements do.
pub(super) fn told(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>, text: &str) {
    let holds = |shell: &Shell<'_>| {
        let mut words = command.words.iter().filter(|word| !word.starts_with('-'));
        words.any(|word| !word.contains(' ') && super::is_secret(&shell.path(state, word)))
    };
    let rows = Data {
        is_content: true,
        is_private: true,
        is_secret: holds(shell),
        ..Data::hidden()
    };
    for line in text.lines().map(str::trim).take(MOST) {
        let behind = |starts: &[&'static str]| {
            let start = starts.iter().find(|start| line.starts_with(**start))?;
            Some((*start, line.get(start.len()..)?.trim()))
        };
        if let Some((start, code)) = behind(RUNS) {
            let stdin = match start {
                "pager " | "\\P " => rows.clone(),
                _ => Data::default(),
            };
            shell.text(state, &mark_code(code), &stdin);
        } else if let Some((start, rest)) = behind(WRITES) {
            let file = match start {
                // The name of a database may stand before it.
                ".backup " | ".excel " | ".dump " => rest.rsplit(' ').next().unwrap_or(rest),
                _ => rest,
            };
            let is_file = !matches!(start, ".dump " | ".excel ") || file.contains(['/', '|']);
            match file.trim_matches(['"', '\'']).strip_prefix('|') {
                Some(code) => drop(shell.text(state, &mark_code(code), &rows)),
                None if is_file => written(shell, state, file, &rows),
                None => {}
            }
        } else if let Some((_, rest)) = behind(READS) {
            let rest = rest.trim_matches(['"', '\'']);
            if let Some(code) = rest.strip_prefix('|') {
                shell.text(
                    state,
                    &mark_code(code.trim_matches(['"', '\''])),
                    &Data::default(),
                );
            }
        }
    }
    copied(shell, state, text, &rows);
}

fn written(shell: &mut Shell<'_>, state: &mut State, file: &str, rows: &Data) {
    let file = file.trim_end_matches(';').trim().trim_matches(['"', '\'']);
    let is_none = file.is_empty() || file.contains(' ') || file.starts_with('-');
    if !is_none && !matches!(file, "stdout" | "off") {
        let path = shell.path(state, file);
        state.files.insert(path.resolved.clone(), rows.clone());
        shell.act(Act::Write {
            path,
            how: Write::Replace,
        });
    }
}

/// `copy … to program '…'`, `\copy … to '/a/file'`, `into outfile '…'`: what stands in the quotes behind.
fn copied(shell: &mut Shell<'_>, state: &mut State, text: &str, rows: &Data) {
    let lower = text.to_ascii_lowercase();
    for word in [" program ", " outfile ", " dumpfile ", "\\copy "] {
        for (at, found) in lower.match_indices(word).take(MOST) {
            let rest = text.get(at + found.len()..).unwrap_or_default();
            let rest = match word {
                "\\copy " => {
                    let line = rest.lines().next().unwrap_or_default();
                    let to = line.to_ascii_lowercase().find(" to ");
                    to.and_then(|to| line.get(to + 4..)).unwrap_or_default()
                }
                _ => rest,
            };
            let Some(inner) = quoted(rest) else {
                continue;
            };
            match word {
                " program " => drop(shell.text(state, &mark_code(&inner), rows)),
                _ => written(shell, state, &inner, rows),
            }
        }
    }
}

/// What stands in quotes at the beginning of a text; a doubled quote is one.
fn quoted(text: &str) -> Option<String> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut out = String::new();
    let mut chars = text.chars().skip(1).peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote && chars.peek() == Some(&quote) => {
                chars.next();
                out.push(c);
            }
            c if c == quote => return Some(out),
            c => out.push(c),
        }
    }
    None
}
