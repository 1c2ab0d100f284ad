//! Refusals: what we answer in place of the provider.
//!
//! A refusal is a response, never an `Err`: an `Err` makes a server cut the connection without a word. [`Rejection`] says
//! what happened and knows no format; it is rendered in the caller's dialect, so that the caller's own SDK raises the
//! exception it would raise for the provider. There are four moments:
//!
//! 1. *Before the head*: [`Rejection::respond`] makes a whole response. The typed rejection lies in its extensions.
//! 2. *The head held back*: the same; a room that waits for the first event still can.
//! 3. *Inside a stream*: [`Rejection::last_event`], then the end. [`Tap`](crate::body::Tap) does it.
//! 4. *After the terminal event*: nothing is said. The client has what it came for.
//!
//! ```
//! use luthien_core::{Dialect, body::{Chunk, Tap}, reject::{Rejection, RejectionKind}};
//! use std::time::Duration;
//!
//! let rejection = Rejection::new(RejectionKind::RateLimited, "60 requests a minute")
//!     .with_code("rate_limited")
//!     .with_retry_after(Duration::from_millis(1500));
//! let response = rejection.respond(Dialect::Anthropic, Chunk::into_bytes);
//! assert_eq!(response.status(), 429);
//! assert_eq!(response.headers()["retry-after"], "2");
//! assert_eq!(
//!     response.body(),
//!     r#"{"type":"error","error":{"type":"rate_limit_error","message":"60 requests a minute"}}"#,
//! );
//! assert!(response.extensions().get::<Rejection>().is_some());
//! ```

#[cfg(test)]
mod tests;

use std::{borrow::Cow, error::Error, fmt, io, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::LengthLimitError;

use crate::{
    Dialect,
    body::{Chunk, Form},
};

/// Both vendors' SDKs obey it over the status.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal, in no dialect yet. See the [module docs](self).
#[derive(Clone)]
pub struct Rejection(Box<Inner>);

/// Boxed, so that a `Result` that carries a refusal is small.
#[derive(Clone)]
struct Inner {
    kind: RejectionKind,
    message: Cow<'static, str>,
    code: &'static str,
    retry_after: Option<Duration>,
    retriable: Option<bool>,
    headers: HeaderMap,
}

/// Why a request or a reply is refused: as many kinds as clients tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// 400: the request is wrong.
    InvalidRequest,
    /// 401: nobody we know.
    Unauthenticated,
    /// 403: somebody who may not.
    Forbidden,
    /// 404: no such path or model.
    NotFound,
    /// 408: the request came too slowly.
    RequestTimeout,
    /// 413: too long, too many.
    TooLarge,
    /// 415: in an encoding that is not read.
    UnsupportedEncoding,
    /// 400, to Anthropic's clients 451: a policy has decided. Of all statuses these are the ones that no agent tries
    /// again: Claude Code climbs a ladder of other requests after a 400, Codex repeats a 403.
    PolicyRefused,
    /// 426: not over this protocol.
    UpgradeRequired,
    /// 429: too often.
    RateLimited,
    /// 500: our own fault.
    Internal,
    /// 502: the provider cannot be reached or talks nonsense.
    BadUpstream,
    /// 503, to Anthropic's clients 529: no more at the moment.
    Unavailable,
    /// 504: the provider takes too long.
    UpstreamTimeout,
}

impl RejectionKind {
    /// The status by the book. A dialect may know a better one.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::PolicyRefused => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadUpstream => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The code of a rejection that is given none.
    fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "invalid_api_key",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RequestTimeout => "request_timeout",
            Self::TooLarge => "request_too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::PolicyRefused => "policy_refused",
            Self::UpgradeRequired => "upgrade_required",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::BadUpstream => "bad_upstream",
            Self::Unavailable => "unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }
}

impl Rejection {
    /// A refusal with words for the person who will read them. They must hold no secret: they go to the client.
    pub fn new(kind: RejectionKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            code: kind.code(),
            retry_after: None,
            retriable: None,
            headers: HeaderMap::new(),
        }))
    }

    /// A request whose body cannot be read to its end, and why: it came too slowly, is too long, is no sound message, or
    /// its sender has left ([`CLIENT_GONE`](Self::CLIENT_GONE); nobody is there to read the answer).
    pub fn unreadable(error: &(dyn Error + 'static)) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof,
        };
        let invalid = |message| Self::new(RejectionKind::InvalidRequest, message);
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return Self::new(RejectionKind::TooLarge, "the request body is too long");
            }
            match error.downcast_ref().map(io::Error::kind) {
                Some(TimedOut) => {
                    let message = "the request body came too slowly";
                    return Self::new(RejectionKind::RequestTimeout, message);
                }
                Some(UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe) => {
                    return invalid("the request body ended early").with_code(Self::CLIENT_GONE);
                }
                _ => cause = error.source(),
            }
        }
        invalid("the request body could not be read to its end")
    }

    /// The [code](Self::code) of a refusal that its client has not waited for.
    pub const CLIENT_GONE: &'static str = "client_gone";

    /// A stable word for programs, such as `ambiguous_json`: in logs, and where the dialect has a place for it.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// When to come again, rounded up to whole seconds.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.0.retry_after = Some(retry_after);
        self
    }

    /// Tells the client's SDK whether to try again by itself, against what it would make of the status.
    #[must_use]
    pub fn with_should_retry(mut self, retriable: bool) -> Self {
        self.0.retriable = Some(retriable);
        self
    }

    /// A header on the response, if it still has a head.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// What kind of refusal it is.
    pub fn kind(&self) -> RejectionKind {
        self.0.kind
    }

    /// The words for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The word for programs.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// When to come again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The refusal as a whole response. `body` makes one out of its only chunk: `Tap::local` in a room,
    /// `Chunk::into_bytes` outside.
    pub fn respond<B>(self, dialect: Dialect, body: impl FnOnce(Chunk) -> B) -> Response<B> {
        let (status, headers, bytes) = dialect.error_reply(&self);
        let length = bytes.len();
        let mut response = Response::new(body(Chunk::whole(dialect, bytes)));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        response.extensions_mut().insert(Form::Whole(dialect));
        response.extensions_mut().insert(self);
        response
    }

    /// Whether the client's SDK is told to try again, or not to.
    pub fn should_retry(&self) -> Option<bool> {
        self.0.retriable
    }

    /// The refusal as the last event of a stream of which `events` have gone out.
    pub fn last_event(&self, dialect: Dialect, events: u64) -> Chunk {
        self.last_event_of(dialect, events, None)
    }

    /// The same, of a stream whose `first` event has gone out: with it, more can be said.
    pub(crate) fn last_event_of(
        &self,
        dialect: Dialect,
        events: u64,
        first: Option<&Chunk>,
    ) -> Chunk {
        let bytes = dialect.error_event(self, events, first);
        Chunk::refusing(dialect, bytes, self.code())
    }

    /// What every dialect sends alike.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers: Vec<_> = self
            .0
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.push((RETRY_AFTER, seconds.into()));
        }
        if let Some(retriable) = self.0.retriable {
            headers.push((
                X_SHOULD_RETRY,
                HeaderValue::from_static(if retriable { "true" } else { "false" }),
            ));
        }
        headers
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rejection({}: {})", self.code(), self.message())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for Rejection {}
