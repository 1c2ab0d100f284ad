//! What OpenAI's two dialects share: errors, and how a reply introduces itself.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{
    json::{Json, quote},
    reject::{Rejection, RejectionKind},
    reply::Part,
};

pub(super) fn start(root: Json<'_>, bytes: &Bytes) -> Part {
    let text = |name| Some(root.get(name)?.as_str()?.owned_by(bytes));
    Part::Start {
        id: text("id"),
        model: text("model"),
    }
}

/// The `error` member, if there is one that says something.
pub(super) fn error(root: Json<'_>, bytes: &Bytes) -> Option<Part> {
    let error = root.get("error").filter(|error| !error.is_null())?;
    // Some servers send a plain string.
    if let Some(message) = error.as_str() {
        return Some(Part::Error {
            kind: None,
            message: Some(message.owned_by(bytes)),
        });
    }
    Some(bare_error(error, bytes))
}

/// An error whose members stand in `root` itself.
pub(super) fn bare_error(root: Json<'_>, bytes: &Bytes) -> Part {
    let text = |name| Some(root.get(name)?.as_str()?.owned_by(bytes));
    Part::Error {
        kind: text("code").or_else(|| text("type")),
        message: text("message"),
    }
}

pub(super) fn reply(rejection: &Rejection) -> (StatusCode, Vec<(HeaderName, HeaderValue)>, Bytes) {
    (
        rejection.kind().status(),
        rejection.headers(),
        format!("{{\"error\":{}}}", object(rejection)).into(),
    )
}

/// `{"message","type","param","code"}`, see <https://platform.openai.com/docs/guides/error-codes>.
fn object(rejection: &Rejection) -> String {
    let kind = match rejection.kind() {
        RejectionKind::RateLimited => "rate_limit_error",
        RejectionKind::Unauthenticated => "authentication_error",
        RejectionKind::Forbidden => "permission_error",
        kind if kind.status().is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let message = quote(rejection.message());
    let message = String::from_utf8_lossy(&message);
    format!(
        r#"{{"message":{message},"type":"{kind}","param":null,"code":"{}"}}"#,
        rejection.code()
    )
}

/// Chat has no name for it: an object with `error` in place of a chunk, and no `[DONE]` after it.
pub(super) fn chat_event(rejection: &Rejection) -> Bytes {
    format!("data: {{\"error\":{}}}\n\n", object(rejection)).into()
}

/// `sequence` is the number of events before this one, which is how the dialect counts.
pub(super) fn responses_event(rejection: &Rejection, sequence: u64) -> Bytes {
    let message = quote(rejection.message());
    let message = String::from_utf8_lossy(&message);
    let code = rejection.code();
    format!(
        "event: error\ndata: {{\"type\":\"error\",\"code\":\"{code}\",\"message\":{message},\"param\":null,\
         \"sequence_number\":{sequence}}}\n\n",
    )
    .into()
}
