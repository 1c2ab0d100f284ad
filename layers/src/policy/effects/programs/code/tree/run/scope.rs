//! What names mean, and what they come to mean.

use std::rc::Rc;

use super::{
    super::{
        acts::library,
        is_end_of,
        syntax::{Node, Target},
        values::{Around, MAX_ITEMS, Scope, Value},
    },
    Runner,
};
use crate::policy::effects::programs::variable;

impl Runner<'_, '_> {
    pub(super) fn name(&self, name: &str) -> Value {
        if let Some(value) = self.find(name) {
            return value.clone();
        }
        // A method of one's own, without its object.
        if let Some(Value::Map(members)) = self.find("this")
            && let Some((_, method @ Value::Function(..))) =
                members.iter().find(|(key, _)| key == name)
        {
            return method.clone();
        }
        if let Some(Value::Name(module)) = self.find("*") {
            let whole = format!("{module}.{name}");
            if library::find(&whole, self.language).is_some() {
                return Value::Name(whole);
            }
        }
        match name {
            "$argv" => self.words(),
            "ARGV" | "@ARGV" => Value::texts(self.argv.iter().cloned()),
            "__file__" | "__filename" => Value::Text("./script".to_owned()),
            "__dirname" => Value::Text(".".to_owned()),
            "STDIN" | "ARGF" => Value::of_data(&self.stdin),
            _ => Value::Name(name.to_owned()),
        }
    }

    /// What a name means here: in the call, in those that it was made in, and in all.
    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        let known = self.frames.last().and_then(|frame| {
            let mut scopes = std::iter::once(&frame.own).chain(frame.around.iter().rev());
            scopes.find_map(|id| self.scopes.get(*id)?.get(name))
        });
        known.or_else(|| self.globals.get(name))
    }

    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Value> {
        let id = self.frames.last().and_then(|frame| {
            let mut scopes = std::iter::once(&frame.own).chain(frame.around.iter().rev());
            let has = |id: &&usize| {
                self.scopes
                    .get(**id)
                    .is_some_and(|scope| scope.contains_key(name))
            };
            scopes.find(has).copied()
        });
        match id {
            Some(id) => self.scopes.get_mut(id)?.get_mut(name),
            None => self.globals.get_mut(name),
        }
    }

    /// What all names of the call mean.
    pub(super) fn snapshot(&mut self) -> Scope {
        let own = self
            .frames
            .last()
            .and_then(|frame| self.scopes.get(frame.own));
        let scope = own.unwrap_or(&self.globals).clone();
        self.charge(scope.len());
        scope
    }

    pub(super) fn restore(&mut self, before: Scope) {
        let own = self.frames.last().map(|frame| frame.own);
        let scope = own.and_then(|own| self.scopes.get_mut(own));
        *scope.unwrap_or(&mut self.globals) = before;
    }

    /// What a function that is made here will see.
    pub(super) fn around(&self) -> Around {
        match self.frames.last() {
            Some(frame) => {
                let mut around = frame.around.to_vec();
                around.push(frame.own);
                Rc::new(around)
            }
            None => Around::default(),
        }
    }

    pub(super) fn words(&self) -> Value {
        let name = Value::Name("argv()".to_owned());
        let words = self.argv.iter().cloned().map(Value::Text);
        Value::list(std::iter::once(name).chain(words).collect())
    }

    pub(in super::super) fn set(&mut self, name: &str, value: Value) {
        let own = self.frames.last().map(|frame| frame.own);
        let own = own.and_then(|own| self.scopes.get_mut(own));
        let scope = own.unwrap_or(&mut self.globals);
        if scope.len() < MAX_ITEMS {
            scope.insert(name.to_owned(), value);
        }
    }

    pub(super) fn set_global(&mut self, name: &str, value: Value) {
        self.globals.insert(name.to_owned(), value);
    }

    /// A variable of the environment.
    pub(super) fn set_environment(&mut self, name: &str, value: String) {
        variable(self.shell, name, std::slice::from_ref(&value));
        self.state.set(name, vec![value]);
    }

    pub(super) fn assign(&mut self, target: &Target, value: Value) {
        match target {
            Target::Nothing => {}
            Target::Name(name) => {
                // What a function changes of those around it, if it is not its own.
                if let Some(old) = self.find_mut(name) {
                    *old = value.clone();
                }
                self.set(name, value);
            }
            Target::List(targets) => {
                let items = match &value {
                    Value::List(items) => items.to_vec(),
                    value => vec![value.clone(); targets.len()],
                };
                for (at, target) in targets.iter().enumerate() {
                    self.assign(target, items.get(at).cloned().unwrap_or(Value::unknown()));
                }
            }
            Target::Keys(pairs) => {
                for (key, target) in pairs {
                    let member = self.member(value.clone(), key);
                    self.assign(target, member);
                }
            }
            Target::Place(node) => self.place(node, value),
        }
    }

    pub(super) fn assign_local(&mut self, target: &Target, value: Value) {
        match target {
            Target::Name(name) => self.set(name, value),
            target => self.assign(target, value),
        }
    }

    /// `a.b = c`, `a[b] = c`
    pub(super) fn place(&mut self, node: &Node, value: Value) {
        let (of, key) = match node {
            Node::Member(of, name) => (of, Value::Text(name.clone())),
            Node::Index(of, at) => (of, self.eval(at)),
            _ => return drop(self.eval(node)),
        };
        let whole = self.eval(of);
        let Some(key) = key.text() else {
            return;
        };
        match whole {
            Value::Name(name) if is_environment(&name) => {
                self.set_environment(&key, value.written());
            }
            Value::Map(pairs) => {
                let others = pairs.iter().filter(|(name, _)| *name != key);
                let mut all: Vec<_> = others.cloned().collect();
                all.push((key, value));
                self.put_back(of, Value::map(all));
            }
            Value::List(items) => {
                let mut all = items.to_vec();
                // A list has no other keys: with one it stays as it is.
                let at = key.parse::<usize>().ok();
                if let Some(item) = at.and_then(|at| all.get_mut(at)) {
                    *item = value;
                }
                self.put_back(of, Value::list(all));
            }
            Value::Name(name) if name == "$GLOBALS" => self.set(&format!("${key}"), value),
            // A function of somebody else's becomes another.
            Value::Name(whole) => {
                let does = match &value {
                    Value::Name(name) => library::find(name, self.language).is_some(),
                    value => matches!(value, Value::Function(..) | Value::Part(..)),
                };
                if does {
                    self.set_global(&format!("{whole}.{key}"), value);
                }
            }
            _ => {}
        }
    }

    /// Values are copies: what has changed goes back to where it was.
    pub(super) fn put_back(&mut self, of: &Node, value: Value) {
        match of {
            Node::Name(name) => {
                if let Some(old) = self.find_mut(name) {
                    *old = value;
                }
            }
            Node::Member(..) | Node::Index(..) => self.place(of, value),
            _ => {}
        }
    }
}

pub(super) fn is_environment(name: &str) -> bool {
    ["os.environ", "process.env", "ENV"]
        .iter()
        .any(|known| is_end_of(name, known))
}
