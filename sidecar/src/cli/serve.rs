//! `luthien`, `luthien serve`.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::{self, Duration},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use super::{Failure, Settings};
use crate::{
    config::{Config, Mode},
    log,
    serve::Sidecar,
};

pub(super) fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let (loaded, sources) = settings.load()?;
    let log = log::start(&loaded.config.log, None)?;
    runtime(&loaded.config)?.block_on(async {
        let mut signals = Signals::new()?;
        let config = loaded.config.clone();
        let sidecar = Sidecar::start(loaded.config, sources, Vec::new(), log.lines.clone())?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            agents = %sidecar.agents_at,
            admin = %sidecar.admin_at,
            environment = loaded.overrides.join(" "),
            "ready",
        );
        if log::is_human(&config.log) {
            introduce(&config, sidecar.agents_at)?;
        }
        signals.stop(&sidecar).await;
        tokio::select! {
            () = sidecar.stop() => {}
            () = signals.stop_at_once() => tracing::warn!("told twice to stop: stopping at once"),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// One thread needs no others around it.
pub(super) fn runtime(config: &Config) -> io::Result<Runtime> {
    let threads = usize::try_from(config.threads.get()).unwrap_or(1);
    if threads == 1 {
        return Builder::new_current_thread().enable_all().build();
    }
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
}

/// Says how to point each client here.
fn introduce(config: &Config, at: SocketAddr) -> io::Result<()> {
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let host = if at.ip().is_unspecified() {
        format!("<this machine>:{}", at.port())
    } else {
        at.to_string()
    };
    let base = format!("{scheme}://{host}");
    let key = match config.identity.mode {
        Mode::Passthrough => "Clients keep using their own login or key.".to_owned(),
        Mode::Keys => {
            "Clients need a key in place of the provider's: `luthien keys new NAME`.".to_owned()
        }
        Mode::Both => {
            "Clients use their own login or key, or one made by `luthien keys new NAME`.".to_owned()
        }
    };
    writeln!(
        io::stderr(),
        "
  Agents connect to {base}

    Claude Code            ANTHROPIC_BASE_URL={base} claude
    Codex                  codex -c openai_base_url={base}/v1
    Anthropic SDKs         ANTHROPIC_BASE_URL={base}
    OpenAI SDKs            OPENAI_BASE_URL={base}/v1

  {key}
  Ctrl-C stops.
"
    )
}

/// The signals that mean something, and the files whose change means the same as SIGHUP.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// By what we were told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Terminate,
    Interrupt,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads when told to or when a file changes, until told to stop; says by which signal.
    pub(super) async fn stop(&mut self, sidecar: &Sidecar) -> Told {
        let mut files = Files::new(sidecar.files());
        // Looking at a handful of files costs nothing, and sees what watching misses: a link that is turned elsewhere.
        let mut look = interval(Duration::from_secs(1));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                _ = self.terminate.recv() => return Told::Terminate,
                _ = self.interrupt.recv() => return Told::Interrupt,
                _ = self.hangup.recv() => true,
                _ = look.tick() => false,
            };
            if files.changed() || told {
                if let Err(error) = sidecar.reload() {
                    tracing::error!(%error, "the configuration is wrong, the old one stays");
                }
                files = Files::new(sidecar.files());
            }
        }
    }

    /// Waits until told to stop once more.
    pub(super) async fn stop_at_once(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Files, and how they looked.
struct Files(Vec<(PathBuf, Look)>);

/// Length, time of change, and where a link leads.
#[allow(
    clippy::disallowed_types,
    reason = "a file's time of change is only compared"
)]
type Look = Option<(u64, Option<time::SystemTime>, Option<PathBuf>)>;

impl Files {
    fn new(paths: Vec<PathBuf>) -> Self {
        Self(
            paths
                .into_iter()
                .map(|path| (path.clone(), look(&path)))
                .collect(),
        )
    }

    fn changed(&self) -> bool {
        self.0.iter().any(|(path, before)| look(path) != *before)
    }
}

fn look(path: &PathBuf) -> Look {
    let found = fs::metadata(path).ok()?;
    Some((
        found.len(),
        found.modified().ok(),
        fs::canonicalize(path).ok(),
    ))
}
