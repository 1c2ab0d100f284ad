use std::ops::Range;

/// Changes the text of one block while it flows.
///
/// The engine shows the text that has not been let go yet: what the editor kept before, and what came since, as long a piece
/// as the network brought. So what is looked for is found although it came in two pieces. What is settled is let go at once.
///
/// ```
/// use luthien::policy::{TextEdits, TextEditor};
///
/// /// Turns every `-` into a `+`: each character stands alone, so nothing is ever kept.
/// struct Pluses;
///
/// impl TextEditor for Pluses {
///     fn look_behind(&self) -> usize {
///         0
///     }
///
///     fn edit(&mut self, text: &str, _last: bool) -> TextEdits {
///         let found = text.match_indices('-').map(|(at, _)| (at..at + 1, "+".to_owned()));
///         TextEdits { settled: text.len(), replacements: found.collect() }
///     }
/// }
///
/// let edits = Pluses.edit("1-1", false);
/// assert_eq!(edits.apply("1-1"), "1+1");
/// ```
pub trait TextEditor: Send {
    /// The most bytes that are ever kept back. An editor that keeps more has failed.
    fn look_behind(&self) -> usize;

    /// Looks at what is not settled yet. `last` tells that no more text will come: then all of it is settled, whatever is
    /// answered.
    fn edit(&mut self, text: &str, last: bool) -> TextEdits;
}

/// What an editor makes of a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextEdits {
    /// How many bytes from the beginning may go out; the rest is shown again. On a character boundary.
    pub settled: usize,
    /// What stands in place of what: ranges of bytes within what is settled, in order, not overlapping.
    pub replacements: Vec<(Range<usize>, String)>,
}

impl TextEdits {
    /// All of it may go out as it is.
    pub fn none(text: &str) -> Self {
        Self {
            settled: text.len(),
            replacements: Vec::new(),
        }
    }

    /// The settled part of `text`, with the replacements made.
    pub fn apply(&self, text: &str) -> String {
        let mut edited = String::with_capacity(self.settled);
        let mut at = 0;
        for (range, replacement) in &self.replacements {
            edited.push_str(text.get(at..range.start).unwrap_or_default());
            edited.push_str(replacement);
            at = range.end;
        }
        edited.push_str(text.get(at..self.settled).unwrap_or_default());
        edited
    }

    /// Whether it makes sense for `text`.
    pub(crate) fn is_sound(&self, text: &str) -> bool {
        let mut at = 0;
        let in_order = self.replacements.iter().all(|(range, _)| {
            let sound = at <= range.start
                && range.start <= range.end
                && text.is_char_boundary(range.start)
                && text.is_char_boundary(range.end);
            at = range.end;
            sound
        });
        in_order && at <= self.settled && text.is_char_boundary(self.settled)
    }
}
