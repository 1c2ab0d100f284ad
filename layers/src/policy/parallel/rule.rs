//! How one verdict is made of several.

use luthien_core::decision::{Outcome, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ballot::{Ballot, Review};
use crate::policy::{Denial, PolicyError, notice};

/// How one verdict is made of what several reviewers say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decide {
    /// One block is enough.
    AnyBlock,
    /// It passes if more than half of those who voted let it pass.
    Majority,
    /// It is blocked if all block it.
    Unanimous,
    /// What keeps back most: block before ask, before drop, before replace, before warn, before allow.
    MostRestrictive,
    /// What this one says; the others are heard and recorded.
    Designated(String),
}

impl Decide {
    /// Whether what a reviewer would change is changed. Votes are for or against; a change is neither.
    pub(super) fn takes_changes(&self) -> bool {
        matches!(self, Self::MostRestrictive | Self::Designated(_))
    }

    /// Makes one answer of the ballots that count. `asked` tells whether anybody was asked at all.
    pub(super) fn conclude<R: Review>(
        &self,
        mut ballots: Vec<Ballot<R>>,
        asked: bool,
    ) -> Result<R, PolicyError> {
        if let Self::Designated(name) = self {
            ballots.retain(|ballot| *ballot.name == **name);
        }
        let summary = summary(&ballots);
        let abstained = ballots.iter().any(Ballot::abstains);
        ballots.retain(|ballot| !ballot.abstains());
        if ballots.is_empty() {
            // Whose condition does not hold has nothing to say; who failed should have said something.
            return match asked && abstained {
                true => Err(PolicyError::new(format!(
                    "no reviewer could judge: {summary}"
                ))),
                false => Ok(R::ALLOW),
            };
        }
        let against = ballots.iter().filter(|ballot| is_against(ballot)).count();
        let passes = match self {
            Self::AnyBlock => against == 0,
            Self::Majority => against * 2 < ballots.len(),
            Self::Unanimous => against < ballots.len(),
            Self::MostRestrictive | Self::Designated(_) => false,
        };
        let warning = warning(&ballots);
        let mut answer = match passes {
            true => R::ALLOW,
            false => heaviest(ballots),
        };
        // No vote against, and so nobody has outvoted it.
        if let Some(warning) = warning {
            answer = answer.with_warning(warning);
        }
        if let Some(denial) = answer.denial_mut() {
            denial.detail = Some(summary);
        }
        Ok(answer)
    }
}

/// What keeps back most.
fn heaviest<R: Review>(ballots: Vec<Ballot<R>>) -> R {
    let mut heaviest: Option<R> = None;
    let mut failed = false;
    for ballot in ballots {
        match ballot.answer {
            // The first of those that weigh the same.
            Ok(answer)
                if heaviest
                    .as_ref()
                    .is_none_or(|most| answer.weight() > most.weight()) =>
            {
                heaviest = Some(answer);
            }
            Ok(_) => {}
            Err(_) => failed = true,
        }
    }
    match heaviest {
        Some(answer) if !failed || answer.outcome() == Outcome::Block => answer,
        // A failure weighs as much as a block, but a reviewer's own words explain more.
        _ => R::refuse(notice::failure().with_severity(Severity::Critical)),
    }
}

/// All warnings in one.
fn warning<R: Review>(ballots: &[Ballot<R>]) -> Option<Denial> {
    let answers = ballots
        .iter()
        .filter_map(|ballot| ballot.answer.as_ref().ok());
    let warnings = answers.filter_map(Review::warning).cloned();
    warnings.reduce(|mut all, warning| {
        all.join(warning);
        all
    })
}

/// What fails, and is closed, is against.
fn is_against<R: Review>(ballot: &Ballot<R>) -> bool {
    ballot.answer.as_ref().map_or(true, Review::is_against)
}

/// Who said what, for the operator.
fn summary<R: Review>(ballots: &[Ballot<R>]) -> String {
    let each: Vec<_> = ballots
        .iter()
        .map(|ballot| match &ballot.answer {
            Ok(answer) => match answer.denial() {
                Some(denial) => {
                    let outcome = answer.outcome().name();
                    format!("{}: {outcome} ({})", ballot.name, denial.for_operator())
                }
                None => format!("{}: {}", ballot.name, answer.outcome().name()),
            },
            Err(failed) => format!(
                "{}: {} ({})",
                ballot.name,
                failed.failure.name(),
                failed.reason
            ),
        })
        .collect();
    each.join("; ")
}
