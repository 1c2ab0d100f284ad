//! What a batch consists of, each thing once, and what it speaks of.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{blocks, body::Stored, coding::Coder, said::Said},
    clean::name_of,
    state::State,
};
use crate::record::{
    Content, ContentHash, Message, Node, Reply, Request, What,
    spool::{Kept, Link},
};

/// A batch, sorted.
#[derive(Debug, Default)]
pub(super) struct Gathered<'a> {
    pub(super) contents: BTreeMap<ContentHash, &'a Content>,
    pub(super) messages: BTreeMap<ContentHash, &'a Message>,
    /// In the order in which they came: parents first.
    pub(super) nodes: Vec<&'a Node>,
    pub(super) events: Vec<&'a Link>,
    /// All that is here or spoken of.
    pub(super) content_hashes: BTreeSet<ContentHash>,
    pub(super) message_hashes: BTreeSet<ContentHash>,
    pub(super) node_hashes: BTreeSet<ContentHash>,
    /// Replies that will have to be read.
    pub(super) reply_hashes: BTreeSet<ContentHash>,
    pub(super) transactions: BTreeSet<String>,
    pub(super) users: BTreeSet<String>,
}

impl<'a> Gathered<'a> {
    pub(super) fn of(kept: &'a [Kept]) -> Self {
        let mut batch = Self::default();
        for kept in kept {
            match kept {
                Kept::Content(content) => {
                    batch.content_hashes.insert(content.hash);
                    batch.contents.insert(content.hash, content);
                }
                Kept::Message(message) => {
                    batch.message_hashes.insert(message.hash);
                    batch.messages.insert(message.hash, message);
                }
                Kept::Node(node) => {
                    batch.message_hashes.insert(node.message);
                    batch.node_hashes.extend([node.id, node.parent]);
                    batch.nodes.push(node);
                }
                Kept::Event(link) => batch.event(link),
            }
        }
        batch.node_hashes.remove(&ContentHash::NONE);
        batch
    }

    fn event(&mut self, link: &'a Link) {
        self.events.push(link);
        let id = name_of(&link.event.transaction_id).into_owned();
        self.transactions.insert(id);
        match &link.event.what {
            What::RequestReceived(asked) => {
                let user = asked.user.as_ref();
                self.users
                    .extend(user.map(|user| name_of(&user.id).into_owned()));
                if let Some(request) = &asked.request {
                    self.request(request);
                }
            }
            What::RequestChanged(request) => self.request(request),
            What::Ended(ended) => {
                let replies = [Some(&ended.reply), ended.provider_reply.as_ref()];
                let bodies = replies.into_iter().flatten().flat_map(Reply::pieces);
                for body in bodies {
                    self.content_hashes.insert(body);
                    self.reply_hashes.insert(body);
                }
            }
            What::PolicyDecided(_) | What::PolicySaid(_) | What::PoliciesCovered(_) => {}
        }
    }

    fn request(&mut self, request: &Request) {
        self.content_hashes.extend(request.frame);
        self.node_hashes.extend(request.head);
    }

    /// Adds messages and nodes to what is known.
    pub(super) fn enter(&self, state: &mut State, plain: usize, coder: &mut Coder) {
        for message in self.messages.values() {
            let number = state.message(message.hash);
            let Some(known) = state.messages.get_mut(&number) else {
                continue;
            };
            if known.has_body || known.stored.is_some() {
                continue;
            }
            let stored = Stored::of(message, plain, coder);
            match &stored.document {
                Some(document) => {
                    known.role = blocks::role(document);
                    known.said = Some(Said::of(&known.role, &blocks::blocks(document)));
                }
                None => known.said = Some(Said::of_bytes(message.hash)),
            }
            known.stored = Some(stored);
        }
        for node in &self.nodes {
            enter(state, node);
        }
        for hash in &self.content_hashes {
            state.content(*hash);
        }
    }
}

fn enter(state: &mut State, node: &Node) {
    let parent = (node.parent != ContentHash::NONE).then(|| state.node(node.parent));
    let message = state.message(node.message);
    let number = state.node(node.id);
    let root = match parent {
        None => Some(number),
        Some(parent) => state.nodes.get(&parent).and_then(|parent| parent.root),
    };
    let Some(known) = state.nodes.get_mut(&number) else {
        return;
    };
    if known.depth.is_some() {
        return;
    }
    known.parent = parent;
    known.root = root;
    known.message = Some(message);
    known.depth = Some(node.depth.into());
    known.gap = node.gap.as_deref().map(|gap| gap.as_bytes().to_vec());
    known.is_changed = true;
}
