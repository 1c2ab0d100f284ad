//! The keys of the objects that are open, to notice one that stands twice.

use std::{borrow::Cow, collections::HashSet};

use super::JsonStr;

/// From this many keys on, an object's keys are hashed instead of compared one by one. Comparing is faster for the
/// objects that people send; hashing keeps hostile ones linear.
const WIDE: usize = 32;

/// The keys seen so far of every open object, innermost last.
pub(super) struct Keys<'a> {
    prints: Vec<u64>,
    keys: Vec<JsonStr<'a>>,
    /// Of objects with many keys all of them.
    wide: Vec<HashSet<Cow<'a, [u8]>>>,
}

/// Where an open object's keys begin.
pub(super) struct Level {
    first: usize,
    wide: bool,
}

impl<'a> Keys<'a> {
    /// With room for what most documents need, if any is needed at all.
    pub(super) fn new(needed: bool) -> Self {
        let room = if needed { WIDE } else { 0 };
        Self {
            prints: Vec::with_capacity(room),
            keys: Vec::with_capacity(room),
            wide: Vec::new(),
        }
    }

    pub(super) fn open(&self) -> Level {
        Level {
            first: self.keys.len(),
            wide: false,
        }
    }

    pub(super) fn close(&mut self, level: &Level) {
        self.prints.truncate(level.first);
        self.keys.truncate(level.first);
        if level.wide {
            self.wide.pop();
        }
    }

    /// Adds a key to the innermost object; answers whether it was new.
    pub(super) fn insert(&mut self, level: &mut Level, key: &Key<'a>) -> bool {
        if level.wide
            && let Some(wide) = self.wide.last_mut()
        {
            return wide.insert(key.text.word());
        }
        let (prints, keys) = (self.prints.get(level.first..), self.keys.get(level.first..));
        let (prints, keys) = (prints.unwrap_or_default(), keys.unwrap_or_default());
        // Without an early exit, so that it becomes vector code; a hit is rare and looked at again.
        let hit = |hit, other: &u64| hit | (*other == key.print);
        if prints.iter().fold(false, hit)
            && keys.iter().any(|other| other.word() == key.text.word())
        {
            return false;
        }
        if keys.len() >= WIDE {
            let mut wide: HashSet<_> = keys.iter().map(JsonStr::word).collect();
            wide.insert(key.text.word());
            self.wide.push(wide);
            level.wide = true;
        } else {
            self.prints.push(key.print);
            self.keys.push(key.text);
        }
        true
    }
}

/// A key, and what can be told of it at a glance.
pub(super) struct Key<'a> {
    text: JsonStr<'a>,
    /// Equal for equal keys; nearly always different for different ones.
    print: u64,
    odd: bool,
}

impl<'a> Key<'a> {
    pub(super) fn new(text: JsonStr<'a>) -> Self {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let word = text.word();
        let (head, tail) = ends(&word);
        let odd = match text.is_escaped() {
            true => true,
            // The two words hold all of it.
            false if word.len() <= 16 => is_odd(head) | is_odd(tail),
            false => word
                .iter()
                .fold(false, |odd, byte| odd | is_odd_byte(*byte)),
        };
        let length = word.len() as u64;
        let print = head ^ tail.rotate_left(32).wrapping_mul(ODD) ^ length.wrapping_mul(ODD);
        Self { text, print, odd }
    }

    pub(super) fn text(&self) -> JsonStr<'a> {
        self.text
    }

    /// Whether it is not all lower-case ASCII without an escape.
    pub(super) fn is_odd(&self) -> bool {
        self.odd
    }
}

/// The first and the last bytes as numbers, which overlap if there are not enough.
fn ends(key: &[u8]) -> (u64, u64) {
    if let (Some(head), Some(tail)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        return (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    }
    if let (Some(head), Some(tail)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        return (
            u32::from_le_bytes(*head).into(),
            u32::from_le_bytes(*tail).into(),
        );
    }
    let all = |print, &byte| print << 8 | u64::from(byte);
    (key.iter().fold(0, all), 0)
}

/// Not what a plain key is made of.
fn is_odd_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte >= 0x80
}

/// Whether any of eight bytes is odd.
fn is_odd(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let low = word & !HIGH;
    // The highest bit of each byte becomes 1 if the byte is at least so large.
    let from_a = low + EACH * (0x80 - b'A' as u64);
    let beyond_z = low + EACH * (0x7F - b'Z' as u64);
    ((from_a & !beyond_z) | word) & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_odd_if_one_of_them_is() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"a_zq0-._";
                bytes[place] = byte;
                assert_eq!(
                    is_odd(u64::from_le_bytes(bytes)),
                    is_odd_byte(byte),
                    "{byte}"
                );
            }
        }
    }
}
