use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use luthien_core::{
    json::{Document, JsonError, Limits},
    reply::{BlockId, ReplyBlock, StopReason, Usage},
};
use serde_json::Value;

#[cfg(feature = "guards")]
use super::effects::{Effects, Place};

/// A tool call of a reply, complete: what the client would run.
#[derive(Clone)]
pub struct ToolCall {
    block: BlockId,
    id: Option<Arc<str>>,
    name: Arc<str>,
    input: Arc<str>,
    arguments: OnceLock<Option<Value>>,
    /// Shared by all copies: who judges in the shadow need not find out again.
    #[cfg(feature = "guards")]
    effects: Arc<OnceLock<(Place, Effects)>>,
}

impl ToolCall {
    /// A call of this tool with these arguments: JSON, or the free text of a custom tool.
    pub fn new(name: impl Into<Arc<str>>, input: impl Into<Arc<str>>) -> Self {
        Self {
            block: BlockId {
                choice: 0,
                index: 0,
                part: 0,
            },
            id: None,
            name: name.into(),
            input: input.into(),
            arguments: OnceLock::new(),
            #[cfg(feature = "guards")]
            effects: Arc::default(),
        }
    }

    /// What its result will refer to, if it has a name.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    pub(crate) fn of(block: &ReplyBlock) -> Self {
        Self {
            block: block.block,
            id: block.id.as_deref().map(Into::into),
            name: block.name.as_deref().unwrap_or_default().into(),
            input: block.input.as_str().into(),
            arguments: OnceLock::new(),
            #[cfg(feature = "guards")]
            effects: Arc::default(),
        }
    }

    /// The same call with other arguments.
    pub(crate) fn with_input(&self, input: &str) -> Self {
        Self {
            input: input.into(),
            arguments: OnceLock::new(),
            #[cfg(feature = "guards")]
            effects: Arc::default(),
            ..self.clone()
        }
    }

    /// Which block of the reply it is.
    pub fn block(&self) -> BlockId {
        self.block
    }

    /// What its result will refer to. The legacy `function_call` has none.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The tool; empty if the model named none.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// The arguments as they came: JSON, or the free text of a custom tool, or whatever the model wrote.
    pub fn input(&self) -> &str {
        &self.input
    }

    pub(crate) fn shared_input(&self) -> Arc<str> {
        self.input.clone()
    }

    /// The arguments as JSON; `None` if they are none. Parsed when somebody asks first. An input in which a key stands
    /// twice is refused before any policy is asked, so that there is one way to read this.
    pub fn arguments(&self) -> Option<&Value> {
        let read = || serde_json::from_str(&self.input).ok();
        self.arguments.get_or_init(read).as_ref()
    }

    /// What it does in the place of its exchange, found out when somebody asks first.
    #[cfg(feature = "guards")]
    pub(crate) fn effects(&self, place: &Place) -> &Effects {
        let find_out = || (place.clone(), Effects::of(self, place));
        &self.effects.get_or_init(find_out).1
    }

    /// What it does in this place: what was found out, if it is the same.
    #[cfg(feature = "guards")]
    pub(crate) fn effects_in(&self, place: &Place) -> std::borrow::Cow<'_, Effects> {
        let effects = self.effects(place);
        match self.effects.get() {
            Some((known, _)) if known != place => std::borrow::Cow::Owned(Effects::of(self, place)),
            _ => std::borrow::Cow::Borrowed(effects),
        }
    }

    /// Whether two readers may disagree about the arguments.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let read = Document::parse(self.input.as_bytes().to_vec().into(), &Limits::default());
        read.as_ref().is_err_and(JsonError::is_ambiguous)
    }
}

/// Not its arguments, which do not belong into logs.
impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("block", &self.block)
            .field("id", &self.id)
            .field("name", &self.name)
            .field("bytes", &self.input.len())
            .finish()
    }
}

/// A text or thinking block of a reply, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Which block of the reply it is.
    pub block: BlockId,
    /// What it says.
    pub text: String,
}

/// How a reply, or one choice of it, ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyEnd {
    /// Which choice; 0 where a dialect has one only.
    pub choice: u32,
    /// Why it ended, as the client will see it; `None` if the provider did not say.
    pub reason: Option<StopReason>,
    /// How many tool calls go out.
    pub tool_calls: usize,
    /// Whether any text went out.
    pub has_text: bool,
    /// Tokens, as far as the provider has said.
    pub usage: Usage,
}

impl ReplyEnd {
    /// Whether the model has finished its turn: it waits for the person, not for a tool.
    pub fn is_final(&self) -> bool {
        self.tool_calls == 0 && matches!(self.reason, None | Some(StopReason::EndTurn))
    }
}
