//! Patterns, whose stars are [marks](super::super::mark).

use super::super::mark::{ANY, SET, STAR, is_unknown};

/// Whether the pattern can mean the text.
pub(in super::super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when it does not fit: behind the last star, one character later.
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() || p < pattern.len() {
        if let Some(c) = pattern.get(p).copied() {
            if c == STAR || is_unknown(c) {
                again = Some((p, t + 1));
                p += 1;
                continue;
            }
            if let Some(next) = text.get(t).and_then(|found| one(&pattern, p, *found)) {
                p = next;
                t += 1;
                continue;
            }
        }
        match again {
            Some((star, from)) if from <= text.len() => {
                p = star;
                t = from;
                p += 1;
                again = Some((star, from + 1));
            }
            _ => return false,
        }
    }
    true
}

/// A set in which classes stand for the characters in them, and where it ends: `[[:alpha:]_]`.
fn classes(pattern: &[char], start: usize, end: usize) -> Option<(usize, Vec<char>)> {
    let plain = |c: &char| if *c == SET { '[' } else { *c };
    let rest: String = pattern.get(start..)?.iter().take(64).map(plain).collect();
    if !rest.contains("[:") {
        return Some((end, pattern.get(start..end)?.to_vec()));
    }
    let mut set = String::new();
    let mut left = rest.as_str();
    while !left.starts_with(']') {
        let class = left
            .strip_prefix("[:")
            .and_then(|class| class.split_once(":]"));
        left = match class {
            Some((name, behind)) => {
                set.push_str(match name {
                    "lower" => "a-z",
                    "upper" => "A-Z",
                    "alpha" => "a-zA-Z",
                    "digit" => "0-9",
                    "xdigit" => "0-9a-fA-F",
                    "punct" => "!-/:-@[-`{-~",
                    "space" | "blank" => " \t\n",
                    "print" | "graph" => "!-~",
                    _ => "0-9a-zA-Z",
                });
                behind
            }
            None => {
                let mut chars = left.chars();
                set.extend(chars.next());
                if left.is_empty() {
                    return None;
                }
                chars.as_str()
            }
        };
    }
    let taken = rest.chars().count() - left.chars().count();
    Some((start + taken, set.chars().collect()))
}

/// Whether one character fits there, and where the pattern goes on.
fn one(pattern: &[char], at: usize, found: char) -> Option<usize> {
    match pattern.get(at)? {
        &ANY => Some(at + 1),
        &SET => {
            let end = pattern
                .iter()
                .skip(at + 2)
                .position(|c| *c == ']')
                .map(|end| at + 2 + end);
            let Some(end) = end else {
                return (found == '[').then_some(at + 1);
            };
            let (end, set) = classes(pattern, at + 1, end)?;
            let set = set.as_slice();
            let (negated, set) = match set.split_first() {
                Some(('!' | '^', rest)) => (true, rest),
                _ => (false, set),
            };
            let mut is_in = set.contains(&found);
            for range in set.windows(3) {
                if let [from, '-', to] = range {
                    is_in |= (*from..=*to).contains(&found);
                }
            }
            (is_in != negated).then_some(end + 1)
        }
        c => (*c == found).then_some(at + 1),
    }
}
