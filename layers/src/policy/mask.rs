//! Secrets, hidden: by the name under which they stand, and by their shape.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// What stands in place of a secret.
const MASK: &str = "****";

/// How large a compiled pattern may be, in bytes. They are compiled when the first call is blocked, and all that flows through
/// this thread waits for that: 200 ms with `\w{30}`, for `\w` stands for more than a hundred thousand characters.
const SIZE: usize = 128 * 1024;

fn pattern(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(SIZE).build().ok()
}

/// Whether a secret is likely to stand under this name.
pub(crate) fn is_secret(name: &str) -> bool {
    static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        pattern(concat!(
            "(?i)(pass(word|wd|phrase)?$|secret|token$|api[-_]?key|private[-_]?key|authorization|credential",
            "|^(set-)?cookie$)"
        ))
    });
    NAMES.as_ref().is_some_and(|names| names.is_match(name))
}

/// Hides the texts that stand under a name that secrets have.
pub(crate) fn mask_value(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                match value {
                    Value::String(text) if is_secret(name) && !text.is_empty() => {
                        MASK.clone_into(text);
                    }
                    value => mask_value(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask_value),
        _ => {}
    }
}

/// Hides what has the shape of a secret wherever it stands, and what is assigned to a name that secrets have.
pub(crate) fn mask_text(text: &str) -> String {
    static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        pattern(concat!(
            r"\b(?:sk-[A-Za-z0-9_-]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|xox[abprs]-[A-Za-z0-9_-]{10,}",
            r"|AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|glpat-[A-Za-z0-9_-]{16,}|lk-[A-Za-z0-9_-]{8,}",
            r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)",
            r"|(?i:bearer\s+)[A-Za-z0-9._~+/-]{12,}",
            r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        ))
    });
    static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        pattern(r#"(?i)\b([\w-]*(?:password|passwd|secret|token|api[-_]?key)\s*[=:]\s*)[^\s"'\\]+"#)
    });
    // Should a pattern not compile, a test has failed before this could.
    let (Some(shapes), Some(assigned)) = (SHAPES.as_ref(), ASSIGNED.as_ref()) else {
        return MASK.to_owned();
    };
    let text = shapes.replace_all(text, MASK);
    assigned
        .replace_all(&text, format!("${{1}}{MASK}"))
        .into_owned()
}

/// A text that may be JSON, with its secrets hidden in both ways.
#[cfg(feature = "policies")]
pub(crate) fn masked(text: &str) -> String {
    match serde_json::from_str(text) {
        Ok(mut value) => {
            mask_value(&mut value);
            mask_text(&value.to_string())
        }
        Err(_) => mask_text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_by_their_names_and_by_their_shapes() {
        for (text, shown) in [
            (
                r#"{"apiKey":"k","n":1,"env":{"DB_PASSWORD":"p"}}"#,
                r#"{"apiKey":"****","env":{"DB_PASSWORD":"****"},"n":1}"#,
            ),
            (
                "curl -H 'Authorization: Bearer abcdefghijklmnop' x",
                "curl -H 'Authorization: ****' x",
            ),
            ("use sk-abcdefghijkl now", "use **** now"),
            ("export GITHUB_TOKEN=abc; ls", "export GITHUB_TOKEN=**** ls"),
            ("password: hunter2", "password: ****"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x",
                "**** x",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMII", "****"),
            (
                "max_tokens: 100, the token is gone",
                "max_tokens: 100, the token is gone",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
        assert!(
            is_secret("Authorization") && is_secret("set-cookie") && !is_secret("content-type")
        );
    }
}
