use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use luthien_core::{
    BoxError,
    body::{Chunk, Flow, Form, Observe, StreamEnd, Tap},
    facts::Answered,
    reject::Rejection,
    reply::Usage,
    request::LlmBody,
};
use pin_project::pin_project;
use prometheus_client::metrics::histogram::Histogram;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Metrics,
    families::seconds,
    labels::{Code, Exchange, Of, Phase, Tokens},
    marks::Marks,
};

/// Counts and times exchanges. See the [module docs](super).
#[derive(Clone, Debug, Default)]
pub struct MetricsLayer {
    metrics: Option<Metrics>,
}

impl MetricsLayer {
    /// Counts here.
    pub fn new(metrics: Metrics) -> Self {
        let metrics = Some(metrics);
        Self { metrics }
    }

    /// Counts nothing.
    pub fn off() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsRoom<S>;

    fn layer(&self, inner: S) -> MetricsRoom<S> {
        let metrics = self.metrics.clone();
        MetricsRoom { inner, metrics }
    }
}

/// See [`MetricsLayer`].
#[derive(Clone, Debug)]
pub struct MetricsRoom<S> {
    inner: S,
    metrics: Option<Metrics>,
}

impl<S, B> Service<Request<LlmBody>> for MetricsRoom<S>
where
    S: Service<Request<LlmBody>, Response = Response<B>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Response = Response<Tap<B, Option<ClientSide>>>;
    type Error = S::Error;
    type Future = MetricsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<LlmBody>) -> Self::Future {
        let metrics = self.metrics.clone();
        let side = metrics.map(|metrics| ClientSide::begin(metrics, &mut request));
        MetricsFuture {
            inner: self.inner.call(request),
            side,
        }
    }
}

/// The future of [`MetricsRoom`].
#[pin_project]
#[derive(Debug)]
pub struct MetricsFuture<F> {
    #[pin]
    inner: F,
    side: Option<ClientSide>,
}

impl<F, B, E> Future for MetricsFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Chunk>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Tap<B, Option<ClientSide>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let mut side = this.side.take();
        if let Some(side) = &mut side {
            side.head(&response);
        }
        Poll::Ready(Ok(Tap::over(response, side)))
    }
}

/// An exchange that is counted when it is over, whatever way: when this is dropped, at the latest.
#[derive(Debug)]
pub struct ClientSide {
    metrics: Metrics,
    marks: Marks,
    dialect: &'static str,
    model: Option<Box<str>>,
    status: Option<u16>,
    upstream: Arc<str>,
    attempts: u32,
    code: Option<&'static str>,
    end: Option<StreamEnd>,
    usage: Usage,
    stream: Option<Stream>,
    first_byte: Option<Duration>,
}

/// What is counted of each event, looked up once.
#[derive(Debug)]
struct Stream {
    between: Histogram,
    overhead: Histogram,
    /// When the last event went out.
    last: Option<Duration>,
    events: u64,
}

impl ClientSide {
    fn begin(metrics: Metrics, request: &mut Request<LlmBody>) -> Self {
        let call = request.body().call();
        let dialect = call.map_or("none", |call| call.dialect().name());
        let model = call.and_then(|call| call.model()).map(Into::into);
        let marks = Marks::now();
        request.extensions_mut().insert(marks.clone());
        metrics.families().open.inc();
        Self {
            metrics,
            marks,
            dialect,
            model,
            status: None,
            upstream: "none".into(),
            attempts: 1,
            code: None,
            end: None,
            usage: Usage::default(),
            stream: None,
            first_byte: None,
        }
    }

    fn head<B>(&mut self, response: &Response<B>) {
        let families = self.metrics.families();
        self.status = Some(response.status().as_u16());
        let facts = response.extensions();
        self.code = facts.get().map(Rejection::code);
        if let Some(answered) = facts.get::<Answered>() {
            self.upstream = answered.upstream.clone();
            self.attempts = answered.attempts;
        }
        let request = self.marks.until_sent();
        let request = request.unwrap_or_else(|| self.marks.elapsed());
        let overhead = |phase, time| {
            let overhead = families.overhead.get_or_create(&Phase { phase });
            overhead.observe(seconds(time));
        };
        overhead("request", request);
        if let Some(time) = self.marks.since_head() {
            overhead("response", time);
        }
        if let Form::Stream(_) = Form::of(response) {
            let phase = Phase { phase: "event" };
            self.stream = Some(Stream {
                between: families.between.get_or_create_owned(&self.of()),
                overhead: families.overhead.get_or_create_owned(&phase),
                last: None,
                events: 0,
            });
        }
    }

    fn of(&self) -> Of {
        Of {
            dialect: self.dialect,
            upstream: self.upstream.clone(),
        }
    }

    fn word(&self) -> &'static str {
        match (self.code, self.end) {
            (Some(code), _) if code != Rejection::CLIENT_GONE => "refused",
            (None, Some(StreamEnd::Complete)) => "complete",
            (None, Some(StreamEnd::Failed)) => "failed",
            (None, Some(StreamEnd::Cut)) => "cut",
            // Dropped, or never even answered: nobody wanted it any more.
            _ => "client_gone",
        }
    }
}

impl Observe for ClientSide {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        let now = self.marks.elapsed();
        self.first_byte.get_or_insert(now);
        if let Some(stream) = &mut self.stream {
            stream.events += 1;
            if let Some(last) = stream.last.replace(now) {
                stream.between.observe(seconds(now.saturating_sub(last)));
            }
            if let Some(time) = self.marks.since_event(now) {
                stream.overhead.observe(seconds(time));
            }
        }
        if let Some(code) = chunk.refusal() {
            self.code = Some(code);
        }
        if let Some(usage) = chunk.usage() {
            self.usage.update(usage);
        }
        Flow::Forward
    }

    fn on_end(mut self, end: StreamEnd) {
        self.end = Some(end);
    }
}

impl Drop for ClientSide {
    fn drop(&mut self) {
        let families = self.metrics.families();
        families.open.dec();
        let has_answered = self.status.is_some_and(|status| status < 300) && self.code.is_none();
        let model = families.models.label(self.model.as_deref(), has_answered);
        let of = self.of();
        let exchange = Exchange {
            dialect: self.dialect,
            model: model.clone(),
            upstream: self.upstream.clone(),
            status: self.status.unwrap_or_default(),
            end: self.word(),
        };
        families.exchanges.get_or_create(&exchange).inc();
        let duration = seconds(self.marks.elapsed());
        families.duration.get_or_create(&of).observe(duration);
        if let Some(time) = self.first_byte {
            families
                .first_byte
                .get_or_create(&of)
                .observe(seconds(time));
        }
        if let Some(code) = self.code {
            families.refusals.get_or_create(&Code { code }).inc();
        }
        if let Some(stream) = &self.stream {
            families.events.get_or_create(&of).inc_by(stream.events);
        }
        if self.attempts > 1 {
            let more = u64::from(self.attempts - 1);
            families.failovers.get_or_create(&of).inc_by(more);
        }
        let usage = &self.usage;
        self.metrics.paid(self.model.as_deref(), &model, usage);
        for (kind, tokens) in [
            ("input", usage.input),
            ("output", usage.output),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write),
            ("reasoning", usage.reasoning),
        ] {
            if let Some(tokens) = tokens {
                let model = model.clone();
                let labels = Tokens { model, kind };
                families.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
    }
}
