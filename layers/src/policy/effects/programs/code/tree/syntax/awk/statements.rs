//! Statements.

use super::{Each, Node, Parser, Target, Token, call, expressions::lines, set, truth, valued};
use crate::policy::effects::programs::code::tree::syntax::lower::repeated;

impl Parser<'_> {
    /// `{ … }`
    pub(super) fn block(&mut self) -> Option<Node> {
        self.deeper(|parser| {
            parser.expect("{")?;
            let mut all = Vec::new();
            loop {
                while parser.take_line() || parser.take(";") {}
                if parser.take("}") {
                    return Some(Node::block(all));
                }
                all.push(parser.statement()?);
            }
        })
    }

    fn statement(&mut self) -> Option<Node> {
        self.deeper(Self::one)
    }

    fn one(&mut self) -> Option<Node> {
        if self.is("{") {
            return self.block();
        }
        if self.take(";") {
            return Some(Node::Nothing);
        }
        let word = match self.peek()? {
            Token::Word(word) if *word != "getline" => *word,
            _ => {
                let value = self.expression()?;
                return self.ended(valued(value));
            }
        };
        self.at += 1;
        match word {
            "if" => self.condition(),
            "while" => {
                let condition = self.in_parentheses()?;
                let body = self.body()?;
                Some(match lines(condition) {
                    Ok((target, of)) => Node::Each(Box::new(Each {
                        target,
                        over: call("lines", of),
                        only: Vec::new(),
                        body,
                    })),
                    Err(condition) => repeated(truth(condition), body),
                })
            }
            "do" => {
                let body = self.body()?;
                while self.take_line() || self.take(";") {}
                self.take_word("while").then_some(())?;
                let condition = self.in_parentheses()?;
                self.ended(repeated(truth(condition), body))
            }
            "for" => self.counted(),
            "switch" => self.switched(),
            "print" | "printf" => {
                let printed = self.printed(word == "printf")?;
                self.ended(printed)
            }
            "break" => self.ended(always(Node::Break)),
            "continue" | "next" | "nextfile" => self.ended(always(Node::Next)),
            "exit" => {
                let value = self.value_behind()?;
                self.ended(Node::block(vec![value, always(Node::Break)]))
            }
            "return" => {
                let value = self.value_behind()?;
                self.ended(Node::Return(Box::new(value)))
            }
            "delete" => {
                let deleted = self.deleted()?;
                self.ended(deleted)
            }
            _ => None,
        }
    }

    /// The end of a statement: a sign of it, or what closes the block.
    fn ended(&mut self, node: Node) -> Option<Node> {
        match self.peek() {
            None | Some(Token::Sign("}")) => Some(node),
            Some(Token::Line | Token::Sign(";")) => {
                self.at += 1;
                Some(node)
            }
            _ => None,
        }
    }

    fn value_behind(&mut self) -> Option<Node> {
        match self.peek() {
            None | Some(Token::Line | Token::Sign(";" | "}")) => Some(Node::Nothing),
            _ => self.expression().map(valued),
        }
    }

    fn in_parentheses(&mut self) -> Option<Node> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Some(condition)
    }

    fn body(&mut self) -> Option<Node> {
        while self.take_line() {}
        self.statement()
    }

    fn condition(&mut self) -> Option<Node> {
        let condition = truth(self.in_parentheses()?);
        let then = self.body()?;
        let start = self.at;
        while self.take_line() || self.take(";") {}
        let or = match self.take_word("else") {
            true => self.body()?,
            false => {
                self.at = start;
                Node::Nothing
            }
        };
        Some(Node::If(Box::new([condition, then, or])))
    }

    /// `for (a; b; c)`, or `for (key in array)`.
    fn counted(&mut self) -> Option<Node> {
        self.expect("(")?;
        let ahead = self.tokens.get(self.at..self.at + 4);
        if let Some(
            [
                Token::Name(key),
                Token::Word("in"),
                Token::Name(array),
                Token::Sign(")"),
            ],
        ) = ahead
        {
            self.at += 4;
            self.names.variables.insert(key.clone());
            self.names.variables.insert(array.clone());
            self.names.arrays.insert(array.clone());
            let array = match array.as_str() {
                "ARGV" => "$argv",
                array => array,
            };
            return Some(Node::Each(Box::new(Each {
                target: Target::Name(key.clone()),
                over: call("keys", vec![super::name(array)]),
                only: Vec::new(),
                body: self.body()?,
            })));
        }
        // Of an array in an array: whatever is in it.
        if let Some(
            [
                Token::Name(key),
                Token::Word("in"),
                Token::Name(_),
                Token::Sign("["),
            ],
        ) = ahead
        {
            self.at += 3;
            self.names.variables.insert(key.clone());
            let inner = self.key()?;
            self.expect(")")?;
            let over = Node::Block(vec![inner, Node::Outside("?".to_owned())]);
            return Some(Node::Each(Box::new(Each {
                target: Target::Name(key.clone()),
                over,
                only: Vec::new(),
                body: self.body()?,
            })));
        }
        let mut parts = [Node::Nothing, Node::Nothing, Node::Nothing];
        for (part, end) in parts.iter_mut().zip([";", ";", ")"]) {
            while self.take_line() {}
            if !self.is(end) {
                *part = self.expression()?;
            }
            while self.take_line() {}
            self.expect(end)?;
        }
        let [start, condition, next] = parts;
        let body = self.body()?;
        let condition = match condition {
            Node::Nothing => Node::Nothing,
            condition => truth(condition),
        };
        Some(Node::block(vec![
            start,
            repeated(condition, Node::block(vec![body, next])),
        ]))
    }

    /// Whichever case it is.
    fn switched(&mut self) -> Option<Node> {
        let of = self.in_parentheses()?;
        while self.take_line() {}
        self.expect("{")?;
        let mut all = vec![of];
        loop {
            while self.take_line() || self.take(";") || self.take(":") {}
            if self.take("}") {
                return Some(Node::Either(all));
            }
            match self.peek()? {
                Token::Word("default" | "break") => self.at += 1,
                Token::Word("case") => {
                    self.at += 1;
                    all.push(self.unary_case()?);
                }
                _ => all.push(self.statement()?),
            }
        }
    }

    fn unary_case(&mut self) -> Option<Node> {
        self.binary(super::expressions::BESIDE).map(valued)
    }

    fn deleted(&mut self) -> Option<Node> {
        let array = self.array()?;
        let rest = match self.is("[") {
            true => {
                let key = self.key()?;
                call("without", vec![super::name(&array), key])
            }
            false => Node::Map(Vec::new()),
        };
        Some(set(&array, rest))
    }
}

/// What is done in any case.
fn always(node: Node) -> Node {
    Node::If(Box::new([Node::Number(1.0), node, Node::Nothing]))
}
