//! What no single value shows: defaults that depend on others, and contradictions.

use std::collections::HashSet;

use http::HeaderName;

use super::{
    Config, ConfigError, Dialect, Mode, Relay, Upstream, error::nearest, judges, prices, record,
};
use crate::policy;

/// Presets the well-known providers, if none is named.
pub(super) fn complete(config: &mut Config) {
    if config.upstreams.is_empty() {
        let preset = |url: &str, dialects: &[Dialect]| Upstream {
            url: url.to_owned(),
            dialects: dialects.to_vec(),
            credential: None,
            credential_header: None,
            http2: false,
        };
        let anthropic = preset("https://api.anthropic.com", &[Dialect::Anthropic]);
        let openai = preset(
            "https://api.openai.com",
            &[Dialect::Chat, Dialect::Responses],
        );
        config.upstreams = [
            ("anthropic".to_owned(), anthropic),
            ("openai".to_owned(), openai),
        ]
        .into();
    }
}

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    listeners(config)?;
    identity(config)?;
    upstreams(config)?;
    rates(config)?;
    deadlines(config)?;
    relay(config)?;
    record::check(config)?;
    prices::check(config)?;
    policy::build(&config.policies)?;
    judges::check(config)?;
    for (index, host) in config.hosts.iter().enumerate() {
        if host.is_empty()
            || host.contains(['/', '@', ' '])
            || (host.contains(':') && !host.starts_with('['))
        {
            let path = format!("hosts.{index}");
            return Err(ConfigError::new(
                path,
                "expected the name of a host, without scheme, port and path",
            ));
        }
    }
    if let Some(redis) = &config.redis
        && let Err(error) = redis_url(redis.url.expose())
    {
        return Err(ConfigError::new("redis.url", error));
    }
    Ok(())
}

fn listeners(config: &Config) -> Result<(), ConfigError> {
    if config.listen.port() != 0 && config.listen == config.admin.listen {
        let message = format!("{} is where agents connect already", config.listen);
        return Err(
            ConfigError::new("admin.listen", message).with_hint("give it a port of its own")
        );
    }
    if !config.listen.ip().is_loopback() {
        if config.identity.mode == Mode::Passthrough {
            let message = format!(
                "{} can be reached from other machines, and anybody there could use it",
                config.listen
            );
            return Err(ConfigError::new("listen", message)
                .with_hint("set `identity.mode` to `keys` or `both`"));
        }
        if config.tls.is_none() && !config.behind_proxy {
            let message = format!(
                "{} can be reached from other machines, and keys would travel in the clear",
                config.listen
            );
            let hint = "set `tls`, or `behind_proxy: true` if a proxy in front speaks TLS";
            return Err(ConfigError::new("listen", message).with_hint(hint));
        }
    }
    if !config.admin.listen.ip().is_loopback() && !config.admin.allow_remote {
        let message = format!("{} can be reached from other machines", config.admin.listen);
        return Err(ConfigError::new("admin.listen", message)
            .with_hint("set `admin.allow_remote: true` if that is meant"));
    }
    Ok(())
}

fn identity(config: &Config) -> Result<(), ConfigError> {
    if let Some(name) = &config.identity.user_header
        && HeaderName::from_bytes(name.as_bytes()).is_err()
    {
        return Err(ConfigError::new(
            "identity.user_header",
            format!("{name:?} is not the name of a header"),
        ));
    }
    for (name, upstream) in &config.upstreams {
        let path = format!("upstreams.{name}.credential");
        match (config.identity.mode, &upstream.credential) {
            (Mode::Passthrough, Some(credential))
                if credential.value().is_some() && !judges::pays(config, name) =>
            {
                let message = "is never used: clients' own credentials go up";
                return Err(ConfigError::new(path, message)
                    .with_hint("set `identity.mode` to `keys` or `both`"));
            }
            (Mode::Keys | Mode::Both, None) => {
                let message =
                    "is missing: clients with a key of this sidecar's have none for the provider";
                let hint = "write `${NAME}` of an environment variable, `file:PATH`, or `none`";
                return Err(ConfigError::new(path, message).with_hint(hint));
            }
            (_, Some(credential)) if !credential.is_reference() => {
                let message = "a secret does not belong into this file";
                let hint = "write `${NAME}` of an environment variable, or `file:PATH`";
                return Err(ConfigError::new(path, message).with_hint(hint));
            }
            _ => {}
        }
    }
    Ok(())
}

fn upstreams(config: &Config) -> Result<(), ConfigError> {
    let names = || config.upstreams.keys().map(String::as_str);
    for (name, upstream) in &config.upstreams {
        if let Err(error) = luthien::upstream::Upstream::new(name, &upstream.url) {
            return Err(ConfigError::new(
                format!("upstreams.{name}.url"),
                error.to_string(),
            ));
        }
        if upstream.dialects.is_empty() {
            let message = "an upstream that speaks nothing is never asked";
            return Err(ConfigError::new(
                format!("upstreams.{name}.dialects"),
                message,
            ));
        }
        if let Some(header) = &upstream.credential_header
            && HeaderName::from_bytes(header.as_bytes()).is_err()
        {
            let path = format!("upstreams.{name}.credential_header");
            return Err(ConfigError::new(
                path,
                format!("{header:?} is not the name of a header"),
            ));
        }
    }
    for (index, route) in config.routes.iter().enumerate() {
        if route.models.is_empty() || route.upstreams.is_empty() {
            let message = "a route without models or without upstreams leads nowhere";
            return Err(ConfigError::new(format!("routes.{index}"), message));
        }
        for (place, name) in route.upstreams.iter().enumerate() {
            if config.upstreams.contains_key(name) {
                continue;
            }
            let error = ConfigError::new(
                format!("routes.{index}.upstreams.{place}"),
                format!("no upstream is named {name:?}"),
            );
            return Err(match nearest(name, names()) {
                Some(nearest) => error.with_hint(format!("did you mean `{nearest}`?")),
                None => error.with_hint(format!(
                    "there are: {}",
                    names().collect::<Vec<_>>().join(", ")
                )),
            });
        }
    }
    Ok(())
}

fn rates(config: &Config) -> Result<(), ConfigError> {
    let mut names = HashSet::new();
    for (index, rate) in config.rate.iter().enumerate() {
        let path = format!("rate.{index}");
        let measures = [
            rate.requests,
            rate.input_tokens,
            rate.output_tokens,
            rate.concurrent,
        ];
        if measures.iter().flatten().count() != 1 {
            let message =
                "expected exactly one of `requests`, `input_tokens`, `output_tokens`, `concurrent`";
            return Err(ConfigError::new(path, message).with_hint("write one entry for each"));
        }
        match (rate.concurrent, rate.every) {
            (Some(_), Some(_)) => {
                let message =
                    "makes no sense with `concurrent`: exchanges at once are not counted in time";
                return Err(ConfigError::new(format!("{path}.every"), message));
            }
            (None, None) => {
                return Err(
                    ConfigError::new(path, "`every` is missing").with_hint("such as `every: 1m`")
                );
            }
            _ => {}
        }
        if !names.insert((
            rate.per as u8,
            measures.map(|measure| measure.is_some()),
            rate.every,
        )) {
            let message = "the same limit stands there twice, with the same time";
            return Err(ConfigError::new(path, message).with_hint("keep the smaller one"));
        }
    }
    Ok(())
}

fn deadlines(config: &Config) -> Result<(), ConfigError> {
    let all = &config.deadlines;
    let of_models = all.models.iter().enumerate().map(|(index, model)| {
        let total = model.total.unwrap_or(all.total);
        let first_byte = model.first_byte.unwrap_or(all.first_byte);
        (
            format!("deadlines.models.{index}"),
            first_byte,
            model.idle.unwrap_or(all.idle),
            total,
        )
    });
    let sets = [("deadlines".to_owned(), all.first_byte, all.idle, all.total)]
        .into_iter()
        .chain(of_models);
    for (path, first_byte, idle, total) in sets {
        for (name, time) in [("first_byte", first_byte), ("idle", idle)] {
            if time > total {
                let message = format!("is never reached: `total` is {:?}", total.0);
                return Err(ConfigError::new(format!("{path}.{name}"), message));
            }
        }
    }
    Ok(())
}

fn relay(config: &Config) -> Result<(), ConfigError> {
    let Relay::Only(patterns) = &config.relay else {
        return Ok(());
    };
    for (index, pattern) in patterns.iter().enumerate() {
        if let Err(error) = luthien::gate::Relay::only([pattern]) {
            return Err(ConfigError::new(
                format!("relay.{index}"),
                error.to_string(),
            ));
        }
    }
    Ok(())
}

/// Redis itself says no more than that it is none.
fn redis_url(url: &str) -> Result<(), String> {
    let schemes = ["redis://", "rediss://", "redis+unix://", "unix://"];
    if schemes.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err("expected a URL of the form redis://host:6379/0, rediss://… or redis+unix://…".to_owned())
}
