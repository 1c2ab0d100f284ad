use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

/// One limit: how much of what, for whom, in which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    name: Arc<str>,
    per: Per,
    measure: Measure,
    limit: NonZeroU32,
    every: Duration,
}

/// For whom a limit counts. What an exchange does not tell is replaced by the next thing that does: who has no user is
/// counted by key, who has no key by address; all who have nothing are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Per {
    /// Each [`Caller`](luthien_core::facts::Caller): a key of ours, or a credential that is passed through.
    Key,
    /// Each [`UserId`](luthien_core::facts::UserId), whoever says so. To bind people, let someone trusted say it.
    User,
    /// Each [`SessionId`](luthien_core::facts::SessionId). Clients choose it: it protects one conversation from itself.
    Session,
    /// Each model, as the request names it.
    Model,
    /// Each address.
    Address,
    /// All together.
    Everyone,
}

impl Per {
    /// The word in configurations, headers and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Session => "session",
            Self::Model => "model",
            Self::Address => "address",
            Self::Everyone => "everyone",
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Requests, refused ones not among them.
    Requests,
    /// Tokens that go in, cached ones included.
    InputTokens,
    /// Tokens that come out.
    OutputTokens,
    /// Exchanges that are not over. An exchange is over when its reply has ended.
    Concurrent,
}

impl Measure {
    /// The words in configurations, headers and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Concurrent => "concurrent",
        }
    }
}

impl Rule {
    /// At most `limit` requests in any span of `every`; up to `limit` at once.
    pub fn requests(per: Per, limit: NonZeroU32, every: Duration) -> Self {
        Self::new(per, Measure::Requests, limit, every)
    }

    /// At most `limit` tokens in. What an exchange used beyond what was there is a debt that delays the next.
    pub fn input_tokens(per: Per, limit: NonZeroU32, every: Duration) -> Self {
        Self::new(per, Measure::InputTokens, limit, every)
    }

    /// At most `limit` tokens out. What an exchange used beyond what was there is a debt that delays the next.
    pub fn output_tokens(per: Per, limit: NonZeroU32, every: Duration) -> Self {
        Self::new(per, Measure::OutputTokens, limit, every)
    }

    /// At most `limit` exchanges at the same time.
    pub fn concurrent(per: Per, limit: NonZeroU32) -> Self {
        Self::new(per, Measure::Concurrent, limit, Duration::ZERO)
    }

    fn new(per: Per, measure: Measure, limit: NonZeroU32, every: Duration) -> Self {
        let window = match measure {
            Measure::Concurrent => String::new(),
            _ => format!("-{}", Window(every)),
        };
        let name = format!("{}-per-{}{window}", measure.name(), per.name()).into();
        Self {
            name,
            per,
            measure,
            limit,
            every,
        }
    }

    /// The name in headers and messages, such as `requests-per-key-1m`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// For whom it counts.
    pub fn per(&self) -> Per {
        self.per
    }

    /// What it counts.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// How much is allowed.
    pub fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// In which time; zero for [`Measure::Concurrent`].
    pub fn every(&self) -> Duration {
        self.every
    }

    /// The same rule for one of `parts` equal parts, at least 1.
    #[must_use]
    pub fn divided_by(&self, parts: NonZeroU32) -> Self {
        let limit = NonZeroU32::new(self.limit.get() / parts).unwrap_or(NonZeroU32::MIN);
        Self {
            limit,
            ..self.clone()
        }
    }

    /// The time in which one unit comes back.
    pub(super) fn period(&self) -> Duration {
        (self.every / self.limit.get()).max(Duration::from_nanos(1))
    }
}

/// Reads as "600 requests per key in 1m".
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.measure.name().replace('_', " ");
        match self.measure {
            Measure::Concurrent => {
                write!(f, "{} {what} exchanges per {}", self.limit, self.per.name())
            }
            _ => write!(
                f,
                "{} {what} per {} in {}",
                self.limit,
                self.per.name(),
                Window(self.every)
            ),
        }
    }
}

/// A time in its largest whole unit.
struct Window(Duration);

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(f, "{}ms", self.0.as_millis()),
            _ if seconds.is_multiple_of(86_400) => write!(f, "{}d", seconds / 86_400),
            _ if seconds.is_multiple_of(3600) => write!(f, "{}h", seconds / 3600),
            _ if seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            _ => write!(f, "{seconds}s"),
        }
    }
}
