//! What one command writes into the next.

use super::MAX_TEXT;

/// What is known of it. Texts may hold [marks](super::super::mark).
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Data {
    /// The text, if it is known.
    pub(in super::super) text: Option<String>,
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
            text,
            ..self.clone()
        }
    }

    /// One after the other.
    pub(in super::super) fn and(self, other: Self) -> Self {
        let is_for_shells = match (self.is_any(), other.is_any()) {
            (_, false) => self.is_for_shells,
            (false, true) => other.is_for_shells,
            (true, true) => self.is_for_shells && other.is_for_shells,
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
            remote: self.remote.or(other.remote),
            is_secret: self.is_secret || other.is_secret,
            is_hidden: self.is_hidden || other.is_hidden || is_long,
            is_for_shells,
            service: self.service.or(other.service),
            is_content: self.is_content || other.is_content,
            is_packed: self.is_packed || other.is_packed,
            is_endless: self.is_endless || other.is_endless,
        }
    }
}
