//! Files that are read and written, and those that go.

use super::super::{
    is_end_of,
    run::Runner,
    values::{Args, Value, texts::whole},
};
use crate::policy::effects::{Act, Exhaust, Scope, Write, mark, programs::is_secret, shell::Data};

impl Runner<'_, '_> {
    pub(in super::super) fn delete(&mut self, path: &Value, recursive: bool) {
        if !path.is_known() {
            return;
        }
        let written = path.written();
        // `**` is all that is below.
        let recursive = recursive || written.contains(&mark::starred("**"));
        let mut path = self.shell.path(self.state, &written);
        // By pattern, but wherever it is: outside of the project that means the folder.
        if let Some((folder, _)) = written.split_once(&mark::starred("/**/")) {
            let whole = self.shell.path(self.state, folder);
            if !matches!(
                whole.scope,
                Scope::Project | Scope::Below | Scope::Temporary
            ) {
                path = whole;
            }
        }
        self.shell.act(Act::Delete { path, recursive });
    }

    pub(in super::super) fn read(&mut self, path: &Value) -> Value {
        if !path.is_known() {
            return match path {
                Value::Name(_) => Value::Name("read()".to_owned()),
                _ => Value::of_data(&self.stdin.clone()),
            };
        }
        let name = path.written();
        if matches!(name.as_str(), "/dev/stdin" | "0" | "php://stdin") {
            return Value::of_data(&self.stdin.clone());
        }
        let data = self.shell.read_file(self.state, &name);
        Value::of_data(&data)
    }

    pub(in super::super) fn write(&mut self, path: &Value, append: bool, what: &Value) {
        if !path.is_known() {
            return;
        }
        let mut data = what.data(self.shell.remote.as_deref());
        // That nothing is known of it does not mean that there is nothing.
        if matches!(what, Value::Name(_) | Value::Nothing) {
            data.is_hidden = true;
        }
        let path = path.written();
        if let Some(command) = path.strip_prefix('|') {
            self.piped(command.to_owned(), what.written());
            return;
        }
        if self.endless > 0 && append {
            self.exhausted(Exhaust::Disk);
        }
        self.shell.write_file(self.state, &path, append, &data);
    }

    pub(super) fn open(&mut self, name: &str, args: &Args) -> Value {
        let path = args.get(0);
        if !path.is_known() {
            return Value::Name("open()".to_owned());
        }
        let path = path.written();
        if path.contains("://") {
            return self.fetch(args, false);
        }
        // In Ruby it may be a command.
        if let (Some(command), "ruby") = (path.strip_prefix('|'), self.language) {
            return self.line(command, &Args::default());
        }
        let mode = args.named("mode").and_then(Value::text);
        let mode = mode
            .or_else(|| args.text(1))
            .unwrap_or_else(|| match args.get(1) {
                _ if is_end_of(&name.to_lowercase(), "createwritestream") => "w".to_owned(),
                // `os.O_WRONLY | os.O_CREAT`
                Value::Name(flags) if flags.contains("WR") || flags == "?" => "w".to_owned(),
                _ => "r".to_owned(),
            });
        self.opened(path, &mode)
    }

    /// How, and what: in two texts, or in one.
    pub(super) fn perl_open(&mut self, args: &Args) -> Value {
        let (how, path) = match args.text(1) {
            Some(path) => (args.get(0).written(), path),
            None => {
                let both = args.get(0).written();
                let at = both.find(|c| !matches!(c, '<' | '>' | '+' | '|' | ' '));
                let (how, path) = both.split_at_checked(at.unwrap_or(0)).unwrap_or_default();
                match path.strip_suffix('|') {
                    Some(command) => ("-|".to_owned(), command.to_owned()),
                    None => (how.trim().to_owned(), path.to_owned()),
                }
            }
        };
        if how.contains('|') {
            if how.starts_with('|') {
                return self.opened(format!("|{path}"), "w");
            }
            let words = args.values.get(1..).filter(|words| !words.is_empty());
            let words = words.map_or_else(|| vec![Value::Text(path)], <[Value]>::to_vec);
            return self.command("open", &Args::of(words));
        }
        let mode = match how.chars().find(|c| matches!(c, '>' | '+')) {
            Some('>') if how.contains(">>") => "a",
            Some(_) => "w",
            None => "r",
        };
        self.opened(path, mode)
    }

    pub(in super::super) fn opened(&mut self, path: String, mode: &str) -> Value {
        let is_written = mode.contains(['w', 'a', '+', 'x']) || path.starts_with('|');
        if is_written && !path.starts_with('|') {
            let place = self.shell.path(self.state, &path);
            let how = match mode.contains('a') {
                true => Write::Append,
                false => Write::Replace,
            };
            if !mode.contains('a') {
                self.state
                    .files
                    .insert(place.resolved.clone(), Data::default());
            }
            self.shell.act(Act::Write { path: place, how });
        }
        let is_secret = is_secret(&self.shell.path(self.state, &path));
        Value::File {
            path,
            is_written,
            is_secret,
        }
    }

    pub(super) fn mode(&mut self, name: &str, args: &Args) -> Value {
        let last = name
            .rsplit(['.', ':'])
            .next()
            .unwrap_or(name)
            .to_lowercase();
        let command = if last.contains("chown") {
            "chown"
        } else {
            "chmod"
        };
        let text = |at: usize| args.get(at).written();
        let octal = |value: &Value| match value {
            Value::Number(n) => whole(*n).map_or_else(|| "0".to_owned(), |n| format!("{n:o}")),
            value => value.written(),
        };
        let argv = match (command, args.values.first()) {
            ("chmod", Some(Value::Number(_))) => vec![octal(&args.get(0)), text(1)],
            ("chmod", _) => vec![octal(&args.get(1)), text(0)],
            (_, Some(Value::Number(_))) if args.values.len() > 2 => {
                vec![format!("{}:{}", text(0), text(1)), text(2)]
            }
            _ => vec![format!("{}:{}", text(1), text(2)), text(0)],
        };
        let mut words = vec![command.to_owned()];
        if last.ends_with("_r") {
            words.push("-R".to_owned());
        }
        words.extend(argv);
        self.argv(words, args)
    }
}
