//! Functions that the code has from elsewhere.

use super::{
    super::{
        acts::{library, losses},
        values::{Args, MAX_TEXT, Value, functions},
    },
    Runner, is_callable, tainted,
};
use crate::policy::effects::{
    Act, Scope, mark,
    programs::{Address, is_secret},
    shell::Data,
};

/// The most bytes of a name: what has been called of what has been called.
const MAX_NAME: usize = 200;

/// Functions that take addresses apart, or put them together.
const PARSERS: &[&str] = &[
    "urlsplit",
    "urlparse",
    "urljoin",
    "urldefrag",
    "parse_url",
    "ip_address",
    "ip_network",
    "quote",
    "unquote",
    "quote_plus",
    "fnmatch",
    "is_valid_url",
];

impl Runner<'_, '_> {
    /// Calls one by its full name. The first who knows it says what it gives.
    pub(super) fn outside(&mut self, name: &str, args: &Args) -> Value {
        if name.starts_with("awk_") && self.language == "awk" {
            return self.of_awk(name, args);
        }
        let last = name.rsplit(['.', ':']).next().unwrap_or(name);
        let known = self
            .written_out(name, last, args)
            .or_else(|| self.reflected(name, last, args))
            .or_else(|| self.of_language(name, last, args))
            .or_else(|| self.later(last, args))
            .or_else(|| self.of_system(name, last, args));
        if let Some(value) = known {
            return value;
        }
        if let Some(value) = functions::call(name, args) {
            let value = tainted(value, &args.values);
            return match (&value, args.functions().first()) {
                // A block that is given each.
                (Value::List(items), Some(function)) => {
                    self.over(&items.clone(), "each", function, args)
                }
                _ => value,
            };
        }
        if matches!(last, "net_connections" | "process_iter") {
            self.shell.act(Act::Exec {
                program: "psutil".to_owned(),
                args: vec![last.to_owned()],
            });
        }
        self.connects(name, last, args);
        if let Some(act) = losses::find(name, args).filter(|_| !self.is_made_up()) {
            self.shell.act(act);
        }
        self.told(last, args);
        self.spoken_to(name, last, args);
        if let Some(words) = losses::git(name, args) {
            self.shell.invoke(self.state, words, Data::default());
            return Value::unknown();
        }
        if let Some(does) = library::find(name, self.language) {
            let value = self.does(name, does, args);
            let given = self.callbacks(&value, args);
            return match value {
                Value::Nothing => given,
                value => value,
            };
        }
        self.unknown(name, args)
    }

    /// What is printed.
    fn written_out(&mut self, name: &str, last: &str, args: &Args) -> Option<Value> {
        let is_print = match last {
            "print" | "puts" | "log" | "echo" | "info" | "p" | "say" => true,
            "write" => {
                (name.contains("std") || name.contains("process")) && !name.contains("stdin")
            }
            _ => false,
        };
        if !is_print {
            return None;
        }
        let texts: Vec<_> = args.values.iter().map(Value::written).collect();
        let mut text = texts.join(if last == "write" { "" } else { " " });
        if last != "write" {
            text.push('\n');
        }
        let out = self.out.get_or_insert_default();
        if out.len() < MAX_TEXT {
            out.push_str(&text);
        }
        Some(Value::Nothing)
    }

    /// What the system is asked: the environment, directories, the standard input.
    fn of_system(&mut self, name: &str, last: &str, args: &Args) -> Option<Value> {
        let is_environment = name.contains("env") || name.contains("ENV");
        Some(match last {
            "putenv" | "setdefault" if is_environment => {
                let text = args.get(1).written();
                self.set_environment(&args.text(0)?, text);
                Value::Nothing
            }
            "get" | "getenv" | "fetch" if is_environment => match args.text(0) {
                Some(key) => match self.environment(&key) {
                    Value::Name(_) if args.values.len() > 1 => args.get(1),
                    value => value,
                },
                None => Value::mark(mark::SECRET),
            },
            "walk" | "fwalk" if name.starts_with("os.") => {
                let path = args.text(0)?;
                let names = names(&self.listing(&path, "*"));
                let round = vec![Value::Text(path), names.clone(), names];
                Value::list(vec![Value::list(round)])
            }
            "scandir" => self.listing(&args.text(0)?, "*"),
            "listdir" | "readdirSync" | "readdir" | "children" | "entries" | "opendirSync"
            | "each_child"
                if name.contains('.') =>
            {
                let all = self.listing(&args.text(0)?, "*");
                self.callbacks(&all, args);
                names(&all)
            }
            "read" | "readline" | "readlines" | "input" | "raw_input" | "gets"
                if name.contains("stdin") || !name.contains('.') =>
            {
                match self.stdin.is_any() {
                    true => Value::of_data(&self.stdin),
                    false => Value::Name("input()".to_owned()),
                }
            }
            "to_h" | "to_a" | "inspect" | "entries" if name.starts_with("ENV") => {
                Value::mark(mark::SECRET)
            }
            "pidfd_open" => args.get(0),
            "CDLL" | "LoadLibrary" | "PyDLL" => Value::Name("libc".to_owned()),
            "exit" | "quit" => Value::Nothing,
            _ => return None,
        })
    }

    /// What goes to a program that has been started: `p.communicate(b"…")`, `p.stdin.write("…")`.
    fn spoken_to(&mut self, name: &str, last: &str, args: &Args) {
        const SAYS: &[&str] = &[
            "communicate",
            "write",
            "writelines",
            "end",
            "puts",
            "print",
            "sendline",
            "send",
        ];
        let given = args.named("input").cloned().unwrap_or(args.get(0));
        if let (Some(program), true) = (
            &self.listens,
            name.starts_with("?()") && SAYS.contains(&last),
        ) && !matches!(given, Value::Nothing | Value::Function(..))
        {
            let end = if last == "sendline" { "\n" } else { "" };
            self.piped(program.clone(), given.written() + end);
        }
    }

    /// `Thread(target=f, args=(x,))`, `submit(f, x)`, `enter(1, 1, f, argument=(x,))`, `finalize(y, f, x)`.
    fn given_on(&mut self, args: &Args) {
        let named = ["args", "argument", "kwargs"]
            .iter()
            .find_map(|name| args.named(name));
        let named = named.and_then(Value::items);
        if let Some(target) = args.named("target").or(args.named("function")).cloned() {
            self.call(target, &Args::of(named.clone().unwrap_or_default()));
        }
        for (at, value) in args.values.iter().enumerate() {
            let does = match value {
                Value::Name(name) => library::find(name, self.language).is_some(),
                value => is_callable(value),
            };
            let behind = args.behind(at + 1).values;
            if !does || named.is_none() && behind.is_empty() {
                continue;
            }
            if let ([Value::List(items)], None) = (behind.as_slice(), &named) {
                self.call(value.clone(), &Args::of(items.to_vec()));
            }
            self.call(value.clone(), &Args::of(named.clone().unwrap_or(behind)));
        }
    }

    /// Whether what it works with is there for a test alone: a database in memory, a cloud that is made up.
    fn connects(&mut self, name: &str, last: &str, args: &Args) {
        const OPENS: &[&str] = &[
            "connect",
            "create_engine",
            "client",
            "resource",
            "Client",
            "Session",
            "MongoClient",
            "Redis",
            "createConnection",
            "PDO",
            "Database",
            "Pool",
        ];
        let is_temporary = |path: &str| {
            let scope = self.shell.path(self.state, path).scope;
            name.to_lowercase().contains("sqlite") && scope == Scope::Temporary
        };
        let to = args.text(0).unwrap_or_default();
        let path = to.split_once("://").map_or(to.as_str(), |(_, path)| path);
        let is_sqlite = to.starts_with("sqlite") || !to.contains("://");
        let is_file = name.to_lowercase().contains("sqlite") && OPENS.contains(&last);
        if is_file && !path.is_empty() {
            self.database = Some(path.to_owned());
        }
        if to.contains(":memory:") || to == "sqlite://" || is_sqlite && is_temporary(path) {
            self.made_up = self.made_up.or(Some(true));
        } else if OPENS.contains(&last) {
            self.made_up = Some(self.find("mock_aws").is_some());
        }
    }

    pub(in super::super) fn is_made_up(&self) -> bool {
        self.made_up == Some(true)
    }

    /// Addresses and secret files that somebody is told of.
    fn named_to(&mut self, args: &Args) {
        let inner = args.all().flat_map(|value| match value {
            Value::Map(pairs) => pairs.iter().map(|(_, value)| value).collect(),
            value => vec![value],
        });
        for text in inner.filter_map(Value::text).take(16) {
            let is_word = text.len() < 512 && !text.contains(char::is_whitespace);
            if ["http://", "https://", "ws://", "wss://", "ftp://"]
                .iter()
                .any(|scheme| text.starts_with(scheme))
            {
                Address::of_url(&text).sent(self.shell, false, false);
            } else if is_word && text.contains(['.', '/']) {
                let path = self.shell.path(self.state, &text);
                if is_secret(&path) {
                    self.shell.act(Act::Read { path });
                }
            }
        }
    }

    /// Nobody knows what it does: it may call what it is given, and pass on what it is told.
    fn unknown(&mut self, name: &str, args: &Args) -> Value {
        self.callbacks(&Value::unknown(), args);
        self.given_on(args);
        if matches!(
            name.rsplit('.').next(),
            Some("Process" | "Thread" | "Worker")
        ) {
            self.forked();
        }
        // To take an address apart is not to go there.
        let last = name.rsplit(['.', ':']).next().unwrap_or(name);
        if PARSERS.contains(&last) {
            return args.get(0);
        }
        self.named_to(args);
        for mark in [mark::REMOTE, mark::SECRET] {
            if args.all().any(|value| value.has(mark)) {
                return Value::mark(mark);
            }
        }
        match name.len() > MAX_NAME {
            true => Value::Name("?()".to_owned()),
            false => Value::Name(format!("{name}()")),
        }
    }
}

/// Of paths, the names alone.
fn names(paths: &Value) -> Value {
    let paths = paths.items().unwrap_or_default();
    Value::texts(paths.iter().map(|path| {
        let path = path.written();
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }))
}
