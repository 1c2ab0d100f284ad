use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::Body;
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    Dialect,
    body::{Decoded, Form, ReplyLimits},
    reject::{Rejection, RejectionKind},
    request::{LlmBody, LlmRequest},
};

/// The inner gate: replies become bodies of [`Chunk`](crate::body::Chunk)s.
///
/// Stands directly above whatever answers. It says how long a call is, edits included, and asks for replies without
/// compression; one that comes compressed all the same is refused with 502, for no layer above could read it. To allow
/// them, put a decompressing layer below.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecodeLayer {
    limits: ReplyLimits,
}

impl DecodeLayer {
    /// The gate with default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of a reply may be in memory at once.
    #[must_use]
    pub fn with_limits(mut self, limits: ReplyLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl<S> Layer<S> for DecodeLayer {
    type Service = Decode<S>;

    fn layer(&self, inner: S) -> Decode<S> {
        Decode {
            inner,
            limits: self.limits,
        }
    }
}

/// See [`DecodeLayer`].
#[derive(Clone, Debug)]
pub struct Decode<S> {
    inner: S,
    limits: ReplyLimits,
}

impl<S, B> Service<Request<LlmBody>> for Decode<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<Decoded<B>>;
    type Error = S::Error;
    type Future = DecodeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let call = request.body().call().map(|call| {
            let asked = Asked {
                dialect: call.dialect(),
                stream: call.stream(),
                choices: choices(call),
            };
            (asked, call.bytes().len())
        });
        if let Some((_, length)) = call {
            let headers = request.headers_mut();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            // Whoever stands above may have changed the body.
            if stated_length(headers) != Some(length) {
                headers.insert(CONTENT_LENGTH, length.into());
            }
        }
        let asked = call.map(|(asked, _)| asked);
        DecodeFuture {
            inner: self.inner.call(request),
            asked,
            limits: self.limits,
        }
    }
}

/// The future of [`Decode`].
#[pin_project]
#[derive(Debug)]
pub struct DecodeFuture<F> {
    #[pin]
    inner: F,
    /// Of a call.
    asked: Option<Asked>,
    limits: ReplyLimits,
}

/// What of a call matters for its reply.
#[derive(Clone, Copy, Debug)]
struct Asked {
    dialect: Dialect,
    stream: bool,
    choices: u64,
}

fn stated_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How many choices the reply will have.
fn choices(call: &LlmRequest) -> u64 {
    match call.dialect() {
        Dialect::Chat => call.root().get("n").and_then(|n| n.as_u64()).unwrap_or(1),
        Dialect::Anthropic | Dialect::Responses => 1,
    }
}

impl<F, B, E> Future for DecodeFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<Decoded<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        let Some(Asked {
            dialect,
            stream,
            choices,
        }) = *this.asked
        else {
            return Poll::Ready(Ok(
                response.map(|body| Decoded::new(body, Form::Opaque, *this.limits))
            ));
        };
        if let Some(encoding) = foreign_encoding(&response) {
            let message = format!(
                "the provider sent a reply in the encoding {encoding:?}, which was not asked for"
            );
            let rejection =
                Rejection::new(RejectionKind::BadUpstream, message).with_code("encoded_reply");
            return Poll::Ready(Ok(rejection.respond(dialect, Decoded::local)));
        }
        let form = if is_stream(&response, stream) {
            Form::Stream(dialect)
        } else {
            Form::Whole(dialect)
        };
        response.extensions_mut().insert(form);
        Poll::Ready(Ok(response.map(|body| {
            Decoded::new(body, form, *this.limits).with_choices(choices)
        })))
    }
}

fn foreign_encoding<B>(response: &Response<B>) -> Option<&HeaderValue> {
    response
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .find(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// What arrives decides, not what was asked for. Only a success that does not say what it is goes by the request:
/// clients that asked for a stream read such a body as one.
fn is_stream<B>(response: &Response<B>, asked: bool) -> bool {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let is = |name: &[u8]| {
        kind.get(..name.len())
            .is_some_and(|kind| kind.eq_ignore_ascii_case(name))
    };
    is(b"text/event-stream")
        || (asked && response.status().is_success() && !is(b"application/json"))
}
