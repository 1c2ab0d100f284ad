//! `no-apologies`: leaves out apologies that say nothing else. Code stays as it is.
//!
//! ```yaml
//! - use: no-apologies
//! ```
//!
//! Whole sentences go ("I apologize for the confusion."), and openings ("Sorry, but the file is gone." becomes "The file is
//! gone."). An apology that may mean something stays ("I'm sorry for your loss."), and so does one that is all there is.

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
    "no-apologies",
    "Leaves out apologies that say nothing else.",
    "{}",
);

/// None.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {}

impl registry::Settings for Settings {
    type Policy = NoApologies;

    fn policy(self) -> Result<NoApologies, BuildError> {
        Ok(NoApologies)
    }
}

struct NoApologies;

impl Policy for NoApologies {
    fn watches(&self) -> Watches {
        Watches::TEXT_EDITS
    }

    fn text_editor(&self, _cx: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Editor::new(&APOLOGIES)))
    }
}

/// What models apologise for.
const FAULTS: &[&str] = &[
    "confusion",
    "delay",
    "error",
    "frustration",
    "inconvenience",
    "miscommunication",
    "mistake",
    "misunderstanding",
    "mix-up",
    "oversight",
    "trouble",
];
const FOR: &[&str] = &[" for ", " about "];
const STOP: &[char] = &['.', '!'];

const I: &[&str] = &["I ", "We "];
const APOLOGIZE: &[&str] = &[
    "apologize",
    "apologise",
    "sincerely apologize",
    "sincerely apologise",
    "do apologize",
    "do apologise",
    "deeply apologize",
    "really apologize",
];
const I_AM_SORRY: &[&str] = &[
    "I'm sorry",
    "I am sorry",
    "I'm so sorry",
    "I am so sorry",
    "I'm very sorry",
    "I'm really sorry",
    "I'm truly sorry",
    "We're sorry",
    "We are sorry",
    "So sorry",
    "Sorry",
];
static APOLOGIES: Sentences = Sentences {
    openings: &[],
    anywhere: &[
        Phrase::whole(&[Any(I), Any(APOLOGIZE), Any(&[" again", ""]), End(STOP)]),
        Phrase::whole(&[Any(I), Any(APOLOGIZE), Any(FOR), Words(FAULTS), End(STOP)]),
        Phrase::whole(&[
            Any(I_AM_SORRY),
            Any(&[" about that", " for that", " again", ""]),
            End(STOP),
        ]),
        Phrase::whole(&[Any(I_AM_SORRY), Any(FOR), Words(FAULTS), End(STOP)]),
        Phrase::whole(&[Any(MY_APOLOGIES), Any(&[" for that", ""]), End(STOP)]),
        Phrase::whole(&[Any(MY_APOLOGIES), Any(FOR), Words(FAULTS), End(STOP)]),
        Phrase::opening(&[Any(I), Any(APOLOGIZE), Any(&[", but "])]),
        Phrase::opening(&[Any(I_AM_SORRY), Any(&[", but ", ", "])]),
        Phrase::opening(&[Any(MY_APOLOGIES), Any(&[", but ", ", "])]),
    ],
    closings: &[],
};
const MY_APOLOGIES: &[&str] = &[
    "My apologies",
    "My sincere apologies",
    "My sincerest apologies",
    "My deepest apologies",
    "Our apologies",
    "Please accept my apologies",
    "Please accept my sincere apologies",
    "Apologies",
];

#[cfg(test)]
pub(super) fn sentences() -> &'static Sentences {
    &APOLOGIES
}
