//! The edge: what every request goes through, and needs no look inside.

use std::{
    fmt::Write,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use luthien_core::{
    BoxError, Dialect,
    body::{Impatient, Patience},
    facts::{Answered, ClientAddr},
    reject::{Rejection, RejectionKind},
};
use tokio::time::{Sleep, sleep};
use tower_service::Service as _;

use super::connection::Answer;
use crate::{
    compose::{Running, Service},
    log::Lines,
    watch::{Logged, Refused, RequestId},
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
type Body = Impatient<Incoming, Stalls>;

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
        let start = Instant::now();
        let id = self.shared.ids.next();
        let address = ClientAddr(peer);
        // Of most requests nothing of this is needed again, and it is cheap to keep.
        let (method, target) = (request.method().clone(), request.uri().clone());
        let dialect = Dialect::of_client(target.path(), request.headers());
        let running = self.shared.running.load_full();
        let mut response = match running.hosts.check(request.uri(), request.headers()) {
            Err(rejection) => refuse(rejection, dialect),
            Ok(()) => {
                let passed = AssertUnwindSafe(pass(&running, request, id.clone(), address))
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
        finish(&mut response, &id, start);
        if response.extensions().get::<Logged>().is_none() {
            log(
                &self.shared.lines,
                &response,
                &id,
                &method,
                &target,
                address,
                start,
            );
        }
        response
    }
}

async fn pass(
    running: &Running,
    request: Request<Incoming>,
    id: RequestId,
    address: ClientAddr,
) -> Reply {
    let stall = running.config.deadlines.request_body.0;
    let mut request = request.map(|body| Impatient::new(body, Stalls::new(stall)));
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(address);
    let mut service = running.service.clone();
    match service.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn refuse(rejection: Rejection, dialect: Dialect) -> Reply {
    rejection.respond(dialect, |chunk| {
        Either::Right(Full::new(chunk.into_bytes()))
    })
}

/// Puts our headers on: the name of the exchange, and where the time went until the head.
fn finish(response: &mut Reply, id: &RequestId, start: Instant) {
    let total = start.elapsed();
    let upstream = response
        .extensions()
        .get::<Answered>()
        .map(|answered| answered.time_to_head);
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let mut timing = format!(
        "luthien;dur={:.3}",
        milliseconds(total.saturating_sub(upstream.unwrap_or_default()))
    );
    if let Some(upstream) = upstream {
        // Writing into a string does not fail.
        write!(timing, ", upstream;dur={:.3}", milliseconds(upstream)).ok();
    }
    if let (Ok(id), Ok(timing)) = (HeaderValue::from_str(&id.0), HeaderValue::try_from(timing)) {
        response.headers_mut().insert(X_LUTHIEN_REQUEST_ID, id);
        response.headers_mut().append(SERVER_TIMING, timing);
    }
}

fn log(
    lines: &Lines,
    response: &Reply,
    id: &RequestId,
    method: &Method,
    target: &Uri,
    address: ClientAddr,
    start: Instant,
) {
    Refused {
        id,
        method,
        target,
        address,
        status: response.status().as_u16(),
        code: response.extensions().get().map_or("", Rejection::code),
        time: start.elapsed(),
    }
    .log(lines);
}

/// Names for exchanges: unique on this machine and, most probably, beyond.
#[derive(Default)]
struct Ids(AtomicU64);

impl Ids {
    fn next(&self) -> RequestId {
        static PROCESS: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().build_hasher().finish());
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:08x}-{count:08x}", *PROCESS >> 32).into())
    }
}

/// How long a request's body may pause.
pub(crate) struct Stalls {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stalls {
    fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }
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
}
