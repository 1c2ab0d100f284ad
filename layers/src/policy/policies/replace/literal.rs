//! A text that stands there as it is.

use super::casing::transfer;
use crate::policy::TextEdits;

pub(super) struct Literal {
    from: String,
    to: String,
    /// Without regard to letter case: what to look for, folded.
    folded: Option<Vec<char>>,
}

/// What a text that begins at some place is.
enum Begins {
    /// What is looked for, in so many bytes.
    Whole(usize),
    /// The beginning of it, and there the text ends.
    Part,
    Other,
}

impl Literal {
    pub(super) fn new(from: String, to: String, keep_case: bool) -> Self {
        let folded = keep_case.then(|| from.chars().map(fold).collect());
        Self { from, to, folded }
    }

    /// All but its last character, in the most bytes that may take.
    pub(super) fn look_behind(&self) -> usize {
        match &self.folded {
            None => self.from.len() - 1,
            Some(folded) => (folded.len() - 1) * char::MAX.len_utf8(),
        }
    }

    pub(super) fn find(&self, text: &str, last: bool) -> TextEdits {
        let mut edits = match &self.folded {
            None => self.exactly(text),
            Some(folded) => self.folded(folded, text),
        };
        if last {
            edits.settled = text.len();
        }
        edits
    }

    fn exactly(&self, text: &str) -> TextEdits {
        let found = text.match_indices(&self.from);
        let replacements: Vec<_> = found
            .map(|(at, found)| (at..at + found.len(), self.to.clone()))
            .collect();
        let done = replacements.last().map_or(0, |(found, _)| found.end);
        let rest = text.get(done..).unwrap_or_default();
        // The longest beginning of it that the text ends with.
        let begun = self.from.char_indices().rev().map(|(at, _)| at);
        let mut begun = begun.filter(|at| rest.ends_with(self.from.get(..*at).unwrap_or_default()));
        TextEdits {
            settled: text.len() - begun.next().unwrap_or(0),
            replacements,
        }
    }

    fn folded(&self, folded: &[char], text: &str) -> TextEdits {
        let mut edits = TextEdits::none(text);
        let mut done = 0;
        for (at, _) in text.char_indices() {
            if at < done {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            match begins(folded, rest) {
                Begins::Whole(length) => {
                    done = at + length;
                    let found = text.get(at..done).unwrap_or_default();
                    edits
                        .replacements
                        .push((at..done, transfer(found, &self.to)));
                }
                Begins::Part => {
                    edits.settled = at;
                    break;
                }
                Begins::Other => {}
            }
        }
        edits
    }
}

fn begins(folded: &[char], text: &str) -> Begins {
    let mut rest = text.chars();
    for expected in folded {
        match rest.next() {
            None => return Begins::Part,
            Some(c) if fold(c) == *expected => {}
            Some(_) => return Begins::Other,
        }
    }
    Begins::Whole(text.len() - rest.as_str().len())
}

/// The small letter, where it is a single one.
fn fold(c: char) -> char {
    let mut small = c.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) => small,
        _ => c,
    }
}
