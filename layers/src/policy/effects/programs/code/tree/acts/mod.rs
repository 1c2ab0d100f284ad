//! What calls do, carried out in thought: as a shell's commands are, and with the same effects.

mod commands;
mod files;
mod hosts;
pub(super) mod library;
pub(super) mod losses;
mod processes;
mod rows;

use self::library::Does;
use super::{
    run::Runner,
    values::{Args, Value},
};
use crate::policy::effects::{
    Exhaust, Opaque, mark,
    programs::{builtins::run_code, database, deletions::deleted, host, mark_code, sqlite},
    shell::Data,
};

impl Runner<'_, '_> {
    pub(super) fn does(&mut self, name: &str, does: Does, args: &Args) -> Value {
        match does {
            Does::Command => self.command(name, args),
            Does::Exec => self.exec(args),
            Does::As(command) => {
                if self.endless > 0 {
                    self.exhausted(Exhaust::Disk);
                }
                let mut argv: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
                argv.extend(args.values.iter().take(2).map(Value::written));
                self.argv(argv, args)
            }
            Does::Delete { recursive } => {
                let recursive = recursive || args.is_set("recursive");
                // In some languages there may be as many as one likes.
                let most = match self.language {
                    "perl" | "ruby" => args.values.len(),
                    _ => 1,
                };
                for path in args.values.iter().take(most) {
                    match path {
                        Value::List(paths) => {
                            paths.iter().for_each(|path| self.delete(path, recursive));
                        }
                        path => self.delete(path, recursive),
                    }
                }
                Value::Nothing
            }
            Does::Write { append } => {
                let append = append || args.text(2).is_some_and(|flag| flag.contains("APPEND"));
                let append = append
                    || args
                        .named("flag")
                        .is_some_and(|flag| flag.written().contains('a'));
                let named = ["path", "filename"]
                    .iter()
                    .find_map(|name| args.named(name));
                let path = args.values.first().or(named);
                let path = path.cloned().unwrap_or(Value::Nothing);
                self.write(&path, append, &args.get(1));
                Value::Nothing
            }
            Does::Read => self.read(&args.get(0)),
            Does::Open => self.open(name, args),
            Does::PerlOpen => self.perl_open(args),
            Does::Mode => self.mode(name, args),
            Does::Kill => self.kill(name, args),
            Does::Sql => {
                if let Some(text) = args.text(0).filter(|_| !self.is_made_up()) {
                    if let Some(file) = &self.database {
                        sqlite::sent(self.shell, self.state, file, &text);
                    }
                    database::statements(self.shell, &text);
                }
                Value::Name(format!("{name}()"))
            }
            Does::Eval => self.evaluate(&args.get(0)),
            Does::Fetch => self.fetch(args, false),
            Does::Send => self.fetch(args, true),
            Does::Connect => {
                self.is_connected = true;
                self.shell_elsewhere();
                if !args.values.is_empty() {
                    self.fetch(args, true);
                }
                Value::Name(format!("{name}()"))
            }
            Does::Remove => {
                if let Some(url) = args.text(0) {
                    let to = host(&url).unwrap_or_else(|| "?".to_owned());
                    deleted(self.shell, &to, &url);
                }
                self.fetch(args, true)
            }
            Does::Download => {
                let data = self.fetch(args, false);
                if args.values.len() > 1 {
                    self.write(&args.get(1), false, &data);
                }
                args.get(1)
            }
            Does::Directory => {
                let words = vec!["cd".to_owned(), args.get(0).written()];
                self.shell.invoke(self.state, words, Data::default());
                Value::Nothing
            }
            Does::Fork => {
                self.forked();
                self.starts_itself(&[args.text(0).unwrap_or_default()]);
                Value::Name("fork()".to_owned())
            }
            Does::Include => {
                let data = self.shell.read_file(self.state, &args.get(0).written());
                self.evaluate(&Value::of_data(&data))
            }
        }
    }

    /// Code that has been made.
    pub(super) fn evaluate(&mut self, code: &Value) -> Value {
        match code {
            Value::Name(unknown) if !unknown.contains("()") => Value::unknown(),
            Value::Name(_) => {
                self.shell.opaque(Opaque::UnknownCode);
                Value::unknown()
            }
            value => match value.text() {
                Some(code) if code.contains(mark::is_unknown) && is_unknown(&code) => {
                    // As with a shell's text: from another host, or unknown.
                    run_code(self.shell, self.state, &code, &Data::default());
                    Value::unknown()
                }
                Some(code) => self.code(&mark_code(&code)),
                None => Value::unknown(),
            },
        }
    }
}

fn is_unknown(code: &str) -> bool {
    code.trim_matches(|c: char| mark::is_unknown(c) || c.is_whitespace() || c == ';')
        .is_empty()
}
