use crate::{Dialect, body::Chunk};

/// A well-formed reply of our own, in place of the model's: one text, no tokens used, the turn is over.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// What it says.
    pub text: &'a str,
    /// The model that was asked, if it was named.
    pub model: Option<&'a str>,
    /// Now, in Unix seconds: some dialects date their replies.
    pub created: u64,
    /// The unique part of the ids in it: letters, digits, `_`.
    pub id: &'a str,
}

impl Answer<'_> {
    /// As a stream: its events, one chunk each. Else one chunk.
    pub fn chunks(&self, dialect: Dialect, stream: bool) -> Vec<Chunk> {
        dialect.answer(self, stream)
    }

    /// The content type of such a reply.
    pub fn content_type(stream: bool) -> &'static str {
        if stream {
            "text/event-stream"
        } else {
            "application/json"
        }
    }

    /// The model's name, which no dialect can do without.
    pub(crate) fn model(&self) -> &str {
        self.model.unwrap_or("luthien")
    }
}
