//! What a call of a function does with its arguments.

use super::{
    super::{database, host, mark_code},
    Code, Does, glob, list, literal, parts, scan,
};
use crate::policy::effects::{
    Act, Opaque, Process, Sends, Write, mark,
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
        receiver: &str,
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
            Does::Shell
                if value.is_none()
                    && list(first).is_none()
                    && (first.contains(['(', '[', '+'])
                        || first.starts_with('$')
                        || args.contains(&"shell=True")) =>
            {
                shell.opaque(Opaque::UnknownCode);
            }
            Does::Shell => {
                if let Some(words) = list(first) {
                    let argv: Vec<String> = words
                        .into_iter()
                        .map(|word| match self.value(word) {
                            None if first.contains("qw") || first.contains("%w") => word.to_owned(),
                            value => value.unwrap_or_else(|| mark::UNKNOWN.to_string()),
                        })
                        .collect();
                    shell.invoke(state, argv, Data::default());
                } else if let Some(code) = value {
                    // `system "rm", "-rf", "/"` and `execlp("rm", "rm", …)`.
                    let mut argv = vec![code.clone()];
                    for word in args.iter().skip(1) {
                        match list(word) {
                            Some(words) => {
                                argv.extend(words.into_iter().filter_map(|word| self.value(word)));
                            }
                            None => argv.extend(literal(word).map(|(text, _)| text)),
                        }
                    }
                    if argv.len() > 1 && !code.contains(char::is_whitespace) {
                        if argv.get(1) == argv.first() {
                            argv.remove(1);
                        }
                        shell.invoke(state, argv, Data::default());
                    } else {
                        shell.text(state, &mark_code(&code), &Data::default());
                    }
                }
            }
            Does::Delete { recursive } => {
                let recursive = recursive
                    || args.iter().any(|arg| {
                        arg.contains("recursive") && arg.to_lowercase().contains("true")
                    });
                let paths = list(first).unwrap_or_else(|| vec![first]);
                for path in paths {
                    let text = path.to_owned();
                    if let Some(path) = self
                        .value(path)
                        .or_else(|| (language == "perl").then(|| glob(&text))?)
                    {
                        let path = path.replace('*', &mark::STAR.to_string());
                        let path = shell.path(state, &path);
                        shell.act(Act::Delete { path, recursive });
                    }
                }
            }
            Does::Write => {
                if let Some(path) = self.receiver(receiver).or(value) {
                    let path = shell.path(state, &path);
                    shell.act(Act::Write {
                        path,
                        how: Write::Replace,
                    });
                }
            }
            Does::Open => {
                let mode = args
                    .iter()
                    .skip(1)
                    .find_map(|arg| literal(arg.trim_start_matches("mode=")).map(|(mode, _)| mode));
                let is_read = mode
                    .as_deref()
                    .is_none_or(|mode| mode.starts_with(['r', '<']) && !mode.contains('+'));
                if let Some(path) = value.as_deref().filter(|_| is_read) {
                    let path = shell.path(state, path);
                    if super::super::is_secret(&path) {
                        shell.act(Act::Read { path });
                    }
                }
                // Perl has a handle before them, which is no text.
                let handle = (language == "perl").then(String::new);
                if let (Some(path), Some(mode)) = (value.or(handle), mode) {
                    let written = args
                        .iter()
                        .skip(2)
                        .find_map(|arg| literal(arg).map(|(text, _)| text));
                    // Perl: `open(F, ">", "/etc/passwd")`.
                    let path = if mode.starts_with('>') {
                        written.unwrap_or(path)
                    } else {
                        path
                    };
                    if mode.contains(['w', '>', 'a', '+']) {
                        let append = mode.contains('a') || mode.contains(">>");
                        let path = shell.path(state, &path);
                        shell.act(Act::Write {
                            path,
                            how: if append {
                                Write::Append
                            } else {
                                Write::Replace
                            },
                        });
                    }
                }
            }
            Does::Move => {
                if let (Some(from), Some(to)) = (value, args.get(1).and_then(|to| self.value(to))) {
                    let (from, to) = (shell.path(state, &from), shell.path(state, &to));
                    shell.act(Act::Move { from, to });
                }
            }
            Does::Kill => {
                let what = if args.contains(&"-1") {
                    Process::KillAll
                } else {
                    Process::Kill
                };
                shell.act(Act::Process {
                    what,
                    target: first.to_owned(),
                });
            }
            Does::Mode => {
                let (path, mode) = (value, args.get(1).copied().unwrap_or_default());
                let pair = match path {
                    Some(path) => Some((path, mode.to_owned())),
                    None => self.value(mode).map(|path| (path, first.to_owned())),
                };
                if let Some((path, mode)) = pair {
                    let mode = mode
                        .trim_start_matches("0o")
                        .trim_start_matches('0')
                        .to_owned();
                    shell.invoke(state, vec!["chmod".to_owned(), mode, path], Data::default());
                }
            }
            Does::Sql => {
                if let Some(text) = value {
                    database::statements(shell, &text);
                }
            }
            Does::Fetch => {
                let host = value.as_deref().and_then(host);
                if host.is_some() {
                    shell.act(Act::Net {
                        host,
                        sends: Sends::Nothing,
                    });
                }
            }
            Does::Eval => match value {
                Some(code) if language == "php" || language == "perl" || !code.is_empty() => {
                    scan(shell, state, language, &code);
                }
                _ if first.contains("decode")
                    || first.contains("fromhex")
                    || first.contains("decompress") =>
                {
                    shell.opaque(Opaque::UnknownCode);
                }
                _ => {}
            },
        }
    }
}
