//! Code as a tree that is the same for all languages. It holds what can matter for what the code does, and no more.

use std::rc::Rc;

/// An expression or a statement.
#[derive(Debug)]
pub(in super::super) enum Node {
    /// Nothing, or what cannot matter.
    Nothing,
    Text(String),
    Number(f64),
    /// A regular expression that is written as one.
    Pattern(String),
    Name(String),
    /// What an import names.
    Outside(String),
    Member(Box<Node>, String),
    /// `a[b]`
    Index(Box<Node>, Box<Node>),
    /// `a[from:to:step]`
    Slice(Box<Node>, [Box<Node>; 3]),
    Call(Box<Call>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// `*a`, `...a`: more than one in a list.
    Spread(Box<Node>),
    /// Text with something put in between.
    Joined(Vec<Node>),
    /// One after the other, from the left.
    Operation(&'static str, Vec<Node>),
    Function(Rc<Function>),
    Class(Rc<Class>),
    Assign(Box<(Target, Node)>),
    /// A loop over something; as an expression it is what its body is each time.
    Each(Box<Each>),
    While(Box<While>),
    Return(Box<Node>),
    Yield(Box<Node>),
    Break,
    /// On with the next.
    Next,
    /// What decides, what is done if so, and if not.
    If(Box<[Node; 3]>),
    /// One after the other. It is what the last is.
    Block(Vec<Node>),
    /// One of them, and nobody knows which.
    Either(Vec<Node>),
    /// What a shell is told, in backquotes.
    Shell(Box<Node>),
}

#[derive(Debug)]
pub(in super::super) struct Call {
    pub(in super::super) function: Node,
    pub(in super::super) args: Vec<Node>,
    pub(in super::super) named: Vec<(String, Node)>,
}

#[derive(Debug)]
pub(in super::super) struct Function {
    pub(in super::super) params: Vec<Param>,
    pub(in super::super) body: Node,
    /// Whether its value is that of its body, and not what it returns.
    pub(in super::super) is_expression: bool,
}

#[derive(Debug)]
pub(in super::super) struct Param {
    pub(in super::super) target: Target,
    pub(in super::super) default: Node,
    /// It takes all that is left.
    pub(in super::super) is_rest: bool,
    /// It takes all that have names.
    pub(in super::super) is_named: bool,
}

#[derive(Debug)]
pub(in super::super) struct Class {
    pub(in super::super) name: String,
    pub(in super::super) methods: Vec<(String, Rc<Function>)>,
    /// What is done where the class is made, and attributes of all.
    pub(in super::super) body: Vec<Node>,
}

#[derive(Debug)]
pub(in super::super) struct Each {
    pub(in super::super) target: Target,
    pub(in super::super) over: Node,
    /// What must be for one to count.
    pub(in super::super) only: Vec<Node>,
    pub(in super::super) body: Node,
}

#[derive(Debug)]
pub(in super::super) struct While {
    pub(in super::super) condition: Node,
    pub(in super::super) body: Node,
    /// Nothing in it ends it.
    pub(in super::super) is_endless: bool,
}

/// What something is assigned to.
#[derive(Debug)]
pub(in super::super) enum Target {
    Nothing,
    Name(String),
    List(Vec<Target>),
    Keys(Vec<(String, Target)>),
    Place(Node),
}

impl Target {
    fn names(&self, names: &mut Vec<String>) {
        match self {
            Self::Name(name) => names.push(name.clone()),
            Self::List(targets) => targets.iter().for_each(|target| target.names(names)),
            Self::Keys(pairs) => pairs.iter().for_each(|(_, target)| target.names(names)),
            Self::Place(Node::Member(of, _) | Node::Index(of, _)) => {
                if let Node::Name(name) = &**of {
                    names.push(name.clone());
                }
            }
            Self::Place(_) | Self::Nothing => {}
        }
    }
}

impl Node {
    /// `a + a`, `a * 2`: whether something is put together out of more than one of a variable.
    pub(in super::super) fn doubles(&self, name: &str) -> bool {
        let is_it = |node: &Self| matches!(node, Self::Name(of) if of == name);
        match self {
            Self::Operation("+", terms) => terms.iter().filter(|term| is_it(term)).count() > 1,
            Self::Operation("*", terms) => {
                terms.iter().any(is_it)
                    && terms
                        .iter()
                        .any(|term| matches!(term, Self::Number(n) if *n >= 2.0))
            }
            _ => false,
        }
    }

    pub(in super::super) fn call(function: Self, args: Vec<Self>) -> Self {
        Self::Call(Box::new(Call {
            function,
            args,
            named: Vec::new(),
        }))
    }

    pub(in super::super) fn assign(target: Target, value: Self) -> Self {
        Self::Assign(Box::new((target, value)))
    }

    pub(in super::super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Several as one; one is itself.
    pub(in super::super) fn block(mut nodes: Vec<Self>) -> Self {
        nodes.retain(|node| !node.is_nothing());
        match nodes.len() {
            0 => Self::Nothing,
            1 => nodes.remove(0),
            _ => Self::Block(nodes),
        }
    }

    /// Everything in it, at all depths.
    pub(in super::super) fn visit(&self, seen: &mut dyn FnMut(&Self)) {
        seen(self);
        match self {
            Self::Member(of, _)
            | Self::Spread(of)
            | Self::Return(of)
            | Self::Yield(of)
            | Self::Shell(of) => {
                of.visit(seen);
            }
            Self::Index(of, at) => {
                of.visit(seen);
                at.visit(seen);
            }
            Self::Slice(of, bounds) => {
                of.visit(seen);
                bounds.iter().for_each(|bound| bound.visit(seen));
            }
            Self::Call(call) => {
                call.function.visit(seen);
                call.args.iter().for_each(|arg| arg.visit(seen));
                call.named.iter().for_each(|(_, arg)| arg.visit(seen));
            }
            Self::List(nodes)
            | Self::Joined(nodes)
            | Self::Operation(_, nodes)
            | Self::Block(nodes)
            | Self::Either(nodes) => nodes.iter().for_each(|node| node.visit(seen)),
            Self::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                key.visit(seen);
                value.visit(seen);
            }),
            Self::If(parts) => parts.iter().for_each(|part| part.visit(seen)),
            Self::Assign(assign) => assign.1.visit(seen),
            Self::Each(each) => {
                each.over.visit(seen);
                each.body.visit(seen);
            }
            Self::While(each) => {
                each.condition.visit(seen);
                each.body.visit(seen);
            }
            _ => {}
        }
    }

    /// The names of what it changes.
    pub(in super::super) fn changes(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit(&mut |node| match node {
            Self::Assign(assign) => assign.0.names(&mut names),
            Self::Call(call) => {
                if let Self::Member(of, _) = &call.function
                    && let Self::Name(name) = &**of
                {
                    names.push(name.clone());
                }
            }
            _ => {}
        });
        names
    }

    /// Whether a loop with this body may come to an end.
    pub(in super::super) fn leaves(&self) -> bool {
        match self {
            Self::Break | Self::Return(_) => true,
            Self::Block(nodes) | Self::Either(nodes) => nodes.iter().any(Self::leaves),
            Self::If(parts) => parts.iter().any(Self::leaves),
            Self::Each(each) => each.body.leaves(),
            Self::Call(call) => match &call.function {
                Self::Name(name) | Self::Member(_, name) => {
                    matches!(
                        name.as_str(),
                        "exit" | "_exit" | "wait" | "waitpid" | "accept" | "sleep" | "join" | "die"
                    )
                }
                _ => false,
            },
            Self::Assign(assign) => assign.1.leaves(),
            _ => false,
        }
    }
}
