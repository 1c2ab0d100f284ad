//! `sed`: what it makes of text, what it runs, and what it writes.

use super::Command;
use crate::policy::effects::{
    Act,
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
    for script in &scripts {
        let script = script.trim();
        // `1e rm`, `s/x/rm/e`
        if let Some(code) = script
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '$' || c == ',')
            .strip_prefix("e ")
        {
            shell.text(state, code, &Data::default());
        }
        let Some(rest) = script.strip_prefix('s') else {
            continue;
        };
        let Some(delimiter) = rest.chars().next() else {
            continue;
        };
        let mut parts = rest.split(delimiter).skip(1);
        let (from, to, flags) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        if flags.contains('e') {
            shell.text(state, to, &Data::default());
        }
        let extended = args.has(&["E", "r", "regexp-extended"]);
        data.text = data
            .text
            .and_then(|text| substituted(&text, (from, to, flags), extended));
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
    let lines: Vec<_> = text.split('\n').map(turned).collect();
    Some(lines.join("\n"))
}
