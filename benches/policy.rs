//! What policies cost. `scripts/bench` runs it and makes the table.
//!
//! The layer without a policy and with one that watches nothing here, against the gates alone; holding a call and letting it
//! go, against a reply that is only read; text that an editor looks through; and, with the feature `guards`, each guard.

mod support;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use luthien::{
    gate,
    policy::{Context, Entry, Policy, PolicyLayer, PolicySet, TextEditor, TextEdits, Watches},
};
use luthien_core::Dialect;
use support::{Case, CpuTime, Exchange, Failure, cases, measure};
use tower::{Layer, layer::util::Identity as NoLayer};

/// Watches one thing, and lets all pass.
#[derive(Clone, Copy)]
struct Watching(Watches);

impl Policy for Watching {
    fn watches(&self) -> Watches {
        self.0
    }

    fn text_editor(&self, _: &Context) -> Option<Box<dyn TextEditor>> {
        Some(Box::new(Looking))
    }
}

/// Looks for a word that is nowhere.
struct Looking;

impl TextEditor for Looking {
    fn look_behind(&self) -> usize {
        8
    }

    fn edit(&mut self, text: &str, _: bool) -> TextEdits {
        TextEdits {
            settled: text.len(),
            replacements: text
                .match_indices("xyzzy")
                .map(|(at, word)| (at..at + word.len(), String::new()))
                .collect(),
        }
    }
}

fn layer(entries: Vec<Entry>) -> PolicyLayer {
    PolicyLayer::new(PolicySet::new(entries))
}

fn watching(watches: Watches) -> PolicyLayer {
    layer(vec![Entry::new("policy", Watching(watches))])
}

fn main() -> Result<(), Failure> {
    // For the deadlines of policies; nothing runs on it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _inside = runtime.enter();
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("policy");
    for case in cases(&Dialect::ALL) {
        let gates = gate(NoLayer::new()).layer(case.provider());
        measure(&mut group, "gates", &case, gates)?;
        let none = gate(layer(Vec::new())).layer(case.provider());
        measure(&mut group, "none", &case, none)?;
        let elsewhere = gate(watching(Watches::HEAD)).layer(case.provider());
        measure(&mut group, "elsewhere", &case, elsewhere)?;
        let thinking = gate(watching(Watches::THINKING)).layer(case.provider());
        measure(&mut group, "read", &case, thinking)?;
        let calls = gate(watching(Watches::TOOL_CALLS)).layer(case.provider());
        // Of Chat's two choices one does not wait for the other's calls, so frames that speak of both come in two.
        if !case.name().starts_with("chat streamed") {
            measure(&mut group, "calls", &case, calls)?;
        }
        let text = gate(watching(Watches::TEXT_EDITS)).layer(case.provider());
        measure(&mut group, "text", &case, text)?;
    }
    group.finish();
    long_text(&mut criterion)?;
    #[cfg(feature = "guards")]
    guards(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// What each guard takes for an exchange with a call in it, against a policy that only holds the call.
#[cfg(feature = "guards")]
fn guards(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("policy guards");
    let case = Case::new(Dialect::Anthropic, true);
    let calls = gate(watching(Watches::TOOL_CALLS)).layer(case.provider());
    measure(&mut group, "calls", &case, calls)?;
    for name in [
        "dangerous-commands",
        "flow",
        "network-egress",
        "self-protection",
        "sensitive-files",
    ] {
        let with = serde_json::json!({ "project": "/work/shop", "home": "/home/me" });
        let guard = luthien::policy::find(name)?.build(&with)?;
        let guarded = gate(layer(vec![guard])).layer(case.provider());
        measure(&mut group, name, &case, guarded)?;
    }
    group.finish();
    Ok(())
}

/// Text that comes a kilobyte at a time, looked through by an editor: in bytes of the whole stream.
fn long_text(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("policy window");
    let (case, length) = Case::long_text();
    for (variant, watches) in [("read", Watches::THINKING), ("edited", Watches::TEXT_EDITS)] {
        let mut service = gate(watching(watches)).layer(case.provider());
        group.throughput(Throughput::Elements(length));
        group.bench_function(BenchmarkId::new(case.name(), variant), |bencher| {
            bencher.iter_batched(
                || case.request(),
                |request| black_box(service.exchange(request)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    Ok(())
}
