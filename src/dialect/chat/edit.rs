//! What may be changed in a choice, streamed or whole.

use super::{
    lanes::{Holder, lane},
    request::call_inner,
};
use crate::{
    dialect::wire::json_or_string,
    json::{Edits, Json, Kind, quote},
};

impl Holder<'_> {
    /// Puts other text in the place of what the lane says. A list of parts says it in its first, if any is left.
    pub(super) fn set_text(self, lane: u32, text: &str, edits: &mut Edits) {
        for name in Self::members(lane) {
            let member = self.json.get(name).filter(|member| !member.is_null());
            let Some(member) = member else {
                continue;
            };
            match member.kind() {
                Kind::String => edits.replace(member, quote(text)),
                // What else says it in another way.
                Kind::Array | Kind::Object => edits.replace(member, in_its_place(name, text)),
                _ => {}
            }
        }
    }

    /// Puts other arguments in the place of those of the call on this lane.
    pub(super) fn set_input(self, lane: u32, input: &str, edits: &mut Edits) {
        let legacy = self.json.get("function_call");
        let legacy = legacy.map(|call| (lane::FUNCTION_CALL, call));
        let found = self
            .calls()
            .into_iter()
            .chain(legacy)
            .find(|(of, _)| *of == lane);
        if let Some((_, call)) = found {
            set_input(call, input, edits);
        }
    }
}

fn in_its_place(name: &str, text: &str) -> bytes::Bytes {
    match name {
        "content" => quote(text),
        _ => "null".into(),
    }
}

/// Puts other arguments into a call.
pub(super) fn set_input(call: Json<'_>, input: &str, edits: &mut Edits) {
    let inner = call_inner(call).unwrap_or(call);
    let is_free = inner.get("input").is_some() || call.get("custom").is_some();
    let name = match inner.get("arguments") {
        None if is_free => "input",
        _ => "arguments",
    };
    let is_text = inner
        .get(name)
        .is_none_or(|json| matches!(json.kind(), Kind::String | Kind::Null));
    let json = if is_text {
        quote(input)
    } else {
        json_or_string(input)
    };
    edits.set_member(inner, name, json);
}

/// The probabilities of words that are other words now.
pub(super) fn forget_words(choice: Json<'_>, edits: &mut Edits) {
    if let Some(words) = choice.get("logprobs")
        && !words.is_null()
    {
        edits.replace(words, "null");
    }
}
