//! What the sidecar counts beside its layers: the record, and its own configuration.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;
use luthien::{
    breaker::Breakers,
    metrics::{
        Metrics,
        collector::Collector,
        encoding::{DescriptorEncoder, EncodeMetric},
        metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    },
    record::{Tokens, prices::Prices},
};

use crate::{compose::Running, config::Config, record::RecordHealth};

/// Models that are told by their names although no route names them.
const USUAL: [&str; 7] = [
    "claude-*",
    "gpt-*",
    "chatgpt-*",
    "codex-*",
    "o1*",
    "o3*",
    "o4*",
];

/// What is counted in a sidecar with this configuration.
pub(crate) fn metrics(
    config: &Config,
    record: RecordHealth,
    prices: Arc<ArcSwap<Prices>>,
) -> Metrics {
    let routes = config.routes.iter().flat_map(|route| route.models.clone());
    let metrics = Metrics::new(routes.chain(USUAL.map(str::to_owned)));
    metrics.register(Box::new(OfRecord(record)));
    metrics.price_by(move |model, usage| {
        let at = now().saturating_mul(1_000_000);
        let micros = prices.load().cost(model, &Tokens::from(usage), at)?;
        // As exact as a sum of money on a dashboard has to be.
        Some(micros as f64 / 1e6)
    });
    metrics
}

/// How often the configuration was read again, and when it was last taken over.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    taken: AtomicI64,
    refused: AtomicI64,
    /// Seconds since 1970.
    last: AtomicI64,
}

impl Reloads {
    /// It was read when the sidecar started.
    pub(crate) fn started() -> Self {
        let reloads = Self::default();
        reloads.last.store(now(), Ordering::Relaxed);
        reloads
    }

    pub(crate) fn count(&self, is_taken: bool) {
        let counter = if is_taken { &self.taken } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        if is_taken {
            self.last.store(now(), Ordering::Relaxed);
        }
    }
}

#[allow(
    clippy::disallowed_types,
    reason = "a label: nothing is measured by it"
)]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

impl Collector for Reloads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Times the configuration was read again";
        let mut family =
            encoder.encode_descriptor("config_reloads", help, None, MetricType::Counter)?;
        for (result, count) in [("taken", &self.taken), ("refused", &self.refused)] {
            let count = u64::try_from(count.load(Ordering::Relaxed)).unwrap_or_default();
            let labels = [("result", result)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "When the configuration was last taken over, in seconds since 1970";
        let name = "config_last_success_timestamp_seconds";
        let value = ConstGauge::new(self.last.load(Ordering::Relaxed));
        value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
}

/// Upstreams, and for how many models each is left alone: asked whenever somebody looks.
pub(crate) struct OfUpstreams<F>(pub(crate) F);

/// For how many models each upstream is left alone.
pub(crate) fn left_alone(running: &Running) -> BTreeMap<String, i64> {
    let names = running.config.upstreams.keys();
    let mut all: BTreeMap<_, _> = names.map(|name| (name.clone(), 0)).collect();
    let circuits = running.breakers.as_ref().map(Breakers::open);
    for circuit in circuits.unwrap_or_default() {
        *all.entry(circuit.upstream.to_string()).or_default() += 1;
    }
    all
}

impl<F> fmt::Debug for OfUpstreams<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfUpstreams")
    }
}

impl<F> Collector for OfUpstreams<F>
where
    F: Fn() -> BTreeMap<String, i64> + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let name = "breaker_open_circuits";
        let help = "Models for which an upstream is left alone, since it fails";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (upstream, count) in (self.0)() {
            let labels = [("upstream", upstream)];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct OfRecord(RecordHealth);

impl Collector for OfRecord {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some((recorder, keeping)) = self.0.parts() else {
            return Ok(());
        };
        let health = recorder.health();
        let counters = [
            (
                "record_ended",
                "Exchanges whose end was recorded",
                health.ended,
            ),
            (
                "record_kept",
                "Records that the database has taken",
                keeping.kept(),
            ),
            (
                "record_shed_bodies",
                "Bodies that there was no room for",
                health.shed_bodies,
            ),
            (
                "record_lost",
                "Notes that were lost: for want of room, or since the disk did not take them",
                health.lost_notes,
            ),
            (
                "record_failed_writes",
                "Times the disk did not take something",
                health.failed_writes,
            ),
            (
                "record_unreadable",
                "Records of the spool that could not be read",
                keeping.unreadable(),
            ),
        ];
        for (name, help, count) in counters {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(encoder)?;
        }
        let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let gauges = [
            (
                "record_queue_bytes",
                "Bodies that wait to be written",
                bytes(health.queued as u64),
            ),
            (
                "record_spool_bytes",
                "What waits in the spool for the database, at most",
                bytes(health.spooled),
            ),
            (
                "record_lag_events",
                "Events that are on the disk, and not in the database yet",
                bytes(health.written_events.saturating_sub(keeping.kept_events())),
            ),
            (
                "record_degraded",
                "1 while the disk does not take records",
                i64::from(health.is_degraded),
            ),
            (
                "record_database_away",
                "1 while the database takes nothing",
                i64::from(keeping.trouble().is_some()),
            ),
        ];
        for (name, help, value) in gauges {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
