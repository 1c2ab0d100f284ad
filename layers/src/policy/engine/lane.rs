use luthien_core::{
    body::Chunk,
    reply::{BlockId, StopReason},
};

use super::roles::Role;
use crate::policy::judge::{Fate, Judged};

/// What of one choice is held until its end: its tool calls, and thinking between them. They leave together once the last
/// of them is judged, for behind a call that has gone out no explanation may follow.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) held: Vec<Held>,
    /// The frames of all of them, in the order in which they came: parallel calls may be interleaved.
    pub(super) frames: Vec<(BlockId, Chunk)>,
    /// Whether its end has come.
    pub(super) stopped: bool,
    /// Its last text block so far.
    pub(super) text: Option<BlockId>,
    pub(super) reason: Option<StopReason>,
}

pub(super) struct Held {
    pub(super) block: BlockId,
    pub(super) role: Role,
    /// Whether any frame of it is held. Some have none: what exists in the last event alone, and thinking that has gone out.
    pub(super) held: bool,
    pub(super) state: State,
}

/// How far the judgement of a block is.
pub(super) enum State {
    /// It is not complete.
    Open,
    /// It is being judged.
    Asked,
    Judged(Judged),
}

impl Lane {
    /// The block's place, made if need be.
    pub(super) fn entry(&mut self, block: BlockId, role: Role) -> &mut Held {
        let place = self.held.iter().position(|held| held.block == block);
        let place = place.unwrap_or_else(|| {
            self.held.push(Held {
                block,
                role,
                held: false,
                state: State::Open,
            });
            self.held.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "it was found, or pushed, just now")]
        &mut self.held[place]
    }

    /// Holds a frame of a block.
    pub(super) fn hold(&mut self, block: BlockId, role: Role, frame: Chunk) {
        self.entry(block, role).held = true;
        self.frames.push((block, frame));
    }

    pub(super) fn get(&mut self, block: BlockId) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.block == block)
    }

    pub(super) fn has_calls(&self) -> bool {
        self.held.iter().any(|held| held.role == Role::Call)
    }

    /// Whether nothing is waited for any more. What is no call may be held without being judged.
    pub(super) fn is_judged(&self) -> bool {
        self.held.iter().all(|held| match held.state {
            State::Judged(_) => true,
            State::Asked => false,
            State::Open => held.role != Role::Call,
        })
    }

    /// What has become of its blocks: all that is to be said, and whether the attempt ends.
    pub(super) fn verdict(&self) -> (Vec<String>, bool) {
        let mut words = Vec::new();
        let mut ends = false;
        for held in &self.held {
            if let State::Judged(judged) = &held.state {
                // A text that exists nowhere but in the last event says its words itself.
                if held.role != Role::Text {
                    words.extend(judged.words.iter().cloned());
                }
                ends |= judged.ends || (held.role == Role::Thinking && judged.fate == Fate::Drop);
            }
        }
        (words, ends)
    }
}
