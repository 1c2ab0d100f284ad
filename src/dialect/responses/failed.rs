//! A response that has failed, and is not to be asked for again.

use bytes::Bytes;

use crate::{
    body::Chunk,
    json::{Edits, quote},
    reject::Rejection,
};

/// Codex asks again after an `error` event, five times, and never shows what it says; at this code it stops, and shows it.
const FINAL: &str = "invalid_prompt";

/// The response that began with `first`, as one that has failed for good. `None` if the refusal does not say so, or
/// nothing began there: an `error` event says less, but can stand anywhere.
pub(crate) fn failed(rejection: &Rejection, sequence: u64, first: &Chunk) -> Option<Bytes> {
    if rejection.should_retry() != Some(false) {
        return None;
    }
    let document = first.document()?;
    let response = document.root().get("response")?;
    response.get("id")?.as_str()?;
    let message = quote(rejection.message());
    let message = String::from_utf8_lossy(&message);
    let error = format!(r#"{{"code":"{FINAL}","message":{message}}}"#);
    let mut edits = Edits::default();
    edits.set_member(response, "status", quote("failed"));
    edits.set_member(response, "error", error);
    edits.set_member(response, "output", "[]");
    let response = edits.apply_in(response, document.bytes());
    let response = String::from_utf8_lossy(&response);
    let event = format!(
        "event: response.failed\ndata: {{\"type\":\"response.failed\",\"sequence_number\":{sequence},\
         \"response\":{response}}}\n\n",
    );
    Some(event.into())
}
