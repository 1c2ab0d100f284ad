use std::fmt;

use crate::{Dialect, body::Chunk, reply::BlockId};

/// Writes a streamed reply anew, frame for frame. What nobody changed leaves as the bytes that came.
///
/// Frames go out in the order in which they are forwarded, which need not be the one in which they came: a call may be
/// held while text behind it flows. Numbers of blocks and events follow that order.
pub struct StreamWriter {
    encoder: Box<dyn Encode>,
}

impl StreamWriter {
    /// A writer for one stream.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            encoder: dialect.encoder(),
        }
    }

    /// The frame in pieces of which each speaks of at most one block, or of none, or of the stop of a choice. `None` if it
    /// is such a piece already: always, but for Chat. (The Responses' `output_item.done` and `response.completed` speak of
    /// several, and are corrected when they are forwarded.) Nor is an ambiguous frame taken apart.
    ///
    /// To be asked of every frame as it arrives, whatever happens to it then: this is how the writer knows that what is
    /// forwarded out of order is.
    pub fn split(&mut self, chunk: &Chunk) -> Option<Vec<Chunk>> {
        self.encoder.split(chunk)
    }

    /// Lets a frame go out: renumbered if what went before was changed; else the same bytes. Nothing goes out of a frame
    /// that speaks of dropped blocks only; before it goes what has to, if that was dropped with something else.
    ///
    /// If calls of a choice were dropped and none has gone out, its stop means the end of a turn where it meant tool use.
    pub fn forward(&mut self, chunk: Chunk, out: &mut Vec<Chunk>) {
        self.encoder.forward(chunk, out);
    }

    /// The block does not go out: none of its frames is forwarded from here on. To be called once for it, and before any
    /// frame of it has gone out. `is_call` tells whether the client would have run it.
    pub fn drop_block(&mut self, block: BlockId, is_call: bool) {
        self.encoder.drop_block(block, is_call);
    }

    /// The frame, not yet forwarded, with other text in the place of the delta (or the beginning of a block) that it is.
    /// Everything else in it stays, save the probabilities of the words there were.
    pub fn with_text(&self, chunk: &Chunk, text: &str) -> Chunk {
        self.encoder.with_text(chunk, text)
    }

    /// From now on, wherever the dialect repeats the text of this block whole, it is this.
    pub fn set_text(&mut self, block: BlockId, text: String) {
        self.encoder.set_text(block, text);
    }

    /// More text at the end of a text block that has begun on the wire and has not been stopped there. Where the dialect
    /// repeats the text whole, this is part of it; a later [`set_text`](Self::set_text) is to contain it.
    pub fn text_delta(&mut self, block: BlockId, text: &str, out: &mut Vec<Chunk>) {
        self.encoder.text_delta(block, text, out);
    }

    /// A text block of our own, whole. No block may be open on the wire (which in Chat, none ever is: there it is a
    /// paragraph of the choice's only text).
    pub fn text_block(&mut self, choice: u32, text: &str, out: &mut Vec<Chunk>) {
        self.encoder.text_block(choice, text, out);
    }

    /// Forwards all the frames of a call, with other arguments wherever they stand in them, and from now on wherever the
    /// dialect repeats them. What the writer does not know about the call is left out.
    pub fn replace_input(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    ) {
        self.encoder.replace_input(block, frames, input, out);
    }

    /// A sign of life in the dialect's own form. It is not to be forwarded, but sent.
    pub fn ping(&self) -> Chunk {
        self.encoder.ping()
    }

    /// The events that end the reply here and now, as a provider would. Every choice that has begun and not stopped ends
    /// its turn. Nothing after the last event.
    ///
    /// Blocks that are open on the wire are closed as far as they came; so better no call is.
    pub fn finish(&mut self, out: &mut Vec<Chunk>) {
        self.encoder.finish(out);
    }
}

/// Shows nothing of what was said: replies do not belong into logs.
impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").finish_non_exhaustive()
    }
}

/// How a dialect writes; see [`StreamWriter`], whose methods these are.
pub(crate) trait Encode: Send + Sync {
    fn split(&mut self, chunk: &Chunk) -> Option<Vec<Chunk>>;
    fn forward(&mut self, chunk: Chunk, out: &mut Vec<Chunk>);
    fn drop_block(&mut self, block: BlockId, is_call: bool);
    fn with_text(&self, chunk: &Chunk, text: &str) -> Chunk;
    fn set_text(&mut self, block: BlockId, text: String);
    fn text_delta(&mut self, block: BlockId, text: &str, out: &mut Vec<Chunk>);
    fn text_block(&mut self, choice: u32, text: &str, out: &mut Vec<Chunk>);
    fn replace_input(
        &mut self,
        block: BlockId,
        frames: Vec<Chunk>,
        input: &str,
        out: &mut Vec<Chunk>,
    );
    fn ping(&self) -> Chunk;
    fn finish(&mut self, out: &mut Vec<Chunk>);
}
