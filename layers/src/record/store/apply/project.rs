//! From events to rows.

use super::{
    super::{
        Price,
        blocks::{self, BlockKind},
        rows::{DecisionRow, SessionRow, TransactionRow, UserRow},
    },
    clean::{Cleaner, int},
    preview,
    state::{Need, OpenCall, Placed, Recent, SessionState, State, TransactionState, next},
    thread::thread,
};
use crate::record::{Asked, ContentHash, Decided, Event, Request, User, What};

/// Projects events onto rows, one after another.
pub(super) struct Projector<'a> {
    pub(super) state: &'a mut State,
    pub(super) cleaner: &'a Cleaner,
    pub(super) price: Option<&'a Price>,
    /// How long a message may be that is not compressed.
    pub(super) plain: usize,
}

/// The name of the session that a request belongs to. What its client does not name is named after its tree.
pub(super) fn session_of(state: &State, asked: &Asked) -> String {
    if let Some(session) = &asked.session {
        return super::clean::name_of(session).into_owned();
    }
    let head = asked.request.as_ref().and_then(|request| request.head);
    let node = head.and_then(|head| state.nodes.get(state.node_numbers.get(&head)?));
    let root = node.and_then(|node| Some(state.nodes.get(&node.root?)?.hash));
    let root = root.or(head).unwrap_or(ContentHash::NONE);
    let caller = asked.caller.as_deref().unwrap_or_default();
    let tree = ContentHash::of_all(&[caller.as_bytes(), &root.bytes()[..]]).to_string();
    format!("tree-{}", tree.get(..16).unwrap_or_default())
}

impl Projector<'_> {
    /// Takes in an event. If something has to be read first, it is to be handed in once more.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Need> {
        let id = self.cleaner.name(&event.transaction_id).into_owned();
        match &event.what {
            What::RequestReceived(asked) => self.asked(id, event.at, asked)?,
            What::RequestChanged(request) => {
                let (head, frame) = self.request(request);
                let transaction = self.transaction(id);
                transaction.row.sent_head_number = head;
                transaction.row.sent_frame_number = frame;
            }
            What::PolicyDecided(decided) => self.decided(id, event, decided),
            What::PolicySaid(_) | What::PoliciesCovered(_) => {
                self.transaction(id);
            }
            What::Ended(ended) => self.ended(&id, event.at, ended),
        }
        Ok(())
    }

    pub(super) fn transaction(&mut self, id: String) -> &mut TransactionState {
        let last = &mut self.state.last.transactions;
        let transaction = self.state.transactions.entry(id);
        let transaction = transaction.or_insert_with_key(|id| TransactionState {
            row: TransactionRow {
                number: next(last),
                transaction_id: id.clone(),
                ..TransactionRow::default()
            },
            session: None,
            is_changed: true,
            verdicts: std::collections::BTreeMap::new(),
        });
        transaction.is_changed = true;
        transaction
    }

    /// The numbers of a request's last node and of its frame.
    fn request(&mut self, request: &Request) -> (Option<i64>, Option<i64>) {
        let head = request.head.map(|head| self.state.node(head));
        let frame = request.frame.map(|frame| self.state.content(frame));
        (head, frame)
    }

    fn asked(&mut self, id: String, at: i64, asked: &Asked) -> Result<(), Need> {
        let name = session_of(self.state, asked);
        let (head, frame) = match &asked.request {
            Some(request) => self.request(request),
            None => (None, None),
        };
        let words = |text: &Option<Box<str>>| text.as_deref().map(|text| self.cleaner.words(text));
        let client = words(&asked.client);
        let session_number = self.session(&name, at, client.clone());
        let thread = match (self.state.sessions.get(&name), head) {
            (Some(session), Some(head)) => thread(self.state, session, head)?,
            _ => super::thread::Thread::default(),
        };
        self.bodies(
            &name,
            thread.path.get(thread.repeated..).unwrap_or_default(),
        )?;
        let user_id = asked
            .user
            .as_ref()
            .map(|user| self.cleaner.name(&user.id).into_owned());
        let known = TransactionRow {
            user_trusted: asked.user.as_ref().map(|user| user.trusted),
            user_id: user_id.clone(),
            caller: words(&asked.caller),
            key_name: words(&asked.key),
            client,
            address: words(&asked.address),
            dialect: words(&asked.dialect),
            method: Some(self.cleaner.words(&asked.method)),
            path: Some(self.cleaner.words(&asked.path)),
            model: words(&asked.model),
            purpose: words(&asked.purpose),
            agent: words(&asked.agent),
            stream: Some(asked.stream),
            started_at: Some(at),
            request_bytes: asked.request.as_ref().map(|request| int(request.bytes)),
            request_messages: asked
                .request
                .as_ref()
                .map(|request| request.messages.into()),
            head_number: head,
            frame_number: frame,
            follows_number: thread.follows,
            shared_messages: Some(thread.shared),
            ..TransactionRow::default()
        };
        let model = known.model.clone();
        let transaction = self.transaction(id);
        let before = std::mem::take(&mut transaction.row);
        transaction.row = TransactionRow {
            number: before.number,
            transaction_id: before.transaction_id,
            session_number: Some(session_number),
            ending: before.ending,
            ended_at: before.ended_at,
            allowed: before.allowed,
            modified: before.modified,
            blocked: before.blocked,
            asked: before.asked,
            failed: before.failed,
            skipped: before.skipped,
            ..known
        };
        transaction.session = Some(name.clone());
        let number = transaction.row.number;
        self.place(&name, number, head, &thread);
        let preview = self.preview(asked, &thread.path, thread.repeated);
        if let Some(session) = self.state.sessions.get_mut(&name) {
            session.row.transactions += 1;
            add_name(&mut session.row.models, model);
            add_name(&mut session.row.users, user_id);
            if session.row.preview.is_none() {
                session.row.preview = preview;
            }
        }
        if let Some(user) = &asked.user {
            self.user(user, at);
        }
        Ok(())
    }

    /// Sees to it that what new messages say is at hand: results are tied to their calls, and the first words are shown.
    fn bodies(&self, session: &str, new: &[i64]) -> Result<(), Need> {
        const FIRST: usize = 8;
        let session = self.state.sessions.get(session);
        let has_preview = session.is_some_and(|session| session.row.preview.is_some());
        let messages = new.iter().enumerate().filter_map(|(at, node)| {
            let message = self.state.nodes.get(node)?.message?;
            let message = self.state.messages.get(&message)?;
            let may_be_first = !has_preview && at < FIRST && message.role == "user";
            let is_needed = message.is_elsewhere() && (!message.searchable || may_be_first);
            is_needed.then_some(message.number)
        });
        let needed: Vec<_> = messages.collect();
        if needed.is_empty() {
            Ok(())
        } else {
            Err(Need::Bodies(needed))
        }
    }

    /// Sees to it that there is a session, and answers its number.
    fn session(&mut self, name: &str, at: i64, client: Option<String>) -> i64 {
        let last = &mut self.state.last.sessions;
        let session = self.state.sessions.entry(name.to_owned());
        let session = session.or_insert_with(|| SessionState {
            row: SessionRow {
                number: next(last),
                session_id: name.to_owned(),
                first_at: at,
                last_at: at,
                client,
                ..SessionRow::default()
            },
            is_new: true,
            is_changed: true,
            recent: Vec::new(),
            open: Vec::new(),
            seen: None,
        });
        session.is_changed = true;
        session.row.first_at = session.row.first_at.min(at);
        session.row.last_at = session.row.last_at.max(at);
        session.row.number
    }

    /// Puts the new messages of a request into their places.
    fn place(
        &mut self,
        name: &str,
        transaction: i64,
        head: Option<i64>,
        thread: &super::thread::Thread,
    ) {
        for (message, ours) in &thread.ours {
            self.repeat(name, *message, *ours);
        }
        let state = &mut *self.state;
        let Some(session) = state.sessions.get_mut(name) else {
            return;
        };
        for (at, number) in thread.path.iter().enumerate() {
            let Some(node) = state.nodes.get_mut(number) else {
                continue;
            };
            if node.transaction.is_none() {
                node.transaction = Some(transaction);
                node.session = Some(session.row.number);
                node.is_changed = true;
            }
            let (Some(message), Some(depth)) = (node.message, node.depth) else {
                continue;
            };
            if let Some(seen) = &mut session.seen {
                seen.insert((depth, message));
            }
            if at < thread.repeated {
                continue;
            }
            state
                .changes
                .placed
                .push((transaction, depth, message, false));
            let Some(message) = state.messages.get_mut(&message) else {
                continue;
            };
            if !message.searchable {
                message.searchable = true;
                state.changes.searchable.push(message.number);
            }
            let said = message.document().map(blocks::blocks).unwrap_or_default();
            let results = said
                .iter()
                .filter(|block| block.kind == BlockKind::ToolResult);
            for id in results.filter_map(|block| block.tool_call_id.as_deref()) {
                let open = session.open.iter().position(|call| call.call_id == id);
                if let Some(call) = open.map(|open| session.open.remove(open)) {
                    let result = (call.transaction_id, call.place, message.number);
                    state.changes.results.push(result);
                }
            }
        }
        let root = head.and_then(|head| state.nodes.get(&head)?.root);
        let root = root.and_then(|root| state.nodes.get(&root)?.message);
        session.recent.push(Recent {
            number: transaction,
            head,
            follows: thread.follows,
            shared: thread.shared,
            root_said: root.and_then(|root| state.messages.get(&root)?.said),
            reply: Vec::new(),
        });
    }

    /// A message that repeats one of ours takes its place: its number, its places, its words.
    fn repeat(&mut self, name: &str, message: i64, ours: i64) {
        let state = &mut *self.state;
        if !state.messages.get(&ours).is_some_and(|ours| ours.ours) {
            return;
        }
        let theirs = state.messages.get(&message);
        if theirs.is_some_and(|theirs| theirs.is_kept || theirs.searchable) {
            self.take_places(name, message, ours);
            return;
        }
        let (Some(theirs), Some(old)) = (
            state.messages.remove(&message),
            state.messages.get_mut(&ours),
        ) else {
            return;
        };
        state.message_numbers.remove(&old.hash);
        state.message_numbers.insert(theirs.hash, ours);
        old.hash = theirs.hash;
        old.stored = theirs.stored;
        old.said = theirs.said;
        old.role = theirs.role;
        old.ours = false;
        if old.is_kept {
            state.changes.repeated.push(ours);
        }
        for node in state.nodes.values_mut() {
            if node.message == Some(message) {
                node.message = Some(ours);
                node.is_changed = true;
            }
        }
        if let Some(session) = state.sessions.get_mut(name) {
            let replies = session
                .recent
                .iter_mut()
                .flat_map(|recent| &mut recent.reply);
            for placed in replies.filter(|placed: &&mut Placed| placed.message == ours) {
                placed.ours = false;
            }
        }
    }

    /// The same for one that is in the database already, or elsewhere.
    fn take_places(&mut self, name: &str, message: i64, ours: i64) {
        let state = &mut *self.state;
        state.changes.replaced.push((ours, message));
        if let Some(old) = state.messages.get_mut(&ours) {
            old.ours = false;
        }
        let theirs = state.messages.get_mut(&message);
        if let Some(theirs) = theirs.filter(|theirs| !theirs.searchable) {
            theirs.searchable = true;
            state.changes.searchable.push(message);
        }
        if let Some(session) = state.sessions.get_mut(name) {
            let replies = session
                .recent
                .iter_mut()
                .flat_map(|recent| &mut recent.reply);
            for placed in replies.filter(|placed| placed.message == ours) {
                placed.message = message;
                placed.ours = false;
            }
        }
    }

    /// The person's first words, if these are a person's.
    fn preview(&self, asked: &Asked, path: &[i64], repeated: usize) -> Option<String> {
        if !preview::is_of_a_person(asked.purpose.as_deref()) {
            return None;
        }
        let new = path.get(repeated..).unwrap_or_default();
        new.iter().find_map(|node| {
            let message = self.state.nodes.get(node)?.message?;
            let message = self.state.messages.get(&message)?;
            let document = message.document()?;
            (message.role == "user").then(|| preview::of(&blocks::blocks(document)))?
        })
    }

    fn user(&mut self, user: &User, at: i64) {
        let name = self.cleaner.name(&user.id).into_owned();
        let row = self.state.users.entry(name.clone()).or_insert(UserRow {
            user_id: name,
            first_at: at,
            last_at: at,
            ..UserRow::default()
        });
        row.trusted |= user.trusted;
        row.first_at = row.first_at.min(at);
        row.last_at = row.last_at.max(at);
        row.transactions += 1;
    }

    fn decided(&mut self, id: String, event: &Event, decided: &Decided) {
        let words = |text: &str| self.cleaner.words(text);
        let row = DecisionRow {
            transaction_id: id.clone(),
            sequence: event.sequence.into(),
            decision_id: words(&decided.id),
            policy: self.cleaner.name(&decided.policy).into_owned(),
            version: words(&decided.version),
            mode: words(&decided.mode),
            phase: words(&decided.phase),
            block: decided.block.map(i64::from),
            tool: decided.tool.as_deref().map(words),
            outcome: self.cleaner.name(&decided.outcome).into_owned(),
            cause: decided.cause.as_deref().map(words),
            applied: decided.applied,
            code: words(&decided.code),
            reason: words(&decided.reason),
            severity: words(&decided.severity),
            latency_us: int(decided.latency_us),
        };
        let (outcome, applied, block) = (row.outcome.clone(), row.applied, row.block);
        let is_of_call = row.phase == "tool_call";
        self.state.changes.decisions.push(row);
        let transaction = self.transaction(id);
        let count = |row: &mut TransactionRow| count_of(row, &outcome).map(|count| *count += 1);
        count(&mut transaction.row);
        if let (true, Some(block)) = (is_of_call, block) {
            let verdict = transaction.verdicts.entry(block).or_default();
            if gravity(&outcome) > gravity(verdict) {
                verdict.clone_from(&outcome);
            }
        }
        let session = transaction.session.clone();
        let session = session.and_then(|session| self.state.sessions.get_mut(&session));
        // What did not take effect is no intervention; that a policy failed is to be known in any case.
        let counts = applied || !matches!(&*outcome, "modify" | "block" | "ask");
        if let Some(session) = session.filter(|_| counts) {
            session.is_changed = true;
            let row = &mut session.row;
            let count = match &*outcome {
                "allow" => &mut row.allowed,
                "modify" => &mut row.modified,
                "block" => &mut row.blocked,
                "ask" => &mut row.asked,
                "failed" => &mut row.failed,
                "skipped" => &mut row.skipped,
                _ => return,
            };
            *count += 1;
        }
    }

    /// A call whose result may come.
    pub(super) fn open(&mut self, session: &str, call: OpenCall) {
        if let Some(session) = self.state.sessions.get_mut(session) {
            session.open.push(call);
        }
    }
}

fn count_of<'a>(row: &'a mut TransactionRow, outcome: &str) -> Option<&'a mut i64> {
    Some(match outcome {
        "allow" => &mut row.allowed,
        "modify" => &mut row.modified,
        "block" => &mut row.blocked,
        "ask" => &mut row.asked,
        "failed" => &mut row.failed,
        "skipped" => &mut row.skipped,
        _ => return None,
    })
}

/// How grave a decision is: of several about one call, the gravest is told.
pub(super) fn gravity(outcome: &str) -> u8 {
    match outcome {
        "block" => 6,
        "ask" => 5,
        "modify" => 4,
        "failed" => 3,
        "skipped" => 2,
        "allow" => 1,
        _ => 0,
    }
}

/// Most sessions have few; a list that grows without end is none.
fn add_name(names: &mut Vec<String>, name: Option<String>) {
    const MOST: usize = 50;
    if let Some(name) = name
        && names.len() < MOST
        && !names.contains(&name)
    {
        names.push(name);
    }
}
