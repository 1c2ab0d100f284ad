//! Birthdays: dates before which somebody says that they are one.

use super::{
    Class,
    numbers::{found, grouped, is_open_behind, said_before},
    text::{ALNUM, Set, Step, Text},
};

const WORDS: [&[u8]; 9] = [
    b"born",
    b"birth",
    b"dob",
    b"d.o.b",
    b"geboren",
    b"geburtsdatum",
    b"nacimiento",
    b"naissance",
    b"nascita",
];
#[rustfmt::skip]
const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
static LETTERS: Set = Set::of(b"A-Za-z.");

pub(super) fn at(text: &Text<'_>, start: usize) -> Step {
    if text.is_in_word(start) || matches!(text.before(start), Some(b'-' | b'.' | b'/')) {
        return Step::No;
    }
    let Some(read) = grouped(text, start, b"-/.", 8) else {
        return Step::More;
    };
    if is_open_behind(text, read.end) {
        return Step::More;
    }
    let year = |digits: &[u8]| digits.starts_with(b"19") || digits.starts_with(b"20");
    let digits = &*read.digits;
    let is_date = match &*read.groups {
        [4, 1 | 2, 1 | 2] => year(digits),
        [1 | 2, 1 | 2, 4] => digits.last_chunk::<4>().is_some_and(|last| year(last)),
        [1 | 2, 1 | 2, 2] => true,
        [1 | 2] => return spelt(text, start, read.end),
        _ => false,
    };
    let goes_on = text.at(read.end).is_some_and(|byte| ALNUM.has(byte));
    if is_date && !goes_on && said_before(text, start, &WORDS) {
        return found(Class::DateOfBirth, start, read.end);
    }
    Step::No
}

/// `12 March 1980`, `12th of March, 1980`, and `March 12, 1980`, of which the month has gone by.
fn spelt(text: &Text<'_>, start: usize, end: usize) -> Step {
    let mut at = end + text.run(end, &LETTERS, 4).head.len();
    let month_before = || {
        let said = text.left(start, 12).to_ascii_lowercase();
        MONTHS
            .iter()
            .any(|month| memchr::memmem::find(&said, month).is_some())
    };
    let mut month_behind = false;
    for _ in 0..4 {
        at += text
            .rest(at)
            .iter()
            .take(2)
            .take_while(|byte| matches!(byte, b' ' | b','))
            .count();
        if text.is_open_at(at) {
            return Step::More;
        }
        if text.at(at).is_some_and(|byte| byte.is_ascii_digit()) {
            let Some(year) = grouped(text, at, b"", 4) else {
                return Step::More;
            };
            let is_year = year.digits.len() == 4
                && (year.digits.starts_with(b"19") || year.digits.starts_with(b"20"));
            return match is_year
                && (month_before() || month_behind)
                && said_before(text, start, &WORDS)
            {
                true => found(Class::DateOfBirth, start, year.end),
                false => Step::No,
            };
        }
        let word = text.run(at, &LETTERS, 12);
        if word.is_open {
            return Step::More;
        }
        let begins = word.head.get(..3).unwrap_or_default();
        month_behind |= MONTHS
            .iter()
            .any(|month| begins.eq_ignore_ascii_case(month));
        if word.head.is_empty()
            || !month_behind && !matches!(word.head, b"of" | b"de" | b"th" | b"st" | b"nd" | b"rd")
        {
            return Step::No;
        }
        at = word.end;
    }
    Step::No
}
