//! Reading requests, cutting streams, decoding events: each against what one would use otherwise. `scripts/bench` runs
//! it and makes the tables.

#[path = "support/settings.rs"]
mod settings;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use luthien_core::{
    Dialect,
    body::Chunk,
    json::Limits,
    request::LlmRequest,
    sse::{Fields, Framer},
    testing::{conversation, cut, recorded},
};
use serde::de::IgnoredAny;
use serde_json::Value;
use settings::{CpuTime, Failure};

fn main() -> Result<(), Failure> {
    let mut criterion = settings::criterion();
    let (one, all): (&[_], &[_]) = (&[Dialect::Anthropic], &Dialect::ALL);
    for (size, length, dialects) in [
        ("2 KB", 2_000, one),
        ("100 KB", 100_000, all),
        ("1.5 MB", 1_500_000, one),
    ] {
        for &dialect in dialects {
            let body = conversation(dialect, length, true);
            request(&mut criterion, dialect, size, &body)?;
        }
    }
    for dialect in Dialect::ALL {
        frames(&mut criterion, dialect);
        events(&mut criterion, dialect)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Reading a request: against a walk that only checks the grammar, and against building all of it.
fn request(
    criterion: &mut Criterion<CpuTime>,
    dialect: Dialect,
    size: &str,
    body: &Bytes,
) -> Result<(), Failure> {
    let limits = Limits::default();
    LlmRequest::parse(dialect, body.clone(), &limits)?;
    serde_json::from_slice::<Value>(body)?;
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Bytes(body.len() as u64));
    let case = format!("{size} {}", dialect.name());
    group.bench_function(BenchmarkId::new(&case, "luthien"), |bencher| {
        bencher.iter(|| LlmRequest::parse(dialect, black_box(body).clone(), &limits));
    });
    group.bench_function(BenchmarkId::new(&case, "ignored"), |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(body)));
    });
    group.bench_function(BenchmarkId::new(&case, "value"), |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(body)));
    });
    group.finish();
    Ok(())
}

/// Cutting a stream into events: one that comes event by event, and one that comes in pieces of 1 to 40 bytes.
fn frames(criterion: &mut Criterion<CpuTime>, dialect: Dialect) {
    let stream = recorded(dialect, true);
    let whole = framed(std::slice::from_ref(&stream));
    let mut group = criterion.benchmark_group("frames");
    group.throughput(Throughput::Elements(whole.len() as u64));
    for (variant, pieces) in [("by event", whole), ("cut", cut(&stream, 1))] {
        group.bench_function(BenchmarkId::new(dialect.name(), variant), |bencher| {
            bencher.iter(|| count(black_box(&pieces)));
        });
    }
    group.finish();
}

/// Decoding the events of a stream: against building the JSON of each.
fn events(criterion: &mut Criterion<CpuTime>, dialect: Dialect) -> Result<(), Failure> {
    let frames = framed(&[recorded(dialect, true)]);
    let mut texts = Vec::new();
    for frame in &frames {
        let fields = Fields::read(frame, false);
        let data = fields.data().ok_or("an event without data")?;
        if data != "[DONE]" {
            serde_json::from_slice::<Value>(data)?;
            texts.push(data.clone());
        }
    }
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function(BenchmarkId::new(dialect.name(), "luthien"), |bencher| {
        let undecoded = || frames.clone();
        let decode = |frames: Vec<Bytes>| -> Vec<Chunk> {
            let chunks = frames
                .into_iter()
                .map(|frame| Chunk::event_of(dialect, frame));
            chunks
                .inspect(|chunk| {
                    black_box(chunk.event());
                })
                .collect()
        };
        bencher.iter_batched(undecoded, decode, BatchSize::SmallInput);
    });
    group.bench_function(BenchmarkId::new(dialect.name(), "value"), |bencher| {
        let build = || -> Vec<_> {
            let values = black_box(&texts).iter();
            values
                .map(|text| serde_json::from_slice::<Value>(text))
                .collect()
        };
        bencher.iter_with_large_drop(build);
    });
    group.finish();
    Ok(())
}

fn framed(pieces: &[Bytes]) -> Vec<Bytes> {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece.clone());
        while let Ok(Some(frame)) = framer.next_frame() {
            frames.push(frame);
        }
    }
    frames
}

fn count(pieces: &[Bytes]) -> usize {
    let mut framer = Framer::new(1 << 20);
    let mut count = 0;
    for piece in pieces {
        framer.push(piece.clone());
        while let Ok(Some(frame)) = framer.next_frame() {
            black_box(frame);
            count += 1;
        }
    }
    count
}
