//! Blocks that are complete, and what was said of them.

use luthien_core::{
    body::Chunk,
    reject::Rejection,
    reply::{BlockId, ReplyBlock},
};

use super::{Engine, Item, Phase};
use crate::policy::{
    Watches,
    engine::{
        lane::State,
        roles::{Role, is_nameless, is_opaque, subject},
        text::edit_whole,
        unreadable,
    },
    judge::{Judged, judge, opaque, pass_over, too_large},
};

impl Engine {
    /// A block is complete: it is judged now.
    pub(super) fn finished(&mut self, block: &ReplyBlock) -> Result<(), Rejection> {
        let role = Role::of(block.kind);
        let id = block.block;
        let watch = match role {
            Role::Call => Watches::TOOL_CALLS,
            Role::Text => Watches::TEXT,
            Role::Thinking => Watches::THINKING,
            // Held or not, it is in its place.
            Role::Other => return Ok(()),
        };
        // An editor has seen what its pieces say, and nothing else.
        let is_edited = role == Role::Text && self.watches(Watches::TEXT_EDITS);
        if (self.watches(watch) || is_edited) && !self.told.insert(id) {
            return Err(unreadable("a block is said twice, differently"));
        }
        let mut block = block.clone();
        if role == Role::Text {
            match self.windows.get(&id) {
                Some(windows) => windows.so_far().clone_into(&mut block.text),
                // It came whole, in the last event: no frame has carried it.
                None if self.watches(Watches::TEXT_EDITS) => {
                    let edited = edit_whole(&self.run, id, &block.text);
                    if let Some(text) = edited? {
                        self.writer.set_text(id, text.clone());
                        block.text = text;
                    }
                }
                None => {}
            }
        }
        if !self.watches(watch) {
            if let Some(subject) = subject(&block) {
                pass_over(&self.run, &subject);
            }
            return Ok(());
        }
        if is_nameless(&block) {
            return Err(unreadable("a tool call without a name"));
        }
        if role == Role::Text
            && let Some(state) = self.waiting_text(id)
        {
            *state = State::Asked;
        } else {
            let lane = self.lanes.entry(id.choice).or_default();
            lane.entry(id, role).state = State::Asked;
        }
        match subject(&block) {
            Some(subject) => {
                let run = self.run.clone();
                self.judging
                    .push(Box::pin(async move { (id, judge(run, subject).await) }));
            }
            None => {
                debug_assert!(is_opaque(&block));
                let judged = opaque(&self.run, id);
                self.judged(id, judged);
            }
        }
        Ok(())
    }

    fn waiting_text(&mut self, block: BlockId) -> Option<&mut State> {
        self.queue.iter_mut().find_map(|item| match item {
            Item::Text {
                block: other,
                state,
                ..
            } if *other == block => Some(state),
            _ => None,
        })
    }

    pub(super) fn judged(&mut self, block: BlockId, judged: Judged) {
        if let Some(state @ State::Asked) = self.waiting_text(block) {
            *state = State::Judged(judged);
        } else if let Some(lane) = self.lanes.get_mut(&block.choice)
            && let Some(held) = lane.get(block)
        {
            held.state = State::Judged(judged);
        }
    }

    /// More is held than may be: whoever was to look at it has failed.
    pub(super) fn exceeded(&mut self) -> Result<(), Rejection> {
        too_large(&self.run)?;
        self.phase = Phase::Blind;
        self.judging.clear();
        for lane in self.lanes.values_mut() {
            for held in &mut lane.held {
                held.state = State::Judged(Judged::default());
            }
        }
        for item in &mut self.queue {
            if let Item::Text { state, .. } = item {
                *state = State::Judged(Judged::default());
            }
        }
        // What is held goes out with what comes next of its choice.
        let choices: Vec<_> = self.lanes.keys().copied().collect();
        for choice in choices {
            if self.lanes.get(&choice).is_some_and(|lane| !lane.stopped) {
                self.finish_windows(choice)?;
                let closing = self.closing.take();
                self.queue.push_back(Item::Stop {
                    choice,
                    frame: None,
                    closing,
                });
            }
        }
        Ok(())
    }

    /// The provider reports an error: what nobody has judged goes nowhere.
    pub(super) fn fail(&mut self, chunk: Chunk) {
        self.queue.clear();
        self.lanes.clear();
        self.windows.clear();
        self.judging.clear();
        self.closing = None;
        self.held = 0;
        self.phase = Phase::Over;
        self.queue.push_back(Item::Frame(chunk));
    }
}
