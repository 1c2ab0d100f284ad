//! What belongs to what.

use std::rc::Rc;

use super::{
    super::{
        acts::library,
        is_end_of,
        syntax::{Class, Node, Target},
        values::{Args, Value, codes, functions, paths, texts},
    },
    Runner,
};
use crate::policy::effects::{Opaque, mark};

/// What can be asked of the whole environment.
const METHODS: &[&str] = &[
    "get",
    "items",
    "copy",
    "keys",
    "values",
    "fetch",
    "setdefault",
    "to_h",
    "to_a",
    "map",
    "each",
    "pop",
    "update",
];

impl Runner<'_, '_> {
    pub(super) fn index(&mut self, of: Value, at: &Value) -> Value {
        if let Some(found) = codes::index(&of, at) {
            return found;
        }
        match (&of, at.text()) {
            (Value::Name(name), Some(key)) if name == "$GLOBALS" => self.name(&format!("${key}")),
            (Value::Name(name), Some(pattern)) if name == "Dir" => {
                Value::texts([mark::starred(&pattern)])
            }
            (Value::Name(name), Some(key)) => {
                // `globals()["os"]`, `sys.modules["os"]`
                let bare = name.trim_end_matches("()");
                let is_all = [
                    "globals",
                    "locals",
                    "vars",
                    "modules",
                    "globalThis",
                    "__builtins__",
                    "window",
                    "global",
                ]
                .iter()
                .any(|all| is_end_of(bare, all));
                match is_all {
                    true => self.name(&key),
                    false => self.member(of, &key),
                }
            }
            (Value::Map(_) | Value::Class(_), Some(key)) => self.member(of, &key),
            (_, Some(key)) if key.parse::<f64>().is_err() => self.member(of, &key),
            (Value::Text(text), _) if text.contains(mark::is_unknown) => of,
            (Value::List(items), _) => items
                .iter()
                .find(|item| item.is_known())
                .cloned()
                .unwrap_or(Value::unknown()),
            (Value::Map(pairs), _) => pairs
                .first()
                .map_or(Value::unknown(), |(_, value)| value.clone()),
            (Value::Name(name), _) => Value::Name(name.clone()),
            _ => Value::unknown(),
        }
    }

    pub(in super::super) fn member(&mut self, of: Value, name: &str) -> Value {
        match &of {
            // `(() => {}).constructor("…")`
            Value::Function(..)
            | Value::Member(..)
            | Value::Text(_)
            | Value::List(_)
            | Value::Name(_)
                if name == "constructor" =>
            {
                Value::Name("Function".to_owned())
            }
            Value::Text(text) if name == "parents" => {
                let one = paths::parent(text);
                let two = paths::parent(&one);
                Value::texts([one, two])
            }
            Value::Name(outer) => self.of_outside(outer, name),
            Value::Map(pairs) => {
                let found = |wanted: &str| {
                    pairs
                        .iter()
                        .find(|(key, _)| key == wanted)
                        .map(|(_, value)| value)
                };
                match (found(name), found(&format!("@{name}"))) {
                    (Some(value), _) => value.clone(),
                    (None, Some(Value::Function(getter, scope))) => {
                        let (getter, scope) = (Rc::clone(getter), Rc::clone(scope));
                        self.own(&getter, &scope, of, &Node::Nothing, Args::default())
                    }
                    _ => Value::member(of, name),
                }
            }
            Value::Class(class) => {
                let class = Rc::clone(class);
                self.of_class(&class, name)
                    .unwrap_or_else(|| Value::member(of, name))
            }
            Value::Text(text) if name == "parent" => Value::Text(paths::parent(text)),
            Value::Text(_) | Value::List(_) if matches!(name, "length" | "size") => {
                functions::call("len", &Args::of(vec![of])).unwrap_or(Value::unknown())
            }
            Value::List(items) if name == "flat" => {
                texts::method(&Value::List(items.clone()), "flat", &Args::default()).unwrap_or(of)
            }
            Value::Function(..) if name == "__code__" => {
                self.shell.opaque(Opaque::UnknownCode);
                Value::unknown()
            }
            // `(await import("fs")).default`
            _ => Value::member(of, name),
        }
    }

    /// A method or an attribute of a class itself.
    fn of_class(&mut self, class: &Rc<Class>, name: &str) -> Option<Value> {
        let mut methods = class.methods.iter();
        if let Some((key, method)) = methods.find(|(key, _)| key.trim_start_matches('@') == name) {
            let function = Value::Function(Rc::clone(method), Rc::default());
            return Some(match key.starts_with('@') {
                true => self.call(function, &Args::default()),
                false => function,
            });
        }
        let is_it = |node: &&Node| matches!(node, Node::Assign(assign) if matches!(&assign.0, Target::Name(key) if key == name));
        match class.body.iter().find(is_it)? {
            Node::Assign(assign) => Some(self.eval(&assign.1)),
            _ => None,
        }
    }

    pub(super) fn of_outside(&mut self, outer: &str, name: &str) -> Value {
        let is = |known: &str| is_end_of(outer, known);
        let is_environment =
            is("process.env") || is("os.environ") || is("ENV") || is("Bun.env") || is("Deno.env");
        if is_environment && !METHODS.contains(&name) {
            return self.environment(name);
        }
        match name {
            "argv" if is("sys") || is("process") => return self.words(),
            "executable" if is("sys") => return Value::Text("python3".to_owned()),
            "execPath" if is("process") => return Value::Text("node".to_owned()),
            "sep" if is("os") || is("path") => return Value::Text("/".to_owned()),
            "pardir" if is("os") || is("path") => return Value::Text("..".to_owned()),
            "curdir" | "extsep" if is("os") || is("path") => {
                return Value::Text(".".to_owned());
            }
            "pathsep" | "delimiter" if is("os") || is("path") => {
                return Value::Text(":".to_owned());
            }
            "devnull" if is("os") || is("path") => return Value::Text("/dev/null".to_owned()),
            "linesep" | "EOL" if is("os") => return Value::Text("\n".to_owned()),
            "ascii_lowercase" if is("string") => return Value::Text(('a'..='z').collect()),
            "ascii_uppercase" if is("string") => return Value::Text(('A'..='Z').collect()),
            "ascii_letters" if is("string") => {
                return Value::Text(('a'..='z').chain('A'..='Z').collect());
            }
            "printable" if is("string") => {
                let letters = ('0'..='9').chain('a'..='z').chain('A'..='Z');
                return Value::Text(letters.collect());
            }
            "S_ISUID" => return Value::Number(2048.0),
            "S_ISGID" => return Value::Number(1024.0),
            "S_IRWXU" => return Value::Number(448.0),
            "S_IRWXG" => return Value::Number(56.0),
            "S_IRWXO" => return Value::Number(7.0),
            "secret_key" | "secret_access_key" | "session_token" if outer.contains("boto") => {
                return Value::mark(mark::SECRET);
            }
            // Code that is taken apart and put together.
            "__code__" | "co_consts" | "co_code" | "CodeType" => {
                self.shell.opaque(Opaque::UnknownCode);
            }
            "digits" if is("string") => return Value::Text(('0'..='9').collect()),
            // They are what they belong to.
            "__dict__" | "default" | "__builtins__" | "globalThis" | "global" => {
                return Value::Name(outer.to_owned());
            }
            "call" | "apply" | "bind" if library::find(outer, self.language).is_some() => {
                return Value::member(Value::Name(outer.to_owned()), name);
            }
            "name" | "cmdline" | "exe" if outer.contains("process_iter") => {
                self.is_chosen = true;
            }
            "dirname" | "filename" if is("meta") => return Value::Text(".".to_owned()),
            _ => {}
        }
        match outer.len() > 200 {
            true => Value::Name(format!("?.{name}")),
            false => Value::Name(format!("{outer}.{name}")),
        }
    }

    pub(super) fn environment(&self, name: &str) -> Value {
        let upper = name.to_uppercase();
        let is_secret = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"]
            .iter()
            .any(|word| upper.contains(word));
        match is_secret {
            true => Value::mark(mark::SECRET),
            false => match self.state.variable(name) {
                unset if unset.chars().all(mark::is_unsure) => {
                    Value::Name("environment".to_owned())
                }
                text => Value::made(text),
            },
        }
    }
}
