//! What a database cannot hold is put so that it can: a row that nobody takes would keep its neighbours out.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::record::ContentHash;

/// The longest text of a column that is for words, in characters.
const WORDS: usize = 2_000;
/// The longest name by which rows are found, in bytes: indexes of PostgreSQL take no more than 2,704.
const NAME: usize = 256;

/// Puts texts right, and counts those.
#[derive(Debug, Default)]
pub(super) struct Cleaner(AtomicU64);

impl Cleaner {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// A text without NULs, and not absurdly long.
    pub(super) fn words(&self, text: &str) -> String {
        if text.len() <= WORDS && !text.contains('\0') {
            return text.to_owned();
        }
        self.note();
        text.chars().take(WORDS).map(visible).collect()
    }

    /// A text without NULs, however long.
    pub(super) fn text(&self, text: &str) -> String {
        if !text.contains('\0') {
            return text.to_owned();
        }
        self.note();
        text.chars().map(visible).collect()
    }

    /// A name; one that cannot be one gets another that is its own.
    pub(super) fn name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let cleaned = name_of(name);
        if matches!(cleaned, Cow::Owned(_)) {
            self.note();
        }
        cleaned
    }
}

fn visible(character: char) -> char {
    match character {
        '\0' => char::REPLACEMENT_CHARACTER,
        character => character,
    }
}

/// What a name is in the database.
pub(in super::super) fn name_of(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME && !name.contains('\0') {
        return Cow::Borrowed(name);
    }
    let hash = ContentHash::of(name.as_bytes()).to_string();
    let start = name.chars().take(NAME / 8).map(visible);
    Cow::Owned(
        start
            .chain("~".chars())
            .chain(hash.chars().take(32))
            .collect(),
    )
}

/// A number that both engines hold.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
