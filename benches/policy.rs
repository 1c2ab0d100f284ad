//! What policies cost. `scripts/bench` runs it and makes the table.
//!
//! The layer without a policy and with one that watches nothing here, against the gates alone; holding a call and letting it
//! go, against a reply that is only read; text that an editor looks through. Then what comes with the crate: a rule in CEL
//! with a pattern, asked about each call, the presets that look through text, the policies that look for secrets, finding out
//! what a call does, and each policy by itself.

mod support;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use luthien::{
    gate,
    policy::{
        Context, Entry, Policy, PolicyLayer, PolicySet, TextEditor, TextEdits, ToolCall, Watches,
        effects::{Effects, Place},
        find,
    },
};
use luthien_core::Dialect;
use serde_json::{Value, json};
use support::{Case, CpuTime, Exchange, Failure, cases, measure, measure_in_turns};
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

/// A policy that comes with the crate.
fn builtin(name: &str, with: &Value) -> Result<PolicyLayer, Failure> {
    Ok(layer(vec![find(name)?.build(with)?]))
}

/// A rule that looks at the command of a shell, and finds nothing.
fn rule() -> Value {
    json!({"rules": [{
        "name": "no-rm", "on": "tool_call", "do": "block", "message": "not here: {{tool.input.command}}",
        "when": r#"tool.name != "apply_patch" && has(tool.input.command) && tool.input.command.matches(r'rm\s+-rf\s+(/|~)')"#,
    }]})
}

/// What text is looked through for.
const PRESETS: [&str; 4] = ["no-apologies", "no-yapping", "plain-dashes", "prefer-uv"];

fn main() -> Result<(), Failure> {
    // For the deadlines of policies; nothing runs on it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _inside = runtime.enter();
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("policy");
    for case in cases(&Dialect::ALL) {
        let mut gates = gate(NoLayer::new()).layer(case.provider());
        let mut none = gate(layer(Vec::new())).layer(case.provider());
        let mut elsewhere = gate(watching(Watches::HEAD)).layer(case.provider());
        let mut small: [(&str, &mut dyn Exchange); 3] = [
            ("gates", &mut gates),
            ("none", &mut none),
            ("elsewhere", &mut elsewhere),
        ];
        measure_in_turns(&mut group, &case, &mut small)?;
        let thinking = gate(watching(Watches::THINKING)).layer(case.provider());
        measure(&mut group, "read", &case, thinking)?;
        let calls = gate(watching(Watches::TOOL_CALLS)).layer(case.provider());
        // Of Chat's two choices one does not wait for the other's calls, so frames that speak of both come in two.
        if !case.name().starts_with("chat streamed") {
            measure(&mut group, "calls", &case, calls)?;
            let rules = gate(builtin("rules", &rule())?).layer(case.provider());
            measure(&mut group, "rules", &case, rules)?;
        }
        let text = gate(watching(Watches::TEXT_EDITS)).layer(case.provider());
        measure(&mut group, "text", &case, text)?;
    }
    group.finish();
    long_text(&mut criterion)?;
    found(&mut criterion)?;
    effects(&mut criterion);
    each(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// What each policy takes for an exchange with text and a call in it, against the gates alone: with settings by which it changes
/// nothing of the reply's length. `read` is what it takes to decode the events at all.
fn each(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("policy each");
    let case = Case::new(Dialect::Anthropic, true);
    let place = json!({ "project": "/work/shop", "home": "/home/me" });
    let mut gates = gate(NoLayer::new()).layer(case.provider());
    let mut read = gate(watching(Watches::THINKING)).layer(case.provider());
    let mut others = Vec::new();
    for (name, with) in [
        ("noop", Value::Null),
        ("all-caps", Value::Null),
        (
            "replace",
            json!({ "from": "xyzzy", "to": "plugh", "in": "both" }),
        ),
        ("indicator", Value::Null),
        (
            "conversation-link",
            json!({ "url": "https://luthien.example/{session}" }),
        ),
        ("debug-log", Value::Null),
        ("deny-tools", json!({ "tools": ["mcp__prod__*"] })),
        ("block-web-requests", Value::Null),
        ("rules", rule()),
        ("dangerous-commands", Value::Null),
        ("sensitive-files", place.clone()),
        ("network-egress", place.clone()),
        ("self-protection", place.clone()),
        ("flow", place),
    ] {
        others.push((name, gate(builtin(name, &with)?).layer(case.provider())));
    }
    let mut variants: Vec<(&str, &mut dyn Exchange)> =
        vec![("gates", &mut gates), ("read", &mut read)];
    for (name, service) in &mut others {
        variants.push((name, service));
    }
    measure_in_turns(&mut group, &case, &mut variants)?;
    group.finish();
    Ok(())
}

/// Text that comes a kilobyte at a time, looked through by an editor: in bytes of the whole stream.
fn long_text(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("policy window");
    let (case, length) = Case::long_text();
    let mut layers = vec![
        ("read", watching(Watches::THINKING)),
        ("edited", watching(Watches::TEXT_EDITS)),
    ];
    for preset in PRESETS {
        layers.push((preset, builtin(preset, &json!({}))?));
    }
    for (variant, layer) in layers {
        let mut service = gate(layer).layer(case.provider());
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

/// Replies with text and a call, and text that comes a kilobyte at a time, before the policies that look for something in
/// it: against a reply that is only read.
fn found(criterion: &mut Criterion<CpuTime>) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("policy search");
    let (long, length) = Case::long_text();
    let short = Case::new(Dialect::Anthropic, true);
    let elements = short.events();
    for (case, elements) in [(&long, length), (&short, elements)] {
        let entry = |name: &str| -> Result<Vec<Entry>, Failure> {
            Ok(vec![find(name)?.build(&Value::Null)?])
        };
        for (variant, entries) in [
            (
                "read",
                vec![Entry::new("policy", Watching(Watches::THINKING))],
            ),
            ("secrets", entry("secrets")?),
            ("personal-data", entry("personal-data")?),
            ("secret-vault", entry("secret-vault")?),
        ] {
            let mut service = gate(layer(entries)).layer(case.provider());
            group.throughput(Throughput::Elements(elements));
            group.bench_function(BenchmarkId::new(case.name(), variant), |bencher| {
                bencher.iter_batched(
                    || case.request(),
                    |request| black_box(service.exchange(request)),
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
    Ok(())
}

/// An everyday command; the budget for finding out what it does is 50 µs.
const EVERYDAY: &str =
    r#"cd web && npm ci && npm run build 2>&1 | tail -20; git commit -am "Build: $(date +%F)""#;
/// A disguise, to be seen through again and again.
const DISGUISE: &str = r#"x=mr; for i in 1 2 3; do eval "$(printf '%s%s -rf /tmp/%s' "${x:1:1}" "${x:0:1}" "$i")"; done; "#;

/// Everyday code in another language, and the same disguise in it.
const PYTHON: &str =
    r#"python3 -c "import json; print(json.load(open('package.json'))['version'])""#;
const NODE: &str = r#"node -e "const p = require('./package.json'); console.log(p.version, Object.keys(p.scripts).length)""#;
const DISGUISED_CODE: &str = r#"python3 -c "import os; f = getattr(os, 'metsys'[::-1]); f(''.join(chr(c ^ 1) for c in [115, 108, 33, 44, 115, 103, 33, 46, 117, 108, 113, 46, 121]))""#;

/// What a call does, found out from its text.
fn effects(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("policy effects");
    let place = Place::known(Some("/home/me/shop"), None);
    for (name, command) in [
        ("everyday", EVERYDAY.to_owned()),
        ("disguise", DISGUISE.to_owned()),
        ("Python", PYTHON.to_owned()),
        ("JavaScript", NODE.to_owned()),
        ("disguise in Python", DISGUISED_CODE.to_owned()),
        (
            "64 KiB of disguise",
            DISGUISE.repeat((64 << 10) / DISGUISE.len()),
        ),
    ] {
        let input = json!({ "command": command }).to_string();
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new(name, "effects"), |bencher| {
            bencher.iter_batched(
                || ToolCall::new("Bash", input.as_str()),
                |call| black_box(Effects::of(&call, &place)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}
