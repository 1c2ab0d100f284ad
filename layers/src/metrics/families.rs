use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use luthien_core::reply::Usage;
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use super::{labels, models::Models, text};

/// Times of whole exchanges: a hundredth of a second to ten minutes.
const EXCHANGE: [f64; 15] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0,
];
/// Times until the first byte, and between events.
const BYTE: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
/// Our own times: 20 µs to half a minute, which is what a judge may take.
const OWN: [f64; 16] = [
    20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 50e-3, 0.1, 0.5, 1.0, 5.0, 10.0,
    30.0,
];

/// Every family: its name, its labels, and what it tells. Counters are written with `_total` behind their names.
const FAMILIES: [(&str, &str, &str); 20] = [
    ("build", "version", "The version that runs"),
    ("open_exchanges", "", "Exchanges that go on"),
    (
        "exchanges",
        "dialect, model, upstream, status, end",
        "Exchanges that are over, by how they ended",
    ),
    (
        "exchange_duration_seconds",
        "dialect, upstream",
        "From the request to the end of the reply",
    ),
    (
        "time_to_first_byte_seconds",
        "dialect, upstream",
        "From the request to the first byte of the reply that goes out",
    ),
    (
        "time_between_events_seconds",
        "dialect, upstream",
        "Between events of a stream that go out",
    ),
    (
        "overhead_seconds",
        "phase",
        "Time of our own: until a request goes up, a head goes out, an event goes out",
    ),
    (
        "events",
        "dialect, upstream",
        "Events of streams that went out",
    ),
    (
        "failovers",
        "dialect, upstream",
        "Attempts at an upstream that another had to answer for",
    ),
    ("tokens", "model, kind", "Tokens, as providers report them"),
    (
        "cost_dollars",
        "model",
        "What exchanges cost, in US dollars, as far as prices are known",
    ),
    (
        "unpriced_exchanges",
        "model",
        "Exchanges with tokens whose price nobody knows",
    ),
    (
        "refusals",
        "code",
        "What we have answered in place of the provider, by code",
    ),
    (
        "policy_decisions",
        "policy, mode, phase, outcome",
        "What policies decided",
    ),
    (
        "policy_failures",
        "policy, cause",
        "Policies that gave no answer, by cause",
    ),
    ("policy_seconds", "policy", "How long policies took"),
    (
        "judge_calls",
        "policy, cached",
        "Models that policies asked",
    ),
    ("judge_seconds", "policy", "How long those models took"),
    ("judge_tokens", "model, kind", "Tokens that judges took"),
    (
        "tool_calls",
        "judged",
        "Tool calls of models, by whether a policy has judged them, or why none has",
    ),
];

fn help(name: &str) -> &'static str {
    let found = FAMILIES.iter().find(|(other, ..)| *other == name);
    found.map_or("", |(.., help)| help)
}

/// What a model's tokens cost, in US dollars; `None` if nobody knows.
type Price = Box<dyn Fn(&str, &Usage) -> Option<f64> + Send + Sync>;

type Dollars = Counter<f64, AtomicU64>;

pub(super) type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that is counted and timed. Cheap to clone: clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Families>);

pub(super) struct Families {
    registry: Mutex<Registry>,
    pub(super) models: Models,
    pub(super) exchanges: Family<labels::Exchange, Counter>,
    pub(super) open: Gauge,
    pub(super) duration: Histograms<labels::Of>,
    pub(super) first_byte: Histograms<labels::Of>,
    pub(super) between: Histograms<labels::Of>,
    pub(super) overhead: Histograms<labels::Phase>,
    pub(super) events: Family<labels::Of, Counter>,
    pub(super) failovers: Family<labels::Of, Counter>,
    pub(super) tokens: Family<labels::Tokens, Counter>,
    pub(super) cost: Family<labels::Model, Dollars>,
    pub(super) unpriced: Family<labels::Model, Counter>,
    price: OnceLock<Price>,
    pub(super) refusals: Family<labels::Code, Counter>,
    pub(super) decisions: Family<labels::Decided, Counter>,
    pub(super) failures: Family<labels::Failed, Counter>,
    pub(super) policy: Histograms<labels::Policy>,
    pub(super) judged: Family<labels::Judge, Counter>,
    pub(super) judge: Histograms<labels::Policy>,
    pub(super) judge_tokens: Family<labels::Tokens, Counter>,
    pub(super) calls: Family<labels::Calls, Counter>,
}

impl Metrics {
    /// Nothing was counted yet. `models` are those that the configuration knows: names, or patterns with `*`.
    pub fn new<M: Into<String>>(models: impl IntoIterator<Item = M>) -> Self {
        let mut registry = Registry::with_prefix("luthien");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", help("build"), version);
        let open = Gauge::default();
        registry.register("open_exchanges", help("open_exchanges"), open.clone());
        let families = Families {
            models: Models::new(models.into_iter().map(Into::into)),
            exchanges: counters(&mut registry, "exchanges"),
            open,
            duration: times(&mut registry, "exchange_duration_seconds", || {
                Histogram::new(EXCHANGE)
            }),
            first_byte: times(&mut registry, "time_to_first_byte_seconds", || {
                Histogram::new(BYTE)
            }),
            between: times(&mut registry, "time_between_events_seconds", || {
                Histogram::new(BYTE)
            }),
            overhead: times(&mut registry, "overhead_seconds", || Histogram::new(OWN)),
            events: counters(&mut registry, "events"),
            failovers: counters(&mut registry, "failovers"),
            tokens: counters(&mut registry, "tokens"),
            cost: {
                let family = Family::default();
                registry.register("cost_dollars", help("cost_dollars"), Family::clone(&family));
                family
            },
            unpriced: counters(&mut registry, "unpriced_exchanges"),
            price: OnceLock::new(),
            refusals: counters(&mut registry, "refusals"),
            decisions: counters(&mut registry, "policy_decisions"),
            failures: counters(&mut registry, "policy_failures"),
            policy: times(&mut registry, "policy_seconds", || Histogram::new(OWN)),
            judged: counters(&mut registry, "judge_calls"),
            judge: times(&mut registry, "judge_seconds", || Histogram::new(BYTE)),
            judge_tokens: counters(&mut registry, "judge_tokens"),
            calls: counters(&mut registry, "tool_calls"),
            registry: Mutex::new(registry),
        };
        Self(Arc::new(families))
    }

    /// Every family that layers count in: its name (of counters without `_total`), its labels, and what it tells.
    pub fn families_told() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        FAMILIES.into_iter()
    }

    /// Counts money, too: by what this says that a model's tokens cost, in US dollars; `None` if nobody knows. Said once; whoever
    /// says it later is not heard.
    pub fn price_by(&self, price: impl Fn(&str, &Usage) -> Option<f64> + Send + Sync + 'static) {
        self.0.price.get_or_init(|| Box::new(price));
    }

    /// Tells of more, asked whenever somebody looks.
    pub fn register(&self, collector: Box<dyn Collector>) {
        self.registry(|registry| registry.register_collector(collector));
    }

    /// All of it in the text format of Prometheus, `text/plain; version=0.0.4`.
    pub fn prometheus(&self) -> String {
        text::prometheus(&self.open_metrics())
    }

    /// All of it as `OpenMetrics`, `application/openmetrics-text; version=1.0.0; charset=utf-8`.
    pub fn open_metrics(&self) -> String {
        let mut text = String::new();
        // Writing to a string fails only if a collector does: then what it says is missing.
        self.registry(|registry| encode(&mut text, registry).ok());
        text
    }

    fn registry<T>(&self, look: impl FnOnce(&mut Registry) -> T) -> T {
        let mut registry = self
            .0
            .registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        look(&mut registry)
    }

    /// Counts what an exchange cost.
    pub(super) fn paid(&self, name: Option<&str>, label: &Arc<str>, usage: &Usage) {
        let (Some(price), Some(name)) = (self.0.price.get(), name) else {
            return;
        };
        if usage.input.is_none() && usage.output.is_none() {
            return;
        }
        let model = label.clone();
        let labels = labels::Model { model };
        match price(name, usage) {
            Some(dollars) => drop(self.0.cost.get_or_create(&labels).inc_by(dollars)),
            None => drop(self.0.unpriced.get_or_create(&labels).inc()),
        }
    }

    pub(super) fn families(&self) -> &Families {
        &self.0
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn counters<L>(registry: &mut Registry, name: &str) -> Family<L, Counter>
where
    L: Clone + fmt::Debug + std::hash::Hash + Eq + EncodeLabelSet + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help(name), family.clone());
    family
}

fn times<L>(registry: &mut Registry, name: &str, new: fn() -> Histogram) -> Histograms<L>
where
    L: Clone + fmt::Debug + std::hash::Hash + Eq + EncodeLabelSet + Send + Sync + 'static,
{
    let family = Family::new_with_constructor(new);
    registry.register(name, help(name), family.clone());
    family
}

/// Seconds.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
