//! Characters by the names that Unicode has for them.

use std::borrow::Cow;

/// Those of ASCII that are neither letters nor digits.
const SIGNS: &[(&str, char)] = &[
    ("SPACE", ' '),
    ("EXCLAMATION MARK", '!'),
    ("QUOTATION MARK", '"'),
    ("NUMBER SIGN", '#'),
    ("DOLLAR SIGN", '$'),
    ("PERCENT SIGN", '%'),
    ("AMPERSAND", '&'),
    ("APOSTROPHE", '\''),
    ("LEFT PARENTHESIS", '('),
    ("RIGHT PARENTHESIS", ')'),
    ("ASTERISK", '*'),
    ("PLUS SIGN", '+'),
    ("COMMA", ','),
    ("HYPHEN-MINUS", '-'),
    ("FULL STOP", '.'),
    ("SOLIDUS", '/'),
    ("COLON", ':'),
    ("SEMICOLON", ';'),
    ("LESS-THAN SIGN", '<'),
    ("EQUALS SIGN", '='),
    ("GREATER-THAN SIGN", '>'),
    ("QUESTION MARK", '?'),
    ("COMMERCIAL AT", '@'),
    ("LEFT SQUARE BRACKET", '['),
    ("REVERSE SOLIDUS", '\\'),
    ("RIGHT SQUARE BRACKET", ']'),
    ("CIRCUMFLEX ACCENT", '^'),
    ("LOW LINE", '_'),
    ("GRAVE ACCENT", '`'),
    ("LEFT CURLY BRACKET", '{'),
    ("VERTICAL LINE", '|'),
    ("RIGHT CURLY BRACKET", '}'),
    ("TILDE", '~'),
    ("LINE FEED", '\n'),
    ("NEW LINE", '\n'),
    ("CHARACTER TABULATION", '\t'),
    ("NO-BREAK SPACE", '\u{a0}'),
];
const DIGITS: &[&str] = &[
    "ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE",
];

/// The character of ASCII that is called so, in whichever letters; `U+2F` as well.
pub(in super::super) fn named(name: &str) -> Option<char> {
    let name = name.trim().to_ascii_uppercase();
    if let Some(digits) = name.strip_prefix("U+") {
        return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
    }
    if let Some(digit) = name.strip_prefix("DIGIT ") {
        let at = DIGITS.iter().position(|known| *known == digit)?;
        return char::from_digit(u32::try_from(at).ok()?, 10);
    }
    let letter = |rest: &str| {
        let mut letters = rest.chars();
        let letter = letters.next().filter(char::is_ascii_uppercase)?;
        letters.next().is_none().then_some(letter)
    };
    if let Some(rest) = name.strip_prefix("LATIN SMALL LETTER ") {
        return letter(rest).map(|letter| letter.to_ascii_lowercase());
    }
    if let Some(rest) = name.strip_prefix("LATIN CAPITAL LETTER ") {
        return letter(rest);
    }
    SIGNS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, sign)| *sign)
}

/// A text in which characters stand by their names, with these characters: `\N{SOLIDUS}`. What is not known stays.
pub(in super::super) fn spelled(text: &str) -> Cow<'_, str> {
    let mut pieces = text.split("\\N{");
    let first = pieces.next().unwrap_or_default();
    let mut out = first.to_owned();
    for piece in pieces {
        match piece
            .split_once('}')
            .and_then(|(name, rest)| Some((named(name)?, rest)))
        {
            // What has a meaning of its own among escapes.
            Some((sign @ '\\', rest)) => {
                out.push(sign);
                out.push(sign);
                out.push_str(rest);
            }
            Some((sign, rest)) => {
                out.push(sign);
                out.push_str(rest);
            }
            None => {
                out.push_str("\\N{");
                out.push_str(piece);
            }
        }
    }
    match first.len() == text.len() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(out),
    }
}

/// The text that Ruby counts to next: `az` becomes `ba`, `a9` becomes `b0`.
pub(super) fn succeeding(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let Some(last) = chars.iter().rposition(char::is_ascii_alphanumeric) else {
        return text.to_owned();
    };
    let mut at = last;
    while let Some(c) = chars.get_mut(at) {
        let (next, carried) = match *c {
            'z' => ('a', Some('a')),
            'Z' => ('A', Some('A')),
            '9' => ('0', Some('1')),
            other => (char::from_u32(u32::from(other) + 1).unwrap_or(other), None),
        };
        *c = next;
        let Some(carried) = carried else { break };
        match at
            .checked_sub(1)
            .filter(|before| chars.get(*before).is_some_and(char::is_ascii_alphanumeric))
        {
            Some(before) => at = before,
            None => {
                chars.insert(at, carried);
                break;
            }
        }
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_known_by_their_names() {
        assert_eq!(spelled(r"rm \N{HYPHEN-MINUS}rf \N{solidus}"), "rm -rf /");
        assert_eq!(spelled(r"\N{LATIN SMALL LETTER R}\N{digit two}"), "r2");
        assert_eq!(spelled(r"\N{U+2F}\N{REVERSE SOLIDUS}n"), r"/\\n");
        assert_eq!(spelled(r"\N{BULLET} \N{"), r"\N{BULLET} \N{");
        assert_eq!(spelled("plain"), "plain");
    }

    #[test]
    fn texts_are_counted_on() {
        for (text, next) in [
            ("az", "ba"),
            ("zz", "aaa"),
            ("a9", "b0"),
            ("Zz", "AAa"),
            ("ql", "qm"),
            ("<<koala>>", "<<koalb>>"),
            ("***", "***"),
            ("", ""),
        ] {
            assert_eq!(succeeding(text), next);
        }
    }
}
