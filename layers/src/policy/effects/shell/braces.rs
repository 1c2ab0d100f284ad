//! `{a,b}` and `{1..3}`.

/// How many words one may become.
const MOST: usize = 64;

/// The words that one becomes; itself, if it has no braces. Nothing is taken out of quotes.
pub(super) fn expanded(word: &str) -> Vec<String> {
    let mut words = vec![word.to_owned()];
    // From left to right, one at a time.
    for _ in 0..8 {
        let Some(place) = words.iter().position(|word| split(word).is_some()) else {
            break;
        };
        if words.len() >= MOST {
            break;
        }
        let Some((before, parts, after)) = words.get(place).and_then(|word| split(word)) else {
            break;
        };
        let grown: Vec<_> = parts
            .iter()
            .take(MOST)
            .map(|part| format!("{before}{part}{after}"))
            .collect();
        words.splice(place..=place, grown);
    }
    // Deeper or wider than anybody writes: what is left stays as it is.
    words
}

/// What stands before, in, and behind the first braces that can be expanded.
fn split(word: &str) -> Option<(&str, Vec<String>, &str)> {
    let mut chars = word.char_indices();
    let mut before = '\0';
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' | '"' => {
                while let Some((_, inner)) = chars.next() {
                    if inner == '\\' && c == '"' {
                        chars.next();
                    } else if inner == c {
                        break;
                    }
                }
            }
            '`' => return None,
            '$' if matches!(word.get(at + 1..)?.chars().next(), Some('(')) => return None,
            '{' if before != '$' => {
                if let Some((parts, after)) = members(word.get(at + 1..)?) {
                    return Some((word.get(..at)?, parts, after));
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// The parts of what stands behind an opening brace, and what follows its end.
fn members(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut depth, mut start) = (0_usize, 0);
    let mut parts = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' | '"' => while chars.next().is_some_and(|(_, inner)| inner != c) {},
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                let part = text.get(start..at)?;
                let after = text.get(at + 1..)?;
                if parts.is_empty() {
                    return range(part).map(|parts| (parts, after));
                }
                parts.push(part.to_owned());
                return Some((parts, after));
            }
            ',' if depth == 0 => {
                parts.push(text.get(start..at)?.to_owned());
                start = at + 1;
            }
            c if c.is_whitespace() => return None,
            _ => {}
        }
    }
    None
}

fn range(text: &str) -> Option<Vec<String>> {
    let (from, to) = text.split_once("..")?;
    let to = to.split("..").next()?;
    if let (Ok(from), Ok(to)) = (from.parse::<i32>(), to.parse::<i32>()) {
        let least = from.min(to);
        let numbers = least..=from.max(to).min(least.saturating_add(15));
        return Some(numbers.map(|number| number.to_string()).collect());
    }
    let (from, to) = (from.parse::<char>().ok()?, to.parse::<char>().ok()?);
    Some(
        (from.min(to)..=from.max(to))
            .take(MOST)
            .map(String::from)
            .collect(),
    )
}
