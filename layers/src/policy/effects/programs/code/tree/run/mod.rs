//! Code, carried out in thought: every branch, every loop a few times, and functions that nobody calls once.

mod awk;
mod branches;
mod calls;
mod growth;
mod languages;
mod loops;
mod members;
mod methods;
mod outside;
mod reflection;
mod scope;

use std::{collections::HashSet, rc::Rc};

use self::{calls::is_callable, methods::tainted};
use super::{
    Source,
    acts::library::Does,
    syntax::{self, Function, Node, Target},
    values::{Args, Around, MAX_ITEMS, Scope, Value, codes, texts},
};
use crate::policy::effects::{
    Opaque,
    programs::Address,
    shell::{Data, Shell, State},
};

/// How much is carried out of one piece of code.
const MAX_STEPS: usize = 60_000;
/// How many bytes of a text count for a step: so all texts together are bounded as well.
const BYTES: usize = 256;
/// How deep functions may call one another, and expressions stand in one another.
const MAX_DEPTH: usize = 200;

/// How a loop goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Ends,
}

/// A call that has begun.
struct Frame {
    function: *const Function,
    /// Its own scope.
    own: usize,
    around: Around,
}

/// Somebody who carries out code.
pub(super) struct Runner<'r, 'a> {
    pub(super) shell: &'r mut Shell<'a>,
    pub(super) state: &'r mut State,
    pub(super) language: &'r str,
    pub(super) stdin: Data,
    /// What it writes.
    pub(super) out: Option<String>,
    /// Within how many loops that nothing ends.
    pub(super) endless: usize,
    /// Within how many loops that go on for as long as something is there.
    pub(super) lasting: usize,
    /// Within how many loops of many rounds, and functions that call themselves.
    pub(super) often: usize,
    /// The host that was asked last.
    pub(super) remote: Option<String>,
    /// Where the last way has been opened to.
    pub(super) address: Option<Address>,
    /// Ways to other hosts have been opened.
    pub(super) is_connected: bool,
    /// A shell runs that takes what it is told.
    pub(super) has_shell: bool,
    /// A program that runs what it is told by its standard input.
    pub(super) listens: Option<String>,
    /// How often the code has started itself.
    pub(super) itself: usize,
    /// How many processes have been ended, one after the other.
    pub(super) kills: usize,
    /// Whether what it works with is there for a test alone, if anything has told.
    made_up: Option<bool>,
    /// The file in which the database is.
    pub(super) database: Option<String>,
    /// Processes are chosen by what they are.
    pub(super) is_chosen: bool,
    argv: Vec<String>,
    globals: Scope,
    /// Of all calls, for what was made in them may live on.
    scopes: Vec<Scope>,
    frames: Vec<Frame>,
    /// How often a function has called itself.
    again: usize,
    returned: Vec<Value>,
    yielded: Vec<Value>,
    /// How the innermost loop goes on.
    flow: Option<Flow>,
    /// What has been given to be called when something happens.
    handlers: Vec<Value>,
    /// Commands that are written to, and what has been written so far.
    pipes: Vec<(String, String)>,
    /// Within how much that is known not to be done.
    vain: usize,
    steps: usize,
    depth: usize,
    made: Vec<Rc<Function>>,
    called: HashSet<*const Function>,
}

impl<'r, 'a> Runner<'r, 'a> {
    pub(super) fn new(shell: &'r mut Shell<'a>, state: &'r mut State, code: &Source<'r>) -> Self {
        Self {
            shell,
            state,
            language: code.language,
            stdin: code.stdin.clone(),
            argv: code.argv.to_vec(),
            address: None,
            is_connected: false,
            has_shell: false,
            listens: None,
            itself: 0,
            kills: 0,
            is_chosen: false,
            made_up: None,
            database: None,
            out: None,
            endless: 0,
            lasting: 0,
            remote: None,
            globals: Scope::new(),
            scopes: Vec::new(),
            frames: Vec::new(),
            again: 0,
            returned: Vec::new(),
            yielded: Vec::new(),
            flow: None,
            handlers: Vec::new(),
            pipes: Vec::new(),
            vain: 0,
            often: 0,
            steps: MAX_STEPS,
            depth: 0,
            made: Vec::new(),
            called: HashSet::new(),
        }
    }

    /// All of it, and then what is only defined: somebody may call it whom nobody sees here.
    pub(super) fn all(&mut self, node: &Node) {
        self.eval(node);
        self.flow = None;
        self.close_pipes(None);
        let mut at = 0;
        while let Some(function) = self.made.get(at).cloned() {
            at += 1;
            if !self.called.contains(&Rc::as_ptr(&function)) {
                self.apply(&function, &Rc::default(), &Args::default());
            }
        }
        self.close_pipes(None);
    }

    /// Code within the code, where it stands.
    pub(super) fn code(&mut self, code: &str) -> Value {
        if self.depth >= MAX_DEPTH / 4 {
            self.shell.opaque(Opaque::TooDeep);
            return Value::unknown();
        }
        match syntax::parsed(self.shell, self.language, code) {
            Some(node) => {
                self.depth += 16;
                let value = self.eval(&node);
                self.depth -= 16;
                value
            }
            None => Value::unknown(),
        }
    }

    pub(super) fn eval(&mut self, node: &Node) -> Value {
        if self.steps == 0 {
            self.shell.opaque(Opaque::TooLong);
            return Value::unknown();
        }
        self.steps -= 1;
        if self.depth >= MAX_DEPTH {
            self.shell.opaque(Opaque::TooDeep);
            return Value::unknown();
        }
        self.depth += 1;
        let value = self.value(node);
        self.depth -= 1;
        if let Value::Text(text) = &value {
            self.charge(text.len() / BYTES);
        }
        value
    }

    /// What takes longer than others counts for as many steps.
    pub(super) fn charge(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps);
    }

    fn value(&mut self, node: &Node) -> Value {
        match node {
            Node::Nothing | Node::Break | Node::Next => Value::Nothing,
            Node::Text(text) => Value::Text(text.clone()),
            Node::Number(number) => Value::Number(*number),
            Node::Pattern(pattern) => Value::Pattern(pattern.clone()),
            Node::Name(name) => self.name(name),
            Node::Outside(name) => Value::Name(name.clone()),
            Node::Member(of, name) => {
                let of = self.eval(of);
                self.member(of, name)
            }
            Node::Index(of, at) => {
                let (of, at) = (self.eval(of), self.eval(at));
                self.index(of, &at)
            }
            Node::Slice(of, bounds) => {
                let of = self.eval(of);
                let [from, to, step] =
                    [&bounds[0], &bounds[1], &bounds[2]].map(|bound| self.eval(bound).number());
                sliced(&of, from, to, step)
            }
            Node::Call(call) => self.called(call),
            Node::List(nodes) => Value::list(self.values(nodes)),
            Node::Map(pairs) => self.map(pairs),
            Node::Spread(of) => self.eval(of),
            Node::Joined(nodes) => {
                let items: Vec<_> = nodes.iter().map(|node| self.eval(node)).collect();
                texts::joined(&items, "").unwrap_or(Value::unknown())
            }
            Node::Operation(op, terms) => self.operation(op, terms),
            Node::Function(function) => {
                self.made.push(Rc::clone(function));
                Value::Function(Rc::clone(function), self.around())
            }
            Node::Class(class) => {
                for (_, method) in &class.methods {
                    self.made.push(Rc::clone(method));
                }
                let is_done = |node: &&Node| !matches!(node, Node::Assign(_));
                self.set("this", Value::Class(Rc::clone(class)));
                for node in class.body.iter().filter(is_done) {
                    self.eval(node);
                }
                Value::Class(Rc::clone(class))
            }
            Node::Assign(assign) => {
                let (target, node) = &**assign;
                let value = self.eval(node);
                self.doubled(target, node, &value);
                self.assign(target, value.clone());
                value
            }
            Node::Each(each) => self.each(each),
            Node::While(each) => self.repeated(each),
            Node::Return(node) => {
                let value = self.eval(node);
                self.returned.push(value);
                Value::Nothing
            }
            Node::Yield(node) => {
                let is_many = matches!(&**node, Node::Spread(_));
                let value = self.eval(node);
                match value.items().filter(|_| is_many) {
                    Some(items) => self.yielded.extend(items),
                    None => self.yielded.push(value),
                }
                self.yielded.truncate(MAX_ITEMS);
                Value::unknown()
            }
            Node::If(parts) => self.decided(parts),
            Node::Block(nodes) => self.block(nodes),
            Node::Either(nodes) => {
                let values: Vec<_> = nodes.iter().map(|node| self.eval(node)).collect();
                let known = values.iter().find(|value| value.is_known());
                known.or(values.first()).cloned().unwrap_or(Value::Nothing)
            }
            Node::Shell(node) => {
                let line = self.eval(node);
                self.does("backquotes", Does::Command, &Args::of(vec![line]))
            }
        }
    }

    /// Functions can be called before they are defined.
    fn block(&mut self, nodes: &[Node]) -> Value {
        for node in nodes {
            if let Node::Assign(assign) = node
                && let (Target::Name(_), Node::Function(_) | Node::Class(_)) = &**assign
            {
                self.eval(node);
            }
        }
        let mut last = Value::Nothing;
        let mut nodes = nodes.iter();
        for node in nodes.by_ref() {
            last = self.eval(node);
            if self.flow.is_some() {
                break;
            }
        }
        self.passed_over(nodes.as_slice());
        last
    }

    fn values(&mut self, nodes: &[Node]) -> Vec<Value> {
        let mut values = Vec::new();
        for node in nodes {
            let value = self.eval(node);
            match (node, value) {
                (Node::Spread(_), Value::Map(pairs)) => values.push(Value::Map(pairs)),
                (Node::Spread(_), value) => match value.items() {
                    Some(items) => values.extend(items),
                    None => values.push(value),
                },
                (_, value) => values.push(value),
            }
            if values.len() > MAX_ITEMS {
                break;
            }
        }
        values
    }

    fn map(&mut self, nodes: &[(Node, Node)]) -> Value {
        let mut pairs = Vec::new();
        for (key, value) in nodes {
            let key = match key {
                Node::Nothing => None,
                key => Some(self.eval(key)),
            };
            let value = self.eval(value);
            match (key, value) {
                (None, Value::Map(more)) => pairs.extend(more.iter().cloned()),
                (None, value) => pairs.push((String::new(), value)),
                (Some(key), value) => pairs.push((key.written(), value)),
            }
        }
        // In JavaScript numbers come first, by their size.
        let is_numbered = pairs.iter().all(|(key, _)| key.parse::<u32>().is_ok());
        if is_numbered && matches!(self.language, "node" | "nodejs" | "bun" | "deno") {
            pairs.sort_by_key(|(key, _)| key.parse::<u32>().ok());
        }
        pairs.truncate(MAX_ITEMS);
        Value::map(pairs)
    }

    fn operation(&mut self, op: &str, terms: &[Node]) -> Value {
        let mut terms = terms.iter();
        let mut value = match terms.next() {
            Some(node) => self.eval(node),
            None => return Value::unknown(),
        };
        if op == "!" {
            return value
                .number()
                .map_or(Value::unknown(), |n| Value::bool(n == 0.0));
        }
        for node in terms {
            let right = self.eval(node);
            self.multiplied(op, &value, &right);
            for list in [&value, &right] {
                if let Value::List(items) = list {
                    self.charge(items.len());
                }
            }
            value = codes::operation(op, &value, &right);
        }
        value
    }
}

fn sliced(of: &Value, from: Option<f64>, to: Option<f64>, step: Option<f64>) -> Value {
    match of {
        Value::Text(text) => {
            let all: Vec<char> = text.chars().collect();
            let part = codes::slice(&all, from, to, step);
            part.map_or(Value::unknown(), |part| {
                Value::Text(part.into_iter().collect())
            })
        }
        Value::List(items) => {
            codes::slice(items, from, to, step).map_or(Value::unknown(), Value::list)
        }
        of => of.clone(),
    }
}
