use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::{Buf, Bytes};

use crate::{
    Dialect,
    dialect::{EventData, Needle, needle, value},
    json::{self, Document, Edits, JsonError, Limits},
    reply::{Event, Usage},
    sse::{Fields, with_data},
};

/// One frame of a reply: the bytes as they came, and on request what they say.
///
/// Of a stream, a chunk is exactly one event with its blank line; a reply that is not streamed is one chunk. The event
/// is decoded when somebody looks first, and shared from then on.
#[derive(Clone)]
pub struct Chunk {
    bytes: Bytes,
    origin: Origin,
    terminal: bool,
    refusal: Option<&'static str>,
    event: OnceLock<Arc<Event>>,
    usage: OnceLock<Option<Box<Usage>>>,
}

#[derive(Clone, Copy, Debug)]
enum Origin {
    Opaque,
    Event { dialect: Dialect, first: bool },
    Whole { dialect: Dialect },
}

impl Chunk {
    /// Bytes that nobody reads.
    pub fn opaque(bytes: Bytes) -> Self {
        Self::new(bytes, Origin::Opaque)
    }

    /// An event of a stream, blank line included.
    pub fn event_of(dialect: Dialect, bytes: Bytes) -> Self {
        Self::frame(dialect, bytes, false)
    }

    /// A reply that is not streamed.
    pub fn whole(dialect: Dialect, bytes: Bytes) -> Self {
        Self::new(bytes, Origin::Whole { dialect })
    }

    /// The last event of a stream that is refused, for the reason of this code.
    pub(crate) fn refusing(dialect: Dialect, bytes: Bytes, code: &'static str) -> Self {
        let mut chunk = Self::event_of(dialect, bytes);
        chunk.refusal = Some(code);
        chunk
    }

    /// A frame of a stream; `first` if it opens it.
    pub(super) fn frame(dialect: Dialect, bytes: Bytes, first: bool) -> Self {
        let mut chunk = Self::new(bytes, Origin::Event { dialect, first });
        // Asked of every chunk by every observer, so answered once, and without decoding most of them.
        chunk.terminal =
            dialect.may_be_terminal(&chunk.bytes) && chunk.event().is_some_and(Event::is_terminal);
        chunk
    }

    fn new(bytes: Bytes, origin: Origin) -> Self {
        Self {
            bytes,
            origin,
            terminal: false,
            refusal: None,
            event: OnceLock::new(),
            usage: OnceLock::new(),
        }
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes as they came.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Whether this is the terminal event of a stream (`message_stop`, `[DONE]`, `response.completed`, an error).
    /// Costs nothing.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The [code](crate::reject::Rejection::code) of the refusal, if this is the last event of a stream that one of us
    /// has cut. The provider did not send it, and the reply is not complete.
    pub fn refusal(&self) -> Option<&'static str> {
        self.refusal
    }

    /// The tokens that the chunk reports. Cheap for the many that report none.
    pub fn usage(&self) -> Option<&Usage> {
        static NAME: Needle = needle!(b"\"usage\"");
        let (dialect, first) = match self.origin {
            Origin::Opaque => return None,
            Origin::Event { dialect, first } => (dialect, Some(first)),
            Origin::Whole { dialect } => (dialect, None),
        };
        let read = || {
            // A value that is not seen may stand on the next `data:` line.
            let says_nothing = |rest| value(rest).is_some_and(|value| value.starts_with(b"null"));
            if NAME.rests(&self.bytes).all(says_nothing) {
                return None;
            }
            let data = match first {
                Some(first) => Fields::read(&self.bytes, first).data()?.clone(),
                None => self.bytes.clone(),
            };
            let document = Document::glance(data).ok()?;
            dialect.usage(document.root()).map(Box::new)
        };
        self.usage.get_or_init(read).as_deref()
    }

    /// About how many bytes of the model's words there are, as they stand there: found without reading what is around
    /// them, so a tool's input that is an object does not count.
    pub fn words(&self) -> usize {
        let (Origin::Event { dialect, .. } | Origin::Whole { dialect }) = self.origin else {
            return 0;
        };
        let strings = dialect
            .word_members()
            .iter()
            .flat_map(|member| member.values(&self.bytes));
        strings.filter_map(json::string_length).sum()
    }

    /// The data of the event, or the whole reply, if it is JSON that every reader understands alike.
    pub fn document(&self) -> Option<Document> {
        let data = match self.origin {
            Origin::Opaque => return None,
            Origin::Event { first, .. } => Fields::read(&self.bytes, first).data()?.clone(),
            Origin::Whole { .. } => self.bytes.clone(),
        };
        Document::parse(data, &Limits::default()).ok()
    }

    /// The chunk with these changes to its [`document`](Self::document). Without changes, the same bytes.
    pub fn edited(&self, document: &Document, edits: Edits) -> Self {
        if edits.is_empty() {
            return self.clone();
        }
        let data = edits.apply(document.bytes());
        match self.origin {
            Origin::Opaque => self.clone(),
            Origin::Event { dialect, first } => {
                Self::frame(dialect, with_data(&self.bytes, first, &data), first)
            }
            Origin::Whole { dialect } => Self::whole(dialect, data),
        }
    }

    /// What the chunk says; `None` if it is not meant to be read. What cannot be read says so, see
    /// [`Event::is_unreadable`].
    pub fn event(&self) -> Option<&Event> {
        match self.origin {
            Origin::Opaque => None,
            Origin::Event { dialect, first } => Some(
                self.event
                    .get_or_init(|| Arc::new(read_event(dialect, &self.bytes, first))),
            ),
            Origin::Whole { dialect } => Some(
                self.event
                    .get_or_init(|| Arc::new(read_whole(dialect, &self.bytes))),
            ),
        }
    }
}

fn read_event(dialect: Dialect, frame: &Bytes, first: bool) -> Event {
    let fields = Fields::read(frame, first);
    // A comment, or a blank line.
    let Some(data) = fields.data() else {
        return Event::default();
    };
    let document = Document::parse(data.clone(), &Limits::default());
    let json = document.as_ref().ok().map(Document::root);
    let (parts, terminal) = dialect.read_event(EventData { data, json });
    // What a client calls the event: Anthropic's and the Responses' clients look at either.
    let named_otherwise = match (fields.event(), json.and_then(|json| json.get("type"))) {
        (Some(name), Some(kind)) if dialect != Dialect::Chat => {
            std::str::from_utf8(name).map_or(true, |name| !kind.is_str(name))
        }
        _ => false,
    };
    Event {
        ambiguous: named_otherwise
            || json.is_some_and(|json| dialect.is_ambiguous(json, &parts))
            || document.as_ref().is_err_and(JsonError::is_ambiguous),
        unreadable: json.is_none() && !terminal,
        parts,
        terminal,
    }
}

fn read_whole(dialect: Dialect, bytes: &Bytes) -> Event {
    match Document::parse(bytes.clone(), &Limits::default()) {
        Ok(document) => {
            let parts = dialect.read_whole(document.root(), bytes);
            Event {
                ambiguous: dialect.is_ambiguous_whole(document.root(), &parts),
                parts,
                terminal: true,
                ..Event::default()
            }
        }
        Err(error) => Event {
            terminal: true,
            ambiguous: error.is_ambiguous(),
            unreadable: true,
            ..Event::default()
        },
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.bytes.copy_to_bytes(len)
    }
}

/// Shows how long it is, not what it says: replies do not belong into logs.
impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            origin,
            terminal,
            ..
        } = self;
        write!(
            f,
            "Chunk({} bytes, {origin:?}, terminal: {terminal})",
            bytes.len()
        )
    }
}
