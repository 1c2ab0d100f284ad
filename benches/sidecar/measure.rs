//! What is measured, in turns.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use luthien_core::{Dialect, testing::conversation};

use super::{
    http, load,
    process::{self, Server},
    report::{Report, Row},
};

type Failure = Box<dyn std::error::Error>;

/// All rooms on. The limits are never reached: they are kept, not enforced.
const CONFIG: &str = r#"
upstreams: { provider: { url: "http://UPSTREAM", dialects: [anthropic] } }
routes: [{ models: ["claude-*"], upstreams: [provider] }]
rate:
  - { per: key, requests: 4000000000, every: 1m }
  - { per: user, output_tokens: 4000000000, every: 1h }
  - { per: session, concurrent: 100000 }
limits: { connections: 20000 }
log: { format: json }
"#;

struct Options {
    /// How often each measurement is made; the median counts.
    rounds: usize,
    /// Streams that are held at once.
    streams: u32,
    /// Only measurements whose name contains this.
    only: Option<String>,
    /// Where the report is written to.
    write: Option<String>,
}

pub(crate) fn run(options: &[&str]) -> Result<(), Failure> {
    let mut chosen = Options {
        rounds: 5,
        streams: process::most_streams().min(10_000),
        only: None,
        write: None,
    };
    for option in options {
        match option.split_once('=') {
            Some(("--rounds", value)) => chosen.rounds = value.parse()?,
            Some(("--streams", value)) => chosen.streams = value.parse()?,
            Some(("--only", value)) => chosen.only = Some(value.to_owned()),
            Some(("--write", value)) => chosen.write = Some(value.to_owned()),
            _ => {
                return Err(format!(
                    "{option:?}: expected --rounds=N, --streams=N, --only=NAME or --write=FILE"
                )
                .into());
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(measure(&chosen))?;
    write!(io::stdout(), "{report}")?;
    if let Some(path) = &chosen.write {
        report.write(path)?;
    }
    Ok(())
}

/// The provider and both proxies in front of it.
struct Bench {
    bare: Server,
    luthien: Server,
    start: Duration,
    _provider: Server,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn start() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let provider = Server::part(&["provider"])?;
        let bare = Server::part(&["bare", &provider.address])?;
        let (luthien, start) = Server::sidecar(
            &CONFIG.replace("UPSTREAM", &provider.address),
            folder.path(),
        )?;
        Ok(Self {
            bare,
            luthien,
            start,
            _provider: provider,
            _folder: folder,
        })
    }

    fn both(&self) -> [&Server; 2] {
        [&self.bare, &self.luthien]
    }
}

async fn measure(options: &Options) -> Result<Report, Failure> {
    let mut report = Report::default();
    let wanted = |name: &str| {
        options
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    for (name, length, count, target) in [
        ("2 KB", 2_000, 20_000, 1.3),
        ("100 KB", 100_000, 3_000, 2.0),
        ("1.5 MB", 1_500_000, 240, f64::NAN),
    ] {
        let name = format!("CPU per {name} request, µs");
        if wanted(&name) {
            report
                .rows
                .push(requests(options, name, length, count, target).await?);
        }
    }
    let name = "CPU per streamed event, µs";
    if wanted(name) {
        report.rows.push(events(options, name).await?);
    }
    if wanted("latency") {
        report.rows.extend(latency(options).await?);
    }
    if wanted("memory") {
        report.rows.extend(memory(options).await?);
    }
    Ok(report)
}

/// CPU time of a proxy for one thing that is done `count` times.
async fn cpu_per<F: Future<Output = io::Result<()>>>(
    server: &Server,
    count: f64,
    work: F,
) -> io::Result<f64> {
    let before = server.cpu()?;
    work.await?;
    Ok((server.cpu()? - before).as_secs_f64() * 1e6 / count)
}

async fn requests(
    options: &Options,
    name: String,
    length: usize,
    count: u32,
    target: f64,
) -> Result<Row, Failure> {
    let bench = Bench::start()?;
    let request: Arc<[u8]> =
        http::request(&conversation(Dialect::Anthropic, length, false), None).into();
    let mut row = Row::ratio(name, target);
    for round in 0..=options.rounds {
        let mut pair = [0.0; 2];
        for (server, figure) in bench.both().into_iter().zip(&mut pair) {
            let work = load::saturate(&server.address, &request, 8, count);
            *figure = cpu_per(server, count.into(), work).await?;
        }
        // The first round only warms up.
        if round > 0 {
            row.add(pair);
        }
    }
    Ok(row)
}

/// 16 streams, one event each every 4 ms: 4,000 events a second.
async fn events(options: &Options, name: &str) -> Result<Row, Failure> {
    const STREAMS: u32 = 16;
    const EVENTS: u32 = 1_000;
    let bench = Bench::start()?;
    let body = conversation(Dialect::Anthropic, 2_000, true);
    let request: Arc<[u8]> = http::request(&body, Some((EVENTS.into(), 4_000))).into();
    let mut row = Row::ratio(name.to_owned(), 1.25);
    for round in 0..=options.rounds {
        let mut pair = [0.0; 2];
        for (server, figure) in bench.both().into_iter().zip(&mut pair) {
            let work = load::stream(&server.address, &request, STREAMS);
            *figure = cpu_per(server, f64::from(STREAMS * EVENTS), work).await?;
        }
        if round > 0 {
            row.add(pair);
        }
    }
    Ok(row)
}

/// 200 requests a second, in an open loop.
async fn latency(options: &Options) -> Result<Vec<Row>, Failure> {
    const REQUESTS: u32 = 2_000;
    let bench = Bench::start()?;
    let request: Arc<[u8]> =
        http::request(&conversation(Dialect::Anthropic, 2_000, false), None).into();
    let mut rows = vec![
        Row::difference("latency at 200 requests/s, p50, µs".to_owned(), 100.0),
        Row::difference("latency at 200 requests/s, p99, µs".to_owned(), 400.0),
    ];
    for round in 0..=options.rounds {
        let mut pairs = [[0.0; 2]; 2];
        for (place, server) in bench.both().into_iter().enumerate() {
            let count = if round == 0 { REQUESTS / 10 } else { REQUESTS };
            let times =
                load::on_schedule(&server.address, &request, Duration::from_millis(5), count)
                    .await?;
            for (pair, quantile) in pairs.iter_mut().zip([50, 99]) {
                let time = times
                    .get(times.len() * quantile / 100)
                    .copied()
                    .unwrap_or_default();
                if let Some(figure) = pair.get_mut(place) {
                    *figure = time.as_secs_f64() * 1e6;
                }
            }
        }
        if round > 0 {
            for (row, pair) in rows.iter_mut().zip(pairs) {
                row.add(pair);
            }
        }
    }
    Ok(rows)
}

/// Streams that hardly move, all open at once, each with an event every two seconds.
async fn memory(options: &Options) -> Result<Vec<Row>, Failure> {
    let bench = Bench::start()?;
    let body = conversation(Dialect::Anthropic, 2_000, true);
    let request: Arc<[u8]> = http::request(&body, Some((15, 2_000_000))).into();
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let mut rest = Row::limit("memory at rest, MiB".to_owned(), 15.0);
    let mut open = Row::limit(
        format!("memory per stream, {} open, KiB", options.streams),
        40.0,
    );
    let mut start = Row::limit("start to first answer, ms".to_owned(), 50.0);
    start.add([f64::NAN, bench.start.as_secs_f64() * 1e3]);
    let mut at_rest = [0.0; 2];
    let mut per_stream = [0.0; 2];
    for ((server, rest), per_stream) in bench
        .both()
        .into_iter()
        .zip(&mut at_rest)
        .zip(&mut per_stream)
    {
        let before = server.memory()?;
        *rest = kib(before) / 1024.0;
        let mut held = load::hold(&server.address, &request, options.streams).await?;
        *per_stream = kib(server.memory()?.saturating_sub(before)) / f64::from(options.streams);
        while let Some(done) = held.join_next().await {
            done??;
        }
    }
    rest.add(at_rest);
    open.add(per_stream);
    Ok(vec![rest, open, start])
}
