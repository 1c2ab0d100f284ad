//! What a client sees of a reply, if the reply keeps the rules of its dialect.
//!
//! Written without a line of what it checks: it reads with a parser of its own, and knows only what the vendors'
//! documentation and SDKs demand. It is strict: what a client might forgive, it does not.

mod anthropic;
mod chat;
mod events;
mod responses;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Dialect, request::BlockKind};

/// A reply as its client sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The blocks, choice by choice. Chat's are in the order thinking, refusal, text, calls, however they came.
    pub blocks: Vec<ViewBlock>,
    /// Why each choice stopped, in the provider's word; of the Responses, their status.
    pub stops: BTreeMap<u32, String>,
    /// The kind of the error that the reply is, or ends in; what else there is may be unfinished then.
    pub error: Option<String>,
    /// How many calls and thoughts have begun and never ended, in dialects in which a reply may end so.
    pub unfinished: usize,
}

/// A block as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewBlock {
    /// Of which choice.
    pub choice: u32,
    /// What it is.
    pub kind: BlockKind,
    /// What a call's result will refer to.
    pub id: Option<String>,
    /// The tool.
    pub name: Option<String>,
    /// The arguments of a call. Where they are JSON and no string, written as `serde_json` does.
    pub input: String,
    /// Text, thinking or refusal.
    pub text: String,
}

impl ViewBlock {
    fn new(choice: u32, kind: BlockKind) -> Self {
        Self {
            choice,
            kind,
            id: None,
            name: None,
            input: String::new(),
            text: String::new(),
        }
    }

    fn text(choice: u32, kind: BlockKind, text: String) -> Self {
        Self {
            text,
            ..Self::new(choice, kind)
        }
    }
}

/// Reads a reply as a strict client does, or says what is wrong with it.
///
/// # Errors
///
/// If the reply breaks a rule of its dialect.
pub fn check(dialect: Dialect, stream: bool, bytes: &[u8]) -> Result<View, String> {
    if stream {
        let events = events::read(bytes)?;
        return match dialect {
            Dialect::Anthropic => anthropic::stream(&events),
            Dialect::Chat => chat::stream(&events),
            Dialect::Responses => responses::stream(&events),
        };
    }
    let reply = json(std::str::from_utf8(bytes).map_err(|_| "no UTF-8")?)?;
    match dialect {
        Dialect::Anthropic => anthropic::whole(&reply),
        Dialect::Chat => chat::whole(&reply),
        Dialect::Responses => responses::whole(&reply),
    }
}

type Checked<T = ()> = Result<T, String>;

/// An error, unless it holds.
fn ensure(holds: bool, rule: &str) -> Checked {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn json(text: &str) -> Checked<Value> {
    serde_json::from_str(text).map_err(|error| format!("no JSON: {error}: {text}"))
}

/// A member that must be a string.
fn string(value: &Value, name: &str) -> Checked<String> {
    let text = value.get(name).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| format!("no string {name:?}: {value}"))
}

/// A member that may be a string, or is not there.
fn maybe(value: &Value, name: &str) -> Checked<Option<String>> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => string(value, name).map(Some),
    }
}

/// A member that must be a whole number.
fn number(value: &Value, name: &str) -> Checked<usize> {
    let number = value.get(name).and_then(Value::as_u64);
    number
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("no number {name:?}: {value}"))
}

/// A member that must be a list.
fn list<'a>(value: &'a Value, name: &str) -> Checked<&'a [Value]> {
    let list = value.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice)
        .ok_or_else(|| format!("no list {name:?}: {value}"))
}

fn is_str(value: &Value, name: &str, text: &str) -> bool {
    value.get(name).and_then(Value::as_str) == Some(text)
}

/// The kind of an error object.
fn error_kind(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    text("type")
        .or_else(|| text("code"))
        .unwrap_or("error")
        .to_owned()
}
