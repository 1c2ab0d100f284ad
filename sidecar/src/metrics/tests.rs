//! `docs/metrics.md` and the dashboard are made from what there is to be counted.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use serde_json::{Value, json};

use super::*;

const INTRODUCTION: &str = "\
# Metrics

The admin listener answers `GET /metrics` in the text format of Prometheus, and as OpenMetrics to who asks for it. Nothing in it
is about a person: sessions, users and keys are no labels. Every label has few values: upstreams and policies are those of the
configuration, and a model is told by its name if a route names it (or it is one of the usual: `claude-*`, `gpt-*`, `chatgpt-*`, `codex-*`, `o1*`,
`o3*`, `o4*`) and a provider has answered for it; all others, and every one after the hundredth, are `other`.

`luthien_overhead_seconds` is time of our own: `phase=\"request\"` until a request goes up, `response` from the head that came to the one that goes
out, `event` from when an event came until it goes out. What a policy holds back, and how long a judge thinks, is in it; the provider's time is
not. `end` is how an exchange ended: `complete`, `refused` (by us: `luthien_refusals_total` says why), `failed`, `cut`, or `client_gone`.
Of policies that gave no answer, `outcome` tells `failed_open` from `failed_closed`.

A dashboard for Grafana is in `deploy/grafana/luthien.json`.

| metric | labels | what it tells |
|---|---|---|
";

/// The families that layers count in, and the sidecar's own, with what each tells.
fn families() -> Vec<(String, String, String)> {
    let layers = Metrics::families_told();
    let mut all: Vec<_> = layers
        .map(|(name, labels, help)| (name.to_owned(), labels.to_owned(), help.to_owned()))
        .collect();
    let own = Metrics::new(["*"]);
    let folder = tempfile::tempdir().unwrap();
    let settings = luthien::record::Settings::new(folder.path());
    let (recorder, _feed) = luthien::record::Recorder::start(&settings).unwrap();
    own.register(Box::new(OfRecord(RecordHealth::of(recorder))));
    own.register(Box::new(Reloads::default()));
    own.register(Box::new(OfUpstreams(BTreeMap::new)));
    let told = own.open_metrics();
    for line in told
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP luthien_"))
    {
        let (name, help) = line.split_once(' ').unwrap();
        if !all.iter().any(|(other, ..)| other == name) {
            let labels = match name {
                "config_reloads" => "result",
                "breaker_open_circuits" => "upstream",
                _ => "",
            };
            all.push((
                name.to_owned(),
                labels.to_owned(),
                help.trim_end_matches('.').to_owned(),
            ));
        }
    }
    all
}

/// As samples are named: of histograms by their sums and counts as well.
fn samples() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, ..) in families() {
        for suffix in ["", "_total", "_info", "_bucket", "_sum", "_count"] {
            names.insert(format!("luthien_{name}{suffix}"));
        }
    }
    names
}

fn is_written(path: &str, content: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if fs::read_to_string(&file).unwrap_or_default() != content {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        panic!(
            "{path} was not that of the metrics; it has been written anew: look at it, and commit it"
        );
    }
}

#[test]
fn the_page_about_the_metrics_is_that_of_the_code() {
    let mut page = INTRODUCTION.to_owned();
    for (name, labels, help) in families() {
        let labels: Vec<_> = labels
            .split(", ")
            .filter(|label| !label.is_empty())
            .collect();
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let kind = match &*name {
            "build" => "_info",
            name if name.ends_with("_seconds") || is_gauge(name) => "",
            _ => "_total",
        };
        writeln!(
            page,
            "| `luthien_{name}{kind}` | {} | {help} |",
            labels.join(", ")
        )
        .unwrap();
    }
    is_written("docs/metrics.md", &page);
}

fn is_gauge(name: &str) -> bool {
    name.ends_with("_bytes")
        || matches!(
            name,
            "open_exchanges"
                | "record_lag_events"
                | "record_degraded"
                | "record_database_away"
                | "breaker_open_circuits"
        )
}

/// A panel of the dashboard: its title, its unit, and what it shows, each with a legend.
type Panel = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const PANELS: [Panel; 17] = [
    (
        "Exchanges per second, by how they ended",
        "reqps",
        &[(
            "sum by (end) (rate(luthien_exchanges_total[$__rate_interval]))",
            "{{end}}",
        )],
    ),
    (
        "Exchanges that go on",
        "short",
        &[("luthien_open_exchanges", "open")],
    ),
    (
        "Errors and refusals",
        "reqps",
        &[
            (
                "sum by (code) (rate(luthien_refusals_total[$__rate_interval]))",
                "{{code}}",
            ),
            (
                "sum by (status) (rate(luthien_exchanges_total{status=~\"5..|429\"}[$__rate_interval]))",
                "status {{status}}",
            ),
        ],
    ),
    (
        "Duration of exchanges",
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le) (rate(luthien_exchange_duration_seconds_bucket[$__rate_interval])))",
                "p50",
            ),
            (
                "histogram_quantile(0.95, sum by (le) (rate(luthien_exchange_duration_seconds_bucket[$__rate_interval])))",
                "p95",
            ),
        ],
    ),
    (
        "Time to the first byte, by upstream",
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le, upstream) (rate(luthien_time_to_first_byte_seconds_bucket[$__rate_interval])))",
                "p50 {{upstream}}",
            ),
            (
                "histogram_quantile(0.95, sum by (le, upstream) (rate(luthien_time_to_first_byte_seconds_bucket[$__rate_interval])))",
                "p95 {{upstream}}",
            ),
        ],
    ),
    (
        "Time between events",
        "s",
        &[(
            "histogram_quantile(0.95, sum by (le, upstream) (rate(luthien_time_between_events_seconds_bucket[$__rate_interval])))",
            "p95 {{upstream}}",
        )],
    ),
    (
        "Our own time",
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le, phase) (rate(luthien_overhead_seconds_bucket[$__rate_interval])))",
                "p50 {{phase}}",
            ),
            (
                "histogram_quantile(0.99, sum by (le, phase) (rate(luthien_overhead_seconds_bucket[$__rate_interval])))",
                "p99 {{phase}}",
            ),
        ],
    ),
    (
        "Tokens per minute, by model",
        "short",
        &[(
            "60 * sum by (model, kind) (rate(luthien_tokens_total[$__rate_interval]))",
            "{{model}} {{kind}}",
        )],
    ),
    (
        "Dollars per hour, by model",
        "currencyUSD",
        &[(
            "3600 * sum by (model) (rate(luthien_cost_dollars_total[$__rate_interval]))",
            "{{model}}",
        )],
    ),
    (
        "What policies decided",
        "ops",
        &[(
            "sum by (policy, outcome) (rate(luthien_policy_decisions_total{outcome!~\"allow|skipped\"}[$__rate_interval]))",
            "{{policy}} {{outcome}}",
        )],
    ),
    (
        "How long policies take",
        "s",
        &[(
            "histogram_quantile(0.95, sum by (le, policy) (rate(luthien_policy_seconds_bucket[$__rate_interval])))",
            "p95 {{policy}}",
        )],
    ),
    (
        "Policies that gave no answer",
        "ops",
        &[(
            "sum by (policy, cause) (rate(luthien_policy_failures_total[$__rate_interval]))",
            "{{policy}} {{cause}}",
        )],
    ),
    (
        "Judges",
        "s",
        &[
            (
                "histogram_quantile(0.95, sum by (le, policy) (rate(luthien_judge_seconds_bucket[$__rate_interval])))",
                "p95 {{policy}}",
            ),
            (
                "sum by (policy, cached) (rate(luthien_judge_calls_total[$__rate_interval]))",
                "calls of {{policy}}, cached {{cached}}",
            ),
        ],
    ),
    (
        "Tool calls, and whether they were judged",
        "ops",
        &[(
            "sum by (judged) (rate(luthien_tool_calls_total[$__rate_interval]))",
            "{{judged}}",
        )],
    ),
    (
        "The record: what waits",
        "bytes",
        &[
            ("luthien_record_queue_bytes", "in memory"),
            ("luthien_record_spool_bytes", "in the spool"),
        ],
    ),
    (
        "The record: what was lost",
        "short",
        &[
            (
                "increase(luthien_record_shed_bodies_total[$__rate_interval])",
                "bodies",
            ),
            (
                "increase(luthien_record_lost_total[$__rate_interval])",
                "notes",
            ),
            (
                "increase(luthien_record_failed_writes_total[$__rate_interval])",
                "failed writes",
            ),
        ],
    ),
    (
        "Failovers, and reloads that were refused",
        "short",
        &[
            (
                "luthien_breaker_open_circuits",
                "models for which {{upstream}} is left alone",
            ),
            (
                "increase(luthien_failovers_total[$__rate_interval])",
                "away from another to {{upstream}}",
            ),
            (
                "increase(luthien_config_reloads_total{result=\"refused\"}[$__rate_interval])",
                "configuration refused",
            ),
        ],
    ),
];

#[test]
fn the_dashboard_is_made_from_panels_whose_metrics_exist() {
    let known = samples();
    let mut panels = Vec::new();
    for (place, (title, unit, queries)) in PANELS.iter().enumerate() {
        let targets: Vec<Value> = queries
            .iter()
            .zip('A'..='Z')
            .map(|((query, legend), id)| {
                let words = query.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let named: Vec<_> = words.filter(|word| word.starts_with("luthien_")).collect();
                assert!(!named.is_empty(), "{query} is about nothing");
                for name in named {
                    assert!(known.contains(name), "{title}: there is no {name}");
                }
                json!({"refId": id.to_string(), "expr": query, "legendFormat": legend, "datasource": {"type": "prometheus", "uid": "${source}"}})
            })
            .collect();
        panels.push(json!({
            "id": place + 1,
            "type": "timeseries",
            "title": title,
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place / 2)},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
            "targets": targets,
        }));
    }
    let dashboard = json!({
        "uid": "luthien",
        "title": "Luthien",
        "tags": ["luthien"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]},
        "panels": panels,
    });
    let text = serde_json::to_string_pretty(&dashboard).unwrap() + "\n";
    is_written("deploy/grafana/luthien.json", &text);
}
