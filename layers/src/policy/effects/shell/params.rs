//! `$x` and `${x…}`.

use super::{super::mark, MAX_TEXT, Shell, State, matches};

/// Variables whose value is a path from the root, whatever else it is.
const PATHS: &[&str] = &["PATH", "HOME", "PWD", "OLDPWD", "SHELL", "BASH", "TMPDIR"];

/// Where a name ends in `name[…]op…`.
fn name(text: &str) -> &str {
    let end = match text.chars().next() {
        Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
        _ => text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or_default()
}

/// What a variable or parameter is.
pub(super) fn value(state: &State, name: &str) -> Vec<String> {
    match name {
        "@" | "*" => state.args.clone(),
        "#" => vec![state.args.len().to_string()],
        "0" => vec![state.name.clone().unwrap_or_else(|| "bash".to_owned())],
        "?" => vec!["0".to_owned()],
        "$" | "!" | "-" => vec![mark::SOME.to_string()],
        name => match name.parse::<usize>() {
            Ok(number) => {
                let arg = state.args.get(number.wrapping_sub(1)).cloned();
                vec![arg.unwrap_or_else(|| mark::UNSET.to_string())]
            }
            Err(_) => state.get(name),
        },
    }
}

impl Shell<'_> {
    /// What stands between `${` and `}`.
    pub(super) fn parameter(&mut self, state: &mut State, text: &str) -> Vec<String> {
        if let Some(of) = text.strip_prefix('#').filter(|of| !of.is_empty()) {
            let value = value(state, name(of)).concat();
            return vec![if value.contains(mark::is_unknown) {
                mark::SOME.to_string()
            } else {
                value.chars().count().to_string()
            }];
        }
        if let Some(of) = text.strip_prefix('!').filter(|of| !of.is_empty()) {
            // `${!A_@}`: the names that begin so.
            if let Some(start) = of.strip_suffix(['@', '*'])
                && !start.is_empty()
                && name(start) == start
            {
                return vec![format!("{start}{}", mark::STAR)];
            }
            let pointed = value(state, name(of)).concat();
            let (_, rest) = of.split_at_checked(name(of).len()).unwrap_or((of, ""));
            if rest.starts_with(['*', '@', '[']) || pointed.contains(mark::is_unknown) {
                return vec![mark::UNKNOWN.to_string()];
            }
            return self.parameter(state, &format!("{pointed}{rest}"));
        }
        let name = name(text);
        let mut rest = text.get(name.len()..).unwrap_or_default();
        let mut values = value(state, name);
        if let Some((index, after)) = rest
            .strip_prefix('[')
            .and_then(|index| index.split_once(']'))
        {
            rest = after;
            if !matches!(index, "@" | "*") {
                let key = self.whole(state, index);
                let keyed = state.variables.get(&keyed(name, &key)).cloned();
                let index = match keyed.is_some() {
                    true => None,
                    false => self.number(state, &key),
                };
                let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
                let value = index
                    .map(|index| if index < 0 { count + index } else { index })
                    .and_then(|index| values.get(usize::try_from(index).ok()?).cloned());
                values = keyed
                    .unwrap_or_else(|| vec![value.unwrap_or_else(|| veiled(&values.concat()))]);
            }
        } else if values.len() > 1 && !matches!(name, "@" | "*") {
            values.truncate(1);
        }
        self.operation(state, name, values, rest)
    }

    /// `:-x`, `#x`, `/a/b`, `^^` and the others.
    fn operation(
        &mut self,
        state: &mut State,
        name: &str,
        values: Vec<String>,
        text: &str,
    ) -> Vec<String> {
        let Some(sign) = text.chars().next() else {
            return values;
        };
        let is_set = !values.is_empty() && !values.iter().any(|value| value.contains(mark::UNSET));
        let is_empty = values.iter().all(String::is_empty);
        let (colon, op) = match text.strip_prefix(':') {
            Some(op) if op.starts_with(['-', '=', '+', '?']) => (true, op),
            _ => (false, text),
        };
        let rest = op.get(1..).unwrap_or_default();
        let is_there = is_set && !(colon && is_empty);
        match op.chars().next() {
            Some('-' | '=') => {
                if is_there && !values.iter().any(|value| value.contains(mark::UNKNOWN)) {
                    return values;
                }
                if is_there {
                    // It may be empty, or what stands here.
                    return values;
                }
                let value = self.fields(state, rest);
                if op.starts_with('=') {
                    state.set(name, value.clone());
                }
                return value;
            }
            Some('+') => {
                return if is_there {
                    self.fields(state, rest)
                } else {
                    Vec::new()
                };
            }
            Some('?') if colon || text.starts_with('?') => {
                // Nothing runs that uses it, if it is empty.
                return values
                    .into_iter()
                    .map(|value| value.replace(mark::is_unsure, &mark::SOME.to_string()))
                    .collect();
            }
            _ => {}
        }
        if sign == ':' {
            return values
                .iter()
                .map(|value| self.substring(state, name, value, op.get(1..).unwrap_or_default()))
                .collect();
        }
        let double = text.chars().nth(1) == Some(sign);
        let pattern = text.get(if double { 2 } else { 1 }..).unwrap_or_default();
        match sign {
            '#' | '%' => {
                let pattern = self.fields(state, pattern).concat();
                values
                    .iter()
                    .map(|value| trimmed(value, &pattern, sign == '#', double))
                    .collect()
            }
            '/' => {
                let (pattern, with) = pattern.split_once('/').unwrap_or((pattern, ""));
                let (pattern, with) = (
                    self.fields(state, pattern).concat(),
                    self.whole(state, with),
                );
                let pattern = pattern.trim_start_matches(['#', '%']).to_owned();
                values
                    .iter()
                    .map(|value| replaced(value, &pattern, &with, double))
                    .collect()
            }
            '^' if double => values.iter().map(|value| value.to_uppercase()).collect(),
            ',' if double => values.iter().map(|value| value.to_lowercase()).collect(),
            '^' => values.iter().map(|value| first(value, true)).collect(),
            ',' => values.iter().map(|value| first(value, false)).collect(),
            '@' => values
                .iter()
                .map(|value| match pattern {
                    "u" => first(value, true),
                    "L" => value.to_lowercase(),
                    "U" => value.to_uppercase(),
                    "E" | "P" => super::unescaped(value),
                    _ => value.clone(),
                })
                .collect(),
            _ => values,
        }
    }

    fn substring(&mut self, state: &mut State, name: &str, value: &str, text: &str) -> String {
        let (offset, length) = text
            .split_once(':')
            .map_or((text, None), |(offset, length)| (offset, Some(length)));
        let offset = self.number(state, offset);
        let length = length.map(|length| self.number(state, length));
        if PATHS.contains(&name) && value.starts_with(['~', mark::SOME]) && offset == Some(0) {
            return match length {
                Some(Some(1)) => "/".to_owned(),
                _ => mark::UNKNOWN.to_string(),
            };
        }
        if value.contains(mark::is_unknown) {
            return veiled(value);
        }
        let characters: Vec<char> = value.chars().collect();
        let Some(offset) = offset else {
            return mark::UNKNOWN.to_string();
        };
        let count = i64::try_from(characters.len()).unwrap_or(i64::MAX);
        let start = if offset < 0 {
            (count + offset).max(0)
        } else {
            offset.min(count)
        };
        let end = match length {
            None => count,
            Some(Some(length)) if length < 0 => count + length,
            Some(Some(length)) => start.saturating_add(length).min(count),
            Some(None) => return mark::UNKNOWN.to_string(),
        };
        let bounds = usize::try_from(start)
            .ok()
            .zip(usize::try_from(end.max(start)).ok());
        bounds
            .and_then(|(start, end)| characters.get(start..end))
            .unwrap_or_default()
            .iter()
            .collect()
    }
}

/// With the first letter as a capital, or as none.
fn first(value: &str, is_upper: bool) -> String {
    let mut chars = value.chars();
    let letter = chars.next().map(|letter| match is_upper {
        true => letter.to_uppercase().collect::<String>(),
        false => letter.to_lowercase().collect(),
    });
    letter.unwrap_or_default() + chars.as_str()
}

/// A part of what is not known: it comes from where the whole comes from.
fn veiled(value: &str) -> String {
    let mut origins = [mark::SECRET, mark::REMOTE].into_iter();
    let origin = origins.find(|origin| value.contains(*origin));
    origin.unwrap_or(mark::UNKNOWN).to_string()
}

/// The name under which an element of an array is kept that has a word for a number.
pub(super) fn keyed(name: &str, index: &str) -> String {
    format!("{name}[{}]", index.trim_matches(['"', '\'']))
}

/// Without what the pattern takes at the start or end, the least or the most.
fn trimmed(value: &str, pattern: &str, at_start: bool, most: bool) -> String {
    if value.contains(mark::is_unknown) {
        return veiled(value);
    }
    let mut cuts: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    // The first that fits is taken.
    if at_start == most {
        cuts.reverse();
    }
    for cut in cuts.into_iter().take(512) {
        let (start, end) = value.split_at_checked(cut).unwrap_or((value, ""));
        let (part, left) = if at_start { (start, end) } else { (end, start) };
        if matches(pattern, part) {
            return left.to_owned();
        }
    }
    value.to_owned()
}

fn replaced(value: &str, pattern: &str, with: &str, all: bool) -> String {
    if pattern.is_empty() || value.contains(mark::is_unknown) {
        return value.to_owned();
    }
    if value.len().saturating_mul(with.len()) > MAX_TEXT << 4 {
        return mark::UNKNOWN.to_string();
    }
    if !pattern.contains(mark::is_glob) {
        return if all {
            value.replace(pattern, with)
        } else {
            value.replacen(pattern, with, 1)
        };
    }
    // One character at a time is what people write: `${x//?/}`.
    value
        .chars()
        .map(|c| {
            if matches(pattern, c.encode_utf8(&mut [0; 4])) {
                with.to_owned()
            } else {
                c.to_string()
            }
        })
        .collect()
}
