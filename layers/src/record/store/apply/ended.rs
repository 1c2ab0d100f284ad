//! What the end of an exchange tells: the reply, its messages, its calls, what it has cost.

use std::collections::HashMap;

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
    clean::int,
    project::Projector,
    state::{OpenCall, Placed},
};
use crate::record::{Ended, Message, Reply, Tokens};

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
        self.reply(id, session.as_deref(), ended);
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
    fn reply(&mut self, id: &str, session: Option<&str>, ended: &Ended) {
        let Some(transaction) = self.state.transactions.get(id) else {
            return;
        };
        let number = transaction.row.number;
        let dialect = transaction.row.dialect.clone();
        let verdicts = transaction.verdicts.clone();
        let head = transaction.row.head_number;
        let depth = head.and_then(|head| self.state.nodes.get(&head)?.depth);
        let first = depth.map_or(0, |depth| depth + 1);
        let blocks = self.blocks(dialect.as_deref(), Some(&ended.reply));
        let provided = self.blocks(dialect.as_deref(), ended.provider_reply.as_ref());
        let name = blocks
            .1
            .as_deref()
            .or(dialect.as_deref())
            .unwrap_or_default();
        let mut calls = HashMap::new();
        let mut placed = Vec::new();
        for (at, spoken) in reply::messages(name, &blocks.0).into_iter().enumerate() {
            let message = self.spoken(&spoken);
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
        let all = if ended.provider_reply.is_some() {
            &provided.0
        } else {
            &blocks.0
        };
        let is_call = |block: &&ReplyBlock| block.kind == BlockKind::ToolCall;
        for (place, block) in all.iter().filter(is_call).enumerate() {
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

    /// The blocks of a reply, and the dialect they were found in.
    fn blocks(
        &self,
        dialect: Option<&str>,
        reply: Option<&Reply>,
    ) -> (Vec<ReplyBlock>, Option<String>) {
        let bytes: Option<&Bytes> = reply
            .and_then(|reply| reply.body)
            .and_then(|body| self.state.replies.get(&body));
        let Some((reply, bytes)) = reply.zip(bytes) else {
            return (Vec::new(), None);
        };
        let name = reply::dialect_name(dialect, bytes).map(str::to_owned);
        (reply::blocks(dialect, &reply.form, bytes), name)
    }

    /// A message of a reply. If nobody has sent it yet, it is made.
    fn spoken(&mut self, spoken: &Spoken) -> Placed {
        let message = Message::new(spoken.body.clone(), Vec::new());
        let number = self.state.message(message.hash);
        let Some(state) = self.state.messages.get_mut(&number) else {
            return Placed {
                message: number,
                said: None,
                ours: false,
            };
        };
        if !state.has_body && state.stored.is_none() {
            let stored = Stored::of(&message, &mut Coder::new());
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
        verdicts: &std::collections::BTreeMap<i64, String>,
        calls: &HashMap<(Option<String>, luthien_core::reply::BlockId), i64>,
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
