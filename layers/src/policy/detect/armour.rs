//! Private keys in armour, as PEM and PGP write them. They are longer than can be waited for: as soon as it is clear that
//! there is one, whatever follows belongs to it up to its last line.

use super::{
    Class,
    text::{Rest, Set, Span, Step, Text, length},
};

static LABEL: Set = Set::of(b"A-Z0-9 ");
static BASE64: Set = Set::of(b"A-Za-z0-9+/=");
/// What stands in and between the lines: also of a key in a text of a program or of JSON, where line ends are escaped.
static BODY: Set = Set::of(b"A-Za-z0-9+/=\r\n\t\\\"',:;.()_-");

const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// A line of a key is at least this long. What says `BEGIN` and has none is a text about keys.
const LINE: usize = 40;
/// Where it must have begun, headers being short.
const HEADERS: usize = 1_024;
/// The longest label that is read.
const LONGEST: usize = 64;

/// A key whose beginning is at `start`, and its label at `label`.
pub(super) fn at(text: &Text<'_>, start: usize, label: usize) -> Step {
    let words = text.run(label, &LABEL, LONGEST);
    if words.is_open {
        return Step::More;
    }
    let is_private = memchr::memmem::find(words.head, b"PRIVATE KEY").is_some();
    if !is_private || words.is_long {
        return Step::No;
    }
    match starts_with(text, words.end, DASHES) {
        Some(true) => {}
        Some(false) => return Step::No,
        None => return Step::More,
    }
    let from = words.end + DASHES.len();
    let begin = text
        .rest(from)
        .iter()
        .take(HEADERS)
        .take_while(|byte| BODY.has(**byte) || **byte == b' ')
        .count();
    let headers = text.rest(from).get(..begin).unwrap_or_default();
    let Some(line) = first_line(headers) else {
        let may_come = begin < HEADERS && text.is_open_at(from + begin);
        return if may_come { Step::More } else { Step::No };
    };
    let body = body(text, from + line);
    Step::Found(Span {
        seen_from: start,
        start,
        end: body.end,
        class: Class::PrivateKey,
        is_long: true,
        rest: body.is_open.then_some(Rest::Armour),
    })
}

/// Where the first line of a key begins, headers and all before it.
fn first_line(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for word in text.split(|byte| !BASE64.has(*byte)) {
        if word.len() >= LINE {
            return Some(at);
        }
        at += word.len() + 1;
        // It has ended before it began.
        if text
            .get(at.saturating_sub(1)..)
            .is_some_and(|rest| rest.starts_with(DASHES))
        {
            return None;
        }
    }
    None
}

pub(super) struct Body {
    pub(super) end: usize,
    /// More of it may follow.
    pub(super) is_open: bool,
}

/// Where the body of a key ends that goes on at `at`, its last line included.
pub(super) fn body(text: &Text<'_>, mut at: usize) -> Body {
    let done = |end| Body {
        end,
        is_open: false,
    };
    let open = |end| Body { end, is_open: true };
    loop {
        let stretch = text.rest(at);
        // Dashes and blanks are looked at more closely.
        at += stretch
            .iter()
            .take_while(|byte| BODY.has(**byte) && **byte != b'-')
            .count();
        match text.at(at) {
            None if text.last => return done(at),
            None => return open(at),
            Some(b'-') => match starts_with(text, at, DASHES) {
                None => return open(at),
                // One dash alone is part of a header.
                Some(false) => at += 1,
                Some(true) => {
                    return match starts_with(text, at, END) {
                        None => open(at),
                        Some(false) => done(at),
                        Some(true) => {
                            let label = text.run(at + END.len(), &LABEL, LONGEST);
                            match starts_with(text, label.end, DASHES) {
                                None => open(at),
                                _ if label.is_open => open(at),
                                Some(false) => done(label.end),
                                Some(true) => done(label.end + DASHES.len()),
                            }
                        }
                    };
                }
            },
            Some(b' ') => {
                let blanks = text
                    .rest(at)
                    .iter()
                    .take_while(|byte| **byte == b' ')
                    .count();
                match text.at(at + blanks) {
                    None if !text.last && blanks < HEADERS => return open(at),
                    // Between two words: what a person writes behind a key that was cut.
                    Some(byte) if byte.is_ascii_alphanumeric() && is_behind_word(text, at) => {
                        return done(at);
                    }
                    None => return done(at),
                    Some(_) => at += blanks,
                }
            }
            Some(_) => return done(at),
        }
    }
}

fn is_behind_word(text: &Text<'_>, at: usize) -> bool {
    text.before(at)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'.' | b','))
}

/// Whether this stands there; `None` if it may yet come to.
fn starts_with(text: &Text<'_>, at: usize, expected: &[u8]) -> Option<bool> {
    let rest = text.rest(at);
    if rest.len() >= expected.len() {
        return Some(rest.starts_with(expected));
    }
    (text.last || !expected.starts_with(rest)).then_some(false)
}

/// How much of a text that follows belongs to a thing that was found before it, and whether more may follow.
pub(super) fn goes_on(text: &Text<'_>, rest: Rest) -> Body {
    match rest {
        Rest::Armour => body(text, text.from),
        Rest::Of(set) => {
            let end = text.from + length(text.rest(text.from), set);
            Body {
                end,
                is_open: text.is_open_at(end),
            }
        }
    }
}
