//! What the benches of exchanges share: a provider in memory, one exchange, and how it is measured.

pub(crate) mod exchange;
mod provider;
mod settings;

use std::{hint::black_box, num::NonZeroU32, time::Duration};

use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Throughput};
use luthien::rate::{LocalLedger, Per, RateLayer, Rule};
use luthien_core::Dialect;

pub(crate) use exchange::{Case, Exchange};
pub(crate) use provider::Provider;
pub(crate) use settings::{CpuTime, Failure, criterion};

/// Streamed and whole exchanges of these dialects.
pub(crate) fn cases(dialects: &[Dialect]) -> impl Iterator<Item = Case> {
    dialects
        .iter()
        .flat_map(|&dialect| [true, false].map(|stream| Case::new(dialect, stream)))
}

/// Rules that never refuse. One counts requests, one holds a place; with `tokens`, one reads every event.
#[allow(dead_code, reason = "not every bench has rates")]
pub(crate) fn rates(tokens: bool) -> RateLayer {
    let most = NonZeroU32::MAX;
    let mut rules = vec![
        Rule::requests(Per::Key, most, Duration::from_secs(60)),
        Rule::concurrent(Per::Session, most),
    ];
    if tokens {
        rules.push(Rule::output_tokens(
            Per::User,
            most,
            Duration::from_secs(3_600),
        ));
    }
    RateLayer::new(LocalLedger::new(rules))
}

/// Measures exchanges through `service`, after one whose reply must be as the provider sent it.
pub(crate) fn measure<S: Exchange>(
    group: &mut BenchmarkGroup<'_, CpuTime>,
    variant: &str,
    case: &Case,
    mut service: S,
) -> Result<(), Failure> {
    let (status, length) = service.exchange(case.request());
    if status != 200 || length != case.reply_length() {
        return Err(format!("{variant}, {}: {status}, {length} bytes", case.name()).into());
    }
    group.throughput(Throughput::Elements(case.events()));
    group.bench_function(BenchmarkId::new(case.name(), variant), |bencher| {
        bencher.iter_batched(
            || case.request(),
            |request| black_box(service.exchange(request)),
            BatchSize::SmallInput,
        );
    });
    Ok(())
}
