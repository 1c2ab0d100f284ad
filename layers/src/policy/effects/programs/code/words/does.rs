//! What a call of a function does with its arguments.

use super::{
    super::super::{is_secret, mark_code},
    Code, Does, list, literal, parts, scan,
};
use crate::policy::effects::{
    Act, Opaque, Write, mark,
    shell::{Data, Shell, State},
};

impl Code {
    pub(super) fn call(
        &self,
        shell: &mut Shell<'_>,
        state: &mut State,
        language: &str,
        does: Does,
        args: &str,
    ) {
        // Julia has a semicolon before arguments with names.
        let args: Vec<_> = match language {
            "julia" => parts(args, ',')
                .into_iter()
                .flat_map(|part| parts(part, ';'))
                .collect(),
            _ => parts(args, ','),
        };
        let first = args.first().copied().unwrap_or_default();
        let value = self.value(first);
        match does {
            // What is computed, or comes from somewhere, and then runs.
            Does::Shell if value.is_none() && list(first).is_none() => {
                if first.contains(['(', '[', '+']) {
                    shell.opaque(Opaque::UnknownCode);
                }
            }
            Does::Shell => self.command(shell, state, &args, value),
            Does::Delete { recursive } => {
                let recursive = recursive
                    || args.iter().any(|arg| {
                        arg.contains("recursive") && arg.to_lowercase().contains("true")
                    });
                let paths = list(first).unwrap_or_else(|| vec![first]);
                for path in paths.into_iter().filter_map(|path| self.value(path)) {
                    let path = path.replace('*', &mark::STAR.to_string());
                    let path = shell.path(state, &path);
                    shell.act(Act::Delete { path, recursive });
                }
            }
            Does::Write => {
                if let Some(path) = value {
                    write(shell, state, &path, Write::Replace);
                }
            }
            Does::Open => {
                let mode = args.iter().skip(1).find_map(|arg| literal(arg));
                let Some(path) = value else {
                    return;
                };
                match mode.map(|(mode, _)| mode) {
                    Some(mode) if mode.contains(['w', '+']) => {
                        write(shell, state, &path, Write::Replace);
                    }
                    Some(mode) if mode.contains('a') => write(shell, state, &path, Write::Append),
                    _ => {
                        let path = shell.path(state, &path);
                        if is_secret(&path) {
                            shell.act(Act::Read { path });
                        }
                    }
                }
            }
            Does::Move => {
                if let (Some(from), Some(to)) = (value, args.get(1).and_then(|to| self.value(to))) {
                    let (from, to) = (shell.path(state, &from), shell.path(state, &to));
                    shell.act(Act::Move { from, to });
                }
            }
            Does::Eval => match value {
                Some(code) => scan(shell, state, language, &code),
                None if first.contains("decode") => shell.opaque(Opaque::UnknownCode),
                None => {}
            },
        }
    }

    /// A text for a shell, or words: in a list, or one after the other.
    fn command(
        &self,
        shell: &mut Shell<'_>,
        state: &mut State,
        args: &[&str],
        line: Option<String>,
    ) {
        let word = |word: &str| {
            self.value(word)
                .unwrap_or_else(|| mark::UNKNOWN.to_string())
        };
        let first = args.first().copied().unwrap_or_default();
        let mut words: Vec<String> = match (list(first), &line) {
            (Some(words), _) => words.into_iter().map(word).collect(),
            (None, Some(line)) => vec![line.clone()],
            (None, None) => return,
        };
        for arg in args.iter().skip(1) {
            match list(arg) {
                Some(more) => words.extend(more.into_iter().map(word)),
                None => words.extend(literal(arg).map(|(text, _)| text)),
            }
        }
        let is_line =
            line.is_some_and(|line| words.len() == 1 || line.contains(char::is_whitespace));
        match is_line {
            true => {
                let line = words.first().map(String::as_str).unwrap_or_default();
                shell.text(state, &mark_code(line), &Data::default());
            }
            false => drop(shell.invoke(state, words, Data::default())),
        }
    }
}

fn write(shell: &mut Shell<'_>, state: &State, path: &str, how: Write) {
    let path = shell.path(state, path);
    shell.act(Act::Write { path, how });
}
