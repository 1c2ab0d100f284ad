//! Numbers of bank accounts, and of the social security of the United States.

use super::{
    Class, checks,
    numbers::{LONGEST, found, grouped, is_open_behind, is_part, said_before},
    text::{ALNUM, Set, Step, Text},
};

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

pub(super) fn iban(text: &Text<'_>, group: usize) -> Step {
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

pub(super) fn ssn(text: &Text<'_>, start: usize) -> Step {
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
