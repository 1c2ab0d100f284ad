//! The HTTP client.

use std::{fmt, io, time::Duration};

use async_compression::{
    tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body_util::{BodyDataStream, BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper_util::client::legacy::{Client, Error, connect::capture_connection};
use luthien_core::{
    BoxError,
    reject::{Rejection, RejectionKind},
    request::LlmBody,
};
use rustls::ClientConfig;
use tokio_util::io::{ReaderStream, StreamReader};

use super::select::Upstream;
use crate::connect::{Connector, client, connector};

/// The body of a reply as it comes from the network.
pub type UpstreamBody = UnsyncBoxBody<Bytes, BoxError>;

pub(super) type HttpClient = Client<Connector, LlmBody>;

pub(super) fn http1(tls: ClientConfig, connect: Duration) -> HttpClient {
    client().build(connector(tls, connect, false))
}

pub(super) fn agreed_http2(tls: ClientConfig, connect: Duration) -> HttpClient {
    client().build(connector(tls, connect, true))
}

pub(super) fn assumed_http2(tls: ClientConfig, connect: Duration) -> HttpClient {
    client()
        .http2_only(true)
        .build(connector(tls, connect, true))
}

/// Sends a request, and waits for the head of its response.
pub(super) async fn send(
    client: &HttpClient,
    mut request: Request<LlmBody>,
) -> Result<Response<Incoming>, Failure> {
    let connection = capture_connection(&mut request);
    let sent = client.request(request).await;
    let response = sent.map_err(|error| Failure::of(&error))?;
    let Some(nonsense) = nonsense(&response) else {
        return Ok(response);
    };
    // Where the next response would begin on it is anybody's guess.
    if let Some(connection) = &*connection.connection_metadata() {
        connection.poison();
    }
    Err(Failure::Nonsense(nonsense))
}

/// What about a head could be read in two ways, or in none.
fn nonsense<B>(response: &Response<B>) -> Option<&'static str> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Some("it went over to another protocol, which nobody had asked for");
    }
    let headers = response.headers();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => None,
        (Some(only), None)
            if only.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(CONTENT_LENGTH) =>
        {
            None
        }
        _ => Some("where its response ends could be understood in two ways"),
    }
}

/// The body of a response, unpacked if `unpack` says so and it is packed in a way that is known.
pub(super) fn receive(mut response: Response<Incoming>, unpack: bool) -> Response<UpstreamBody> {
    let encoding = encoding(response.headers()).filter(|_| unpack);
    if encoding.is_some() {
        response.headers_mut().remove(CONTENT_ENCODING);
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response.map(|body| match encoding {
        Some(encoding) if !body.is_end_stream() => encoding.unpack(body),
        _ => body.map_err(Into::into).boxed_unsync(),
    })
}

/// What replies are packed in.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Brotli,
    Deflate,
    Gzip,
    Zstd,
}

/// The encoding, if it is a single one that is known.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(only), None) = (values.next(), values.next()) else {
        return None;
    };
    match only.as_bytes().to_ascii_lowercase().as_slice() {
        b"br" => Some(Encoding::Brotli),
        b"deflate" => Some(Encoding::Deflate),
        b"gzip" | b"x-gzip" => Some(Encoding::Gzip),
        b"zstd" => Some(Encoding::Zstd),
        _ => None,
    }
}

impl Encoding {
    fn unpack(self, body: Incoming) -> UpstreamBody {
        // What comes after the end is read as well: it is more of the reply, or shows that something is wrong.
        macro_rules! unpacked {
            ($decoder:expr) => {{
                let mut decoder = $decoder;
                decoder.multiple_members(true);
                let frames = ReaderStream::new(decoder).map_ok(Frame::data);
                BodyExt::map_err(StreamBody::new(frames), Into::into).boxed_unsync()
            }};
        }
        let packed = BodyDataStream::new(BodyExt::map_err(body, io::Error::other));
        let packed = StreamReader::new(packed);
        match self {
            Self::Brotli => unpacked!(BrotliDecoder::new(packed)),
            Self::Deflate => unpacked!(ZlibDecoder::new(packed)),
            Self::Gzip => unpacked!(GzipDecoder::new(packed)),
            Self::Zstd => {
                // 8 MiB, the most that a reply may ask to be remembered of it (RFC 9659).
                let window = [DParameter::window_log_max(23)];
                unpacked!(ZstdDecoder::with_params(packed, &window))
            }
        }
    }
}

/// What went wrong between us and an upstream.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took too long to connect.
    TooSlow(String),
    /// It could not be reached, or broke off.
    Lost(String),
    /// It answered what nobody should pass on.
    Nonsense(&'static str),
    /// The client's body did not arrive.
    Body(Rejection),
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        let mut found: &(dyn std::error::Error + 'static) = error;
        loop {
            // hyper's word for the body that it was given.
            if found.downcast_ref().is_some_and(hyper::Error::is_user) {
                return Self::Body(Rejection::unreadable(found));
            }
            if found
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
            {
                return Self::TooSlow(found.to_string());
            }
            match found.source() {
                Some(source) => found = source,
                None => return Self::Lost(found.to_string()),
            }
        }
    }

    /// Whether the client is at fault: no other upstream would do better.
    pub(super) fn is_the_clients(&self) -> bool {
        matches!(self, Self::Body(_))
    }

    pub(super) fn rejection(self, upstream: &Upstream) -> Rejection {
        let (kind, message) = match self {
            Self::TooSlow(error) => (
                RejectionKind::UpstreamTimeout,
                format!("cannot reach the upstream {upstream}: {error}"),
            ),
            Self::Lost(error) => (
                RejectionKind::BadUpstream,
                format!("cannot reach the upstream {upstream}: {error}"),
            ),
            Self::Nonsense(what) => (
                RejectionKind::BadUpstream,
                format!("the upstream {upstream} talks nonsense: {what}"),
            ),
            Self::Body(rejection) => return rejection,
        };
        Rejection::new(kind, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow(error) | Self::Lost(error) => f.write_str(error),
            Self::Nonsense(what) => f.write_str(what),
            Self::Body(rejection) => rejection.fmt(f),
        }
    }
}
