//! Numbers of payment cards.

use super::{
    Class, checks,
    numbers::{found, grouped, is_open_behind, is_part},
    text::{Step, Text},
};

pub(super) fn at(text: &Text<'_>, start: usize) -> Step {
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
