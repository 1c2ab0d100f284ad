//! Ruby, read.

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use super::{
    lower::{Lower, children, repeated, target},
    node::{Call, Each, Function, Node, Param, Target},
};

pub(super) fn read(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "comment" | "nil" | "empty_statement" | "heredoc_body" | "undef" | "alias" => Node::Nothing,
        "heredoc_beginning" => heredoc(lower, node),
        // Methods that are called by their name alone.
        "identifier" => match lower.text(node) {
            name @ ("fork" | "gets" | "abort") => {
                Node::call(Node::Name(name.to_owned()), Vec::new())
            }
            name => Node::Name(name.to_owned()),
        },
        "constant" | "global_variable" => Node::Name(lower.text(node).to_owned()),
        "self" => Node::Name("this".to_owned()),
        "instance_variable" | "class_variable" => {
            let name = lower.text(node).trim_start_matches('@').to_owned();
            Node::Member(Box::new(Node::Name("this".to_owned())), name)
        }
        "string" | "bare_string" | "chained_string" | "delimited_symbol" | "bare_symbol" => {
            lower.pieces(node, false)
        }
        "subshell" => Node::Shell(Box::new(lower.pieces(node, false))),
        "simple_symbol" => Node::Text(lower.text(node).trim_start_matches(':').to_owned()),
        "character" => Node::Text(lower.text(node).trim_start_matches('?').to_owned()),
        "hash_key_symbol" => Node::Text(lower.text(node).to_owned()),
        "regex" => Node::Pattern(lower.text(node).trim_matches('/').to_owned()),
        "integer" | "float" => super::number(lower.text(node)),
        "true" => Node::Number(1.0),
        "false" => Node::Number(0.0),
        "file" => Node::Name("__FILE__".to_owned()),
        "array"
        | "string_array"
        | "symbol_array"
        | "left_assignment_list"
        | "right_assignment_list"
        | "destructured_left_assignment" => Node::List(lower.all(node)),
        "splat_argument" | "rest_assignment" | "hash_splat_argument" => {
            Node::Spread(Box::new(lower.block(node)))
        }
        "hash" => hash(lower, node),
        "element_reference" => {
            let object = lower.field(node, "object");
            let index = children(node).get(1).map(|index| lower.node(*index));
            Node::Index(Box::new(object), Box::new(index.unwrap_or(Node::Nothing)))
        }
        "scope_resolution" => {
            let name = lower.field_text(node, "name");
            match lower.field(node, "scope") {
                Node::Nothing => Node::Name(name),
                scope => Node::Member(Box::new(scope), name),
            }
        }
        "call" => call(lower, node),
        "lambda" => block(lower, node),
        "method" | "singleton_method" => {
            let name = lower.field_text(node, "name");
            Node::assign(Target::Name(name), block(lower, node))
        }
        "class" | "module" => class(lower, node),
        "assignment" => lower.assignment(node, "left", "right"),
        "operator_assignment" => lower.augmented(node),
        "range" => {
            let (start, end) = (lower.field(node, "begin"), lower.field(node, "end"));
            let end = match lower.field_text(node, "operator").as_str() {
                ".." => Node::Operation("+", vec![end, Node::Number(1.0)]),
                _ => end,
            };
            Node::call(Node::Name("range".to_owned()), vec![start, end])
        }
        "return" => Node::Return(Box::new(lower.block(node))),
        "break" => Node::Break,
        "next" => Node::Next,
        "yield" => Node::call(Node::Name("block_given".to_owned()), lower.all(node)),
        "if" | "if_modifier" => {
            let condition = lower.field(node, "condition");
            let then = match node.kind() {
                "if" => lower.field(node, "consequence"),
                _ => lower.field(node, "body"),
            };
            Node::If(Box::new([
                condition,
                then,
                lower.field(node, "alternative"),
            ]))
        }
        "for" => Node::Each(Box::new(Each {
            target: match node.child_by_field_name("pattern") {
                Some(pattern) => lower.target(pattern),
                None => Target::Nothing,
            },
            over: lower.field(node, "value"),
            only: Vec::new(),
            body: lower.field(node, "body"),
        })),
        "while" | "while_modifier" => lower.repeated(node),
        "until" | "until_modifier" => {
            let condition = match lower.field(node, "condition") {
                Node::Number(n) => Node::Number(f64::from(u8::from(n == 0.0))),
                condition => condition,
            };
            repeated(condition, lower.field(node, "body"))
        }
        "conditional" => lower.choice(node, "consequence"),
        "unless" | "unless_modifier" | "case" | "case_match" | "rescue_modifier" => {
            Node::Either(lower.all(node))
        }
        "binary" => match lower.field_text(node, "operator").as_str() {
            "<<" => {
                let (mut left, mut more) = (node.child_by_field_name("left"), Vec::new());
                more.push(lower.field(node, "right"));
                // `a << b << c` adds both to the first.
                while let Some(inner) = left.filter(|left| {
                    left.kind() == "binary" && lower.field_text(*left, "operator") == "<<"
                }) {
                    more.push(lower.field(inner, "right"));
                    left = inner.child_by_field_name("left");
                }
                more.reverse();
                let left = left.map_or(Node::Nothing, |left| lower.node(left));
                Node::call(Node::Member(Box::new(left), "push".to_owned()), more)
            }
            _ => lower.operation(node),
        },
        "unary" => {
            let operand = lower.field(node, "operand");
            match (lower.field_text(node, "operator").as_str(), operand) {
                ("-", Node::Number(n)) => Node::Number(-n),
                (_, operand) => operand,
            }
        }
        "block_argument" => match lower.block(node) {
            Node::Text(name) => Node::call(
                Node::Name("methodcaller".to_owned()),
                vec![Node::Text(name)],
            ),
            function => function,
        },
        _ => lower.block(node),
    }
}

/// Its text comes behind the statement: it is the first that has not been read yet.
fn heredoc(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let mut around = node;
    while let Some(outer) = around.parent() {
        let bodies = children(outer)
            .into_iter()
            .filter(|child| child.kind() == "heredoc_body");
        let behind = bodies.filter(|body| body.start_byte() > node.start_byte());
        if let Some(body) = behind.min_by_key(Syntax::start_byte) {
            let text = lower.pieces(body, lower.text(node).contains('\''));
            return match lower.text(node).contains('~') {
                true => Node::call(
                    Node::Member(Box::new(text), "squiggly".to_owned()),
                    Vec::new(),
                ),
                false => text,
            };
        }
        around = outer;
    }
    Node::Nothing
}

fn call(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let method = lower.field_text(node, "method");
    let receiver = lower.field(node, "receiver");
    let given = node.child_by_field_name("block");
    if let (true, "loop", Some(given)) = (receiver.is_nothing(), method.as_str(), given) {
        let body = lower.field(given, "body");
        return repeated(Node::Number(1.0), body);
    }
    let mut call = Call {
        function: match (receiver, method.as_str()) {
            (Node::Nothing, _) => Node::Name(method),
            // `f.(x)`
            (receiver, "") => receiver,
            (receiver, _) => Node::Member(Box::new(receiver), method),
        },
        args: Vec::new(),
        named: Vec::new(),
    };
    let args = node.child_by_field_name("arguments").map(children);
    for arg in args.into_iter().flatten() {
        match arg.kind() {
            "pair" => match lower.field(arg, "key") {
                Node::Text(key) => {
                    let value = lower.field(arg, "value");
                    call.named.push((key, value));
                }
                _ => call.args.push(lower.field(arg, "value")),
            },
            _ => call.args.push(lower.node(arg)),
        }
    }
    // Nothing between, if nothing is said.
    if call.args.is_empty() && matches!(&call.function, Node::Member(_, name) if name == "join") {
        call.args.push(Node::Text(String::new()));
    }
    if let Some(given) = given {
        call.args.push(block(lower, given));
    }
    Node::Call(Box::new(call))
}

fn hash(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let pairs = children(node).into_iter().map(|pair| match pair.kind() {
        "pair" => (lower.field(pair, "key"), lower.field(pair, "value")),
        _ => (Node::Nothing, lower.node(pair)),
    });
    Node::Map(pairs.collect())
}

/// A block, a lambda or a method.
fn block(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let params = node.child_by_field_name("parameters").map(children);
    let params = params.into_iter().flatten().map(|param| {
        let name = match param.kind() {
            "identifier" => lower.text(param).to_owned(),
            _ => lower.field_text(param, "name"),
        };
        Param {
            target: match name.is_empty() {
                true => target(lower.node(param)),
                false => Target::Name(name),
            },
            default: lower.field(param, "value"),
            is_rest: param.kind() == "splat_parameter",
            is_named: false,
        }
    });
    let params = params.collect();
    Node::Function(Rc::new(Function {
        params,
        body: lower.field(node, "body"),
        // It is what its last statement is.
        is_expression: true,
    }))
}

fn class(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let body = node.child_by_field_name("body");
    let members = body.map(|body| lower.all(body)).unwrap_or_default();
    super::lower::class(lower.field_text(node, "name"), members)
}
