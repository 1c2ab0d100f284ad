//! The admin listener: whether the sidecar lives, whether it takes requests, and what it counts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use axum::{
    Router, body::Body, extract::State, http::StatusCode, response::IntoResponse, routing::get,
};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use luthien::{breaker::Breakers, metrics::Metrics};
use luthien_core::{Dialect, body::Chunk};
use tower::ServiceExt;

use crate::{
    compose::Running,
    listen::{Answer, Hosts},
    record::{RecordHealth, Standing},
};

/// Whether the sidecar takes requests: not yet, yes, no more.
#[derive(Clone)]
pub(crate) struct Readiness {
    is_ready: Arc<AtomicBool>,
    record: RecordHealth,
    running: Arc<ArcSwap<Running>>,
}

impl Readiness {
    pub(crate) fn new(record: RecordHealth, running: Arc<ArcSwap<Running>>) -> Self {
        Self {
            is_ready: Arc::default(),
            record,
            running,
        }
    }

    fn told(&self) -> Told {
        let running = self.running.load();
        let open = running.breakers.as_ref().map(Breakers::open);
        let is_well = open.is_none_or(|open| open.is_empty());
        Told {
            record: Some(self.record.standing()),
            upstreams: Some(if is_well { "ok" } else { "degraded" }),
        }
    }

    pub(crate) fn set(&self, ready: bool) {
        self.is_ready.store(ready, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed) && self.record.is_ready()
    }
}

/// Answers the admin listener's requests.
#[derive(Clone)]
pub(crate) struct Admin {
    router: Router,
    hosts: Arc<Hosts>,
}

impl Admin {
    pub(crate) fn new(ready: Readiness, metrics: Metrics, hosts: Hosts) -> Self {
        let router = Router::new()
            .route("/health", get(health))
            // Answers as long as the process can answer at all.
            .route("/live", get(async || Json("ok", Told::default())))
            .route("/ready", get(readiness))
            .with_state(ready)
            .route("/metrics", get(counted).with_state(metrics));
        Self {
            router,
            hosts: Arc::new(hosts),
        }
    }
}

/// `ok`; `degraded`, if exchanges go on and something is missing; `failing`, with a 503, if none can.
async fn health(State(ready): State<Readiness>) -> impl IntoResponse {
    let told = ready.told();
    let status = match (told.record, told.upstreams) {
        (Some(Standing::Failing | Standing::Full), _) if !ready.record.is_ready() => "failing",
        (None | Some(Standing::Off | Standing::Ok), None | Some("ok")) => "ok",
        _ => "degraded",
    };
    let code = match status {
        "failing" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (code, Json(status, told))
}

async fn readiness(State(ready): State<Readiness>) -> impl IntoResponse {
    let told = ready.told();
    if ready.is_ready() {
        (StatusCode::OK, Json("ready", told))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json("not_ready", told))
    }
}

/// In the format that is asked for; unless told otherwise in the one that everybody reads.
async fn counted(State(metrics): State<Metrics>, headers: HeaderMap) -> impl IntoResponse {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
    let accept = headers.get_all(header::ACCEPT).iter();
    let mut accept = accept.filter_map(|value| value.to_str().ok());
    let (kind, text) = match accept.any(|kinds| kinds.contains("application/openmetrics-text")) {
        true => (OPEN_METRICS, metrics.open_metrics()),
        false => (PROMETHEUS, metrics.prometheus()),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}

/// How components do, in one word each.
#[derive(Default)]
struct Told {
    record: Option<Standing>,
    upstreams: Option<&'static str>,
}

/// `{"status": …, "version": …, "record": …, "upstreams": …}`: never what is configured.
struct Json(&'static str, Told);

impl IntoResponse for Json {
    fn into_response(self) -> axum::response::Response {
        let version = env!("CARGO_PKG_VERSION");
        let Self(status, told) = self;
        let words = [
            ("record", told.record.map(Standing::word)),
            ("upstreams", told.upstreams),
        ];
        let words = words
            .into_iter()
            .filter_map(|(name, word)| Some((name, word?)));
        let mut body = format!(r#"{{"status":"{status}","version":"{version}""#);
        for (name, word) in words {
            body.push_str(&format!(r#","{name}":"{word}""#));
        }
        body.push('}');
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, body).into_response()
    }
}

impl Answer for Admin {
    type Body = Body;

    async fn answer(self, request: Request<Incoming>, _: IpAddr) -> Response<Body> {
        if let Err(rejection) = self.hosts.check(&request) {
            return rejection.respond(Dialect::Chat, |chunk: Chunk| Body::from(chunk.into_bytes()));
        }
        let mut response = match self.router.oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let nosniff = HeaderValue::from_static("nosniff");
        response
            .headers_mut()
            .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        response
    }
}
