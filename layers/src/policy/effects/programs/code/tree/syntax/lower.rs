//! What the readers of all languages share.

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use super::{
    super::values::letters::spelled,
    node::{Class, Node, Target, While},
};
use crate::policy::effects::shell::unescaped;

/// How deep trees may be that are looked at.
const MAX_DEPTH: usize = 160;

/// Reads trees of one language.
pub(super) type Reader = fn(&mut Lower<'_>, Syntax<'_>) -> Node;

/// Somebody who reads a tree.
pub(super) struct Lower<'s> {
    source: &'s str,
    reader: Reader,
    depth: usize,
    /// Something was deeper than is looked at.
    pub(super) is_too_deep: bool,
}

impl<'s> Lower<'s> {
    pub(super) fn new(source: &'s str, reader: Reader) -> Self {
        Self {
            source,
            reader,
            depth: 0,
            is_too_deep: false,
        }
    }

    pub(super) fn node(&mut self, node: Syntax<'_>) -> Node {
        if self.depth == MAX_DEPTH {
            self.is_too_deep = true;
            return Node::Nothing;
        }
        self.depth += 1;
        let read = (self.reader)(self, node);
        self.depth -= 1;
        read
    }

    pub(super) fn text(&self, node: Syntax<'_>) -> &'s str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// A part of a node, by the name that the grammar gives it.
    pub(super) fn field(&mut self, node: Syntax<'_>, name: &str) -> Node {
        node.child_by_field_name(name)
            .map_or(Node::Nothing, |node| self.node(node))
    }

    pub(super) fn field_text(&self, node: Syntax<'_>, name: &str) -> String {
        node.child_by_field_name(name)
            .map(|node| self.text(node).to_owned())
            .unwrap_or_default()
    }

    /// All in it that is no mere sign.
    pub(super) fn all(&mut self, node: Syntax<'_>) -> Vec<Node> {
        children(node)
            .into_iter()
            .map(|child| self.node(child))
            .collect()
    }

    pub(super) fn block(&mut self, node: Syntax<'_>) -> Node {
        Node::block(self.all(node))
    }

    /// `a + b + c` is deep in the tree, and is none here.
    pub(super) fn operation(&mut self, node: Syntax<'_>) -> Node {
        let Some(op) = node
            .child_by_field_name("operator")
            .and_then(|op| operator(self.text(op)))
        else {
            return Node::Either(self.all(node));
        };
        let mut terms = Vec::new();
        let mut left = node;
        loop {
            terms.push(self.field(left, "right"));
            let Some(next) = left.child_by_field_name("left") else {
                break;
            };
            let is_same = next.kind() == node.kind()
                && next
                    .child_by_field_name("operator")
                    .is_some_and(|next| operator(self.text(next)) == Some(op));
            if !is_same {
                terms.push(self.node(next));
                break;
            }
            left = next;
        }
        terms.reverse();
        match op {
            "or" => Node::Either(terms),
            op => Node::Operation(op, terms),
        }
    }

    /// `a += b`
    pub(super) fn augmented(&mut self, node: Syntax<'_>) -> Node {
        let sign = self.field_text(node, "operator");
        let right = self.field(node, "right");
        let (Some(left), Some(op)) = (
            node.child_by_field_name("left"),
            operator(sign.trim_end_matches('=')),
        ) else {
            return right;
        };
        let value = match op {
            "or" => Node::Either(vec![self.node(left), right]),
            op => Node::Operation(op, vec![self.node(left), right]),
        };
        Node::assign(self.target(left), value)
    }

    /// What is done if something is so, and what otherwise.
    pub(super) fn condition(&mut self, node: Syntax<'_>) -> Node {
        let condition = self.field(node, "condition");
        let then = self.field(node, "consequence");
        let mut cursor = node.walk();
        let others: Vec<_> = node
            .children_by_field_name("alternative", &mut cursor)
            .collect();
        let or = others.into_iter().map(|other| self.node(other)).collect();
        Node::If(Box::new([condition, then, Node::block(or)]))
    }

    /// The value is in the field `right`, and goes to what is in `left`.
    pub(super) fn assignment(&mut self, node: Syntax<'_>, left: &str, right: &str) -> Node {
        let value = self.field(node, right);
        match node.child_by_field_name(left) {
            Some(left) => Node::assign(self.target(left), value),
            None => value,
        }
    }

    /// `for (start; condition; next) body`
    pub(super) fn counted(&mut self, node: Syntax<'_>, [start, next]: [&str; 2]) -> Node {
        let start = self.field(node, start);
        let condition = self.field(node, "condition");
        let body = Node::block(vec![self.field(node, "body"), self.field(node, next)]);
        Node::block(vec![start, repeated(condition, body)])
    }

    /// `while`, and what is repeated until something is no longer so.
    pub(super) fn repeated(&mut self, node: Syntax<'_>) -> Node {
        let condition = self.field(node, "condition");
        repeated(condition, self.field(node, "body"))
    }

    /// `a ? b : c`
    pub(super) fn choice(&mut self, node: Syntax<'_>, then: &str) -> Node {
        let condition = self.field(node, "condition");
        let (then, or) = (self.field(node, then), self.field(node, "alternative"));
        Node::If(Box::new([condition, then, or]))
    }

    /// What stands on the left of an assignment.
    pub(super) fn target(&mut self, node: Syntax<'_>) -> Target {
        target(self.node(node))
    }

    /// The pieces of a text: as they are written, with escapes, and what is put in between.
    pub(super) fn pieces(&mut self, node: Syntax<'_>, is_raw: bool) -> Node {
        let mut pieces = Vec::new();
        let mut written = String::new();
        for child in children(node) {
            match child.kind() {
                "string_content" | "string_fragment" | "escape_sequence" | "heredoc_content"
                | "nowdoc_string" => {
                    written.push_str(self.text(child));
                }
                "string_start" | "string_end" | "heredoc_start" | "heredoc_end"
                | "heredoc_beginning" => {}
                _ => {
                    pieces.push(Node::Text(said(&std::mem::take(&mut written), is_raw)));
                    pieces.push(self.node(child));
                }
            }
        }
        let last = Node::Text(said(&written, is_raw));
        if pieces.is_empty() {
            return last;
        }
        pieces.push(last);
        Node::Joined(pieces)
    }
}

fn said(written: &str, is_raw: bool) -> String {
    match is_raw || !written.contains('\\') {
        true => written.to_owned(),
        // A line that goes on, and `\u{…}`.
        false => unescaped(&unbraced(&spelled(&written.replace("\\\n", "")))),
    }
}

/// `\u{72}` is `\u0072`.
fn unbraced(text: &str) -> String {
    let mut pieces = text.split("\\u{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('}') {
            Some((digits, rest)) if digits.len() <= 6 => {
                out.push_str(&format!("\\U{digits:0>8}"));
                out.push_str(rest);
            }
            _ => out.push_str(piece),
        }
    }
    out
}

/// What something is assigned to, if it is read as an expression.
pub(super) fn target(node: Node) -> Target {
    match node {
        Node::Name(name) => Target::Name(name),
        Node::List(nodes) | Node::Block(nodes) => {
            Target::List(nodes.into_iter().map(target).collect())
        }
        Node::Spread(node) => target(*node),
        Node::Assign(assign) => assign.0,
        Node::Map(pairs) => Target::Keys(
            pairs
                .into_iter()
                .filter_map(|(key, value)| match key {
                    Node::Text(key) | Node::Name(key) => Some((key, target(value))),
                    _ => None,
                })
                .collect(),
        ),
        Node::Nothing => Target::Nothing,
        node => Target::Place(node),
    }
}

/// A loop that goes on while something is so; always, if that is nothing.
pub(super) fn repeated(condition: Node, body: Node) -> Node {
    let is_set = condition.is_nothing() || matches!(condition, Node::Number(n) if n != 0.0);
    let is_endless = is_set && !body.leaves();
    Node::While(Box::new(While {
        condition,
        body,
        is_endless,
    }))
}

/// A class of which each member has been read: those that assign a function are methods.
pub(super) fn class(name: String, members: Vec<Node>) -> Node {
    let mut class = Class {
        name: name.clone(),
        methods: Vec::new(),
        body: Vec::new(),
    };
    for member in members {
        match member {
            Node::Assign(assign) => match *assign {
                (Target::Name(name), Node::Function(function)) => {
                    class.methods.push((name, function));
                }
                (target, value) => class.body.push(Node::assign(target, value)),
            },
            other => class.body.push(other),
        }
    }
    let class = Node::Class(Rc::new(class));
    match name.is_empty() {
        true => class,
        false => Node::assign(Target::Name(name), class),
    }
}

pub(super) fn children(node: Syntax<'_>) -> Vec<Syntax<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .collect()
}

/// One way to write it in all languages.
fn operator(sign: &str) -> Option<&'static str> {
    const SAME: &[&str] = &[
        "+", "-", "*", "/", "//", "%", "**", "^", "|", "&", "<<", ">>", "<", ">", "<=", ">=", "==",
        "!=",
    ];
    if let Some(same) = SAME.iter().find(|same| **same == sign) {
        return Some(same);
    }
    Some(match sign {
        "===" | "eq" => "==",
        "!==" | "ne" => "!=",
        ">>>" => ">>",
        "." => "+",
        "x" => "*",
        "and" | "&&" | "or" | "||" | "??" | "?:" => "or",
        _ => return None,
    })
}
