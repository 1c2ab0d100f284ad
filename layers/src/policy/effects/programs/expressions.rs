//! Regular expressions as patterns of a shell: as much as is told by what stands in them as it is.

use crate::policy::effects::mark;

/// How many patterns one becomes, and how deep its groups may stand in one another.
const MOST: usize = 8;
const DEEP: usize = 8;
/// The most bytes of one that are read.
const MAX_LENGTH: usize = 1024;

/// Patterns that match all that the expression does, in whichever of its dialects it is written.
pub(super) fn globs(expression: &str) -> Vec<String> {
    if expression.len() > MAX_LENGTH {
        return vec![mark::STAR.to_string()];
    }
    let mut chars = expression.chars().peekable();
    let mut globs = any(&mut chars, 0);
    for glob in &mut globs {
        let mut before = None;
        glob.retain(|c| before.replace(c) != Some(mark::STAR) || c != mark::STAR);
    }
    globs
}

type Chars<'e> = std::iter::Peekable<std::str::Chars<'e>>;

/// `a|b`, up to the end or to what closes a group.
fn any(chars: &mut Chars<'_>, depth: usize) -> Vec<String> {
    let mut ways = Vec::new();
    let mut now = vec![String::new()];
    while let Some(c) = chars.next() {
        // In some dialects an operator has a stroke before it, in others it has not.
        let (c, is_escaped) = match c {
            '\\' => (chars.next().unwrap_or('\\'), true),
            c => (c, false),
        };
        let mut next = match c {
            '|' => {
                ways.append(&mut now);
                now.push(String::new());
                continue;
            }
            ')' if depth > 0 => break,
            '(' if depth < DEEP => any(chars, depth + 1),
            '(' => vec![mark::STAR.to_string()],
            '^' | '$' if !is_escaped => continue,
            '.' if !is_escaped => vec![mark::ANY.to_string()],
            '[' if !is_escaped => {
                set(chars);
                vec![mark::ANY.to_string()]
            }
            c => vec![c.to_string()],
        };
        if repeats(chars) {
            next = vec![mark::STAR.to_string()];
        }
        let all = now
            .iter()
            .flat_map(|start| next.iter().map(move |end| format!("{start}{end}")));
        now = all.take(MOST).collect();
    }
    ways.append(&mut now);
    ways.truncate(MOST);
    ways
}

/// Passes over `abc]`.
fn set(chars: &mut Chars<'_>) {
    chars.next_if_eq(&'^');
    chars.next_if_eq(&']');
    for c in chars.by_ref() {
        if c == ']' {
            break;
        }
    }
}

/// Passes over `*`, `+?`, `{2,3}`; whether there was one.
fn repeats(chars: &mut Chars<'_>) -> bool {
    let mut is_one = false;
    while chars.next_if(|c| matches!(c, '*' | '+' | '?')).is_some() {
        is_one = true;
    }
    if chars.next_if_eq(&'{').is_some() {
        is_one = true;
        for c in chars.by_ref() {
            if c == '}' {
                break;
            }
        }
    }
    is_one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_read_as_patterns() {
        for (expression, expected) in [
            ("/home/.*", ["/home/*"].as_slice()),
            (r".*\.pyc", &["*.pyc"]),
            (r"\./\.git/.+", &["./.git/*"]),
            ("/(home|etc)/.*", &["/home/*", "/etc/*"]),
            (r".*/\(a\|b\)[0-9]+", &["*/a*", "*/b*"]),
            ("^a.c$", &["a?c"]),
        ] {
            let globs: Vec<_> = globs(expression)
                .iter()
                .map(|glob| mark::shown(glob))
                .collect();
            assert_eq!(globs, expected, "{expression}");
        }
    }

    #[test]
    fn what_is_hostile_stays_small() {
        let groups = "(a|b)".repeat(64);
        assert_eq!(globs(&groups).len(), MOST);
        let deep = "(".repeat(5000);
        assert!(globs(&deep).len() <= MOST);
        let repeated = ".*".repeat(400);
        assert_eq!(globs(&repeated), [mark::STAR.to_string()]);
    }
}
