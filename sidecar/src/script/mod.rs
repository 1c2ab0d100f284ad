//! What a model says, as its provider would write it: for the demonstration, and for trials of policies.

mod anthropic;
mod chat;
mod responses;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use luthien_core::Dialect;
use serde_json::Value;

/// What a model says in one reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// The model's name.
    pub(crate) model: String,
    /// What it thinks first; empty if it does not.
    pub(crate) thinking: String,
    /// What it says then; empty if it says nothing.
    pub(crate) text: String,
    /// The tools it calls in the end.
    pub(crate) calls: Vec<Call>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// An object; or a string, the free text of a custom tool.
    pub(crate) input: Value,
}

impl Said {
    /// As its provider would write it: as a stream, its events; else one piece.
    pub(crate) fn reply(&self, dialect: Dialect, stream: bool) -> Vec<Bytes> {
        match (dialect, stream) {
            (Dialect::Chat, true) => chat::stream(self),
            (Dialect::Chat, false) => vec![chat::whole(self)],
            (Dialect::Responses, true) => responses::stream(self),
            (Dialect::Responses, false) => vec![responses::whole(self)],
            (_, true) => anthropic::stream(self),
            (_, false) => vec![anthropic::whole(self)],
        }
    }

    /// Whether the dialect has words for it: Anthropic has none for a custom tool.
    pub(crate) fn can_be_said_in(&self, dialect: Dialect) -> bool {
        dialect != Dialect::Anthropic || self.calls.iter().all(|call| call.input.is_object())
    }
}

impl Call {
    /// Its arguments as the dialects of OpenAI write them, and whether they are free text.
    fn text(&self) -> (String, bool) {
        match &self.input {
            Value::String(text) => (text.clone(), true),
            json => (json.to_string(), false),
        }
    }
}

/// Pieces as models make them: a word at a time.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// The object with this member.
fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
    object
}

/// An event whose name stands in its data as well.
fn event(kind: &str, data: Value) -> Bytes {
    let data = with(data, "type", kind);
    format!("event: {kind}\ndata: {data}\n\n").into()
}
