//! What a reply may be: a block begins, goes on, ends, and none comes behind the end. A reply that cannot be is refused, for
//! what a client makes of it nobody can say.

use std::collections::btree_map::Entry;

use luthien_core::{
    Dialect,
    reject::Rejection,
    reply::{BlockHead, BlockId, DeltaKind, Event, HeadInput, Part},
    request::BlockKind,
};

use super::Engine;
use crate::policy::engine::{roles::Role, unreadable};

/// A block that has begun.
pub(super) struct Known {
    kind: BlockKind,
    pub(super) open: bool,
    named: bool,
    /// Whether its arguments stood in its beginning.
    has_input: bool,
    /// Whether any came behind it.
    has_deltas: bool,
    /// Whether its end has gone out: nothing can be added to it any more.
    pub(super) over: bool,
}

impl Known {
    pub(super) fn role(&self) -> Role {
        Role::of(self.kind)
    }

    fn begun(kind: BlockKind) -> Self {
        Self {
            kind,
            open: true,
            named: false,
            has_input: false,
            has_deltas: false,
            over: false,
        }
    }
}

impl Engine {
    /// Keeps account of what has begun and ended; a reply that cannot be is refused.
    pub(super) fn note(&mut self, event: &Event) -> Result<(), Rejection> {
        for part in event.parts() {
            match part {
                // Chat's choices begin one by one, in any words.
                Part::Start { .. } if self.dialect == Dialect::Chat => {}
                Part::Start { .. } if self.started => {
                    return Err(unreadable("the reply begins twice"));
                }
                Part::Start { .. } => self.started = true,
                Part::Usage(usage) => self.usage.update(usage),
                // What would be said of a block that nobody knows of would be judged by nobody.
                Part::Unknown { block: Some(block) } if !self.is_open(*block) => {
                    return Err(unreadable("it speaks of a block that is not open"));
                }
                Part::MessageStart { block } => self.begin_message(*block)?,
                Part::MessageStop { block } => self.end_message(*block, event)?,
                Part::BlockStart { block, head } => {
                    self.place(*block, head.kind)?;
                    self.begin(*block, head.kind)?;
                    self.name(*block, head)?;
                    self.note_input(*block, head)?;
                }
                Part::Delta { block, kind, .. } => self.more(*block, *kind)?,
                // Whether they are those that have come is for the assembler to say.
                Part::Arguments { block, .. } => self.repeat(*block, Role::Call)?,
                Part::Text { block, .. } => self.repeat(*block, Role::Text)?,
                Part::BlockStop { block, whole } => {
                    self.end_block(*block, whole.as_deref(), event)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_open(&self, block: BlockId) -> bool {
        let known = self.blocks.get(&block);
        known.is_some_and(|known| known.open || self.dialect == Dialect::Chat)
    }

    fn begin_message(&mut self, block: BlockId) -> Result<(), Rejection> {
        if !self.started || self.is_stopped(block) {
            return Err(unreadable("a message begins outside of the reply"));
        }
        let is_new = !self.blocks.contains_key(&block);
        if !is_new || self.messages.insert(block.index, true).is_some() {
            return Err(unreadable(
                "a message begins where something else has begun",
            ));
        }
        Ok(())
    }

    /// Such an event says all parts once more, of which each has ended.
    fn end_message(&mut self, block: BlockId, event: &Event) -> Result<(), Rejection> {
        let is_stop = |part: &&Part| matches!(part, Part::BlockStop { .. });
        let said = event.parts().iter().filter(is_stop).count();
        let is_of_it = |known: &&BlockId| known.index == block.index;
        if said != self.blocks.keys().filter(is_of_it).count() {
            return Err(unreadable("a message ends as another"));
        }
        match self.messages.insert(block.index, false) {
            Some(true) => Ok(()),
            _ => Err(unreadable("a message ends that is not open")),
        }
    }

    /// What stands in messages only begins in one that is open: there is no other place for it in what a client builds.
    fn place(&self, block: BlockId, kind: BlockKind) -> Result<(), Rejection> {
        let in_message = block.part > 0 || matches!(kind, BlockKind::Text | BlockKind::Refusal);
        let is_open = self.messages.get(&block.index) == Some(&true);
        if self.dialect == Dialect::Responses && in_message && !is_open {
            return Err(unreadable("a part begins outside of a message"));
        }
        Ok(())
    }

    fn begin(&mut self, block: BlockId, kind: BlockKind) -> Result<(), Rejection> {
        if !self.started && self.dialect != Dialect::Chat {
            return Err(unreadable("a block begins before the reply does"));
        }
        if self.is_stopped(block) {
            return Err(unreadable("a block begins behind the end of the reply"));
        }
        let is_open = |(other, known): (&BlockId, &Known)| *other != block && known.open;
        if self.dialect == Dialect::Anthropic && self.blocks.iter().any(is_open) {
            return Err(unreadable("a block begins inside another"));
        }
        let known = match self.blocks.entry(block) {
            Entry::Vacant(place) => place.insert(Known::begun(kind)),
            // More of a call's head may come in Chat, where nothing says that a block begins.
            Entry::Occupied(known) if self.dialect == Dialect::Chat => known.into_mut(),
            Entry::Occupied(_) => return Err(unreadable("a block begins twice")),
        };
        // Nor may one begin again that has ended, or become another.
        if !known.open || known.kind != kind {
            return Err(unreadable("a block begins twice"));
        }
        if kind == BlockKind::Text {
            self.lanes.entry(block.choice).or_default().text = Some(block);
        }
        Ok(())
    }

    /// Notes arguments that stand in a call's beginning: deltas behind them would be taken for all of them by some, and for
    /// more of them by others.
    fn note_input(&mut self, block: BlockId, head: &BlockHead) -> Result<(), Rejection> {
        let is_empty = match &head.input {
            None => true,
            Some(HeadInput::Json(json)) => is_placeholder(json),
            Some(HeadInput::Text(text)) => text.is_empty(),
        };
        let Some(known) = self.blocks.get_mut(&block).filter(|_| !is_empty) else {
            return Ok(());
        };
        if known.has_input || known.has_deltas {
            return Err(unreadable("a call's arguments come twice"));
        }
        known.has_input = true;
        Ok(())
    }

    /// A name that comes twice: some clients take the last, some join them.
    fn name(&mut self, block: BlockId, head: &BlockHead) -> Result<(), Rejection> {
        let is_named = head.name.as_ref().is_some_and(|name| !name.is_empty());
        let Some(known) = self.blocks.get_mut(&block).filter(|_| is_named) else {
            return Ok(());
        };
        if std::mem::replace(&mut known.named, true) {
            return Err(unreadable("a call is named twice"));
        }
        Ok(())
    }

    fn more(&mut self, block: BlockId, kind: DeltaKind) -> Result<(), Rejection> {
        if self.is_stopped(block) {
            return Err(unreadable("a block goes on behind the end of the reply"));
        }
        if let Some(known) = self.blocks.get_mut(&block) {
            known.has_deltas |= kind == DeltaKind::Input;
        }
        match self.blocks.get(&block) {
            Some(known) if known.has_input && kind == DeltaKind::Input => {
                Err(unreadable("a call's arguments come twice"))
            }
            Some(known) if !known.open => Err(unreadable("a block goes on that has ended")),
            Some(known) if belongs(kind, known.kind) => Ok(()),
            Some(_) => Err(unreadable("a block goes on as another")),
            // Chat's blocks begin without a word.
            None if self.dialect == Dialect::Chat => {
                self.begin(block, kind.adds_to().unwrap_or(BlockKind::Unknown))
            }
            None => Err(unreadable("a block goes on that has not begun")),
        }
    }

    fn repeat(&self, block: BlockId, role: Role) -> Result<(), Rejection> {
        match self.blocks.get(&block) {
            Some(known) if known.open && known.role() == role => Ok(()),
            _ => Err(unreadable(
                "what is said once more belongs to no open block",
            )),
        }
    }

    fn end_block(
        &mut self,
        block: BlockId,
        whole: Option<&BlockHead>,
        event: &Event,
    ) -> Result<(), Rejection> {
        if self.is_stopped(block) && !event.is_terminal() {
            return Err(unreadable("a block goes on behind the end of the reply"));
        }
        let is_call = whole.map(|head| Role::of(head.kind) == Role::Call);
        let is_message = self.messages.contains_key(&block.index);
        let is_stop = |part: &Part| matches!(part, Part::MessageStop { .. });
        let ends_message = event.parts().iter().any(is_stop);
        match (self.blocks.get_mut(&block), whole) {
            (Some(known), _) if is_call.is_some_and(|is| is != (known.role() == Role::Call)) => {
                return Err(unreadable("a block ends as another"));
            }
            // The Responses say it of a part, then of its item, then of all; a call that ends twice some would run twice.
            (Some(known), Some(_)) if event.is_terminal() => known.open = false,
            (Some(known), _) if known.open != ends_message => known.open = false,
            // What has not begun comes whole in the last event, or not at all.
            (None, Some(head))
                if event.is_terminal()
                    && self.started
                    && !(is_call == Some(true) && is_message) =>
            {
                let mut known = Known::begun(head.kind);
                known.open = false;
                self.blocks.insert(block, known);
            }
            _ => return Err(unreadable("a block ends that is not open")),
        }
        Ok(())
    }

    fn is_stopped(&self, block: BlockId) -> bool {
        self.lanes
            .get(&block.choice)
            .is_some_and(|lane| lane.stopped)
    }
}

/// Whether a block may go on with this: text that came as part of anything else would be judged by nobody.
fn belongs(delta: DeltaKind, block: BlockKind) -> bool {
    match delta.adds_to() {
        // An unknown kind of block is held as a call is; a tool of the provider's own is called by nobody else.
        Some(BlockKind::ToolCall) => matches!(
            block,
            BlockKind::ToolCall | BlockKind::ServerTool | BlockKind::Unknown
        ),
        Some(kind) => kind == block,
        // What nobody knows goes with the block it belongs to.
        None => true,
    }
}

/// Whether arguments in a beginning say nothing: deltas are to follow.
fn is_placeholder(json: &[u8]) -> bool {
    let inside = json
        .trim_ascii()
        .strip_prefix(b"{")
        .and_then(|rest| rest.strip_suffix(b"}"));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
        || matches!(json.trim_ascii(), b"null" | b"")
}
