//! Calls, and what they are given.

use tree_sitter::Node as Syntax;

use super::super::{
    lower::{Lower, children, target},
    node::Node,
};

pub(super) fn arguments(lower: &mut Lower<'_>, node: Syntax<'_>) -> Vec<Node> {
    let args = match node.child_by_field_name("arguments") {
        Some(args) => vec![lower.node(args)],
        None => Vec::new(),
    };
    flat(args)
}

pub(super) fn call(lower: &mut Lower<'_>, node: Syntax<'_>) -> Node {
    let name = lower.field_text(node, "function");
    let name = name.trim_start_matches('&').replace("::", ".");
    let mut args = arguments(lower, node);
    if node.kind().starts_with("func1op") {
        args = flat(lower.all(node));
    }
    // `print {$file} …`
    let file = children(node)
        .into_iter()
        .find(|child| child.kind() == "indirect_object");
    if let Some(file) = file {
        let file = lower.block(file);
        return match name.as_str() {
            "print" | "printf" | "say" => {
                Node::call(Node::Member(Box::new(file), "write".to_owned()), args)
            }
            // `system { $program } @words`
            _ => Node::call(Node::Name(name), args),
        };
    }
    // `&{"name"}(…)`
    let made = node.child_by_field_name("function").and_then(|function| {
        children(function)
            .into_iter()
            .find(|child| child.kind().ends_with("_expression"))
    });
    if let Some(made) = made {
        let function = lower.block(made);
        return Node::call(function, args);
    }
    // `print FILE …` looks as if the file were a function.
    if let ("print" | "printf" | "say", [Node::Call(written)]) =
        (name.as_str(), args.as_mut_slice())
        && let Node::Name(file) = &written.function
        && file.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    {
        let file = Node::Name(file.clone());
        let args = std::mem::take(&mut written.args);
        return Node::call(Node::Member(Box::new(file), "write".to_owned()), args);
    }
    match name.as_str() {
        "shift" | "pop" => {
            let list = args
                .pop()
                .map_or(Node::Name("@_".to_owned()), |list| match list {
                    Node::Spread(list) => *list,
                    list => list,
                });
            Node::call(Node::Member(Box::new(list), name), Vec::new())
        }
        "push" | "unshift" if !args.is_empty() => {
            let list = match args.remove(0) {
                Node::Spread(list) => *list,
                list => list,
            };
            Node::call(Node::Member(Box::new(list), name), args)
        }
        "open" | "sysopen" if args.len() > 1 => {
            let file = target(args.remove(0));
            // The one has a text that says how, the other flags.
            let open = if name == "open" {
                "perl_open"
            } else {
                "os.open"
            };
            Node::assign(file, Node::call(Node::Name(open.to_owned()), args))
        }
        "join" if !args.is_empty() => {
            let between = args.remove(0);
            Node::call(
                Node::Member(Box::new(Node::List(args)), name),
                vec![between],
            )
        }
        "reverse" => {
            let of = match (args.len(), args.pop()) {
                (1, Some(Node::Spread(of))) => *of,
                (1, Some(of)) => of,
                (_, last) => {
                    args.extend(last);
                    Node::List(args)
                }
            };
            Node::call(Node::Member(Box::new(of), name), Vec::new())
        }
        "scalar" if args.len() == 1 => match args.pop() {
            Some(Node::Spread(of)) => Node::call(Node::Name(name), vec![*of]),
            of => Node::call(Node::Name(name), of.into_iter().collect()),
        },
        "sprintf" | "printf" => Node::call(Node::Name("sprintf".to_owned()), args),
        "split" => {
            let of = args.get(1).is_some().then(|| args.remove(1));
            let of = of.unwrap_or(Node::Name("$_".to_owned()));
            Node::call(Node::Member(Box::new(of), name), args)
        }
        "lc" | "uc" | "chr" | "ord" | "unlink" | "rmdir" | "eval" | "chomp" | "print"
            if args.is_empty() =>
        {
            Node::call(Node::Name(name), vec![Node::Name("$_".to_owned())])
        }
        _ => Node::call(Node::Name(name), args),
    }
}

/// Lists in lists are one.
pub(super) fn flat(nodes: Vec<Node>) -> Vec<Node> {
    let mut all = Vec::new();
    for node in nodes {
        match node {
            Node::List(inner) => all.extend(inner),
            Node::Name(name) if name.starts_with('@') => {
                all.push(Node::Spread(Box::new(Node::Name(name))));
            }
            // Functions that give lists.
            Node::Each(each) => all.push(Node::Spread(Box::new(Node::Each(each)))),
            Node::Call(call) if is_listing(&call.function) => {
                all.push(Node::Spread(Box::new(Node::Call(call))));
            }
            node => all.push(node),
        }
    }
    all
}

fn is_listing(function: &Node) -> bool {
    let (Node::Name(name) | Node::Member(_, name)) = function else {
        return false;
    };
    matches!(
        name.as_str(),
        "reverse" | "sort" | "split" | "keys" | "values" | "glob"
    )
}
