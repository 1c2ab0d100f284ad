//! Functions about functions: by their names, with arguments to come, out of code; and those that run later.

use super::{
    super::{
        host, syntax,
        values::{Args, Value},
    },
    Runner,
};
use crate::policy::effects::{Act, mark};

/// A timer that goes off more often than this, in milliseconds, is a loop.
const LOOP: f64 = 50.0;

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
            "createRequire" => Value::Name("require".to_owned()),
            "const_get" | "constantize" => Value::Name(args.text(0)?),
            "to_proc" => of(),
            "getattr" => self.member(args.get(0), &args.text(1)?),
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
                Value::Part(Box::new(call), args.values.clone())
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
        match name.strip_prefix("data:text/javascript,") {
            Some(code) => self.code(code),
            None => Value::Name(syntax::module(&name)),
        }
    }
}
