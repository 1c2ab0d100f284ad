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
    /// When each block came, in the order in which they began.
    pub(super) blocks: Vec<Timed>,
}

pub(super) fn summary(frames: &Frames) -> Summary {
    let mut summary = Summary::default();
    let mut blocks: Vec<BlockId> = Vec::new();
    for (frame, at) in &frames.frames {
        let parts = frame.event().map_or(&[][..], Event::parts);
        for part in parts {
            match part {
                Part::Start {
                    model: Some(model), ..
                } => summary.model = Some(model.decode().into()),
                Part::Stop { reason, .. } => summary.stop_reason = Some(reason_of(reason)),
                _ => {}
            }
            let Some(id) = part.block() else {
                continue;
            };
            match blocks.iter().rposition(|block| *block == id) {
                Some(place) => {
                    if let Some(timed) = summary.blocks.get_mut(place) {
                        timed.last_us = *at;
                    }
                }
                None if blocks.len() < BLOCKS => {
                    summary.blocks.push(Timed {
                        block: u32::try_from(blocks.len()).unwrap_or(u32::MAX),
                        first_us: *at,
                        last_us: *at,
                    });
                    blocks.push(id);
                }
                None => {}
            }
        }
    }
    summary
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
