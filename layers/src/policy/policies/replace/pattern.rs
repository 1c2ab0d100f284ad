//! A regular expression, in a text that comes piece by piece.
//!
//! Whether a match begins at a place is decided by the window that begins there, and by the one character behind it and the
//! one before it: by nothing that a network could cut otherwise. So it is decided once so much has come, and alike for a
//! text that comes at once.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};

use super::casing::transfer;
use crate::policy::TextEdits;

pub(super) struct Pattern {
    regex: Regex,
    to: String,
    keep_case: bool,
    window: usize,
}

/// The most bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;
/// The most bytes that a character may take.
const WIDEST: usize = char::MAX.len_utf8();

impl Pattern {
    pub(super) fn new(
        from: &str,
        to: String,
        keep_case: bool,
        window: usize,
    ) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(from)
            .case_insensitive(keep_case)
            .size_limit(SIZE)
            .build()?;
        Ok(Self {
            regex,
            to,
            keep_case,
            window,
        })
    }

    /// What has to have come for a place to be decided: the window and a character.
    fn reach(&self) -> usize {
        self.window + WIDEST
    }

    pub(super) fn look_behind(&self) -> usize {
        self.reach() + WIDEST
    }

    pub(super) fn find(&self, before: Option<char>, text: &str, last: bool) -> TextEdits {
        let (text, start) = match before {
            Some(before) => {
                let whole = format!("{before}{text}");
                (Cow::Owned(whole), before.len_utf8())
            }
            None => (Cow::Borrowed(text), 0),
        };
        let end = text.len();
        // From here on nothing is decided yet.
        let open = match last {
            true => end,
            false => text.floor_char_boundary((end + 1).saturating_sub(self.reach())),
        };
        let mut replacements = Vec::new();
        let mut at = start;
        while at < open {
            let next = self.next(&text, at).min(open);
            if next > at {
                at = next;
                continue;
            }
            match self.found(&text, at) {
                Some(found) => {
                    let span = found.get(0).map_or(at..at, |found| found.range());
                    at = span.end;
                    replacements.push((span.start - start..span.end - start, self.put(&found)));
                }
                None => at = text.ceil_char_boundary(at + 1),
            }
        }
        TextEdits {
            settled: at - start,
            replacements,
        }
    }

    /// The next place, from `at` on, at which a match may begin; or one before it.
    fn next(&self, text: &str, at: usize) -> usize {
        let seen = text.floor_char_boundary(at + 2 * self.reach() + WIDEST);
        let sure = text.ceil_char_boundary(at + self.reach());
        let seen = text.get(..seen).unwrap_or_default();
        // What begins behind `sure` may end where nothing was seen any more.
        let found = self.regex.find_at(seen, at);
        found.map_or(sure, |found| found.start().min(sure))
    }

    /// The match that begins at this very place, if there is one.
    fn found<'t>(&self, text: &'t str, at: usize) -> Option<Captures<'t>> {
        let seen = text.ceil_char_boundary(at + self.window + 1);
        let seen = text.get(..seen)?;
        let whole = self.regex.find_at(seen, at)?;
        let is_match = whole.start() == at && (1..=self.window).contains(&whole.len());
        is_match.then(|| self.regex.captures_at(seen, at))?
    }

    fn put(&self, found: &Captures<'_>) -> String {
        let mut to = String::new();
        found.expand(&self.to, &mut to);
        match found.get(0) {
            Some(whole) if self.keep_case => transfer(whole.as_str(), &to),
            _ => to,
        }
    }
}
