//! Text that is changed while it flows. Frames carry it: a frame whose text nobody changed leaves as it came, and one whose
//! text was changed leaves with other text in it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use luthien_core::{
    body::Chunk,
    decision::{Failure, Mode, Outcome, Phase, Severity},
    reply::BlockId,
};
use tokio::time::Instant;

use crate::policy::{
    Entry, Fail, TextEditor, TextEdits, Watches,
    ask::{Failed, ask_now},
    judge::Closed,
    run::Run,
};

/// A frame and the text it carries; or a frame without text, which keeps its place among those that have some.
pub(super) struct Piece {
    pub(super) frame: Chunk,
    pub(super) text: String,
    pub(super) changed: bool,
    pub(super) carries: bool,
}

impl Piece {
    pub(super) fn text(frame: Chunk, text: String) -> Self {
        Self {
            frame,
            text,
            changed: false,
            carries: true,
        }
    }

    pub(super) fn silent(frame: Chunk) -> Self {
        Self {
            frame,
            text: String::new(),
            changed: false,
            carries: false,
        }
    }
}

/// The editors of one text block, one behind the other: each sees what those before it have made.
pub(super) struct Windows {
    run: Arc<Run>,
    block: BlockId,
    stages: Vec<Stage>,
    /// What has come out, all together; kept only to be said again where the dialect does.
    so_far: String,
    pub(super) changed: bool,
    finished: bool,
}

impl Windows {
    /// The editors for a block; `None` if nobody wants to edit it.
    pub(super) fn open(run: &Arc<Run>, block: BlockId) -> Result<Option<Self>, Closed> {
        let mut stages = Vec::new();
        let entries = run.entries(Watches::TEXT_EDITS);
        for entry in entries.filter(|entry| entry.mode != Mode::Shadow) {
            let cx = run.context(entry);
            match ask_now(entry, || entry.policy.editor(&cx)) {
                Ok(Some(editor)) => stages.push(Stage::new(entry.clone(), editor)),
                Ok(None) => {}
                Err(failed) => tell_failed(run, entry, block, &failed)?,
            }
        }
        let windows = Self {
            run: run.clone(),
            block,
            stages,
            so_far: String::new(),
            changed: false,
            finished: false,
        };
        Ok((!windows.stages.is_empty()).then_some(windows))
    }

    /// Takes a piece in; what may go out by now is appended to `out`.
    pub(super) fn push(&mut self, piece: Piece, out: &mut Vec<Piece>) -> Result<(), Closed> {
        let mut pieces = vec![piece];
        for stage in &mut self.stages {
            let mut through = Vec::new();
            for piece in pieces {
                stage.push(piece, &self.run, self.block, &mut through)?;
            }
            pieces = through;
        }
        self.let_go(pieces, out);
        Ok(())
    }

    /// No more text comes: all of it goes out. A dialect may say so twice.
    pub(super) fn finish(&mut self, out: &mut Vec<Piece>) -> Result<(), Closed> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        let mut pieces = Vec::new();
        for stage in &mut self.stages {
            let mut through = Vec::new();
            for piece in pieces {
                stage.push(piece, &self.run, self.block, &mut through)?;
            }
            stage.finish(&self.run, self.block, &mut through)?;
            pieces = through;
        }
        self.let_go(pieces, out);
        Ok(())
    }

    /// What the block says by now.
    pub(super) fn so_far(&self) -> &str {
        &self.so_far
    }

    /// How many bytes of frames are kept.
    pub(super) fn held(&self) -> usize {
        self.stages.iter().map(Stage::held).sum()
    }

    fn let_go(&mut self, pieces: Vec<Piece>, out: &mut Vec<Piece>) {
        for piece in pieces {
            self.changed |= piece.changed;
            self.so_far.push_str(&piece.text);
            out.push(piece);
        }
    }
}

/// One editor, and what waits for it.
struct Stage {
    entry: Entry,
    /// `None` once it has failed openly: what comes then passes.
    editor: Option<Box<dyn TextEditor>>,
    waiting: VecDeque<Waiting>,
    /// The text of those that wait which is not settled.
    text: String,
    changed: bool,
    latency: Duration,
}

struct Waiting {
    piece: Piece,
    /// What of its text is settled, as it will go out.
    done: String,
    /// How much is not.
    rest: usize,
    changed: bool,
}

impl Stage {
    fn new(entry: Entry, editor: Box<dyn TextEditor>) -> Self {
        Self {
            entry,
            editor: Some(editor),
            waiting: VecDeque::new(),
            text: String::new(),
            changed: false,
            latency: Duration::ZERO,
        }
    }

    fn held(&self) -> usize {
        self.waiting
            .iter()
            .map(|waiting| waiting.piece.frame.bytes().len())
            .sum()
    }

    fn push(
        &mut self,
        piece: Piece,
        run: &Run,
        block: BlockId,
        out: &mut Vec<Piece>,
    ) -> Result<(), Closed> {
        self.text.push_str(&piece.text);
        let has_text = !piece.text.is_empty();
        self.waiting.push_back(Waiting {
            rest: piece.text.len(),
            done: String::new(),
            changed: false,
            piece,
        });
        if has_text {
            self.edit(false, run, block)?;
        }
        self.let_go(out);
        Ok(())
    }

    fn finish(&mut self, run: &Run, block: BlockId, out: &mut Vec<Piece>) -> Result<(), Closed> {
        self.edit(true, run, block)?;
        self.let_go(out);
        if self.editor.is_some() {
            let mut decision = Run::decision(&self.entry, Phase::Text);
            decision.block = Some(block);
            decision.latency = self.latency;
            if self.changed {
                decision.outcome = Outcome::Modify;
                decision.applied = self.entry.is_enforced();
            }
            run.tell(&decision);
        }
        Ok(())
    }

    fn edit(&mut self, last: bool, run: &Run, block: BlockId) -> Result<(), Closed> {
        let start = Instant::now();
        let mut edits = match self.ask(last) {
            Ok(edits) => edits,
            Err(failed) => {
                tell_failed(run, &self.entry, block, &failed)?;
                self.editor = None;
                TextEdits::none(&self.text)
            }
        };
        self.latency += start.elapsed();
        self.changed |= !edits.replacements.is_empty();
        if !self.entry.is_enforced() {
            // It was only to be seen what it would do.
            edits.replacements.clear();
        }
        self.settle(&edits);
        Ok(())
    }

    fn ask(&mut self, last: bool) -> Result<TextEdits, Failed> {
        let (text, Some(editor)) = (&self.text, &mut self.editor) else {
            return Ok(TextEdits::none(&self.text));
        };
        let (mut edits, most) = ask_now(&self.entry, || {
            (editor.edit(text, last), editor.look_behind())
        })?;
        if last {
            edits.settled = text.len();
        }
        if !edits.is_sound(text) {
            return Err(Failed::new(
                Failure::Invalid,
                "its replacements are out of order, out of bounds, or inside a character",
            ));
        }
        if text.len() - edits.settled > most {
            return Err(Failed::new(
                Failure::Invalid,
                "it keeps more text back than it has declared",
            ));
        }
        Ok(edits)
    }

    /// Gives each waiting frame its part of what is settled.
    fn settle(&mut self, edits: &TextEdits) {
        let mut replacements = edits.replacements.iter().peekable();
        let mut start = 0;
        // Where the text goes on behind the replacements so far.
        let mut at = 0;
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.rest > 0) {
            let end = (start + waiting.rest).min(edits.settled);
            if end <= start {
                break;
            }
            let reaches_end = end == edits.settled;
            // A replacement that began in an earlier frame has taken some of this one.
            waiting.changed |= at > start;
            while let Some((range, replacement)) = replacements
                .next_if(|(range, _)| range.start < end || (reaches_end && range.start <= end))
            {
                let from = at.max(start);
                waiting
                    .done
                    .push_str(self.text.get(from..range.start).unwrap_or_default());
                waiting.done.push_str(replacement);
                waiting.changed = true;
                at = range.end;
            }
            let from = at.max(start);
            waiting
                .done
                .push_str(self.text.get(from..end).unwrap_or_default());
            waiting.rest -= end - start;
            start = end;
        }
        self.text.drain(..edits.settled);
    }

    fn let_go(&mut self, out: &mut Vec<Piece>) {
        while self
            .waiting
            .front()
            .is_some_and(|waiting| waiting.rest == 0)
        {
            let Some(waiting) = self.waiting.pop_front() else {
                return;
            };
            let mut piece = waiting.piece;
            if waiting.changed {
                piece.changed = true;
                piece.text = waiting.done;
            }
            out.push(piece);
        }
    }
}

/// Tells of an editor that has failed, and whether that ends the reply.
fn tell_failed(run: &Run, entry: &Entry, block: BlockId, failed: &Failed) -> Result<(), Closed> {
    let closed = entry.is_enforced()
        && (entry.fail == Fail::Closed
            || failed.failure == Failure::Tripped
            || run.set.settings.coverage_required);
    let mut decision = Run::decision(entry, Phase::Text);
    decision.block = Some(block);
    decision.outcome = Outcome::Failed(failed.failure);
    decision.code = failed.code();
    decision.reason = failed.reason.clone();
    decision.severity = Severity::Critical;
    decision.applied = closed;
    run.tell(&decision);
    if closed {
        Err(Closed(decision.id))
    } else {
        Ok(())
    }
}

/// All of a text at once, as a reply that is not streamed brings it: what the editors make of it, if they change it.
pub(super) fn edit_whole(
    run: &Arc<Run>,
    block: BlockId,
    text: &str,
) -> Result<Option<String>, Closed> {
    let Some(mut windows) = Windows::open(run, block)? else {
        return Ok(None);
    };
    let mut out = Vec::new();
    let carrier = Chunk::opaque(bytes::Bytes::new());
    windows.push(Piece::text(carrier, text.to_owned()), &mut out)?;
    windows.finish(&mut out)?;
    Ok(windows.changed.then(|| windows.so_far.clone()))
}
