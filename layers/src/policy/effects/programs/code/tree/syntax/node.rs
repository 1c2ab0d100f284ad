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

impl Node {
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
