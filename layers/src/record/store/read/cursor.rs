use std::{fmt, str::FromStr};

use serde::Serialize;

/// The most that one answer holds.
pub(super) const MOST: usize = 1_000;

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) at: i64,
    pub(super) number: i64,
}

/// Not a cursor of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not where a page begins")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.at, self.number)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (at, number) = text.split_once('.').ok_or(NotACursor)?;
        let read = |text| u64::from_str_radix(text, 16).map(u64::cast_signed);
        match (read(at), read(number)) {
            (Ok(at), Ok(number)) => Ok(Self { at, number }),
            _ => Err(NotACursor),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Some of what there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where the next page begins. `None` if this is the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The first `limit` of these, of which there is one more if there is another page.
    pub(super) fn of(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let is_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| is_more).map(cursor);
        Self { items, next }
    }
}
