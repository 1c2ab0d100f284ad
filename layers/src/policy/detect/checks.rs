//! Check digits.

/// Whether the last six characters are the CRC-32 of those before them, in base 62, as GitHub and npm write it.
pub(super) fn crc32_base62(token: &[u8]) -> bool {
    let Some((body, check)) = token.split_last_chunk::<6>() else {
        return false;
    };
    let value = check.iter().try_fold(0_u64, |value, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(value * 62 + u64::from(digit))
    });
    value == Some(u64::from(crc32fast::hash(body)))
}

/// Whether these digits end in the check digit of ISO/IEC 7812.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit @ 0..=4) => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether an account number without blanks, country first, leaves 1 modulo 97 as ISO 13616 wants it.
pub(super) fn mod_97(iban: &[u8]) -> bool {
    let (country, account) = iban.split_at_checked(4).unwrap_or_default();
    let rest = account.iter().chain(country).fold(0_u32, |rest, byte| {
        let shift = |rest: u32, value: u32| (rest * if value < 10 { 10 } else { 100 } + value) % 97;
        match byte {
            b'0'..=b'9' => shift(rest, u32::from(byte - b'0')),
            b'A'..=b'Z' => shift(rest, u32::from(byte - b'A') + 10),
            _ => 0,
        }
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_standards() {
        assert!(luhn(b"4111111111111111") && !luhn(b"4111111111111112"));
        assert!(luhn(b"378282246310005"));
        assert!(mod_97(b"GB82WEST12345698765432") && !mod_97(b"GB82WEST12345698765433"));
        assert!(mod_97(b"DE89370400440532013000"));
        // 0xCBF43926, the check value of the CRC, in base 62.
        assert!(crc32_base62(b"1234567893jZcGG") == (encode(0xCBF4_3926) == "3jZcGG"));
        assert!(crc32_base62(
            format!("123456789{}", encode(0xCBF4_3926)).as_bytes()
        ));
        assert!(!crc32_base62(b"123456789000000") && !crc32_base62(b"1"));
    }

    fn encode(mut value: u64) -> String {
        let mut digits = Vec::new();
        while digits.len() < 6 {
            let digit = u8::try_from(value % 62).unwrap();
            digits.push(match digit {
                0..=9 => b'0' + digit,
                10..=35 => b'A' + digit - 10,
                _ => b'a' + digit - 36,
            });
            value /= 62;
        }
        digits.reverse();
        String::from_utf8(digits).unwrap()
    }
}
