//! `plain-dashes`: hyphens in place of long dashes, in what the model writes. Code stays as it is.
//!
//! ```yaml
//! - use: plain-dashes
//! ```
//!
//! `word—word` becomes `word - word`, `word — word` and `word – word` too, `1990–1995` becomes `1990-1995`. Where a line begins
//! with a dash there are two hyphens, since one would make a list of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::editor::{Before, Editor, Rule, Step};
use crate::policy::{
    Context, Policy, TextEditor, Watches,
    registry::{self, BuildError, Builtin},
};

pub(in crate::policy::policies) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "plain-dashes",
    "Puts hyphens in place of long dashes, outside code.",
    "{}",
);

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = PlainDashes;

    fn policy(self) -> Result<PlainDashes, BuildError> {
        Ok(PlainDashes)
    }
}

struct PlainDashes;

impl Policy for PlainDashes {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor::new(Dashes)))
    }
}

pub(super) struct Dashes;

/// Between words.
const LONG: [char; 2] = ['\u{2014}', '\u{2015}'];
/// Between words, with space around it, and between numbers.
const SHORT: [char; 2] = ['\u{2012}', '\u{2013}'];

fn is_dash(c: char) -> bool {
    LONG.contains(&c) || SHORT.contains(&c)
}

impl Rule for Dashes {
    fn look_behind(&self) -> usize {
        char::MAX.len_utf8()
    }

    fn next(&self, before: &Before, rest: &str, last: bool) -> Step {
        let Some(at) = rest.find(is_dash) else {
            return Step::Keep(rest.len());
        };
        if at > 0 {
            return Step::Keep(at);
        }
        let mut chars = rest.chars();
        let (Some(dash), next) = (chars.next(), chars.next()) else {
            return Step::Keep(rest.len());
        };
        if !before.markdown.is_prose() {
            return Step::Keep(dash.len_utf8());
        }
        if next.is_none() && !last {
            return Step::Wait;
        }
        let is_in_words = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && !is_dash(c));
        let plain = match before.last {
            None | Some('\n') => "--",
            Some(_) if LONG.contains(&dash) && is_in_words(before.last) && is_in_words(next) => {
                " - "
            }
            Some(_) => "-",
        };
        Step::Put(dash.len_utf8(), plain.to_owned())
    }
}
