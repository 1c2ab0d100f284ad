//! The three ways in which agents and models speak: where the model, the messages, the tools, the blocks, the usage and
//! the errors are in each.
//!
//! Everything above this module speaks of messages, blocks, tool calls, usage and stop reasons. A fourth dialect is one
//! more folder here and one more arm in each `match` of this file.

mod anthropic;
mod chat;
mod list;
mod needle;
mod openai;
mod responses;
mod stray;
mod wire;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

pub(crate) use needle::{Needle, needle, value};
use stray::has_stray;
pub(crate) use wire::Calls;

use crate::{
    body::Chunk,
    json::{Document, Edits, Json, JsonError, Kind},
    reject::Rejection,
    reply::{Answer, Encode, Part, Plan, Usage},
    request::{Block, Layout, Message, Tie},
};

/// How a request and its reply are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dialect {
    /// Anthropic Messages, `POST /v1/messages`.
    Anthropic,
    /// OpenAI Chat Completions, `POST /v1/chat/completions`.
    Chat,
    /// OpenAI Responses, `POST /v1/responses`.
    Responses,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::Chat, Self::Responses];

    /// The name in configurations, logs and metrics: `anthropic`, `chat` or `responses`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Chat => "chat",
            Self::Responses => "responses",
        }
    }

    /// The path on which calls of this dialect arrive.
    pub fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
        }
    }

    /// The dialect of a call: only `POST`, only the path exactly as providers spell it. A path that servers may take for
    /// it (a trailing slash, a percent sign) is another path, and no call.
    pub fn of_call(method: &Method, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        Self::ALL.into_iter().find(|dialect| dialect.path() == path)
    }

    /// In whose words to answer a request that is no call: those of the client's SDK, as far as path and headers tell.
    pub fn of_client(path: &str, headers: &HeaderMap) -> Self {
        if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else if path.starts_with("/v1/responses") {
            Self::Responses
        } else {
            Self::Chat
        }
    }

    /// Where things are in the root object of a request.
    pub(crate) fn layout(self) -> &'static Layout {
        match self {
            Self::Anthropic => &anthropic::request::LAYOUT,
            Self::Chat => &chat::request::LAYOUT,
            Self::Responses => &responses::request::LAYOUT,
        }
    }

    pub(crate) fn message(self, json: Json<'_>) -> Message<'_> {
        match self {
            Self::Anthropic => anthropic::request::message(json),
            Self::Chat => chat::request::message(json),
            Self::Responses => responses::request::message(json),
        }
    }

    pub(crate) fn block(self, json: Json<'_>) -> Block<'_> {
        match self {
            Self::Anthropic => anthropic::request::block(json),
            Self::Chat => chat::request::block(json),
            Self::Responses => responses::request::block(json),
        }
    }

    /// An element of a message's list of calls, which is a call whatever it says it is.
    pub(crate) fn call(self, json: Json<'_>) -> Block<'_> {
        match self {
            Self::Chat => chat::request::call_block(json),
            Self::Anthropic | Self::Responses => self.block(json),
        }
    }

    /// Hands out the blocks of a message that are ends of ties between tool calls and results, with their places in it.
    pub(crate) fn ties<'a>(self, message: Json<'a>, mut each: impl FnMut(usize, Tie<'a>)) {
        if self == Self::Anthropic {
            // There they lie flat in the content, and agents' histories are full of them: no need to look at the rest.
            return anthropic::request::ties(message, each);
        }
        for (place, block) in self.message(message).blocks().enumerate() {
            if let Some(tie) = block.content.tie() {
                each(place, tie);
            }
        }
    }

    /// Whether the stream might end with these bytes: cheap, never wrongly `false` for what providers send.
    pub(crate) fn may_be_terminal(self, frame: &[u8]) -> bool {
        match self {
            Self::Anthropic => anthropic::reply::may_be_terminal(frame),
            Self::Chat => chat::reply::may_be_terminal(frame),
            Self::Responses => responses::reply::may_be_terminal(frame),
        }
    }

    /// The names of the members in whose strings a model's words stand in a stream.
    pub(crate) fn word_members(self) -> &'static [Needle] {
        match self {
            Self::Anthropic => &anthropic::reply::WORDS,
            Self::Chat => &chat::reply::WORDS,
            Self::Responses => &responses::reply::WORDS,
        }
    }

    /// The tokens that an event or a whole reply reports, wherever the dialect puts them.
    pub(crate) fn usage(self, root: Json<'_>) -> Option<Usage> {
        match self {
            Self::Anthropic => anthropic::reply::usage(root),
            Self::Chat => chat::reply::usage(root),
            Self::Responses => responses::reply::usage(root),
        }
    }

    /// Whether a choice may end with this event, after which, without the others, a stream may end without its terminal
    /// one: servers of open models forget Chat's `[DONE]`. Cheap, and false for most.
    pub(crate) fn may_end_choice(self, frame: &[u8]) -> bool {
        match self {
            Self::Chat => chat::reply::may_end_choice(frame),
            Self::Anthropic | Self::Responses => false,
        }
    }

    /// What an event of a stream says, and whether it is the last. `root` is its data, unless that is no JSON.
    pub(crate) fn read_event(self, event: EventData<'_>) -> (Vec<Part>, bool) {
        match self {
            Self::Anthropic => anthropic::reply::read_event(event),
            Self::Chat => chat::reply::read_event(event),
            Self::Responses => responses::reply::read_event(event),
        }
    }

    /// The same of a whole reply.
    pub(crate) fn is_ambiguous_whole(self, root: Json<'_>, parts: &[Part]) -> bool {
        root.kind() != Kind::Object
            || has_stray(root, parts)
            || match self {
                Self::Anthropic => anthropic::reply::is_ambiguous_whole(root),
                Self::Chat => chat::reply::is_ambiguous_whole(root),
                Self::Responses => responses::reply::is_ambiguous_whole(root),
            }
    }

    /// Whether readers would disagree about what an event says, or about whether it says it: the number of a block is
    /// written oddly; or it only begins something, and already holds what events of its own are to bring, which SDKs'
    /// accumulators take over and nobody would have read as a block; or there is a call in it that is none of `parts`.
    pub(crate) fn is_ambiguous(self, root: Json<'_>, parts: &[Part]) -> bool {
        root.kind() != Kind::Object
            || has_stray(root, parts)
            || match self {
                Self::Anthropic => anthropic::reply::is_ambiguous(root),
                Self::Chat => chat::reply::is_ambiguous(root),
                Self::Responses => responses::reply::is_ambiguous(root),
            }
    }

    /// What a whole reply says, as the events of a stream would have said it.
    pub(crate) fn read_whole(self, root: Json<'_>, bytes: &Bytes) -> Vec<Part> {
        match self {
            Self::Anthropic => anthropic::reply::read_whole(root, bytes),
            Self::Chat => chat::reply::read_whole(root, bytes),
            Self::Responses => responses::reply::read_whole(root, bytes),
        }
    }

    /// What writes a stream anew.
    pub(crate) fn encoder(self) -> Box<dyn Encode> {
        match self {
            Self::Anthropic => Box::new(anthropic::write::Writer::default()),
            Self::Chat => Box::new(chat::write::Writer::default()),
            Self::Responses => Box::new(responses::write::Writer::default()),
        }
    }

    /// Notes the changes to a whole reply.
    pub(crate) fn edit_whole(
        self,
        reply: &Document,
        plan: &Plan,
        edits: &mut Edits,
    ) -> Result<(), JsonError> {
        match self {
            Self::Anthropic => anthropic::whole::edit(reply, plan, edits)?,
            Self::Chat => chat::whole::edit(reply, plan, edits),
            Self::Responses => responses::whole::edit(reply, plan, edits),
        }
        Ok(())
    }

    /// A reply of our own.
    pub(crate) fn answer(self, answer: &Answer<'_>, stream: bool) -> Vec<Chunk> {
        match self {
            Self::Anthropic => anthropic::answer::chunks(answer, stream),
            Self::Chat => chat::answer::chunks(answer, stream),
            Self::Responses => responses::answer::chunks(answer, stream),
        }
    }

    /// Status, headers and body of a refusal before the head.
    pub(crate) fn error_reply(
        self,
        rejection: &Rejection,
    ) -> (StatusCode, Vec<(HeaderName, HeaderValue)>, Bytes) {
        match self {
            Self::Anthropic => anthropic::reject::reply(rejection),
            Self::Chat | Self::Responses => openai::reply(rejection),
        }
    }

    /// The last event of a stream that is refused after its head; `events` have gone out before it, of which this was the
    /// `first`, if it is known.
    pub(crate) fn error_event(
        self,
        rejection: &Rejection,
        events: u64,
        first: Option<&Chunk>,
    ) -> Bytes {
        match self {
            Self::Anthropic => anthropic::reject::event(rejection),
            Self::Chat => openai::chat_event(rejection),
            Self::Responses => {
                let failed = first.and_then(|first| responses::failed(rejection, events, first));
                failed.unwrap_or_else(|| openai::responses_event(rejection, events))
            }
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the number `name` of a block or choice is one that readers read differently: `1.0` is 1 to some and nothing to
/// others.
fn has_odd(json: Json<'_>, name: &str) -> bool {
    json.get(name).is_some_and(|index| {
        !index.is_null() && index.as_u64().is_none_or(|index| index > u32::MAX.into())
    })
}

/// Whether a member is a list, or not there: what is something else some readers go through all the same.
pub(crate) fn is_list(member: Option<Json<'_>>) -> bool {
    member.is_none_or(|member| member.kind() == Kind::Array || member.is_empty())
}

/// Whether any of these members holds anything.
pub(crate) fn holds(json: Json<'_>, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| json.get(name).is_some_and(|member| !member.is_empty()))
}

/// An event as a dialect reads it.
#[derive(Clone, Copy)]
pub(crate) struct EventData<'a> {
    /// The data line's bytes, of which `json` points into.
    pub(crate) data: &'a Bytes,
    /// The data as JSON, if it is.
    pub(crate) json: Option<Json<'a>>,
}
