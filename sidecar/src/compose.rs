//! From a configuration to the stack. Composes; decides nothing.

use std::{io, path::PathBuf, sync::Arc};

use http::HeaderName;
use luthien::{
    breaker::Breakers,
    deadline::{DeadlineLayer, Deadlines},
    gate::{DecodeLayer, ParseLayer, Relay},
    identity::{Identity, IdentityLayer, KeyRing, Session},
    limit::{LimitLayer, Repair},
    metrics::{MetricsLayer, MetricsRoom},
    policy::{JudgeModel, JudgeOver, PolicyLayer, PolicySet, Sessions},
    rate::{Ledger, LocalLedger, Per, RateLayer, RedisLedger, RedisSettings, Rule},
    record::{Record, RecordLayer},
    stack::{Rooms, Stack},
    upstream::{Credential, Upstream, Upstreams},
};
use luthien_core::{body::ReplyLimits, decision::DecisionSink, gate::Parse, json};
use secrecy::SecretString;
use tower_layer::Layer;

use crate::{
    config::{self, Config, ConfigError, Mode, Secret},
    keyfile,
    listen::Hosts,
    policy,
    watch::{Watch, WatchLayer},
};

/// Everything between the edge and the network.
pub(crate) type Service = Identity<Parse<Session<Record<MetricsRoom<Watch<Rooms<Upstreams>>>>>>>;

/// A stack that runs, and what it was made of.
pub(crate) struct Running {
    pub(crate) config: Config,
    pub(crate) hosts: Hosts,
    pub(crate) service: Service,
    pub(crate) keys: KeyRing,
    pub(crate) key_file: PathBuf,
    policies: PolicyLayer,
    /// What these were made of.
    policies_of: Vec<config::Policy>,
    /// What policies remember of conversations.
    sessions: Sessions,
    ledger: Arc<dyn Ledger>,
    /// How upstreams do, unless nobody wants to know.
    pub(crate) breakers: Option<Breakers>,
    /// The same ledger, if it is shared.
    pub(crate) redis: Option<Arc<RedisLedger>>,
}

/// Why a configuration that is sound by itself cannot run here.
#[derive(Debug)]
pub(crate) enum ComposeError {
    Config(ConfigError),
    Keys(io::Error),
}

impl std::fmt::Display for ComposeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Keys(error) => write!(f, "the keys cannot be read: {error}"),
        }
    }
}

impl From<ConfigError> for ComposeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Who is told what happens.
pub(crate) struct Told {
    /// Writes a line for every exchange.
    pub(crate) watch: WatchLayer,
    pub(crate) record: RecordLayer,
    pub(crate) metrics: MetricsLayer,
    /// Of what policies decide.
    pub(crate) decisions: Arc<dyn DecisionSink>,
}

/// Builds the stack, whose policies know of the sidecar what is its `own`. What `before` has counted goes on counting, if its
/// rules are the same; what its policies remember of conversations is not forgotten.
pub(crate) fn compose(
    config: Config,
    own: policy::Own<'_>,
    told: Told,
    before: Option<&Running>,
) -> Result<Running, ComposeError> {
    let key_file = keyfile::path(config.identity.keys.as_deref());
    let keys = KeyRing::new([]);
    if config.identity.mode != Mode::Passthrough {
        keys.replace(keyfile::read(&key_file).map_err(ComposeError::Keys)?);
    }
    let (ledger, redis) = ledger(&config, before)?;
    let sessions = before.map_or_else(Sessions::default, |before| before.sessions.clone());
    let breakers = breakers(&config, before);
    let upstreams = upstreams(&config, breakers.as_ref())?;
    let decode = decode(&config);
    // A judge is asked as the model is, but for policies and rates.
    let judge = JudgeOver::new(deadline(&config).layer(decode.layer(upstreams.clone())));
    let policies_of = own.told_to(
        &config.policies,
        &[
            std::slice::from_ref(&key_file),
            &crate::record::files(&config),
        ]
        .concat(),
    );
    let policies = policies(
        &config,
        &policies_of,
        told.decisions,
        &sessions,
        judge,
        before,
    )?;
    let stack = Stack::new(identity(&config, &keys)?)
        .with_parse(parse(&config)?)
        .with_record(told.record)
        .with_metrics(told.metrics)
        .with_watch(told.watch)
        .with_limit(limit(&config))
        .with_rate(RateLayer::over(ledger.clone()))
        .with_policy(policies.clone())
        .with_deadline(deadline(&config))
        .with_decode(decode);
    let service = stack.layer(upstreams);
    let hosts = Hosts::new(config.listen.ip().is_loopback(), &config.hosts);
    Ok(Running {
        config,
        hosts,
        service,
        keys,
        key_file,
        policies,
        policies_of,
        sessions,
        ledger,
        breakers,
        redis,
    })
}

fn identity(config: &Config, keys: &KeyRing) -> Result<IdentityLayer, ConfigError> {
    let layer = match config.identity.mode {
        Mode::Passthrough => IdentityLayer::passthrough(),
        Mode::Keys => IdentityLayer::keys(keys.clone()),
        Mode::Both => IdentityLayer::both(keys.clone()),
    };
    Ok(match &config.identity.user_header {
        Some(name) => layer.with_trusted_user_header(header("identity.user_header", name)?),
        None => layer,
    })
}

fn parse(config: &Config) -> Result<ParseLayer, ConfigError> {
    let relay = match &config.relay {
        config::Relay::Open(_) => Relay::open(),
        config::Relay::Only(patterns) => {
            Relay::only(patterns).map_err(|error| ConfigError::new("relay", error.to_string()))?
        }
    };
    let limits = &config.limits;
    Ok(ParseLayer::new()
        .with_body_limit(limits.body.0)
        .with_json_limits(json::Limits {
            depth: limits.nesting,
            values: limits.values,
        })
        .with_relay(relay))
}

fn limit(config: &Config) -> LimitLayer {
    let limits = &config.limits;
    LimitLayer::new()
        .with_messages(limits.messages)
        .with_blocks(limits.blocks)
        .with_tools(limits.tools)
        .with_repair(Repair {
            duplicate_tools: config.repair.duplicate_tools.0,
            orphan_tool_results: config.repair.orphan_tool_results.0,
        })
}

fn decode(config: &Config) -> DecodeLayer {
    let limits = &config.limits;
    DecodeLayer::new().with_limits(ReplyLimits {
        event: limits.event.0,
        stream: limits.stream.0,
        whole: limits.reply.0,
    })
}

type Ledgers = (Arc<dyn Ledger>, Option<Arc<RedisLedger>>);

fn ledger(config: &Config, before: Option<&Running>) -> Result<Ledgers, ConfigError> {
    if let Some(before) = before
        && (&before.config.rate, &before.config.redis) == (&config.rate, &config.redis)
    {
        return Ok((before.ledger.clone(), before.redis.clone()));
    }
    let rules = config.rate.iter().filter_map(rule).collect();
    let Some(redis) = config.redis.as_ref().filter(|_| !config.rate.is_empty()) else {
        return Ok((Arc::new(LocalLedger::new(rules)), None));
    };
    let settings = RedisSettings {
        instances: redis.instances,
        timeout: redis.timeout.0,
        ..RedisSettings::default()
    };
    // The error would show the URL, and with it a password.
    let ledger = RedisLedger::new(rules, redis.url.expose(), settings)
        .map_err(|_| ConfigError::new("redis.url", "is no URL that a Redis client understands"))?;
    let ledger = Arc::new(ledger);
    Ok((ledger.clone(), Some(ledger)))
}

/// A rule; the configuration has been checked, so there is exactly one measure.
fn rule(rate: &config::Rate) -> Option<Rule> {
    let per = match rate.per {
        config::Per::Key => Per::Key,
        config::Per::User => Per::User,
        config::Per::Session => Per::Session,
        config::Per::Model => Per::Model,
        config::Per::Address => Per::Address,
        config::Per::Everyone => Per::Everyone,
    };
    if let Some(limit) = rate.concurrent {
        return Some(Rule::concurrent(per, limit));
    }
    let every = rate.every?.0;
    rate.requests
        .map(|limit| Rule::requests(per, limit, every))
        .or_else(|| {
            rate.input_tokens
                .map(|limit| Rule::input_tokens(per, limit, every))
        })
        .or_else(|| {
            rate.output_tokens
                .map(|limit| Rule::output_tokens(per, limit, every))
        })
}

fn policies(
    config: &Config,
    list: &[config::Policy],
    decisions: Arc<dyn DecisionSink>,
    sessions: &Sessions,
    judge: impl JudgeModel,
    before: Option<&Running>,
) -> Result<PolicyLayer, ConfigError> {
    if let Some(before) = before
        && before.policies_of.as_slice() == list
        && decides(&before.config) == decides(config)
    {
        // The same, and with them what they know of themselves: who has panicked too often.
        return Ok(before.policies.clone());
    }
    let set = PolicySet::new(policy::build(list)?)
        .with_sessions(sessions.clone())
        .with_sink(decisions)
        .with_judge(judge)
        .with_settings(policy::settings(&config.policy));
    Ok(PolicyLayer::new(set))
}

/// What policies are made of, the models that they may ask among it.
fn decides(config: &Config) -> impl PartialEq + '_ {
    (
        (&config.policies, &config.policy),
        (&config.upstreams, &config.routes),
        (&config.deadlines, &config.limits),
    )
}

fn deadline(config: &Config) -> DeadlineLayer {
    let all = &config.deadlines;
    let default = Deadlines {
        first_byte: all.first_byte.0,
        idle: all.idle.0,
        total: all.total.0,
    };
    let layer = DeadlineLayer::new(default);
    all.models.iter().fold(layer, |layer, model| {
        let deadlines = Deadlines {
            first_byte: model.first_byte.unwrap_or(all.first_byte).0,
            idle: model.idle.unwrap_or(all.idle).0,
            total: model.total.unwrap_or(all.total).0,
        };
        layer.with_models(&model.model, deadlines)
    })
}

/// What is known of upstreams stays known as long as nothing is said about it.
fn breakers(config: &Config, before: Option<&Running>) -> Option<Breakers> {
    if let Some(before) = before
        && (&before.config.breaker, &before.config.upstreams)
            == (&config.breaker, &config.upstreams)
    {
        return before.breakers.clone();
    }
    let breaker = &config.breaker;
    breaker.enabled.then(|| Breakers::new(breaker.settings()))
}

fn upstreams(config: &Config, breakers: Option<&Breakers>) -> Result<Upstreams, ConfigError> {
    let mut builder = Upstreams::builder().connect_timeout(config.deadlines.connect.0);
    if let Some(breakers) = breakers {
        builder = builder.admit(Arc::new(breakers.clone()));
    }
    for (name, described) in &config.upstreams {
        let wrong = |error: luthien::upstream::UpstreamError| {
            ConfigError::new(format!("upstreams.{name}.url"), error.to_string())
        };
        let mut upstream = Upstream::new(name, &described.url)
            .map_err(wrong)?
            .with_dialects(described.dialects.iter().copied().map(Into::into))
            .with_http2(described.http2);
        if let Some(secret) = described.credential.as_ref().and_then(Secret::value) {
            upstream = upstream.with_credential(credential(name, described, secret)?);
        }
        builder = builder.upstream(upstream);
    }
    for route in &config.routes {
        builder = builder.route(route.models.clone(), route.upstreams.clone());
    }
    builder
        .build()
        .map_err(|error| ConfigError::new("upstreams", error.to_string()))
}

fn credential(
    name: &str,
    upstream: &config::Upstream,
    secret: &SecretString,
) -> Result<Credential, ConfigError> {
    let path = format!("upstreams.{name}.credential_header");
    Ok(
        match (&upstream.credential_header, upstream.dialects.as_slice()) {
            (Some(name), _) if name.eq_ignore_ascii_case("authorization") => {
                Credential::bearer(secret.clone())
            }
            (Some(name), _) => Credential::header(header(&path, name)?, secret.clone()),
            (None, [only]) => Credential::for_dialect((*only).into(), secret.clone()),
            (None, _) => Credential::bearer(secret.clone()),
        },
    )
}

fn header(path: &str, name: &str) -> Result<HeaderName, ConfigError> {
    let name = HeaderName::from_bytes(name.as_bytes());
    name.map_err(|_| ConfigError::new(path, "is not the name of a header"))
}
