//! What is not to be recorded is taken out before anything is written, to the spool or elsewhere.
//!
//! Texts are looked through one by one: every string of a request, of a whole reply and of what policies say; in a stream the
//! pieces of each text together, wherever they were cut. What is not found stays as it is, byte for byte. Who keeps what was
//! found from the record keeps it from nobody else: client and provider get everything.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod kept;
mod stream;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Range};

use bytes::Bytes;
use luthien_core::{
    body::{Chunk, Form},
    json::{Document, Edits, Json, Kind, Limits, quote},
    request::LlmRequest,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::note::Frames;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) use kept::reply as kept_reply;

/// Finds what is not to be recorded.
pub trait Redact: fmt::Debug + Send + Sync {
    /// Where it stands in a text and what stands there in its place: in order, not overlapping, on character boundaries.
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)>;
}

/// The text without it; `None` if nothing was found.
pub(super) fn text(redact: &dyn Redact, text: &str) -> Option<String> {
    let found = redact.find(text);
    if found.is_empty() {
        return None;
    }
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for (span, with) in found {
        rest.push_str(text.get(at..span.start).unwrap_or_default());
        rest.push_str(&with);
        at = span.end;
    }
    rest.push_str(text.get(at..).unwrap_or_default());
    Some(rest)
}

/// As deep as anything is read, and deeper.
const LIMITS: Limits = Limits {
    depth: 512,
    values: usize::MAX,
};

/// A document without it; `None` if nothing was found. What is no JSON is looked through as a text.
fn document(redact: &dyn Redact, bytes: &Bytes) -> Option<Bytes> {
    let Ok(document) = Document::parse(bytes.clone(), &LIMITS) else {
        let words = String::from_utf8_lossy(bytes);
        return text(redact, &words).map(Bytes::from);
    };
    let mut edits = Edits::default();
    strings(document.root(), &mut |json, words| {
        if let Some(rest) = text(redact, words) {
            edits.replace(json, quote(&rest));
        }
    });
    (!edits.is_empty()).then(|| edits.apply(bytes))
}

/// Every string that is a value.
fn strings<'a>(json: Json<'a>, look: &mut dyn FnMut(Json<'a>, &str)) {
    match json.kind() {
        Kind::Object => json.members().for_each(|(_, value)| strings(value, look)),
        Kind::Array => json.items().for_each(|item| strings(item, look)),
        _ => {
            if let Some(words) = json.as_str() {
                look(json, &words.decode());
            }
        }
    }
}

/// A request without it; `None` if nothing was found.
pub(super) fn request(redact: &dyn Redact, request: &LlmRequest) -> Option<LlmRequest> {
    let rest = document(redact, request.bytes())?;
    LlmRequest::parse(request.dialect(), rest, &LIMITS).ok()
}

/// A reply without it. Whether anything was found.
pub(super) fn reply(redact: &dyn Redact, frames: &mut Frames) -> bool {
    let replaced = match frames.form {
        Form::Stream(dialect) => stream::redacted(redact, dialect, &frames.frames),
        Form::Whole(dialect) => {
            let rest = document(redact, &frames.joined());
            let at = frames.frames.first().map_or(0, |(_, at)| *at);
            rest.map(|rest| vec![(Chunk::whole(dialect, rest), at)])
        }
        _ => None,
    };
    let is_found = replaced.is_some();
    if let Some(replaced) = replaced {
        frames.frames = replaced;
    }
    is_found
}

/// The same with all its texts without it.
pub(super) fn words<T: Serialize + DeserializeOwned>(redact: &dyn Redact, what: &mut T) {
    let Ok(mut value) = serde_json::to_value(&*what) else {
        return;
    };
    if in_value(redact, &mut value)
        && let Ok(rest) = serde_json::from_value(value)
    {
        *what = rest;
    }
}

fn in_value(redact: &dyn Redact, value: &mut Value) -> bool {
    match value {
        Value::String(words) => match text(redact, words) {
            Some(rest) => {
                *words = rest;
                true
            }
            None => false,
        },
        // Each of them, so no short way out.
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |found, item| in_value(redact, item) | found),
        Value::Object(members) => members
            .values_mut()
            .fold(false, |found, value| in_value(redact, value) | found),
        _ => false,
    }
}
