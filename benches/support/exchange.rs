use std::{
    convert::Infallible,
    future::poll_fn,
    net::IpAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    facts::{Caller, ClientAddr, SessionId, UserId},
    sse::Framer,
    testing::{conversation, recorded},
};
use tower::Service;

use super::Provider;

/// The events of a streamed reply.
const EVENTS: usize = 200;

/// A request of 2 KB and the reply to it, always the same.
pub(crate) struct Case {
    name: String,
    path: &'static str,
    body: Bytes,
    reply: Arc<[Bytes]>,
    stream: bool,
    facts: (Caller, UserId, SessionId, ClientAddr),
}

impl Case {
    pub(crate) fn new(dialect: Dialect, stream: bool) -> Self {
        let form = if stream { "streamed" } else { "whole" };
        let reply = recorded(dialect, stream);
        let reply = if stream {
            long_stream(dialect, reply)
        } else {
            [owned(&reply)].into()
        };
        let caller = Caller::Client {
            fingerprint: "0123456789abcdef".into(),
        };
        let user = UserId {
            id: "user".into(),
            trusted: false,
        };
        let address = ClientAddr(IpAddr::from([127, 0, 0, 1]));
        Self {
            name: format!("{} {form}", dialect.name()),
            path: dialect.path(),
            body: conversation(dialect, 2_000, stream),
            reply,
            stream,
            facts: (caller, user, SessionId("session".into()), address),
        }
    }

    /// A streamed reply with much text in each event, and how many bytes of text it has.
    #[allow(dead_code, reason = "one bench asks for it")]
    pub(crate) fn long_text() -> (Self, u64) {
        const WORDS: &str = "All work and no play makes Jack a dull boy. ";
        let mut case = Self::new(Dialect::Anthropic, true);
        let text = WORDS.repeat(24);
        let events = case.reply.iter().map(|event| {
            let event = String::from_utf8_lossy(event);
            Bytes::from(event.replace("\"Let me \"", &format!("\"{text}\"")))
        });
        case.reply = events.collect();
        case.name = "long text".to_owned();
        let whole: usize = case.reply.iter().map(Bytes::len).sum();
        let length = whole as u64;
        (case, length)
    }

    /// The dialect, and whether the reply is streamed.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many events the reply has: 1 if it is whole.
    pub(crate) fn events(&self) -> u64 {
        self.reply.len() as u64
    }

    pub(crate) fn reply_length(&self) -> usize {
        self.reply.iter().map(Bytes::len).sum()
    }

    pub(crate) fn provider(&self) -> Provider {
        Provider::new(self.reply.clone(), self.stream)
    }

    /// With all facts that rooms further out would have found, so that each room alone does what it does in the stack.
    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(self.path);
        let headers = request.headers_mut();
        for (name, value) in [
            (header::AUTHORIZATION, "Bearer sk-ant-api03-bench"),
            (header::CONTENT_TYPE, "application/json"),
            (header::USER_AGENT, "claude-cli/2.1.330 (external, sdk-cli)"),
            (
                HeaderName::from_static("x-claude-code-session-id"),
                "00000000-0000-4000-8000-000000000001",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let (caller, user, session, address) = self.facts.clone();
        let facts = request.extensions_mut();
        facts.insert(caller);
        facts.insert(user);
        facts.insert(session);
        facts.insert(address);
        request
    }
}

/// The recorded reply with its first piece of text repeated until there are [`EVENTS`].
fn long_stream(dialect: Dialect, recorded: Bytes) -> Arc<[Bytes]> {
    let text: &[u8] = match dialect {
        Dialect::Anthropic => b"\"text_delta\"",
        Dialect::Responses => b"\"response.output_text.delta\"",
        _ => b"\"content\":\"Let me",
    };
    let mut framer = Framer::new(recorded.len());
    framer.push(recorded);
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = framer.next_frame() {
        frames.push(owned(&frame));
    }
    let is_text = |frame: &Bytes| frame.windows(text.len()).any(|piece| piece == text);
    if let Some(place) = frames.iter().position(is_text) {
        let delta = frames.get(place).cloned().unwrap_or_default();
        let missing = EVENTS.saturating_sub(frames.len());
        if dialect == Dialect::Responses {
            for frame in &mut frames {
                *frame = said_again(frame, &delta, missing);
            }
        }
        frames.splice(place..place, std::iter::repeat_n(delta, missing));
    }
    frames.into()
}

/// Where the Responses say all of the text once more, it has to be what the pieces have said.
fn said_again(frame: &Bytes, delta: &Bytes, times: usize) -> Bytes {
    const WHOLE: &str = "\"text\":\"";
    let text = String::from_utf8_lossy(frame);
    let delta = String::from_utf8_lossy(delta);
    let piece = delta.split("\"delta\":\"").nth(1);
    let piece = piece
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    // The text that is said once more is not empty, as it is where it begins.
    let begins = format!("{WHOLE}{piece}");
    owned(
        text.replace(&begins, &format!("{WHOLE}{}{piece}", piece.repeat(times)))
            .as_bytes(),
    )
}

/// Counted like bytes from a network; static ones cost nothing to share.
fn owned(bytes: &[u8]) -> Bytes {
    Bytes::from(bytes.to_vec())
}

/// A service that can be asked.
pub(crate) trait Exchange {
    /// Sends a request and reads the reply to its end: its status and length.
    fn exchange(&mut self, request: Request<Full<Bytes>>) -> (u16, usize);
}

impl<S, B> Exchange for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    fn exchange(&mut self, request: Request<Full<Bytes>>) -> (u16, usize) {
        drive(ask(self, request))
    }
}

pub(crate) async fn ask<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> (u16, usize)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let Ok(()) = poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = service.call(request).await;
    let status = response.status().as_u16();
    let mut body = pin!(response.into_body());
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    (status, length)
}

/// Polls until it is done: no runtime stands between the clock and what is measured.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
