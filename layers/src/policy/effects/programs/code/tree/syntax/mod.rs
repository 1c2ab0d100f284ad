//! Code, read: each language by its own grammar, and all into the same tree.

mod awk;
mod javascript;
mod lower;
mod node;
mod perl;
mod php;
mod python;
mod ruby;

use std::ops::ControlFlow;

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree};

use self::lower::{Lower, Reader};
pub(super) use self::node::{Call, Class, Each, Function, Node, Target, While};
use crate::policy::effects::{Opaque, mark, shell::Shell};

/// How often the parser may ask whether to go on, for each byte of code; each time it has done a hundred steps.
const PATIENCE: usize = 8;

/// The grammar of a language, and who reads its trees.
fn grammar(language: &str, code: &str) -> Option<(Language, Reader)> {
    Some(match language {
        "python" | "pypy" | "ipython" => (tree_sitter_python::LANGUAGE.into(), python::read),
        "node" | "nodejs" | "bun" | "deno" => {
            (tree_sitter_javascript::LANGUAGE.into(), javascript::read)
        }
        "ruby" => (tree_sitter_ruby::LANGUAGE.into(), ruby::read),
        "perl" => (ts_parser_perl::LANGUAGE.into(), perl::read),
        "php" if code.trim_start().starts_with("<?") => {
            (tree_sitter_php::LANGUAGE_PHP.into(), php::read)
        }
        "php" => (tree_sitter_php::LANGUAGE_PHP_ONLY.into(), php::read),
        _ => return None,
    })
}

/// Whether code of this language is parsed here.
pub(in super::super) fn knows(language: &str) -> bool {
    language == "awk" || grammar(language, "").is_some()
}

/// The tree of code. What cannot be read of it is left out, and said to be.
pub(super) fn parsed(shell: &mut Shell<'_>, language: &str, code: &str) -> Option<Node> {
    if language == "awk" {
        return Some(of_awk(shell, code));
    }
    let (grammar, reader) = grammar(language, code)?;
    let Some(tree) = tree(&grammar, code) else {
        shell.opaque(Opaque::TooLong);
        return None;
    };
    if tree.root_node().has_error() && !is_gap(&grammar, code) {
        shell.opaque(Opaque::Unparsed);
    }
    let mut lower = Lower::new(code, reader);
    let node = lower.node(tree.root_node());
    if lower.is_too_deep {
        shell.opaque(Opaque::TooDeep);
    }
    Some(node)
}

fn of_awk(shell: &mut Shell<'_>, code: &str) -> Node {
    let program = awk::read(code);
    let has_gap = code.contains(mark::is_unknown) && !code.contains(mark::REMOTE);
    if program.is_too_deep {
        shell.opaque(Opaque::TooDeep);
    } else if program.is_faulty && !has_gap {
        shell.opaque(Opaque::Unparsed);
    }
    program.node
}

fn tree(grammar: &Language, code: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(grammar).ok()?;
    let mut patience = PATIENCE * code.len() + 1000;
    let mut go_on = |_: &ParseState| match patience {
        0 => ControlFlow::Break(()),
        _ => {
            patience -= 1;
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut go_on);
    let mut read = |at: usize, _| code.as_bytes().get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, None, Some(options))
}

/// Whether only what a shell puts in is missing: `print($n)`. What comes from another host is code, and no gap.
fn is_gap(grammar: &Language, code: &str) -> bool {
    if !code.contains(mark::is_unknown) || code.contains(mark::REMOTE) {
        return false;
    }
    let filled = code.replace(mark::is_unknown, "gap");
    tree(grammar, &filled).is_some_and(|tree| !tree.root_node().has_error())
}

/// A module under the name that its functions have before their own: `fs/promises` is `fs.promises`.
pub(super) fn module(name: &str) -> String {
    name.replace('/', ".")
}

/// `0x1F`, `0o17`, `017`, `1_000`, `1e3`.
fn number(text: &str) -> Node {
    let text = text.replace('_', "").to_lowercase();
    let text = text.trim_end_matches(['n', 'l', 'j']);
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix)?;
        u32::from_str_radix(digits, radix).ok().map(f64::from)
    };
    let old = || {
        let is_octal = text.len() > 1 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        is_octal.then(|| radix("0", 8)).flatten()
    };
    let number = radix("0x", 16)
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0b", 2))
        .or_else(old)
        .or_else(|| text.parse().ok());
    number.map_or(Node::Nothing, Node::Number)
}
