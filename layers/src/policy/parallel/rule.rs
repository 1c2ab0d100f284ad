//! How one verdict is made of several.

use luthien_core::decision::{Outcome, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ballot::{Ballot, Review};
use crate::policy::{PolicyError, notice};

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
        if passes {
            return Ok(R::ALLOW);
        }
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
        // A failure weighs as much as a block, but a reviewer's own words explain more.
        let refused = || R::refuse(notice::failure().with_severity(Severity::Critical));
        let mut answer = match heaviest {
            Some(answer) if !failed || answer.outcome() == Outcome::Block => answer,
            _ => refused(),
        };
        if let Some(denial) = answer.denial_mut() {
            denial.detail = Some(summary);
        }
        Ok(answer)
    }
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
