use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method, Request, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, UPGRADE},
    request::Parts,
};
use http_body::Body;
use http_body_util::Limited;
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Relay;
use crate::{
    BoxError, Dialect,
    body::{Chunk, Plain},
    json::Limits,
    reject::{Rejection, RejectionKind},
    request::{LlmBody, LlmRequest},
};

/// The outer gate: requests become [`Request<LlmBody>`], replies become bytes again.
///
/// An LLM call is read to its end and looked at once; what two readers could read differently is refused. Everything
/// else becomes an opaque body that streams through, or is refused, as [`with_relay`](Self::with_relay) says. Put it
/// below whatever needs no look inside: authentication by header above all, for a body is buffered here.
#[derive(Clone, Debug)]
pub struct ParseLayer {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    body: usize,
    json: Limits,
    relay: Relay,
}

impl ParseLayer {
    /// The gate with default settings: bodies up to 32 MiB, as Anthropic allows; requests that are no calls pass.
    pub fn new() -> Self {
        let settings = Settings {
            body: 32 << 20,
            json: Limits::default(),
            relay: Relay::open(),
        };
        Self {
            settings: Arc::new(settings),
        }
    }

    /// The longest request body in bytes, counted as it arrives, whatever it claims. Of calls and others alike.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.settings).body = bytes;
        self
    }

    /// How deep and how wide the JSON of a call may be.
    #[must_use]
    pub fn with_json_limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.settings).json = limits;
        self
    }

    /// Which requests that are no calls may pass. What may not is answered with 404.
    #[must_use]
    pub fn with_relay(mut self, relay: Relay) -> Self {
        Arc::make_mut(&mut self.settings).relay = relay;
        self
    }
}

impl Default for ParseLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ParseLayer {
    type Service = Parse<S>;

    fn layer(&self, inner: S) -> Parse<S> {
        Parse {
            inner,
            settings: self.settings.clone(),
        }
    }
}

/// See [`ParseLayer`].
#[derive(Clone, Debug)]
pub struct Parse<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S, B, R> Service<Request<B>> for Parse<S>
where
    S: Service<Request<LlmBody>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: Body<Data = Chunk>,
{
    type Response = Response<Plain<R>>;
    type Error = S::Error;
    type Future = ParseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        let state = match self.settings.admit(&head, &body) {
            Err(rejection) => {
                let dialect = Dialect::of_client(head.uri.path(), &head.headers);
                State::Reject {
                    rejection: Some(rejection),
                    dialect,
                }
            }
            Ok(None) => {
                let body = LlmBody::opaque(Limited::new(body, self.settings.body));
                State::Forward {
                    future: self.inner.call(Request::from_parts(head, body)),
                }
            }
            Ok(Some(dialect)) => {
                let ready = self.inner.clone();
                let service = mem::replace(&mut self.inner, ready);
                let call = Call {
                    head,
                    dialect,
                    service,
                    settings: self.settings.clone(),
                };
                State::Collect {
                    body,
                    collected: Collected::default(),
                    call: Some(Box::new(call)),
                }
            }
        };
        ParseFuture { state }
    }
}

impl Settings {
    /// Decides by the head alone: a call of which dialect, or something opaque.
    fn admit<B: Body>(&self, head: &Parts, body: &B) -> Result<Option<Dialect>, Rejection> {
        let path = head.uri.path();
        if wants_websocket(&head.headers)
            && Dialect::ALL.iter().any(|dialect| dialect.path() == path)
        {
            // Codex tries a WebSocket first, and goes on with events as soon as it hears this.
            let message =
                "only HTTP is spoken here: ask again with POST, and read the reply as events";
            return Err(Rejection::new(RejectionKind::UpgradeRequired, message)
                .with_header(UPGRADE, http::HeaderValue::from_static("HTTP/1.1")));
        }
        if body.size_hint().lower() > self.body as u64 {
            return Err(self.too_large());
        }
        match Dialect::of_call(&head.method, path) {
            Some(dialect) => {
                for encoding in head.headers.get_all(CONTENT_ENCODING) {
                    if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
                        let message =
                            "compressed requests are not read here: send the body as it is";
                        return Err(Rejection::new(RejectionKind::UnsupportedEncoding, message));
                    }
                }
                Ok(Some(dialect))
            }
            None if self.relay.allows(&head.method, path) => Ok(None),
            None => Err(unknown_path(&head.method, path)),
        }
    }

    fn too_large(&self) -> Rejection {
        let message = format!("the request body is longer than {} bytes", self.body);
        Rejection::new(RejectionKind::TooLarge, message)
    }
}

/// Other protocols that a client offers (Java's offers `h2c` with every first request) may be passed over.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut offers = headers
        .get_all(UPGRADE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    offers.any(|offer| offer.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

fn unknown_path(method: &Method, path: &str) -> Rejection {
    // What a stranger wrote, shortened and with what a terminal would obey escaped.
    let request: String = format!("{method} {path}")
        .chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect();
    let message = format!(
        "{request} is not relayed: if it may pass unread, add it to the list `relay` of the configuration"
    );
    Rejection::new(RejectionKind::NotFound, message).with_code("unpoliced_path")
}

/// The future of [`Parse`].
#[pin_project]
pub struct ParseFuture<S: Service<Request<LlmBody>>, B> {
    #[pin]
    state: State<S, B>,
}

#[pin_project(project = StateProj)]
enum State<S: Service<Request<LlmBody>>, B> {
    Collect {
        #[pin]
        body: B,
        collected: Collected,
        call: Option<Box<Call<S>>>,
    },
    Forward {
        #[pin]
        future: S::Future,
    },
    Reject {
        rejection: Option<Rejection>,
        dialect: Dialect,
    },
}

/// A call whose body is still coming.
struct Call<S> {
    head: Parts,
    dialect: Dialect,
    /// The one that was ready, to be called once.
    service: S,
    settings: Arc<Settings>,
}

impl<S> Call<S>
where
    S: Service<Request<LlmBody>>,
{
    fn start(self, bytes: Bytes) -> Result<S::Future, Rejection> {
        let Self {
            mut head,
            dialect,
            mut service,
            settings,
        } = self;
        let length = bytes.len();
        let request = LlmRequest::parse(dialect, bytes, &settings.json)?;
        // Chunked or not, from here on the length is known.
        head.headers.insert(CONTENT_LENGTH, length.into());
        head.headers.remove(http::header::TRANSFER_ENCODING);
        Ok(service.call(Request::from_parts(head, request.into())))
    }
}

/// A body as far as it has come; one that comes in one piece is not copied.
#[derive(Default)]
struct Collected {
    first: Bytes,
    all: BytesMut,
}

impl Collected {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes, expected: u64) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            // A claim is believed up to 1 MiB.
            let expected = usize::try_from(expected).unwrap_or(usize::MAX).min(1 << 20);
            self.all
                .reserve(self.first.len() + data.len().max(expected));
            self.all.extend_from_slice(&mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn take(&mut self) -> Bytes {
        if self.all.is_empty() {
            mem::take(&mut self.first)
        } else {
            self.all.split().freeze()
        }
    }
}

impl<S, B, R> Future for ParseFuture<S, B>
where
    S: Service<Request<LlmBody>, Response = Response<R>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    R: Body<Data = Chunk>,
{
    type Output = Result<Response<Plain<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Forward { future } => {
                    return Poll::Ready(Ok(ready!(future.poll(cx))?.map(Plain::new)));
                }
                StateProj::Reject { rejection, dialect } => {
                    let rejection = rejection.take().unwrap_or_else(polled_again);
                    return Poll::Ready(Ok(rejection.respond(*dialect, Plain::local)));
                }
                StateProj::Collect {
                    mut body,
                    collected,
                    call,
                } => {
                    let dialect = call.as_ref().map_or(Dialect::Chat, |call| call.dialect);
                    let limit = call.as_ref().map_or(0, |call| call.settings.body);
                    let bytes = loop {
                        match ready!(body.as_mut().poll_frame(cx)) {
                            Some(Ok(frame)) => {
                                let Ok(data) = frame.into_data() else {
                                    continue;
                                };
                                if collected.len() + data.len() > limit {
                                    let too_large =
                                        call.as_ref().map(|call| call.settings.too_large());
                                    break Err(too_large.unwrap_or_else(polled_again));
                                }
                                collected.push(data, body.size_hint().lower());
                            }
                            Some(Err(error)) => break Err(Rejection::unreadable(&*error.into())),
                            None => break Ok(collected.take()),
                        }
                    };
                    let started = bytes.and_then(|bytes| match call.take() {
                        Some(call) => call.start(bytes),
                        None => Err(polled_again()),
                    });
                    match started {
                        Ok(future) => State::Forward { future },
                        Err(rejection) => State::Reject {
                            rejection: Some(rejection),
                            dialect,
                        },
                    }
                }
            };
            state.set(next);
        }
    }
}

/// A future must not be polled after it has answered. If it is, it answers this.
fn polled_again() -> Rejection {
    Rejection::new(
        RejectionKind::Internal,
        "a future was polled after it had answered",
    )
}
