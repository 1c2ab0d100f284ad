//! `sed`: what it makes of text, what it runs, and what it writes.

use super::Command;
use crate::policy::effects::{
    Act, MAX_TEXT,
    shell::{Data, Shell, State},
};

/// `sed`: what it writes, and what it runs.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&["e", "f", "expression", "file", "l"]);
    let mut scripts: Vec<&str> = args.values(&["e", "expression"]).collect();
    let mut files = args.operands.as_slice();
    if scripts.is_empty() && !args.has(&["f", "file"]) {
        scripts.extend(files.first());
        files = files.get(1..).unwrap_or_default();
    }
    let in_place = command.words.iter().any(|word| {
        word == "-i"
            || word.starts_with("-i") && !word.starts_with("--")
            || word.starts_with("--in-place")
    });
    let mut data = if files.is_empty() {
        command.stdin.clone()
    } else {
        Data::hidden()
    };
    let extended = args.has(&["E", "r", "regexp-extended"]);
    for script in &scripts {
        for step in steps(script) {
            match step {
                Step::Runs(code) => {
                    shell.text(state, code, &Data::default());
                }
                Step::Writes(file) => shell.write_file(state, file, false, &data),
                Step::Reads(file) => {
                    let read = shell.read_file(state, file);
                    data.is_secret |= read.is_secret;
                }
                Step::Turns(from, to) => {
                    let turned = |text: String| {
                        let turn = |c| match from.iter().position(|from| *from == c) {
                            Some(at) => to.get(at).copied().unwrap_or(c),
                            None => c,
                        };
                        text.chars().map(turn).collect()
                    };
                    data.text = data.text.map(turned);
                }
                Step::Puts(from, to, flags) => {
                    data.text = data
                        .text
                        .and_then(|text| substituted(&text, (from, to, flags), extended));
                    if flags.contains('e') {
                        let code = data.text.clone().unwrap_or_default();
                        let code = if code.trim().is_empty() { to } else { &code };
                        shell.text(state, code, &Data::default());
                    }
                }
                Step::Other => {}
            }
        }
    }
    for file in files {
        let path = shell.path(state, file);
        if in_place {
            shell.act(Act::Write {
                path,
                how: crate::policy::effects::Write::Edit,
            });
        } else {
            let read = shell.read_file(state, file);
            data = data.and(read);
        }
    }
    data
}

/// What a command of a script does.
enum Step<'t> {
    /// `e rm x`
    Runs(&'t str),
    /// `w file`
    Writes(&'t str),
    /// `r file`
    Reads(&'t str),
    /// `s/from/to/flags`
    Puts(&'t str, &'t str, &'t str),
    /// `y/abc/xyz/`
    Turns(Vec<char>, Vec<char>),
    Other,
}

/// The commands of a script, one after the other. Where they are meant for is not looked at.
fn steps(script: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = script;
    while steps.len() < 64 {
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace()
                || c.is_ascii_digit()
                || matches!(c, ';' | '{' | '}' | '$' | ',' | '!' | '~' | '+')
        });
        let Some(first) = rest.chars().next() else {
            break;
        };
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let line = behind.split('\n').next().unwrap_or_default();
        let after = behind.get(line.len()..).unwrap_or_default();
        let named = line.trim();
        rest = match first {
            // Where it is meant for.
            '/' => part(behind, '/').1,
            '\\' => {
                let mark = behind.chars().next().unwrap_or('/');
                part(behind.get(mark.len_utf8()..).unwrap_or_default(), mark).1
            }
            's' | 'y' => {
                let mark = behind.chars().next().unwrap_or('/');
                let inside = behind.get(mark.len_utf8()..).unwrap_or_default();
                let (from, left) = part(inside, mark);
                let (to, left) = part(left, mark);
                let end = left.find([';', '\n', '}']).unwrap_or(left.len());
                let (mut flags, left) = left.split_at_checked(end).unwrap_or((left, ""));
                // A name of a file goes on to the end of the line.
                let file = flags.split_once('w');
                flags = file.map_or(flags, |(flags, _)| flags);
                steps.push(match first {
                    'y' => Step::Turns(from.chars().collect(), to.chars().collect()),
                    _ => Step::Puts(from, to, flags),
                });
                steps.extend(file.map(|(_, file)| Step::Writes(file.trim())));
                left
            }
            'e' if !named.is_empty() => {
                steps.push(Step::Runs(named));
                after
            }
            'w' | 'W' => {
                steps.push(Step::Writes(named));
                after
            }
            'r' | 'R' => {
                steps.push(Step::Reads(named));
                after
            }
            'a' | 'i' | 'c' | 'b' | 't' | 'T' | ':' | '#' | 'v' => after,
            _ => {
                steps.push(Step::Other);
                behind
            }
        };
    }
    steps
}

/// Up to a mark that no backslash hides, and what follows it.
fn part(text: &str, mark: char) -> (&str, &str) {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == mark => {
                let behind = text.get(at + c.len_utf8()..).unwrap_or_default();
                return (text.get(..at).unwrap_or_default(), behind);
            }
            _ => {}
        }
    }
    (text, "")
}

/// `s/from/to/flags` on each line; nothing, if the pattern is not understood.
fn substituted(
    text: &str,
    (from, to, flags): (&str, &str, &str),
    extended: bool,
) -> Option<String> {
    let mut pattern = String::new();
    let mut chars = from.chars();
    while let Some(c) = chars.next() {
        // What is a group in one kind of pattern is a character in the other.
        match c {
            '\\' => {
                let next = chars.next()?;
                match next {
                    '(' | ')' | '{' | '}' | '+' | '?' | '|' if !extended => pattern.push(next),
                    next => pattern.extend(['\\', next]),
                }
            }
            '(' | ')' | '{' | '}' | '+' | '?' | '|' if !extended => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
    }
    let mut with = String::new();
    let mut chars = to.chars();
    while let Some(c) = chars.next() {
        match c {
            '&' => with.push_str("${0}"),
            '$' => with.push_str("$$"),
            '\\' => match chars.next()? {
                'n' => with.push('\n'),
                digit if digit.is_ascii_digit() => with.push_str(&format!("${{{digit}}}")),
                next => with.push(next),
            },
            c => with.push(c),
        }
    }
    let pattern = regex::RegexBuilder::new(&pattern)
        .case_insensitive(flags.contains(['i', 'I']))
        .size_limit(64 << 10)
        .build()
        .ok()?;
    let turned = |line: &str| match flags.contains('g') {
        true => pattern.replace_all(line, with.as_str()).into_owned(),
        false => pattern.replace(line, with.as_str()).into_owned(),
    };
    // What is longer is not looked at.
    let most = MAX_TEXT / with.len().max(1);
    if text.len() > most.saturating_mul(4) {
        return None;
    }
    let lines: Vec<_> = text.split('\n').map(turned).collect();
    Some(lines.join("\n")).filter(|text| text.len() <= MAX_TEXT)
}
