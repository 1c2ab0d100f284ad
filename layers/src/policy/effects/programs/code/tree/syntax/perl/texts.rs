//! Texts, and what changes them.

use tree_sitter::Node as Syntax;

use super::super::{
    super::values::letters::spelled,
    lower::{Lower, children},
    node::{Node, Target},
};
use crate::policy::effects::shell::unescaped;

/// White space between the quotes and what the grammar takes for the text.
pub(super) fn spaces<'s>(lower: &Lower<'s>, node: Syntax<'_>, content: Syntax<'_>) -> [&'s str; 2] {
    let whole = lower.text(node);
    let before = whole.get(..content.start_byte() - node.start_byte());
    let before = before.unwrap_or_default();
    let after = whole.get(content.end_byte() - node.start_byte()..);
    let after = after.unwrap_or_default();
    let start = before.trim_end().len();
    let end = after.len() - after.trim_start().len();
    [
        before.get(start..).unwrap_or_default(),
        after.get(..end).unwrap_or_default(),
    ]
}

/// What is between quotes: nothing, or nothing but space.
pub(super) fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_whitespace()).collect()
}

/// A text in which variables stand. What is between them has no nodes of its own.
pub(super) fn interpolated(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let Some(content) = node.child_by_field_name("content") else {
        return Node::Text(bare(lower.text(node)));
    };
    let text = lower.text(content);
    let start = content.start_byte();
    let [before, after] = spaces(lower, node, content);
    let mut pieces = Vec::new();
    if !before.is_empty() {
        pieces.push(Node::Text(before.to_owned()));
    }
    let mut end = 0;
    for child in children(content) {
        if child.kind() == "escape_sequence" {
            continue;
        }
        let before = text
            .get(end..child.start_byte() - start)
            .unwrap_or_default();
        pieces.push(Node::Text(unescaped(&spelled(before))));
        pieces.push(lower.node(child));
        end = child.end_byte() - start;
    }
    let last = text.get(end..).unwrap_or_default();
    pieces.push(Node::Text(unescaped(&spelled(last)) + after));
    match pieces.len() {
        1 => pieces.remove(0),
        _ => Node::Joined(pieces),
    }
}

/// `tr/…/…/` and `s/…/…/`: what they are done to becomes another.
pub(super) fn changed(lower: &mut Lower<'_>, node: Syntax<'_>, of: Node) -> Node {
    let from = lower.field_text(node, "content");
    let to = children(node)
        .into_iter()
        .find(|child| child.kind() == "replacement");
    let to = Node::Text(to.map(|to| lower.text(to).to_owned()).unwrap_or_default());
    let (method, from) = match node.kind() {
        "substitution_regexp" => ("replace", Node::Pattern(from)),
        _ => ("tr", Node::Text(from)),
    };
    let place = match &of {
        Node::Name(name) => Target::Name(name.clone()),
        Node::Assign(assign) => match &assign.0 {
            Target::Name(name) => Target::Name(name.clone()),
            _ => Target::Nothing,
        },
        _ => Target::Nothing,
    };
    // With `e` it is code.
    let modifiers = lower.field_text(node, "modifiers");
    let code = modifiers
        .chars()
        .filter(|c| *c == 'e' && method == "replace");
    let to = code.fold(to, |to, _| {
        Node::call(Node::Name("eval".to_owned()), vec![to])
    });
    let value = Node::call(
        Node::Member(Box::new(of), method.to_owned()),
        vec![from, to],
    );
    Node::assign(place, value)
}
