//! What the benches of exchanges share: a provider in memory, one exchange, and how it is measured.

pub(crate) mod exchange;
mod provider;
mod settings;

use std::{hint::black_box, num::NonZeroU32, time::Duration};

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Throughput, measurement::Measurement as _,
};
use luthien::rate::{LocalLedger, Per, RateLayer, Rule};
use luthien_core::Dialect;

pub(crate) use exchange::{Case, Exchange};
pub(crate) use provider::Provider;
use settings::WARM_UP;
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
    try_once(variant, case, &mut service)?;
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

/// How often each variant has its turn, and how many exchanges it makes then.
const TURNS: usize = 600;
const EXCHANGES: u32 = 24;
/// Of so many turns the one in the middle counts.
const BLOCK: usize = 20;

/// Measures variants in turns, a millisecond each: what disturbs one disturbs the others, and a few percent between them can
/// be told on a machine whose speed changes by more than that from one second to the next.
#[allow(dead_code, reason = "not every bench has small differences")]
pub(crate) fn measure_in_turns(
    group: &mut BenchmarkGroup<'_, CpuTime>,
    case: &Case,
    variants: &mut [(&str, &mut dyn Exchange)],
) -> Result<(), Failure> {
    for (variant, service) in variants.iter_mut() {
        try_once(variant, case, &mut **service)?;
    }
    let mut turns = vec![Vec::with_capacity(TURNS); variants.len()];
    for turn in 0..TURNS {
        for place in 0..variants.len() {
            // Whoever comes first finds the caches as the last one has left them.
            let place = (place + turn) % variants.len();
            let (Some((_, service)), Some(times)) = (variants.get_mut(place), turns.get_mut(place))
            else {
                continue;
            };
            let requests: Vec<_> = (0..EXCHANGES).map(|_| case.request()).collect();
            let start = CpuTime.start();
            for request in requests {
                black_box(service.exchange(request));
            }
            times.push(CpuTime.end(start) / EXCHANGES);
        }
    }
    group.throughput(Throughput::Elements(case.events()));
    // There is nothing to warm up: it would ask for more and more of what takes no time.
    group.warm_up_time(Duration::from_nanos(1));
    for ((variant, _), times) in variants.iter().zip(turns) {
        let mut medians = times.chunks(BLOCK).map(median).cycle();
        group.bench_function(BenchmarkId::new(case.name(), *variant), |bencher| {
            // What criterion asks for has been measured.
            bencher.iter_custom(|count| {
                let times = u32::try_from(count).unwrap_or(u32::MAX);
                medians.next().unwrap_or_default().saturating_mul(times)
            });
        });
    }
    group.warm_up_time(WARM_UP);
    Ok(())
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn try_once(
    variant: &str,
    case: &Case,
    service: &mut (impl Exchange + ?Sized),
) -> Result<(), Failure> {
    let (status, length) = service.exchange(case.request());
    match status == 200 && length == case.reply_length() {
        true => Ok(()),
        false => Err(format!("{variant}, {}: {status}, {length} bytes", case.name()).into()),
    }
}
