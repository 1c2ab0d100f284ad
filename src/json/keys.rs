//! The keys of the objects that are open, to notice one that stands twice.

use std::{borrow::Cow, collections::HashSet};

use super::JsonStr;

/// From this many keys on, an object's keys are hashed instead of compared one by one. Comparing is faster for the
/// objects that people send; hashing keeps hostile ones linear.
const WIDE: usize = 32;

/// The keys seen so far of every open object, innermost last.
#[derive(Default)]
pub(super) struct Keys<'a> {
    prints: Vec<u64>,
    keys: Vec<JsonStr<'a>>,
}

/// Where an open object's keys begin.
pub(super) struct Level<'a> {
    first: usize,
    wide: Option<HashSet<Cow<'a, [u8]>>>,
}

impl<'a> Keys<'a> {
    pub(super) fn open(&self) -> Level<'a> {
        Level {
            first: self.keys.len(),
            wide: None,
        }
    }

    pub(super) fn close(&mut self, level: &Level<'a>) {
        self.prints.truncate(level.first);
        self.keys.truncate(level.first);
    }

    /// Adds a key; answers whether it was new.
    pub(super) fn insert(&mut self, level: &mut Level<'a>, key: JsonStr<'a>) -> bool {
        if let Some(wide) = &mut level.wide {
            return wide.insert(decoded(key));
        }
        let print = fingerprint(&decoded(key));
        let (prints, keys) = (self.prints.get(level.first..), self.keys.get(level.first..));
        let (prints, keys) = (prints.unwrap_or_default(), keys.unwrap_or_default());
        // Without an early exit, so that it becomes vector code; a hit is rare and looked at again.
        if prints
            .iter()
            .fold(false, |hit, &other| hit | (other == print))
            && keys.iter().any(|other| other.is(&key.decode()))
        {
            return false;
        }
        if keys.len() >= WIDE {
            let mut wide: HashSet<_> = keys.iter().map(|&key| decoded(key)).collect();
            wide.insert(decoded(key));
            level.wide = Some(wide);
        } else {
            self.prints.push(print);
            self.keys.push(key);
        }
        true
    }
}

fn decoded(key: JsonStr<'_>) -> Cow<'_, [u8]> {
    if !key.is_escaped() {
        return Cow::Borrowed(key.raw());
    }
    match key.decode() {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Equal for equal keys; nearly always different for different ones.
fn fingerprint(key: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let (head, tail) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (Some(head), Some(tail)) => (
                u32::from_le_bytes(*head).into(),
                u32::from_le_bytes(*tail).into(),
            ),
            _ => (
                key.iter()
                    .fold(0, |print, &byte| print << 8 | u64::from(byte)),
                0,
            ),
        },
    };
    head ^ tail.rotate_left(32).wrapping_mul(ODD) ^ (key.len() as u64).wrapping_mul(ODD)
}
