//! Each room against the same gates without it. `scripts/bench` runs it and makes the table.
//!
//! A room is measured right after its gates alone, so that a machine that slows down slows both. The room `none`, which
//! is no room, shows how far such a pair may be trusted. Upstreams stand on sockets, against a bare client with its pool.

#[path = "support/sockets.rs"]
mod sockets;
mod support;

use criterion::Criterion;
use luthien::{
    deadline::{DeadlineLayer, Deadlines},
    gate,
    gate::Gate,
    identity::{IdentityLayer, SessionLayer},
    limit::LimitLayer,
    upstream::{Upstream, Upstreams},
};
use luthien_core::Dialect;
use sockets::OnSockets;
use support::{CpuTime, Exchange, Failure, Provider, cases, measure};
use tokio::runtime::Runtime;
use tower::{Layer, layer::util::Identity as NoLayer};

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
