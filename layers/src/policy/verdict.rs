use std::{borrow::Cow, fmt};

use luthien_core::{decision::Severity, json::Edits};

/// What a policy says of a block of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It passes, as the bytes that came.
    Allow,
    /// It passes with this in its place: the text of a text block; the arguments of a tool call, in the form in which they
    /// came (JSON, or free text of a custom tool).
    Replace(String),
    /// It passes, with a warning in front that the person can read and the agent can act on: as the bytes that came, or with
    /// this content in its place.
    Warn {
        /// What the warning says.
        denial: Denial,
        /// As in [`Replace`](Self::Replace).
        content: Option<String>,
    },
    /// It goes, and these words stand in its place. Nobody is accused: it does not count as a denial.
    Drop(String),
    /// It is refused, with an explanation that the person can read and the agent can act on.
    Block(Denial),
    /// A person has to decide.
    Ask(Denial),
}

/// What a policy says of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RequestVerdict {
    /// It goes up.
    Allow,
    /// It goes up with these changes, whose spans are those of the request that was shown.
    Edit(Edits),
    /// It does not go up: a well-formed reply with the explanation is given in the model's place, as if the model had said
    /// so. The best refusal there is: every client shows it, and none tries again.
    Answer(Denial),
    /// It does not go up: an error that no client tries again by itself.
    Refuse(Denial),
}

/// A refusal, in two voices. The agent gets a short stable reason and what it may do instead; scores, thresholds and
/// reasoning go to the operator's record alone, for a denial that explains itself teaches how to get around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    pub(crate) code: Cow<'static, str>,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) remedy: Option<Cow<'static, str>>,
    pub(crate) detail: Option<String>,
    pub(crate) severity: Severity,
}

impl Denial {
    /// A refusal with a stable word for programs (`denied_tool`) and a short sentence that the client may read.
    pub fn new(code: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: code.into(),
            reason: reason.into(),
            remedy: None,
            detail: None,
            severity: Severity::Warning,
        }
    }

    /// What the agent, or the person, can do instead. For the client.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Why, in full. For the operator alone.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// How much the operator should care: [`Severity::Warning`] unless told otherwise.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what another says as well: one notice stands for both.
    pub(crate) fn join(&mut self, other: Self) {
        if !self.reason.contains(&*other.reason) {
            self.reason = format!("{}; {}", self.reason, other.reason).into();
        }
        if self.remedy.is_none() {
            self.remedy = other.remedy;
        }
        self.severity = self.severity.max(other.severity);
    }

    /// What the operator reads: the detail if there is one, else the reason.
    pub(crate) fn for_operator(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.reason)
    }
}

/// A policy could not judge. What then happens is declared with the policy: `fail: closed` or `open`.
#[derive(Clone, Debug)]
pub struct PolicyError {
    reason: String,
    code: Option<&'static str>,
}

impl PolicyError {
    /// With the reason, for the operator alone.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            code: None,
        }
    }

    /// With a stable word for programs in the place of `policy_error`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn code(&self) -> Option<&'static str> {
        self.code
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for PolicyError {}
