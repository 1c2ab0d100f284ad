use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, Request, Response, Uri};
use luthien_core::{
    facts::{ClientAddr, ExchangeId},
    reject::Rejection,
};
use tracing::Level;

use super::exchange::{GONE, end_of};
use crate::log::{Lines, Members, Topic};

const EXCHANGE: Topic = Topic {
    level: Level::INFO,
    target: "luthien::exchange",
    message: "exchange",
};

/// What was asked, as the edge saw it: noted once, and shared by whoever comes to write the line about it. Lies in the
/// request's extensions.
#[derive(Clone)]
pub(crate) struct Asked(Arc<Noted>);

struct Noted {
    lines: Lines,
    id: ExchangeId,
    method: Method,
    target: Uri,
    address: ClientAddr,
    start: Instant,
    /// Whether an [`Exchange`](super::exchange::Exchange) has begun, which writes the line.
    begun: AtomicBool,
}

impl Asked {
    /// A request that has come just now, under this name.
    pub(crate) fn now<B>(
        request: &Request<B>,
        id: ExchangeId,
        address: ClientAddr,
        lines: Lines,
    ) -> Self {
        Self(Arc::new(Noted {
            lines,
            id,
            method: request.method().clone(),
            target: request.uri().clone(),
            address,
            start: Instant::now(),
            begun: AtomicBool::new(false),
        }))
    }

    /// Its name, in the log and in `x-luthien-request-id`.
    pub(crate) fn id(&self) -> &ExchangeId {
        &self.0.id
    }

    /// How long ago it came.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.start.elapsed()
    }

    pub(super) fn begin(&self) {
        self.0.begun.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Writes the line that begins with this and goes on with what `more` adds.
    pub(super) fn line(&self, more: impl FnOnce(&mut Members<'_>)) {
        let noted = &*self.0;
        noted.lines.write(EXCHANGE, |line| {
            line.text("id", &*noted.id.0);
            line.text("method", noted.method.as_str());
            // Without its query, in which some clients send keys.
            line.text("path", noted.target.path());
            line.address("address", noted.address);
            more(line);
        });
    }
}

/// A request that nobody has looked into yet. If it comes to that, an [`Exchange`](super::exchange::Exchange) writes its
/// line; if it is refused before, or its client leaves, this does.
pub(crate) struct Unread {
    asked: Asked,
    status: Option<u16>,
    refusal: Option<Rejection>,
}

impl Unread {
    pub(crate) fn new(asked: Asked) -> Self {
        Self {
            asked,
            status: None,
            refusal: None,
        }
    }

    /// It has been answered.
    pub(crate) fn answered<B>(&mut self, response: &Response<B>) {
        if !self.asked.has_begun() {
            self.status = Some(response.status().as_u16());
            self.refusal = response.extensions().get().cloned();
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if self.asked.has_begun() {
            return;
        }
        self.asked.line(|line| {
            line.number("status", self.status.map(u64::from));
            line.text("refusal", self.refusal.as_ref().map(Rejection::code));
            line.milliseconds("ms", self.asked.elapsed());
            line.text("end", self.refusal.as_ref().map_or(GONE, end_of));
        });
    }
}
