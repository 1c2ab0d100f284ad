//! What belongs to what.

use std::rc::Rc;

use super::{
    super::{
        acts::library,
        is_end_of,
        values::{Args, Value, codes, functions, texts},
    },
    Runner,
};
use crate::policy::effects::mark;

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
                let one = functions::parent(text);
                let two = functions::parent(&one);
                Value::texts([one, two])
            }
            Value::Name(outer) => self.of_outside(outer, name),
            Value::Map(pairs) => match pairs.iter().find(|(key, _)| key == name) {
                Some((_, value)) => value.clone(),
                None => Value::Member(Box::new(of), name.to_owned()),
            },
            Value::Class(class) => match class.methods.iter().find(|(key, _)| key == name) {
                Some((_, method)) => Value::Function(Rc::clone(method), Rc::default()),
                None => Value::Member(Box::new(of), name.to_owned()),
            },
            Value::Text(text) if name == "parent" => Value::Text(functions::parent(text)),
            Value::Text(_) | Value::List(_) if matches!(name, "length" | "size") => {
                functions::call("len", &Args::of(vec![of])).unwrap_or(Value::unknown())
            }
            Value::List(items) if name == "flat" => {
                texts::method(&Value::List(Rc::clone(items)), "flat", &Args::default())
                    .unwrap_or(of)
            }
            // `(await import("fs")).default`
            _ => Value::Member(Box::new(of), name.to_owned()),
        }
    }

    pub(super) fn of_outside(&mut self, outer: &str, name: &str) -> Value {
        let is = |known: &str| is_end_of(outer, known);
        let is_environment = is("process.env") || is("os.environ") || is("ENV");
        if is_environment && !METHODS.contains(&name) {
            return self.environment(name);
        }
        match name {
            "argv" if is("sys") || is("process") => return self.words(),
            "executable" if is("sys") => return Value::Text("python3".to_owned()),
            "execPath" if is("process") => return Value::Text("node".to_owned()),
            "sep" if is("os") || is("path") => return Value::Text("/".to_owned()),
            "linesep" | "EOL" if is("os") => return Value::Text("\n".to_owned()),
            "ascii_lowercase" if is("string") => return Value::Text(('a'..='z').collect()),
            "ascii_uppercase" if is("string") => return Value::Text(('A'..='Z').collect()),
            "ascii_letters" if is("string") => {
                return Value::Text(('a'..='z').chain('A'..='Z').collect());
            }
            "digits" if is("string") => return Value::Text(('0'..='9').collect()),
            // They are what they belong to.
            "__dict__" | "default" | "__builtins__" | "globalThis" | "global" => {
                return Value::Name(outer.to_owned());
            }
            "call" | "apply" | "bind" if library::find(outer, self.language).is_some() => {
                return Value::Member(Box::new(Value::Name(outer.to_owned())), name.to_owned());
            }
            "name" | "cmdline" | "info" | "exe" | "username" if outer.contains("process_iter") => {
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
