//! Python, read.

use std::rc::Rc;

use tree_sitter::Node as Syntax;

use super::{
    lower::{Lower, children, target},
    node::{Call, Each, Function, Node, Param, Target},
};

pub(super) fn read(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    match node.kind() {
        "comment" | "pass_statement" | "global_statement" | "nonlocal_statement" | "type" => {
            Node::Nothing
        }
        "identifier" => match lower.text(node) {
            "None" => Node::Nothing,
            name => Node::Name(name.to_owned()),
        },
        "string" => {
            let start = children(node)
                .first()
                .map_or("", |start| lower.text(*start));
            let is_raw = start.contains(['r', 'R']);
            lower.pieces(node, is_raw)
        }
        "concatenated_string" => Node::Joined(lower.all(node)),
        "interpolation" => lower.field(node, "expression"),
        "integer" | "float" => super::number(lower.text(node)),
        "true" => Node::Number(1.0),
        "false" => Node::Number(0.0),
        "none" | "ellipsis" => Node::Nothing,
        "attribute" => Node::Member(
            Box::new(lower.field(node, "object")),
            lower.field_text(node, "attribute"),
        ),
        "subscript" => subscript(lower, node),
        "call" => call(lower, node),
        "print_statement" => Node::call(Node::Name("print".to_owned()), lower.all(node)),
        "exec_statement" => Node::call(Node::Name("exec".to_owned()), lower.all(node)),
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern"
        | "list_pattern" => Node::List(lower.all(node)),
        "list_splat"
        | "list_splat_pattern"
        | "dictionary_splat"
        | "dictionary_splat_pattern"
        | "parenthesized_list_splat" => Node::Spread(Box::new(lower.block(node))),
        "dictionary" => Node::Map(
            children(node)
                .into_iter()
                .map(|pair| match pair.kind() {
                    "pair" => (lower.field(pair, "key"), lower.field(pair, "value")),
                    _ => (Node::Nothing, lower.node(pair)),
                })
                .collect(),
        ),
        "list_comprehension"
        | "set_comprehension"
        | "generator_expression"
        | "dictionary_comprehension" => comprehension(lower, node),
        "pair" => Node::List(vec![lower.field(node, "key"), lower.field(node, "value")]),
        "lambda" => function(lower, node, true),
        "function_definition" => {
            let name = lower.field_text(node, "name");
            Node::assign(Target::Name(name), function(lower, node, false))
        }
        "decorated_definition" => decorated(lower, node),
        "class_definition" => class(lower, node),
        "assignment" => {
            let value = lower.field(node, "right");
            match node.child_by_field_name("left") {
                Some(left) if !value.is_nothing() => Node::assign(lower.target(left), value),
                _ => value,
            }
        }
        "augmented_assignment" => lower.augmented(node),
        "named_expression" => {
            let value = lower.field(node, "value");
            Node::assign(Target::Name(lower.field_text(node, "name")), value)
        }
        "import_statement" => imports(lower, node, None),
        "import_from_statement" => {
            let module = lower.field_text(node, "module_name");
            imports(lower, node, Some(&module))
        }
        "return_statement" => Node::Return(Box::new(lower.block(node))),
        "yield" => {
            let value = lower.block(node);
            let is_from = lower.text(node).starts_with("yield from");
            Node::Yield(Box::new(match is_from {
                true => Node::Spread(Box::new(value)),
                false => value,
            }))
        }
        "continue_statement" => Node::Next,
        "break_statement" | "raise_statement" => Node::block(vec![lower.block(node), Node::Break]),
        "for_statement" => {
            let each = Each {
                target: match node.child_by_field_name("left") {
                    Some(left) => lower.target(left),
                    None => Target::Nothing,
                },
                over: lower.field(node, "right"),
                only: Vec::new(),
                body: lower.field(node, "body"),
            };
            let after = lower.field(node, "alternative");
            Node::block(vec![Node::Each(Box::new(each)), after])
        }
        "while_statement" => lower.repeated(node),
        "with_item" => match lower.field(node, "value") {
            Node::Assign(assign) => {
                let (target, value) = *assign;
                Node::assign(
                    target,
                    Node::call(Node::Name("__with__".to_owned()), vec![value]),
                )
            }
            value => Node::call(Node::Name("__with__".to_owned()), vec![value]),
        },
        "as_pattern" => {
            let alias = lower.field(node, "alias");
            let value = children(node).first().map(|value| lower.node(*value));
            Node::assign(target(alias), value.unwrap_or(Node::Nothing))
        }
        "conditional_expression" => {
            // `a if b else c`
            let mut nodes = lower.all(node).into_iter();
            match [(); 3].map(|()| nodes.next()) {
                [Some(then), Some(condition), Some(or)] => {
                    Node::If(Box::new([condition, then, or]))
                }
                some => Node::Either(some.into_iter().flatten().collect()),
            }
        }
        "if_statement" => lower.condition(node),
        "boolean_operator" | "try_statement" | "match_statement" => Node::Either(lower.all(node)),
        "not_operator" => Node::Operation("!", lower.all(node)),
        "binary_operator" => lower.operation(node),
        "comparison_operator" => comparison(lower, node),
        "unary_operator" => {
            let argument = lower.field(node, "argument");
            match (lower.field_text(node, "operator").as_str(), argument) {
                ("-", Node::Number(n)) => Node::Number(-n),
                ("~", Node::Number(n)) => Node::Number(-n - 1.0),
                ("-", argument) => Node::Operation("-", vec![Node::Number(0.0), argument]),
                (_, argument) => argument,
            }
        }
        // Blocks, and what is only around something else.
        _ => lower.block(node),
    }
}

fn subscript(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let value = Box::new(lower.field(node, "value"));
    let Some(inside) = node.child_by_field_name("subscript") else {
        return *value;
    };
    if inside.kind() != "slice" {
        return Node::Index(value, Box::new(lower.node(inside)));
    }
    // Its parts have no names in the grammar: they are told by the colons between.
    let mut parts = [(); 3].map(|()| Box::new(Node::Nothing));
    let mut at = 0;
    let mut cursor = inside.walk();
    let all: Vec<_> = inside.children(&mut cursor).collect();
    for child in all {
        if child.kind() == ":" {
            at += 1;
        } else if let Some(part) = parts.get_mut(at) {
            **part = lower.node(child);
        }
    }
    Node::Slice(value, parts)
}

fn call(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let mut call = Call {
        function: lower.field(node, "function"),
        args: Vec::new(),
        named: Vec::new(),
    };
    if let Some(args) = node.child_by_field_name("arguments") {
        if args.kind() == "generator_expression" {
            call.args.push(lower.node(args));
        } else {
            for arg in children(args) {
                match arg.kind() {
                    "keyword_argument" => {
                        let value = lower.field(arg, "value");
                        call.named.push((lower.field_text(arg, "name"), value));
                    }
                    _ => call.args.push(lower.node(arg)),
                }
            }
        }
    }
    Node::Call(Box::new(call))
}

/// `f(x) for x in a if b for y in c` is a loop in a loop.
fn comprehension(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let mut body = lower.field(node, "body");
    let mut only = Vec::new();
    for clause in children(node).into_iter().rev() {
        match clause.kind() {
            "if_clause" => only.push(lower.block(clause)),
            "for_in_clause" => {
                let target = match clause.child_by_field_name("left") {
                    Some(left) => lower.target(left),
                    None => Target::Nothing,
                };
                let over = lower.field(clause, "right");
                let inner = matches!(body, Node::Each(_));
                let each = Each {
                    target,
                    over,
                    only: std::mem::take(&mut only),
                    body,
                };
                let each = Node::Each(Box::new(each));
                // What the inner ones give is one list.
                body = match inner {
                    true => Node::Member(Box::new(each), "flat".to_owned()),
                    false => each,
                };
            }
            _ => {}
        }
    }
    body
}

fn function(lower: &mut Lower<'_>, node: Syntax<'_>, is_expression: bool) -> Node {
    let params = node.child_by_field_name("parameters").map(children);
    let params = params.into_iter().flatten().map(|param| {
        let (target, default) = match param.kind() {
            "default_parameter" | "typed_default_parameter" => (
                Target::Name(lower.field_text(param, "name")),
                lower.field(param, "value"),
            ),
            "typed_parameter" => {
                let name = children(param).first().map(|name| lower.target(*name));
                (name.unwrap_or(Target::Nothing), Node::Nothing)
            }
            _ => (lower.target(param), Node::Nothing),
        };
        Param {
            target,
            default,
            is_rest: param.kind() == "list_splat_pattern",
            is_named: param.kind() == "dictionary_splat_pattern",
        }
    });
    let params = params.collect();
    let body = lower.field(node, "body");
    Node::Function(Rc::new(Function {
        params,
        body,
        is_expression,
    }))
}

/// `@a def f` is `f = a(f)`.
fn decorated(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let definition = lower.field(node, "definition");
    let decorators: Vec<_> = children(node)
        .into_iter()
        .filter(|child| child.kind() == "decorator")
        .collect();
    let Node::Assign(assign) = definition else {
        return definition;
    };
    let (target, mut value) = *assign;
    for decorator in decorators.into_iter().rev() {
        let decorator = lower.block(decorator);
        // What is asked for like an attribute, and computed.
        if let (Node::Name(decorator), Target::Name(name)) = (&decorator, &target)
            && matches!(decorator.as_str(), "property" | "cached_property")
        {
            return Node::assign(Target::Name(format!("@{name}")), value);
        }
        value = Node::call(decorator, vec![value]);
    }
    Node::assign(target, value)
}

fn class(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let body = node.child_by_field_name("body");
    let members = body.map(|body| lower.all(body)).unwrap_or_default();
    super::lower::class(lower.field_text(node, "name"), members)
}

fn imports(lower: &mut Lower<'_>, node: Syntax<'_>, from: Option<&str>) -> Node {
    let mut cursor = node.walk();
    let names: Vec<_> = node.children_by_field_name("name", &mut cursor).collect();
    if let (true, Some(from)) = (names.is_empty(), from) {
        // `from a import *`
        return Node::assign(Target::Name("*".to_owned()), Node::Outside(from.to_owned()));
    }
    let imports = names.into_iter().map(|name| {
        let (module, alias) = match name.kind() {
            "aliased_import" => (
                lower.field_text(name, "name"),
                Some(lower.field_text(name, "alias")),
            ),
            _ => (lower.text(name).to_owned(), None),
        };
        match (from, alias) {
            (Some(from), alias) => {
                let outside = Node::Outside(format!("{from}.{module}"));
                Node::assign(Target::Name(alias.unwrap_or(module)), outside)
            }
            (None, Some(alias)) => Node::assign(Target::Name(alias), Node::Outside(module)),
            // `import a.b` binds `a`.
            (None, None) => {
                let first = module.split('.').next().unwrap_or_default().to_owned();
                Node::assign(Target::Name(first.clone()), Node::Outside(first))
            }
        }
    });
    Node::block(imports.collect())
}

fn comparison(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let mut cursor = node.walk();
    let sign = node
        .children_by_field_name("operators", &mut cursor)
        .next()
        .map(|sign| lower.text(sign));
    let terms = lower.all(node);
    let sign = match sign {
        Some("==") => "==",
        Some("!=") => "!=",
        Some("<") => "<",
        Some(">") => ">",
        Some("<=") => "<=",
        Some(">=") => ">=",
        _ => return Node::Operation("?", terms),
    };
    Node::Operation(sign, terms)
}
