//! Commands: texts for a shell, and words.

use super::super::{
    is_end_of,
    run::Runner,
    values::{Args, Value},
};
use crate::policy::effects::{
    Act, Opaque, mark,
    programs::{agents, builtins::run_code, mark_code},
    shell::{Data, State},
};

impl Runner<'_, '_> {
    pub(in super::super) fn command(&mut self, name: &str, args: &Args) -> Value {
        self.forked();
        let mut values = args.values.clone();
        let is_mode = |mode: &str| {
            mode.len() < 4 && mode.starts_with(['r', 'w']) && !mode.contains(char::is_whitespace)
        };
        // `popen("sh", "w")`: what is written then goes into it.
        let mode = args
            .text(1)
            .filter(|mode| is_end_of(&name.to_lowercase(), "popen") && is_mode(mode));
        if let Some(mode) = mode {
            values.remove(1);
            if let (true, Some(line)) = (mode != "r", args.text(0)) {
                self.line(&line, args);
                let into = Value::File {
                    path: format!("|{line}"),
                    is_written: true,
                    is_secret: false,
                };
                return into;
            }
        }
        if let Some(named) = args.named("args").or_else(|| args.named("cmd"))
            && !matches!(values.first(), Some(Value::Text(_)))
        {
            values.insert(0, named.clone());
        }
        if values.len() < 3
            && matches!(values.first(), Some(Value::Text(_)))
            && let Some(Value::List(_)) = args.named("args")
        {
            values.extend(args.named("args").cloned());
        }
        // Options stand behind; functions are told of the end.
        values.retain(|value| {
            !matches!(
                value,
                Value::Map(_) | Value::Function(..) | Value::Nothing | Value::Number(_)
            )
        });
        let Some(first) = values.first().cloned() else {
            return Value::Nothing;
        };
        let out = match &first {
            Value::List(words) => {
                let words = words.iter().map(Value::written).collect();
                self.argv_or_shell(words, args)
            }
            Value::Name(unknown) => {
                // What is computed, or comes from somewhere, and then runs.
                let is_given = unknown.contains("()");
                let rest: Vec<String> = match values.get(1) {
                    Some(Value::List(words)) => words.iter().map(Value::written).collect(),
                    _ => Vec::new(),
                };
                if is_given || args.is_set("shell") && unknown.contains("argv") {
                    self.shell.opaque(Opaque::UnknownCode);
                }
                let is_c = rest.first().is_some_and(|word| word == "-c");
                if let (true, Some(code)) = (is_c, rest.get(1)) {
                    return self.line(code, args);
                }
                Value::unknown()
            }
            first => {
                let line = first.written();
                let mut words = vec![line.clone()];
                for value in values.iter().skip(1) {
                    match value {
                        Value::List(items) => words.extend(items.iter().map(Value::written)),
                        Value::Name(_) => {}
                        value => words.push(value.written()),
                    }
                }
                // `execl` names its program twice.
                let is_line = words.len() == 1 || line.contains(char::is_whitespace);
                match is_line {
                    true => self.line(&words.join(" "), args),
                    false => self.argv_or_shell(words, args),
                }
            }
        };
        let is_plain = is_end_of(name, "system");
        if is_plain { Value::unknown() } else { out }
    }

    pub(super) fn argv_or_shell(&mut self, words: Vec<String>, args: &Args) -> Value {
        match args.is_set("shell") {
            true => self.line(&words.join(" "), args),
            false => self.argv(words, args),
        }
    }

    pub(super) fn exec(&mut self, args: &Args) -> Value {
        let mut words = Vec::new();
        for value in &args.values {
            match value {
                Value::List(items) => words.extend(items.iter().map(Value::written)),
                Value::Map(_) => {}
                // How it is started.
                Value::Name(how) if words.is_empty() && how.contains("P_") => {}
                Value::Number(_) if words.is_empty() => {}
                value => words.push(value.written()),
            }
        }
        if words.len() > 1 {
            words.remove(1);
        }
        self.argv(words, args)
    }

    /// A line for a shell.
    pub(in super::super) fn line(&mut self, line: &str, args: &Args) -> Value {
        let words: Vec<String> = line.split_whitespace().take(8).map(str::to_owned).collect();
        self.starts_itself(&words);
        let mut inner = self.inside(args);
        let stdin = self.input(args);
        let data = run_code(self.shell, &mut inner, &mark_code(line), &stdin);
        self.state.files = inner.files;
        Value::of_data(&data)
    }

    pub(in super::super) fn argv(&mut self, mut words: Vec<String>, args: &Args) -> Value {
        let mut inner = self.inside(args);
        let stdin = self.input(args);
        let is_unknown =
            |word: &String| word.chars().all(mark::is_unknown) && !word.contains(mark::REMOTE);
        // A program that nobody knows may still get a shell's text.
        if words.first().is_some_and(is_unknown) {
            return match words
                .iter()
                .position(|word| word == "-c")
                .and_then(|at| words.get(at + 1))
            {
                Some(code) => {
                    let code = code.clone();
                    self.line(&code, args)
                }
                None => Value::unknown(),
            };
        }
        words.truncate(256);
        self.environment_of(&words, args);
        self.starts_itself(&words);
        let data = self.shell.invoke(&mut inner, words, stdin);
        self.state.files = inner.files;
        Value::of_data(&data)
    }

    /// An agent that is started with some of the variables only does not have the others.
    fn environment_of(&mut self, words: &[String], args: &Args) {
        let Some(given) = args.named("env").filter(|_| agents::starts(words)) else {
            return;
        };
        let is_part = match given {
            // What is put into it from elsewhere has no name.
            Value::Map(pairs) => !pairs
                .iter()
                .any(|(name, _)| name.is_empty() || name.ends_with("_URL")),
            // Some of them, each chosen.
            Value::List(_) => true,
            _ => false,
        };
        if is_part {
            self.shell.act(Act::Environment {
                name: "*".to_owned(),
                value: None,
            });
        }
    }

    /// The state in which a command runs: somewhere else perhaps.
    pub(in super::super) fn inside(&self, args: &Args) -> State {
        let mut inner = self.state.clone();
        if let Some(cwd) = args.named("cwd").and_then(Value::text) {
            let path = self.shell.path(&inner, &cwd);
            inner.go(path.to_string());
        }
        inner
    }

    pub(in super::super) fn input(&self, args: &Args) -> Data {
        match args.named("input").or_else(|| args.named("stdin_data")) {
            Some(value) => value.data(self.shell.remote.as_deref()),
            None => Data::default(),
        }
    }
}
