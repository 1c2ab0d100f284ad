use std::{fmt, sync::Arc};

use luthien_core::decision::{DecisionSink, Exchange, Mode, Severity};

use super::{
    Entry, JudgeModel, Sessions, Watches, ledger::unclear, models::AnyJudge, shadow::Shadows,
};

/// Policies in the order in which they judge, and what they share. Immutable: whoever wants others makes another set, and
/// exchanges in flight end with the one they began with.
pub struct PolicySet {
    pub(crate) entries: Vec<Entry>,
    pub(crate) sessions: Sessions,
    pub(crate) sink: Arc<dyn DecisionSink>,
    pub(crate) settings: PolicySettings,
    pub(crate) shadows: Shadows,
    pub(crate) judge: Option<Arc<dyn AnyJudge>>,
}

/// What holds for all policies of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySettings {
    /// The most bytes of a reply that are held, and the longest block that is judged; 16 MiB unless told otherwise.
    pub held: usize,
    /// Whether the explanation of a blocked call shows its arguments, shortened and with secrets masked. It does unless
    /// told otherwise.
    pub show_arguments: bool,
    /// Whether what no policy could look at is refused, whatever the failures of policies were declared to mean.
    pub coverage_required: bool,
    /// The directory in which tool calls run, absolute; what the client says, if it is left out.
    pub project: Option<String>,
    /// The home directory of whoever runs them, absolute; what the client says, or what the project's path tells, if it is
    /// left out.
    pub home: Option<String>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            held: 16 << 20,
            show_arguments: true,
            coverage_required: false,
            project: None,
            home: None,
        }
    }
}

impl PolicySet {
    /// These policies, in this order.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            sessions: Sessions::default(),
            sink: Arc::new(()),
            settings: PolicySettings::default(),
            shadows: Shadows::default(),
            judge: None,
        }
    }

    /// What is remembered of conversations: give the next set the store of the last.
    #[must_use]
    pub fn with_sessions(mut self, sessions: Sessions) -> Self {
        self.sessions = sessions;
        self
    }

    /// Who is told what was decided.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn DecisionSink>) -> Self {
        self.sink = sink;
        self
    }

    /// The model that policies may ask.
    #[must_use]
    pub fn with_judge(mut self, model: impl JudgeModel) -> Self {
        self.judge = Some(Arc::new(model));
        self
    }

    /// Other settings.
    #[must_use]
    pub fn with_settings(mut self, settings: PolicySettings) -> Self {
        self.settings = settings;
        self
    }

    /// The policies, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Which policies an exchange meets.
    pub(crate) fn applying(&self, exchange: &Exchange) -> Applying {
        let mut applying = Applying::default();
        for (place, entry) in self.entries.iter().enumerate() {
            // Asked once in an exchange, so it is told once.
            let applies = entry.may_apply(exchange).unwrap_or_else(|error| {
                let message = unclear(&error);
                self.sink
                    .emitted(exchange, &entry.name, Severity::Warning, &message);
                true
            });
            if applies {
                let watches = match entry.mode {
                    Mode::Shadow => &mut applying.shadows,
                    Mode::Enforce | Mode::Warn | Mode::Observe => &mut applying.watches,
                };
                *watches = *watches | entry.watches;
                applying.places.push(place);
            }
        }
        applying
    }
}

/// The policies that an exchange meets.
#[derive(Debug, Default)]
pub(crate) struct Applying {
    /// Their places in the set.
    pub(crate) places: Vec<usize>,
    /// What is held or changed for them.
    pub(crate) watches: Watches,
    /// What is shown to those in the shadow, for whom nothing is held.
    pub(crate) shadows: Watches,
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySet")
            .field("entries", &self.entries)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
