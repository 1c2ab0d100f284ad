//! What a reply says about itself, from its frames.

use luthien_core::{
    body::Form,
    reply::{BlockId, Event, Part, StopReason},
};

use super::{Timed, note::Frames};

/// The word for a form.
pub(super) fn form(form: Form) -> &'static str {
    match form {
        Form::Stream(_) => "stream",
        Form::Whole(_) => "whole",
        _ => "opaque",
    }
}

/// What is known of a reply.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The model that answered.
    pub(super) model: Option<Box<str>>,
    /// Why it stopped. Of several choices, what the last one says.
    pub(super) stop_reason: Option<Box<str>>,
    /// When its first byte came.
    pub(super) first_us: Option<u64>,
    /// When each block came, in the order in which they began.
    pub(super) blocks: Vec<Timed>,
    ids: Vec<BlockId>,
}

impl Summary {
    /// Takes in more of the reply.
    pub(super) fn add(&mut self, frames: &Frames) {
        let first = frames.frames.first().map(|(_, at)| *at);
        self.first_us = self.first_us.or(first);
        for (frame, at) in &frames.frames {
            for part in frame.event().map_or(&[][..], Event::parts) {
                match part {
                    Part::Start {
                        model: Some(model), ..
                    } => self.model = Some(model.decode().into()),
                    Part::Stop { reason, .. } => self.stop_reason = Some(reason_of(reason)),
                    _ => {}
                }
                if let Some(block) = part.block() {
                    self.block(block, *at);
                }
            }
        }
    }

    fn block(&mut self, block: BlockId, at: u64) {
        match self.ids.iter().rposition(|id| *id == block) {
            Some(place) => {
                if let Some(timed) = self.blocks.get_mut(place) {
                    timed.last_us = at;
                }
            }
            None if self.ids.len() < BLOCKS => {
                self.blocks.push(Timed {
                    block: u32::try_from(self.ids.len()).unwrap_or(u32::MAX),
                    first_us: at,
                    last_us: at,
                });
                self.ids.push(block);
            }
            None => {}
        }
    }
}

/// So many blocks of a reply are timed. It may consist of nothing but empty ones.
const BLOCKS: usize = 1_024;

fn reason_of(reason: &StopReason) -> Box<str> {
    match reason {
        StopReason::EndTurn => "end_turn".into(),
        StopReason::MaxTokens => "max_tokens".into(),
        StopReason::StopSequence => "stop_sequence".into(),
        StopReason::ToolUse => "tool_use".into(),
        StopReason::PauseTurn => "pause_turn".into(),
        StopReason::Refusal => "refusal".into(),
        StopReason::Other(word) => word.decode().chars().take(64).collect::<String>().into(),
        _ => "unknown".into(),
    }
}
