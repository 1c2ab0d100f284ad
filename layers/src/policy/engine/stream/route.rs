//! Where a frame goes: to what is held, to what is edited, or out.

use luthien_core::{
    Dialect,
    body::Chunk,
    reject::Rejection,
    reply::{BlockId, DeltaKind, Event, Part, StopReason},
};

use super::{Engine, Item, Phase, grammar::Known};
use crate::policy::{
    Watches,
    engine::{
        lane::State,
        roles::Role,
        text::{Piece, Windows},
        unreadable,
    },
};

impl Engine {
    /// Puts a frame where it waits, or where it goes out.
    pub(super) fn route(&mut self, chunk: Chunk, event: &Event) -> Result<(), Rejection> {
        let stops: Vec<_> = event
            .parts()
            .iter()
            .filter_map(|part| match part {
                Part::Stop { choice, reason } => Some((*choice, reason.clone())),
                _ => None,
            })
            .collect();
        if !stops.is_empty() || event.is_terminal() {
            return self.stop(chunk, event, stops);
        }
        let Some(block) = block_of(event) else {
            if !matches!(event.parts(), [Part::Ping]) {
                self.flush_closing();
            }
            self.queue.push_back(Item::Frame(chunk));
            return Ok(());
        };
        if self
            .closing
            .as_ref()
            .is_some_and(|(closing, _)| *closing != block)
        {
            self.flush_closing();
        }
        let role = self.blocks.get(&block).map(Known::role);
        let lane = self.lanes.entry(block.choice).or_default();
        match role {
            Some(Role::Call) if self.run.watches(Watches::TOOL_CALLS) => {
                self.held += chunk.bytes().len();
                lane.hold(block, Role::Call, chunk);
            }
            // Text overtakes held calls. Nothing else does: reasoning belongs to the call that follows it.
            Some(role @ (Role::Thinking | Role::Other)) if lane.has_calls() => {
                self.held += chunk.bytes().len();
                lane.hold(block, role, chunk);
            }
            Some(Role::Text) => self.text(block, chunk, event)?,
            _ => self.queue.push_back(Item::Frame(chunk)),
        }
        Ok(())
    }

    /// A frame of a text block.
    fn text(&mut self, block: BlockId, chunk: Chunk, event: &Event) -> Result<(), Rejection> {
        if !self.windows.contains_key(&block)
            && self.watches(Watches::TEXT_EDITS)
            && self.blocks.get(&block).is_some_and(|known| known.open)
            && let Some(windows) = Windows::open(&self.run, block)?
        {
            self.windows.insert(block, windows);
        }
        let piece = match carried(event) {
            Some(text) => Piece::text(chunk, text),
            None => Piece::silent(chunk),
        };
        let Some(windows) = self.windows.get_mut(&block) else {
            self.text_out(block, piece);
            return Ok(());
        };
        let mut out = Vec::new();
        let stopped = event
            .parts()
            .iter()
            .any(|part| matches!(part, Part::BlockStop { .. }));
        if stopped {
            windows.finish(&mut out)?;
        }
        windows.push(piece, &mut out)?;
        self.windows_out(block, out);
        Ok(())
    }

    /// Ends the editing of a block whose end no frame tells.
    pub(super) fn finish_windows(&mut self, choice: u32) -> Result<(), Rejection> {
        let blocks: Vec<_> = self
            .windows
            .keys()
            .filter(|block| block.choice == choice)
            .filter(|block| self.blocks.get(block).is_some_and(|known| known.open))
            .copied()
            .collect();
        for block in blocks {
            let mut out = Vec::new();
            if let Some(windows) = self.windows.get_mut(&block) {
                windows.finish(&mut out)?;
            }
            self.windows_out(block, out);
        }
        Ok(())
    }

    fn windows_out(&mut self, block: BlockId, pieces: Vec<Piece>) {
        for piece in pieces {
            // A text that is judged is said again as the verdict leaves it.
            if !piece.carries
                && !self.watches(Watches::TEXT)
                && let Some(windows) = self.windows.get(&block)
                && windows.changed
            {
                let said = windows.so_far().to_owned();
                self.say(block, said);
            }
            self.text_out(block, piece);
        }
    }

    fn say(&mut self, block: BlockId, text: String) {
        if let Some((closing, _)) = &self.closing
            && *closing == block
        {
            // Whatever ends the block comes later: it can be told at once.
            self.writer.set_text(block, text);
            return;
        }
        self.queue.push_back(Item::Say(block, text));
    }

    /// A frame of a text block, edited: to be judged whole, to be kept as the end of the block, or to go out.
    fn text_out(&mut self, block: BlockId, piece: Piece) {
        let frame = if piece.changed && piece.carries {
            self.writer.with_text(&piece.frame, &piece.text)
        } else {
            piece.frame
        };
        if self.watches(Watches::TEXT) {
            self.held += frame.bytes().len();
            let waiting = self.queue.iter_mut().rev().find_map(|item| match item {
                // What is said of the block once it is complete stands behind what came in between.
                Item::Text {
                    block: other,
                    frames,
                    state: State::Open,
                } if *other == block => Some(frames),
                _ => None,
            });
            match waiting {
                Some(frames) => frames.push(frame),
                None if self.blocks.get(&block).is_some_and(|known| known.open) => {
                    self.queue.push_back(Item::Text {
                        block,
                        frames: vec![frame],
                        state: State::Open,
                    });
                }
                None => self.queue.push_back(Item::Tail(block, frame)),
            }
            return;
        }
        let is_over = self.blocks.get(&block).is_some_and(|known| known.over);
        if ends(&frame) && self.watches(Watches::END) && !is_over {
            let (_, frames) = self.closing.get_or_insert_with(|| (block, Vec::new()));
            frames.push(frame);
            return;
        }
        // More text: what was kept was not its end.
        self.flush_closing();
        self.queue.push_back(Item::Frame(frame));
    }

    pub(super) fn flush_closing(&mut self) {
        if let Some((block, frames)) = self.closing.take() {
            if let Some(known) = self.blocks.get_mut(&block) {
                known.over = true;
            }
            self.queue.extend(frames.into_iter().map(Item::Frame));
        }
    }

    /// The end of a choice, or of the reply.
    fn stop(
        &mut self,
        chunk: Chunk,
        event: &Event,
        stops: Vec<(u32, StopReason)>,
    ) -> Result<(), Rejection> {
        let mut frame = Some(chunk);
        if !self.started && self.dialect != Dialect::Chat {
            return Err(unreadable("the reply ends before it begins"));
        }
        for (choice, reason) in stops {
            if self.lanes.get(&choice).is_some_and(|lane| lane.stopped) {
                return Err(unreadable("the reply ends twice"));
            }
            let is_open = |(block, known): (&BlockId, &Known)| block.choice == choice && known.open;
            let message_is_open = self.messages.values().any(|open| *open);
            if self.dialect != Dialect::Chat && (message_is_open || self.blocks.iter().any(is_open))
            {
                return Err(unreadable("the reply ends inside a block"));
            }
            let lane = self.lanes.entry(choice).or_default();
            lane.reason = Some(reason);
            self.stop_choice(choice, frame.take())?;
        }
        if event.is_terminal() {
            self.phase = Phase::Over;
            let unexplained = self.lanes.get(&0).is_none_or(|lane| !lane.stopped);
            if self.dialect != Dialect::Chat && unexplained {
                return Err(unreadable("the reply ends without saying why"));
            }
            // Choices that nobody has ended.
            let open: Vec<_> = self
                .lanes
                .iter()
                .filter(|(_, lane)| !lane.stopped)
                .map(|(choice, _)| *choice)
                .collect();
            for choice in open {
                self.stop_choice(choice, None)?;
            }
        }
        self.queue.extend(frame.map(Item::Frame));
        Ok(())
    }

    pub(super) fn stop_choice(
        &mut self,
        choice: u32,
        frame: Option<Chunk>,
    ) -> Result<(), Rejection> {
        self.finish_windows(choice)?;
        let closing = self.closing.take();
        self.lanes.entry(choice).or_default().stopped = true;
        self.queue.push_back(Item::Stop {
            choice,
            frame,
            closing,
        });
        Ok(())
    }
}

/// The block that an event speaks of: at most one, but for the last event of a reply.
fn block_of(event: &Event) -> Option<BlockId> {
    event.parts().iter().find_map(Part::block)
}

/// The text that an event adds to a text block; `None` if it is none that adds.
fn carried(event: &Event) -> Option<String> {
    event.parts().iter().find_map(|part| match part {
        Part::Delta {
            kind: DeltaKind::Text,
            text,
            ..
        } => Some(text.decode().into_owned()),
        Part::BlockStart { head, .. } => head
            .text
            .as_ref()
            .filter(|text| !text.is_empty())
            .map(|text| text.decode().into_owned()),
        _ => None,
    })
}

pub(super) fn carried_by(chunk: &Chunk) -> Option<String> {
    chunk.event().and_then(carried)
}

/// Whether a frame of a text block belongs to its end: neither begins it nor adds to it.
fn ends(frame: &Chunk) -> bool {
    let parts = frame.event().map_or(&[][..], Event::parts);
    let end = |part: &Part| {
        let is_end = matches!(part, Part::BlockStop { .. } | Part::MessageStop { .. });
        is_end || matches!(part, Part::Text { .. } | Part::Unknown { .. })
    };
    !parts.is_empty() && parts.iter().all(end)
}
