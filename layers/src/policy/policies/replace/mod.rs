//! `replace`: puts one text in place of another, in what the model writes, in what it is told, or in both.
//!
//! ```yaml
//! - use: replace
//!   with: { from: foo, to: bar }
//! - use: replace
//!   with: { from: 'ticket-(\d+)', to: 'https://tickets.example/$1', regex: true, window: 64 }
//! - use: replace
//!   with: { from: colour, to: color, keep_case: true, in: both }
//! ```
//!
//! A literal text is found wherever the network has cut it, and nothing waits for it but the end of a piece that may be its
//! beginning. A pattern may match anything, so as many bytes as its `window` has wait until it is clear that no match begins
//! there; a match that would be longer is none. Matches of nothing are none either.
//!
//! In requests, the texts of the person and of the system are changed; what tools have answered, and what the model has said
//! and thought, goes up as it is.

mod casing;
mod literal;
mod pattern;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{literal::Literal, pattern::Pattern};
use crate::policy::{
    Context, Policy, PolicyError, RequestVerdict, TextEditor, TextEdits, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "replace",
    "Puts one text in place of another, in replies, in requests, or in both.",
    "{ from: foo, to: bar, in: both }",
);

/// What is replaced by what, and where.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What is looked for: a text, or a pattern.
    from: String,
    /// What stands in its place. In place of a pattern, `$1` or `${name}` is what a group has matched.
    to: String,
    /// Whether `from` is a regular expression.
    #[serde(default)]
    regex: bool,
    /// Whether letter case is of no account when looking, and taken over from what was found: ALL CAPS, Capitalised or
    /// lower case.
    #[serde(default)]
    keep_case: bool,
    /// Where it is looked for.
    #[serde(default, rename = "in")]
    place: Place,
    /// The longest match of a pattern, in bytes; from 1 to 4096. So much text waits.
    #[serde(default = "window")]
    window: usize,
}

/// Where text is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// In what the model writes.
    #[default]
    Reply,
    /// In what the person and the system write.
    Request,
    /// In both.
    Both,
}

fn window() -> usize {
    256
}

impl registry::Settings for Settings {
    type Policy = Replace;

    fn policy(self) -> Result<Replace, BuildError> {
        if self.from.is_empty() {
            return Err(BuildError::new("from", "it must not be empty"));
        }
        if !(1..=4_096).contains(&self.window) {
            return Err(BuildError::new("window", "it must be from 1 to 4096"));
        }
        let finder = if self.regex {
            let pattern = Pattern::new(&self.from, self.to, self.keep_case, self.window);
            Finder::Pattern(pattern.map_err(|error| BuildError::new("from", error.to_string()))?)
        } else {
            Finder::Literal(Literal::new(self.from, self.to, self.keep_case))
        };
        Ok(Replace {
            finder: Arc::new(finder),
            place: self.place,
        })
    }
}

struct Replace {
    finder: Arc<Finder>,
    place: Place,
}

impl Policy for Replace {
    fn watches(&self) -> Watches {
        match self.place {
            Place::Reply => Watches::TEXT_EDITS,
            Place::Request => Watches::REQUEST,
            Place::Both => Watches::TEXT_EDITS | Watches::REQUEST,
        }
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        Ok(RequestVerdict::Edit(request::edits(request, &self.finder)))
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor {
            finder: self.finder.clone(),
            before: None,
        }))
    }
}

enum Finder {
    Literal(Literal),
    Pattern(Pattern),
}

impl Finder {
    /// What to replace in `text`, before which `before` stood.
    fn find(&self, before: Option<char>, text: &str, last: bool) -> TextEdits {
        match self {
            Self::Literal(literal) => literal.find(text, last),
            Self::Pattern(pattern) => pattern.find(before, text, last),
        }
    }

    /// The whole text with everything replaced, if there is anything.
    fn replace(&self, text: &str) -> Option<String> {
        let edits = self.find(None, text, true);
        (!edits.replacements.is_empty()).then(|| edits.apply(text))
    }
}

struct Editor {
    finder: Arc<Finder>,
    /// The last character that is settled: patterns ask what stands before a match.
    before: Option<char>,
}

impl TextEditor for Editor {
    fn look_behind(&self) -> usize {
        match &*self.finder {
            Finder::Literal(literal) => literal.look_behind(),
            Finder::Pattern(pattern) => pattern.look_behind(),
        }
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        let edits = self.finder.find(self.before, text, last);
        let settled = text.get(..edits.settled).unwrap_or_default();
        self.before = settled.chars().next_back().or(self.before);
        edits
    }
}
