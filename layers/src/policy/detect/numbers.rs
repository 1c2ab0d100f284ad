//! Numbers that mean a person: of telephones, cards, accounts, insurances, machines on the internet, and birthdays.

use std::ops::{Deref, DerefMut};

use super::{
    Class, Classes, checks, dates, digits, internet, phone,
    text::{ALNUM, Set, Span, Step, Text},
};

/// The longest of them, with what separates their groups.
pub(super) const LONGEST: usize = 48;

/// Looks at what begins with a group of digits.
type Matcher = fn(&Text<'_>, usize) -> Step;

pub(super) fn find(text: &Text<'_>, classes: Classes, found: &mut Vec<Span>) -> usize {
    let mut open = usize::MAX;
    let mut done = text.from;
    let matchers: [(Class, Matcher); 7] = [
        (Class::Iban, iban),
        (Class::CreditCard, card),
        (Class::UsSsn, ssn),
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

fn card(text: &Text<'_>, start: usize) -> Step {
    let Some(read) = grouped(text, start, b" -", 19) else {
        return Step::More;
    };
    if is_open_behind(text, read.end) {
        return Step::More;
    }
    let digits = &*read.digits;
    let is_grouped = match &*read.groups {
        [_] | [4, 6, 4 | 5] => true,
        [groups @ .., last] => groups.iter().all(|group| *group == 4) && *last <= 4,
        [] => false,
    };
    let is_card = is_grouped
        && read.is_even
        && is_issued(digits)
        && checks::luhn(digits)
        && !is_test_card(digits);
    if !is_card || is_part(text, start, read.end) {
        return Step::No;
    }
    found(Class::CreditCard, start, read.end)
}

/// Whether an issuer writes cards of this beginning and length.
fn is_issued(digits: &[u8]) -> bool {
    let beginning = |length: usize| {
        let digits = digits.get(..length).unwrap_or_default();
        digits
            .iter()
            .fold(0_u32, |all, digit| all * 10 + u32::from(digit - b'0'))
    };
    match digits.len() {
        15 => matches!(beginning(2), 34 | 37),
        14 => matches!(beginning(2), 36 | 38 | 39) || matches!(beginning(3), 300..=305),
        16 => {
            beginning(1) == 4
                || matches!(beginning(2), 51..=55 | 62 | 65)
                || matches!(beginning(4), 2_221..=2_720 | 3_528..=3_589 | 6_011)
                || matches!(beginning(3), 644..=649)
        }
        17..=19 => beginning(2) == 62,
        _ => false,
    }
}

/// Those with which shops are tested: nobody is issued so many of one digit.
fn is_test_card(digits: &[u8]) -> bool {
    const TESTS: [&[u8]; 8] = [
        b"378282246310005",
        b"371449635398431",
        b"5105105105105100",
        b"5200828282828210",
        b"2223003122003222",
        b"30569309025904",
        b"6011000990139424",
        b"3566002020360505",
    ];
    let most = (b'0'..=b'9')
        .map(|digit| digits.iter().filter(|other| **other == digit).count())
        .max();
    let is_count = digits.starts_with(b"12345")
        || digits.ends_with(b"123456789")
        || digits.ends_with(b"1234567890");
    TESTS.contains(&digits)
        || is_count
        || most.is_some_and(|most| most * 2 > digits.len() + 1)
        || digits.starts_with(b"4242")
}

/// Countries, and how long the numbers of their accounts are.
#[rustfmt::skip]
const COUNTRIES: [(&[u8; 2], usize); 37] = [
    (b"AD", 24), (b"AE", 23), (b"AT", 20), (b"BE", 16), (b"BG", 22), (b"CH", 21), (b"CY", 28), (b"CZ", 24), (b"DE", 22),
    (b"DK", 18), (b"EE", 20), (b"ES", 24), (b"FI", 18), (b"FR", 27), (b"GB", 22), (b"GR", 27), (b"HR", 21), (b"HU", 28),
    (b"IE", 22), (b"IL", 23), (b"IS", 26), (b"IT", 27), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"MC", 27),
    (b"MT", 31), (b"NL", 18), (b"NO", 15), (b"PL", 28), (b"PT", 25), (b"RO", 24), (b"SA", 24), (b"SE", 24), (b"SI", 19),
    (b"TR", 26),
];
static ACCOUNT: Set = Set::of(b"A-Z0-9 ");

fn iban(text: &Text<'_>, group: usize) -> Step {
    let Some(start) = group.checked_sub(2).filter(|start| *start >= text.from) else {
        return Step::No;
    };
    if !text.left(group, 2).iter().all(u8::is_ascii_uppercase) {
        return Step::No;
    }
    let country = COUNTRIES
        .iter()
        .find(|(country, _)| text.rest(start).starts_with(*country));
    let Some((_, length)) = country else {
        return Step::No;
    };
    if text.is_in_word(start) {
        return Step::No;
    }
    let run = text.run(start, &ACCOUNT, LONGEST);
    let mut account = Vec::with_capacity(*length);
    let mut end = start;
    for (place, byte) in run.head.iter().enumerate() {
        if account.len() == *length {
            break;
        }
        // Groups of four, or none.
        if *byte == b' ' {
            if account.len() % 4 != 0 || account.is_empty() {
                break;
            }
            continue;
        }
        account.push(*byte);
        end = start + place + 1;
    }
    if account.len() < *length {
        return if run.is_open { Step::More } else { Step::No };
    }
    if text.is_open_at(end) {
        return Step::More;
    }
    const EXAMPLES: [&[u8]; 3] = [
        b"GB82WEST12345698765432",
        b"DE89370400440532013000",
        b"GB29NWBK60161331926819",
    ];
    let is_account = checks::mod_97(&account)
        && account
            .get(2..4)
            .is_some_and(|check| check.iter().all(u8::is_ascii_digit))
        && !EXAMPLES.contains(&account.as_slice())
        && !text.at(end).is_some_and(|byte| ALNUM.has(byte));
    if is_account {
        found(Class::Iban, start, end)
    } else {
        Step::No
    }
}

fn ssn(text: &Text<'_>, start: usize) -> Step {
    // Three digits, and what parts them from the rest.
    let third = text.at(start + 3);
    if third.is_some_and(|byte| !matches!(byte, b'-' | b' ')) || third.is_none() && text.last {
        return Step::No;
    }
    let Some(read) = grouped(text, start, b"- ", 9) else {
        return Step::More;
    };
    if is_open_behind(text, read.end) {
        return Step::More;
    }
    if *read.groups != [3, 2, 4] || read.digits.len() != 9 || !read.is_even {
        return Step::No;
    }
    let part = |range: std::ops::Range<usize>| read.digits.get(range).unwrap_or_default();
    let (area, group, serial) = (part(0..3), part(3..5), part(5..9));
    const EXAMPLES: [&[u8]; 4] = [b"078051120", b"219099999", b"123456789", b"111223333"];
    let is_issued = area != b"000"
        && area != b"666"
        && area < b"900".as_slice()
        && group != b"00"
        && serial != b"0000";
    // With blanks it is written by few, and looks like much else.
    let is_said = read.separator == Some(b'-') || said_before(text, start, &[b"ssn", b"social"]);
    if !is_issued || !is_said || EXAMPLES.contains(&&*read.digits) || is_part(text, start, read.end)
    {
        return Step::No;
    }
    found(Class::UsSsn, start, read.end)
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
