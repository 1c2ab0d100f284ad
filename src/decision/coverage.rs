use std::sync::Arc;

use super::{Decision, Outcome, Phase, Skip};
use crate::reply::BlockId;

/// What was there to be judged in one exchange, and who has looked at it: by which version of which policy, with what outcome;
/// and what nobody has looked at, and why.
///
/// It is complete when the exchange has ended, whatever way. What a policy was asked and never answered, since the client
/// left, is [`Skip::ClientGone`].
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    things: Vec<Inspected>,
    more: usize,
}

/// One thing that was there to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// What it is.
    pub phase: Phase,
    /// The block, in a reply.
    pub block: Option<BlockId>,
    /// The tool, if the block is a call.
    pub tool: Option<Arc<str>>,
    /// Who was to look at it, in the order in which they answered. Nobody, if no policy watches its kind.
    pub looks: Vec<Look>,
}

/// What one policy made of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The policy's name in the configuration.
    pub policy: Arc<str>,
    /// Changes whenever the policy or its settings do.
    pub version: Arc<str>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Look {
    /// Whether the policy should have looked and could not.
    pub fn is_gap(&self) -> bool {
        match self.outcome {
            Outcome::Failed(_)
            | Outcome::Skipped(Skip::Opaque | Skip::Overload | Skip::ClientGone) => true,
            Outcome::Skipped(Skip::Condition | Skip::Refused)
            | Outcome::Allow
            | Outcome::Modify
            | Outcome::Block
            | Outcome::Ask => false,
        }
    }
}

impl Inspected {
    /// Whether any policy has looked at it and answered.
    pub fn is_evaluated(&self) -> bool {
        self.looks.iter().any(|look| look.outcome.is_evaluated())
    }
}

/// So many things of one exchange are told apart.
const MOST: usize = 1_024;

impl Coverage {
    /// All there was, in order; at most 1,024.
    pub fn things(&self) -> &[Inspected] {
        &self.things
    }

    /// How many there were beyond those.
    pub fn more(&self) -> usize {
        self.more
    }

    /// How many of them some policy has looked at.
    pub fn evaluated(&self) -> usize {
        self.things
            .iter()
            .filter(|thing| thing.is_evaluated())
            .count()
    }

    /// What policies should have looked at and could not.
    pub fn gaps(&self) -> impl Iterator<Item = (&Inspected, &Look)> {
        let things = self.things.iter();
        let looks = things.flat_map(|thing| thing.looks.iter().map(move |look| (thing, look)));
        looks.filter(|(_, look)| look.is_gap())
    }

    /// Notes that something was there, whether or not anybody looks at it.
    pub fn note(&mut self, phase: Phase, block: Option<BlockId>, tool: Option<&Arc<str>>) {
        self.thing(phase, block, tool);
    }

    /// Notes that a policy is asked, who may never answer.
    pub fn ask(&mut self, asked: &Decision) {
        self.look(asked, Outcome::Skipped(Skip::ClientGone));
    }

    /// Notes what a policy has decided.
    pub fn decide(&mut self, decision: &Decision) {
        self.look(decision, decision.outcome);
    }

    fn look(&mut self, decision: &Decision, outcome: Outcome) {
        let thing = self.thing(decision.phase, decision.block, decision.tool.as_ref());
        let Some(thing) = thing else {
            return;
        };
        match thing
            .looks
            .iter_mut()
            .find(|look| look.policy == decision.policy)
        {
            Some(look) => look.outcome = outcome,
            None => thing.looks.push(Look {
                policy: decision.policy.clone(),
                version: decision.version.clone(),
                outcome,
            }),
        }
    }

    fn thing(
        &mut self,
        phase: Phase,
        block: Option<BlockId>,
        tool: Option<&Arc<str>>,
    ) -> Option<&mut Inspected> {
        let is_it = |thing: &Inspected| thing.phase == phase && thing.block == block;
        let place = match self.things.iter().rposition(is_it) {
            Some(place) => place,
            None if self.things.len() >= MOST => {
                self.more += 1;
                return None;
            }
            None => {
                self.things.push(Inspected {
                    phase,
                    block,
                    tool: tool.cloned(),
                    looks: Vec::new(),
                });
                self.things.len() - 1
            }
        };
        self.things.get_mut(place)
    }
}
