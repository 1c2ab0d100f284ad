//! Telephone numbers: with the code of their country, as North America writes them, or where it is said that one follows.

use super::{
    Class,
    numbers::{Few, found, grouped, is_open_behind, is_part, said_before},
    text::{Step, Text},
};

/// Words behind which any number of the right length is one.
const WORDS: [&[u8]; 9] = [
    b"phone",
    b"tel:",
    b"tel.",
    b"tel ",
    b"mobile",
    b"cell",
    b"call me",
    b"whatsapp",
    b"telefon",
];
/// Codes of countries: those of one digit, and those of two. All others have three.
const ONE: [u8; 2] = [b'1', b'7'];
#[rustfmt::skip]
const TWO: [&[u8; 2]; 44] = [
    b"20", b"27", b"30", b"31", b"32", b"33", b"34", b"36", b"39", b"40", b"41", b"43", b"44", b"45", b"46", b"47", b"48",
    b"49", b"51", b"52", b"53", b"54", b"55", b"56", b"57", b"58", b"60", b"61", b"62", b"63", b"64", b"65", b"66", b"81",
    b"82", b"84", b"86", b"90", b"91", b"92", b"93", b"94", b"95", b"98",
];

pub(super) fn at(text: &Text<'_>, group: usize) -> Step {
    let opened = text.before(group) == Some(b'(');
    let plus = match opened {
        true => text.before(group.saturating_sub(1)) == Some(b'+'),
        false => text.before(group) == Some(b'+'),
    };
    let start = (group - usize::from(opened) - usize::from(plus)).max(text.from);
    if !plus && !opened && is_middle(text, group) {
        return Step::No;
    }
    let Some((digits, groups, end)) = read(text, group, opened) else {
        return Step::More;
    };
    if is_open_behind(text, end) {
        return Step::More;
    }
    if text.is_in_word(start)
        || text.before(start) == Some(b'.')
        || is_part(text, start, end) && !plus
    {
        return Step::No;
    }
    let digits = &*digits;
    let is_number = match plus {
        true => is_international(text, start, digits, &groups),
        false => is_american(digits, &groups) || is_said(text, start, digits),
    };
    if is_number && !is_fiction(digits) {
        return found(Class::Phone, start, end);
    }
    Step::No
}

/// Digits, how they are grouped, and where they end.
type Read = (Few<u8>, Few<usize>, usize);

/// Digits of which a first group may stand in brackets.
fn read(text: &Text<'_>, group: usize, opened: bool) -> Option<Read> {
    let first = grouped(text, group, b" .-/", 15)?;
    let bracket = first.end;
    let closes = text.at(bracket) == Some(b')') && (opened || first.digits.len() <= 5);
    if !closes {
        // `+49 (0) 30 …`, `1 (212) …`
        let inner = match (text.at(bracket), text.at(bracket + 1)) {
            (Some(b' '), Some(b'(')) => bracket + 2,
            (Some(b'('), _) => bracket + 1,
            (Some(b' '), None) if !text.last => return None,
            _ => return Some((first.digits, first.groups, first.end)),
        };
        let second = grouped(text, inner, b"", 5)?;
        if second.digits.is_empty() || first.digits.len() > 3 {
            return Some((first.digits, first.groups, first.end));
        }
        return match text.at(second.end) {
            None if !text.last => None,
            Some(b')') => {
                let (mut digits, mut groups) = (first.digits, Few::default());
                digits.extend(&second.digits);
                groups.extend(&[first.digits.len(), second.digits.len()]);
                behind(text, digits, groups, second.end)
            }
            _ => Some((first.digits, first.groups, first.end)),
        };
    }
    behind(text, first.digits, first.groups, bracket)
}

/// What follows a bracket that closes at `bracket`.
fn behind(
    text: &Text<'_>,
    mut digits: Few<u8>,
    mut groups: Few<usize>,
    bracket: usize,
) -> Option<Read> {
    let mut at = bracket + 1;
    at += usize::from(matches!(text.at(at), Some(b' ' | b'-' | b'.')));
    let rest = grouped(text, at, b" .-/", 15)?;
    if rest.digits.is_empty() {
        return Some((digits, groups, bracket + 1));
    }
    digits.extend(&rest.digits);
    groups.extend(&rest.groups);
    Some((digits, groups, rest.end))
}

/// Whether other digits of the same number stand before.
fn is_middle(text: &Text<'_>, group: usize) -> bool {
    let before = text.before(group);
    let further = text.before(group.saturating_sub(1));
    text.is_in_word(group)
        || before.is_some_and(|byte| {
            matches!(byte, b'-' | b'.' | b'/' | b'_' | b':' | b'=' | b'#' | b'$')
        }) && !matches!((before, further), (Some(b':' | b'='), _))
        || before == Some(b' ') && further.is_some_and(|byte| byte.is_ascii_digit() || byte == b')')
}

fn is_international(text: &Text<'_>, start: usize, digits: &[u8], groups: &[usize]) -> bool {
    let code = match digits {
        [one, ..] if ONE.contains(one) => 1,
        [one, two, ..] if TWO.contains(&&[*one, *two]) => 2,
        [b'2' | b'3' | b'4' | b'5' | b'6' | b'8' | b'9', ..] => 3,
        _ => return false,
    };
    let is_american = digits.first() != Some(&b'1')
        || digits.len() == 11 && digits.get(1).is_some_and(|digit| *digit >= b'2');
    // A line that was added to a file begins with a plus as well.
    let is_added = groups.len() == 1 && text.before(start).is_none_or(|byte| byte == b'\n');
    (code + 6..=15).contains(&digits.len())
        && is_american
        && !is_added
        && (groups.len() > 1 || (10..=14).contains(&digits.len()))
        && groups.iter().all(|group| *group >= 1)
}

/// Area, exchange and line of North America.
fn is_american(digits: &[u8], groups: &[usize]) -> bool {
    let national = match digits {
        [b'1', rest @ ..] if rest.len() == 10 => rest,
        _ => digits,
    };
    let is_grouped = matches!(groups, [3, 3, 4] | [1, 3, 3, 4]);
    let is_zone = |place: usize| national.get(place).is_some_and(|digit| *digit >= b'2');
    national.len() == 10 && is_grouped && is_zone(0) && is_zone(3)
}

fn is_said(text: &Text<'_>, start: usize, digits: &[u8]) -> bool {
    (8..=13).contains(&digits.len())
        && digits.first() == Some(&b'0')
        && said_before(text, start, &WORDS)
        || digits.len() == 10 && said_before(text, start, &WORDS)
}

/// Numbers that are kept free for films, and those that nobody has.
fn is_fiction(digits: &[u8]) -> bool {
    let national = digits.strip_prefix(b"1").unwrap_or(digits);
    let is_555 = national.len() == 10
        && (national.starts_with(b"555") || national.get(3..6) == Some(b"555"));
    let most = (b'0'..=b'9')
        .map(|digit| digits.iter().filter(|other| **other == digit).count())
        .max();
    let counts = [&b"1234567"[..], b"2345678", b"7654321", b"9876543"];
    let is_count = counts
        .iter()
        .any(|count| memchr::memmem::find(digits, count).is_some());
    is_555 || is_count || most.is_some_and(|most| most * 3 > digits.len() * 2)
}
