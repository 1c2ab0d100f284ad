//! Numbers that mean a person: of telephones, cards, accounts, insurances, machines on the internet, and birthdays.

use std::ops::{Deref, DerefMut};

use super::{
    Class, Classes, accounts, card, dates, digits, internet, phone,
    text::{ALNUM, Span, Step, Text},
};

/// The longest of them, with what separates their groups.
pub(super) const LONGEST: usize = 48;

/// Looks at what begins with a group of digits.
type Matcher = fn(&Text<'_>, usize) -> Step;

pub(super) fn find(text: &Text<'_>, classes: Classes, found: &mut Vec<Span>) -> usize {
    let mut open = usize::MAX;
    let mut done = text.from;
    let matchers: [(Class, Matcher); 7] = [
        (Class::Iban, accounts::iban),
        (Class::CreditCard, card::at),
        (Class::UsSsn, accounts::ssn),
        (Class::DateOfBirth, dates::at),
        (Class::IpAddress, internet::v4),
        (Class::IpAddress, internet::v6),
        (Class::Phone, phone::at),
    ];
    digits::groups(text, |group| {
        if group < done || !may_be(text, group) {
            return;
        }
        for (class, matcher) in matchers {
            if !classes.has(class) {
                continue;
            }
            match matcher(text, group) {
                Step::No => {}
                Step::More => open = open.min(begin(text, group)),
                Step::Found(span) => {
                    done = span.end;
                    found.push(span);
                    break;
                }
            }
        }
    });
    open
}

/// Whether anything that is looked for may begin with this group of digits: most numbers count something, and stand alone.
fn may_be(text: &Text<'_>, group: usize) -> bool {
    let rest = text.rest(group);
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_account = || text.left(group, 2).iter().all(u8::is_ascii_uppercase);
    let is_address =
        || matches!(rest, [b'2' | b'3', ..]) && rest.iter().take(5).any(|byte| *byte == b':');
    let goes_on = match (rest.get(length), rest.get(length + 1)) {
        (None, _) | (Some(b' ' | b'-' | b'.' | b'/'), None) => !text.last,
        (Some(b' ' | b'-' | b'.' | b'/'), Some(next)) if next.is_ascii_digit() || *next == b'(' => {
            true
        }
        // A month may follow.
        (Some(b' ' | b'.'), Some(next)) => length <= 2 && next.is_ascii_alphabetic(),
        (Some(b'(' | b')'), _) => true,
        (Some(b't' | b's' | b'n' | b'r' | b','), _) => length <= 2,
        _ => false,
    };
    goes_on || length >= 9 || is_account() || is_address()
}

/// What may stand before the first digit and belong to it: a country, a plus, a bracket.
fn begin(text: &Text<'_>, group: usize) -> usize {
    let left = text.left(group, 4);
    let belongs = left
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'+' | b'(' | b'A'..=b'Z'))
        .count();
    (group - belongs).max(text.from)
}

/// Digits in groups, as they are written down to be read.
pub(super) struct Grouped {
    pub(super) digits: Few<u8>,
    /// How long each group is.
    pub(super) groups: Few<usize>,
    /// The separator, if it is always the same.
    pub(super) separator: Option<u8>,
    pub(super) is_even: bool,
    pub(super) end: usize,
}

/// A list of at most so many as the longest number has digits: what would be more is left out.
#[derive(Clone, Copy, Default)]
pub(super) struct Few<T> {
    items: [T; 24],
    length: usize,
}

impl<T: Copy> Few<T> {
    pub(super) fn push(&mut self, item: T) {
        if let Some(place) = self.items.get_mut(self.length) {
            *place = item;
            self.length += 1;
        }
    }

    pub(super) fn extend(&mut self, items: &[T]) {
        items.iter().for_each(|item| self.push(*item));
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items.get(..self.length).unwrap_or_default()
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.items.get_mut(..self.length).unwrap_or_default()
    }
}

/// Reads digits from `start` on, at most `most` of them, in groups that one of `separators` parts.
pub(super) fn grouped(
    text: &Text<'_>,
    start: usize,
    separators: &[u8],
    most: usize,
) -> Option<Grouped> {
    let mut read = Grouped {
        digits: Few::default(),
        groups: Few::default(),
        separator: None,
        is_even: true,
        end: start,
    };
    read.groups.push(0);
    let mut at = start;
    while let Some(byte) = text.at(at) {
        if byte.is_ascii_digit() {
            if read.digits.len() == most {
                // One more than there may be.
                read.digits.push(byte);
                break;
            }
            read.digits.push(byte);
            if let Some(group) = read.groups.last_mut() {
                *group += 1;
            }
            at += 1;
            read.end = at;
        } else if separators.contains(&byte) && read.groups.last() != Some(&0) {
            match text.at(at + 1) {
                Some(next) if next.is_ascii_digit() => {
                    read.is_even &= read.separator.is_none_or(|separator| separator == byte);
                    read.separator = Some(byte);
                    read.groups.push(0);
                    at += 1;
                }
                Some(_) => break,
                None if text.last => break,
                None => return None,
            }
        } else {
            break;
        }
    }
    (!text.is_open_at(at)).then_some(read)
}

/// Whether what stands before and behind makes it part of something else.
pub(super) fn is_part(text: &Text<'_>, start: usize, end: usize) -> bool {
    let joins = |byte: Option<u8>| {
        byte.is_some_and(|byte| ALNUM.has(byte) || matches!(byte, b'_' | b'-' | b'#' | b'/'))
    };
    let is_joined = joins(text.before(start)) && !text.is_behind_escape(start);
    let before = text.before(start);
    let behind = text.at(end);
    // A number goes on behind a point, a sentence ends there.
    let is_decimal = matches!(before, Some(b'.' | b','))
        && text
            .before(start.saturating_sub(1))
            .is_some_and(|byte| byte.is_ascii_digit());
    let goes_on = matches!(behind, Some(b'.' | b',' | b':'))
        && text.at(end + 1).is_some_and(|byte| ALNUM.has(byte));
    is_joined || is_decimal || joins(behind) || goes_on
}

pub(super) fn found(class: Class, start: usize, end: usize) -> Step {
    Step::Found(Span::new(class, start, end))
}

/// Whether what follows `end` could still join it.
pub(super) fn is_open_behind(text: &Text<'_>, end: usize) -> bool {
    text.is_open_at(end + 1)
}

/// Whether one of these words, in small letters, stands in the same line not far before a place.
pub(super) fn said_before(text: &Text<'_>, place: usize, words: &[&[u8]]) -> bool {
    let left = text.left(place, LONGEST);
    let line = left
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let is_there = |word: &&[u8]| {
        line.windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    words.iter().any(is_there)
}
