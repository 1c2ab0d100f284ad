//! Code taken apart: arguments, lists, constants.

use crate::policy::effects::shell::unescaped;

/// Up to the parenthesis that closes them.
pub(super) fn arguments(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().take(4000) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, ')') => return text.get(..at).unwrap_or_default(),
            _ => {}
        }
    }
    let end = text.floor_char_boundary(4000);
    text.get(..end).unwrap_or_default()
}

/// Arguments or sums, at the outermost level.
pub(super) fn parts(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut escaped) = (0_usize, 0, false);
    let mut quote: Option<char> = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) if c == separator && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

/// The call that an expression ends with.
pub(super) fn last_call(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let mut rest = text;
    let mut start = 0;
    loop {
        let open = start + rest.find('(')?;
        let inner = arguments(text.get(open + 1..)?);
        let end = open + 1 + inner.len();
        let after = text.get(end + 1..).unwrap_or_default();
        if after.is_empty() || !after.starts_with('.') {
            return Some((text.get(..open)?.trim(), inner));
        }
        start = end + 1;
        rest = after;
    }
}

/// A text in quotes at the start, and what follows.
pub(super) fn literal(text: &str) -> Option<(String, &str)> {
    let bare = text.trim_start_matches(['r', 'b', 'u', 'R']);
    let prefix = text.get(..text.len() - bare.len())?;
    let open = bare
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let triple: String = std::iter::repeat_n(open, 3).collect();
    if let Some(inside) = bare.strip_prefix(&triple) {
        let (inside, rest) = inside.split_once(&triple)?;
        return Some((inside.to_owned(), rest));
    }
    let inside = bare.get(1..)?;
    let mut escaped = false;
    let end = inside.char_indices().find(|(_, c)| {
        let is_end = *c == open && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    let (end, _) = end?;
    let text = inside.get(..end)?;
    let text = if prefix.contains(['r', 'R']) {
        text.to_owned()
    } else {
        unescaped(text)
    };
    Some((text, inside.get(end + 1..)?))
}

/// The items of a list.
pub(super) fn list(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .or_else(|| text.strip_prefix('(')?.strip_suffix(')'))?;
    Some(
        parts(inner, ',')
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect(),
    )
}
