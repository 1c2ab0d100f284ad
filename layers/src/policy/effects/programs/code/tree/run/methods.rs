//! Methods of values: of texts that are paths, of files, of what has come from elsewhere.

use std::rc::Rc;

use super::{
    super::{
        acts::library::{self, Does},
        values::{Args, Value, paths, texts},
    },
    Runner,
    calls::is_callable,
};
use crate::policy::effects::{Scope as Place, mark};

impl Runner<'_, '_> {
    /// A method of a value.
    pub(super) fn method(&mut self, of: Value, name: &str, args: &Args) -> Value {
        if self.language == "ruby" {
            match (name, args.text(0), &of) {
                ("send" | "public_send" | "__send__" | "try", Some(method), _) => {
                    let rest = args.values.get(1..).unwrap_or_default().to_vec();
                    let function = self.member(of, &method);
                    return self.call(function, &Args::of(rest));
                }
                ("method" | "public_method" | "instance_method", Some(method), _) => {
                    return self.member(of, &method);
                }
                ("to_proc" | "unbind" | "curry" | "itself", ..) => return of,
                ("times" | "upto" | "step", _, Value::Number(_)) => {
                    self.endless += 1;
                    self.callbacks(&Value::unknown(), args);
                    self.endless -= 1;
                    return of;
                }
                _ => {}
            }
        }
        if let Value::Name(outer) = &of
            && !matches!(name, "call" | "bind" | "apply" | "__call__")
        {
            return self.outside(&format!("{outer}.{name}"), args);
        }
        if let (Value::Text(_), "invoke" | "invokeArgs" | "__invoke") = (&of, name) {
            return self.call(of, args);
        }
        // What a pattern has found.
        if let (Value::List(items), "group", "python" | "pypy") = (&of, name, self.language) {
            return items.first().cloned().unwrap_or(Value::unknown());
        }
        if let (Value::Class(class), "new") = (&of, name) {
            return self.instance(&Rc::clone(class), args);
        }
        match name {
            "call" | "bind" | "apply" | "__call__" if is_callable(&of) => {
                let values = match (name, args.get(1)) {
                    // There it has no other object before its arguments.
                    ("call", _) if self.language == "ruby" => args.values.clone(),
                    ("__call__", _) => args.values.clone(),
                    ("apply", Value::List(items)) => items.to_vec(),
                    _ => args.values.get(1..).unwrap_or_default().to_vec(),
                };
                let named = args.named.clone();
                return match name {
                    "bind" => Value::part(of, values),
                    _ => self.call(of, &Args { values, named }),
                };
            }
            _ => {}
        }
        let args_with = |first: Value, rest: &Args| {
            let mut values = vec![first];
            values.extend(rest.values.iter().cloned());
            Args {
                values,
                named: rest.named.clone(),
            }
        };
        if let Value::File {
            path, is_written, ..
        } = &of
        {
            let path = Value::Text(path.clone());
            return match name {
                "write" | "writelines" | "puts" | "print" | "end" | "writeSync" | "<<" => {
                    self.write(&path, true, &args.get(0));
                    Value::Nothing
                }
                "truncate" => {
                    self.write(&path, false, &Value::Text(String::new()));
                    Value::Nothing
                }
                // Archives.
                "extractall" | "extract" => self.outside("extractall", args),
                "close" | "flush" | "seek" | "fileno" => Value::Nothing,
                _ if *is_written => of.clone(),
                _ => {
                    let read = self.read(&path);
                    self.callbacks(&read, args);
                    read
                }
            };
        }
        const OVER: &[&str] = &[
            "map", "forEach", "filter", "each", "flatMap", "some", "every", "reduce",
        ];
        let mut functions = args.functions();
        if OVER.contains(&name) && matches!(args.get(0), Value::Name(_)) {
            functions.push(args.get(0));
        }
        let is_whole = matches!(name, "then" | "tap" | "yield_self");
        if let (Value::List(items), [function], false) = (&of, functions.as_slice(), is_whole) {
            return self.over(items, name, function, args);
        }
        if let (Value::Text(text), "replace" | "replaceAll" | "gsub" | "sub", [function]) =
            (&of, name, functions.as_slice())
            && let Some(value) = self.replaced(text, &args.get(0), function)
        {
            return value;
        }
        if let Some(value) = self.path_method(&of, name, args) {
            return value;
        }
        if let Some(value) = texts::method(&of, name, args) {
            return tainted(value, std::slice::from_ref(&of));
        }
        // What is done when something has come: with it.
        if !args.functions().is_empty() {
            let value = self.callbacks(&of, args);
            return match name {
                "then" | "tap" | "map" => value,
                _ => of,
            };
        }
        if let ("then", Value::Name(_)) = (name, args.get(0)) {
            return self.call(args.get(0), &Args::of(vec![of]));
        }
        if matches!(name, "pipe" | "pipeTo") {
            if let Value::File { path, .. } = args.get(0) {
                self.write(&Value::Text(path), false, &of);
            }
            return of;
        }
        // What comes from elsewhere, or is secret, stays so.
        if of.has(mark::REMOTE) || of.has(mark::SECRET) {
            return of;
        }
        match library::find(&format!("?.{name}"), self.language) {
            Some(does) if matches!(of, Value::Text(_)) => {
                self.does(name, does, &args_with(of, args))
            }
            Some(does) => self.does(name, does, args),
            None => match of {
                Value::Text(_) => of,
                _ => Value::Name(format!("?.{name}()")),
            },
        }
    }

    /// What is done to a path that is written as an object.
    pub(super) fn path_method(&mut self, of: &Value, name: &str, args: &Args) -> Option<Value> {
        let Value::Text(path) = of else {
            return None;
        };
        match name {
            "unlink" | "rmdir" | "delete" => self.delete(of, false),
            "rmtree" | "rmtree_p" | "remove" | "remove_tree" => self.delete(of, true),
            "write_text" | "write_bytes" => self.write(of, false, &args.get(0)),
            "touch" => self.write(of, true, &Value::Text(String::new())),
            "read_text" | "read_bytes" | "slurp" | "slurp_utf8" | "binread" => {
                return Some(self.read(of));
            }
            "open" => {
                let mode = args.text(0).unwrap_or_else(|| "r".to_owned());
                return Some(self.opened(path.clone(), &mode));
            }
            "chmod" => {
                self.does(
                    "chmod",
                    Does::Mode,
                    &Args::of(vec![of.clone(), args.get(0)]),
                );
            }
            "rename" => {
                let does = Does::As(&["mv"]);
                self.does("rename", does, &Args::of(vec![of.clone(), args.get(0)]));
            }
            "replace" if args.values.len() == 1 => {
                let does = Does::As(&["mv"]);
                self.does("replace", does, &Args::of(vec![of.clone(), args.get(0)]));
            }
            "symlink_to" | "hardlink_to" | "link_to" | "make_symlink" | "make_link" => {
                // `a.symlink_to(b)` makes `a`; so does `a.hardlink_to(b)`, and `b` is what the others make.
                let (from, to) = match name {
                    "link_to" => (of.clone(), args.get(0)),
                    _ => (args.get(0), of.clone()),
                };
                let does = match name.contains("sym") {
                    true => Does::As(&["ln", "-s"]),
                    false => Does::As(&["ln"]),
                };
                self.does("link", does, &Args::of(vec![from, to]));
            }
            "move" | "move_into" | "move_to" if args.values.len() == 1 => {
                let does = Does::As(&["mv"]);
                self.does("move", does, &Args::of(vec![of.clone(), args.get(0)]));
            }
            "copy" | "copy_into" | "copy_to" | "copyfile" if args.text(0).is_some() => {
                let does = Does::As(&["cp", "-r"]);
                self.does("copy", does, &Args::of(vec![of.clone(), args.get(0)]));
            }
            "mkdir" | "mkpath" | "makedirs" => {
                let does = Does::As(&["mkdir", "-p"]);
                self.does("mkdir", does, &Args::of(vec![of.clone()]));
            }
            // Paths of Ruby and Perl.
            "write" | "binwrite" | "spew" | "spew_utf8" | "spew_raw"
                if matches!(self.language, "ruby" | "perl") =>
            {
                self.write(of, false, &args.get(0));
            }
            "append" | "append_utf8" | "append_raw" if self.language == "perl" => {
                self.write(of, true, &args.get(0));
            }
            "iterdir" => return Some(self.listing(path, "*")),
            "glob" | "rglob" => {
                let pattern = args.text(0).unwrap_or_else(|| "*".to_owned());
                return Some(self.listing(path, &pattern));
            }
            "joinpath" => {
                let mut parts = vec![of.clone()];
                parts.extend(args.values.iter().cloned());
                return Some(paths::joined_path(&parts));
            }
            _ => return None,
        }
        Some(Value::Nothing)
    }

    /// What is in a directory. In the project, that is one thing and another; elsewhere it is everything.
    pub(in super::super) fn listing(&self, path: &str, pattern: &str) -> Value {
        let scope = self.shell.path(self.state, path).scope;
        let name = match (pattern, scope) {
            ("*" | "**" | "**/*" | ".*", Place::Project | Place::Below | Place::Temporary) => {
                mark::SOME.to_string()
            }
            (pattern, _) => mark::starred(pattern),
        };
        let path = path.trim_end_matches('/');
        Value::texts([format!("{path}/{name}")])
    }
}

/// What is made of something from elsewhere, or secret, is so too.
pub(super) fn tainted(value: Value, of: &[Value]) -> Value {
    if !matches!(value, Value::Text(_) | Value::Name(_))
        || value.has(mark::REMOTE)
        || value.has(mark::SECRET)
    {
        return value;
    }
    for of in of {
        for mark in [mark::REMOTE, mark::SECRET] {
            if of.has(mark) {
                return Value::mark(mark);
            }
        }
    }
    value
}
