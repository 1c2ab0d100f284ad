//! `no-yapping`: leaves out the stock words with which models begin and end what they write. Code stays as it is.
//!
//! ```yaml
//! - use: no-yapping
//! ```
//!
//! "Certainly!", "Great question!", "I'd be happy to help." at the beginning; "I hope this helps!", "Let me know if you have any
//! other questions." at the end. What asks or offers something in particular stays, and so do stock words that are all there
//! is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    editor::Editor,
    phrase::{
        Part::{Any, End, Words},
        Phrase,
    },
    sentences::Sentences,
};
use crate::policy::{
    Context, Policy, TextEditor, Watches,
    registry::{self, BuildError, Builtin},
};

pub(in crate::policy::policies) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "no-yapping",
    "Leaves out the stock words with which models begin and end what they write.",
    "{}",
);

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = NoYapping;

    fn policy(self) -> Result<NoYapping, BuildError> {
        Ok(NoYapping)
    }
}

struct NoYapping;

impl Policy for NoYapping {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor::new(&STOCK_WORDS)))
    }
}

const STOP: &[char] = &['.', '!'];
const ASK: &[char] = &['?'];

/// What is offered when nothing in particular is.
const ANYTHING: &[&str] = &[
    "any question",
    "any other question",
    "any further question",
    "any more question",
    "any additional question",
    "have questions",
    "anything else",
    "any clarification",
    "further clarification",
    "further assistance",
    "further help",
    "more help",
    "need any help",
];

static STOCK_WORDS: Sentences = Sentences {
    openings: &[
        Phrase::whole(&[
            Any(&[
                "Certainly",
                "Absolutely",
                "Definitely",
                "Of course",
                "Sure thing",
                "Sure",
            ]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["That's a ", "That is a ", "What a ", "This is a ", ""]),
            Any(&["really ", "very ", ""]),
            Any(&[
                "great",
                "good",
                "excellent",
                "fantastic",
                "wonderful",
                "interesting",
            ]),
            Any(&[" question"]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["That's an ", "That is an "]),
            Any(&["excellent question", "interesting question"]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["I'd be ", "I would be ", "I'm ", "I am "]),
            Any(&["happy to ", "glad to ", "more than happy to "]),
            Any(&["help", "assist"]),
            Any(&[" you with that", " you", " with that", ""]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["Thank you for ", "Thanks for "]),
            Any(&["your question", "asking", "reaching out"]),
            End(STOP),
        ]),
    ],
    anywhere: &[],
    closings: &[
        Phrase::whole(&[
            Any(&["Please let me know ", "Just let me know ", "Let me know "]),
            Any(&["if "]),
            Words(ANYTHING),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["Please feel free to ", "Feel free to "]),
            Any(&["reach out", "ask"]),
            Any(&[" anytime", " any time", ""]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["Please feel free to ", "Feel free to "]),
            Words(ANYTHING),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["If you have ", "If you need "]),
            Words(&[
                "feel free to ask",
                "feel free to reach out",
                "let me know",
                "just ask",
            ]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["I hope ", "Hope "]),
            Any(&["this ", "that ", "it "]),
            Any(&[
                "helps",
                "is helpful",
                "was helpful",
                "clarifies things",
                "answers your question",
            ]),
            End(STOP),
        ]),
        Phrase::whole(&[
            Any(&["Is there anything else I can "]),
            Any(&[
                "help you with",
                "help with",
                "do for you",
                "assist you with",
            ]),
            Any(&[" today", ""]),
            End(ASK),
        ]),
        Phrase::whole(&[Any(&["Happy coding"]), End(STOP)]),
    ],
};

#[cfg(test)]
pub(super) fn sentences() -> &'static Sentences {
    &STOCK_WORDS
}
