//! The configuration: one typed tree, from a file, the environment and flags.
//!
//! The comments here are what `luthien schema` and the editor show.

mod breaker;
mod check;
mod document;
mod error;
mod include;
mod judges;
mod load;
mod policies;
mod prices;
mod record;
mod schema;
mod secret;
#[cfg(test)]
mod tests;
mod tree;
mod units;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use breaker::Breaker;
pub(crate) use document::{Document, below, in_our_words};
pub(crate) use error::{ConfigError, nearest};
pub(crate) use load::{Loaded, Sources};
pub(crate) use policies::{Coverage, Fail, Parallel, Policy, PolicyMode, PolicySettings, Reviewer};
pub(crate) use prices::{ModelPrice, prices};
pub(crate) use record::{Audit, Record, Redacted, Retention};
pub(crate) use schema::schema;
pub(crate) use secret::Secret;
pub(crate) use units::{Folder, Size, Switch, Time};

/// Configuration of the Luthien sidecar.
///
/// Everything may be left out. Each value may also be set by an environment variable (`LUTHIEN_LIMITS__BODY=64MiB` for
/// `limits.body`) or a flag (`--set limits.body=64MiB`); flags go before the environment, that before the file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where agents connect. An address of other machines needs `identity.mode: keys` (or `both`), and `tls` or
    /// `behind_proxy`.
    #[schemars(with = "String", example = "127.0.0.1:8000")]
    pub(crate) listen: SocketAddr,
    /// The listener for health checks, apart from the agents' traffic.
    pub(crate) admin: Admin,
    /// Who may call.
    pub(crate) identity: Identity,
    /// Providers by name. Without any, Anthropic and OpenAI are preset.
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    /// Which models go to which upstreams, in the order in which they are tried. Without a route that fits, a request goes
    /// to the first upstream, by name, that speaks its dialect: to several, and its client's credential with it, only
    /// where a route says so.
    pub(crate) routes: Vec<Route>,
    /// How large things may be.
    pub(crate) limits: Limits,
    /// How often, how many tokens, how many at once.
    pub(crate) rate: Vec<Rate>,
    /// Shares the rates with other sidecars.
    pub(crate) redis: Option<Redis>,
    /// What may be asked, said and done: policies, in the order in which they judge. A later one sees what an earlier one
    /// has made of it.
    pub(crate) policies: Vec<Policy>,
    /// What holds for all policies.
    pub(crate) policy: PolicySettings,
    /// Where conversations are kept: `sqlite:PATH`, `postgres://USER@HOST/DATABASE` (a password as `${NAME}`), or `none`. A
    /// SQLite file in the user's data folder unless told otherwise.
    pub(crate) database: Option<Secret>,
    /// How they are recorded.
    pub(crate) record: Record,
    /// What models cost, by their names or patterns of them (`*` stands for anything; a name goes before patterns, and the
    /// longest pattern before others). What is named here goes before the published prices, which are built in; see
    /// docs/prices.md.
    pub(crate) prices: BTreeMap<String, ModelPrice>,
    /// Files that were read for it, beside its own.
    #[serde(skip)]
    pub(crate) included: Vec<PathBuf>,
    /// How long things may take.
    pub(crate) deadlines: Deadlines,
    /// When a provider that fails is left alone.
    pub(crate) breaker: Breaker,
    /// Requests that pass unread, beside calls of models: a list of methods and paths (`*` stands for one segment), or
    /// `open` for everything.
    pub(crate) relay: Relay,
    /// Mistakes of clients that are put right, only where the provider would refuse the request for them.
    pub(crate) repair: Repair,
    /// TLS for agents.
    pub(crate) tls: Option<Tls>,
    /// A proxy in front of this sidecar speaks TLS with the agents.
    pub(crate) behind_proxy: bool,
    /// Names under which agents reach this sidecar, beside `localhost` and its addresses. A request for another host is
    /// refused: a web page may have been tricked into sending it.
    pub(crate) hosts: Vec<String>,
    /// What is written to standard error.
    pub(crate) log: Log,
    /// How long streams may go on after the order to stop.
    pub(crate) drain: Time,
    /// Threads that handle traffic. One handles some ten thousand requests a second.
    pub(crate) threads: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            admin: Admin::default(),
            identity: Identity::default(),
            upstreams: BTreeMap::new(),
            routes: Vec::new(),
            limits: Limits::default(),
            rate: Vec::new(),
            redis: None,
            policies: Vec::new(),
            policy: PolicySettings::default(),
            database: None,
            record: Record::default(),
            prices: BTreeMap::new(),
            included: Vec::new(),
            deadlines: Deadlines::default(),
            breaker: Breaker::default(),
            relay: Relay::default(),
            repair: Repair::default(),
            tls: None,
            behind_proxy: false,
            hosts: Vec::new(),
            log: Log::default(),
            drain: Time::seconds(30),
            threads: NonZeroU32::MIN,
        }
    }
}

/// The admin listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Admin {
    /// Where it listens. An address of other machines needs `allow_remote`.
    #[schemars(with = "String", example = "127.0.0.1:8001")]
    pub(crate) listen: SocketAddr,
    /// Lets other machines ask: for probes in a cluster.
    pub(crate) allow_remote: bool,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8001)),
            allow_remote: false,
        }
    }
}

/// Who may call, and with which credential a request goes up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Identity {
    /// `passthrough`: the client's own credential goes up. `keys`: clients need a key of this sidecar's (`luthien keys
    /// new`), and the upstream's credential is put on. `both`: either.
    pub(crate) mode: Mode,
    /// The file of keys; in the user's data folder unless told otherwise.
    pub(crate) keys: Option<PathBuf>,
    /// A header by which a trusted proxy in front names the user. It must remove what clients send under this name.
    pub(crate) user_header: Option<String>,
}

/// See [`Identity::mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Passthrough,
    Keys,
    Both,
}

/// A provider, or something that speaks like one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// Where it is: `https://host[:port][/path]`. A path goes before that of every request.
    pub(crate) url: String,
    /// What it speaks: `anthropic`, `chat` (OpenAI Chat Completions), `responses` (OpenAI Responses). All unless told
    /// otherwise.
    #[serde(default = "Dialect::all")]
    pub(crate) dialects: Vec<Dialect>,
    /// What is put on for clients with a key of this sidecar's: `${NAME}` of an environment variable, `file:PATH`, or
    /// `none` for an upstream that needs none. Never written here as it is.
    #[serde(default)]
    pub(crate) credential: Option<Secret>,
    /// The header for the credential: `x-api-key` for an upstream that speaks only `anthropic`, else `authorization` with
    /// `Bearer`.
    #[serde(default)]
    pub(crate) credential_header: Option<String>,
    /// Speaks HTTP/2 with it. An HTTP/2 connection carries about a hundred streams; more wait in line.
    #[serde(default)]
    pub(crate) http2: bool,
}

/// See [`Upstream::dialects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    Anthropic,
    Chat,
    Responses,
}

impl Dialect {
    fn all() -> Vec<Self> {
        vec![Self::Anthropic, Self::Chat, Self::Responses]
    }
}

impl From<Dialect> for luthien_core::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Anthropic => Self::Anthropic,
            Dialect::Chat => Self::Chat,
            Dialect::Responses => Self::Responses,
        }
    }
}

/// Models, and where they go.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// Patterns of model names; `*` stands for anything.
    pub(crate) models: Vec<String>,
    /// Upstreams by name, in the order in which they are tried.
    pub(crate) upstreams: Vec<String>,
}

/// How large things may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// A request body.
    pub(crate) body: Size,
    /// Messages in a request; in the Responses dialect, input items.
    pub(crate) messages: usize,
    /// Content blocks in a request.
    pub(crate) blocks: usize,
    /// Tool definitions in a request.
    pub(crate) tools: usize,
    /// JSON objects and arrays inside each other.
    pub(crate) nesting: usize,
    /// JSON values in a request.
    pub(crate) values: usize,
    /// One event of a streamed reply.
    pub(crate) event: Size,
    /// A streamed reply.
    pub(crate) stream: Size,
    /// A reply that is not streamed.
    pub(crate) reply: Size,
    /// The head of a request.
    pub(crate) headers: Size,
    /// Connections of agents at once. More wait to be accepted.
    pub(crate) connections: NonZeroU32,
    /// Connections from one address at once, other than this machine's own. More are closed at once.
    pub(crate) connections_per_address: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: Size::mebibytes(32),
            messages: 10_000,
            blocks: 100_000,
            tools: 2_000,
            nesting: 128,
            values: 1_000_000,
            event: Size::mebibytes(8),
            stream: Size::mebibytes(512),
            reply: Size::mebibytes(64),
            headers: Size::kibibytes(64),
            connections: NonZeroU32::MIN.saturating_add(19_999),
            connections_per_address: NonZeroU32::MIN.saturating_add(1_023),
        }
    }
}

/// One limit: of exactly one of `requests`, `input_tokens`, `output_tokens`, `concurrent`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// For whom it counts: each `key` (or credential), `user`, `session`, `model`, `address`, or `everyone` together.
    pub(crate) per: Per,
    /// How many requests in `every`.
    #[serde(default)]
    pub(crate) requests: Option<NonZeroU32>,
    /// How many tokens in, in `every`.
    #[serde(default)]
    pub(crate) input_tokens: Option<NonZeroU32>,
    /// How many tokens out, in `every`.
    #[serde(default)]
    pub(crate) output_tokens: Option<NonZeroU32>,
    /// How many exchanges at once.
    #[serde(default)]
    pub(crate) concurrent: Option<NonZeroU32>,
    /// In which time; not for `concurrent`.
    #[serde(default)]
    pub(crate) every: Option<Time>,
}

/// See [`Rate::per`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Per {
    Key,
    User,
    Session,
    Model,
    Address,
    Everyone,
}

/// A Redis that several sidecars share.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    /// Where it is: `redis://host:6379/0`, `rediss://…`, `redis+unix://…`. A password as `${NAME}`.
    pub(crate) url: Secret,
    /// How many sidecars share it: while Redis is away, each allows its part of every rate.
    #[serde(default = "one")]
    pub(crate) instances: NonZeroU32,
    /// How long a request waits for it before it is left alone for a while.
    #[serde(default = "fifty_milliseconds")]
    pub(crate) timeout: Time,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn fifty_milliseconds() -> Time {
    Time(Duration::from_millis(50))
}

/// How long things may take. `none` for no limit.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Deadlines {
    /// Connecting to a provider, handshake included.
    pub(crate) connect: Time,
    /// From a request to the first byte of its reply.
    pub(crate) first_byte: Time,
    /// Between two events of a reply.
    pub(crate) idle: Time,
    /// From a request to the end of its reply.
    pub(crate) total: Time,
    /// Other deadlines for some models. The first entry that fits counts.
    pub(crate) models: Vec<ModelDeadlines>,
    /// From the first byte of a request to the end of its head.
    pub(crate) request_head: Time,
    /// Between two pieces of a request's body.
    pub(crate) request_body: Time,
    /// How long a client may not read while there is something for it.
    pub(crate) write: Time,
    /// How long a connection may be idle between two requests.
    pub(crate) keep_alive: Time,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Time::seconds(5),
            first_byte: Time::seconds(600),
            idle: Time::seconds(300),
            total: Time::seconds(3600),
            models: Vec::new(),
            request_head: Time::seconds(10),
            request_body: Time::seconds(30),
            write: Time::seconds(60),
            keep_alive: Time::seconds(75),
        }
    }
}

/// Deadlines of some models; what is left out is as for all.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelDeadlines {
    /// A pattern of model names; `*` stands for anything.
    pub(crate) model: String,
    /// From a request to the first byte of its reply.
    #[serde(default)]
    pub(crate) first_byte: Option<Time>,
    /// Between two events of a reply.
    #[serde(default)]
    pub(crate) idle: Option<Time>,
    /// From a request to the end of its reply.
    #[serde(default)]
    pub(crate) total: Option<Time>,
}

/// See [`Config::relay`].
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Relay {
    /// Everything passes.
    Open(Open),
    /// Only this passes.
    Only(Vec<String>),
}

/// The word `open`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Open {
    Open,
}

impl Default for Relay {
    fn default() -> Self {
        let paths = [
            "GET /v1/models",
            "GET /v1/models/*",
            "POST /v1/messages/count_tokens",
            "POST /v1/responses/input_tokens",
            "POST /v1/embeddings",
            "POST /v1/moderations",
            // Claude Code asks when it starts whether somebody is there.
            "HEAD /api/hello",
        ];
        Self::Only(paths.map(str::to_owned).to_vec())
    }
}

/// Mistakes that are put right.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Repair {
    /// A tool definition that stands there twice (Anthropic: "Tool names must be unique"): the first one stays.
    pub(crate) duplicate_tools: Switch,
    /// A tool result whose call is nowhere before it, as compaction leaves behind (Anthropic: "unexpected `tool_use_id")`:
    /// it goes.
    pub(crate) orphan_tool_results: Switch,
}

impl Default for Repair {
    fn default() -> Self {
        Self {
            duplicate_tools: Switch::ON,
            orphan_tool_results: Switch::ON,
        }
    }
}

/// A certificate and its key, as PEM files. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The certificate, and those that lead to the root.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// What is written to standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `json`: an object a line. `human`: to be read. `auto`: `human` on a terminal, else `json`.
    pub(crate) format: LogFormat,
    /// From which level on: `error`, `warn`, `info`, `debug`, `trace`.
    pub(crate) level: LogLevel,
}

/// See [`Log::format`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Auto,
    Json,
    Human,
}

/// See [`Log::level`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}
