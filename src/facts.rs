//! Facts about an exchange that one layer finds out and another wants to know.
//!
//! Each is a type of its own in the extensions of the request (or, where it says so, of the response), inserted by one
//! layer. None has to be there: whoever reads one has an answer for its absence, on the safe side.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderName, header::AUTHORIZATION};

/// Every header in which providers take a credential. If a client sends several, the first of these is the one to keep:
/// what a person logged in with goes before a key that was merely lying in the environment, for that may cost money.
pub const CREDENTIAL_HEADERS: [HeaderName; 4] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// The name under which the exchange is logged, and which its client is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId(pub Arc<str>);

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Caller {
    /// The holder of one of our keys. The client's credential has been taken off; the upstream's is to be put on.
    Key {
        /// The key's public part, which names it in logs and lists.
        id: Arc<str>,
        /// The name it was given.
        name: Arc<str>,
    },
    /// Somebody with a credential of the provider's, which is passed on.
    Client {
        /// The beginning of the credential's SHA-256, in hexadecimal digits: enough to tell callers apart.
        fingerprint: Arc<str>,
    },
}

impl Caller {
    /// What tells callers apart, in logs and limits: no secret.
    pub fn id(&self) -> &str {
        match self {
            Self::Key { id, .. } => id,
            Self::Client { fingerprint } => fingerprint,
        }
    }
}

/// The conversation to which a request belongs, as its client names it: at most 256 characters, none of them a control
/// character. Unverified; sub-agents share it with their parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub Arc<str>);

/// The person on whose behalf the agent works, of the form of [`SessionId`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId {
    /// The name or number.
    pub id: Arc<str>,
    /// Whether somebody trusted says so: our key, or a header of a trusted proxy. Otherwise the client itself does.
    pub trusted: bool,
}

/// The address from which the client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr(pub IpAddr);

/// Why a client sends a request. Absent means that nobody asked; treat it as a turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A turn of the conversation.
    Turn,
    /// A turn of a sub-agent, which shares the session of its parent.
    SubAgent {
        /// The client's name for it, if it has one.
        id: Option<Arc<str>>,
    },
    /// The client tries whether the provider would answer: one token, and nobody reads it.
    Probe,
    /// The client wants a title for the conversation.
    Title,
    /// The client has the conversation summed up, to go on with the summary alone.
    Compaction,
    /// The client counts tokens; no model answers.
    TokenCount,
}

impl Purpose {
    /// The word in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::SubAgent { .. } => "sub_agent",
            Self::Probe => "probe",
            Self::Title => "title",
            Self::Compaction => "compaction",
            Self::TokenCount => "token_count",
        }
    }
}

/// What was put right in a request before the provider saw it. Absent means nothing. In responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Tool definitions that stood there twice, removed.
    pub duplicate_tools: usize,
    /// Tool results without their call, removed.
    pub orphan_tool_results: usize,
}

/// The upstream that a request is to go to, by its name in the configuration, whatever the routes say. Absent means that
/// routes decide.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination(pub Arc<str>);

/// Which upstream answered, and how long it took. In responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The upstream's name in the configuration.
    pub upstream: Arc<str>,
    /// From the first attempt to the head of the response, failed attempts included.
    pub time_to_head: Duration,
    /// How many upstreams were tried.
    pub attempts: u32,
}
