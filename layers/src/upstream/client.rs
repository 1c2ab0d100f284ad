//! The HTTP client.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri, header::CONTENT_ENCODING};
use http_body_util::{BodyExt, Full, LengthLimitError, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use luthien_core::{
    BoxError,
    reject::{Rejection, RejectionKind},
    request::LlmBody,
};
use rustls::{ClientConfig, crypto::aws_lc_rs::default_provider};
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};
use tower_http::decompression::Decompression;
use tower_service::Service;

use super::select::{Upstream, UpstreamError};

/// The body of a reply as it comes from the network.
pub type UpstreamBody = UnsyncBoxBody<Bytes, BoxError>;

pub(super) type HttpClient = Client<Connector, LlmBody>;

/// Trusts what the system trusts.
pub(super) fn system_tls() -> Result<ClientConfig, UpstreamError> {
    use hyper_rustls::ConfigBuilderExt;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other);
    let builder = builder
        .and_then(ConfigBuilderExt::with_native_roots)
        .map_err(UpstreamError::Roots)?;
    Ok(builder.with_no_client_auth())
}

/// Trusts nobody: for upstreams without TLS.
pub(super) fn no_tls() -> Result<ClientConfig, UpstreamError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| UpstreamError::Roots(io::Error::other(error)))?;
    Ok(builder
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

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

fn client() -> Builder {
    let mut client = Client::builder(TokioExecutor::new());
    client
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(30));
    client
}

fn connector(tls: ClientConfig, limit: Duration, http2: bool) -> Connector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    let inner = if http2 {
        https.enable_all_versions().wrap_connector(tcp)
    } else {
        https.enable_http1().wrap_connector(tcp)
    };
    Connector { inner, limit }
}

/// Connects within a time: name, TCP and TLS together.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(target), self.limit);
        Box::pin(async move {
            match timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no connection in {limit:?}"),
                )
                .into()),
            }
        })
    }
}

/// The body of a response, unpacked if `unpack` says so and it is packed.
pub(super) async fn receive(response: Response<Incoming>, unpack: bool) -> Response<UpstreamBody> {
    if !unpack || !response.headers().contains_key(CONTENT_ENCODING) {
        return response.map(|body| body.map_err(Into::into).boxed_unsync());
    }
    // The layer unpacks what a service answers; this one answers what is already there, once.
    let mut response = Some(response);
    let answer = service_fn(move |_: Request<()>| {
        let response = response.take();
        async { response.ok_or("asked twice") }
    });
    match Decompression::new(answer).oneshot(Request::new(())).await {
        Ok(response) => response.map(BodyExt::boxed_unsync),
        Err(message) => Response::new(
            Full::from(message)
                .map_err(|never| match never {})
                .boxed_unsync(),
        ),
    }
}

/// What went wrong between us and an upstream.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took too long to connect.
    TooSlow(String),
    /// It could not be reached, or broke off.
    Lost(String),
    /// The client's body is longer than it may be.
    BodyTooLong,
    /// The client's body did not arrive.
    BodyLost,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        let mut found: &(dyn std::error::Error + 'static) = error;
        let mut from_client = false;
        loop {
            if found.is::<LengthLimitError>() {
                return Self::BodyTooLong;
            }
            if found
                .downcast_ref::<io::Error>()
                .is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
                && !from_client
            {
                return Self::TooSlow(found.to_string());
            }
            from_client |= found
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_user);
            match found.source() {
                Some(source) => found = source,
                None if from_client => return Self::BodyLost,
                None => return Self::Lost(found.to_string()),
            }
        }
    }

    /// Whether the client is at fault: no other upstream would do better.
    pub(super) fn is_the_clients(&self) -> bool {
        matches!(self, Self::BodyTooLong | Self::BodyLost)
    }

    pub(super) fn rejection(&self, upstream: &Upstream) -> Rejection {
        let kind = match self {
            Self::TooSlow(_) => RejectionKind::UpstreamTimeout,
            Self::Lost(_) => RejectionKind::BadUpstream,
            Self::BodyTooLong => RejectionKind::TooLarge,
            Self::BodyLost => RejectionKind::InvalidRequest,
        };
        match kind {
            RejectionKind::UpstreamTimeout | RejectionKind::BadUpstream => Rejection::new(
                kind,
                format!("cannot reach the upstream {upstream}: {self}"),
            ),
            _ => Rejection::new(kind, self.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow(error) | Self::Lost(error) => f.write_str(error),
            Self::BodyTooLong => f.write_str("the request body is too long"),
            Self::BodyLost => f.write_str("the request body could not be read to its end"),
        }
    }
}
