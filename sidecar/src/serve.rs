//! The sidecar as a whole: starts, reloads, stops.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use luthien::{
    decision::DecisionSink,
    identity::KeyEntry,
    metrics::{Metrics, MetricsLayer},
    record::prices::Prices,
};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Admin, Readiness},
    compose::{ComposeError, Running, Told, compose},
    config::{self, Config, ConfigError, Sources},
    keyfile, listen,
    listen::{Edge, Hosts, Listener, Protocol, Settings, Timers},
    log::Lines,
    metrics::{self, OfUpstreams, Reloads},
    policy::{DecisionLog, Own},
    record::{RecordError, Recording},
    watch::WatchLayer,
};

/// A sidecar that runs.
pub(crate) struct Sidecar {
    sources: Sources,
    running: Arc<ArcSwap<Running>>,
    watch: WatchLayer,
    decisions: Arc<dyn DecisionSink>,
    metrics: Metrics,
    prices: Arc<ArcSwap<Prices>>,
    reloads: Arc<Reloads>,
    recording: Recording,
    /// Keys that are in no file.
    extra_keys: Vec<KeyEntry>,
    tls: Arc<ArcSwapOption<TlsAcceptor>>,
    ready: Readiness,
    agents: Listener,
    admin: Listener,
    /// Where agents connect.
    pub(crate) agents_at: SocketAddr,
    /// Where the admin listener is.
    pub(crate) admin_at: SocketAddr,
    /// Ends the streams that still go on.
    cut: CancellationToken,
}

/// Why a sidecar does not start, or does not take over a configuration.
#[derive(Debug)]
pub(crate) enum StartError {
    Config(ConfigError),
    Compose(ComposeError),
    Tls(listen::TlsError),
    Bind(io::Error),
    Record(RecordError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Compose(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl Sidecar {
    /// Starts with a configuration that was read from `sources`. `extra_keys` count beside those of the key file.
    pub(crate) fn start(
        config: Config,
        sources: Sources,
        extra_keys: Vec<KeyEntry>,
        lines: Lines,
    ) -> Result<Self, StartError> {
        let cut = CancellationToken::new();
        let watch = WatchLayer::new(cut.clone());
        let tls = Arc::new(ArcSwapOption::empty());
        if let Some(pair) = &config.tls {
            tls.store(Some(Arc::new(
                listen::acceptor(pair).map_err(StartError::Tls)?,
            )));
        }
        let (listen_at, admin_at) = (config.listen, config.admin.listen);
        let (settings, admin_settings) = (
            settings(&config, tls.clone()),
            settings(&config, Arc::default()),
        );
        let admin_hosts = Hosts::new(admin_at.ip().is_loopback(), &config.hosts);
        // Both or none.
        let (agents, admin) = (bind(listen_at)?, bind(admin_at)?);
        let address =
            |listener: &tokio::net::TcpListener| listener.local_addr().map_err(StartError::Bind);
        let (agents_at, admin_at) = (address(&agents)?, address(&admin)?);
        let own = Own {
            config: sources.file.as_deref(),
            agents: agents_at,
            admin: admin_at,
        };
        let prices = Arc::new(ArcSwap::from_pointee(config::prices(&config)));
        let recording = Recording::start(&config, prices.clone()).map_err(StartError::Record)?;
        let metrics = metrics::metrics(&config, recording.state(), prices.clone());
        let reloads = Arc::new(Reloads::started());
        metrics.register(Box::new(reloads.clone()));
        let decisions = recording.decisions((DecisionLog::new(lines.clone()), metrics.clone()));
        let told = Told {
            watch: watch.clone(),
            record: recording.layer(),
            metrics: MetricsLayer::new(metrics.clone()),
            decisions: decisions.clone(),
        };
        let running = compose(config, own, told, None).map_err(StartError::Compose)?;
        add_keys(&running, &extra_keys);
        let running = Arc::new(ArcSwap::from_pointee(running));
        let now = running.clone();
        metrics.register(Box::new(OfUpstreams(move || {
            metrics::left_alone(&now.load())
        })));
        let ready = Readiness::new(recording.state(), running.clone());
        let agents = Listener::run(agents, settings, Edge::new(running.clone(), lines));
        let admin = Listener::run(
            admin,
            admin_settings,
            Admin::new(ready.clone(), metrics.clone(), admin_hosts),
        );
        ready.set(true);
        Ok(Self {
            sources,
            running,
            watch,
            decisions,
            metrics,
            prices,
            reloads,
            recording,
            extra_keys,
            tls,
            ready,
            agents,
            admin,
            agents_at,
            admin_at,
            cut,
        })
    }

    /// Reads the configuration and the keys again, and takes them over at once and as a whole. If anything is wrong,
    /// all stays as it is.
    pub(crate) fn reload(&self) -> Result<(), StartError> {
        let taken = self.take_over();
        self.reloads.count(taken.is_ok());
        taken
    }

    fn take_over(&self) -> Result<(), StartError> {
        let config = self.sources.load().map_err(StartError::Config)?.config;
        let acceptor = match &config.tls {
            Some(pair) => Some(Arc::new(listen::acceptor(pair).map_err(StartError::Tls)?)),
            None => None,
        };
        let before = self.running.load_full();
        let needs_restart = needs_restart(&before.config, &config);
        let told = Told {
            watch: self.watch.clone(),
            record: self.recording.layer(),
            metrics: MetricsLayer::new(self.metrics.clone()),
            decisions: self.decisions.clone(),
        };
        let own = Own {
            config: self.sources.file.as_deref(),
            agents: self.agents_at,
            admin: self.admin_at,
        };
        let running = compose(config, own, told, Some(&before)).map_err(StartError::Compose)?;
        add_keys(&running, &self.extra_keys);
        // A listener that spoke TLS speaks TLS until it is started anew.
        if acceptor.is_some() && before.config.tls.is_some() {
            self.tls.store(acceptor);
        }
        self.prices.store(Arc::new(config::prices(&running.config)));
        self.running.store(Arc::new(running));
        if needs_restart.is_empty() {
            tracing::info!("the configuration was read again");
        } else {
            let settings = needs_restart.join(", ");
            tracing::warn!(
                settings,
                "the configuration was read again; these settings need a restart"
            );
        }
        Ok(())
    }

    /// The files that the sidecar depends on.
    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        let running = self.running.load();
        let tls = running
            .config
            .tls
            .iter()
            .flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]);
        let file = self.sources.file.clone();
        file.into_iter()
            .chain(running.config.included.iter().cloned())
            .chain([running.key_file.clone()])
            .chain(tls)
            .collect()
    }

    /// Stops: accepts no more, lets streams finish as long as the configuration allows, then ends them in an error event.
    pub(crate) async fn stop(self) {
        let running = self.running.load_full();
        let drain = running.config.drain.0;
        self.ready.set(false);
        self.agents.stop();
        tracing::info!(?drain, "stopping: no new connections, streams may finish");
        if timeout(drain, self.agents.ended()).await.is_err() {
            tracing::warn!("streams are still open, and are ended now");
            self.cut.cancel();
            if timeout(Duration::from_secs(2), self.agents.ended())
                .await
                .is_err()
            {
                tracing::warn!("some clients do not take their last words");
            }
        }
        if let Some(redis) = &running.redis
            && !redis.flush(Duration::from_secs(1)).await
        {
            tracing::warn!("Redis does not take the last settlements");
        }
        self.recording.stop().await;
        self.admin.stop();
        tracing::info!("stopped");
    }
}

fn add_keys(running: &Running, extra: &[KeyEntry]) {
    if !extra.is_empty() {
        // The file was read a moment ago; if it cannot be now, its keys do not count until it can.
        let from_file = keyfile::read(&running.key_file).unwrap_or_default();
        running
            .keys
            .replace(from_file.into_iter().chain(extra.iter().cloned()));
    }
}

fn bind(address: SocketAddr) -> Result<tokio::net::TcpListener, StartError> {
    listen::bind(address).map_err(StartError::Bind)
}

fn settings(config: &Config, tls: Arc<ArcSwapOption<TlsAcceptor>>) -> Settings {
    let deadlines = &config.deadlines;
    let timers = Timers {
        idle: deadlines.keep_alive.0,
        head: deadlines.request_head.0,
        write: deadlines.write.0,
    };
    let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    Settings {
        protocol: Protocol {
            timers,
            headers: config.limits.headers.0,
        },
        connections: count(config.limits.connections),
        per_address: count(config.limits.connections_per_address),
        tls,
    }
}

/// The settings that differ and are looked at only once.
fn needs_restart(before: &Config, now: &Config) -> Vec<&'static str> {
    let (limits, deadlines) = (&before.limits, &before.deadlines);
    [
        ("listen", before.listen != now.listen),
        ("admin", before.admin != now.admin),
        ("tls", before.tls.is_some() != now.tls.is_some()),
        ("threads", before.threads != now.threads),
        ("log", before.log != now.log),
        ("database", before.database != now.database),
        ("record", before.record != now.record),
        ("limits.headers", limits.headers != now.limits.headers),
        (
            "limits.connections",
            limits.connections != now.limits.connections,
        ),
        (
            "limits.connections_per_address",
            limits.connections_per_address != now.limits.connections_per_address,
        ),
        (
            "deadlines.request_head",
            deadlines.request_head != now.deadlines.request_head,
        ),
        ("deadlines.write", deadlines.write != now.deadlines.write),
        (
            "deadlines.keep_alive",
            deadlines.keep_alive != now.deadlines.keep_alive,
        ),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
