//! Messages, content blocks and tools, as they stand in a request.

use crate::{
    Dialect,
    json::{Json, JsonStr, Kind},
};

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// `system` or `developer`.
    System,
    /// The person, or the agent on the person's behalf.
    User,
    /// The model.
    Assistant,
    /// A tool: the answer to a call, in dialects that give it a message of its own.
    Tool,
    /// A role nobody knows, or none.
    Other,
}

impl Role {
    pub(crate) fn read(json: Option<Json<'_>>) -> Self {
        let Some(role) = json.and_then(|role| role.as_str()) else {
            return Self::Other;
        };
        match &*role.word() {
            b"system" | b"developer" => Self::System,
            b"user" => Self::User,
            b"assistant" => Self::Assistant,
            b"tool" | b"function" => Self::Tool,
            _ => Self::Other,
        }
    }
}

/// One message, or in the Responses dialect one input item.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The message as it stands.
    pub json: Json<'a>,
    /// Who speaks.
    pub role: Role,
    pub(crate) dialect: Dialect,
    /// Text, or a list of blocks.
    pub(crate) content: Option<Json<'a>>,
    /// Tool calls beside the content: lists, or one object.
    pub(crate) calls: [Option<Json<'a>>; 2],
    /// Blocks that are neither: the message itself if it is one, a member that holds the thinking.
    pub(crate) own: [Option<Block<'a>>; 2],
}

impl<'a> Message<'a> {
    pub(crate) fn lone(dialect: Dialect, text: Json<'a>) -> Self {
        Self {
            json: text,
            role: Role::User,
            dialect,
            content: Some(text),
            calls: [None; 2],
            own: [None; 2],
        }
    }

    /// What the message holds, in order; a plain string is one text block.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        let dialect = self.dialect;
        let calls = self
            .calls
            .into_iter()
            .flatten()
            .flat_map(elements)
            .map(move |json| dialect.call(json));
        self.own
            .into_iter()
            .flatten()
            .chain(blocks(dialect, self.content))
            .chain(calls)
    }
}

/// A string as one text block, a list as its elements.
pub(super) fn blocks(
    dialect: Dialect,
    content: Option<Json<'_>>,
) -> impl Iterator<Item = Block<'_>> {
    let text = content.and_then(|json| {
        Some(Block {
            json,
            content: Content::Text {
                text: json.as_str()?,
            },
        })
    });
    let items = content.into_iter().flat_map(|list| list.items());
    text.into_iter()
        .chain(items.map(move |json| dialect.block(json)))
}

/// The elements of a list, or an object as the only one.
fn elements(json: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let object = Some(json).filter(|json| json.kind() == Kind::Object);
    object.into_iter().chain(json.items())
}

/// One content block.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The block as it stands; a message's plain string is a string here.
    pub json: Json<'a>,
    /// What it is.
    pub content: Content<'a>,
}

/// What a content block is. Fields that a client left out, or filled with something else, are `None`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content<'a> {
    /// Plain text.
    Text {
        /// The text.
        text: JsonStr<'a>,
    },
    /// The model's thinking, readable.
    Thinking {
        /// What it thought.
        text: Option<JsonStr<'a>>,
        /// The provider's seal; without it the next turn is refused.
        signature: Option<JsonStr<'a>>,
    },
    /// The model's thinking, sealed.
    RedactedThinking {
        /// What only the provider can open.
        data: Option<JsonStr<'a>>,
    },
    /// A picture.
    Image,
    /// A document: a PDF, a file, plain text with a title, a search result.
    Document,
    /// Sound.
    Audio,
    /// A tool call that the client runs.
    ToolCall(ToolCall<'a>),
    /// A tool's answer.
    ToolResult(ToolResult<'a>),
    /// A call of a tool that the provider runs itself, or its result.
    ServerTool {
        /// The tool, where it is named.
        name: Option<JsonStr<'a>>,
    },
    /// The model's words when it refuses.
    Refusal {
        /// The words.
        text: Option<JsonStr<'a>>,
    },
    /// Something newer than this code. It is passed on as it is.
    Unknown,
}

impl Content<'_> {
    /// What it is, without its data.
    pub fn kind(&self) -> BlockKind {
        match self {
            Self::Text { .. } => BlockKind::Text,
            Self::Thinking { .. } => BlockKind::Thinking,
            Self::RedactedThinking { .. } => BlockKind::RedactedThinking,
            Self::Image => BlockKind::Image,
            Self::Document => BlockKind::Document,
            Self::Audio => BlockKind::Audio,
            Self::ToolCall(_) => BlockKind::ToolCall,
            Self::ToolResult(_) => BlockKind::ToolResult,
            Self::ServerTool { .. } => BlockKind::ServerTool,
            Self::Refusal { .. } => BlockKind::Refusal,
            Self::Unknown => BlockKind::Unknown,
        }
    }
}

/// The kinds of content blocks, in requests and in replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "see `Content`")]
pub enum BlockKind {
    Text,
    Thinking,
    RedactedThinking,
    Image,
    Document,
    Audio,
    ToolCall,
    ToolResult,
    ServerTool,
    Refusal,
    Unknown,
}

/// A call that the client is to run.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    /// What the result will refer to. The legacy `function_call` has none.
    pub id: Option<JsonStr<'a>>,
    /// The tool.
    pub name: Option<JsonStr<'a>>,
    /// The arguments.
    pub input: ToolInput<'a>,
}

/// The arguments of a tool call.
#[derive(Clone, Copy, Debug)]
pub enum ToolInput<'a> {
    /// As JSON (Anthropic).
    Json(Json<'a>),
    /// As a string that should hold JSON (OpenAI). Models get it wrong: it may hold anything.
    Text(JsonStr<'a>),
    /// As free text, for a custom tool.
    Free(JsonStr<'a>),
    /// None.
    Missing,
}

impl<'a> ToolInput<'a> {
    pub(crate) fn json(json: Option<Json<'a>>) -> Self {
        json.map_or(Self::Missing, Self::Json)
    }

    pub(crate) fn text(json: Option<Json<'a>>) -> Self {
        json.and_then(|json| json.as_str())
            .map_or(Self::Missing, Self::Text)
    }

    pub(crate) fn free(json: Option<Json<'a>>) -> Self {
        json.and_then(|json| json.as_str())
            .map_or(Self::Missing, Self::Free)
    }
}

/// What a tool answered.
#[derive(Clone, Copy, Debug)]
pub struct ToolResult<'a> {
    /// The call it answers.
    pub call_id: Option<JsonStr<'a>>,
    /// A string, or blocks.
    pub content: Option<Json<'a>>,
    /// Whether the tool says it failed.
    pub is_error: bool,
}

/// A block as one end of the tie between a tool call and its result.
#[derive(Clone, Copy, Debug)]
pub struct ToolLink<'a> {
    /// The message, by its place.
    pub message: usize,
    /// The block, by its place among the blocks of the message.
    pub block: usize,
    /// Whether it is the result; otherwise it is the call.
    pub is_result: bool,
    /// What ties them.
    pub id: JsonStr<'a>,
}

/// The end of a tie that a block is, if it is one: whether it is the result, and what ties it.
pub(crate) type Tie<'a> = (bool, JsonStr<'a>);

impl<'a> Content<'a> {
    pub(crate) fn tie(&self) -> Option<Tie<'a>> {
        match self {
            Self::ToolCall(call) => Some((false, call.id?)),
            Self::ToolResult(result) => Some((true, result.call_id?)),
            _ => None,
        }
    }
}

/// A tool on offer.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// The definition as it stands.
    pub json: Json<'a>,
    /// Its name; tools of the provider's own may have none.
    pub name: Option<JsonStr<'a>>,
}

impl<'a> Tool<'a> {
    pub(super) fn new(json: Json<'a>) -> Self {
        // Chat wraps a definition in the member that its type names.
        let named = |json: Json<'a>| json.get("name")?.as_str();
        let name =
            named(json).or_else(|| named(json.get("function").or_else(|| json.get("custom"))?));
        Self { json, name }
    }
}
