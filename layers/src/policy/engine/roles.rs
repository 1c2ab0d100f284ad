use luthien_core::{reply::ReplyBlock, request::BlockKind};

use crate::policy::{Text, ToolCall, entry::Subject};

/// What a block is to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    Thinking,
    /// A call that the client runs; or a block of a kind nobody knows, which may be one.
    Call,
    /// Whatever else: it passes.
    Other,
}

impl Role {
    pub(super) fn of(kind: BlockKind) -> Self {
        match kind {
            BlockKind::Text => Self::Text,
            BlockKind::Thinking => Self::Thinking,
            BlockKind::ToolCall | BlockKind::Unknown => Self::Call,
            _ => Self::Other,
        }
    }
}

/// A finished block as what it is judged as; `None` for one that nobody can judge, or nobody needs to.
pub(super) fn subject(block: &ReplyBlock) -> Option<Subject> {
    let text = || Text {
        block: block.block,
        text: block.text.clone(),
    };
    match Role::of(block.kind) {
        Role::Text => Some(Subject::Text(text())),
        Role::Thinking => Some(Subject::Thinking(text())),
        Role::Call if is_opaque(block) => None,
        Role::Call => Some(Subject::Call(ToolCall::of(block))),
        Role::Other => None,
    }
}

/// Whether nobody can say what the block is: of a kind nobody knows, with neither a name nor an input.
pub(super) fn is_opaque(block: &ReplyBlock) -> bool {
    block.kind == BlockKind::Unknown && block.name.is_none() && block.input.is_empty()
}

/// Whether it is a call of which nobody can say what it calls.
pub(super) fn is_nameless(block: &ReplyBlock) -> bool {
    block.kind == BlockKind::ToolCall && block.name.as_deref().unwrap_or_default().is_empty()
}
