//! What is known of the record while a batch is applied: what was there, and what comes to it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use luthien_core::{json::Document, reply::ReplyBlock};

use super::super::{
    body::Stored,
    reply::Spoken,
    rows::{CallRow, DecisionRow, EventRow, SessionRow, TransactionRow, UserRow},
    said::Said,
};
use crate::record::ContentHash;

/// The last number that was given out, for each table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    pub(super) contents: i64,
    pub(super) messages: i64,
    pub(super) nodes: i64,
    pub(super) sessions: i64,
    pub(super) transactions: i64,
    pub(super) events: i64,
}

/// The next number.
pub(super) fn next(last: &mut i64) -> i64 {
    *last += 1;
    *last
}

/// A content that is there, or of which somebody speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContentState {
    pub(super) number: i64,
    /// Whether its body is there.
    pub(super) has_body: bool,
}

#[derive(Debug)]
pub(super) struct MessageState {
    pub(super) number: i64,
    pub(super) hash: ContentHash,
    pub(super) said: Option<Said>,
    pub(super) role: String,
    /// Its body, if it comes with this batch.
    pub(super) stored: Option<Stored>,
    /// What its body says, if somebody needed to know.
    pub(super) loaded: Option<Document>,
    pub(super) ours: bool,
    pub(super) searchable: bool,
    /// Whether a row of it is in the database, or only its number is taken.
    pub(super) is_kept: bool,
    pub(super) has_body: bool,
}

#[derive(Clone, Debug)]
pub(super) struct NodeState {
    pub(super) hash: ContentHash,
    pub(super) parent: Option<i64>,
    pub(super) root: Option<i64>,
    pub(super) message: Option<i64>,
    pub(super) depth: Option<i64>,
    pub(super) gap: Option<Vec<u8>>,
    /// The first transaction that brought it, and that one's session.
    pub(super) transaction: Option<i64>,
    pub(super) session: Option<i64>,
    /// Whether it has to be written.
    pub(super) is_changed: bool,
}

/// What a reply says.
#[derive(Debug, Default)]
pub(super) struct ReadReply {
    /// The messages that the client got.
    pub(super) spoken: Vec<Spoken>,
    /// The calls that the provider has sent.
    pub(super) calls: Vec<ReplyBlock>,
}

/// A message in its place in a transaction.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) message: i64,
    pub(super) said: Option<Said>,
    pub(super) ours: bool,
}

/// A transaction as far as those after it need to know it.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    pub(super) number: i64,
    pub(super) head: Option<i64>,
    /// From which it goes on, and how many messages it has in common with that one.
    pub(super) follows: Option<i64>,
    pub(super) shared: i64,
    /// What the first message of its conversation says.
    pub(super) root_said: Option<Said>,
    /// The messages of its reply.
    pub(super) reply: Vec<Placed>,
}

/// A call whose result has not come.
#[derive(Clone, Debug)]
pub(super) struct OpenCall {
    pub(super) transaction_id: String,
    pub(super) place: i64,
    pub(super) call_id: String,
}

#[derive(Debug)]
pub(super) struct SessionState {
    pub(super) row: SessionRow,
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
    /// The last transactions, the latest last.
    pub(super) recent: Vec<Recent>,
    pub(super) open: Vec<OpenCall>,
    /// The places of all messages that it has: asked for when somebody needs to know.
    pub(super) seen: Option<BTreeSet<(i64, i64)>>,
}

#[derive(Debug)]
pub(super) struct TransactionState {
    pub(super) row: TransactionRow,
    /// The session's name.
    pub(super) session: Option<String>,
    pub(super) is_changed: bool,
    /// The gravest decision about each block that is a call.
    pub(super) verdicts: BTreeMap<i64, String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last: Numbers,
    pub(super) contents: BTreeMap<ContentHash, ContentState>,
    pub(super) messages: BTreeMap<i64, MessageState>,
    pub(super) message_numbers: BTreeMap<ContentHash, i64>,
    pub(super) nodes: BTreeMap<i64, NodeState>,
    pub(super) node_numbers: BTreeMap<ContentHash, i64>,
    pub(super) sessions: BTreeMap<String, SessionState>,
    pub(super) transactions: BTreeMap<String, TransactionState>,
    pub(super) users: BTreeMap<String, UserRow>,
    /// The bodies of replies that this batch speaks of.
    pub(super) replies: BTreeMap<ContentHash, Bytes>,
    /// What they say, by transaction.
    pub(super) read: BTreeMap<String, ReadReply>,
    pub(super) changes: Changes,
}

/// Rows that are only added.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) events: Vec<EventRow>,
    pub(super) decisions: Vec<DecisionRow>,
    pub(super) calls: Vec<CallRow>,
    /// Transaction, place, message, whether it is of the reply.
    pub(super) placed: Vec<(i64, i64, i64, bool)>,
    /// Calls that were open: transaction, place, the message that holds the result.
    pub(super) results: Vec<(String, i64, i64)>,
    /// A message of ours that its client has said again: it takes the place of ours.
    pub(super) repeated: Vec<i64>,
    /// The same, if theirs had come before that was known: ours, theirs.
    pub(super) replaced: Vec<(i64, i64)>,
    /// Messages whose words are to be found.
    pub(super) searchable: Vec<i64>,
}

/// What has to be read before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The way from this node up to this depth.
    Path(i64, i64),
    /// This transaction, in this session.
    Recent(String, i64),
    /// All places of messages in this session.
    Seen(String),
    /// What these messages say.
    Bodies(Vec<i64>),
}

impl MessageState {
    /// What it says, as far as that is at hand.
    pub(super) fn document(&self) -> Option<&Document> {
        let stored = self.stored.as_ref();
        stored
            .and_then(|stored| stored.document.as_ref())
            .or(self.loaded.as_ref())
    }

    /// Whether what it says is to be had.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.has_body && self.stored.is_none() && self.loaded.is_none()
    }
}

impl State {
    /// The number of a content; one that nobody knows gets one.
    pub(super) fn content(&mut self, hash: ContentHash) -> i64 {
        let last = &mut self.last.contents;
        let state = self.contents.entry(hash).or_insert_with(|| ContentState {
            number: next(last),
            has_body: false,
        });
        state.number
    }

    /// The number of a message; one that nobody knows gets one.
    pub(super) fn message(&mut self, hash: ContentHash) -> i64 {
        if let Some(number) = self.message_numbers.get(&hash) {
            return *number;
        }
        let number = next(&mut self.last.messages);
        self.message_numbers.insert(hash, number);
        let state = MessageState {
            number,
            hash,
            said: None,
            role: String::new(),
            stored: None,
            loaded: None,
            ours: false,
            searchable: false,
            is_kept: false,
            has_body: false,
        };
        self.messages.insert(number, state);
        number
    }

    /// The number of a node; one that nobody knows gets one.
    pub(super) fn node(&mut self, hash: ContentHash) -> i64 {
        if let Some(number) = self.node_numbers.get(&hash) {
            return *number;
        }
        let number = next(&mut self.last.nodes);
        self.node_numbers.insert(hash, number);
        let state = NodeState {
            hash,
            parent: None,
            root: None,
            message: None,
            depth: None,
            gap: None,
            transaction: None,
            session: None,
            is_changed: true,
        };
        self.nodes.insert(number, state);
        number
    }

    /// What the message of a node says.
    pub(super) fn said(&self, node: i64) -> Option<Said> {
        let message = self.nodes.get(&node)?.message?;
        self.messages.get(&message)?.said
    }
}
