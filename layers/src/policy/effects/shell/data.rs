//! What one command writes into the next.

use std::rc::Rc;

use super::MAX_TEXT;

/// What is known of it. Texts may hold [marks](super::super::mark).
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Data {
    /// The text, if it is known.
    pub(in super::super) text: Option<String>,
    /// Its bytes, if they are known, and no text.
    pub(in super::super) bytes: Option<Rc<[u8]>>,
    /// It comes from there.
    pub(in super::super) remote: Option<String>,
    /// Keys, tokens or the like.
    pub(in super::super) is_secret: bool,
    /// There is something, and nobody knows what.
    pub(in super::super) is_hidden: bool,
    /// It is code that is meant for shells, from a program that people trust with that.
    pub(in super::super) is_for_shells: bool,
    /// Whose secret it is, if it is the token of a service that is known.
    pub(in super::super) service: Option<char>,
    /// It is what stands in files, or tells of them.
    pub(in super::super) is_content: bool,
    /// The same in a form in which it can be carried away.
    pub(in super::super) is_packed: bool,
    /// It is what somebody keeps for themselves: a database, a home, a whole repository, or what has been sealed.
    pub(in super::super) is_private: bool,
    /// It was packed or in other letters, and nobody knows what came out.
    pub(in super::super) is_sealed: bool,
    /// It never ends.
    pub(in super::super) is_endless: bool,
}

impl Data {
    pub(in super::super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }

    pub(in super::super) fn hidden() -> Self {
        Self {
            is_hidden: true,
            ..Self::default()
        }
    }

    /// Whether there is anything that could be code.
    pub(in super::super) fn is_any(&self) -> bool {
        self.text.is_some() || self.remote.is_some() || self.is_hidden
    }

    /// The same origin with other text.
    pub(in super::super) fn with_text(&self, text: Option<String>) -> Self {
        // What is longer is not looked at, and so not known.
        let text = text.filter(|text| text.len() <= MAX_TEXT);
        Self {
            is_hidden: self.is_hidden || (text.is_none() && self.is_any()),
            is_sealed: self.is_sealed && text.is_none(),
            text,
            bytes: None,
            ..self.clone()
        }
    }

    /// The same origin with other bytes, which may be a text.
    pub(in super::super) fn with_bytes(&self, bytes: Option<Vec<u8>>) -> Self {
        let (text, bytes) = match bytes.map(String::from_utf8) {
            Some(Ok(text)) => (Some(text), None),
            Some(Err(error)) => (None, Some(error.into_bytes())),
            None => (None, None),
        };
        let bytes = bytes.filter(|bytes| bytes.len() <= MAX_TEXT);
        let data = self.with_text(text);
        Self {
            is_hidden: data.is_hidden || data.text.is_none(),
            is_sealed: data.text.is_none(),
            bytes: bytes.map(Rc::from),
            ..data
        }
    }

    /// One after the other.
    pub(in super::super) fn and(self, other: Self) -> Self {
        let is_for_shells = match (self.is_any(), other.is_any()) {
            (_, false) => self.is_for_shells,
            (false, true) => other.is_for_shells,
            (true, true) => self.is_for_shells && other.is_for_shells,
        };
        let bytes = match (self.is_any(), other.is_any()) {
            (_, false) => self.bytes,
            (false, true) => other.bytes,
            (true, true) => None,
        };
        let mut is_long = false;
        let text = match (self.text, other.text) {
            (Some(text), Some(more)) if text.len() + more.len() > MAX_TEXT => {
                is_long = true;
                drop((text, more));
                None
            }
            (Some(mut text), Some(more)) => {
                text.push_str(&more);
                Some(text)
            }
            (text, more) => text.or(more),
        };
        Self {
            text,
            bytes,
            remote: self.remote.or(other.remote),
            is_secret: self.is_secret || other.is_secret,
            is_hidden: self.is_hidden || other.is_hidden || is_long,
            is_for_shells,
            service: self.service.or(other.service),
            is_content: self.is_content || other.is_content,
            is_packed: self.is_packed || other.is_packed,
            is_private: self.is_private || other.is_private,
            is_sealed: self.is_sealed || other.is_sealed,
            is_endless: self.is_endless || other.is_endless,
        }
    }
}
