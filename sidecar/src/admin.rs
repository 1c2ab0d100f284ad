//! The admin listener: whether the sidecar lives, whether it takes requests, and what it counts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router, body::Body, extract::State, http::StatusCode, response::IntoResponse, routing::get,
};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use luthien::metrics::Metrics;
use luthien_core::{Dialect, body::Chunk};
use tower::ServiceExt;

use crate::{
    listen::{Answer, Hosts},
    record::{RecordHealth, Standing},
};

/// Whether the sidecar takes requests: not yet, yes, no more.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    is_ready: Arc<AtomicBool>,
    record: RecordHealth,
}

impl Readiness {
    pub(crate) fn new(record: RecordHealth) -> Self {
        let is_ready = Arc::default();
        Self { is_ready, record }
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
            // Answers as long as the process can answer at all.
            .route("/health", get(health))
            .route("/ready", get(readiness))
            .with_state(ready)
            .route("/metrics", get(counted).with_state(metrics));
        Self {
            router,
            hosts: Arc::new(hosts),
        }
    }
}

async fn health(State(ready): State<Readiness>) -> Json {
    Json("ok", ready.record.standing())
}

async fn readiness(State(ready): State<Readiness>) -> impl IntoResponse {
    let record = ready.record.standing();
    if ready.is_ready() {
        (StatusCode::OK, Json("ready", record))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json("not_ready", record))
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

/// `{"status": …, "version": …, "record": …}`: never what is configured.
struct Json(&'static str, Standing);

impl IntoResponse for Json {
    fn into_response(self) -> axum::response::Response {
        let version = env!("CARGO_PKG_VERSION");
        let Self(status, record) = self;
        let record = record.word();
        let body = format!(r#"{{"status":"{status}","version":"{version}","record":"{record}"}}"#);
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
