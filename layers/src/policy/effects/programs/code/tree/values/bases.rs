//! Texts in letters of other alphabets than those of base64.

use super::{Value, codes, texts::whole};

/// Five bits in each letter.
pub(super) fn base32(text: &str) -> Option<String> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for c in text.trim_end_matches('=').chars() {
        let value = LETTERS.find(c.to_ascii_uppercase())?;
        bits = (bits << 5 | u32::try_from(value).ok()?) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(codes::of_bytes(bytes))
}

/// Four bytes in five letters.
pub(super) fn base85(text: &str) -> Option<String> {
    const LETTERS: &str =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    let letters: Vec<char> = text.chars().collect();
    let mut bytes = Vec::new();
    for five in letters.chunks(5) {
        let filled = five.iter().chain(std::iter::repeat_n(&'~', 5 - five.len()));
        let number = filled.into_iter().try_fold(0_u64, |number, c| {
            let value = u64::try_from(LETTERS.find(*c)?).ok()?;
            Some(number * 85 + value)
        })?;
        let four = u32::try_from(number).ok()?.to_be_bytes();
        bytes.extend(four.iter().take(five.len() - 1));
    }
    Some(codes::of_bytes(bytes))
}

/// `&#114;`, `&#x72;`, `&amp;`
pub(super) fn entities(text: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", " "),
        ("sol", "/"),
    ];
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';').unwrap_or(("", piece));
        let number = name.strip_prefix('#').and_then(|digits| {
            let hex = digits.strip_prefix(['x', 'X']);
            match hex {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => whole(digits.parse().ok()?),
            }
        });
        let named = NAMED.iter().find(|(known, _)| *known == name);
        match (number.and_then(char::from_u32), named) {
            (Some(c), _) => out.push(c),
            (None, Some((_, c))) => out.push_str(c),
            (None, None) => {
                out.push('&');
                out.push_str(piece);
                continue;
            }
        }
        out.push_str(rest);
    }
    out
}

/// A number, or four bytes, as an address.
pub(super) fn address(value: &Value) -> Option<String> {
    let bytes = match value {
        Value::Number(number) => whole(*number)?.to_be_bytes(),
        Value::Text(text) => {
            let bytes: Vec<u8> = text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect::<Option<_>>()?;
            <[u8; 4]>::try_from(bytes).ok()?
        }
        _ => return None,
    };
    Some(std::net::Ipv4Addr::from(bytes).to_string())
}
