//! `indicator`: the person sees that somebody is watching. A header on every reply, and words at the end of what the model
//! writes.
//!
//! ```yaml
//! - use: indicator
//! - use: indicator
//!   with: { text: turn, words: "recorded by Example Corp", header: false }
//! ```
//!
//! The words stand at the end of the last text of a turn that is over: never before a tool call, and not in what no person
//! reads (probes, titles, compactions, sub-agents, replies that are data). They are taken out of the history before the
//! provider sees it, so that its cache holds and the model never finds them in its own mouth.
//!
//! A conversation without a name is as long as its exchange: there, once per conversation is every time.

use http::{HeaderMap, HeaderName, HeaderValue};
use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::closing::{self, Closing};
use crate::policy::{
    Context, Policy, PolicyError, ReplyEnd, RequestVerdict, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "indicator",
    "Shows that somebody is watching: a header, and words at the end of a turn.",
    "{ text: session, words: logged and monitored by Luthien, header: true }",
);

/// In what way it is shown.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// How often the words are said.
    #[serde(default)]
    text: Often,
    /// The words: one line.
    #[serde(default = "words")]
    words: String,
    /// Whether replies have the header `x-luthien-monitored: true`.
    #[serde(default = "header")]
    header: bool,
}

/// How often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Often {
    /// At the end of the first turn of a conversation.
    #[default]
    Session,
    /// At the end of every turn.
    Turn,
    /// Not at all.
    Never,
}

fn words() -> String {
    "logged and monitored by Luthien".to_owned()
}

fn header() -> bool {
    true
}

impl registry::Settings for Settings {
    type Policy = Indicator;

    fn policy(self) -> Result<Indicator, BuildError> {
        if self.words.trim().is_empty() || self.words.contains('\n') {
            return Err(BuildError::new(
                "words",
                "it must be one line, and say something",
            ));
        }
        Ok(Indicator {
            often: self.text,
            closing: Closing::fixed(&self.words),
            header: self.header,
        })
    }
}

struct Indicator {
    often: Often,
    closing: Closing,
    header: bool,
}

const HEADER: HeaderName = HeaderName::from_static("x-luthien-monitored");

impl Policy for Indicator {
    fn watches(&self) -> Watches {
        let head = if self.header {
            Watches::HEAD
        } else {
            Watches::NOTHING
        };
        match self.often {
            Often::Never => head,
            _ => head | Watches::REQUEST | Watches::CONVERSATION | Watches::END,
        }
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        Ok(RequestVerdict::Edit(self.closing.edits(request)))
    }

    fn on_head(&self, headers: &mut HeaderMap, _cx: &Context) {
        headers.insert(HEADER, HeaderValue::from_static("true"));
    }

    fn on_end(&self, end: &ReplyEnd, cx: &Context) -> Option<String> {
        let says = closing::is_read(end, cx)
            && match self.often {
                Often::Session => closing::is_first(cx),
                Often::Turn => true,
                Often::Never => false,
            };
        says.then(|| self.closing.words(""))
    }
}
