//! LLM requests: the bytes a client sent, and where in them the model, the messages and the tools are.
//!
//! [`LlmBody`] is the body that every room receives. What it holds is either a call, an [`LlmRequest`] that was looked
//! at once, or opaque: a body nobody reads, on its way through. An untouched call goes up byte for byte;
//! [`LlmBody::edit`] replaces spans and leaves every other byte alone.
//!
//! ```
//! use luthien_core::{
//!     Dialect,
//!     json::{Limits, quote},
//!     request::{Content, LlmBody, LlmRequest},
//! };
//!
//! let sent = r#"{"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "Say hello"}], "x": 1.0}"#;
//! let request = LlmRequest::parse(Dialect::Anthropic, sent.into(), &Limits::default())?;
//! assert_eq!(request.model(), Some("claude-opus-5-5"));
//! for message in request.messages() {
//!     for block in message.blocks() {
//!         assert!(matches!(block.content, Content::Text { text } if text.is("Say hello")));
//!     }
//! }
//!
//! let mut body = LlmBody::from(request);
//! body.edit(|request, edits| edits.set_member(request.root(), "model", quote("claude-haiku-4-5")))?;
//! assert_eq!(body.call().unwrap().bytes(), &sent.replace("opus-5-5", "haiku-4-5"));
//! # Ok::<(), luthien_core::request::RequestError>(())
//! ```

mod body;
mod layout;
mod pattern;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;

use bytes::Bytes;

pub use body::LlmBody;
pub(crate) use body::Repr;
pub(crate) use layout::Layout;
pub use layout::Shape;
pub use pattern::ModelPattern;
pub(crate) use view::Tie;
pub use view::{
    Block, BlockKind, Content, Message, Role, Tool, ToolCall, ToolInput, ToolLink, ToolResult,
};

use crate::{
    Dialect,
    json::{Document, Json, JsonError, Kind, Limits},
    reject::{Rejection, RejectionKind},
};

/// One call of a model, as its client wrote it.
#[derive(Debug)]
pub struct LlmRequest {
    dialect: Dialect,
    document: Document,
    limits: Limits,
    shape: Shape,
    model: Option<Box<str>>,
    stream: bool,
}

impl LlmRequest {
    /// Looks at a request once. Only what two readers could read differently is refused; whether the provider will
    /// like it is the provider's to say.
    ///
    /// # Errors
    ///
    /// If the body is not JSON that every reader understands alike, exceeds `limits`, is no object, or spells a key
    /// that is read in other letter case (`"Messages"`): providers exist that would take it for the same.
    pub fn parse(dialect: Dialect, bytes: Bytes, limits: &Limits) -> Result<Self, RequestError> {
        let document = Document::parse(bytes, limits)?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(RequestError::NotAnObject);
        }
        let layout = dialect.layout();
        layout::check_spelling(&document)?;
        let shape = layout.shape(root);
        let text = |name| Some(root.get(name)?.as_str()?.decode());
        let model = text("model").map(|model| model.into_owned().into_boxed_str());
        let stream = root
            .get("stream")
            .and_then(|stream| stream.as_bool())
            .unwrap_or(false);
        Ok(Self {
            dialect,
            limits: *limits,
            shape,
            model,
            stream,
            document,
        })
    }

    /// The dialect of the request and of its reply.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The body as it came, or as edits have left it.
    pub fn bytes(&self) -> &Bytes {
        self.document.bytes()
    }

    /// The whole request as JSON, for what this type has no word for.
    pub fn root(&self) -> Json<'_> {
        self.document.root()
    }

    /// The model asked for, if it is named.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Whether the reply is asked for as a stream. What arrives may be something else.
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// How many messages, blocks and tools there are.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The most tokens the client wants back, if it said so.
    pub fn max_output_tokens(&self) -> Option<u64> {
        let names = self.dialect.layout().max_output_tokens;
        names
            .iter()
            .find_map(|name| self.root().get(name)?.as_u64())
    }

    /// What the system is told outside the messages: Anthropic's `system`, the Responses' `instructions`.
    pub fn system(&self) -> impl Iterator<Item = Block<'_>> {
        view::blocks(
            self.dialect,
            self.dialect
                .layout()
                .system
                .and_then(|name| self.root().get(name)),
        )
    }

    /// The conversation so far. In the Responses dialect every input item is one message.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        let list = self.root().get(self.dialect.layout().messages);
        // A lone string is one message of the user.
        let lone = list
            .filter(|list| list.kind() == Kind::String)
            .map(|text| Message::lone(self.dialect, text));
        let items = list.into_iter().flat_map(|list| list.items());
        lone.into_iter()
            .chain(items.map(|item| self.dialect.message(item)))
    }

    /// The last message, without looking at those before it.
    pub fn last_message(&self) -> Option<Message<'_>> {
        let list = self.root().get(self.dialect.layout().messages)?;
        match list.kind() {
            Kind::String => Some(Message::lone(self.dialect, list)),
            _ => list.items().last().map(|item| self.dialect.message(item)),
        }
    }

    /// Every tool call and every result in the conversation that has an id, in order. Cheaper than looking at the blocks.
    pub fn tool_links(&self) -> Vec<ToolLink<'_>> {
        let mut links = Vec::new();
        let Some(list) = self.root().get(self.dialect.layout().messages) else {
            return links;
        };
        for (message, item) in list.items().enumerate() {
            self.dialect.ties(item, |block, (is_result, id)| {
                links.push(ToolLink {
                    message,
                    block,
                    is_result,
                    id,
                });
            });
        }
        links
    }

    /// The tools on offer.
    pub fn tools(&self) -> impl Iterator<Item = Tool<'_>> {
        let lists = self
            .dialect
            .layout()
            .tools
            .iter()
            .filter_map(|name| self.root().get(name));
        lists.flat_map(|list| list.items()).map(Tool::new)
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// Why a request cannot be read in one way only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not sound JSON, or beyond its limits.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The body is JSON, but no object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A key that is read, in other letter case.
    #[error("ambiguous key {0:?}: some readers take it for {known:?}", known = layout::fold(.0))]
    AmbiguousKey(String),
}

impl From<RequestError> for Rejection {
    fn from(error: RequestError) -> Self {
        let code = match &error {
            RequestError::Json(json) if !json.is_ambiguous() => "invalid_json",
            RequestError::NotAnObject => "invalid_json",
            _ => "ambiguous_json",
        };
        Rejection::new(RejectionKind::InvalidRequest, error.to_string()).with_code(code)
    }
}

/// Shows what kind of thing it is, never what was said: bodies do not belong into logs.
impl fmt::Debug for LlmBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call() {
            Some(call) => f
                .debug_tuple("LlmBody")
                .field(&call.dialect)
                .field(&call.shape)
                .finish(),
            None => f.write_str("LlmBody(opaque)"),
        }
    }
}
