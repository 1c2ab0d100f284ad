//! What expressions are, where that can be told.

use std::collections::HashMap;

use super::{MOST, last_call, list, literal, parts};
use crate::policy::effects::mark;

/// How deep expressions are looked into.
const MAX_DEPTH: usize = 8;

/// Constants of the code.
#[derive(Default)]
pub(super) struct Code {
    constants: HashMap<String, String>,
}

impl Code {
    pub(super) fn assignments(&mut self, code: &str) {
        for statement in code.split([';', '\n']).take(MOST) {
            let Some((name, value)) = statement.split_once('=') else {
                continue;
            };
            let name = name.trim().rsplit([' ', '\t', ':']).next();
            let name = name.unwrap_or_default().trim_start_matches('$');
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if let (true, Some(value)) = (is_name, self.value(value.trim())) {
                self.constants.insert(name.to_owned(), value);
            }
        }
    }

    /// What an expression is, if that can be told.
    pub(super) fn value(&self, text: &str) -> Option<String> {
        self.value_within(text, MAX_DEPTH)
    }

    fn value_within(&self, text: &str, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let text = text.trim();
        let value = |text: &str| self.value_within(text, depth);
        // Sums: `a + b`, `a .. b` of Lua, `a <> b` of Elixir.
        for separator in ["+", "..", "<>"] {
            let terms: Vec<_> = match separator.chars().next().filter(|_| separator.len() == 1) {
                Some(sign) => parts(text, sign),
                None => text.split(separator).collect(),
            };
            if let (true, [first, rest @ ..]) = (terms.len() > 1, terms.as_slice()) {
                let mut all = value(first)?;
                for term in rest {
                    all.push_str(&value(term).unwrap_or_else(|| mark::UNKNOWN.to_string()));
                }
                return Some(all);
            }
        }
        if let Some((text, rest)) = literal(text) {
            return rest.trim().is_empty().then_some(text);
        }
        if let Some((name, inner)) = last_call(text) {
            let is = |known: &[&str]| known.iter().any(|end| name.ends_with(end));
            return match name {
                _ if is(&[
                    "expanduser",
                    "path.expand",
                    "Path.expand",
                    "String",
                    "Path",
                    "get",
                    "File",
                ]) =>
                {
                    value(parts(inner, ',').first()?)
                }
                _ if is(&["homedir", "user_home"]) => Some("~".to_owned()),
                _ if is(&["getenv"]) => environment(inner.trim_matches(['"', '\''])),
                _ if is(&[
                    "concat",
                    "paste0",
                    "string",
                    "joinpath",
                    "join",
                    "file.path",
                ]) =>
                {
                    let between = if is(&["joinpath", "join", "file.path"]) {
                        "/"
                    } else {
                        ""
                    };
                    let items: Option<Vec<_>> = parts(inner, ',').into_iter().map(value).collect();
                    Some(items?.join(between))
                }
                _ => list(text)?.first().and_then(|first| value(first)),
            };
        }
        self.constants.get(text.trim_start_matches('$')).cloned()
    }
}

fn environment(name: &str) -> Option<String> {
    matches!(name, "HOME" | "USERPROFILE").then(|| "~".to_owned())
}
