//! Perl, read.

mod calls;
mod texts;

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use self::{
    calls::{arguments, call, flat},
    texts::{bare, changed, interpolated, spaces},
};
use super::{
    lower::{Lower, children, repeated},
    node::{Each, Function, Node, Param, Target},
};

pub(super) fn read(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "comment" | "pod" | "use_statement" | "package_statement" | "eof_marker" | "prototype"
        | "heredoc_content" | "data_section" => Node::Nothing,
        "scalar" | "array" | "hash" | "glob" => {
            let name = lower.text(node).replace(['{', '}'], "");
            match name.strip_prefix('@').filter(|of| of.starts_with('$')) {
                // What a reference leads to.
                Some(of) => Node::Spread(Box::new(Node::Name(of.to_owned()))),
                None => Node::Name(name),
            }
        }
        // Functions that take what the loop is about, if nothing is said.
        "function" | "bareword" if matches!(lower.text(node), "unlink" | "rmdir") => {
            let function = Node::Name(lower.text(node).to_owned());
            Node::call(function, vec![Node::Name("$_".to_owned())])
        }
        "bareword" | "package" | "filehandle" => Node::Name(lower.text(node).replace("::", ".")),
        "autoquoted_bareword" => Node::Text(lower.text(node).to_owned()),
        "string_literal" => match node.child_by_field_name("content") {
            Some(content) => {
                let [before, after] = spaces(lower, node, content);
                Node::Text(format!("{before}{}{after}", lower.text(content)))
            }
            None => Node::Text(bare(lower.text(node))),
        },
        "interpolated_string_literal" => interpolated(lower, node),
        "command_string" => Node::Shell(Box::new(interpolated(lower, node))),
        "quoted_word_list" => {
            let words = lower.field_text(node, "content");
            let words = words
                .split_whitespace()
                .map(|word| Node::Text(word.to_owned()));
            Node::List(words.collect())
        }
        "number" => super::number(lower.text(node)),
        "quoted_regexp" | "match_regexp" => Node::Pattern(lower.field_text(node, "content")),
        "list_expression" => Node::List(flat(lower.all(node))),
        // A list of its own: it stays one in another.
        "anonymous_array_expression" => {
            let items = flat(lower.all(node));
            Node::Block(vec![Node::List(items)])
        }
        "parenthesized_expression" => match lower.block(node) {
            Node::Nothing => Node::List(Vec::new()),
            inner => inner,
        },
        "anonymous_hash_expression" => pairs(lower.block(node)),
        "variable_declaration" => {
            let mut cursor = node.walk();
            let names: Vec<_> = node
                .children_by_field_name("variables", &mut cursor)
                .collect();
            match names.is_empty() {
                true => lower.field(node, "variable"),
                false => Node::List(names.into_iter().map(|name| lower.node(name)).collect()),
            }
        }
        "assignment_expression" => assignment(lower, node),
        "array_element_expression" => element(lower, node, "array", "index", '@'),
        "hash_element_expression" => element(lower, node, "hash", "key", '%'),
        "function_call_expression"
        | "ambiguous_function_call_expression"
        | "func1op_call_expression"
        | "func0op_call_expression" => call(lower, node),
        "method_call_expression" => {
            let invocant = lower.field(node, "invocant");
            let method = lower.field_text(node, "method");
            let args = arguments(lower, node);
            Node::call(Node::Member(Box::new(invocant), method), args)
        }
        "coderef_call_expression" => {
            let function = children(node)
                .first()
                .map_or(Node::Nothing, |function| lower.node(*function));
            let args = arguments(lower, node);
            Node::call(function, args)
        }
        "anonymous_subroutine_expression" => sub(lower, node),
        "subroutine_declaration_statement" | "method_declaration_statement" => {
            let name = lower.field_text(node, "name");
            Node::assign(Target::Name(name), sub(lower, node))
        }
        "array_deref_expression" => Node::Spread(Box::new(lower.block(node))),
        "eval_expression" => match children(node).first() {
            Some(block) if block.kind() == "block" => lower.node(*block),
            _ => Node::call(Node::Name("eval".to_owned()), lower.all(node)),
        },
        "require_expression" => Node::call(Node::Name("require".to_owned()), lower.all(node)),
        "readline_expression" => {
            let from = lower.block(node);
            Node::call(Node::Member(Box::new(from), "read".to_owned()), Vec::new())
        }
        "fileglob_expression" => {
            let pattern = lower.field(node, "content");
            Node::call(Node::Name("glob".to_owned()), vec![pattern])
        }
        "transliteration_expression" | "substitution_regexp" => {
            let it = Node::Name("$_".to_owned());
            changed(lower, node, it)
        }
        "binary_expression" => binary(lower, node),
        "equality_expression" | "relational_expression" => lower.operation(node),
        "unary_expression" => {
            let operand = lower.field(node, "operand");
            match (lower.field_text(node, "operator").as_str(), operand) {
                ("-", Node::Number(n)) => Node::Number(-n),
                (_, operand) => operand,
            }
        }
        "postinc_expression" | "preinc_expression" => match lower.field(node, "operand") {
            Node::Name(name) => {
                let value = vec![Node::Name(name.clone()), Node::Number(1.0)];
                Node::assign(Target::Name(name), Node::Operation("+", value))
            }
            operand => operand,
        },
        "for_statement" | "postfix_for_expression" => each(lower, node),
        "map_grep_expression" => map(lower, node),
        "loop_statement" | "postfix_loop_expression" | "cstyle_for_statement" => {
            looped(lower, node)
        }
        "conditional_statement"
        | "conditional_expression"
        | "lowprec_logical_expression"
        | "logical_not_expression"
        | "elsif"
        | "try_statement" => Node::Either(lower.all(node)),
        "return_expression" => Node::Return(Box::new(lower.block(node))),
        "loopex_expression" => match lower.text(node).starts_with("last") {
            true => Node::Break,
            false => Node::Next,
        },
        "postfix_conditional_expression" => {
            let then = children(node)
                .first()
                .map_or(Node::Nothing, |then| lower.node(*then));
            let condition = lower.field(node, "condition");
            match lower.text(node).contains(" unless ") {
                true => Node::Either(vec![condition, then]),
                false => Node::If(Box::new([condition, then, Node::Nothing])),
            }
        }
        _ => lower.block(node),
    }
}

/// `a => b, c => d`
fn pairs(node: Node) -> Node {
    let Node::List(nodes) = node else {
        return Node::Map(Vec::new());
    };
    let mut pairs = Vec::new();
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        pairs.push((key, value));
    }
    Node::Map(pairs)
}

fn assignment(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let Some(left) = node.child_by_field_name("left") else {
        return Node::Nothing;
    };
    if lower.field_text(node, "operator") != "=" {
        return lower.augmented(node);
    }
    let value = lower.field(node, "right");
    match (lower.target(left), value) {
        (Target::Name(name), value) if name.starts_with('%') => {
            Node::assign(Target::Name(name), pairs(value))
        }
        (Target::Name(name), value)
            if name.starts_with('@')
                && !matches!(
                    value,
                    Node::List(_) | Node::Call(_) | Node::Name(_) | Node::Each(_)
                ) =>
        {
            Node::assign(Target::Name(name), Node::List(vec![value]))
        }
        (target, value) => Node::assign(target, value),
    }
}

/// `$a[0]` is of `@a`, `$h{x}` of `%h`; others are behind an arrow.
fn element(lower: &mut Lower<'_>, node: Syntax<'_>, of: &str, key: &str, sigil: char) -> Node {
    let key = Box::new(lower.field(node, key));
    let whole = match node.child_by_field_name(of) {
        Some(variable) => match lower.text(variable).trim_start_matches('$') {
            "ENV" => Node::Name("ENV".to_owned()),
            name => Node::Name(format!("{sigil}{name}")),
        },
        None => children(node)
            .first()
            .map_or(Node::Nothing, |of| lower.node(*of)),
    };
    Node::Index(Box::new(whole), key)
}

/// A sub has what it is given in `@_`.
fn sub(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    Node::Function(Rc::new(Function {
        params: vec![Param {
            target: Target::Name("@_".to_owned()),
            default: Node::Nothing,
            is_rest: true,
            is_named: false,
        }],
        body: lower.field(node, "body"),
        is_expression: true,
    }))
}

fn binary(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    if lower.field_text(node, "operator") != "=~" {
        return lower.operation(node);
    }
    let left = lower.field(node, "left");
    match node.child_by_field_name("right") {
        Some(right)
            if matches!(
                right.kind(),
                "transliteration_expression" | "substitution_regexp"
            ) =>
        {
            changed(lower, right, left)
        }
        _ => left,
    }
}

fn each(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let target = match node.child_by_field_name("variable") {
        Some(variable) => lower.target(variable),
        None => Target::Name("$_".to_owned()),
    };
    let over = listed(lower.field(node, "list"));
    let body = match node.child_by_field_name("block") {
        Some(block) => lower.node(block),
        None => children(node)
            .first()
            .map_or(Node::Nothing, |body| lower.node(*body)),
    };
    Node::Each(Box::new(Each {
        target,
        over,
        only: Vec::new(),
        body,
    }))
}

/// One value is a list of one.
fn listed(node: Node) -> Node {
    match node {
        Node::Text(_) | Node::Joined(_) | Node::Number(_) => Node::List(vec![node]),
        node => node,
    }
}

fn map(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let callback = lower.field(node, "callback");
    let over = listed(lower.field(node, "list"));
    let it = Node::Name("$_".to_owned());
    let (only, body) = match lower.text(node).starts_with("grep") {
        true => (vec![callback], it),
        false => (Vec::new(), callback),
    };
    Node::Each(Box::new(Each {
        target: Target::Name("$_".to_owned()),
        over,
        only,
        body,
    }))
}

fn looped(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let start = lower.field(node, "initialiser");
    let condition = lower.field(node, "condition");
    let body = match node.child_by_field_name("block") {
        Some(block) => lower.node(block),
        None => children(node)
            .first()
            .map_or(Node::Nothing, |body| lower.node(*body)),
    };
    let is_fork = |node: &Node| matches!(node, Node::Call(call) if matches!(&call.function, Node::Name(name) if name == "fork"));
    // Who makes processes as long as there are some makes them without end.
    let condition = if is_fork(&condition) {
        Node::Number(1.0)
    } else {
        condition
    };
    let body = Node::block(vec![body, lower.field(node, "iterator")]);
    let each = repeated(condition, body);
    Node::block(vec![start, each])
}
