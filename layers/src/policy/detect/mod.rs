//! Finds secrets and personal data in text.
//!
//! ```
//! use luthien::policy::detect::{Class, Classes, Detector};
//!
//! let detector = Detector::new(Classes::secrets());
//! let text = "DB_PASSWORD=correct7horse and nothing else";
//! let findings = detector.find(text);
//! assert_eq!(findings[0].class, Class::AssignedSecret);
//! assert_eq!(&text[findings[0].span.clone()], "correct7horse");
//! assert!(detector.find("The password is the fourth line of the form.").is_empty());
//! ```
//!
//! # How
//!
//! A text is searched for what is rare: how tokens begin, names that secrets have, an `@`, four digits near each other.
//! Only there it is read, by a matcher that looks at no more than a bounded number of bytes. So a text takes time linear in
//! its length, whatever stands in it, and one without hits is read at the speed of the search.
//!
//! A finding is more than a shape. Where a vendor computes check digits they are checked; where none are, a token must look
//! drawn at random; names, hashes, references to variables, and what is known from documentation are none. What is found by
//! its name alone (`password = …`) may still be a false alarm, and a word that somebody chose without digits is missed.
//!
//! # While it flows
//!
//! [`Flow`] finds the same in a text that comes in pieces, wherever it was cut, and keeps back no more than what may be the
//! beginning of a finding. Things of any length, keys in armour above all, are found by how they begin, and what follows
//! is counted to them as it comes.

mod accounts;
mod armour;
mod assigned;
mod card;
mod checks;
mod class;
mod dates;
mod digits;
mod email;
mod flow;
mod header;
mod internet;
mod names;
mod noise;
mod numbers;
mod phone;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod url;

use std::{collections::BTreeMap, ops::Range};

pub use class::{Class, Classes};
pub use flow::{Flow, Settled};

use self::text::{Rest, Span, Text};

/// Whether a text may have been drawn at random.
pub(crate) fn is_random(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && noise::is_random(text.as_bytes())
}

/// Looks for some classes. Making one costs nothing; what it searches with is made once for all.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    classes: Classes,
}

/// Where something was found, and what. Not the thing itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In bytes, on character boundaries.
    pub span: Range<usize>,
    /// What it is.
    pub class: Class,
}

/// What a search has come to.
struct Found {
    spans: Vec<Span>,
    /// From here on it depends on what follows.
    open: usize,
}

/// So much of the end may be the beginning of something, as long as it is without a blank.
const WORD: usize = 64;

impl Detector {
    /// For these classes.
    pub fn new(classes: Classes) -> Self {
        Self { classes }
    }

    /// Everything that is found in a whole text, in order, not overlapping.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let whole = Text {
            bytes: text.as_bytes(),
            from: 0,
            last: true,
        };
        let found = self.search(&whole);
        let finding = |span: Span| Finding {
            span: span.start..span.end,
            class: span.class,
        };
        found.spans.into_iter().map(finding).collect()
    }

    fn search(&self, text: &Text<'_>) -> Found {
        let mut spans = Vec::new();
        let mut open = if text.last {
            text.bytes.len()
        } else {
            begun_word(text)
        };
        let classes = self.classes;
        if Class::ALL
            .iter()
            .any(|class| class.rank() < 4 && classes.has(*class))
        {
            open = open.min(tokens::find(text, classes, &mut spans));
        }
        if classes.has_any(&[Class::AuthorizationHeader, Class::AssignedSecret]) {
            open = open.min(assigned::find(text, classes, &mut spans));
        }
        if classes.has(Class::Email) {
            open = open.min(email::find(text, &mut spans));
        }
        if classes.has_any(&[
            Class::Phone,
            Class::CreditCard,
            Class::Iban,
            Class::UsSsn,
            Class::IpAddress,
            Class::DateOfBirth,
        ]) {
            open = open.min(numbers::find(text, classes, &mut spans));
        }
        resolve(spans, open)
    }
}

/// The last characters, if they may be the beginning of something.
fn begun_word(text: &Text<'_>) -> usize {
    let unread = text.rest(text.from);
    let word = unread
        .iter()
        .rev()
        .take(WORD)
        .take_while(|byte| !byte.is_ascii_whitespace())
        .count();
    text.bytes.len() - word
}

/// Of findings that overlap, keeps those that say most; drops those that are not settled.
fn resolve(mut spans: Vec<Span>, mut open: usize) -> Found {
    if spans.is_empty() {
        return Found { spans, open };
    }
    spans.sort_by_key(|span| span.start);
    // What goes on behind the end settles all before it.
    let going_on = spans.iter().find(|span| span.rest.is_some());
    if let Some(span) = going_on.filter(|span| span.start <= open) {
        open = span.end;
    }
    // What is open touches whatever reaches into it, whether that is kept or not.
    spans.sort_by_key(|span| span.seen_from);
    for span in spans.iter().rev() {
        if span.end > open && span.seen_from < open {
            open = span.seen_from;
        }
    }
    spans.retain(|span| span.end <= open);
    spans.sort_by_key(|span| (if span.is_long { 0 } else { span.class.rank() }, span.start));
    let mut kept: BTreeMap<usize, Span> = BTreeMap::new();
    for span in spans {
        let before = kept.range(..=span.start).next_back();
        let behind = kept.range(span.start..).next();
        let is_free = before.is_none_or(|(_, other)| other.end <= span.start)
            && behind.is_none_or(|(_, other)| span.end <= other.start);
        if is_free {
            kept.insert(span.start, span);
        }
    }
    let spans = kept.into_values().collect();
    Found { spans, open }
}
