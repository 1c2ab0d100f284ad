//! Exchanges that were recorded elsewhere.

use std::{io, path::Path, sync::Arc};

use bytes::Bytes;
use luthien_core::{Dialect, json::Limits, request::LlmRequest};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Asked, Content, Ended, Entry, Event, Redact, Reply, Request, What,
    known::{Known, Turns},
    redact,
    split::split,
    spool::{Feed, Position, Spool},
    store::{Applied, Store, StoreError},
};

/// An exchange that was recorded elsewhere: what happened, and the bytes, as far as they were kept.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What the client asked.
    pub request: Option<Bytes>,
    /// What went up, if that is something else.
    pub sent_request: Option<Bytes>,
    /// What the client got.
    pub reply: Option<Bytes>,
    /// What the provider sent, if that is something else.
    pub received_reply: Option<Bytes>,
}

/// Takes exchanges into a store that were recorded elsewhere. They go through a spool of their own: in the store they have
/// a writer, and a chain of hashes, of their own.
#[derive(Debug)]
pub struct Import {
    spool: Spool,
    feed: Feed,
    known: Known,
    turns: Turns,
    redact: Option<Arc<dyn Redact>>,
}

/// Why something could not be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The folder cannot be written, or not be read.
    #[error("the spool cannot be used: {0}")]
    Spool(#[from] io::Error),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Import {
    /// Begins, with a spool in this folder, which should be a new one.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let (spool, mut feed) = Spool::open(folder, u64::MAX)?;
        feed.begin(Position::default());
        Ok(Self {
            spool,
            feed,
            known: Known::new(1 << 16),
            turns: Turns::default(),
            redact: None,
        })
    }

    /// Takes out what is not to be recorded, before anything is written.
    #[must_use]
    pub fn with_redaction(mut self, redact: Arc<dyn Redact>) -> Self {
        self.redact = Some(redact);
        self
    }

    /// Adds an exchange.
    pub fn add(&mut self, exchange: Foreign) {
        let Foreign {
            events,
            request,
            sent_request,
            reply,
            received_reply,
        } = exchange;
        let (mut dialect, mut conversation) = (None, String::new());
        for mut event in events {
            match &mut event.what {
                What::RequestReceived(asked) => {
                    dialect = dialect_of(asked);
                    let name = asked.session.as_deref().or(asked.caller.as_deref());
                    name.unwrap_or_default().clone_into(&mut conversation);
                    if let Some(kept) = &mut asked.request {
                        self.request(kept, dialect, request.as_ref(), &conversation);
                    }
                }
                What::RequestChanged(kept) => {
                    let sent = sent_request.as_ref().or(request.as_ref());
                    self.request(kept, dialect, sent, &format!("{conversation} up"));
                }
                What::PolicyDecided(decided) => self.words(&mut **decided),
                What::PolicySaid(said) => self.words(said),
                What::PoliciesCovered(_) => {}
                What::Ended(ended) => {
                    self.ended(ended, dialect, reply.as_ref(), received_reply.as_ref());
                }
            }
            self.spool.add(&Entry::Event(Box::new(event)));
        }
    }

    /// Hands everything that was added to the store.
    ///
    /// # Errors
    ///
    /// If it does not take it. What it has taken, it has.
    pub async fn keep(&mut self, store: &impl Store) -> Result<Applied, ImportError> {
        self.spool.sync()?;
        let writer = self.feed.writer().to_owned();
        let mut all = Applied::default();
        loop {
            let batch = self.feed.read()?;
            if batch.kept.is_empty() {
                return Ok(all);
            }
            let applied = store.apply(&writer, &batch.kept, batch.end).await?;
            all.events += applied.events;
            all.known += applied.known;
            all.mended += applied.mended;
            all.rejected += applied.rejected;
            self.feed.forget(batch.end)?;
        }
    }

    /// Takes a request apart, as a recorder does. Whose bytes are not there was not kept.
    fn request(
        &mut self,
        kept: &mut Request,
        dialect: Option<Dialect>,
        bytes: Option<&Bytes>,
        conversation: &str,
    ) {
        let parsed = dialect.zip(bytes).and_then(|(dialect, bytes)| {
            LlmRequest::parse(dialect, bytes.clone(), &Limits::default()).ok()
        });
        let Some(request) = parsed else {
            (kept.frame, kept.head) = (None, None);
            kept.marks.clear();
            return;
        };
        let rest = self.redact.as_deref();
        let rest = rest.and_then(|redact| redact::request(redact, &request));
        let is_redacted = kept.redacted || rest.is_some();
        let request = rest.unwrap_or(request);
        let mut turn = self.turns.take(conversation);
        let mut entries = Vec::new();
        *kept = split(&request, &mut turn, &mut self.known, &mut entries);
        kept.redacted = is_redacted;
        self.turns.put(conversation, turn);
        entries.iter().for_each(|entry| self.spool.add(entry));
    }

    fn words<T: Serialize + DeserializeOwned>(&self, what: &mut T) {
        if let Some(redact) = &self.redact {
            redact::words(&**redact, what);
        }
    }

    fn ended(
        &mut self,
        ended: &mut Ended,
        dialect: Option<Dialect>,
        reply: Option<&Bytes>,
        received: Option<&Bytes>,
    ) {
        self.reply(&mut ended.reply, dialect, reply);
        if let Some(kept) = &mut ended.provider_reply {
            self.reply(kept, dialect, received.or(reply));
        }
    }

    fn reply(&mut self, kept: &mut Reply, dialect: Option<Dialect>, bytes: Option<&Bytes>) {
        kept.rest.clear();
        let bytes = bytes.filter(|_| kept.body.is_some()).cloned();
        let rest = self.redact.as_deref().zip(bytes.as_ref());
        let rest =
            rest.and_then(|(redact, bytes)| redact::kept_reply(redact, dialect, &kept.form, bytes));
        kept.redacted |= rest.is_some();
        kept.body = rest.or(bytes).map(|bytes| {
            let content = Content::new(bytes);
            let hash = content.hash;
            if self.known.is_new(hash) {
                self.spool.add(&Entry::Content(content));
            }
            hash
        });
    }
}

fn dialect_of(asked: &Asked) -> Option<Dialect> {
    let name = asked.dialect.as_deref();
    Dialect::ALL
        .into_iter()
        .find(|dialect| Some(dialect.name()) == name)
}
