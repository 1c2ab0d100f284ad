//! What the end of an exchange tells: the reply, its messages, its calls, what it has cost.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use luthien_core::{reply::ReplyBlock, request::BlockKind};

use super::{
    super::{
        blocks,
        body::Stored,
        coding::Coder,
        reply::{self, Spoken},
        rows::CallRow,
        said::Said,
    },
    clean::{int, name_of},
    project::Projector,
    state::{OpenCall, Placed, ReadReply, State},
};
use crate::record::{ContentHash, Ended, Reply, Tokens, What, spool::Link};

/// Reads the replies of exchanges that have ended, and answers which messages they are made of.
pub(super) fn read_replies(state: &mut State, events: &[&Link]) -> BTreeSet<ContentHash> {
    let mut dialects = BTreeMap::new();
    let mut hashes = BTreeSet::new();
    for link in events {
        let id = name_of(&link.event.transaction_id);
        let ended = match &link.event.what {
            What::RequestReceived(asked) => {
                dialects.insert(id, asked.dialect.as_deref());
                continue;
            }
            What::Ended(ended) => ended,
            _ => continue,
        };
        let known = state.transactions.get(&*id);
        let known = known.and_then(|known| known.row.dialect.as_deref());
        let dialect = dialects.get(&id).copied().flatten().or(known);
        let read = read(state, dialect, ended);
        hashes.extend(read.spoken.iter().map(|spoken| spoken.message.hash));
        state.read.insert(id.into_owned(), read);
    }
    hashes
}

fn read(state: &State, dialect: Option<&str>, ended: &Ended) -> ReadReply {
    let blocks = |reply: &Reply| {
        let pieces = reply.pieces().map(|piece| state.replies.get(&piece));
        let bytes = joined(&pieces.collect::<Option<Vec<_>>>()?)?;
        let name = reply::dialect_name(dialect, &bytes)?;
        Some((name, reply::blocks(dialect, &reply.form, &bytes)))
    };
    let (name, blocks_of_client) = blocks(&ended.reply).unwrap_or_default();
    let provided = match &ended.provider_reply {
        Some(reply) => blocks(reply).unwrap_or_default().1,
        None => blocks_of_client.clone(),
    };
    let is_call = |block: &ReplyBlock| block.kind == BlockKind::ToolCall;
    ReadReply {
        spoken: reply::messages(name, &blocks_of_client),
        calls: provided.into_iter().filter(is_call).collect(),
    }
}

/// The pieces of a reply, one behind the other; `None` if there are none.
fn joined(pieces: &[&Bytes]) -> Option<Bytes> {
    match pieces {
        [] => None,
        [only] => Some(Bytes::clone(only)),
        pieces => Some(
            pieces
                .iter()
                .flat_map(|piece| piece.iter().copied())
                .collect(),
        ),
    }
}

impl Projector<'_> {
    pub(super) fn ended(&mut self, id: &str, at: i64, ended: &Ended) {
        let words = |text: &Option<Box<str>>| text.as_deref().map(|text| self.cleaner.words(text));
        let (reason, upstream) = (words(&ended.reason), words(&ended.upstream));
        let (answered, stop_reason) = (words(&ended.model), words(&ended.stop_reason));
        let reply = ended.reply.body.map(|body| self.state.content(body));
        let provider = ended.provider_reply.as_ref().and_then(|reply| reply.body);
        let provider = provider.map(|body| self.state.content(body));
        let price = self.price.cloned();
        let transaction = self.transaction(id.to_owned());
        let row = &mut transaction.row;
        let model = answered.as_deref().or(row.model.as_deref());
        let cost = price
            .zip(model)
            .and_then(|(price, model)| price(model, &ended.usage, at))
            .map(int);
        let tokens = [
            ended.usage.input,
            ended.usage.output,
            ended.usage.cache_read,
            ended.usage.cache_write,
            ended.usage.reasoning,
        ]
        .map(|tokens| tokens.map(int));
        row.ended_at = Some(at);
        row.ending = Some(ended.ending.name().to_owned());
        row.reason = reason;
        row.status = ended.status.map(i64::from);
        row.upstream = upstream;
        row.attempts = Some(ended.attempts.into());
        row.answered_model = answered;
        row.stop_reason = stop_reason;
        row.first_byte_us = ended.first_byte_us.map(int);
        row.duration_us = Some(int(ended.duration_us));
        [
            row.input_tokens,
            row.output_tokens,
            row.cache_read_tokens,
            row.cache_write_tokens,
            row.reasoning_tokens,
        ] = tokens;
        row.cost_micros = cost;
        row.reply_number = reply;
        row.reply_bytes = Some(int(ended.reply.bytes));
        row.provider_reply_number = provider;
        row.shed = Some(ended.shed);
        let session = transaction.session.clone();
        if let Some(session) = &session {
            self.total(session, id, at, ended, tokens, cost);
        }
        self.reply(id, session.as_deref());
    }

    /// Adds an exchange to the sums of its session and of its user.
    fn total(
        &mut self,
        session: &str,
        id: &str,
        at: i64,
        ended: &Ended,
        tokens: [Option<i64>; 5],
        cost: Option<i64>,
    ) {
        // An exchange without tokens, a refusal of ours, costs nothing, and nobody has to know a price for that.
        let unpriced = i64::from(cost.is_none() && ended.usage != Tokens::default());
        let [input, output, read, write, reasoning] = tokens.map(Option::unwrap_or_default);
        let user = self.state.transactions.get(id);
        let user = user.and_then(|transaction| transaction.row.user_id.clone());
        if let Some(session) = self.state.sessions.get_mut(session) {
            session.is_changed = true;
            let row = &mut session.row;
            row.last_at = row.last_at.max(at);
            *row.endings
                .entry(ended.ending.name().to_owned())
                .or_default() += 1;
            row.input_tokens = row.input_tokens.saturating_add(input);
            row.output_tokens = row.output_tokens.saturating_add(output);
            row.cache_read_tokens = row.cache_read_tokens.saturating_add(read);
            row.cache_write_tokens = row.cache_write_tokens.saturating_add(write);
            row.reasoning_tokens = row.reasoning_tokens.saturating_add(reasoning);
            row.cost_micros = row.cost_micros.saturating_add(cost.unwrap_or_default());
            row.unpriced += unpriced;
        }
        if let Some(row) = user.and_then(|user| self.state.users.get_mut(&user)) {
            row.last_at = row.last_at.max(at);
            row.input_tokens = row.input_tokens.saturating_add(input);
            row.output_tokens = row.output_tokens.saturating_add(output);
            row.cost_micros = row.cost_micros.saturating_add(cost.unwrap_or_default());
            row.unpriced += unpriced;
        }
    }

    /// The messages of the reply in their places, and its calls.
    fn reply(&mut self, id: &str, session: Option<&str>) {
        let Some(transaction) = self.state.transactions.get(id) else {
            return;
        };
        let number = transaction.row.number;
        let verdicts = transaction.verdicts.clone();
        let head = transaction.row.head_number;
        let depth = head.and_then(|head| self.state.nodes.get(&head)?.depth);
        let first = depth.map_or(0, |depth| depth + 1);
        let read = self.state.read.remove(id).unwrap_or_default();
        let mut calls = BTreeMap::new();
        let mut placed = Vec::new();
        for (at, spoken) in read.spoken.iter().enumerate() {
            let message = self.spoken(spoken);
            let place = first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
            self.state
                .changes
                .placed
                .push((number, place, message.message, true));
            for block in &spoken.blocks {
                calls.insert((block.id.clone(), block.block), message.message);
            }
            placed.push(message);
        }
        for (place, block) in read.calls.iter().enumerate() {
            let row = self.call(id, place, block, &verdicts, &calls);
            if let (Some(session), Some(call_id)) = (session, row.call_id.clone()) {
                let call = OpenCall {
                    transaction_id: id.to_owned(),
                    place: row.place,
                    call_id,
                };
                self.open(session, call);
            }
            self.state.changes.calls.push(row);
        }
        let session = session.and_then(|session| self.state.sessions.get_mut(session));
        let recent = session.and_then(|session| {
            session
                .recent
                .iter_mut()
                .find(|recent| recent.number == number)
        });
        if let Some(recent) = recent {
            recent.reply = placed;
        }
    }

    /// A message of a reply. If nobody has sent it yet, it is made.
    fn spoken(&mut self, spoken: &Spoken) -> Placed {
        let message = &spoken.message;
        let number = self.state.message(message.hash);
        let Some(state) = self.state.messages.get_mut(&number) else {
            return Placed {
                message: number,
                said: None,
                ours: false,
            };
        };
        if !state.has_body && state.stored.is_none() {
            let stored = Stored::of(message, self.plain, &mut Coder::new());
            let said = stored
                .document
                .as_ref()
                .map(blocks::blocks)
                .unwrap_or_default();
            "assistant".clone_into(&mut state.role);
            state.said = Some(Said::of("assistant", &said));
            state.stored = Some(stored);
            state.ours = true;
        }
        if !state.searchable {
            state.searchable = true;
            self.state.changes.searchable.push(number);
        }
        Placed {
            message: number,
            said: state.said,
            ours: state.ours,
        }
    }

    fn call(
        &self,
        id: &str,
        place: usize,
        block: &ReplyBlock,
        verdicts: &BTreeMap<i64, String>,
        calls: &BTreeMap<(Option<String>, luthien_core::reply::BlockId), i64>,
    ) -> CallRow {
        // By its id, should policies have moved it; a call without one is found by its place.
        let by_id = calls
            .iter()
            .find(|((id, _), _)| id.is_some() && *id == block.id);
        let message = by_id
            .map(|(_, message)| *message)
            .or_else(|| calls.get(&(block.id.clone(), block.block)).copied());
        let index = i64::from(block.block.index);
        CallRow {
            transaction_id: id.to_owned(),
            place: i64::try_from(place).unwrap_or(i64::MAX),
            call_id: block.id.as_deref().map(|id| self.cleaner.words(id)),
            name: self
                .cleaner
                .words(block.name.as_deref().unwrap_or_default()),
            block: index,
            message_number: message,
            input: message.is_none().then(|| self.cleaner.text(&block.input)),
            outcome: verdicts.get(&index).cloned(),
            result_message_number: None,
        }
    }
}
