use std::collections::BTreeMap;

use super::{BlockHead, BlockId, DeltaKind, Event, HeadInput, Part};
use crate::{json::JsonString, request::BlockKind};

/// Turns the parts of a reply into finished blocks: the same ones for a streamed and a whole reply.
///
/// A block is finished when the dialect says so, or when its choice stops; at the latest when [`finish`](Self::finish)
/// is called. Where a dialect repeats a block whole at its end, that version counts, as it does for clients. A block
/// that was finished and comes again with other content is answered again, and so is a call that comes whole with other
/// arguments than its deltas have brought, or a text that is said once more otherwise.
#[derive(Debug)]
pub struct Assembler {
    limit: usize,
    held: usize,
    open: BTreeMap<BlockId, Draft>,
    done: BTreeMap<BlockId, ReplyBlock>,
}

/// A finished block of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyBlock {
    /// Which block.
    pub block: BlockId,
    /// What it is.
    pub kind: BlockKind,
    /// What a tool call's result will refer to.
    pub id: Option<String>,
    /// The tool.
    pub name: Option<String>,
    /// Text, thinking or refusal.
    pub text: String,
    /// The arguments of a tool call, as JSON or free text; not checked.
    pub input: String,
    /// The seal of thinking; for redacted thinking, its data.
    pub signature: Option<String>,
}

#[derive(Debug)]
struct Draft {
    block: ReplyBlock,
    /// The input that stood in the beginning: a placeholder if deltas follow, else the real one.
    placeholder: Option<String>,
}

/// The blocks of a reply are longer than the assembler may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the blocks of a reply are longer than {limit} bytes")]
pub struct ReplyTooLong {
    /// The most bytes of text, arguments, names and seals that may be held.
    pub limit: usize,
}

/// What a block counts beside its contents: a reply may consist of nothing but empty ones.
const EACH: usize = 64;

impl Assembler {
    /// An assembler for one reply that holds at most about `limit` bytes of text, arguments, names and seals; each block
    /// counts for 64 bytes more.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            held: 0,
            open: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// Takes in an event; appends the blocks that it finished to `finished`.
    ///
    /// # Errors
    ///
    /// When the limit is exceeded. The reply cannot be judged from here on.
    pub fn push(
        &mut self,
        event: &Event,
        finished: &mut Vec<ReplyBlock>,
    ) -> Result<(), ReplyTooLong> {
        for part in event.parts() {
            match part {
                Part::BlockStart { block, head } => self.start(*block, head),
                Part::Delta { block, kind, text } => self.delta(*block, *kind, &text.decode()),
                Part::Arguments { block, name, text } => {
                    let name = name.as_ref().map(JsonString::decode);
                    self.arguments(*block, name.as_deref(), &text.decode(), finished);
                }
                Part::Text { block, text } => self.text(*block, &text.decode(), finished),
                Part::BlockStop { block, whole } => self.stop(*block, whole.as_deref(), finished),
                Part::Stop { choice, .. } => {
                    self.stop_all(|block| block.choice == *choice, finished);
                }
                _ => {}
            }
            if self.held > self.limit {
                return Err(ReplyTooLong { limit: self.limit });
            }
        }
        Ok(())
    }

    /// The reply has ended: what was never finished, as far as it came.
    pub fn finish(&mut self) -> Vec<ReplyBlock> {
        let mut finished = Vec::new();
        self.stop_all(|_| true, &mut finished);
        finished
    }

    fn start(&mut self, block: BlockId, head: &BlockHead) {
        let taken = self.draft(block, head.kind).take(head);
        self.held += taken;
    }

    /// The draft of a block, begun if need be.
    fn draft(&mut self, block: BlockId, kind: BlockKind) -> &mut Draft {
        let held = &mut self.held;
        self.open.entry(block).or_insert_with(|| {
            *held += EACH;
            Draft::new(block, kind)
        })
    }

    fn delta(&mut self, block: BlockId, kind: DeltaKind, text: &str) {
        let Some(of) = kind.adds_to() else {
            return;
        };
        self.held += text.len();
        let draft = self.draft(block, of);
        match kind {
            DeltaKind::Input => {
                draft.placeholder = None;
                draft.block.input.push_str(text);
            }
            DeltaKind::Signature => draft.block.signature.get_or_insert_default().push_str(text),
            _ => draft.block.text.push_str(text),
        }
    }

    /// Takes in what is said once more: if it was not said before, or otherwise, there is another call, which is answered
    /// as well.
    fn arguments(
        &mut self,
        block: BlockId,
        name: Option<&str>,
        text: &str,
        finished: &mut Vec<ReplyBlock>,
    ) {
        self.held += text.len();
        let draft = self.draft(block, BlockKind::ToolCall);
        if draft.arguments().is_empty() {
            text.clone_into(&mut draft.block.input);
        }
        let name = name.or(draft.block.name.as_deref());
        if draft.arguments() != text || draft.block.name.as_deref() != name {
            finished.push(ReplyBlock {
                name: name.map(str::to_owned),
                input: text.to_owned(),
                ..draft.block.clone()
            });
        }
    }

    /// Takes in a text that is said once more: if its deltas have said another, there are two, and both are answered.
    fn text(&mut self, block: BlockId, text: &str, finished: &mut Vec<ReplyBlock>) {
        let draft = self.draft(block, BlockKind::Text);
        if draft.block.text != text {
            let other = ReplyBlock {
                text: text.to_owned(),
                ..draft.block.clone()
            };
            finished.extend([draft.block.clone(), other]);
        }
    }

    fn stop(&mut self, block: BlockId, whole: Option<&BlockHead>, finished: &mut Vec<ReplyBlock>) {
        let draft = match (self.open.remove(&block), whole) {
            (Some(draft), None) => draft,
            (streamed, Some(head)) => {
                let mut draft = Draft::new(block, head.kind);
                self.held += EACH + draft.take(head);
                // Readers who go by the deltas have seen another block: it is answered as well.
                if let Some(streamed) = streamed.filter(|streamed| streamed.contradicts(&draft)) {
                    finished.push(streamed.finish());
                }
                draft
            }
            (None, None) => return,
        };
        let block = draft.finish();
        if self.done.get(&block.block) != Some(&block) {
            finished.push(block.clone());
            self.done.insert(block.block, block);
        }
    }

    fn stop_all(&mut self, which: impl Fn(&BlockId) -> bool, finished: &mut Vec<ReplyBlock>) {
        let blocks: Vec<_> = self.open.keys().copied().filter(which).collect();
        for block in blocks {
            self.stop(block, None, finished);
        }
    }
}

impl Draft {
    fn new(block: BlockId, kind: BlockKind) -> Self {
        let (text, input) = (String::new(), String::new());
        let block = ReplyBlock {
            block,
            kind,
            id: None,
            name: None,
            text,
            input,
            signature: None,
        };
        Self {
            block,
            placeholder: None,
        }
    }

    /// Whether it is of another name, or its deltas have brought other arguments or another text, than the block that came
    /// whole.
    fn contradicts(&self, whole: &Self) -> bool {
        if self.block.kind == BlockKind::Text {
            return self.block.text != whole.block.text;
        }
        (self.block.name.is_some() && self.block.name != whole.block.name)
            || (!self.block.input.is_empty()
                && Some(&self.block.input) != whole.placeholder.as_ref())
    }

    /// The arguments so far.
    fn arguments(&self) -> &str {
        match &self.placeholder {
            Some(placeholder) if self.block.input.is_empty() => placeholder,
            _ => &self.block.input,
        }
    }

    /// Takes over what a head knows; answers by how many bytes there is more to hold.
    fn take(&mut self, head: &BlockHead) -> usize {
        let text = |text: &Option<JsonString>| text.as_ref().map(|text| text.decode().into_owned());
        let before = self.held();
        let block = &mut self.block;
        block.kind = head.kind;
        block.id = text(&head.id).or(block.id.take());
        block.name = text(&head.name).or(block.name.take());
        block.signature = text(&head.signature)
            .filter(|text| !text.is_empty())
            .or(block.signature.take());
        block.text.push_str(&text(&head.text).unwrap_or_default());
        self.placeholder = head.input.as_ref().map(|input| match input {
            HeadInput::Json(json) => String::from_utf8_lossy(json).into_owned(),
            HeadInput::Text(text) => text.decode().into_owned(),
        });
        self.held().saturating_sub(before)
    }

    /// How many bytes a head has a say in.
    fn held(&self) -> usize {
        let block = &self.block;
        let optional = [&block.id, &block.name, &block.signature, &self.placeholder];
        let optional: usize = optional.into_iter().flatten().map(String::len).sum();
        block.text.len() + optional
    }

    fn finish(mut self) -> ReplyBlock {
        if self.block.input.is_empty() {
            self.block.input = self.placeholder.unwrap_or_default();
        }
        self.block
    }
}
