//! Expressions.

use super::{
    MAX_LINKS, Node, Parser, Target, Token, call, name,
    places::{Place, Term},
    set, text, truth, valued,
};

/// How tight signs bind between two operands, the loosest first.
const LEVELS: &[(&str, u8)] = &[
    ("||", 0),
    ("&&", 1),
    ("~", 3),
    ("!~", 3),
    ("<", 4),
    ("<=", 4),
    ("==", 4),
    ("!=", 4),
    (">", 4),
    (">=", 4),
    ("+", 7),
    ("-", 7),
    ("*", 8),
    ("/", 8),
    ("%", 8),
];
const IN: u8 = 2;
/// `"command" | getline`
const PIPE: u8 = 5;
/// Two operands, one behind the other, are one text.
pub(super) const BESIDE: u8 = 6;

const CHANGES: &[(&str, &str)] = &[
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("/=", "/"),
    ("%=", "%"),
    ("^=", "^"),
    ("**=", "^"),
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Option<Node> {
        self.deeper(|parser| {
            let first = parser.binary(0)?;
            if !parser.take("?") {
                return Some(first);
            }
            while parser.take_line() {}
            let then = valued(parser.expression()?);
            while parser.take_line() {}
            parser.expect(":")?;
            while parser.take_line() {}
            let or = valued(parser.expression()?);
            Some(Node::If(Box::new([truth(first), then, or])))
        })
    }

    /// Operands and what stands between them, as far as it binds at least so tight.
    pub(super) fn binary(&mut self, least: u8) -> Option<Node> {
        self.deeper(|parser| {
            let mut chain = Chain::new(parser.unary()?);
            let mut links = 0;
            while let Some((sign, level)) = parser.infix().filter(|(_, level)| *level >= least) {
                links += usize::from(chain.sign != Some(sign));
                if links > MAX_LINKS {
                    parser.is_too_deep = true;
                    return None;
                }
                parser.at += usize::from(level != BESIDE);
                chain = match level {
                    IN => {
                        let array = parser.array()?;
                        Chain::new(call("in", vec![chain.node(), Node::Name(array)]))
                    }
                    PIPE => {
                        parser.at += 1;
                        let kind = text(sign);
                        Chain::new(parser.line(vec![kind, chain.node()])?)
                    }
                    _ => {
                        while matches!(sign, "&&" | "||") && parser.take_line() {}
                        let right = parser.binary(level + 1)?;
                        chain.and(sign, right)
                    }
                };
            }
            Some(chain.node())
        })
    }

    /// What comes between two operands.
    fn infix(&self) -> Option<(&'static str, u8)> {
        match self.peek()? {
            Token::Sign(">") if self.is_written => None,
            Token::Sign(sign @ ("|" | "|&")) => {
                let is_read = matches!(self.tokens.get(self.at + 1), Some(Token::Word("getline")));
                is_read.then_some((*sign, PIPE))
            }
            Token::Word("in") => Some(("in", IN)),
            Token::Sign(sign) if LEVELS.iter().any(|(known, _)| known == sign) => {
                LEVELS.iter().find(|(known, _)| known == sign).copied()
            }
            Token::Sign("$" | "(" | "++" | "--" | "@")
            | Token::Number(_)
            | Token::Text(_)
            | Token::Name(_)
            | Token::Call(_)
            | Token::Gap(_) => Some(("", BESIDE)),
            _ => None,
        }
    }

    fn unary(&mut self) -> Option<Node> {
        for (sign, op) in [("!", "!"), ("-", "neg"), ("+", "num")] {
            if self.take(sign) {
                let of = self.deeper(Self::unary)?;
                return Some(match (op, of) {
                    ("neg", Node::Number(n)) => Node::Number(-n),
                    (op, of) => call("op", vec![text(op), valued(of)]),
                });
            }
        }
        let base = self.changing()?;
        if !self.take("^") && !self.take("**") {
            return Some(base);
        }
        let power = self.deeper(Self::unary)?;
        Some(call("op", vec![text("^"), base, power]))
    }

    /// A term, and what is assigned to it.
    fn changing(&mut self) -> Option<Node> {
        for (sign, op) in [("++", "+"), ("--", "-")] {
            if self.take(sign) {
                return match self.deeper(Self::term)? {
                    Term::Place(place) => Some(self.changed(place, op, Node::Number(1.0))),
                    Term::Value(_) => None,
                };
            }
        }
        let place = match self.term()? {
            Term::Place(place) => place,
            Term::Value(value) => return Some(value),
        };
        for (sign, op, back) in [("++", "+", "-"), ("--", "-", "+")] {
            if self.take(sign) {
                let changed = self.changed(place, op, Node::Number(1.0));
                return Some(call("op", vec![text(back), changed, Node::Number(1.0)]));
            }
        }
        if self.take("=") {
            while self.take_line() {}
            let value = valued(self.expression()?);
            return Some(self.assigned(place, value));
        }
        for (sign, op) in CHANGES {
            if self.take(sign) {
                let value = valued(self.expression()?);
                return Some(self.changed(place, op, value));
            }
        }
        Some(place.value())
    }

    pub(super) fn term(&mut self) -> Option<Term> {
        let token = self.next()?;
        Some(match token {
            Token::Number(number) => Term::Value(Node::Number(number)),
            Token::Text(text) => Term::Value(Node::Text(text)),
            Token::Pattern(pattern) => Term::Value(Node::Pattern(pattern)),
            Token::Gap(mark) => Term::Value(Node::Text(mark.to_string())),
            Token::Name(name) => self.named(name)?,
            Token::Call(function) => Term::Value(self.deeper(|parser| parser.called(&function))?),
            Token::Word("getline") => Term::Value(self.line(Vec::new())?),
            Token::Sign("$") => Term::Place(Place::Field(self.deeper(Self::number_of_field)?)),
            Token::Sign("(") => Term::Value(self.grouped()?),
            // A function whose name is in a variable.
            Token::Sign("@") => match self.next()? {
                Token::Call(function) => {
                    self.names.variables.insert(function.clone());
                    let args = self.arguments()?;
                    Term::Value(Node::call(Node::Name(function), args))
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn named(&mut self, known: String) -> Option<Term> {
        if known == "length" || self.is("(") && super::calls::is_known(&known) {
            return self.deeper(|parser| parser.called(&known)).map(Term::Value);
        }
        if self.is("[") {
            let key = self.deeper(Self::key)?;
            self.names.arrays.insert(known.clone());
            self.names.variables.insert(known.clone());
            return Some(Term::Place(Place::Element(known, key)));
        }
        self.names.variables.insert(known.clone());
        Some(Term::Place(Place::Name(known)))
    }

    /// `[a, b]`, and `[a][b]`, which is the same here.
    pub(super) fn key(&mut self) -> Option<Node> {
        let is_written = std::mem::take(&mut self.is_written);
        let mut keys = Vec::new();
        while self.take("[") {
            keys.extend(self.list("]")?);
        }
        self.is_written = is_written;
        Some(joined_key(keys))
    }

    fn number_of_field(&mut self) -> Option<Node> {
        for sign in ["++", "--", "-", "+", "!"] {
            if self.is(sign) {
                return self.unary();
            }
        }
        self.term().map(Term::value)
    }

    /// In parentheses: a value, or the keys of an element that may be there.
    fn grouped(&mut self) -> Option<Node> {
        let is_written = std::mem::take(&mut self.is_written);
        let mut all = self.list(")")?;
        self.is_written = is_written;
        if all.len() > 1 {
            return self.is_word("in").then(|| joined_key(all));
        }
        all.pop().map(valued)
    }

    /// The name of an array.
    pub(super) fn array(&mut self) -> Option<String> {
        match self.next()? {
            Token::Name(array) => {
                self.names.arrays.insert(array.clone());
                self.names.variables.insert(array.clone());
                Some(array)
            }
            _ => None,
        }
    }

    /// Expressions with commas between, up to a sign.
    pub(super) fn list(&mut self, end: &str) -> Option<Vec<Node>> {
        let mut all = Vec::new();
        loop {
            while self.take_line() {}
            if self.take(end) {
                return Some(all);
            }
            all.push(self.expression()?);
            while self.take_line() {}
            if !self.take(",") && !self.is(end) {
                return None;
            }
        }
    }

    /// `getline`, of what, and into what: whether there was a line is not known.
    fn line(&mut self, mut of: Vec<Node>) -> Option<Node> {
        let is_place = matches!(self.peek(), Some(Token::Name(_) | Token::Sign("$")));
        let into = match is_place {
            true => match self.deeper(Self::term)? {
                Term::Place(place) => place,
                Term::Value(_) => return None,
            },
            false => Place::Field(Node::Number(0.0)),
        };
        if of.is_empty() && self.take("<") {
            of = vec![text("<"), self.binary(BESIDE)?];
        }
        let line = call("line", of);
        let read = match into {
            Place::Name(into) => set(&into, line),
            Place::Field(Node::Number(0.0)) => set("$0", line),
            place => self.assigned(place, line),
        };
        Some(Node::Block(vec![read, Node::Outside("?".to_owned())]))
    }
}

/// Several keys are one text.
fn joined_key(mut keys: Vec<Node>) -> Node {
    if keys.len() < 2 {
        return keys.pop().unwrap_or_else(|| text(""));
    }
    let mut all = Vec::new();
    for key in keys {
        if !all.is_empty() {
            all.push(name("SUBSEP"));
        }
        all.push(key);
    }
    Node::Joined(all)
}

/// `while ((getline line < file) > 0)` goes through all lines: into what, and of what.
pub(super) fn lines(condition: Node) -> Result<(Target, Vec<Node>), Node> {
    let is_line = |node: &Node| {
        let Node::Block(nodes) = node else {
            return false;
        };
        matches!(nodes.first(), Some(Node::Assign(assign)) if is_call(&assign.1, "awk_line"))
    };
    let line = match condition {
        node if is_line(&node) => node,
        Node::Call(mut call) if call.args.get(1).is_some_and(is_line) => call.args.swap_remove(1),
        node => return Err(node),
    };
    let Node::Block(mut nodes) = line else {
        return Err(line);
    };
    match nodes.swap_remove(0) {
        Node::Assign(assign) => match *assign {
            (target, Node::Call(call)) => Ok((target, call.args)),
            (_, node) => Err(node),
        },
        node => Err(node),
    }
}

fn is_call(node: &Node, function: &str) -> bool {
    matches!(node, Node::Call(call) if matches!(&call.function, Node::Name(name) if name == function))
}

/// Operands with the same sign between them.
struct Chain {
    sign: Option<&'static str>,
    terms: Vec<Node>,
}

impl Chain {
    fn new(first: Node) -> Self {
        Self {
            sign: None,
            terms: vec![first],
        }
    }

    fn and(mut self, sign: &'static str, right: Node) -> Self {
        if self.sign != Some(sign) || matches!(sign, "~" | "!~") {
            self = Self::new(self.node());
        }
        self.sign = Some(sign);
        self.terms.push(right);
        self
    }

    fn node(mut self) -> Node {
        match self.sign {
            None => self.terms.swap_remove(0),
            Some("") => Node::Joined(self.terms.into_iter().map(valued).collect()),
            Some("~") => call("match", self.terms),
            Some("!~") => call("op", vec![text("!"), call("match", self.terms)]),
            Some(sign) => {
                let terms = self.terms.into_iter().map(valued);
                call("op", std::iter::once(text(sign)).chain(terms).collect())
            }
        }
    }
}
