//! Calls: of awk's functions, and of the program's own.

use super::{
    Node, Parser, Target, Token, call, name,
    places::{Place, Term},
    set, text,
};

/// What has been changed by somebody who was given it.
const GIVEN: &str = "given()";

/// Whether it is one of awk's own functions.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || matches!(
            name,
            "sub" | "gsub" | "split" | "patsplit" | "asort" | "asorti" | "match"
        )
}

impl Parser<'_> {
    /// A call; its name has been read.
    pub(super) fn called(&mut self, function: &str) -> Option<Node> {
        if function == "length" && !self.is("(") {
            return Some(call("length", vec![name("$0")]));
        }
        match function {
            "sub" | "gsub" => return self.replaced(function),
            "split" | "patsplit" => return self.divided(),
            "asort" | "asorti" | "match" => return self.filled(function),
            _ => {}
        }
        let arrays = self.arrays_given();
        let mut args = self.arguments()?;
        if !KNOWN.contains(&function) {
            let called = Node::call(Node::Name(function.to_owned()), args);
            return Some(self.given(called, &arrays));
        }
        if function == "length" && args.is_empty() {
            args.push(name("$0"));
        }
        Some(call(function, args))
    }

    pub(super) fn arguments(&mut self) -> Option<Vec<Node>> {
        self.expect("(")?;
        let is_written = std::mem::take(&mut self.is_written);
        let args = self.deeper(|parser| parser.list(")"));
        self.is_written = is_written;
        args
    }

    /// Arrays that stand alone among the arguments: a function may change them.
    fn arrays_given(&self) -> Vec<String> {
        let mut arrays = Vec::new();
        for window in self
            .tokens
            .get(self.at..)
            .unwrap_or_default()
            .windows(3)
            .take(64)
        {
            match window {
                [
                    Token::Sign("(" | ","),
                    Token::Name(name),
                    Token::Sign("," | ")"),
                ] if self.known.arrays.contains(name) => {
                    arrays.push(name.clone());
                }
                [Token::Line | Token::Sign("{" | "}"), ..] => break,
                _ => {}
            }
        }
        arrays
    }

    fn given(&mut self, called: Node, arrays: &[String]) -> Node {
        if arrays.is_empty() {
            return called;
        }
        let kept = self.put_aside();
        let mut all = vec![set(&kept, called)];
        all.extend(
            arrays
                .iter()
                .map(|array| set(array, Node::Outside(GIVEN.to_owned()))),
        );
        all.push(Node::Name(kept));
        Node::Block(all)
    }

    /// `sub(pattern, text, place)`: how often it fits is not known.
    fn replaced(&mut self, function: &str) -> Option<Node> {
        self.expect("(")?;
        let is_written = std::mem::take(&mut self.is_written);
        let pattern = self.expression()?;
        self.expect(",")?;
        let to = self.expression()?;
        let place = match self.take(",") {
            true => {
                let start = self.at;
                match self.deeper(Self::term)? {
                    Term::Place(place) if self.is(")") => place,
                    // Of no place nothing comes.
                    _ => {
                        self.at = start;
                        self.expression()?;
                        Place::Name("%".to_owned())
                    }
                }
            }
            false => Place::Field(Node::Number(0.0)),
        };
        self.expect(")")?;
        self.is_written = is_written;
        let (first, [old, new]) = self.fixed(place);
        let value = call(function, vec![pattern, to, old.value()]);
        let changed = self.assigned(new, value);
        let mut all: Vec<Node> = first.into_iter().collect();
        all.extend([changed, Node::Outside("?".to_owned())]);
        Some(Node::Block(all))
    }

    /// `split(text, array, by)`
    fn divided(&mut self) -> Option<Node> {
        self.expect("(")?;
        let of = self.expression()?;
        self.expect(",")?;
        let array = self.array()?;
        let by = match self.take(",") {
            true => self.expression()?,
            false => name("FS"),
        };
        while !self.take(")") {
            self.expect(",")?;
            self.expression()?;
        }
        let divided = set(&array, call("split", vec![of, by]));
        Some(Node::Block(vec![
            divided,
            call("length", vec![Node::Name(array)]),
        ]))
    }

    /// Functions that fill an array, with what is not known here.
    fn filled(&mut self, function: &str) -> Option<Node> {
        let start = self.at;
        let args = self.arguments()?;
        let last = self.tokens.get(start..self.at)?.iter().rev().nth(1);
        let mut all = Vec::new();
        if let Some(Token::Name(array)) = last
            && (function != "match" || args.len() > 2)
        {
            self.names.arrays.insert(array.clone());
            let filled = Node::Outside(format!("{function}()"));
            all.push(Node::assign(Target::Name(array.clone()), filled));
        }
        if function == "match" {
            let mut args = args.into_iter();
            let (of, pattern) = (args.next()?, args.next()?);
            let found = self.put_aside();
            all.push(set(&found, call("find", vec![of, pattern])));
            for (at, known) in ["RSTART", "RLENGTH"].iter().enumerate() {
                self.names.variables.insert((*known).to_owned());
                let at = Node::Text((at + 1).to_string());
                all.push(set(known, call("at", vec![Node::Name(found.clone()), at])));
            }
            all.push(name("RSTART"));
        } else {
            all.push(Node::Outside("?".to_owned()));
        }
        Some(Node::Block(all))
    }

    /// `print`, with where it goes.
    pub(super) fn printed(&mut self, is_formatted: bool) -> Option<Node> {
        let is_list = self.is("(") && self.is_whole_list();
        let args = match is_list {
            true => self.arguments()?,
            false => self.bare_list()?,
        };
        let (how, to) = match self.peek() {
            Some(Token::Sign(how @ (">" | ">>" | "|" | "|&"))) => {
                self.at += 1;
                let is_written = std::mem::replace(&mut self.is_written, true);
                let to = self.binary(super::expressions::BESIDE);
                self.is_written = is_written;
                (*how, to?)
            }
            _ => ("", text("")),
        };
        let written = match is_formatted {
            true => call("sprintf", args),
            false => {
                let mut all = Vec::new();
                for arg in args {
                    if !all.is_empty() {
                        all.push(name("OFS"));
                    }
                    all.push(super::valued(arg));
                }
                if all.is_empty() {
                    all.push(name("$0"));
                }
                all.push(name("ORS"));
                Node::Joined(all)
            }
        };
        Some(call("print", vec![text(how), to, written]))
    }

    /// Whether the parenthesis here is around all that is printed.
    fn is_whole_list(&self) -> bool {
        let mut depth = 0_usize;
        let mut tokens = self.tokens.get(self.at..).unwrap_or_default().iter();
        for token in tokens.by_ref() {
            match token {
                Token::Sign("(") | Token::Call(_) => {
                    depth += usize::from(matches!(token, Token::Sign(_)));
                }
                Token::Sign(")") => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        matches!(
            tokens.next(),
            None | Some(Token::Line | Token::Sign(";" | "}" | ">" | ">>" | "|" | "|&"))
        )
    }

    fn bare_list(&mut self) -> Option<Vec<Node>> {
        let mut all = Vec::new();
        let is_end = |parser: &Self| {
            matches!(
                parser.peek(),
                None | Some(Token::Line | Token::Sign(";" | "}" | ">" | ">>" | "|" | "|&"))
            )
        };
        if is_end(self) {
            return Some(all);
        }
        let is_written = std::mem::replace(&mut self.is_written, true);
        loop {
            all.push(self.expression()?);
            if !self.take(",") {
                break;
            }
            while self.take_line() {}
        }
        self.is_written = is_written;
        Some(all)
    }
}

/// Functions of the language.
const KNOWN: &[&str] = &[
    "and", "atan2", "close", "compl", "cos", "exp", "fflush", "gensub", "index", "int", "isarray",
    "length", "log", "lshift", "mktime", "or", "rand", "rshift", "sin", "sprintf", "sqrt", "srand",
    "strftime", "strtonum", "substr", "system", "systime", "tolower", "toupper", "typeof", "xor",
];
