//! Each room against the same gates without it. `scripts/bench` runs it and makes the table.
//!
//! A room is measured right after its gates alone, so that a machine that slows down slows both. The room `none`, which
//! is no room, shows how far such a pair may be trusted. Upstreams stand on sockets, against a bare client with its pool.

#[path = "support/sockets.rs"]
mod sockets;
mod support;

use criterion::Criterion;
use luthien::{
    breaker::{BreakerLayer, Breakers},
    deadline::{DeadlineLayer, Deadlines},
    gate,
    gate::Gate,
    identity::{IdentityLayer, SessionLayer},
    limit::LimitLayer,
    metrics::{Metrics, MetricsLayer, MetricsProviderLayer},
    record::{Durability, ProviderSideLayer, RecordLayer, Recorder, Settings},
    upstream::{Upstream, Upstreams},
};
use luthien_core::Dialect;
use sockets::OnSockets;
use support::{CpuTime, Exchange, Failure, Provider, cases, measure};
use tokio::runtime::Runtime;
use tower::{
    Layer,
    layer::util::{Identity as NoLayer, Stack},
};

const ONE: [Dialect; 1] = [Dialect::Anthropic];
const ALL: [Dialect; 3] = Dialect::ALL;

fn main() -> Result<(), Failure> {
    // For the clock of deadlines, and for sockets; no other room runs on it.
    let runtime = sockets::runtime()?;
    let _inside = runtime.enter();
    let mut criterion = support::criterion();
    room(&mut criterion, "none", &ONE, NoLayer::new)?;
    identity(&mut criterion)?;
    room(&mut criterion, "session", &ALL, SessionLayer::new)?;
    room(&mut criterion, "limit", &ALL, LimitLayer::new)?;
    room(&mut criterion, "rate", &ONE, || support::rates(false))?;
    room(&mut criterion, "rate of tokens", &ALL, || {
        support::rates(true)
    })?;
    room(&mut criterion, "deadline", &ONE, || {
        DeadlineLayer::new(Deadlines::default())
    })?;
    room(&mut criterion, "metrics", &ALL, || {
        let metrics = MetricsLayer::new(Metrics::new(["claude-*", "gpt-*"]));
        Stack::new(MetricsProviderLayer::new(), metrics)
    })?;
    room(&mut criterion, "breaker", &ONE, || {
        BreakerLayer::new("provider", Breakers::default())
    })?;
    record(&mut criterion)?;
    upstream(&mut criterion, &runtime)?;
    criterion.final_summary();
    Ok(())
}

/// A room between the gates.
fn room<L>(
    criterion: &mut Criterion<CpuTime>,
    name: &str,
    dialects: &[Dialect],
    layer: impl Fn() -> L,
) -> Result<(), Failure>
where
    Gate<L>: Layer<Provider, Service: Exchange>,
{
    let mut group = criterion.benchmark_group(format!("room {name}"));
    for case in cases(dialects) {
        let without = gate(NoLayer::new()).layer(case.provider());
        measure(&mut group, "without", &case, without)?;
        let with = gate(layer()).layer(case.provider());
        measure(&mut group, "with", &case, with)?;
    }
    group.finish();
    Ok(())
}

/// Both sides of the record. What it writes is another thread's work, and nobody waits for it here.
fn record(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut settings = Settings::new(folder.path());
    settings.durability = Durability::Relaxed;
    settings.spool = 16 << 20;
    let (recorder, _feed) = Recorder::start(&settings)?;
    room(criterion, "record", &ALL, || {
        Stack::new(ProviderSideLayer::new(), RecordLayer::new(recorder.clone()))
    })?;
    recorder.close();
    Ok(())
}

/// The only room that stands outside the gates.
fn identity(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("room identity");
    for case in cases(&ONE) {
        let gates = gate(NoLayer::new()).layer(case.provider());
        measure(&mut group, "without", &case, gates.clone())?;
        let with = IdentityLayer::passthrough().layer(gates);
        measure(&mut group, "with", &case, with)?;
    }
    group.finish();
    Ok(())
}

/// The only room with sockets: between the gates, in front of a provider on this machine.
fn upstream(criterion: &mut Criterion<CpuTime>, runtime: &Runtime) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("room upstream");
    for case in cases(&ONE) {
        let provider = sockets::serve(case.provider())?;
        let without = gate(NoLayer::new()).layer(sockets::bare(provider));
        measure(&mut group, "without", &case, OnSockets(runtime, without))?;
        let upstream = Upstream::new("provider", &format!("http://{provider}"))?;
        let upstreams = Upstreams::builder().upstream(upstream).build()?;
        let with = gate(NoLayer::new()).layer(upstreams);
        measure(&mut group, "with", &case, OnSockets(runtime, with))?;
    }
    group.finish();
    Ok(())
}
