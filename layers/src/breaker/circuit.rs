//! One circuit: a state, and what has happened lately.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// When circuits open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many failures open it, if at least half of all attempts were failures; 10 unless told otherwise.
    pub failures: u32,
    /// Within this time; 30 seconds unless told otherwise.
    pub window: Duration,
    /// For how long it is open the first time; 5 seconds unless told otherwise. Each time that the attempt after it fails, twice as long.
    pub rest: Duration,
    /// For how long at most, also if a provider asks for more; a minute unless told otherwise.
    pub longest: Duration,
    /// A reply whose head takes longer than this is a failure. Never, unless told otherwise: models that think take minutes.
    pub slow: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures: 10,
            window: Duration::from_secs(30),
            rest: Duration::from_secs(5),
            longest: Duration::from_secs(60),
            slow: None,
        }
    }
}

/// What a circuit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Everything passes.
    Closed,
    /// Nothing passes.
    Open,
    /// One attempt passes.
    HalfOpen,
}

impl State {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// So many attempts are remembered: more would not change what half of them is.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// When attempts ended within the window, and whether they failed.
    lately: VecDeque<(Instant, bool)>,
    failed: u32,
    /// Until when nothing passes; in the past if it is half open.
    until: Option<Instant>,
    /// Whether it is open only because the provider asked to be left alone: then it is asked all the same if there is no other.
    is_wish: bool,
    /// For how long it was open last.
    rested: Duration,
    /// Whether an attempt is under way that decides.
    is_probing: bool,
}

/// What is worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Opened(Duration),
    Closed,
}

impl Inner {
    pub(super) fn state(&self, now: Instant) -> State {
        match self.until {
            None => State::Closed,
            Some(until) if now < until => State::Open,
            Some(_) if self.is_wish => State::Closed,
            Some(_) => State::HalfOpen,
        }
    }

    pub(super) fn admit(
        &mut self,
        settings: &Settings,
        now: Instant,
        has_others: bool,
    ) -> Result<(), Duration> {
        match self.until {
            None => Ok(()),
            Some(until) if self.is_wish && (now >= until || !has_others) => Ok(()),
            Some(until) if now < until => Err(until - now),
            // The one that decides is not back yet.
            Some(_) if self.is_probing => Err(settings.rest),
            Some(_) => {
                self.is_probing = true;
                Ok(())
            }
        }
    }

    /// It was neither a failure nor a success.
    pub(super) fn forget(&mut self) {
        self.is_probing = false;
    }

    pub(super) fn succeeded(&mut self, settings: &Settings, now: Instant) -> Option<Turn> {
        self.is_probing = false;
        let was_open = self.until.take().is_some();
        if was_open {
            self.lately.clear();
            self.failed = 0;
            self.rested = Duration::ZERO;
            self.is_wish = false;
        }
        self.note(settings, now, false);
        was_open.then_some(Turn::Closed)
    }

    /// It failed; the provider wants to be left alone for `rest`, if it has said so.
    pub(super) fn failed(
        &mut self,
        settings: &Settings,
        now: Instant,
        rest: Option<Duration>,
    ) -> Option<Turn> {
        self.is_probing = false;
        self.note(settings, now, true);
        let was_deciding = !self.is_wish && self.until.is_some_and(|until| now >= until);
        let may_open = self.until.is_none() || self.is_wish;
        let (length, is_wish) = match rest {
            _ if was_deciding => {
                let twice = self.rested.saturating_mul(2).max(settings.rest);
                (rest.unwrap_or_default().max(twice), false)
            }
            _ if may_open && self.fails_often(settings) => (rest.unwrap_or(settings.rest), false),
            Some(rest) => (rest, may_open),
            None => return None,
        };
        let length = length.min(settings.longest);
        let until = now + length;
        // Others may have failed longer ago, and come back later.
        if self.is_wish == is_wish && self.until.is_some_and(|already| already >= until) {
            return None;
        }
        self.until = Some(until);
        self.is_wish = is_wish;
        self.rested = length;
        Some(Turn::Opened(length))
    }

    fn fails_often(&self, settings: &Settings) -> bool {
        let failed = usize::try_from(self.failed).unwrap_or(usize::MAX);
        self.failed >= settings.failures.max(1) && failed * 2 >= self.lately.len()
    }

    fn note(&mut self, settings: &Settings, now: Instant, is_failure: bool) {
        self.lately.push_back((now, is_failure));
        self.failed += u32::from(is_failure);
        while let Some((at, was_failure)) = self.lately.front().copied() {
            if self.lately.len() <= MOST && now.saturating_duration_since(at) <= settings.window {
                break;
            }
            self.lately.pop_front();
            self.failed -= u32::from(was_failure);
        }
    }
}
