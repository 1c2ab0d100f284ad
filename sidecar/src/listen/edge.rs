//! The edge: what every request goes through, and needs no look inside.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Cursor, Write},
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use http::{
    HeaderName, HeaderValue, Request, Response, Version,
    header::{CONNECTION, TRANSFER_ENCODING},
};
use http_body_util::{BodyExt, Either, Full, combinators::MapErr};
use hyper::body::Incoming;
use luthien_core::{
    BoxError, Dialect,
    body::{Impatient, Patience},
    facts::{Answered, ClientAddr, ExchangeId},
    reject::{Rejection, RejectionKind},
};
use tokio::time::{Sleep, sleep};
use tower_service::Service as _;

use super::{Hosts, connection::Answer, io::UnreadBody};
use crate::{
    compose::{Running, Service},
    log::{Lines, milliseconds},
    watch::{Asked, Unread},
};

const X_LUTHIEN_REQUEST_ID: HeaderName = HeaderName::from_static("x-luthien-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Answers the agents' requests. One for all connections.
#[derive(Clone)]
pub(crate) struct Edge {
    shared: Arc<Shared>,
}

struct Shared {
    running: Arc<ArcSwap<Running>>,
    ids: Ids,
    lines: Lines,
}

/// A request's body, its sender not waited for for ever.
type Body = Impatient<MapErr<Incoming, fn(hyper::Error) -> BoxError>, Stalls>;

type Reply = <Service as tower_service::Service<Request<Body>>>::Response;

/// The body of a response.
pub(crate) trait HasBody {
    type Body;
}

impl<B> HasBody for Response<B> {
    type Body = B;
}

impl Edge {
    pub(crate) fn new(running: Arc<ArcSwap<Running>>, lines: Lines) -> Self {
        Self {
            shared: Arc::new(Shared {
                running,
                ids: Ids::default(),
                lines,
            }),
        }
    }
}

impl Answer for Edge {
    type Body = <Reply as HasBody>::Body;

    async fn answer(self, request: Request<Incoming>, peer: IpAddr) -> Response<Self::Body> {
        let (id, lines) = (self.shared.ids.next(), self.shared.lines.clone());
        let asked = Asked::now(&request, id, ClientAddr(peer), lines);
        let mut unread = Unread::new(asked.clone());
        let dialect = Dialect::of_client(request.uri().path(), request.headers());
        let running = self.shared.running.load_full();
        let mut response = match admit(&running.hosts, &request) {
            Err(rejection) => refuse(rejection, dialect),
            Ok(()) => {
                let passed =
                    AssertUnwindSafe(pass(&running, request, asked.clone(), ClientAddr(peer)))
                        .catch_unwind()
                        .await;
                // What has happened is in the log: the panic hook has written it.
                passed.unwrap_or_else(|_| {
                    refuse(
                        Rejection::new(
                            RejectionKind::Internal,
                            "something went wrong inside the sidecar",
                        ),
                        dialect,
                    )
                })
            }
        };
        finish(&mut response, &asked);
        unread.answered(&response);
        response
    }
}

/// What is refused without a look at who asks.
fn admit(hosts: &Hosts, request: &Request<Incoming>) -> Result<(), Rejection> {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let known = coding.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !known || codings.next().is_some() {
        // Somebody on the way here may have seen the end of the body elsewhere.
        let message = "the only transfer coding that is understood here is chunked, once";
        return Err(Rejection::new(RejectionKind::InvalidRequest, message)
            .with_code("ambiguous_framing")
            .with_header(CONNECTION, HeaderValue::from_static("close")));
    }
    hosts.check(request)
}

async fn pass(
    running: &Running,
    request: Request<Incoming>,
    asked: Asked,
    address: ClientAddr,
) -> Reply {
    let (mut head, body) = request.into_parts();
    let stalls = Stalls {
        limit: running.config.deadlines.request_body.0,
        timer: None,
        unread: head.extensions.remove(),
    };
    let body = body.map_err(match head.version {
        Version::HTTP_2 => taken_back,
        _ => BoxError::from,
    });
    let mut request = Request::from_parts(head, Impatient::new(body, stalls));
    request.extensions_mut().insert(asked.id().clone());
    request.extensions_mut().insert(asked);
    request.extensions_mut().insert(address);
    let mut service = running.service.clone();
    match service.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Over HTTP/2 a client can take a request back, and the connection goes on.
fn taken_back(error: hyper::Error) -> BoxError {
    io::Error::new(io::ErrorKind::UnexpectedEof, error).into()
}

fn refuse(rejection: Rejection, dialect: Dialect) -> Reply {
    rejection.respond(dialect, |chunk| {
        Either::Right(Full::new(chunk.into_bytes()))
    })
}

/// Puts our headers on: the name of the exchange, and where the time went until the head.
fn finish(response: &mut Reply, asked: &Asked) {
    let total = asked.elapsed();
    let upstream = response
        .extensions()
        .get::<Answered>()
        .map(|answered| answered.time_to_head);
    let mut timing = String::with_capacity(64);
    timing.push_str("luthien;dur=");
    milliseconds(
        &mut timing,
        total.saturating_sub(upstream.unwrap_or_default()),
    );
    if let Some(upstream) = upstream {
        timing.push_str(", upstream;dur=");
        milliseconds(&mut timing, upstream);
    }
    if let (Ok(id), Ok(timing)) = (
        HeaderValue::from_str(&asked.id().0),
        HeaderValue::try_from(timing),
    ) {
        response.headers_mut().insert(X_LUTHIEN_REQUEST_ID, id);
        response.headers_mut().append(SERVER_TIMING, timing);
    }
}

/// Names for exchanges: unique on this machine and, most probably, beyond.
#[derive(Default)]
struct Ids(AtomicU64);

impl Ids {
    fn next(&self) -> ExchangeId {
        static PROCESS: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().build_hasher().finish());
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        // Every request needs one: written on the stack, where the largest number has room, and copied once.
        let mut name = Cursor::new([0; 25]);
        write!(name, "{:08x}-{count:08x}", *PROCESS >> 32).ok();
        let length = usize::try_from(name.position()).unwrap_or_default();
        let written = name.get_ref().get(..length).unwrap_or_default();
        ExchangeId(str::from_utf8(written).unwrap_or_default().into())
    }
}

/// How long a request's body may pause.
pub(crate) struct Stalls {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    unread: Option<UnreadBody>,
}

impl Patience for Stalls {
    fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<BoxError> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(io::Error::from(io::ErrorKind::TimedOut).into())
    }

    fn renew(&mut self) {
        self.timer = None;
    }

    fn ended(&mut self) {
        if let Some(body) = self.unread.take() {
            body.is_read();
        }
    }
}
