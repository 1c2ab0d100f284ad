//! What is in the record already, as far as it is remembered. What was forgotten is written once more, and does no harm.

use std::{collections::HashMap, hash::Hash, ops::Range};

use bytes::Bytes;

use super::{ContentHash, Mark};

/// How many bytes of conversations are kept, to compare the next turn with.
const TURNS: usize = 32 << 20;

/// A map that forgets what was put in long ago.
#[derive(Debug)]
pub(super) struct Aging<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation: usize,
}

/// Hashes of what was written.
pub(super) type Known = Aging<ContentHash, ()>;

impl<K: Hash + Eq, V> Aging<K, V> {
    /// A map of `generation` to twice as many entries.
    pub(super) fn new(generation: usize) -> Self {
        let (young, old) = (HashMap::new(), HashMap::new());
        Self {
            young,
            old,
            generation,
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }
}

impl Known {
    /// Whether it must be written: from now on it is known.
    pub(super) fn is_new(&mut self, hash: ContentHash) -> bool {
        if self.young.contains_key(&hash) {
            return false;
        }
        let is_new = !self.old.contains_key(&hash);
        self.insert(hash, ());
        is_new
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
