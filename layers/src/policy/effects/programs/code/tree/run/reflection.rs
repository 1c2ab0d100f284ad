//! Functions about functions: by their names, with arguments to come, out of code; and those that run later.

use super::{
    super::{
        host,
        syntax::{self, Node},
        values::{Args, Value, codes},
    },
    Runner,
};
use crate::policy::effects::{Act, Opaque, mark};

/// A timer that goes off more often than this, in milliseconds, is a loop.
const LOOP: f64 = 50.0;

/// What can do harm by any of its names.
fn is_powerful(value: &Value) -> bool {
    const POWERFUL: &[&str] = &[
        "os",
        "subprocess",
        "shutil",
        "builtins",
        "pty",
        "fs",
        "child_process",
        "process",
    ];
    matches!(value, Value::Name(name) if POWERFUL.contains(&name.as_str()))
}

impl Runner<'_, '_> {
    pub(super) fn reflected(&mut self, name: &str, last: &str, args: &Args) -> Option<Value> {
        let of = || match name.rsplit_once('.') {
            Some((of, _)) => Value::Name(of.to_owned()),
            None => Value::unknown(),
        };
        let items = |at: usize| Args::of(args.get(at).items().unwrap_or_default());
        Some(match last {
            "__import__" | "import_module" | "require" | "import" | "_load"
            | "getBuiltinModule" => self.import(&args.get(0)),
            "include" | "require_once" | "include_once" if self.language == "php" => {
                self.import(&args.get(0))
            }
            "breakpoint" => {
                let hook = self.find("sys.breakpointhook").cloned()?;
                self.call(hook, args)
            }
            // What a block is entered and left with.
            "__with__" => self.with(args.get(0)),
            "timeit" | "Timer" if name.contains("timeit") => {
                let setup = args.named("setup").cloned().unwrap_or(args.get(1));
                self.evaluate(&setup);
                self.evaluate(&args.get(0))
            }
            "Worker" if args.is_set("eval") => self.evaluate(&args.get(0)),
            "fork" if args.named("execArgv").is_some() => {
                let words = args.named("execArgv").and_then(Value::items)?;
                self.evaluate(words.last()?)
            }
            // Data that say which functions are to be called.
            "loads" | "load"
                if matches!(
                    name,
                    "pickle.loads" | "marshal.loads" | "dill.loads" | "cloudpickle.loads"
                ) =>
            {
                if args.text(0).is_some() {
                    self.shell.opaque(Opaque::UnknownCode);
                }
                Value::Name("loads()".to_owned())
            }
            "exec_module" | "load_module" if self.remote.is_some() => {
                let from = self.remote.clone()?;
                self.shell.act(Act::RunRemote { from });
                Value::unknown()
            }
            "on" | "once" | "addListener" | "addEventListener" | "subscribe" => {
                self.handlers.extend(args.functions().into_iter().take(8));
                return None;
            }
            "emit" | "dispatchEvent" | "publish" if !self.handlers.is_empty() => {
                for handler in self.handlers.clone() {
                    self.call(handler, &args.behind(1));
                }
                Value::unknown()
            }
            "type" if args.values.len() == 3 => args.get(2),
            "extract" if self.language == "php" => {
                if let Value::Map(pairs) = args.get(0) {
                    for (key, value) in pairs.iter() {
                        self.set(&format!("${key}"), value.clone());
                    }
                }
                Value::unknown()
            }
            "ReflectionFunction" => args.get(0),
            "createRequire" => Value::Name("require".to_owned()),
            "const_get" | "constantize" => Value::Name(args.text(0)?),
            "to_proc" => of(),
            "getattr" => match args.text(1) {
                Some(key) => self.member(args.get(0), &key),
                // Which of its functions that is, nobody knows.
                None if is_powerful(&args.get(0)) => Value::Name("getattr()".to_owned()),
                None => return None,
            },
            "attrgetter" | "itemgetter" => {
                let call = Value::Name(format!("{last}()"));
                Value::part(call, args.values.clone())
            }
            "attrgetter()" if args.values.len() > 1 => {
                let mut path = args.text(0)?;
                let mut of = args.get(1);
                path.push('.');
                for key in path.split('.').filter(|key| !key.is_empty()) {
                    of = self.member(of, key);
                }
                of
            }
            "itemgetter()" if args.values.len() > 1 => {
                let mut keys = args.values.clone();
                let of = keys.pop()?;
                let items = keys.iter().map(|key| self.index(of.clone(), key)).collect();
                Value::list(items)
            }
            "get" if name == "Reflect.get" => self.member(args.get(0), &args.text(1)?),
            "apply" if name == "Reflect.apply" => self.call(args.get(0), &items(2)),
            "construct" if name == "Reflect.construct" => self.call(args.get(0), &items(1)),
            "__getattribute__" | "__getattr__" => self.member(of(), &args.text(0)?),
            "send" | "public_send" | "__send__" | "method" | "public_method"
                if self.language == "ruby" =>
            {
                let key = args.text(0)?;
                let function = match name.rsplit_once('.') {
                    None | Some(("this" | "Kernel", _)) => self.name(&key),
                    Some(_) => self.member(of(), &key),
                };
                match last {
                    "method" | "public_method" => function,
                    _ => self.call(function, &args.behind(1)),
                }
            }
            "methodcaller" => {
                let call = Value::Name("methodcaller()".to_owned());
                Value::part(call, args.values.clone())
            }
            // Its name, its arguments, and last what it is a method of.
            "methodcaller()" if args.values.len() > 1 => {
                let mut between = args.behind(1);
                let of = between.values.pop()?;
                let method = self.member(of, &args.text(0)?);
                self.call(method, &between)
            }
            "Function" | "FunctionType" | "AsyncFunction" => {
                let code = args.values.last().cloned().unwrap_or(Value::Nothing);
                match &code {
                    Value::Text(text) if !text.contains(mark::REMOTE) => Value::Code(text.clone()),
                    _ => self.evaluate(&code),
                }
            }
            "map" | "filter" | "reduce" | "starmap" | "array_map" if args.values.len() > 1 => {
                self.mapped(last, args)
            }
            _ => return None,
        })
    }

    /// Enters a block with a value, and leaves it.
    fn with(&mut self, value: Value) -> Value {
        let Value::Map(members) = &value else {
            return value;
        };
        let find = |name: &str| {
            members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let (enter, leave) = (find("__enter__"), find("__exit__"));
        let place = "with value";
        self.set(place, value.clone());
        let node = Node::Name(place.to_owned());
        let mut entered = value;
        if let Some(Value::Function(function, scope)) = enter {
            entered = self.own(&function, &scope, entered, &node, Args::default());
        }
        if let Some(Value::Function(function, scope)) = leave {
            let object = self.name(place);
            self.own(&function, &scope, object, &node, Args::default());
        }
        entered
    }

    /// Timers.
    pub(super) fn later(&mut self, last: &str, args: &Args) -> Option<Value> {
        match (last, args.get(0)) {
            ("setTimeout" | "setInterval" | "setImmediate", code @ Value::Text(_)) => {
                Some(self.evaluate(&code))
            }
            ("setInterval", _) if args.get(1).number().is_none_or(|every| every < LOOP) => {
                self.endless += 1;
                self.callbacks(&Value::unknown(), args);
                self.endless -= 1;
                Some(Value::unknown())
            }
            _ => None,
        }
    }

    fn import(&mut self, module: &Value) -> Value {
        let Some(name) = module.text() else {
            return Value::unknown();
        };
        if name.contains(mark::REMOTE) || name.contains("://") {
            let from = host(&name).filter(|_| name.contains("://"));
            let from = from.or_else(|| self.remote.clone());
            self.shell.act(Act::RunRemote {
                from: from.unwrap_or_else(|| "?".to_owned()),
            });
            return Value::unknown();
        }
        let Some(data) = name.strip_prefix("data:") else {
            return Value::Name(syntax::module(&name));
        };
        let (kind, code) = data.split_once(',').unwrap_or_default();
        let code = match kind.ends_with("base64") {
            true => codes::base64(code),
            false => codes::unquoted(code),
        };
        match code {
            Some(code) => self.code(&code),
            None => Value::unknown(),
        }
    }
}
