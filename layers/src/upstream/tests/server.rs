//! Providers on real sockets.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::service_fn;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(super) type Seen = Arc<Mutex<Vec<(Parts, Bytes)>>>;

/// What a raw provider tells of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Asked,
    Closed,
}

/// A provider that answers with what `reply` makes of a request; it stops when dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) seen: Seen,
    _tasks: JoinSet<()>,
}

pub(super) fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

impl Server {
    pub(super) async fn start(
        reply: impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::with_tls(None, reply).await
    }

    pub(super) async fn with_tls(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen = Seen::default();
        let remember = seen.clone();
        Self::accept(seen, move |stream| {
            let (reply, seen, tls) = (reply.clone(), remember.clone(), tls.clone());
            async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, reply, seen).await;
                        }
                    }
                    None => serve(stream, reply, seen).await,
                }
            }
        })
        .await
    }

    /// A provider that writes these bytes after the head of each request, and then closes the connection, or waits for
    /// the client to close it. Tells of both.
    pub(super) async fn raw(answer: &'static [u8], close: bool) -> (Self, mpsc::Receiver<Event>) {
        let (tell, events) = mpsc::channel(64);
        let server = Self::accept(Seen::default(), move |mut stream| {
            let tell = tell.clone();
            async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                tell.send(Event::Asked).await.ok();
                if stream.write_all(answer).await.is_ok() && !close {
                    let mut rest = Vec::new();
                    stream.read_to_end(&mut rest).await.ok();
                }
                tell.send(Event::Closed).await.ok();
            }
        })
        .await;
        (server, events)
    }

    async fn accept<F: Future<Output = ()> + Send + 'static>(
        seen: Seen,
        handle: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(handle(stream));
            }
        });
        Self {
            address,
            seen,
            _tasks: tasks,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> (Parts, Bytes) {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    reply: impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static,
    seen: Seen,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (reply, seen) = (reply.clone(), seen.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let response = reply(&head);
            seen.lock().unwrap().push((head, body));
            Ok::<_, Infallible>(response)
        }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    server
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await
        .ok();
}

/// A certificate for `localhost` that only the second one trusts.
pub(super) fn tls(alpn: &[&[u8]]) -> (TlsAcceptor, ClientConfig) {
    let signed = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let certificate = signed.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let provider = Arc::new(default_provider());
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    server.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client)
}
