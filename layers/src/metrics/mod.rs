//! What is counted and timed, for Prometheus.
//!
//! [`MetricsLayer`] stands where every exchange passes, refused ones included; [`MetricsProviderLayer`] right above whatever waits for the
//! provider, so that the time between the two is our own. [`Metrics`] holds what they count, is told of decisions as a
//! [`DecisionSink`](luthien_core::decision::DecisionSink), and writes all of it in the words of [OpenMetrics] or of Prometheus' text format.
//!
//! ```
//! use http::Request;
//! use luthien::{gate, metrics::{Metrics, MetricsLayer, MetricsProviderLayer}};
//! use luthien_core::testing::{Provider, send};
//! use tower::Layer;
//!
//! let metrics = Metrics::new(["claude-*"]);
//! let layers = (MetricsLayer::new(metrics.clone()), MetricsProviderLayer::new());
//! let service = gate(layers).layer(Provider::default());
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let request = Request::post("/v1/messages").body(r#"{"model":"claude-x","messages":[]}"#.into()).unwrap();
//! assert_eq!(send(&service, request).await.status(), 200);
//! let text = metrics.prometheus();
//! assert!(text.contains(r#"luthien_exchanges_total{dialect="anthropic",model="claude-x","#), "{text}");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Labels are bounded.** Names of upstreams and policies are those of the configuration. A model is told by its name if the configuration knows
//! it, by name or by a pattern other than `*`, and a provider has answered for it; all others are `other`, and so is every one after
//! the hundredth. Sessions, users and keys are no labels.
//!
//! **Our own time**, `luthien_overhead_seconds`: `request` from when the request was read until it goes up, `response` from the head that came to the
//! one that goes out, `event` from when an event came until it goes out. The time that a policy holds something back or a judge thinks is in it, that of
//! the provider is not.
//!
//! **If the client leaves** or the stream breaks off, the exchange is counted when that happens, with what had been said until then.
//! **Alone**, without the layer above the provider, everything is counted but our own time.
//!
//! [OpenMetrics]: https://prometheus.io/docs/specs/om/open_metrics_spec/

mod decisions;
mod families;
mod labels;
mod layer;
mod marks;
mod models;
mod provider;
#[cfg(test)]
mod tests;
mod text;

pub use families::Metrics;
pub use layer::{ClientSide, MetricsFuture, MetricsLayer, MetricsRoom};
pub use prometheus_client::{collector, encoding, metrics, registry};
pub use provider::{MetricsProvider, MetricsProviderFuture, MetricsProviderLayer, ProviderSide};
