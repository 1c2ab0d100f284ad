//! Facts about an exchange that one layer finds out and another wants to know.
//!
//! Each is a type of its own in the extensions of the request (or, where it says so, of the response), inserted by one
//! layer. None has to be there: whoever reads one has an answer for its absence, on the safe side.

use std::{net::IpAddr, sync::Arc, time::Duration};

/// Who calls: a key of ours. Absent when the client's own credential is passed through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The key's public part, which names it in logs and lists.
    pub key_id: Arc<str>,
    /// The name it was given.
    pub name: Arc<str>,
}

/// The conversation to which a request belongs, as its client names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub Arc<str>);

/// The person on whose behalf the agent works, as far as a trusted source or the client itself says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(pub Arc<str>);

/// The address from which the client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr(pub IpAddr);

/// The name of this exchange in logs and in `x-luthien-request-id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub Arc<str>);

/// Why a client sends a request. Absent means that nobody asked; treat it as a turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A turn of the conversation.
    Turn,
    /// A turn of a sub-agent, which shares the session of its parent.
    SubAgent {
        /// The client's name for it.
        id: Arc<str>,
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

/// What was put right in a request before the provider saw it. Absent means nothing. In requests and responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Tool definitions that stood there twice, removed.
    pub duplicate_tools: usize,
    /// Tool results without their call, removed.
    pub orphan_tool_results: usize,
}

/// Which upstream answered, and how long it took to the head of its response. In responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// From the first attempt to the head, failed attempts included.
    pub time_to_head: Duration,
    /// How many upstreams were tried.
    pub attempts: u32,
}
