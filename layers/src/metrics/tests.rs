//! Every exchange is counted once, by how it ended, and our time is told from that of the provider.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    decision::{
        Decision, DecisionId, DecisionSink, Exchange, Failure, Mode, Outcome, Phase, Severity,
    },
    reject::{Rejection, RejectionKind},
    request::LlmBody,
    testing::{Provider, Reply, recorded, request, send},
};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use luthien_core::gate::gate;

fn decision(outcome: Outcome, applied: bool) -> Decision {
    Decision {
        id: DecisionId::new([7; 6]),
        policy: "rules".into(),
        version: "1".into(),
        mode: Mode::Enforce,
        phase: Phase::ToolCall,
        block: None,
        tool: None,
        outcome,
        applied,
        code: "".into(),
        reason: "".into(),
        severity: Severity::Info,
        latency: Duration::from_micros(30),
        before: None,
        after: None,
        votes: Vec::new(),
        consulted: Vec::new(),
    }
}

/// The value of the one sample whose name and labels these are.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let is_meant = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    let mut lines = text.lines().filter(is_meant);
    let line = lines.next()?;
    assert_eq!(lines.next(), None, "{name} {labels:?} is not one");
    line.rsplit(' ').next()?.parse().ok()
}

fn asked(dialect: Dialect, stream: bool) -> Request<Bytes> {
    Request::post(dialect.path())
        .body(request(dialect, stream))
        .unwrap()
}

#[tokio::test]
async fn every_dialect_passes_byte_for_byte_and_is_counted() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            for seed in 0..5 {
                let metrics = Metrics::new(["*-large"]);
                let reply = recorded(dialect, stream);
                let script = match stream {
                    true => Reply::events(&reply, seed),
                    false => Reply::json(&reply, seed),
                };
                let provider = Provider::new([script]);
                let layers = (
                    MetricsLayer::new(metrics.clone()),
                    MetricsProviderLayer::new(),
                );
                let service = gate(layers).layer(provider.clone());
                let response = send(&service, asked(dialect, stream)).await;
                assert_eq!(response.body(), &Ok(reply));
                assert_eq!(provider.seen()[0].body, Some(request(dialect, stream)));
                let text = metrics.prometheus();
                let name = format!("dialect=\"{}\"", dialect.name());
                let labels = [
                    &*name,
                    "model=\"mock-large\"",
                    "status=\"200\"",
                    "end=\"complete\"",
                ];
                assert_eq!(
                    value(&text, "luthien_exchanges_total", &labels),
                    Some(1.0),
                    "{text}"
                );
                assert_eq!(value(&text, "luthien_open_exchanges", &[]), Some(0.0));
                let output = value(&text, "luthien_tokens_total", &["kind=\"output\""]);
                assert!(output.is_some_and(|tokens| tokens > 0.0), "{text}");
                let events = value(
                    &text,
                    "luthien_overhead_seconds_count",
                    &["phase=\"event\""],
                );
                assert_eq!(events.is_some(), stream);
                for phase in ["phase=\"request\"", "phase=\"response\""] {
                    let count = value(&text, "luthien_overhead_seconds_count", &[phase]);
                    assert_eq!(count, Some(1.0));
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_counted_by_its_code() {
    let metrics = Metrics::new(["*-large"]);
    let service = gate(MetricsLayer::new(metrics.clone())).layer(service_fn(
        |request: Request<LlmBody>| async move {
            let dialect = request.body().dialect().unwrap();
            let refusal =
                Rejection::new(RejectionKind::TooLarge, "no").with_code("too_many_messages");
            Ok::<_, Infallible>(refusal.respond(dialect, |chunk| Full::new(chunk.into_bytes())))
        },
    ));
    for dialect in Dialect::ALL {
        assert_eq!(send(&service, asked(dialect, true)).await.status(), 413);
    }
    let text = metrics.prometheus();
    assert_eq!(
        value(
            &text,
            "luthien_refusals_total",
            &["code=\"too_many_messages\""]
        ),
        Some(3.0),
        "{text}"
    );
    // Nobody has answered for that name.
    let labels = [
        "end=\"refused\"",
        "model=\"other\"",
        "dialect=\"chat\"",
        "upstream=\"none\"",
    ];
    assert_eq!(
        value(&text, "luthien_exchanges_total", &labels),
        Some(1.0),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_when_it_does() {
    let metrics = Metrics::new(["*-large"]);
    let reply = recorded(Dialect::Anthropic, true);
    let layers = (
        MetricsLayer::new(metrics.clone()),
        MetricsProviderLayer::new(),
    );
    let service = gate(layers).layer(Provider::new([Reply::events(&reply, 1)]));
    let asked = asked(Dialect::Anthropic, true).map(Full::new);
    let mut body = service.oneshot(asked).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(
        value(&metrics.prometheus(), "luthien_open_exchanges", &[]),
        Some(1.0)
    );
    drop(body);
    let text = metrics.prometheus();
    assert_eq!(value(&text, "luthien_open_exchanges", &[]), Some(0.0));
    assert_eq!(
        value(&text, "luthien_exchanges_total", &["end=\"client_gone\""]),
        Some(1.0),
        "{text}"
    );
}

/// Takes its time before it asks on.
#[derive(Clone)]
struct Slow(Duration);

#[derive(Clone)]
struct Slowly<S>(S, Duration);

impl<S> Layer<S> for Slow {
    type Service = Slowly<S>;

    fn layer(&self, inner: S) -> Slowly<S> {
        Slowly(inner, self.0)
    }
}

impl<S> Service<Request<LlmBody>> for Slowly<S>
where
    S: Service<Request<LlmBody>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LlmBody>) -> Self::Future {
        let Self(inner, time) = self.clone();
        Box::pin(async move {
            sleep(time).await;
            inner.oneshot(request).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_provider_is_not_ours() {
    let metrics = Metrics::new(["*-large"]);
    let reply = recorded(Dialect::Anthropic, false);
    let provider = Provider::new([Reply::json(&reply, 1)]);
    // We think for two seconds, the provider for sixty.
    let inner = Slow(Duration::from_secs(60)).layer(provider);
    let layers = (
        MetricsLayer::new(metrics.clone()),
        Slow(Duration::from_secs(2)),
        MetricsProviderLayer::new(),
    );
    let service = gate(layers).layer(inner);
    assert_eq!(
        send(&service, asked(Dialect::Anthropic, false))
            .await
            .status(),
        200
    );
    let text = metrics.prometheus();
    let own = |phase: &str| value(&text, "luthien_overhead_seconds_sum", &[phase]).unwrap();
    assert!((2.0..2.1).contains(&own("phase=\"request\"")), "{text}");
    assert!(own("phase=\"response\"") < 0.1);
    let whole = value(&text, "luthien_exchange_duration_seconds_sum", &[]).unwrap();
    assert!((62.0..62.2).contains(&whole));
}

#[test]
fn decisions_are_counted_and_what_failed_open_is_told_apart() {
    let metrics = Metrics::new(["*"]);
    let exchange = Exchange {
        id: None,
        dialect: Dialect::Chat,
        path: "/".into(),
        model: None,
        caller: None,
        user: None,
        session: None,
        purpose: None,
    };
    for (outcome, applied) in [
        (Outcome::Allow, false),
        (Outcome::Block, true),
        (Outcome::Failed(Failure::Late), true),
        (Outcome::Failed(Failure::Late), false),
    ] {
        metrics.decided(&exchange, &decision(outcome, applied));
    }
    let text = metrics.prometheus();
    for outcome in ["allow", "block", "failed_open", "failed_closed"] {
        let labels = [&*format!("outcome=\"{outcome}\""), "mode=\"enforce\""];
        assert_eq!(
            value(&text, "luthien_policy_decisions_total", &labels),
            Some(1.0),
            "{text}"
        );
    }
    let late = value(&text, "luthien_policy_failures_total", &["cause=\"late\""]);
    assert_eq!(late, Some(2.0));
}

#[test]
fn both_formats_say_the_same() {
    let metrics = Metrics::new(["*"]);
    metrics
        .families()
        .refusals
        .get_or_create(&labels::Code { code: "c" })
        .inc();
    let (open, prometheus) = (metrics.open_metrics(), metrics.prometheus());
    assert!(open.ends_with("# EOF\n") && !prometheus.contains("# EOF"));
    assert!(
        prometheus.contains("# TYPE luthien_build_info gauge\n"),
        "{prometheus}"
    );
    assert!(open.contains("# TYPE luthien_refusals counter\n"));
    assert!(prometheus.contains("# TYPE luthien_refusals_total counter\n"));
    let samples = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(samples(&open), samples(&prometheus));
}
