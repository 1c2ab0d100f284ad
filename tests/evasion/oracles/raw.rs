//! The bytes alone: whatever is in them, however it is written.

/// What everything of a blocked call is marked with.
const MARK: &str = "LEAK";

/// The sentence in which we name the tool of a blocked call ourselves.
const NAMED: &str = "Luthien blocked a call of the tool `";

/// The text, and what it says once the escapes of JSON are undone: once, twice, as often as there are any.
pub fn readings(bytes: &[u8]) -> impl Iterator<Item = String> {
    let first = String::from_utf8_lossy(bytes).into_owned();
    std::iter::successors(Some(first), |text| {
        let next = unescaped(text);
        (next != *text).then_some(next)
    })
}

/// Whether the mark stands in these bytes, in any reading, but for the names in our own explanations.
pub fn is_marked(bytes: &[u8]) -> bool {
    readings(bytes).any(|text| without_names(&text).contains(MARK))
}

fn without_names(text: &str) -> String {
    let mut pieces = text.split(NAMED);
    let mut rest = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        rest.push_str(piece.split_once('`').map_or(piece, |(_, behind)| behind));
    }
    rest
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut chars = rest.chars();
        let (said, length) = match chars.next() {
            Some('u') => match rest
                .get(1..5)
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            {
                Some(code) => (char::from_u32(code).unwrap_or('\u{fffd}'), 5),
                None => ('u', 1),
            },
            Some('n') => ('\n', 1),
            Some('t') => ('\t', 1),
            Some('r') => ('\r', 1),
            Some('b') => ('\u{8}', 1),
            Some('f') => ('\u{c}', 1),
            Some(other) => (other, other.len_utf8()),
            None => ('\\', 0),
        };
        out.push(said);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}
