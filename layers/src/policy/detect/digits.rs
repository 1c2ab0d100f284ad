//! Where digits are dense enough to be a number that means a person. Text without them is passed over 64 bytes at a time.

use wide::u8x64;

use super::text::Text;

const SIZE: usize = 64;
/// Nothing that is looked for has fewer digits.
pub(super) const FEWEST: usize = 4;

/// The places at which groups of digits begin where enough digits are near, or may come to be.
pub(super) fn groups(text: &Text<'_>, mut each: impl FnMut(usize)) {
    let unread = text.rest(text.from);
    // Whether a digit stands before the block, and how many in the block before.
    let mut carry = text
        .before(text.from)
        .is_some_and(|byte| byte.is_ascii_digit());
    let mut before = 0;
    let mut mask = unread.get(..SIZE.min(unread.len())).map_or(0, digits);
    for (number, block) in unread.chunks(SIZE).enumerate() {
        let start = number * SIZE;
        let next = match unread.get(start + SIZE..) {
            Some(rest) => digits(rest.get(..SIZE).unwrap_or(rest)),
            None => 0,
        };
        if mask != 0 {
            // What is looked for may lie over the edges of blocks, and behind the end of the text.
            let near = before + mask.count_ones() as usize + next.count_ones() as usize;
            let may_come = !text.last && start + 2 * SIZE >= unread.len();
            if near >= FEWEST || may_come {
                begins(text.from + start, mask, carry, &mut each);
            }
        }
        carry = mask >> 63 == 1 && block.len() == SIZE;
        before = mask.count_ones() as usize;
        mask = next;
    }
}

/// Tells each digit before which there is none.
fn begins(start: usize, mask: u64, carry: bool, each: &mut impl FnMut(usize)) {
    let mut begins = mask & !(mask << 1 | u64::from(carry));
    while begins != 0 {
        each(start + begins.trailing_zeros() as usize);
        begins &= begins - 1;
    }
}

/// A bit for each digit of at most 64 bytes.
fn digits(block: &[u8]) -> u64 {
    let bytes = match <[u8; SIZE]>::try_from(block) {
        Ok(bytes) => bytes,
        Err(_) => {
            let mut bytes = [0; SIZE];
            bytes
                .iter_mut()
                .zip(block)
                .for_each(|(byte, other)| *byte = *other);
            bytes
        }
    };
    let bytes = u8x64::new(bytes);
    let above = bytes.simd_eq(bytes.max(u8x64::splat(b'0')));
    let below = bytes.simd_eq(bytes.min(u8x64::splat(b'9')));
    (above & below).to_bitmask()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_group_of_digits_with_enough_of_them_near_is_found(text in "[a-c0-9 ]{0,300}", from in 0_usize..300) {
            let from = from.min(text.len());
            let bytes = text.as_bytes();
            let mut found = Vec::new();
            let text = super::Text { bytes, from, last: true };
            super::groups(&text, |place| found.push(place));
            let begins = |place: usize| bytes[place].is_ascii_digit() && (place == 0 || !bytes[place - 1].is_ascii_digit());
            let expected: Vec<_> = (from..bytes.len()).filter(|place| begins(*place)).collect();
            prop_assert!(found.iter().all(|place| expected.contains(place)), "{found:?}");
            for place in expected {
                let near = &bytes[place..bytes.len().min(place + 60)];
                let digits = near.iter().filter(|byte| byte.is_ascii_digit()).count();
                prop_assert!(digits < 4 || found.contains(&place), "{place}");
            }
        }
    }
}
