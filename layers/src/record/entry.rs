//! What the record consists of: contents, each kept once, and events that refer to them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ContentHash;

/// One thing that is written to the record.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Bytes by their hash.
    Content(Content),
    /// A message by its hash.
    Message(Message),
    /// A place in the tree of conversations.
    Node(Node),
    /// Something that happened.
    Event(Box<Event>),
}

/// Bytes that are kept once, however often they are sent: a reply, tools, a system prompt, a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The hash of the body.
    pub hash: ContentHash,
    /// The bytes.
    pub body: Bytes,
}

impl Content {
    /// These bytes.
    pub fn new(body: Bytes) -> Self {
        let hash = ContentHash::of(&body);
        Self { hash, body }
    }
}

/// A message of a request, kept once: agents send the whole conversation with every turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The hash of the body and of what was cut out of it.
    pub hash: ContentHash,
    /// The message as JSON, as its client wrote it; without the marks of the turn (see [`Mark`]), and without large media.
    pub body: Bytes,
    /// What was cut out of it, in order.
    pub media: Vec<Medium>,
}

/// A picture, a document or a sound that stands in a message as text, and was cut out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// Where in the body it is missing, in bytes.
    pub at: usize,
    /// Its content.
    pub content: ContentHash,
}

impl Message {
    /// The message of this body, without what `media` name.
    pub fn new(body: Bytes, media: Vec<Medium>) -> Self {
        let hash = if media.is_empty() {
            ContentHash::of(&body)
        } else {
            let places: Vec<_> = media
                .iter()
                .map(|medium| (medium.at as u64).to_le_bytes())
                .collect();
            let mut pieces = vec![&body[..]];
            for (medium, at) in media.iter().zip(&places) {
                pieces.extend([&at[..], &medium.content.bytes()[..]]);
            }
            ContentHash::of_all(&pieces)
        };
        Self { hash, body, media }
    }
}

/// A message in its place: conversations are paths in a tree of these. Compaction, a rewind and a sub-agent are branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The hash of all else.
    pub id: ContentHash,
    /// The message before it; [`ContentHash::NONE`] for the first.
    pub parent: ContentHash,
    /// The message.
    pub message: ContentHash,
    /// How many messages stand before it.
    pub depth: u32,
    /// What stands between it and the message before, if that is not what everybody writes: a comma, or nothing before
    /// the first.
    pub gap: Option<Box<str>>,
}

impl Node {
    /// The node of a message behind another.
    pub fn new(parent: ContentHash, message: ContentHash, depth: u32, gap: Option<&str>) -> Self {
        let marked = gap.map_or(&b""[..], str::as_bytes);
        let pieces = [&parent.bytes()[..], &message.bytes()[..], marked];
        let id = ContentHash::of_all(&pieces);
        let gap = gap.map(Into::into);
        Self {
            id,
            parent,
            message,
            depth,
            gap,
        }
    }
}

/// Something that happened to an exchange. Events are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The exchange: the id that its client was told.
    pub transaction_id: Box<str>,
    /// Its place among the events of the exchange, from 0.
    pub sequence: u32,
    /// When, in microseconds since 1970. A label: the order is that of the sequence.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// A client asked.
    RequestReceived(Box<Asked>),
    /// Something else than what the client asked went up.
    RequestChanged(Request),
    /// A policy decided.
    PolicyDecided(Box<Decided>),
    /// A policy said something beside its verdicts.
    PolicySaid(Said),
    /// What policies have looked at, and what not.
    PoliciesCovered(Covered),
    /// The exchange is over, whatever way. The last event.
    Ended(Box<Ended>),
}

impl What {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RequestReceived(_) => "request_received",
            Self::RequestChanged(_) => "request_changed",
            Self::PolicyDecided(_) => "policy_decided",
            Self::PolicySaid(_) => "policy_said",
            Self::PoliciesCovered(_) => "policies_covered",
            Self::Ended(_) => "ended",
        }
    }
}

/// What was asked, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The dialect; `None` if the request was no call of a model, and so was not read.
    pub dialect: Option<Box<str>>,
    /// The HTTP method.
    pub method: Box<str>,
    /// The path, without its query, in which some clients send keys.
    pub path: Box<str>,
    /// The model asked for.
    pub model: Option<Box<str>>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Why: a turn, a sub-agent's turn, a title, …
    pub purpose: Option<Box<str>>,
    /// The sub-agent's name, if that is what asks.
    pub agent: Option<Box<str>>,
    /// The conversation, as its client names it.
    pub session: Option<Box<str>>,
    /// The person.
    pub user: Option<User>,
    /// The public part of the key, or the fingerprint of the credential.
    pub caller: Option<Box<str>>,
    /// The key's name.
    pub key: Option<Box<str>>,
    /// Where the client connected from.
    pub address: Option<Box<str>>,
    /// The program that asks, as it names itself.
    pub client: Option<Box<str>>,
    /// What was asked.
    pub request: Option<Request>,
}

/// On whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name or number.
    pub id: Box<str>,
    /// Whether somebody trusted says so.
    pub trusted: bool,
}

/// A request as it was sent, of which each byte can be told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// How long it was, in bytes.
    pub bytes: u64,
    /// All but the messages: a [`Frame`], by its hash. `None` if the body was not kept.
    pub frame: Option<ContentHash>,
    /// The node of the last message.
    pub head: Option<ContentHash>,
    /// How many messages there are.
    pub messages: u32,
    /// What clients put into messages anew with every turn, such as `cache_control`, taken out of the messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Whether something was taken out of it that was not to be recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

/// All of a request but its messages. Kept as a [`Content`], in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Frame {
    /// The pieces of which the request consists, in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Frame`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it stands.
    Text(Box<str>),
    /// Something large that most turns repeat, such as a tool: a [`Content`].
    Content(ContentHash),
    /// Here are the messages, with what stands between them.
    Messages,
}

/// A piece of a message that belongs to the turn, not to the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The message, by its place.
    pub message: u32,
    /// Where in the message's body it belongs, in bytes.
    pub at: u32,
    /// The text.
    pub text: Box<str>,
}

/// What a policy decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Names the decision, as its client was told.
    pub id: Box<str>,
    /// The policy's name in the configuration.
    pub policy: Box<str>,
    /// The version of the policy and its settings.
    pub version: Box<str>,
    /// `enforce`, `warn`, `observe` or `shadow`.
    pub mode: Box<str>,
    /// `request`, `text`, `thinking`, `tool_call` or `end`.
    pub phase: Box<str>,
    /// The block's place in the reply.
    pub block: Option<u32>,
    /// The tool.
    pub tool: Option<Box<str>>,
    /// `allow`, `modify`, `block`, `ask`, `failed` or `skipped`.
    pub outcome: Box<str>,
    /// Why it failed, or was skipped.
    pub cause: Option<Box<str>>,
    /// Whether the client saw the consequence.
    pub applied: bool,
    /// A word for programs.
    pub code: Box<str>,
    /// Why, for the operator.
    pub reason: Box<str>,
    /// `info`, `warning` or `critical`.
    pub severity: Box<str>,
    /// How long it took, in microseconds.
    pub latency_us: u64,
    /// What was judged.
    pub before: Option<Box<str>>,
    /// What stands in its place.
    pub after: Option<Box<str>>,
    /// What reviewers in parallel said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// Which models were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consulted: Vec<Consulted>,
}

/// What one reviewer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The reviewer.
    pub policy: Box<str>,
    /// What it said.
    pub outcome: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// How long it took, in microseconds.
    pub latency_us: u64,
}

/// A model that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consulted {
    /// The model.
    pub model: Box<str>,
    /// What it was shown.
    pub asked: Box<str>,
    /// What it answered.
    pub answered: Box<str>,
    /// The tokens it took.
    pub usage: Tokens,
    /// How long it took, in microseconds.
    pub latency_us: u64,
    /// Whether an earlier answer was taken.
    pub cached: bool,
}

/// What a policy said beside its verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The policy.
    pub policy: Box<str>,
    /// `info`, `warning` or `critical`.
    pub severity: Box<str>,
    /// The words.
    pub message: Box<str>,
}

/// What there was to be judged, and by whom it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// All there was.
    pub things: Vec<Thing>,
    /// How many more there were.
    pub more: u64,
}

/// One thing that was there to be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// `request`, `text`, `thinking`, `tool_call` or `end`.
    pub phase: Box<str>,
    /// The block's place in the reply.
    pub block: Option<u32>,
    /// The tool.
    pub tool: Option<Box<str>>,
    /// Who looked.
    pub looks: Vec<Look>,
}

/// What a policy made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The policy.
    pub policy: Box<str>,
    /// Its version.
    pub version: Box<str>,
    /// What it said, or that it did not.
    pub outcome: Box<str>,
    /// Why it failed, or was skipped.
    pub cause: Option<Box<str>>,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// In one word.
    pub ending: Ending,
    /// The code of the refusal, or the provider's word for its error.
    pub reason: Option<Box<str>>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Which upstream answered.
    pub upstream: Option<Box<str>>,
    /// How many upstreams were tried.
    pub attempts: u32,
    /// The model that answered.
    pub model: Option<Box<str>>,
    /// Why the model stopped.
    pub stop_reason: Option<Box<str>>,
    /// The tokens it took.
    pub usage: Tokens,
    /// From the request to the first byte of the reply, in microseconds.
    pub first_byte_us: Option<u64>,
    /// From the request to the end of the reply, in microseconds.
    pub duration_us: u64,
    /// What the client got.
    pub reply: Reply,
    /// What the provider sent, if that is something else.
    pub provider_reply: Option<Reply>,
    /// Whether bodies are missing that there was no room for.
    pub shed: bool,
}

/// How an exchange ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The reply went out whole.
    Ok,
    /// A policy refused, the request or something of the reply.
    Blocked,
    /// The provider answered with an error, or not at all.
    UpstreamError,
    /// The reply broke off.
    Truncated,
    /// The client left before the end.
    ClientGone,
    /// A policy failed, and so the exchange was refused.
    PolicyError,
    /// Refused: too many, too large, not allowed.
    Shed,
    /// We stopped.
    Shutdown,
}

impl Ending {
    /// All endings.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Blocked,
        Self::UpstreamError,
        Self::Truncated,
        Self::ClientGone,
        Self::PolicyError,
        Self::Shed,
        Self::Shutdown,
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Blocked => "blocked",
            Self::UpstreamError => "upstream_error",
            Self::Truncated => "truncated",
            Self::ClientGone => "client_gone",
            Self::PolicyError => "policy_error",
            Self::Shed => "shed",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Tokens; `None` is unknown, not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// All that went in.
    pub input: Option<u64>,
    /// All that came out.
    pub output: Option<u64>,
    /// Of the input, what the provider had cached.
    pub cache_read: Option<u64>,
    /// Of the input, what the provider put into its cache.
    pub cache_write: Option<u64>,
    /// Of that, what it keeps there for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Of the output, what was spent on reasoning.
    pub reasoning: Option<u64>,
}

/// A reply as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// `stream`, `whole` or `opaque`.
    pub form: Box<str>,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// Its bytes, or the first of them if it was long. `None` if they were not kept.
    pub body: Option<ContentHash>,
    /// Of a long reply, the pieces that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rest: Vec<ContentHash>,
    /// Whether all of it came.
    pub complete: bool,
    /// Its blocks, when they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Timed>,
    /// Whether something was taken out of it that was not to be recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
}

impl Reply {
    /// The pieces that its bytes are kept in, in order; none if they were not kept.
    pub fn pieces(&self) -> impl Iterator<Item = ContentHash> {
        self.body.iter().chain(&self.rest).copied()
    }
}

/// When a block came, in microseconds from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// The block's place in the reply.
    pub block: u32,
    /// When its first byte came.
    pub first_us: u64,
    /// When its last byte came.
    pub last_us: u64,
}
