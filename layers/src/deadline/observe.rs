use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use luthien_core::{
    body::{Chunk, Flow, Observe},
    reject::{Rejection, RejectionKind},
};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Deadlines;

/// Watches the time of one exchange, first in the future, then in the body.
pub struct Watch {
    deadlines: Deadlines,
    start: Instant,
    /// When all must be over.
    end: Instant,
    /// When the last byte came, if any has.
    last: Option<Instant>,
    /// Set for the nearest deadline, and not reset with every event: when it rings, the time is looked at again.
    alarm: Pin<Box<Sleep>>,
    /// Whom it will wake. It is asked with every event, and nearly always knows already.
    wakes: Option<Waker>,
}

impl Watch {
    pub(super) fn start(deadlines: Deadlines) -> Self {
        let start = Instant::now();
        let first = deadlines.first_byte.min(deadlines.total);
        Self {
            deadlines,
            start,
            end: after(start, deadlines.total),
            last: None,
            alarm: Box::pin(sleep_until(after(start, first))),
            wakes: None,
        }
    }

    /// The deadline that comes next, and which it is.
    fn next(&self) -> (Instant, &'static str, Duration) {
        let Deadlines {
            first_byte,
            idle,
            total,
        } = self.deadlines;
        let waiting = match self.last {
            None => (after(self.start, first_byte), "no first byte", first_byte),
            Some(last) => (after(last, idle), "nothing more", idle),
        };
        let total = (self.end, "no end", total);
        if total.0 < waiting.0 { total } else { waiting }
    }

    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let waker = cx.waker();
        let is_set = self.wakes.as_ref().is_some_and(|set| set.will_wake(waker));
        if is_set && !self.alarm.is_elapsed() {
            return Poll::Pending;
        }
        self.wakes = Some(waker.clone());
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let (deadline, what, limit) = self.next();
            if deadline <= Instant::now() {
                return Poll::Ready(late(what, limit));
            }
            self.alarm.as_mut().reset(deadline);
        }
    }
}

fn late(what: &str, limit: Duration) -> Rejection {
    let message = format!("the provider took too long: {what} in {limit:?}");
    Rejection::new(RejectionKind::UpstreamTimeout, message)
}

/// Some time later; what is beyond all times is a century from now.
fn after(start: Instant, time: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    start + time.min(CENTURY)
}

impl Observe for Watch {
    fn on_chunk(&mut self, chunk: &Chunk) -> Flow {
        let now = Instant::now();
        if self.last.replace(now).is_none() {
            // What the first byte has ended may be a longer wait than the next one.
            let (deadline, ..) = self.next();
            if deadline < self.alarm.deadline() {
                self.alarm.as_mut().reset(deadline);
                // It may have rung just now, and forgotten whom to wake.
                self.wakes = None;
            }
        }
        // A reply of which there is always more is never waited for, and must end all the same.
        if self.end < now && !chunk.is_terminal() {
            return Flow::Cut(late("no end", self.deadlines.total));
        }
        Flow::Forward
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        self.poll_late(cx)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            deadlines,
            start,
            last,
            ..
        } = self;
        f.debug_struct("Watch")
            .field("deadlines", deadlines)
            .field("start", start)
            .field("last", last)
            .finish()
    }
}
