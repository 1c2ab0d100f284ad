//! `conversation-link`: at the end of the first turn of a conversation, the address at which it can be read.
//!
//! ```yaml
//! - use: conversation-link
//!   with: { url: "https://luthien.example/conversations/{session}" }
//! ```
//!
//! It stands where the words of `indicator` stand, and is as well taken out of the history before the provider sees it. A
//! conversation without a name has no address.

use std::fmt::Write;

use http::Uri;
use luthien_core::request::LlmRequest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::closing::{self, Closing};
use crate::policy::{
    Context, Policy, PolicyError, ReplyEnd, RequestVerdict, Watches,
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "conversation-link",
    "Says at the end of the first turn where the conversation can be read.",
    "{ url: \"https://luthien.example/conversations/{session}\", words: This conversation }",
);

/// Which address, and how it is announced.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The address, with `{session}` where the name of the conversation belongs.
    url: String,
    /// What stands in front of it: one line.
    #[serde(default = "words")]
    words: String,
}

fn words() -> String {
    "This conversation".to_owned()
}

const SESSION: &str = "{session}";

impl registry::Settings for Settings {
    type Policy = ConversationLink;

    fn policy(self) -> Result<ConversationLink, BuildError> {
        let Some((before, after)) = self.url.split_once(SESSION) else {
            let message = format!("it must contain {SESSION}");
            return Err(BuildError::new("url", message));
        };
        let sample: Option<Uri> = self.url.replace(SESSION, "session").parse().ok();
        let scheme = sample.as_ref().and_then(Uri::scheme_str);
        if !matches!(scheme, Some("http" | "https")) {
            let message = "it must be an address that begins with https:// or http://";
            return Err(BuildError::new("url", message));
        }
        if self.words.contains('\n') {
            return Err(BuildError::new("words", "it must be one line"));
        }
        let before = match self.words.trim() {
            "" => before.to_owned(),
            words => format!("{words}: {before}"),
        };
        Ok(ConversationLink {
            closing: Closing::with_session(&before, after),
        })
    }
}

struct ConversationLink {
    closing: Closing,
}

impl Policy for ConversationLink {
    fn watches(&self) -> Watches {
        Watches::REQUEST | Watches::CONVERSATION | Watches::END
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        Ok(RequestVerdict::Edit(self.closing.edits(request)))
    }

    fn on_end(&self, end: &ReplyEnd, cx: &Context) -> Option<String> {
        let session = cx.exchange().session.as_ref()?;
        let says = closing::is_read(end, cx) && closing::is_first(cx);
        says.then(|| self.closing.words(&escaped(&session.0)))
    }
}

/// The name as part of a URL: a client chooses it.
fn escaped(session: &str) -> String {
    session.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            // Writing to a string does not fail.
            _ => write!(escaped, "%{byte:02X}").unwrap_or_default(),
        }
        escaped
    })
}
