//! Calls of the code's own functions and classes.

use std::rc::Rc;

use super::{
    super::{
        syntax::{Call, Class, Function, Node, Target},
        values::{Args, Around, Scope, Value, codes, texts::whole},
    },
    Frame, Runner,
};
use crate::policy::effects::Exhaust;

/// How deep functions may call one another.
const MAX_FRAMES: usize = 24;
/// How often functions may call themselves.
const MAX_AGAIN: usize = 100;

impl Runner<'_, '_> {
    pub(super) fn called(&mut self, call: &Call) -> Value {
        let mut args = Args::of(self.values(&call.args));
        // `f(**names)`
        if let (Some(Node::Spread(_)), Some(Value::Map(pairs))) =
            (call.args.last(), args.values.last())
            && is_python(self.language)
        {
            args.named = pairs.to_vec();
            args.values.pop();
        }
        for (name, node) in &call.named {
            let value = self.eval(node);
            args.named.push((name.clone(), value));
        }
        let Node::Member(of, name) = &call.function else {
            let function = self.eval(&call.function);
            return self.call(function, &args);
        };
        if let (Node::Name(list), "append" | "push") = (&**of, name.as_str())
            && let Some(Value::List(items)) = self.find_mut(list)
        {
            match items.push(&args.values) {
                true => {}
                false => self.set(list, Value::Name("deep()".to_owned())),
            }
            if self.endless > 0 {
                self.exhausted(Exhaust::Memory);
            }
            return self.name(list);
        }
        let receiver = self.eval(of);
        self.added(of, call, &receiver);
        // A text to which something is added: `s << x`.
        if let (Value::Text(_), "push" | "concat", "ruby") =
            (&receiver, name.as_str(), self.language)
        {
            let more = args.values.iter();
            let longer = more.fold(receiver, |text, more| codes::operation("+", &text, more));
            self.put_back(of, longer.clone());
            return longer;
        }
        if let (Value::List(items), "shift" | "pop") = (&receiver, name.as_str()) {
            let (first, rest) = match name.as_str() {
                "shift" => (items.first(), items.get(1..)),
                _ => (items.last(), items.get(..items.len().saturating_sub(1))),
            };
            self.put_back(of, Value::list(rest.unwrap_or_default().to_vec()));
            return first.cloned().unwrap_or(Value::Nothing);
        }
        let grows = ["push", "append", "unshift", "add", "extend", "concat"];
        if self.endless > 0 && grows.contains(&name.as_str()) {
            self.exhausted(Exhaust::Memory);
        }
        if let Some(changed) = changed(&receiver, name, &args) {
            self.put_back(of, changed.clone());
            return changed;
        }
        // Methods of one's own see themselves, and may change.
        if let Value::Map(pairs) = &receiver
            && let Some((_, Value::Function(function, scope))) =
                pairs.iter().find(|(key, _)| key == name)
        {
            let (function, scope) = (Rc::clone(function), Rc::clone(scope));
            return self.own(&function, &scope, receiver.clone(), of, args);
        }
        // It has become another.
        if let Value::Name(object) = &receiver
            && let Some(function) = self.find(&format!("{object}.{name}")).cloned()
        {
            return self.call(function, &args);
        }
        if let Some(value) = self.missing(&receiver, name, of, &args) {
            return value;
        }
        let function = self.member(receiver, name);
        self.call(function, &args)
    }

    /// Objects that make up what they do not have: `__getattr__`, `method_missing`.
    fn missing(&mut self, object: &Value, name: &str, of: &Node, args: &Args) -> Option<Value> {
        let Value::Map(members) = object else {
            return None;
        };
        if members.iter().any(|(key, _)| key == name) {
            return None;
        }
        let makes = |key: &str| {
            matches!(
                key,
                "__getattr__" | "__getattribute__" | "method_missing" | "__call"
            )
        };
        let (key, Value::Function(function, scope)) = members.iter().find(|(key, _)| makes(key))?
        else {
            return None;
        };
        let (function, scope) = (Rc::clone(function), Rc::clone(scope));
        let mut given = vec![Value::Text(name.to_owned())];
        if key.starts_with("__get") {
            let made = self.own(&function, &scope, object.clone(), of, Args::of(given));
            return Some(self.call(made, args));
        }
        match key.as_str() {
            "__call" => given.push(Value::list(args.values.clone())),
            _ => given.extend(args.values.iter().cloned()),
        }
        Some(self.own(&function, &scope, object.clone(), of, Args::of(given)))
    }

    pub(super) fn own(
        &mut self,
        function: &Rc<Function>,
        scope: &Around,
        object: Value,
        of: &Node,
        mut args: Args,
    ) -> Value {
        let mut locals = Scope::new();
        let first = function.params.first().map(|param| &param.target);
        let receives = match first {
            Some(Target::Name(name)) if is_python(self.language) => name.clone(),
            _ => "this".to_owned(),
        };
        match receives.as_str() {
            "this" => drop(locals.insert(receives.clone(), object)),
            _ => args.values.insert(0, object),
        }
        let (value, after) = self.entered(function, scope, locals, &args);
        if let Some(object) = after.get(&receives) {
            self.put_back(of, object.clone());
        }
        value
    }

    /// Calls whatever can be called.
    pub(in super::super) fn call(&mut self, function: Value, args: &Args) -> Value {
        let of = match &function {
            Value::Member(of, _) => Some(&**of),
            _ => None,
        };
        let size = |value: &Value| match value {
            Value::List(items) => items.len(),
            Value::Map(pairs) => pairs.len(),
            _ => 0,
        };
        self.charge(args.all().chain(of).map(size).sum());
        match function {
            Value::Function(function, scope) => self.apply(&function, &scope, args),
            Value::Class(class) => self.instance(&class, args),
            Value::Part(function, mut first) => {
                first.extend(args.values.iter().cloned());
                let args = Args {
                    values: first,
                    named: args.named.clone(),
                };
                self.call(*function, &args)
            }
            Value::Code(code) => self.code(&code),
            Value::Member(of, name) => self.method(*of, &name, args),
            Value::Name(name) => self.outside(&name, args),
            // A function by its name.
            Value::Text(name) if matches!(self.language, "php" | "perl" | "awk") => {
                let name = name.replace("::", ".");
                match self.find(&name).cloned() {
                    Some(function) => self.call(function, args),
                    None => self.outside(&name, args),
                }
            }
            Value::Map(pairs) => match pairs.iter().find(|(key, _)| key == "__call__") {
                Some((_, Value::Function(method, scope))) => {
                    let (method, scope) = (Rc::clone(method), Rc::clone(scope));
                    let object = Value::Map(pairs.clone());
                    self.own(&method, &scope, object, &Node::Nothing, args.clone())
                }
                // A class that was made by hand.
                _ => Value::Map(pairs),
            },
            _ => {
                self.callbacks(&Value::unknown(), args);
                Value::Name("?()".to_owned())
            }
        }
    }

    pub(in super::super) fn apply(
        &mut self,
        function: &Rc<Function>,
        scope: &Around,
        args: &Args,
    ) -> Value {
        self.entered(function, scope, Scope::new(), args).0
    }

    pub(super) fn entered(
        &mut self,
        function: &Rc<Function>,
        around: &Around,
        locals: Scope,
        args: &Args,
    ) -> (Value, Scope) {
        let is_new = self.called.insert(Rc::as_ptr(function));
        // It calls itself again and again: what comes of that is not known.
        let is_again = |frame: &Frame| frame.function == Rc::as_ptr(function);
        let is_within = self.frames.iter().any(is_again);
        self.again += usize::from(is_within);
        if self.frames.len() >= MAX_FRAMES || is_within && self.again > MAX_AGAIN {
            return (Value::Name("again()".to_owned()), Scope::new());
        }
        let own = self.scopes.len();
        self.scopes.push(locals);
        self.frames.push(Frame {
            function: Rc::as_ptr(function),
            own,
            around: Rc::clone(around),
        });
        let mut is_behind_rest = false;
        for (at, param) in function.params.iter().enumerate() {
            let named = match &param.target {
                Target::Name(name) => args.named.iter().find(|(key, _)| key == name),
                _ => None,
            };
            // What stands behind the rest is told by its name alone.
            let given = args.values.get(at).filter(|_| !is_behind_rest);
            is_behind_rest |= param.is_rest;
            let value = match (param.is_rest, given, named) {
                _ if param.is_named => Value::map(args.named.clone()),
                (true, ..) => Value::list(args.values.get(at..).unwrap_or_default().to_vec()),
                (_, Some(value), _) | (_, None, Some((_, value))) => value.clone(),
                _ => match &param.default {
                    Node::Nothing => Value::unknown(),
                    default => self.eval(default),
                },
            };
            self.assign_local(&param.target, value);
        }
        let outer = std::mem::take(&mut self.returned);
        let outer_yields = std::mem::take(&mut self.yielded);
        let recursion = usize::from(!is_new && is_within);
        self.often += recursion;
        let last = self.eval(&function.body);
        self.often -= recursion;
        let returned = std::mem::replace(&mut self.returned, outer);
        self.frames.pop();
        let after = self.scopes.get(own).cloned().unwrap_or_default();
        let yielded = std::mem::replace(&mut self.yielded, outer_yields);
        self.flow = None;
        let known = returned.iter().find(|value| value.is_known());
        let value = match function.is_expression {
            _ if !yielded.is_empty() => Value::list(yielded),
            true if known.is_none() => last,
            _ => known
                .or(returned.first())
                .cloned()
                .unwrap_or(Value::Nothing),
        };
        (value, after)
    }

    pub(super) fn instance(&mut self, class: &Rc<Class>, args: &Args) -> Value {
        let methods = class.methods.iter().map(|(name, method)| {
            (
                name.clone(),
                Value::Function(Rc::clone(method), Rc::default()),
            )
        });
        let methods: Vec<_> = methods.collect();
        let mut members: Vec<(String, Value)> = Vec::new();
        for node in &class.body {
            if let Node::Assign(assign) = node
                && let (Target::Name(name), node) = &**assign
            {
                members.push((name.clone(), self.eval(node)));
            }
        }
        members.extend(methods);
        let object = Value::map(members);
        let starts = ["__init__", "constructor", "initialize", "__construct"];
        let start = class
            .methods
            .iter()
            .find(|(name, _)| starts.contains(&name.as_str()));
        let name = format!("new {}", class.name);
        self.set(&name, object);
        if let Some((_, start)) = start {
            let object = self.name(&name);
            self.own(
                &Rc::clone(start),
                &Rc::default(),
                object,
                &Node::Name(name.clone()),
                args.clone(),
            );
        }
        self.name(&name)
    }

    /// Functions that are given to somebody are called by them.
    pub(in super::super) fn callbacks(&mut self, with: &Value, args: &Args) -> Value {
        let mut value = Value::unknown();
        for function in args.functions() {
            value = self.call(function, &Args::of(vec![with.clone(), with.clone()]));
        }
        value
    }
}

/// A list that becomes another by a method.
pub(super) fn changed(of: &Value, name: &str, args: &Args) -> Option<Value> {
    let Value::List(items) = of else {
        return match (of, name, args.get(0)) {
            (Value::Map(pairs), "update", Value::Map(more)) => Some(Value::map(
                pairs.iter().chain(more.iter()).cloned().collect(),
            )),
            _ => None,
        };
    };
    let mut items = items.to_vec();
    match name {
        "append" | "push" | "add" | "appendleft" | "<<" => {
            items.extend(args.values.iter().cloned());
        }
        "extend" => items.extend(args.get(0).items()?),
        "unshift" => drop(items.splice(0..0, args.values.iter().cloned())),
        "insert" => {
            let at = args.get(0).number().and_then(whole)?;
            let at = usize::try_from(at).ok()?.min(items.len());
            items.insert(at, args.get(1));
        }
        "reverse" => items.reverse(),
        _ => return None,
    }
    Some(Value::list(items))
}

pub(in super::super) fn is_python(language: &str) -> bool {
    matches!(language, "python" | "pypy" | "ipython")
}

pub(super) fn is_callable(value: &Value) -> bool {
    matches!(
        value,
        Value::Function(..)
            | Value::Name(_)
            | Value::Member(..)
            | Value::Part(..)
            | Value::Code(_)
            | Value::Class(_)
    )
}
