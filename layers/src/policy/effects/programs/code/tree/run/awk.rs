//! What awk does: records that it goes through, what it writes, and the commands and hosts that it speaks with.

use super::{
    super::values::{Args, MAX_TEXT, Value, awk},
    Runner, tainted,
};
use crate::policy::effects::{
    Opaque, mark,
    programs::{Address, builtins::run_code, mark_code},
};

/// The most commands that are written to.
const MAX_PIPES: usize = 64;

impl Runner<'_, '_> {
    /// A function of awk, by its name.
    pub(super) fn of_awk(&mut self, name: &str, args: &Args) -> Value {
        match name {
            "awk_records" => {
                let input = Value::of_data(&self.stdin);
                awk::records(&input, &args.get(0))
            }
            "awk_in_file" if self.argv.len() > 1 => Value::unknown(),
            "awk_in_file" => args.get(0),
            "awk_line" | "awk_lines" => {
                let read = self.read_by_awk(args);
                match name {
                    "awk_lines" => awk::records(&read, &Value::Text("\n".to_owned())),
                    _ => read,
                }
            }
            "awk_print" => self.print_by_awk(args),
            "awk_system" => self.system_by_awk(args),
            "awk_close" => {
                if let Some(command) = args.text(0) {
                    self.close_pipes(Some(&command));
                }
                Value::unknown()
            }
            _ => {
                self.charge(awk::steps(name, args));
                let value = awk::call(name, args).unwrap_or(Value::Name("awk()".to_owned()));
                tainted(value, &args.values)
            }
        }
    }

    /// What a command, a file, a host or the input says.
    fn read_by_awk(&mut self, args: &Args) -> Value {
        let (how, from) = (args.text(0).unwrap_or_default(), args.get(1));
        if how.is_empty() {
            return Value::of_data(&self.stdin);
        }
        if let Some(address) = address(&from.written()) {
            self.speak(&address, &Value::Text(String::new()));
            return Value::mark(mark::REMOTE);
        }
        match how.as_str() {
            "<" if from.written() == "-" => Value::of_data(&self.stdin),
            "<" => self.read(&from),
            _ => self.commanded(&from),
        }
    }

    fn print_by_awk(&mut self, args: &Args) -> Value {
        let (how, to, what) = (args.text(0).unwrap_or_default(), args.get(1), args.get(2));
        let path = to.written();
        let text = what.written();
        if let Some(address) = address(&path) {
            self.speak(&address, &what);
            return Value::Nothing;
        }
        match how.as_str() {
            _ if how.is_empty() || path == "/dev/stdout" || path == "-" => self.put_out(&text),
            _ if path == "/dev/stderr" => {}
            ">" | ">>" => {
                // What is opened once stays open.
                let place = format!("> {path}");
                if self.find(&place).is_none() {
                    self.set_global(&place, Value::Nothing);
                    let mode = if how == ">" { "w" } else { "a" };
                    self.opened(path, mode);
                }
                self.write(&to, true, &Value::Text(text));
            }
            _ => self.piped(path, text),
        }
        Value::Nothing
    }

    fn put_out(&mut self, text: &str) {
        let out = self.out.get_or_insert_default();
        if out.len() < MAX_TEXT {
            out.push_str(text);
        }
    }

    /// A host is asked, and told something.
    fn speak(&mut self, address: &Address, what: &Value) {
        let is_any = what.text().is_none_or(|text| !text.is_empty());
        address.sent(self.shell, what.has(mark::SECRET), is_any);
        self.remote.clone_from(&address.host);
        self.shell.remote.clone_from(&address.host);
    }

    /// `system`: what the command writes is written.
    fn system_by_awk(&mut self, args: &Args) -> Value {
        if self.endless > 0 {
            self.forked();
        }
        let command = args.get(0);
        match self.commanded(&command) {
            Value::Text(text) => self.put_out(&text),
            Value::Name(_) => self.put_out(&mark::UNKNOWN.to_string()),
            _ => {}
        }
        Value::unknown()
    }

    /// Runs a command. The answer is what it writes.
    fn commanded(&mut self, command: &Value) -> Value {
        match command {
            Value::Name(name) if name == "?" => Value::unknown(),
            Value::Name(_) => {
                self.shell.opaque(Opaque::UnknownCode);
                Value::unknown()
            }
            command => match command.written() {
                line if line.trim().is_empty() => Value::Text(String::new()),
                line => self.line(&line, &Args::default()),
            },
        }
    }

    /// Something is written into a command, which runs when all of it is there.
    pub(in super::super) fn piped(&mut self, command: String, text: String) {
        let has_room = self.pipes.len() < MAX_PIPES;
        let known = self.pipes.iter_mut().find(|(name, _)| *name == command);
        match known {
            Some((_, all)) if self.vain == 0 => {
                if all.len() < MAX_TEXT {
                    all.push_str(&text);
                }
            }
            None if self.vain == 0 && has_room => self.pipes.push((command, text)),
            // What might not be written at all is no part of what is.
            known => {
                let all = known.map_or_else(String::new, |(_, all)| all.clone()) + &text;
                self.run_with(&command, all);
            }
        }
    }

    fn run_with(&mut self, command: &str, text: String) {
        let args = Args {
            values: Vec::new(),
            named: vec![("input".to_owned(), Value::Text(text))],
        };
        let written = match command.chars().all(mark::is_unknown) {
            // Code that nobody knows.
            true => {
                let mut inner = self.inside(&args);
                run_code(
                    self.shell,
                    &mut inner,
                    &mark_code(command),
                    &self.input(&args),
                );
                Value::unknown()
            }
            false => self.line(command, &args),
        };
        if let Value::Text(text) = written {
            self.put_out(&text);
        }
    }

    /// Commands that were written to get to know that this was all: one, or each of them.
    pub(super) fn close_pipes(&mut self, command: Option<&str>) {
        let (closed, open) = std::mem::take(&mut self.pipes)
            .into_iter()
            .partition(|(name, _)| command.is_none_or(|command| command == name));
        self.pipes = open;
        let closed: Vec<(String, String)> = closed;
        for (command, text) in closed {
            self.run_with(&command, text);
        }
    }
}

/// `/inet/tcp/0/host/port`
fn address(path: &str) -> Option<Address> {
    let mut parts = path.strip_prefix("/inet")?.split('/');
    matches!(parts.next()?, "" | "4" | "6").then_some(())?;
    Some(Address {
        host: parts.nth(2).map(str::to_owned),
        port: parts.next().and_then(|port| port.parse().ok()),
        path: None,
    })
}
