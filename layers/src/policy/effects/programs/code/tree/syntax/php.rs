//! PHP, read.

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use super::{
    lower::{Lower, children, target},
    node::{Call, Each, Function, Node, Param, Target},
};

pub(super) fn read(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "comment"
        | "null"
        | "php_tag"
        | "php_end_tag"
        | "text"
        | "text_interpolation"
        | "visibility_modifier"
        | "empty_statement"
        | "cast_type" => Node::Nothing,
        "variable_name" => match lower.text(node) {
            "$this" => Node::Name("this".to_owned()),
            name => Node::Name(name.to_owned()),
        },
        "name" | "qualified_name" | "relative_scope" => {
            let name = lower.text(node).trim_start_matches('\\');
            Node::Name(name.to_owned())
        }
        "string" => match lower.pieces(node, true) {
            Node::Text(text) => Node::Text(text.replace("\\'", "'").replace("\\\\", "\\")),
            other => other,
        },
        "encapsed_string" | "heredoc_body" => lower.pieces(node, false),
        "nowdoc_body" => lower.pieces(node, true),
        "heredoc" | "nowdoc" => lower.field(node, "value"),
        "shell_command_expression" => Node::Shell(Box::new(lower.pieces(node, false))),
        "integer" | "float" => super::number(lower.text(node)),
        "boolean" => Node::Number(f64::from(u8::from(
            lower.text(node).eq_ignore_ascii_case("true"),
        ))),
        "dynamic_variable_name" => {
            let all = Node::Name("$GLOBALS".to_owned());
            Node::Index(Box::new(all), Box::new(lower.block(node)))
        }
        "function_call_expression" => {
            let function = lower.field(node, "function");
            call(lower, node, function)
        }
        "object_creation_expression" => {
            let all = children(node);
            let class = all
                .first()
                .map_or(Node::Nothing, |class| lower.node(*class));
            let arguments = all.iter().find(|child| child.kind() == "arguments");
            Node::call(
                class,
                arguments
                    .map(|args| arguments_of(lower, *args).args)
                    .unwrap_or_default(),
            )
        }
        "member_call_expression" | "nullsafe_member_call_expression" => {
            let object = lower.field(node, "object");
            let function = member(lower, node, object);
            call(lower, node, function)
        }
        "scoped_call_expression" => {
            let scope = lower.field(node, "scope");
            let function = member(lower, node, scope);
            call(lower, node, function)
        }
        "member_access_expression" | "nullsafe_member_access_expression" => {
            let object = lower.field(node, "object");
            member(lower, node, object)
        }
        "scoped_property_access_expression" => {
            let scope = lower.field(node, "scope");
            member(lower, node, scope)
        }
        "subscript_expression" => {
            let mut parts = lower.all(node).into_iter();
            let of = parts.next().unwrap_or(Node::Nothing);
            Node::Index(
                Box::new(of),
                Box::new(parts.next().unwrap_or(Node::Nothing)),
            )
        }
        "array_creation_expression" => array(lower, node),
        "list_literal" => Node::List(lower.all(node)),
        "variadic_unpacking" => Node::Spread(Box::new(lower.block(node))),
        "assignment_expression" | "reference_assignment_expression" => assignment(lower, node),
        "augmented_assignment_expression" => lower.augmented(node),
        "static_variable_declaration" => {
            let value = lower.field(node, "value");
            Node::assign(Target::Name(lower.field_text(node, "name")), value)
        }
        "binary_expression" => lower.operation(node),
        "unary_op_expression" => {
            let argument = lower.field(node, "argument");
            match (lower.field_text(node, "operator").as_str(), argument) {
                ("-", Node::Number(n)) => Node::Number(-n),
                (_, argument) => argument,
            }
        }
        "conditional_expression" => {
            let condition = lower.field(node, "condition");
            let either = vec![lower.field(node, "body"), lower.field(node, "alternative")];
            match either.first() {
                // `a ?: b`
                Some(Node::Nothing) => {
                    Node::Either(std::iter::once(condition).chain(either).collect())
                }
                _ => Node::block(vec![condition, Node::Either(either)]),
            }
        }
        "echo_statement" | "print_intrinsic" => {
            Node::call(Node::Name("echo".to_owned()), lower.all(node))
        }
        "include_expression"
        | "include_once_expression"
        | "require_expression"
        | "require_once_expression" => {
            Node::call(Node::Name("include".to_owned()), lower.all(node))
        }
        "if_statement" | "switch_statement" | "try_statement" | "match_expression" => {
            Node::Either(lower.all(node))
        }
        "foreach_statement" => foreach(lower, node),
        "for_statement" => lower.counted(node, ["initialize", "update"]),
        "while_statement" | "do_statement" => lower.repeated(node),
        "update_expression" => match lower.field(node, "argument") {
            Node::Name(name) => {
                let value = vec![Node::Name(name.clone()), Node::Number(1.0)];
                Node::assign(Target::Name(name), Node::Operation("+", value))
            }
            argument => argument,
        },
        "function_definition" => {
            let name = lower.field_text(node, "name");
            Node::assign(Target::Name(name), function(lower, node))
        }
        "anonymous_function" | "arrow_function" => function(lower, node),
        "class_declaration" => class(lower, node),
        "return_statement" => Node::Return(Box::new(lower.block(node))),
        "yield_expression" => Node::Yield(Box::new(lower.block(node))),
        "continue_statement" => Node::Next,
        "break_statement" | "exit_statement" => Node::Break,
        _ => lower.block(node),
    }
}

fn member(lower: &mut Lower<'_>, node: Syntax<'_>, of: Node) -> Node {
    match node.child_by_field_name("name") {
        Some(name) if name.kind() == "name" => {
            Node::Member(Box::new(of), lower.text(name).to_owned())
        }
        // `$o->$name`
        Some(name) => Node::Index(Box::new(of), Box::new(lower.node(name))),
        None => of,
    }
}

fn arguments_of(lower: &mut Lower<'_>, node: Syntax<'_>) -> Call {
    let mut call = Call {
        function: Node::Nothing,
        args: Vec::new(),
        named: Vec::new(),
    };
    for arg in children(node) {
        let name = lower.field_text(arg, "name");
        match (name.is_empty(), children(arg).last()) {
            (false, Some(value)) => call.named.push((name, lower.node(*value))),
            _ => call.args.push(lower.node(arg)),
        }
    }
    call
}

fn call(lower: &mut Lower<'_>, node: Syntax<'_>, function: Node) -> Node {
    let args = node.child_by_field_name("arguments");
    let mut call = match args {
        Some(args) => arguments_of(lower, args),
        None => return function,
    };
    call.function = function;
    Node::Call(Box::new(call))
}

fn array(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let items = children(node);
    let is_map = items.iter().any(|item| children(*item).len() > 1);
    if !is_map {
        return Node::List(lower.all(node));
    }
    let pairs = items.into_iter().map(|item| {
        let mut parts = lower.all(item).into_iter();
        match (parts.next(), parts.next()) {
            (Some(key), Some(value)) => (key, value),
            (first, _) => (Node::Nothing, first.unwrap_or(Node::Nothing)),
        }
    });
    Node::Map(pairs.collect())
}

fn assignment(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let value = lower.field(node, "right");
    let Some(left) = node.child_by_field_name("left") else {
        return value;
    };
    // `$a[] = b`
    if left.kind() == "subscript_expression" && children(left).len() == 1 {
        let list = lower.block(left);
        return Node::call(Node::Member(Box::new(list), "push".to_owned()), vec![value]);
    }
    Node::assign(lower.target(left), value)
}

fn foreach(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let body = lower.field(node, "body");
    let parts = children(node);
    let over = parts
        .first()
        .map_or(Node::Nothing, |over| lower.node(*over));
    let target = match parts.get(1) {
        // `$key => $value`
        Some(pair) if pair.kind() == "pair" => match lower.all(*pair).pop() {
            Some(value) => target(value),
            None => Target::Nothing,
        },
        Some(value) => lower.target(*value),
        None => Target::Nothing,
    };
    Node::Each(Box::new(Each {
        target,
        over,
        only: Vec::new(),
        body,
    }))
}

fn function(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let params = node.child_by_field_name("parameters").map(children);
    let params = params.into_iter().flatten().map(|param| Param {
        target: Target::Name(lower.field_text(param, "name")),
        default: lower.field(param, "default_value"),
        is_rest: param.kind() == "variadic_parameter",
        is_named: false,
    });
    let params = params.collect();
    Node::Function(Rc::new(Function {
        params,
        body: lower.field(node, "body"),
        is_expression: node.kind() == "arrow_function",
    }))
}

fn class(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let body = node.child_by_field_name("body").map(children);
    let mut members = Vec::new();
    for member in body.into_iter().flatten() {
        match member.kind() {
            "method_declaration" => {
                let name = lower.field_text(member, "name");
                members.push(Node::assign(Target::Name(name), function(lower, member)));
            }
            "property_declaration" => {
                let elements = children(member).into_iter();
                for element in elements.filter(|part| part.kind() == "property_element") {
                    let name = lower.field_text(element, "name");
                    let name = name.trim_start_matches('$').to_owned();
                    let value = lower.field(element, "default_value");
                    members.push(Node::assign(Target::Name(name), value));
                }
            }
            _ => members.push(lower.node(member)),
        }
    }
    super::lower::class(lower.field_text(node, "name"), members)
}
