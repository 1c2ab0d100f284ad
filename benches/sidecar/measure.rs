//! What is measured, in turns.

use std::{
    io::{self, Write},
    path::Path,
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

/// All rooms on, but for policies and the record. The limits are never reached: they are kept, not enforced.
const CONFIG: &str = r#"
upstreams: { provider: { url: "http://UPSTREAM", dialects: [anthropic] } }
routes: [{ models: ["claude-*"], upstreams: [provider] }]
rate:
  - { per: key, requests: 4000000000, every: 1m }
  - { per: user, output_tokens: 4000000000, every: 1h }
  - { per: session, concurrent: 100000 }
limits: { connections: 20000 }
log: { format: json }
database: none
"#;

/// All rooms on, with policies that look at everything, and the record as it is unless told otherwise.
const WHOLE: &str = r#"
database: "sqlite:DATABASE"
policies:
  - { use: self-protection }
  - { use: dangerous-commands }
  - { use: sensitive-files }
  - { use: secrets, with: { action: flag } }
"#;

/// With which configuration.
#[derive(Clone, Copy, PartialEq)]
enum Rooms {
    Proxy,
    Whole,
}

impl Rooms {
    fn config(self, folder: &Path) -> String {
        match self {
            Self::Proxy => CONFIG.to_owned(),
            Self::Whole => {
                let database = folder.join("luthien.db").display().to_string();
                let whole = WHOLE.replace("DATABASE", &database);
                CONFIG.replace("database: none\n", "") + &whole
            }
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Proxy => "",
            Self::Whole => " (policies, record)",
        }
    }
}

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
    fn start(rooms: Rooms) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let provider = Server::part(&["provider"])?;
        let bare = Server::part(&["bare", &provider.address])?;
        let (luthien, start) = Server::sidecar(
            &rooms
                .config(folder.path())
                .replace("UPSTREAM", &provider.address),
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
    for (name, length, count, target, rooms) in [
        ("2 KB request", 2_000, 20_000, 1.3, Rooms::Proxy),
        ("100 KB request", 100_000, 3_000, 2.0, Rooms::Proxy),
        ("1.5 MB request", 1_500_000, 240, f64::NAN, Rooms::Proxy),
        ("2 KB request", 2_000, 20_000, 2.75, Rooms::Whole),
    ] {
        let name = format!("CPU per {name}, µs{}", rooms.suffix());
        if wanted(&name) {
            let again = |_: usize| repeated(length, count);
            let row = requests(options, name, rooms, count, target, again).await?;
            report.rows.push(row);
        }
    }
    let name = format!(
        "CPU per request of a conversation around 100 KB, µs{}",
        Rooms::Whole.suffix()
    );
    if wanted(&name) {
        let count = CONVERSATIONS * TURNS;
        let row = requests(options, name, Rooms::Whole, count, 3.5, growing).await?;
        report.rows.push(row);
    }
    for (target, rooms) in [(1.25, Rooms::Proxy), (1.4, Rooms::Whole)] {
        let name = format!("CPU per streamed event, µs{}", rooms.suffix());
        if wanted(&name) {
            report
                .rows
                .push(events(options, name, rooms, target).await?);
        }
    }
    for (targets, rooms) in [
        ([100.0, 400.0], Rooms::Proxy),
        ([150.0, 1000.0], Rooms::Whole),
    ] {
        if wanted("latency") {
            report.rows.extend(latency(options, rooms, targets).await?);
        }
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
    let after = settled(server).await?;
    Ok((after - before).as_secs_f64() * 1e6 / count)
}

/// The same request again and again, over eight connections.
fn repeated(length: usize, count: u32) -> Vec<Vec<Arc<[u8]>>> {
    let request: Arc<[u8]> =
        http::request(&conversation(Dialect::Anthropic, length, false), None).into();
    let each = usize::try_from(count / 8).unwrap_or_default();
    vec![vec![request; each]; 8]
}

const CONVERSATIONS: u32 = 8;
const TURNS: u32 = 100;

/// Conversations that grow from 50 to 150 KB, which nobody has had before.
fn growing(round: usize) -> Vec<Vec<Arc<[u8]>>> {
    let conversation = |number: u32| {
        let own = format!("the one of conversation {number} in round {round}");
        let turns = (0..TURNS).map(|turn| {
            let length = usize::try_from(50_000 + turn * 1_000).unwrap_or_default();
            let body = conversation(Dialect::Anthropic, length, false);
            let body = String::from_utf8_lossy(&body).replace("the next one", &own);
            http::request(body.as_bytes(), None).into()
        });
        turns.collect()
    };
    (0..CONVERSATIONS).map(conversation).collect()
}

/// The CPU time when nothing is done any more: what is recorded is still taken over when the last client has its answer.
async fn settled(server: &Server) -> io::Result<Duration> {
    const STILL: Duration = Duration::from_millis(300);
    let mut before = server.cpu()?;
    loop {
        tokio::time::sleep(STILL).await;
        let now = server.cpu()?;
        if now - before < Duration::from_millis(2) {
            return Ok(now);
        }
        before = now;
    }
}

async fn requests(
    options: &Options,
    name: String,
    rooms: Rooms,
    count: u32,
    target: f64,
    load: impl Fn(usize) -> Vec<Vec<Arc<[u8]>>>,
) -> Result<Row, Failure> {
    let bench = Bench::start(rooms)?;
    let mut row = Row::ratio(name, target);
    for round in 0..=options.rounds {
        let load = load(round);
        let mut pair = [0.0; 2];
        for (server, figure) in bench.both().into_iter().zip(&mut pair) {
            let work = load::saturate(&server.address, load.clone());
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
async fn events(
    options: &Options,
    name: String,
    rooms: Rooms,
    target: f64,
) -> Result<Row, Failure> {
    const STREAMS: u32 = 16;
    const EVENTS: u32 = 1_000;
    let bench = Bench::start(rooms)?;
    let body = conversation(Dialect::Anthropic, 2_000, true);
    let request: Arc<[u8]> = http::request(&body, Some((EVENTS.into(), 4_000))).into();
    let mut row = Row::ratio(name, target);
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
async fn latency(options: &Options, rooms: Rooms, targets: [f64; 2]) -> Result<Vec<Row>, Failure> {
    const REQUESTS: u32 = 2_000;
    let bench = Bench::start(rooms)?;
    let request: Arc<[u8]> =
        http::request(&conversation(Dialect::Anthropic, 2_000, false), None).into();
    let row = |(quantile, target)| {
        let suffix = rooms.suffix();
        let name = format!("latency at 200 requests/s, {quantile}, µs{suffix}");
        Row::difference(name, target)
    };
    let mut rows: Vec<_> = ["p50", "p99"].into_iter().zip(targets).map(row).collect();
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
    let bench = Bench::start(Rooms::Proxy)?;
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
