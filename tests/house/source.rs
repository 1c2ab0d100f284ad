//! Rust files as tokens.

use std::{fs, path::Path};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A file as its tokens, comments not among them.
pub(crate) struct Source {
    /// From the root of the house, with slashes.
    pub(crate) path: String,
    tokens: Vec<(String, usize)>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let parsed: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path} is no Rust: {error}"));
        let mut tokens = Vec::new();
        flatten(parsed, &mut tokens);
        let path = path.to_owned();
        Self { path, tokens }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|(token, _)| token == text)
    }

    /// The lines on which these tokens follow each other.
    pub(crate) fn lines(&self, sequence: &[&str]) -> Vec<usize> {
        let windows = self.tokens.windows(sequence.len());
        let found = windows.filter(|window| window.iter().map(|(text, _)| text).eq(sequence));
        found.map(|window| window[0].1).collect()
    }

    /// Every path that begins with one of `roots`: the root, the name after it, the line. A list after the root is
    /// several paths.
    pub(crate) fn paths(&self, roots: &[&str]) -> Vec<(String, String, usize)> {
        let mut paths = Vec::new();
        for (at, (root, _)) in self.tokens.iter().enumerate() {
            if roots.contains(&root.as_str()) && self.is(at + 1, "::") {
                let names = self.heads(at + 2).into_iter();
                let names = names.filter_map(|at| self.tokens.get(at));
                paths.extend(names.map(|(name, line)| (root.clone(), name.clone(), *line)));
            }
        }
        paths
    }

    /// Where the names stand that a path goes on with: here, or after each `{` and `,` of a list.
    fn heads(&self, at: usize) -> Vec<usize> {
        if !self.is(at, "{") {
            return vec![at];
        }
        let mut heads = vec![at + 1];
        let mut depth = 0;
        for (place, (token, _)) in self.tokens.iter().enumerate().skip(at) {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," if depth == 1 => heads.push(place + 1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        heads
    }
}

fn flatten(stream: TokenStream, into: &mut Vec<(String, usize)>) {
    let mut joint = false;
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                into.push((open.to_owned(), line));
                flatten(group.stream(), into);
                into.push((close.to_owned(), group.span_close().start().line));
            }
            TokenTree::Punct(punct) => {
                // `::` is one token here.
                match into.last_mut() {
                    Some((last, _)) if joint && last == ":" && punct.as_char() == ':' => {
                        last.push(':');
                    }
                    _ => into.push((punct.to_string(), line)),
                }
                joint = punct.spacing() == Spacing::Joint;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => into.push((tree.to_string(), line)),
        }
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file of the house.
pub(crate) fn everything() -> Vec<Source> {
    sources(".")
}

/// Every Rust file below this folder, apart from what was built or downloaded.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() {
                let foreign = name.starts_with('.') || name == "target" || name == "node_modules";
                folders.extend((!foreign).then_some(path));
            } else if name.ends_with(".rs") {
                let below = path.strip_prefix(root()).unwrap();
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                found.push(Source::new(
                    &parts.join("/"),
                    &fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has moved");
    found
}
