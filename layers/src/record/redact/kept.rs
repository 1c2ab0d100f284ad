//! Replies that were kept elsewhere.

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    body::{Decoded, Form, ReplyLimits},
};

use super::{Redact, document, stream};

/// The bytes of a reply of this form without it; `None` if nothing was found.
pub(in super::super) fn reply(
    redact: &dyn Redact,
    dialect: Option<Dialect>,
    form: &str,
    reply: &Bytes,
) -> Option<Bytes> {
    let Some(dialect) = dialect.filter(|_| form == "stream") else {
        return document(redact, reply);
    };
    let body = Full::new(reply.clone());
    let mut body = Decoded::new(body, Form::Stream(dialect), ReplyLimits::default());
    let (mut frames, mut read) = (Vec::new(), 0);
    // All of it is there, so nothing is waited for.
    while let Some(Some(Ok(frame))) = body.frame().now_or_never() {
        if let Ok(chunk) = frame.into_data() {
            read += chunk.bytes().len();
            frames.push((chunk, 0));
        }
    }
    let redacted = stream::redacted(redact, dialect, &frames);
    // An event that has not ended.
    let rest = reply.slice(read.min(reply.len())..);
    let rest_redacted = document(redact, &rest);
    if redacted.is_none() && rest_redacted.is_none() {
        return None;
    }
    let frames = redacted.unwrap_or(frames);
    let pieces = frames.iter().map(|(frame, _)| &frame.bytes()[..]);
    let rest = rest_redacted.unwrap_or(rest);
    Some(
        pieces
            .chain([&rest[..]])
            .collect::<Vec<_>>()
            .concat()
            .into(),
    )
}
