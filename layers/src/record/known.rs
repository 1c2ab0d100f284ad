//! What is in the record already, as far as it is remembered. What was forgotten is written once more, and does no harm.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use bytes::Bytes;

use super::{ContentHash, Mark};

/// How many hashes a generation remembers.
const HASHES: usize = 1 << 16;
/// How many bytes of conversations are kept, to compare the next turn with.
const TURNS: usize = 64 << 20;

/// Hashes of what was written.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashSet<ContentHash>,
    old: HashSet<ContentHash>,
}

impl Known {
    /// Whether it must be written: from now on it is known.
    pub(super) fn is_new(&mut self, hash: ContentHash) -> bool {
        if self.young.contains(&hash) {
            return false;
        }
        if self.young.len() >= HASHES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash);
        !self.old.contains(&hash)
    }
}

/// The messages of a turn, and what they became.
#[derive(Debug, Default)]
pub(super) struct Turn {
    bytes: Bytes,
    messages: Vec<(Range<usize>, ContentHash, Vec<Mark>)>,
}

impl Turn {
    pub(super) fn new(bytes: Bytes, messages: usize) -> Self {
        let messages = Vec::with_capacity(messages);
        Self { bytes, messages }
    }

    /// Whether the message at a place is word for word the one in `bytes`.
    pub(super) fn says(&self, at: usize, bytes: &Bytes, span: Range<usize>) -> bool {
        let own = self
            .messages
            .get(at)
            .and_then(|(own, ..)| self.bytes.get(own.clone()));
        own.is_some() && own == bytes.get(span)
    }

    pub(super) fn known(&self, at: usize) -> Option<(&ContentHash, &[Mark])> {
        let (_, node, marks) = self.messages.get(at)?;
        Some((node, marks))
    }

    pub(super) fn add(&mut self, span: Range<usize>, node: ContentHash, marks: Vec<Mark>) {
        self.messages.push((span, node, marks));
    }
}

/// The last turn of each conversation.
#[derive(Debug, Default)]
pub(super) struct Turns {
    young: HashMap<Box<str>, Turn>,
    old: HashMap<Box<str>, Turn>,
    bytes: usize,
}

impl Turns {
    /// The last turn of a conversation, which the caller [puts back](Self::put) as the next.
    pub(super) fn take(&mut self, conversation: &str) -> Turn {
        let young = self.young.remove(conversation);
        if let Some(turn) = &young {
            self.bytes -= turn.bytes.len().min(self.bytes);
        }
        young
            .or_else(|| self.old.remove(conversation))
            .unwrap_or_default()
    }

    pub(super) fn put(&mut self, conversation: &str, turn: Turn) {
        let length = turn.bytes.len();
        if self.bytes + length > TURNS / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        if length <= TURNS / 2 {
            self.bytes += length;
            self.young.insert(conversation.into(), turn);
        }
    }
}
