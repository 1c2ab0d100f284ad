//! The one who writes: makes entries of notes, puts them into the spool many at a time, and tells who waits for it.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use super::{
    Asked, Content, ContentHash, Decided, Ended, Ending, Entry, Event, Redact, Reply, Request,
    What,
    known::{Aging, Known, Turns},
    note::{Close, Closing, Durable, Frames, Note, Noted, Side},
    recorder::Counters,
    redact,
    replies::{self, Summary},
    split::split,
    spool::Spool,
};
use tokio::time::Instant;

/// How many notes are written at once, at most.
const BATCH: usize = 512;
/// How much is held in memory while the disk does not take it, in bytes.
const HELD: usize = 8 << 20;
/// How much of replies is held in memory until they end, if something is to be taken out of them.
const GATHERED: usize = 16 << 20;
/// How long records wait for others if nobody waits for them.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many exchanges are remembered that have begun and not ended. More at once there cannot be.
const OPEN: usize = 1 << 17;
/// How many hashes are remembered.
const HASHES: usize = 1 << 16;
/// How many are remembered that have ended.
const CLOSED: usize = 1 << 14;

pub(super) struct Writer {
    spool: Spool,
    counters: Arc<Counters>,
    known: Known,
    turns: Turns,
    open: HashMap<Arc<str>, Draft>,
    /// The last events of exchanges that have ended.
    closed: Aging<Arc<str>, u32>,
    entries: Vec<Entry>,
    /// Who waits for what is in the spool's buffer.
    waiting: Vec<Durable>,
    unwritten: u64,
    redact: Option<Arc<dyn Redact>>,
    /// How many bytes of replies wait for their ends, to be redacted.
    gathered: usize,
    /// When the disk has not taken something, if that was the last that was tried.
    failed_at: Option<Instant>,
}

/// An exchange that goes on.
#[derive(Default)]
struct Draft {
    sequence: u32,
    conversation: Option<Box<str>>,
    /// What the client has got of a long reply, and what the provider has sent.
    client: Taken,
    provider: Taken,
    /// The last that the provider has sent.
    provided: Option<Frames>,
    blocked: bool,
    failed: bool,
    shed: bool,
}

/// A reply of which pieces have come.
#[derive(Default)]
struct Taken {
    pieces: Vec<ContentHash>,
    summary: Summary,
    shed: bool,
    /// What waits for the end, to be redacted as a whole.
    gathered: Option<Frames>,
    redacted: bool,
}

impl Taken {
    /// The whole of it; `last` is its last piece.
    fn reply(self, last: &Frames) -> (Reply, Summary) {
        let mut summary = self.summary;
        let mut pieces = self.pieces.into_iter().filter(|_| !self.shed);
        let reply = Reply {
            form: replies::form(last.form).into(),
            bytes: last.bytes,
            body: pieces.next(),
            rest: pieces.collect(),
            complete: last.complete,
            blocks: std::mem::take(&mut summary.blocks),
            redacted: self.redacted,
        };
        (reply, summary)
    }
}

impl Writer {
    pub(super) fn new(
        spool: Spool,
        counters: Arc<Counters>,
        redact: Option<Arc<dyn Redact>>,
    ) -> Self {
        let events = spool.written_events();
        counters.written_events.store(events, Ordering::Relaxed);
        Self {
            spool,
            counters,
            known: known(),
            turns: Turns::default(),
            open: HashMap::new(),
            closed: Aging::new(CLOSED),
            entries: Vec::new(),
            waiting: Vec::new(),
            unwritten: 0,
            failed_at: None,
            redact,
            gathered: 0,
        }
    }

    pub(super) fn run(mut self, notes: &Receiver<Note>) {
        let mut is_open = true;
        while is_open {
            let first = if self.unwritten == 0 && !self.is_in_trouble() {
                notes.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                notes.recv_timeout(PATIENCE)
            };
            let is_due = first.is_err();
            if is_due && self.spool.is_full() {
                // Perhaps something was taken meanwhile.
                self.spool.weigh();
                self.count();
            }
            match first {
                Ok(note) => is_open = self.take(note),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_open = false,
            }
            // No more than is written at once: what the queue has given out, its bound does not count any more.
            for _ in 0..BATCH {
                if !is_open || self.spool.is_due() {
                    break;
                }
                let Ok(note) = notes.try_recv() else { break };
                is_open = self.take(note);
            }
            // Nobody waits, and there may be more to come: one write for many.
            if is_due
                || !is_open
                || !self.waiting.is_empty()
                || self.spool.is_due()
                || self.unwritten >= BATCH as u64
            {
                self.sync();
            }
        }
        for (id, draft) in std::mem::take(&mut self.open) {
            let sequence = draft.sequence;
            let at = super::recorder::now();
            self.event(&id, sequence, at, What::Ended(Box::new(cut_short(&draft))));
        }
        self.write();
        self.counters
            .lost_notes
            .fetch_add(self.unwritten, Ordering::Relaxed);
    }

    /// Whether something has to get better, which nobody tells us.
    fn is_in_trouble(&self) -> bool {
        self.failed_at.is_some() || self.spool.is_full()
    }

    /// `false` if it was the last.
    fn take(&mut self, note: Note) -> bool {
        self.counters
            .queued
            .fetch_sub(note.held(), Ordering::Relaxed);
        if self.spool.is_stale() {
            self.forget();
        }
        let Note { id, at, what } = note;
        match what {
            Noted::Asked {
                asked,
                request,
                durable,
            } => self.asked(&id, at, asked, request.as_deref(), durable),
            Noted::Sent(request) => self.sent(&id, at, request.as_deref()),
            Noted::Piece(side, frames) => self.piece(&id, side, frames),
            Noted::Provided(frames) => {
                if let Some(draft) = self.open.get_mut(&id) {
                    draft.provided = Some(frames);
                }
            }
            Noted::Decided(decided) => self.decided(&id, at, decided),
            Noted::Said(mut said) => {
                if let Some(redact) = &self.redact {
                    redact::words(&**redact, &mut said);
                }
                self.next(&id, at, What::PolicySaid(said));
            }
            Noted::Covered(covered) => self.next(&id, at, What::PoliciesCovered(covered)),
            Noted::Ended { ending, durable } => self.ended(&id, at, *ending, durable),
            Noted::Close => return false,
        }
        true
    }

    fn asked(
        &mut self,
        id: &Arc<str>,
        at: i64,
        mut asked: Box<Asked>,
        request: Option<&luthien_core::request::LlmRequest>,
        durable: Option<Durable>,
    ) {
        let conversation = asked.session.as_deref().or(asked.caller.as_deref());
        let conversation: Box<str> = conversation.unwrap_or_default().into();
        asked.request = self.split(request, &conversation);
        let mut draft = Draft {
            shed: asked.dialect.is_some() && asked.request.is_none(),
            conversation: Some(conversation),
            ..Draft::default()
        };
        draft.sequence = 1;
        if self.open.len() < OPEN {
            self.open.insert(id.clone(), draft);
        }
        self.event(id, 0, at, What::RequestReceived(asked));
        self.waiting.extend(durable);
    }

    fn split(
        &mut self,
        request: Option<&luthien_core::request::LlmRequest>,
        conversation: &str,
    ) -> Option<Request> {
        let request = request?;
        if !self.has_room() {
            self.counters.shed_bodies.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let rest = self.redact.as_deref();
        let rest = rest.and_then(|redact| redact::request(redact, request));
        let redacted = rest.is_some();
        let request = rest.as_ref().unwrap_or(request);
        let mut turn = self.turns.take(conversation);
        let mut kept = split(request, &mut turn, &mut self.known, &mut self.entries);
        self.turns.put(conversation, turn);
        self.add();
        kept.redacted = redacted;
        Some(kept)
    }

    fn sent(
        &mut self,
        id: &Arc<str>,
        at: i64,
        request: Option<&luthien_core::request::LlmRequest>,
    ) {
        let conversation = self
            .open
            .get(id)
            .and_then(|draft| draft.conversation.clone());
        // As a conversation of its own: what policies change, they change in every turn.
        let name = format!("{} up", conversation.unwrap_or_default());
        match self.split(request, &name) {
            Some(changed) => self.next(id, at, What::RequestChanged(changed)),
            None => {
                if let Some(draft) = self.open.get_mut(id) {
                    draft.shed = true;
                }
            }
        }
    }

    fn decided(&mut self, id: &Arc<str>, at: i64, mut decided: Box<Decided>) {
        if let Some(redact) = &self.redact {
            redact::words(&**redact, &mut *decided);
        }
        if let Some(draft) = self.open.get_mut(id) {
            // A warning lets it pass.
            let counts = decided.applied && &*decided.mode == "enforce";
            draft.blocked |= counts && &*decided.outcome == "block";
            draft.failed |= counts && &*decided.outcome == "failed";
        }
        self.next(id, at, What::PolicyDecided(decided));
    }

    fn piece(&mut self, id: &Arc<str>, side: Side, frames: Frames) {
        let Some(mut draft) = self.open.remove(id) else {
            return;
        };
        let taken = match side {
            Side::Client => &mut draft.client,
            Side::Provider => &mut draft.provider,
        };
        if self.redact.is_some() {
            self.gather(taken, frames);
        } else {
            self.take_piece(taken, &frames);
        }
        self.open.insert(id.clone(), draft);
    }

    /// Keeps a piece for the end of the reply.
    fn gather(&mut self, taken: &mut Taken, frames: Frames) {
        if self.gathered + frames.held() > GATHERED {
            self.counters.shed_bodies.fetch_add(1, Ordering::Relaxed);
            taken.shed = true;
        }
        if taken.shed {
            self.gathered -= taken.gathered.take().map_or(0, |gathered| gathered.held());
            return;
        }
        self.gathered += frames.held();
        taken.gathered = Some(frames.behind(taken.gathered.take()));
    }

    /// The last piece of a reply with all that was gathered before it.
    fn gathered(&mut self, taken: &mut Taken, last: Frames) -> Frames {
        let before = taken.gathered.take();
        self.gathered -= before.as_ref().map_or(0, Frames::held);
        last.behind(before)
    }

    /// Takes out what is not to be recorded of the end of a reply.
    fn redact(&self, taken: &mut Taken, frames: &mut Frames) {
        if let Some(redact) = &self.redact {
            taken.redacted = redact::reply(&**redact, frames);
        }
    }

    /// Takes in more of a reply, and keeps its bytes.
    fn take_piece(&mut self, taken: &mut Taken, frames: &Frames) {
        taken.summary.add(frames);
        taken.shed |= frames.shed;
        if taken.shed || frames.frames.is_empty() {
            return;
        }
        if !self.has_room() {
            self.counters.shed_bodies.fetch_add(1, Ordering::Relaxed);
            taken.shed = true;
            return;
        }
        let content = Content::new(frames.joined());
        taken.pieces.push(content.hash);
        if self.known.is_new(content.hash) {
            self.entries.push(Entry::Content(content));
            self.add();
        }
    }

    fn ended(&mut self, id: &Arc<str>, at: i64, mut closing: Closing, durable: Option<Durable>) {
        let draft = self.open.remove(id).unwrap_or_default();
        let Draft {
            mut client,
            mut provider,
            provided,
            ..
        } = draft;
        closing.reply = self.gathered(&mut client, closing.reply);
        let provided = provided.map(|provided| self.gathered(&mut provider, provided));
        // What is left of one that nobody has ended.
        self.gathered -= provider
            .gathered
            .take()
            .map_or(0, |gathered| gathered.held());
        let provided = provided.filter(|provided| {
            client.pieces != provider.pieces || !provided.says_the_same(&closing.reply)
        });
        self.redact(&mut client, &mut closing.reply);
        self.take_piece(&mut client, &closing.reply);
        let mut shed = draft.shed || client.shed;
        let provider_reply = provided.map(|mut provided| {
            self.redact(&mut provider, &mut provided);
            self.take_piece(&mut provider, &provided);
            shed |= provider.shed;
            provider.reply(&provided).0
        });
        let (reply, summary) = client.reply(&closing.reply);
        let ended = Ended {
            ending: ending(
                closing.close,
                closing.reason.as_deref(),
                draft.blocked,
                draft.failed,
            ),
            reason: closing.reason,
            status: closing.status,
            upstream: closing.upstream,
            attempts: closing.attempts,
            model: summary.model,
            stop_reason: summary.stop_reason,
            usage: closing.usage,
            first_byte_us: summary.first_us,
            duration_us: closing.duration_us,
            reply,
            provider_reply,
            shed,
        };
        self.event(id, draft.sequence, at, What::Ended(Box::new(ended)));
        self.closed.insert(id.clone(), draft.sequence);
        self.counters.ended.fetch_add(1, Ordering::Relaxed);
        self.waiting.extend(durable);
    }

    /// Whether there is room for a body, if need be in place of others that are older.
    fn has_room(&mut self) -> bool {
        if !self.spool.is_full() {
            return true;
        }
        match self.spool.make_room() {
            Ok(0) => {}
            Ok(bodies) => {
                self.counters
                    .shed_bodies
                    .fetch_add(bodies, Ordering::Relaxed);
                // What is believed to be there may have been among them.
                self.forget();
            }
            Err(error) => tracing::error!(%error, "the spool is full, and no room can be made"),
        }
        !self.spool.is_full()
    }

    fn forget(&mut self) {
        self.known = known();
        self.turns = Turns::default();
    }

    /// An event of an exchange that goes on.
    fn next(&mut self, id: &Arc<str>, at: i64, what: What) {
        let sequence = match self.open.get_mut(id) {
            Some(draft) => {
                draft.sequence += 1;
                draft.sequence - 1
            }
            // Told after the end, as what policies have covered is.
            None => self.closed.get_mut(id).map_or(0, |sequence| {
                *sequence += 1;
                *sequence
            }),
        };
        self.event(id, sequence, at, what);
    }

    fn event(&mut self, id: &Arc<str>, sequence: u32, at: i64, what: What) {
        let event = Event {
            transaction_id: (&**id).into(),
            sequence,
            at,
            what,
        };
        self.entries.push(Entry::Event(Box::new(event)));
        self.add();
        self.unwritten += 1;
    }

    fn add(&mut self) {
        for entry in self.entries.drain(..) {
            self.spool.add(&entry);
        }
    }

    /// Writes what has come up. After a failure not at once again: a disk that is full is full for a while.
    fn sync(&mut self) {
        if self.failed_at.is_some_and(|at| at.elapsed() < PATIENCE) {
            // Dropped, as it cannot be promised.
            self.waiting.clear();
            return self.hold();
        }
        self.write();
    }

    fn write(&mut self) {
        let written = self.spool.sync();
        self.failed_at = written.is_err().then(Instant::now);
        match &written {
            Ok(()) => {
                if self.counters.is_degraded.load(Ordering::Relaxed) {
                    tracing::info!("the record is written again");
                }
                self.unwritten = 0;
            }
            Err(error) => self.failed(error),
        }
        self.counters
            .is_degraded
            .store(written.is_err(), Ordering::Relaxed);
        self.count();
        for waiting in self.waiting.drain(..) {
            if written.is_ok() && waiting.send(()).is_err() {
                // Its client has left meanwhile: it is recorded all the same.
                tracing::trace!("nobody waits for a record any more");
            }
        }
    }

    fn count(&self) {
        let counters = &self.counters;
        counters.spooled.store(self.spool.held(), Ordering::Relaxed);
        let events = self.spool.written_events();
        counters.written_events.store(events, Ordering::Relaxed);
        counters
            .is_full
            .store(self.spool.is_full(), Ordering::Relaxed);
    }

    /// The disk has not taken it. What has come up is kept for a while, in case it takes it soon.
    fn failed(&mut self, error: &io::Error) {
        // Once, not ten times a second.
        if !self.counters.is_degraded.load(Ordering::Relaxed) {
            tracing::error!(%error, "the record cannot be written: what is promised about it is not kept now");
        }
        self.counters.failed_writes.fetch_add(1, Ordering::Relaxed);
        self.hold();
    }

    /// Keeps what the disk does not take in memory, up to a bound.
    fn hold(&mut self) {
        if self.spool.unwritten() > HELD {
            self.spool.give_up();
            self.counters
                .lost_notes
                .fetch_add(self.unwritten, Ordering::Relaxed);
            self.unwritten = 0;
            // What is believed to be there may have been among it.
            self.forget();
        }
    }
}

fn known() -> Known {
    Known::new(HASHES)
}

/// How an exchange ended, from what both the layer and the policies say.
fn ending(close: Close, reason: Option<&str>, blocked: bool, failed: bool) -> Ending {
    match close {
        Close::ClientGone => Ending::ClientGone,
        Close::Refused if reason == Some("stopping") => Ending::Shutdown,
        Close::Whole | Close::Refused if blocked => Ending::Blocked,
        Close::Whole | Close::Refused if failed => Ending::PolicyError,
        Close::Whole => Ending::Ok,
        Close::ProviderError => Ending::UpstreamError,
        Close::Broken => Ending::Truncated,
        Close::Refused => match reason {
            Some(
                "bad_upstream" | "upstream_timeout" | "unreadable_reply" | "encoded_reply"
                | "reply_too_long",
            ) => Ending::UpstreamError,
            Some("policy_refused") => Ending::Blocked,
            Some("policy_failed") => Ending::PolicyError,
            _ => Ending::Shed,
        },
    }
}

/// The end of an exchange that was going on when we stopped.
fn cut_short(draft: &Draft) -> Ended {
    Ended {
        ending: Ending::Shutdown,
        reason: None,
        status: None,
        upstream: None,
        attempts: 0,
        model: None,
        stop_reason: None,
        usage: super::Tokens::default(),
        first_byte_us: None,
        duration_us: 0,
        reply: Reply {
            form: "opaque".into(),
            bytes: 0,
            body: None,
            rest: Vec::new(),
            complete: false,
            redacted: false,
            blocks: Vec::new(),
        },
        provider_reply: None,
        shed: draft.shed,
    }
}
