//! What is remembered of a conversation: little, and never more than fits.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::policy::policies::guard::names::is_at;

/// Calls that may have run.
const PENDING: usize = 16;
/// Steps of a call.
const STEPS: usize = 8;
/// Things that were moved or copied.
const MOVED: usize = 32;
/// Bytes of a path.
const PATH: usize = 160;

/// What a call did that matters later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// A secret was read.
    Read(String),
    /// Something got another place.
    Moved(Moved),
    /// Something new stands there.
    Placed(String),
    /// Something went away.
    Deleted(String),
    /// Something was destroyed that nobody brings back.
    Destroyed,
}

/// Something that got another place, or has one more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moved {
    pub(super) from: String,
    pub(super) to: String,
    /// It is still where it was.
    pub(super) is_copy: bool,
}

/// What has happened.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The secret that was read last.
    pub(super) secret: Option<String>,
    moved: VecDeque<Moved>,
    /// In how many calls something was destroyed.
    pub(super) destroyed: u32,
}

/// What has happened, and what may have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    facts: Facts,
    pending: VecDeque<Pending>,
}

/// A call that was let go. Whether it ran is known when its result comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pending {
    id: String,
    turn: String,
    steps: Vec<Step>,
}

impl Memory {
    /// What has happened as far as a call of this turn is concerned: those before it in the same reply count.
    pub(super) fn facts(&self, turn: &str) -> Facts {
        let mut facts = self.facts.clone();
        for call in self.pending.iter().filter(|call| call.turn == turn) {
            facts.apply(&call.steps);
        }
        facts
    }

    /// A call was let go. One without an id has no result that could be known, and counts at once.
    pub(super) fn add(&mut self, id: Option<&str>, turn: &str, mut steps: Vec<Step>) {
        steps.truncate(STEPS);
        let Some(id) = id.filter(|id| id.len() <= PATH) else {
            return self.facts.apply(&steps);
        };
        if steps.is_empty() {
            return;
        }
        if self.pending.len() >= PENDING
            && let Some(oldest) = self.pending.pop_front()
            && oldest.turn == turn
        {
            self.facts.apply(&oldest.steps);
        }
        self.pending.push_back(Pending {
            id: id.to_owned(),
            turn: turn.to_owned(),
            steps,
        });
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// The calls with these results have run. Others may belong to an agent beside this one, whose results are still to
    /// come: they wait until they are too many.
    pub(super) fn settle(&mut self, results: &HashSet<String>) {
        for call in std::mem::take(&mut self.pending) {
            if results.contains(&call.id) {
                self.facts.apply(&call.steps);
            } else {
                self.pending.push_back(call);
            }
        }
    }
}

impl Facts {
    pub(super) fn apply(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Read(path) => self.secret = Some(path.clone()),
                Step::Moved(moved) => self.moved(moved),
                Step::Placed(path) => self.placed(path),
                Step::Deleted(path) => self.deleted(path),
                Step::Destroyed => self.destroyed = self.destroyed.saturating_add(1),
            }
        }
    }

    fn moved(&mut self, new: &Moved) {
        self.placed(&new.to);
        if !new.is_copy {
            // What lay there has moved on.
            for moved in &mut self.moved {
                if has(&new.from, &moved.to) {
                    moved.to.clone_from(&new.to);
                }
            }
        }
        if self.moved.contains(new) {
            return;
        }
        if self.moved.len() >= MOVED {
            self.moved.pop_front();
        }
        self.moved.push_back(new.clone());
    }

    /// What was moved away has something in its place again.
    fn placed(&mut self, path: &str) {
        self.moved
            .retain(|moved| moved.from != path || moved.is_copy);
    }

    fn deleted(&mut self, path: &str) {
        for moved in self.moved.iter_mut().filter(|moved| moved.is_copy) {
            moved.is_copy = !has(path, &moved.from);
        }
        self.moved.retain(|moved| !has(path, &moved.to));
    }

    /// What would be lost with this folder and all in it: moved there, or copied there and gone where it was. Where letter
    /// case does not count, a copy under the same name is no copy.
    pub(super) fn lost_with(&self, folder: &str) -> Option<&Moved> {
        self.moved.iter().find(|moved| {
            let is_same = moved.from.eq_ignore_ascii_case(&moved.to);
            let is_there = has(folder, &moved.to);
            is_there && (is_same || !moved.is_copy)
        })
    }
}

/// Whether a folder, or what a pattern stands for, is this path or has it in it.
fn has(folder: &str, path: &str) -> bool {
    let names = |path: &str| path.split('/').filter(|name| !name.is_empty()).count();
    names(folder) <= names(path) && is_at(folder, path, true)
}

/// A path that is short enough to be kept; of a longer one, a folder that it is in.
pub(super) fn kept(path: &str) -> String {
    let path = path.replace(char::is_control, "?");
    let path = path.split("/$").next().unwrap_or_default();
    if path.len() <= PATH {
        return path.to_owned();
    }
    let end = path.floor_char_boundary(PATH);
    let head = path.get(..end).unwrap_or_default();
    head.rsplit_once('/')
        .map_or(head, |(folder, _)| folder)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_happens_the_memory_stays_small() {
        let mut memory = Memory::default();
        for call in 0..1000 {
            let id = format!("call_{call}");
            let steps = (0..100).map(|step| {
                let path =
                    |side: &str| kept(&format!("/{}\u{1f980}{call}-{step}", side.repeat(300)));
                Step::Moved(Moved {
                    from: path("\""),
                    to: path("b"),
                    is_copy: false,
                })
            });
            memory.add(Some(&id), "turn", steps.collect());
            assert!(serde_json::to_vec(&memory).unwrap().len() < 64 << 10);
        }
    }

    #[test]
    fn a_call_counts_in_its_own_reply_and_later_only_if_it_has_a_result() {
        let mut memory = Memory::default();
        memory.add(Some("a"), "1", vec![Step::Destroyed]);
        memory.add(Some("b"), "1", vec![Step::Destroyed]);
        assert_eq!(memory.facts("1").destroyed, 2);
        assert_eq!(memory.facts("2").destroyed, 0);
        memory.settle(&HashSet::from(["b".to_owned()]));
        assert_eq!(memory.facts("2").destroyed, 1);
        memory.settle(&HashSet::from(["a".to_owned()]));
        assert_eq!(memory.facts("2").destroyed, 2);
        assert!(memory.is_settled());
    }
}
