//! Addresses of the public internet.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    Class, digits,
    numbers::{found, said_before},
    text::{ALNUM, Set, Step, Text},
};

static V4: Set = Set::of(b"0-9.");
static V6: Set = Set::of(b"0-9A-Fa-f:");

/// Of those whom everybody asks for names.
const WELL_KNOWN: [[u8; 4]; 8] = [
    [8, 8, 8, 8],
    [8, 8, 4, 4],
    [1, 1, 1, 1],
    [1, 0, 0, 1],
    [9, 9, 9, 9],
    [208, 67, 222, 222],
    [208, 67, 220, 220],
    [4, 4, 4, 4],
];

pub(super) fn v4(text: &Text<'_>, start: usize) -> Step {
    if text.is_in_word(start) || matches!(text.before(start), Some(b'.' | b'_' | b'-')) {
        return Step::No;
    }
    let first = text
        .rest(start)
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if text.at(start + first).is_some_and(|byte| byte != b'.') {
        return Step::No;
    }
    let run = text.run(start, &V4, 17);
    if run.is_open {
        return Step::More;
    }
    let mut read = run.head;
    while let [shorter @ .., b'.'] = read {
        read = shorter;
    }
    let end = start + read.len();
    let Some(address) = std::str::from_utf8(read)
        .ok()
        .and_then(|read| read.parse::<Ipv4Addr>().ok())
    else {
        return Step::No;
    };
    let goes_on = text
        .at(end)
        .is_some_and(|byte| ALNUM.has(byte) || matches!(byte, b'_' | b'-'));
    let is_version =
        said_before(text, start, &[b"version", b" v.", b"release"]) || looks_like_version(address);
    if goes_on || run.is_long || is_version || !is_public(address) {
        return Step::No;
    }
    found(Class::IpAddress, start, end)
}

/// Small numbers count versions, sections and objects.
fn looks_like_version(address: Ipv4Addr) -> bool {
    let [first, rest @ ..] = address.octets();
    first < 20 && rest.iter().filter(|octet| **octet < 20).count() >= 2
}

fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_reserved = first == 0
        || first >= 224
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (18..20).contains(&second))
        || (first, second, third) == (192, 0, 0);
    !(is_reserved
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.octets().ends_with(&[0, 0])
        || WELL_KNOWN.contains(&address.octets()))
}

pub(super) fn v6(text: &Text<'_>, start: usize) -> Step {
    // All that is routed begins with a two or a three.
    if !matches!(text.at(start), Some(b'2' | b'3')) {
        return Step::No;
    }
    if text.is_in_word(start) || matches!(text.before(start), Some(b':' | b'_' | b'-' | b'.')) {
        return Step::No;
    }
    let run = text.run(start, &V6, 41);
    if run.is_open {
        return Step::More;
    }
    let mut read = run.head;
    while let [shorter @ .., b':'] = read
        && !shorter.ends_with(b":")
    {
        read = shorter;
    }
    let end = start + read.len();
    let Some(address) = std::str::from_utf8(read)
        .ok()
        .and_then(|read| read.parse::<Ipv6Addr>().ok())
    else {
        return Step::No;
    };
    let [first, second, ..] = address.segments();
    let is_public =
        (0x2000..0x4000).contains(&first) && (first, second) != (0x2001, 0x0DB8) && first != 0x3FFF;
    let is_resolver = (first, second) == (0x2001, 0x4860) || (first, second) == (0x2606, 0x4700);
    let count = |kind: fn(&u8) -> bool| read.iter().filter(|byte| kind(byte)).count();
    let is_enough = count(|byte| *byte == b':') >= 3 && count(u8::is_ascii_digit) >= digits::FEWEST;
    if run.is_long
        || !is_public
        || is_resolver
        || !is_enough
        || text.at(end).is_some_and(|byte| ALNUM.has(byte))
    {
        return Step::No;
    }
    found(Class::IpAddress, start, end)
}
