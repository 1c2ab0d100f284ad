//! What stands in an `Authorization` header, wherever one is written.

use super::{
    Class,
    assigned::{BLANKS, LONGEST, open_value},
    noise::{self, is_path},
    text::{ALNUM, Run, Set, Span, Step, Text},
};

static HEADER: Set = Set::of(b"A-Za-z0-9._~+/=:-");

/// Behind the name of the header.
pub(super) fn authorization(text: &Text<'_>, end: usize) -> Step {
    let opening = match open_value(text, end, b"") {
        Ok(opening) => opening,
        Err(step) => return step,
    };
    let scheme = text.run(opening.value, &HEADER, LONGEST);
    if scheme.is_open {
        return Step::More;
    }
    let is_scheme = [&b"basic"[..], b"token", b"apikey", b"key", b"digest"]
        .contains(&scheme.head.to_ascii_lowercase().as_slice());
    let value = if is_scheme {
        let begin = text.skip_blanks(scheme.end, BLANKS);
        let value = text.run(begin, &HEADER, LONGEST);
        if value.is_open {
            return Step::More;
        }
        value
    } else {
        scheme
    };
    let least = if is_scheme { 12 } else { 20 };
    credential(text, &value, least)
}

/// Behind the word `Bearer`.
pub(super) fn bearer(text: &Text<'_>, start: usize, end: usize) -> Step {
    if text
        .before(start)
        .is_some_and(|byte| ALNUM.has(byte) || matches!(byte, b'_' | b'.' | b'-'))
    {
        return Step::No;
    }
    let value = text.run(end, &HEADER, LONGEST);
    if value.is_open {
        return Step::More;
    }
    credential(text, &value, 16)
}

fn credential(text: &Text<'_>, value: &Run<'_>, least: usize) -> Step {
    let shown = match value.head {
        [shorter @ .., b'.' | b':'] => shorter,
        head => head,
    };
    let is_secret = shown.len() >= least
        && shown.iter().any(u8::is_ascii_digit)
        && noise::entropy(shown) >= 3.0
        && !noise::is_example(shown)
        && !is_path(shown);
    if !is_secret {
        return Step::No;
    }
    if value.is_long {
        return text.long(Class::AuthorizationHeader, value.start, value.end, &HEADER);
    }
    Step::Found(Span::new(
        Class::AuthorizationHeader,
        value.start,
        value.start + shown.len(),
    ))
}
