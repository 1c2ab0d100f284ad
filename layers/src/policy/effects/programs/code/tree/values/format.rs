//! `printf`, and what is like it.

use super::{MAX_TEXT, Value, texts::whole};
use crate::policy::effects::mark;

/// The most characters that a value is filled up to.
const MAX_WIDTH: usize = 1024;

/// How one value is written: `%-5.3s`.
#[derive(Default)]
struct Spec {
    is_left: bool,
    is_filled: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `"%s %d" % (a, b)`, `printf`.
pub(in super::super) fn percent(text: &str, values: &[Value]) -> String {
    let mut next = values.iter();
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        rest = after;
        // `%(name)s`
        let mut named = None;
        if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            named = values.iter().find_map(|value| match value {
                Value::Map(pairs) => pairs.iter().find(|(key, _)| key == name),
                _ => None,
            });
            rest = after;
        }
        let mut spec = Spec::default();
        let flags = taken(&mut rest, |c| {
            matches!(c, '-' | '+' | ' ' | '#' | '0' | '\'')
        });
        spec.is_left = flags.contains('-');
        spec.is_filled = flags.contains('0');
        spec.width = size(&mut rest, &mut next);
        // `%1$s`
        let place = spec.width.filter(|_| rest.starts_with('$'));
        if place.is_some() {
            spec.width = None;
            rest = rest.strip_prefix('$').unwrap_or(rest);
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            spec.precision = size(&mut rest, &mut next).or(Some(0));
        }
        taken(&mut rest, |c| matches!(c, 'h' | 'l' | 'L' | 'q' | 'z'));
        let mut chars = rest.chars();
        match chars.next() {
            None | Some('%') => out.push('%'),
            Some(kind) => {
                let value = match (named, place) {
                    (Some((_, value)), _) => Some(value),
                    (None, Some(place)) => values.get(place.saturating_sub(1)),
                    _ => next.next(),
                };
                out.push_str(&spec.filled(spec.written(kind, value)));
            }
        }
        rest = chars.as_str();
        if out.len() > MAX_TEXT {
            return out;
        }
    }
    out.push_str(rest);
    out
}

fn taken<'t>(rest: &mut &'t str, is: impl Fn(char) -> bool) -> &'t str {
    let end = rest.find(|c| !is(c)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at_checked(end).unwrap_or(("", rest));
    *rest = after;
    taken
}

/// A number, or `*` for the next value.
fn size(rest: &mut &str, next: &mut std::slice::Iter<'_, Value>) -> Option<usize> {
    if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        let size = next.next().and_then(Value::number).and_then(whole)?;
        return usize::try_from(size).ok();
    }
    taken(rest, |c| c.is_ascii_digit()).parse().ok()
}

impl Spec {
    fn written(&self, kind: char, value: Option<&Value>) -> String {
        let Some(value) = value else {
            return String::new();
        };
        let number = match value {
            Value::Number(n) => Some(*n),
            value => value.text().and_then(|text| text.trim().parse().ok()),
        };
        let round = number.map(f64::trunc).and_then(whole);
        let text = value.written();
        match (kind, number, round) {
            ('c', ..) => match (value, round) {
                (Value::Number(_), Some(n)) => {
                    char::from_u32(n).map(String::from).unwrap_or_default()
                }
                // Of a text the first; of what is not known, that.
                _ => text.chars().next().map(String::from).unwrap_or_default(),
            },
            ('d' | 'i' | 'u', Some(n), _) => format!("{}", n.trunc()),
            ('x', _, Some(n)) => format!("{n:x}"),
            ('X', _, Some(n)) => format!("{n:X}"),
            ('o', _, Some(n)) => format!("{n:o}"),
            ('f' | 'F', Some(n), _) => format!("{n:.*}", self.precision.unwrap_or(6).min(64)),
            ('s' | 'r' | 'a', ..) => match self.precision {
                Some(length) if !text.contains(mark::is_unknown) => {
                    text.chars().take(length).collect()
                }
                _ => text,
            },
            _ => text,
        }
    }

    /// Filled up to the width.
    fn filled(&self, text: String) -> String {
        let width = self.width.unwrap_or(0).min(MAX_WIDTH);
        let missing = width.saturating_sub(text.chars().count());
        match (self.is_left, self.is_filled) {
            _ if missing == 0 => text,
            (true, _) => text + &" ".repeat(missing),
            (false, true) => "0".repeat(missing) + &text,
            (false, false) => " ".repeat(missing) + &text,
        }
    }
}
