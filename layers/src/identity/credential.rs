//! The credentials in a request's headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use luthien_core::{
    facts::CREDENTIAL_HEADERS,
    reject::{Rejection, RejectionKind},
};

/// The credential in a header's value: what follows `Bearer`, or all of it.
pub(super) fn of(value: &HeaderValue) -> &[u8] {
    let bytes = value.as_bytes();
    match bytes.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"bearer ") => rest.trim_ascii(),
        _ => bytes,
    }
}

/// All credentials of a request, by header.
///
/// # Errors
///
/// If a header stands there twice: which one counts would be anybody's guess.
pub(super) fn all(headers: &HeaderMap) -> Result<Vec<(HeaderName, HeaderValue)>, Rejection> {
    let mut found = Vec::new();
    for name in &CREDENTIAL_HEADERS {
        let mut values = headers.get_all(name).iter();
        if let Some(value) = values.next() {
            found.push((name.clone(), value.clone()));
        }
        if values.next().is_some() {
            let message = format!("the header {name} stands there twice: send one credential");
            return Err(
                Rejection::new(RejectionKind::InvalidRequest, message).with_code("two_credentials")
            );
        }
    }
    Ok(found)
}
