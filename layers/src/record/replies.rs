//! What a reply says about itself, from its frames.

use luthien_core::{
    body::{Chunk, Form},
    reply::{BlockId, Part, StopReason},
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
    pub(super) model: Option<Box<str>>,
    pub(super) stop_reason: Option<Box<str>>,
}

/// The model that answered, and why it stopped. Of several choices, what the last one says.
pub(super) fn summary(frames: &Frames) -> Summary {
    let mut summary = Summary::default();
    each_part(frames, |part, _| match part {
        Part::Start { model, .. } => {
            let model = model.as_ref().map(|model| model.decode().into());
            summary.model = model.or(summary.model.take());
        }
        Part::Stop { reason, .. } => summary.stop_reason = Some(reason_of(reason)),
        _ => {}
    });
    summary
}

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

/// When each block of a streamed reply came, in the order in which they began.
pub(super) fn times(frames: &Frames) -> Vec<Timed> {
    let mut blocks: Vec<(BlockId, u64, u64)> = Vec::new();
    each_part(frames, |part, at| {
        let Some(id) = part.block() else {
            return;
        };
        match blocks.iter_mut().rev().find(|(block, ..)| *block == id) {
            Some((.., last)) => *last = at,
            None => blocks.push((id, at, at)),
        }
    });
    let timed = blocks.into_iter().zip(0..);
    let timed = timed.map(|((_, first_us, last_us), block)| Timed {
        block,
        first_us,
        last_us,
    });
    timed.collect()
}

fn each_part(frames: &Frames, mut each: impl FnMut(&Part, u64)) {
    for (frame, at) in &frames.frames {
        let chunk = match frames.form {
            Form::Stream(dialect) => Chunk::event_of(dialect, frame.clone()),
            Form::Whole(dialect) => Chunk::whole(dialect, frame.clone()),
            _ => return,
        };
        for part in chunk.event().map_or(&[][..], |event| event.parts()) {
            each(part, *at);
        }
    }
}
