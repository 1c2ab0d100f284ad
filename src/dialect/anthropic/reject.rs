use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{
    json::quote,
    reject::{Rejection, RejectionKind},
};

pub(crate) fn reply(rejection: &Rejection) -> (StatusCode, Vec<(HeaderName, HeaderValue)>, Bytes) {
    let status = match rejection.kind() {
        // Anthropic's own number for it, which its SDKs raise as `OverloadedError`.
        RejectionKind::Unavailable => {
            StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
        }
        RejectionKind::PolicyRefused => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
        kind => kind.status(),
    };
    (status, rejection.headers(), object(rejection).into())
}

pub(crate) fn event(rejection: &Rejection) -> Bytes {
    format!("event: error\ndata: {}\n\n", object(rejection)).into()
}

/// See <https://docs.claude.com/en/api/errors>.
fn object(rejection: &Rejection) -> String {
    let kind = match rejection.kind() {
        RejectionKind::Unauthenticated => "authentication_error",
        RejectionKind::Forbidden | RejectionKind::PolicyRefused => "permission_error",
        RejectionKind::NotFound => "not_found_error",
        RejectionKind::TooLarge => "request_too_large",
        RejectionKind::RateLimited => "rate_limit_error",
        RejectionKind::Unavailable => "overloaded_error",
        RejectionKind::UpstreamTimeout => "timeout_error",
        RejectionKind::Internal | RejectionKind::BadUpstream => "api_error",
        _ => "invalid_request_error",
    };
    let message = quote(rejection.message());
    let message = String::from_utf8_lossy(&message);
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":{message}}}}}"#)
}
