//! Each room against the same gates without it. `scripts/bench` runs it and makes the table.
//!
//! A room is measured right after its gates alone, so that a machine that slows down slows both. The room `none`, which
//! is no room, shows how far such a pair may be trusted. Upstreams are not among them: what they cost is sockets, which
//! the bench of the whole binary counts.

mod support;

use criterion::Criterion;
use luthien::{
    deadline::{DeadlineLayer, Deadlines},
    gate,
    gate::Gate,
    identity::{IdentityLayer, SessionLayer},
    limit::LimitLayer,
};
use luthien_core::Dialect;
use support::{CpuTime, Exchange, Failure, Provider, cases, measure};
use tower::{Layer, layer::util::Identity as NoLayer};

const ONE: [Dialect; 1] = [Dialect::Anthropic];
const ALL: [Dialect; 3] = Dialect::ALL;

fn main() -> Result<(), Failure> {
    // For the clock of deadlines; nothing runs on it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
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
