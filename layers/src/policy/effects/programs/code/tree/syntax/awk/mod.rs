//! Awk, read. No grammar of it is kept as others are, and it is small: what it says becomes calls of functions whose names
//! begin with `awk_`, which `values::awk` and `run::awk` know.

mod calls;
mod expressions;
mod places;
mod statements;
mod tokens;

use std::collections::BTreeSet;

use self::tokens::Token;
use super::{
    lower::target,
    node::{Each, Function, Node, Param, Target},
};

/// How deep expressions and statements may stand in one another.
const MAX_DEPTH: usize = 96;
/// How many links a chain of different signs may have: each stands in the next.
const MAX_LINKS: usize = 64;

/// A program that has been read.
pub(super) struct Program {
    pub(super) node: Node,
    /// Something in it could not be read.
    pub(super) is_faulty: bool,
    /// Something was deeper than is looked at.
    pub(super) is_too_deep: bool,
}

/// Reads it twice: only behind its end it is known which names are those of arrays.
pub(super) fn read(code: &str) -> Program {
    let (tokens, is_faulty) = tokens::tokens(code);
    let mut first = Parser::new(&tokens, Names::default());
    drop(first.program());
    let names = std::mem::take(&mut first.names);
    let mut parser = Parser::new(&tokens, names);
    let node = parser.program();
    Program {
        node,
        is_faulty: is_faulty || parser.is_faulty,
        is_too_deep: parser.is_too_deep,
    }
}

/// The names of a program.
#[derive(Default)]
struct Names {
    variables: BTreeSet<String>,
    arrays: BTreeSet<String>,
}

/// Reads tokens. What cannot be read is `None`.
struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    /// `>` is no comparison here.
    is_written: bool,
    /// What is known of names from the time before.
    known: Names,
    names: Names,
    /// How many values have been put aside.
    aside: usize,
    is_faulty: bool,
    is_too_deep: bool,
}

impl<'t> Parser<'t> {
    fn new(tokens: &'t [Token], known: Names) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
            is_written: false,
            known,
            names: Names::default(),
            aside: 0,
            is_faulty: false,
            is_too_deep: false,
        }
    }

    /// All its rules: those at the beginning, those for each record, and those at the end.
    fn program(&mut self) -> Node {
        let (mut functions, mut begin, mut main, mut end) = (vec![], vec![], vec![], vec![]);
        loop {
            while self.take_line() || self.take(";") {}
            let Some(token) = self.peek().cloned() else {
                break;
            };
            let start = self.at;
            let (list, rule) = match token {
                Token::Word("BEGIN" | "BEGINFILE") => {
                    self.at += 1;
                    (&mut begin, self.action())
                }
                Token::Word("END" | "ENDFILE") => {
                    self.at += 1;
                    (&mut end, self.action())
                }
                Token::Word("function" | "func") => {
                    self.at += 1;
                    (&mut functions, self.function())
                }
                // `@include "file"`
                Token::Sign("@")
                    if matches!(self.tokens.get(self.at + 2), Some(Token::Text(_))) =>
                {
                    self.at += 3;
                    continue;
                }
                _ => (&mut main, self.rule()),
            };
            match rule {
                Some(rule) => list.push(rule),
                None => self.skip(start),
            }
        }
        let mut all = self.beginning();
        all.extend(functions);
        let has_input = !main.is_empty() || !end.is_empty();
        let records = || {
            Node::Each(Box::new(Each {
                target: Target::Name("$0".to_owned()),
                over: call("records", vec![name("RS")]),
                only: Vec::new(),
                body: Node::block([counted(), main].into_iter().flatten().collect()),
            }))
        };
        if has_input {
            begin.push(records());
        }
        // Who leaves at the beginning reads nothing.
        all.push(once(Node::block(begin)));
        all.push(once(Node::block(end)));
        Node::block(all)
    }

    /// What variables are before anybody sets them.
    fn beginning(&self) -> Vec<Node> {
        const KNOWN: &[(&str, &str)] = &[
            ("FS", " "),
            ("OFS", " "),
            ("RS", "\n"),
            ("ORS", "\n"),
            ("SUBSEP", "\u{1c}"),
        ];
        let mut all: Vec<_> = KNOWN
            .iter()
            .map(|(name, text)| set(name, Node::Text((*text).to_owned())))
            .collect();
        all.push(set("NR", Node::Number(0.0)));
        all.push(set("$0", Node::Text(String::new())));
        let is_own =
            |name: &&String| !KNOWN.iter().any(|(known, _)| known == name) && *name != "NR";
        let mut seen: BTreeSet<&String> = self
            .known
            .variables
            .iter()
            .chain(&self.names.variables)
            .collect();
        seen.retain(is_own);
        for name in seen {
            let value = match name.as_str() {
                // What it is about is not known here.
                "FILENAME" | "PROCINFO" | "FNR" | "ARGC" => Node::Outside("?".to_owned()),
                name if self.known.arrays.contains(name) => Node::Map(Vec::new()),
                _ => Node::Text(String::new()),
            };
            all.push(set(name, value));
        }
        all
    }

    /// A pattern and what is done where it fits.
    fn rule(&mut self) -> Option<Node> {
        let pattern = match self.is("{") {
            true => None,
            false => Some(self.pattern()?),
        };
        let action = match self.is("{") {
            true => self.action()?,
            false => call(
                "print",
                vec![
                    text(""),
                    text(""),
                    Node::Joined(vec![name("$0"), name("ORS")]),
                ],
            ),
        };
        Some(match pattern {
            Some(pattern) => Node::If(Box::new([pattern, action, Node::Nothing])),
            None => action,
        })
    }

    fn pattern(&mut self) -> Option<Node> {
        let first = self.expression()?;
        if !self.take(",") {
            return Some(truth(first));
        }
        // From one to the other: whether a record is between them is not known.
        while self.take_line() {}
        let last = self.expression()?;
        Some(Node::Block(vec![
            truth(first),
            truth(last),
            Node::Outside("?".to_owned()),
        ]))
    }

    fn action(&mut self) -> Option<Node> {
        while self.take_line() {}
        self.block()
    }

    fn function(&mut self) -> Option<Node> {
        let (Token::Call(function) | Token::Name(function)) = self.next()? else {
            return None;
        };
        self.expect("(")?;
        let mut params = Vec::new();
        while !self.take(")") {
            while self.take(",") || self.take_line() {}
            if self.take(")") {
                break;
            }
            match self.next()? {
                Token::Name(name) => params.push(Param {
                    target: Target::Name(name),
                    default: Node::Text(String::new()),
                    is_rest: false,
                    is_named: false,
                }),
                _ => return None,
            }
        }
        let body = self.action()?;
        let made = Function {
            params,
            body,
            is_expression: false,
        };
        Some(Node::assign(
            target(Node::Name(function)),
            Node::Function(made.into()),
        ))
    }

    /// On behind what could not be read.
    fn skip(&mut self, start: usize) {
        self.is_faulty = true;
        self.at = self.at.max(start + 1);
        while let Some(token) = self.next() {
            if matches!(token, Token::Line | Token::Sign("}")) {
                break;
            }
        }
    }

    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(next)) if *next == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(next)) if *next == word)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn take_line(&mut self) -> bool {
        let is = matches!(self.peek(), Some(Token::Line));
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) -> Option<()> {
        self.take(sign).then_some(())
    }

    /// One level further in.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.is_too_deep = true;
            return None;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// A name for a value that is needed twice.
    fn put_aside(&mut self) -> String {
        self.aside += 1;
        format!("%{}", self.aside)
    }
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn name(name: &str) -> Node {
    Node::Name(name.to_owned())
}

fn set(name: &str, value: Node) -> Node {
    Node::assign(Target::Name(name.to_owned()), value)
}

/// A function of awk.
fn call(function: &str, args: Vec<Node>) -> Node {
    Node::call(Node::Name(format!("awk_{function}")), args)
}

/// Whether something is so. A pattern alone is about the record.
fn truth(node: Node) -> Node {
    match valued(node) {
        Node::Number(n) => Node::Number(n),
        node => call("op", vec![text("!!"), node]),
    }
}

/// A pattern that is no argument says whether it fits.
fn valued(node: Node) -> Node {
    match node {
        Node::Pattern(_) => call("match", vec![name("$0"), node]),
        node => node,
    }
}

/// One record more.
fn counted() -> Vec<Node> {
    vec![
        set("NR", call("count", vec![name("NR"), name("$0")])),
        set("FNR", call("in_file", vec![name("NR")])),
    ]
}

/// A round of its own, which `exit` ends.
fn once(body: Node) -> Node {
    match body {
        Node::Nothing => Node::Nothing,
        body => Node::Each(Box::new(Each {
            target: Target::Nothing,
            over: Node::List(vec![Node::Number(1.0)]),
            only: Vec::new(),
            body,
        })),
    }
}
