//! What goes out, and in which words.

use std::collections::BTreeMap;

use luthien_core::{
    Dialect,
    body::{Chunk, Outbox},
    reply::{BlockId, Part},
};
use tokio::time::sleep;

use super::{Engine, Item, QUIET, route::carried_by};
use crate::policy::{
    ReplyEnd, Watches,
    engine::{
        lane::{Held, Lane, State},
        last_words, reason_left,
        roles::Role,
    },
    judge::{Fate, Judged},
};

/// What becomes of a held block, all told.
enum Sentence {
    Keep { is_call: bool },
    Drop { is_call: bool },
    Input(String),
    Text(String),
}

impl Sentence {
    /// `ends` tells that no call goes out, nor what stands between calls.
    fn of(held: Held, ends: bool) -> Self {
        let is_call = held.role == Role::Call;
        let judged = match held.state {
            State::Judged(judged) => judged,
            State::Open | State::Asked => Judged::default(),
        };
        match (held.role, judged.fate) {
            (Role::Call, Fate::Drop) => Self::Drop { is_call },
            (Role::Text, Fate::Drop) => Self::Text(judged.words.join("\n\n")),
            (Role::Text, Fate::Change(text)) => Self::Text(text),
            (Role::Text, Fate::Keep) => Self::Keep { is_call },
            _ if ends && (held.held || is_call) => Self::Drop { is_call },
            (Role::Call, Fate::Change(input)) => Self::Input(input),
            _ => Self::Keep { is_call },
        }
    }
}

impl Engine {
    /// Lets go what need not wait any more.
    pub(super) fn advance(&mut self, out: &mut Outbox) {
        while let Some(item) = self.queue.pop_front() {
            match item {
                Item::Frame(chunk) => {
                    if !is_ping(&chunk) {
                        self.flush_parting();
                    }
                    self.writer.forward(chunk, &mut self.written);
                }
                Item::Tail(block, chunk) => match &mut self.parting {
                    Some((parting, frames)) if *parting == block => frames.push(chunk),
                    _ => self.writer.forward(chunk, &mut self.written),
                },
                Item::Say(block, text) => {
                    self.writer.set_text(block, text);
                    continue;
                }
                Item::Text {
                    block,
                    frames,
                    state: State::Judged(judged),
                } => self.text_judged(block, frames, judged),
                Item::Stop {
                    choice,
                    frame,
                    closing,
                } if self.lanes.get(&choice).is_none_or(Lane::is_judged) => {
                    let closing = closing.or_else(|| self.parting.take());
                    self.let_choice_go(choice, frame, closing);
                }
                waits => {
                    self.queue.push_front(waits);
                    break;
                }
            }
        }
        let sent = !self.written.is_empty();
        self.rejoin
            .drain(&mut self.written, |chunk| out.send(chunk));
        if !self.is_holding() {
            self.alarm = None;
        } else if sent || self.alarm.is_none() {
            self.alarm = Some(Box::pin(sleep(QUIET)));
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        let holds = |lane: &Lane| !lane.held.is_empty();
        !self.queue.is_empty() || self.lanes.values().any(holds)
    }

    pub(super) fn flush_parting(&mut self) {
        for frame in self
            .parting
            .take()
            .into_iter()
            .flat_map(|(_, frames)| frames)
        {
            self.writer.forward(frame, &mut self.written);
        }
    }

    fn text_judged(&mut self, block: BlockId, mut frames: Vec<Chunk>, judged: Judged) {
        self.flush_parting();
        self.release(&frames);
        // Something may be said at the end of the text, before the frames that end it.
        if self.run.watches(Watches::END) && self.dialect != Dialect::Chat {
            let last = frames.iter().rposition(|frame| carried_by(frame).is_some());
            let begun = last.map_or(1, |last| last + 1).min(frames.len());
            self.parting = Some((block, frames.split_off(begun)));
        }
        let text = match judged.fate {
            // A warning stands in front.
            Fate::Keep if judged.words.is_empty() => {
                if let Some(windows) = self.windows.get(&block)
                    && windows.changed
                {
                    self.writer.set_text(block, windows.so_far().to_owned());
                }
                for frame in frames {
                    self.writer.forward(frame, &mut self.written);
                }
                return;
            }
            Fate::Keep => {
                let said: String = frames.iter().filter_map(carried_by).collect();
                format!("{}\n\n{said}", judged.words.join("\n\n"))
            }
            Fate::Change(text) => {
                let mut words = judged.words;
                words.push(text);
                words.join("\n\n")
            }
            Fate::Drop => judged.words.join("\n\n"),
        };
        self.writer.set_text(block, text.clone());
        // The first frame that carries text carries all of it.
        let mut text = Some(text);
        for frame in frames {
            if carried_by(&frame).is_none() {
                self.writer.forward(frame, &mut self.written);
            } else if let Some(text) = text.take() {
                let frame = self.writer.with_text(&frame, &text);
                self.writer.forward(frame, &mut self.written);
            }
        }
    }

    fn let_choice_go(
        &mut self,
        choice: u32,
        frame: Option<Chunk>,
        closing: Option<(BlockId, Vec<Chunk>)>,
    ) {
        let mut lane = self.lanes.remove(&choice).unwrap_or_default();
        let (mut words, ends) = lane.verdict();
        let (held, frames) = (
            std::mem::take(&mut lane.held),
            std::mem::take(&mut lane.frames),
        );
        let (reason, text) = (lane.reason.clone(), lane.text);
        // What comes after it is judged by what was there.
        self.lanes.insert(choice, lane);
        let fates: BTreeMap<_, _> = held
            .into_iter()
            .map(|held| (held.block, Sentence::of(held, ends)))
            .collect();
        let (mut gone, mut left) = (false, 0);
        for (block, sentence) in &fates {
            match sentence {
                Sentence::Drop { is_call } => {
                    gone |= is_call;
                    self.writer.drop_block(*block, *is_call);
                }
                Sentence::Keep { is_call } => left += usize::from(*is_call),
                Sentence::Input(_) => left += 1,
                Sentence::Text(text) => self.writer.set_text(*block, text.clone()),
            }
        }
        if left == 0 {
            let end = ReplyEnd {
                choice,
                reason: reason_left(reason, gone, left),
                tool_calls: left,
                has_text: text.is_some() || !words.is_empty(),
                usage: self.usage,
            };
            if let Some(last) = last_words(&self.run, &end) {
                // Chat's text is open to its end; elsewhere, what ends the last text was kept for this.
                let open = match &closing {
                    Some((block, _)) => Some(*block),
                    None => text.filter(|_| self.dialect == Dialect::Chat),
                };
                match (open, words.is_empty()) {
                    (Some(block), true) => {
                        self.writer.text_delta(block, &last, &mut self.written);
                    }
                    _ => words.push(last.trim_start().to_owned()),
                }
            }
        }
        for frame in closing.into_iter().flat_map(|(_, frames)| frames) {
            self.writer.forward(frame, &mut self.written);
        }
        // Before the calls that are left, of which none may have text behind it; if none is left, at the end: Anthropic takes
        // no turn back that ends in thinking.
        let words = (!words.is_empty()).then(|| words.join("\n\n"));
        let (before, behind) = if left == 0 {
            (None, words)
        } else {
            (words, None)
        };
        if let Some(words) = before {
            self.writer.text_block(choice, &words, &mut self.written);
        }
        self.let_frames_go(frames, &fates);
        if let Some(words) = behind {
            self.writer.text_block(choice, &words, &mut self.written);
        }
        if let Some(frame) = frame {
            self.writer.forward(frame, &mut self.written);
        }
    }

    /// Lets held frames go in the order in which they came, as far as they go at all.
    fn let_frames_go(
        &mut self,
        frames: Vec<(BlockId, Chunk)>,
        fates: &BTreeMap<BlockId, Sentence>,
    ) {
        let bytes: usize = frames.iter().map(|(_, frame)| frame.bytes().len()).sum();
        self.held = self.held.saturating_sub(bytes);
        // Of a call with other arguments all frames go at once, in the place of its first.
        let mut changed: BTreeMap<BlockId, Vec<Chunk>> = BTreeMap::new();
        for (block, frame) in &frames {
            if let Some(Sentence::Input(_)) = fates.get(block) {
                changed.entry(*block).or_default().push(frame.clone());
            }
        }
        for (block, frame) in frames {
            match fates.get(&block) {
                Some(Sentence::Drop { .. }) => {}
                Some(Sentence::Input(input)) => {
                    if let Some(frames) = changed.remove(&block) {
                        let written = &mut self.written;
                        self.writer.replace_input(block, frames, input, written);
                    }
                }
                _ => self.writer.forward(frame, &mut self.written),
            }
        }
    }

    fn release(&mut self, frames: &[Chunk]) {
        let bytes: usize = frames.iter().map(|frame| frame.bytes().len()).sum();
        self.held = self.held.saturating_sub(bytes);
    }
}

fn is_ping(chunk: &Chunk) -> bool {
    chunk
        .event()
        .is_some_and(|event| matches!(event.parts(), [Part::Ping] | []))
}
