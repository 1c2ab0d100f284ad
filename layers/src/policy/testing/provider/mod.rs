//! What a model says, written as each dialect writes it.

mod anthropic;
mod chat;
mod responses;

use bytes::Bytes;
use luthien_core::{Dialect, testing::Reply};
use serde_json::Value;

/// What a model says.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub(super) said: Vec<Said>,
    pub(super) cut_short: bool,
    /// Which turn of the conversation it is, from 0.
    pub(super) turn: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Said {
    Thinking(String),
    Text(String),
    /// The tool and its arguments.
    Call(String, Value),
}

impl Script {
    /// The reply of a provider, cut in some way.
    pub(super) fn reply(&self, dialect: Dialect, stream: bool, seed: u64) -> Reply {
        let body = match dialect {
            Dialect::Chat => self.chat(stream, seed),
            Dialect::Responses => self.responses(stream, seed),
            _ => self.anthropic(stream, seed),
        };
        if stream {
            Reply::events(&Bytes::from(body), seed)
        } else {
            Reply::json(&Bytes::from(body), seed)
        }
    }

    /// What a call is called by that stands in this place of the reply: no other of the conversation is.
    fn number(&self, place: usize) -> usize {
        1000 * self.turn + place
    }

    fn has_calls(&self) -> bool {
        self.said.iter().any(|said| matches!(said, Said::Call(..)))
    }

    /// Of the words for these ends, the right one.
    fn stop<'a>(&self, tool_use: &'a str, cut_short: &'a str, end: &'a str) -> &'a str {
        match () {
            () if self.cut_short => cut_short,
            () if self.has_calls() => tool_use,
            () => end,
        }
    }
}

/// Puts a value under a name, and answers what was there.
fn set(object: &mut Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut();
    let before = members.and_then(|members| members.insert(name.to_owned(), value));
    before.unwrap_or_default()
}

/// A text in pieces of one to eight characters, the same for the same seed.
fn pieces(text: &str, seed: u64) -> impl Iterator<Item = String> {
    let mut rest = text.to_owned();
    let mut state = seed;
    std::iter::from_fn(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let most = usize::try_from(state >> 61).unwrap_or(0) + 1;
        let end = rest
            .char_indices()
            .nth(most)
            .map_or(rest.len(), |(at, _)| at);
        (!rest.is_empty()).then(|| rest.drain(..end).collect())
    })
}

/// A stream of events.
struct Events {
    text: String,
    named: bool,
    count: usize,
}

impl Events {
    fn named() -> Self {
        Self {
            text: String::new(),
            named: true,
            count: 0,
        }
    }

    fn bare() -> Self {
        Self {
            text: String::new(),
            named: false,
            count: 0,
        }
    }

    fn push(&mut self, name: &str, mut data: Value) {
        if self.named {
            self.text.push_str(&format!("event: {name}\n"));
            set(&mut data, "type", name.into());
            if name.starts_with("response.") {
                set(&mut data, "sequence_number", self.count.into());
            }
        }
        self.text.push_str(&format!("data: {data}\n\n"));
        self.count += 1;
    }
}
