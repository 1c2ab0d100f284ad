use bytes::Bytes;

use super::Usage;
use crate::{
    json::JsonString,
    request::{Block, BlockKind, Content, ToolInput},
};

/// What one event of a stream says, or a whole reply.
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub(crate) parts: Vec<Part>,
    pub(crate) terminal: bool,
    pub(crate) ambiguous: bool,
    pub(crate) unreadable: bool,
}

impl Event {
    /// What it says, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it is the last event of its stream: a client that hangs up after it has all it came for.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether readers may disagree about what it says: its name contradicts its data, its JSON holds a key twice, a
    /// number is written oddly, it begins with content that should come in blocks, or holds more of them than anybody
    /// sends at once. Whoever must judge it should refuse it.
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// Whether it holds data that could not be read at all. Whoever must judge it should refuse it.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable
    }
}

/// One thing that an event says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Part {
    /// The reply begins.
    Start {
        /// The provider's name for the reply.
        id: Option<JsonString>,
        /// The model that answers; may differ from the one asked for.
        model: Option<JsonString>,
    },
    /// A message begins in which blocks are to stand: only the Responses say so, whose other output items are blocks.
    MessageStart {
        /// Its first block, should it have any.
        block: BlockId,
    },
    /// Such a message ends.
    MessageStop {
        /// Its first block, if it has any.
        block: BlockId,
    },
    /// A block begins, or more of its head is known.
    BlockStart {
        /// Which block.
        block: BlockId,
        /// What is known of it.
        head: Box<BlockHead>,
    },
    /// More of a block.
    Delta {
        /// Which block.
        block: BlockId,
        /// What there is more of.
        kind: DeltaKind,
        /// The piece.
        text: JsonString,
    },
    /// A block ends.
    BlockStop {
        /// Which block.
        block: BlockId,
        /// The whole block once more, where the dialect repeats it. Clients go by this, not by the deltas.
        whole: Option<Box<BlockHead>>,
    },
    /// All arguments of a tool call once more, before its block ends. Some clients go by these.
    Arguments {
        /// Which block.
        block: BlockId,
        /// The tool, where it is named once more.
        name: Option<JsonString>,
        /// The arguments.
        text: JsonString,
    },
    /// All of a text block once more, before it ends. Some clients go by this.
    Text {
        /// Which block.
        block: BlockId,
        /// The text.
        text: JsonString,
    },
    /// Tokens used so far.
    Usage(Usage),
    /// A choice ends: no more blocks of it will come.
    Stop {
        /// Which choice; 0 where a dialect has one only.
        choice: u32,
        /// Why.
        reason: StopReason,
    },
    /// The provider reports an error, as a whole reply or inside a stream.
    Error {
        /// The provider's type or code.
        kind: Option<JsonString>,
        /// The provider's words.
        message: Option<JsonString>,
    },
    /// A sign of life.
    Ping,
    /// Something newer than this code, or of no interest. It is passed on as it is.
    Unknown {
        /// The block it speaks of, if it says so.
        block: Option<BlockId>,
    },
}

impl Part {
    /// The block that this speaks of, if it speaks of one.
    pub fn block(&self) -> Option<BlockId> {
        match self {
            Self::BlockStart { block, .. }
            | Self::Delta { block, .. }
            | Self::Arguments { block, .. }
            | Self::Text { block, .. }
            | Self::MessageStart { block }
            | Self::MessageStop { block }
            | Self::BlockStop { block, .. } => Some(*block),
            Self::Unknown { block } => *block,
            _ => None,
        }
    }
}

/// Which block of a reply: unique within it, stable over its events. The numbers are those of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    /// Chat's choice; 0 elsewhere.
    pub choice: u32,
    /// Anthropic's content index, the Responses' output index. Chat has no such number: its lanes (text, thinking,
    /// refusal, function call, then the tool calls) are counted.
    pub index: u32,
    /// The Responses' content index inside an output item; 0 elsewhere.
    pub part: u32,
}

impl BlockId {
    pub(crate) fn new(choice: u32, index: u32, part: u32) -> Self {
        Self {
            choice,
            index,
            part,
        }
    }
}

/// What a delta adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeltaKind {
    /// A text block.
    Text,
    /// Thinking.
    Thinking,
    /// The seal of thinking.
    Signature,
    /// The arguments of a tool call.
    Input,
    /// A refusal.
    Refusal,
    /// Something newer than this code.
    Unknown,
}

impl DeltaKind {
    /// The kind of block that it adds to; `None` if that is not known.
    pub fn adds_to(self) -> Option<BlockKind> {
        match self {
            Self::Text => Some(BlockKind::Text),
            Self::Thinking | Self::Signature => Some(BlockKind::Thinking),
            Self::Input => Some(BlockKind::ToolCall),
            Self::Refusal => Some(BlockKind::Refusal),
            Self::Unknown => None,
        }
    }
}

/// What is known of a block from its beginning, or from its end where a dialect repeats it whole.
#[derive(Clone, Debug)]
pub struct BlockHead {
    /// What it is.
    pub kind: BlockKind,
    /// What a tool call's result will refer to.
    pub id: Option<JsonString>,
    /// The tool.
    pub name: Option<JsonString>,
    /// Text, thinking or refusal.
    pub text: Option<JsonString>,
    /// The seal of thinking; for redacted thinking, its data.
    pub signature: Option<JsonString>,
    /// The arguments of a tool call. In a beginning they are often there as an empty placeholder.
    pub input: Option<HeadInput>,
    /// The block as JSON.
    pub json: Bytes,
}

/// The arguments in a [`BlockHead`].
#[derive(Clone, Debug)]
pub enum HeadInput {
    /// As JSON (Anthropic).
    Json(Bytes),
    /// As a string that should hold JSON, or free text of a custom tool (OpenAI).
    Text(JsonString),
}

impl BlockHead {
    /// `block` must stand in `document`.
    pub(crate) fn of(block: Block<'_>, document: &Bytes) -> Self {
        let own = |text: Option<crate::json::JsonStr<'_>>| text.map(|text| text.owned_by(document));
        let mut head = Self {
            kind: block.content.kind(),
            id: None,
            name: None,
            text: None,
            signature: None,
            input: None,
            json: document.slice_ref(block.json.text()),
        };
        match block.content {
            Content::Text { text } => head.text = own(Some(text)),
            Content::Refusal { text } => head.text = own(text),
            Content::Thinking { text, signature } => {
                head.text = own(text);
                head.signature = own(signature);
            }
            Content::RedactedThinking { data } => head.signature = own(data),
            Content::ServerTool { name } => head.name = own(name),
            Content::ToolCall(call) => {
                head.id = own(call.id);
                head.name = own(call.name);
                head.input = match call.input {
                    ToolInput::Json(json) => Some(HeadInput::Json(document.slice_ref(json.text()))),
                    ToolInput::Text(text) | ToolInput::Free(text) => {
                        Some(HeadInput::Text(text.owned_by(document)))
                    }
                    ToolInput::Missing => None,
                };
            }
            _ => {}
        }
        head
    }
}

/// Why a reply, or one choice of it, ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopReason {
    /// The model had no more to say: `end_turn`, `stop`, `completed`.
    EndTurn,
    /// The limit of tokens was reached: `max_tokens`, `length`, `max_output_tokens`.
    MaxTokens,
    /// A stop sequence came up.
    StopSequence,
    /// The model waits for tool results: `tool_use`, `tool_calls`, `function_call`.
    ToolUse,
    /// The provider paused a long turn; the client is to send it back.
    PauseTurn,
    /// The model, or a filter, refused: `refusal`, `content_filter`.
    Refusal,
    /// A reason newer than this code, in the provider's word.
    Other(JsonString),
}

impl StopReason {
    /// Reads the word of any dialect: none means two things.
    pub(crate) fn read(word: JsonString) -> Self {
        match &*word.decode() {
            "end_turn" | "stop" | "completed" => Self::EndTurn,
            "max_tokens" | "length" | "max_output_tokens" | "model_context_window_exceeded" => {
                Self::MaxTokens
            }
            "stop_sequence" => Self::StopSequence,
            "tool_use" | "tool_calls" | "function_call" => Self::ToolUse,
            "pause_turn" => Self::PauseTurn,
            "refusal" | "content_filter" => Self::Refusal,
            _ => Self::Other(word),
        }
    }
}
