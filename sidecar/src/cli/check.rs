//! `luthien check`.

use std::{process::ExitCode, sync::Arc};

use luthien::{
    metrics::MetricsLayer,
    record::{RecordLayer, prices::Prices},
};

use super::{Failure, Settings, say};
use crate::{
    compose::{Told, compose},
    config::{Config, Policy, Relay},
    keyfile, listen,
    policy::Own,
    record,
    watch::WatchLayer,
};

pub(super) fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let (loaded, _) = settings.load()?;
    let config = loaded.config;
    if let Some(tls) = &config.tls {
        listen::acceptor(tls).map_err(|error| error.to_string())?;
    }
    // What only building shows: unreadable keys, certificates, a URL that Redis does not understand.
    let runtime = super::serve::runtime(&config)?;
    let _inside = runtime.enter();
    let sources = settings.sources();
    let own = Own {
        config: sources.file.as_deref(),
        agents: config.listen,
        admin: config.admin.listen,
    };
    let told = Told {
        watch: WatchLayer::new(Default::default()),
        record: RecordLayer::off(),
        metrics: MetricsLayer::off(),
        decisions: Arc::new(()),
    };
    compose(config.clone(), own, told, None).map_err(|error| error.to_string())?;
    for line in summary(&config, &loaded.overrides) {
        say(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(config: &Config, overrides: &[String]) -> Vec<String> {
    let mut lines = vec![
        format!(
            "listen     {}{}",
            config.listen,
            if config.tls.is_some() { " (TLS)" } else { "" }
        ),
        format!("admin      {}", config.admin.listen),
        format!("identity   {:?}", config.identity.mode).to_lowercase(),
    ];
    if config.identity.mode != crate::config::Mode::Passthrough {
        let path = keyfile::path(config.identity.keys.as_deref());
        let count = keyfile::records(&path).map_or(0, |records| records.len());
        lines.push(format!("keys       {count} in {}", path.display()));
    }
    lines.push(format!(
        "record     {}",
        record::shown(config).unwrap_or_else(|| "none".to_owned())
    ));
    let own = match config.prices.len() {
        0 => String::new(),
        count => format!(", and {count} named here"),
    };
    lines.push(format!(
        "prices     published, as of {}{own}",
        Prices::found()
    ));
    for (name, upstream) in &config.upstreams {
        let dialects: Vec<_> = upstream
            .dialects
            .iter()
            .map(|dialect| format!("{dialect:?}").to_lowercase())
            .collect();
        lines.push(format!(
            "upstream   {name}: {} ({})",
            upstream.url,
            dialects.join(", ")
        ));
    }
    for route in &config.routes {
        lines.push(format!(
            "route      {} to {}",
            route.models.join(", "),
            route.upstreams.join(", then ")
        ));
    }
    for rate in &config.rate {
        let what = [
            ("requests", rate.requests),
            ("input tokens", rate.input_tokens),
            ("output tokens", rate.output_tokens),
            ("exchanges at once", rate.concurrent),
        ];
        let what = what
            .into_iter()
            .find_map(|(what, limit)| Some(format!("{} {what}", limit?)))
            .unwrap_or_default();
        let every = rate
            .every
            .map(|every| format!(" in {:?}", every.0))
            .unwrap_or_default();
        lines.push(format!("rate       {what}{every} per {:?}", rate.per).to_lowercase());
    }
    for policy in &config.policies {
        let Policy { mode, fail, .. } = policy;
        let system = if policy.system { ", system" } else { "" };
        let how = format!("{mode:?}, {fail:?}{system}").to_lowercase();
        lines.push(format!("policy     {} ({how})", policy.own_name()));
    }
    match &config.relay {
        Relay::Open(_) => lines.push("relay      everything".to_owned()),
        Relay::Only(paths) => lines.extend(paths.iter().map(|path| format!("relay      {path}"))),
    }
    lines.extend(
        overrides
            .iter()
            .map(|name| format!("from       the environment: {name}")),
    );
    lines.push("The configuration is fine.".to_owned());
    lines
}
