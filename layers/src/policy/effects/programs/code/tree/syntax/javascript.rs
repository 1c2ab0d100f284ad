//! JavaScript, read; and what TypeScript has in common with it.

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use super::{
    lower::{Lower, children, target},
    node::{Call, Each, Function, Node, Param, Target},
};

pub(super) fn read(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "comment" | "null" | "undefined" | "empty_statement" | "hash_bang_line" => Node::Nothing,
        "identifier" | "shorthand_property_identifier_pattern" | "this" | "super" | "import" => {
            Node::Name(lower.text(node).to_owned())
        }
        "string" | "template_string" => lower.pieces(node, false),
        "number" => super::number(lower.text(node)),
        "regex" => Node::Pattern(lower.field_text(node, "pattern")),
        "true" => Node::Number(1.0),
        "false" => Node::Number(0.0),
        "member_expression" => Node::Member(
            Box::new(lower.field(node, "object")),
            lower.field_text(node, "property"),
        ),
        "subscript_expression" => {
            let object = lower.field(node, "object");
            Node::Index(Box::new(object), Box::new(lower.field(node, "index")))
        }
        "call_expression" | "new_expression" => call(lower, node),
        "array" | "array_pattern" => Node::List(items(lower, node)),
        "object" | "object_pattern" => object(lower, node),
        "spread_element" | "rest_pattern" => Node::Spread(Box::new(lower.block(node))),
        "assignment_expression" | "assignment_pattern" | "object_assignment_pattern" => {
            lower.assignment(node, "left", "right")
        }
        "arrow_function" | "function_expression" | "generator_function" | "method_definition" => {
            function(lower, node)
        }
        "function_declaration" | "generator_function_declaration" => {
            let name = lower.field_text(node, "name");
            Node::assign(Target::Name(name), function(lower, node))
        }
        "class_declaration" | "class" => class(lower, node),
        "variable_declarator" => lower.assignment(node, "name", "value"),
        "augmented_assignment_expression" => lower.augmented(node),
        "update_expression" => {
            let argument = lower.field(node, "argument");
            let sign = match lower.field_text(node, "operator").as_str() {
                "++" => "+",
                _ => "-",
            };
            match argument {
                Node::Name(name) => {
                    let value = vec![Node::Name(name.clone()), Node::Number(1.0)];
                    Node::assign(Target::Name(name), Node::Operation(sign, value))
                }
                argument => argument,
            }
        }
        "import_statement" => imports(lower, node),
        "return_statement" => Node::Return(Box::new(lower.block(node))),
        "yield_expression" => {
            let value = lower.block(node);
            let is_many = lower
                .text(node)
                .trim_start_matches("yield")
                .trim_start()
                .starts_with('*');
            Node::Yield(Box::new(match is_many {
                true => Node::Spread(Box::new(value)),
                false => value,
            }))
        }
        "continue_statement" => Node::Next,
        "if_statement" => lower.condition(node),
        "break_statement" => Node::Break,
        "throw_statement" => Node::block(vec![lower.block(node), Node::Break]),
        "for_in_statement" => Node::Each(Box::new(Each {
            target: match node.child_by_field_name("left") {
                Some(left) => lower.target(left),
                None => Target::Nothing,
            },
            over: lower.field(node, "right"),
            only: Vec::new(),
            body: lower.field(node, "body"),
        })),
        "for_statement" => lower.counted(node, ["initializer", "increment"]),
        "while_statement" | "do_statement" => lower.repeated(node),
        "ternary_expression" => lower.choice(node, "consequence"),
        "switch_statement" | "try_statement" => Node::Either(lower.all(node)),
        "binary_expression" => lower.operation(node),
        "unary_expression" => {
            let argument = lower.field(node, "argument");
            match (lower.field_text(node, "operator").as_str(), argument) {
                ("-", Node::Number(n)) => Node::Number(-n),
                ("~", Node::Number(n)) => Node::Number(-n - 1.0),
                ("-", argument) => Node::Operation("-", vec![Node::Number(0.0), argument]),
                ("+", argument) => Node::call(Node::Name("Number".to_owned()), vec![argument]),
                ("!", argument) => Node::Operation("!", vec![argument]),
                ("void", argument) => Node::block(vec![argument, Node::Text(String::new())]),
                (_, argument) => argument,
            }
        }
        _ => lower.block(node),
    }
}

fn call(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let function = match node.kind() {
        "new_expression" => lower.field(node, "constructor"),
        _ => lower.field(node, "function"),
    };
    let args = match node.child_by_field_name("arguments") {
        // `f`…``
        Some(args) if args.kind() == "template_string" => vec![lower.node(args)],
        Some(args) => lower.all(args),
        None => Vec::new(),
    };
    Node::Call(Box::new(Call {
        function,
        args,
        named: Vec::new(),
    }))
}

/// `[, x]`: a place may be left out.
fn items(lower: &mut Lower<'_>, node: Syntax<'_>) -> Vec<Node> {
    let mut cursor = node.walk();
    let all: Vec<_> = node.children(&mut cursor).collect();
    let mut items = Vec::new();
    let mut is_left_out = true;
    for child in all {
        match child.kind() {
            "[" | "]" => {}
            "," => {
                if is_left_out {
                    items.push(Node::Nothing);
                }
                is_left_out = true;
            }
            _ if child.is_extra() => {}
            _ => {
                is_left_out = false;
                items.push(lower.node(child));
            }
        }
    }
    items
}

fn key(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "property_identifier" | "number" => Node::Text(lower.text(node).to_owned()),
        _ => lower.node(node),
    }
}

fn object(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let pairs = children(node)
        .into_iter()
        .map(|member| match member.kind() {
            "pair" | "pair_pattern" => {
                let name = member.child_by_field_name("key");
                let name = name.map_or(Node::Nothing, |name| key(lower, name));
                (name, lower.field(member, "value"))
            }
            "shorthand_property_identifier" | "shorthand_property_identifier_pattern" => {
                let name = lower.text(member).to_owned();
                (Node::Text(name.clone()), Node::Name(name))
            }
            "object_assignment_pattern" => {
                let name = lower.field_text(member, "left");
                (Node::Text(name.clone()), Node::Name(name))
            }
            "method_definition" => {
                let name = member.child_by_field_name("name");
                let name = name.map_or(Node::Nothing, |name| key(lower, name));
                (name, function(lower, member))
            }
            _ => (Node::Nothing, lower.node(member)),
        });
    Node::Map(pairs.collect())
}

fn function(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let params: Vec<_> = match node.child_by_field_name("parameter") {
        Some(param) => vec![param],
        None => node
            .child_by_field_name("parameters")
            .map(children)
            .unwrap_or_default(),
    };
    let params = params.into_iter().map(|param| {
        let is_rest = param.kind() == "rest_pattern";
        let (target, default) = match lower.node(param) {
            Node::Assign(assign) => *assign,
            node => (target(node), Node::Nothing),
        };
        Param {
            target,
            default,
            is_rest,
            is_named: false,
        }
    });
    let params = params.collect();
    let body = node.child_by_field_name("body");
    Node::Function(Rc::new(Function {
        params,
        is_expression: body.is_some_and(|body| body.kind() != "statement_block"),
        body: body.map_or(Node::Nothing, |body| lower.node(body)),
    }))
}

/// The name of a method; of one that is asked for like an attribute, with a sign before it.
fn own_name(lower: &Lower<'_>, method: Syntax<'_>) -> String {
    let name = lower.field_text(method, "name");
    let mut cursor = method.walk();
    match method
        .children(&mut cursor)
        .any(|child| child.kind() == "get")
    {
        true => format!("@{name}"),
        false => name,
    }
}

fn class(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let body = node.child_by_field_name("body").map(children);
    let mut members = Vec::new();
    for member in body.into_iter().flatten() {
        members.push(match member.kind() {
            "method_definition" => {
                let name = own_name(lower, member);
                Node::assign(Target::Name(name), function(lower, member))
            }
            "field_definition" => {
                let name = lower.field_text(member, "property");
                Node::assign(Target::Name(name), lower.field(member, "value"))
            }
            _ => lower.node(member),
        });
    }
    super::lower::class(lower.field_text(node, "name"), members)
}

fn imports(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let Node::Text(module) = lower.field(node, "source") else {
        return Node::Nothing;
    };
    let module = super::module(&module);
    let outside = |name: &str| Node::Outside(format!("{module}.{name}"));
    let mut imports = Vec::new();
    let mut stack = children(node);
    while let Some(part) = stack.pop() {
        match part.kind() {
            "identifier" => {
                let name = lower.text(part).to_owned();
                imports.push(Node::assign(
                    Target::Name(name),
                    Node::Outside(module.clone()),
                ));
            }
            "import_specifier" => {
                let name = lower.field_text(part, "name");
                let alias = match lower.field_text(part, "alias") {
                    alias if alias.is_empty() => name.clone(),
                    alias => alias,
                };
                imports.push(Node::assign(Target::Name(alias), outside(&name)));
            }
            "import_clause" | "named_imports" | "namespace_import" => stack.extend(children(part)),
            _ => {}
        }
    }
    Node::block(imports)
}
