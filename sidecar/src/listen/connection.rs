//! One connection, from the handshake to its end.

use std::{convert::Infallible, net::IpAddr, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use luthien_core::{BoxError, body::Holding};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::io::{Activity, Timed, Timers};

/// Whoever answers requests.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    fn answer(
        self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// How connections are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    pub(crate) timers: Timers,
    /// The longest head of a request, in bytes.
    pub(crate) headers: usize,
}

/// Serves a connection until its client closes it, a timer ends it, or `stop` asks for it to end after what it is doing.
///
/// A future in a future keeps room for both: boxed here, an open stream takes kilobytes less.
pub(super) fn serve<A: Answer>(
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    protocol: Protocol,
    answer: A,
    stop: CancellationToken,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let activity = Activity::default();
    let stream = Timed::new(stream, protocol.timers, activity.clone());
    let Some(tls) = tls else {
        return Box::pin(serve_stream(stream, peer, activity, protocol, answer, stop));
    };
    Box::pin(async move {
        match timeout(protocol.timers.head, Box::pin(tls.accept(stream))).await {
            Ok(Ok(stream)) => serve_stream(stream, peer, activity, protocol, answer, stop).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS connection came about"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    })
}

async fn serve_stream<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    activity: Activity,
    protocol: Protocol,
    answer: A,
    stop: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (exchanging, answer) = (activity.begin(), answer.clone());
        if !request.body().is_end_stream() {
            request.extensions_mut().insert(activity.unread_body());
        }
        // Boxed, so that a connection whose reply is under way keeps no room for another request's future.
        Box::pin(async move {
            let version = request.version();
            let mut response = answer
                .answer(request, peer)
                .await
                .map(|body| Holding::new(body, exchanging));
            *response.version_mut() = version.max(Version::HTTP_11);
            Ok::<_, Infallible>(response)
        })
    });
    let server = server(protocol);
    // Boxed, for the futures around it would each keep room for it.
    let mut connection = Box::pin(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients leave, and some talk nonsense: nothing to be alarmed about.
        tracing::debug!(%peer, error = error.to_string(), "a connection broke off");
    }
}

fn server(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        // `Timed` sees to it, for both versions.
        .header_read_timeout(None)
        .max_buf_size(protocol.headers.max(8192));
    server
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .keep_alive_interval(Duration::from_secs(20))
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(protocol.headers).unwrap_or(u32::MAX));
    server
}
