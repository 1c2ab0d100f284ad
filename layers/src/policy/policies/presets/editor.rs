//! A text editor made of a rule that is asked at every place.

use super::markdown::Markdown;
use crate::policy::{TextEditor, TextEdits};

/// What a rule says of the text that begins at some place. What it says must be the same however much more text follows, as
/// soon as it does not wait any more: then it does not matter where a text is cut.
pub(super) enum Step {
    /// So many bytes go out as they are; at least one.
    Keep(usize),
    /// In place of so many bytes stands this.
    Put(usize, String),
    /// More text has to come first.
    Wait,
}

/// What stood before a place.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) markdown: Markdown,
    /// The last character.
    pub(super) last: Option<char>,
    /// Whether anything but white space has gone out.
    pub(super) has_said: bool,
}

pub(super) trait Rule: Send {
    /// The most bytes that it waits with.
    fn look_behind(&self) -> usize;

    /// What becomes of `rest`, which is not empty. `last` tells that no more text will come.
    fn next(&self, before: &Before, rest: &str, last: bool) -> Step;
}

pub(super) struct Editor<R> {
    rule: R,
    before: Before,
}

impl<R: Rule> Editor<R> {
    pub(super) fn new(rule: R) -> Self {
        Self {
            rule,
            before: Before::default(),
        }
    }

    fn go_on(&mut self, came: &str, goes: &str) {
        self.before.last = came.chars().next_back().or(self.before.last);
        self.before.has_said |= !goes.trim().is_empty();
        self.before.markdown.feed(goes);
    }
}

impl<R: Rule> TextEditor for Editor<R> {
    fn look_behind(&self) -> usize {
        self.rule.look_behind()
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        let mut edits = TextEdits::default();
        while let Some(rest) = text.get(edits.settled..).filter(|rest| !rest.is_empty()) {
            let at = edits.settled;
            match self.rule.next(&self.before, rest, last) {
                Step::Keep(length) => {
                    let kept = rest.get(..length).unwrap_or(rest);
                    self.go_on(kept, kept);
                    edits.settled += kept.len();
                }
                Step::Put(length, goes) => {
                    let came = rest.get(..length).unwrap_or(rest);
                    self.go_on(came, &goes);
                    edits.settled += came.len();
                    edits.replacements.push((at..edits.settled, goes));
                }
                Step::Wait => break,
            }
        }
        edits
    }
}
