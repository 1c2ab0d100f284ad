//! What a reviewer said, of requests and of replies alike.

use std::sync::Arc;

use luthien_core::decision::{Failure, Outcome};

use crate::policy::{Denial, RequestVerdict, Verdict, ask::Failed};

/// What one reviewer said.
pub(super) struct Ballot<R> {
    pub(super) name: Arc<str>,
    pub(super) answer: Result<R, Failed>,
    /// Whether its failure is no vote.
    pub(super) open: bool,
    /// Whether it counts, or was only to be heard.
    pub(super) counts: bool,
}

impl<R> Ballot<R> {
    /// Whether it is no vote. Who panics over and over is closed, whatever was declared.
    pub(super) fn abstains(&self) -> bool {
        let failed = self.answer.as_ref().err();
        failed.is_some_and(|failed| self.open && failed.failure != Failure::Tripped)
    }
}

/// A verdict, of either kind.
pub(super) trait Review: Sized {
    /// That there is nothing to object.
    const ALLOW: Self;

    /// A refusal.
    fn refuse(denial: Denial) -> Self;

    /// How much it keeps back: 0 if nothing.
    fn weight(&self) -> u8;

    /// Whether it keeps the thing from going on as it is or changed.
    fn is_against(&self) -> bool;

    /// What it warns of, though the thing goes on.
    fn warning(&self) -> Option<&Denial>;

    /// The same with this warning, if the thing goes on.
    fn with_warning(self, warning: Denial) -> Self;

    fn outcome(&self) -> Outcome;

    fn denial(&self) -> Option<&Denial>;

    fn denial_mut(&mut self) -> Option<&mut Denial>;
}

impl Review for Verdict {
    const ALLOW: Self = Self::Allow;

    fn refuse(denial: Denial) -> Self {
        Self::Block(denial)
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Warn { content: None, .. } => 1,
            Self::Replace(_) => 2,
            Self::Warn { .. } => 3,
            Self::Drop(_) => 4,
            Self::Ask(_) => 5,
            Self::Block(_) => 6,
        }
    }

    fn is_against(&self) -> bool {
        matches!(self, Self::Drop(_) | Self::Ask(_) | Self::Block(_))
    }

    fn warning(&self) -> Option<&Denial> {
        match self {
            Self::Warn { denial, .. } => Some(denial),
            _ => None,
        }
    }

    fn with_warning(self, denial: Denial) -> Self {
        let content = match self {
            Self::Allow => None,
            Self::Replace(content) => Some(content),
            Self::Warn { content, .. } => content,
            against => return against,
        };
        Self::Warn { denial, content }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Allow => Outcome::Allow,
            Self::Warn { .. } | Self::Replace(_) | Self::Drop(_) => Outcome::Modify,
            Self::Ask(_) => Outcome::Ask,
            Self::Block(_) => Outcome::Block,
        }
    }

    fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Block(denial) | Self::Ask(denial) | Self::Warn { denial, .. } => Some(denial),
            Self::Allow | Self::Replace(_) | Self::Drop(_) => None,
        }
    }

    fn denial_mut(&mut self) -> Option<&mut Denial> {
        match self {
            Self::Block(denial) | Self::Ask(denial) | Self::Warn { denial, .. } => Some(denial),
            Self::Allow | Self::Replace(_) | Self::Drop(_) => None,
        }
    }
}

impl Review for RequestVerdict {
    const ALLOW: Self = Self::Allow;

    fn refuse(denial: Denial) -> Self {
        Self::Refuse(denial)
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Edit(_) => 1,
            Self::Answer(_) => 2,
            Self::Refuse(_) => 3,
        }
    }

    fn is_against(&self) -> bool {
        self.denial().is_some()
    }

    fn warning(&self) -> Option<&Denial> {
        None
    }

    fn with_warning(self, _: Denial) -> Self {
        self
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Edit(edits) if !edits.is_empty() => Outcome::Modify,
            Self::Allow | Self::Edit(_) => Outcome::Allow,
            Self::Answer(_) | Self::Refuse(_) => Outcome::Block,
        }
    }

    fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Answer(denial) | Self::Refuse(denial) => Some(denial),
            Self::Allow | Self::Edit(_) => None,
        }
    }

    fn denial_mut(&mut self) -> Option<&mut Denial> {
        match self {
            Self::Answer(denial) | Self::Refuse(denial) => Some(denial),
            Self::Allow | Self::Edit(_) => None,
        }
    }
}
