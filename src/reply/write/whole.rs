use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    Dialect,
    dialect::Calls,
    json::{Document, Edits, JsonError, JsonString, Limits},
    reply::{BlockId, Part},
    request::BlockKind,
};

/// What is changed in a reply that is not streamed. Blocks are named as in its [`Event`](crate::reply::Event).
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Blocks that do not go out.
    pub dropped: BTreeSet<BlockId>,
    /// Other text, of text blocks, thinking and refusals.
    pub texts: BTreeMap<BlockId, String>,
    /// Other arguments of calls: JSON, or the free text of a custom tool.
    pub inputs: BTreeMap<BlockId, String>,
    /// Text blocks of our own, by choice: after its other text and before its calls.
    pub notices: BTreeMap<u32, Vec<String>>,
    /// More text at the end of the last text block, by choice; a new block if there is none.
    pub appended: BTreeMap<u32, String>,
    /// Text that stands behind calls moves before the first of them. What else stands between calls stays there.
    pub calls_last: bool,
}

impl Changes {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.dropped.is_empty()
            && self.texts.is_empty()
            && self.inputs.is_empty()
            && self.notices.is_empty()
            && self.appended.is_empty()
            && !self.calls_last
    }
}

/// The reply with these changes; the same bytes if they change nothing. If all calls of a choice were dropped, its stop
/// means the end of a turn where it meant tool use.
///
/// # Errors
///
/// If the reply is not JSON that every reader understands alike, or other arguments are no JSON where they must be.
pub fn rewrite_whole(
    dialect: Dialect,
    reply: &Bytes,
    changes: &Changes,
) -> Result<Bytes, JsonError> {
    if changes.is_empty() {
        return Ok(reply.clone());
    }
    let document = Document::parse(reply.clone(), &Limits::default())?;
    let parts = dialect.read_whole(document.root(), document.bytes());
    let plan = Plan::of(changes, &parts);
    let mut edits = Edits::default();
    dialect.edit_whole(&document, &plan, &mut edits)?;
    Ok(edits.apply(document.bytes()))
}

/// Changes, once it is known of what: what a dialect needs to know to write them down.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) dropped: BTreeSet<BlockId>,
    /// Other texts, with what is appended to them.
    pub(crate) texts: BTreeMap<BlockId, String>,
    pub(crate) inputs: BTreeMap<BlockId, String>,
    /// Text blocks of our own by choice; among them, what could be appended to no other.
    pub(crate) notices: BTreeMap<u32, Vec<String>>,
    pub(crate) calls_last: bool,
    /// The choices that stop for tool use, and have lost all their calls.
    pub(crate) over: BTreeSet<u32>,
}

impl Plan {
    fn of(changes: &Changes, parts: &[Part]) -> Self {
        let mut plan = Self {
            dropped: changes.dropped.clone(),
            texts: changes.texts.clone(),
            inputs: changes.inputs.clone(),
            notices: changes.notices.clone(),
            calls_last: changes.calls_last,
            over: BTreeSet::new(),
        };
        let mut calls: BTreeMap<u32, Calls> = BTreeMap::new();
        let mut texts: BTreeMap<BlockId, String> = BTreeMap::new();
        let mut last_text = BTreeMap::new();
        for part in parts {
            // Of a whole reply, each block is said whole.
            let Part::BlockStop {
                block,
                whole: Some(head),
            } = part
            else {
                continue;
            };
            let is_dropped = plan.dropped.contains(block);
            calls
                .entry(block.choice)
                .or_default()
                .note(head.kind, is_dropped);
            if head.kind == BlockKind::Text && !is_dropped {
                let text = head.text.as_ref().map(JsonString::decode);
                // Chat's text may be in several parts.
                texts
                    .entry(*block)
                    .or_default()
                    .push_str(&text.unwrap_or_default());
                last_text.insert(block.choice, *block);
            }
        }
        for part in parts {
            if let Part::Stop { choice, reason } = part
                && calls
                    .get(choice)
                    .is_some_and(|calls| calls.are_gone(reason))
            {
                plan.over.insert(*choice);
            }
        }
        for (choice, more) in &changes.appended {
            match last_text.get(choice) {
                Some(block) => {
                    let text = texts.remove(block).unwrap_or_default();
                    plan.texts.entry(*block).or_insert(text).push_str(more);
                }
                None => plan
                    .notices
                    .entry(*choice)
                    .or_default()
                    .insert(0, more.clone()),
            }
        }
        plan
    }

    pub(crate) fn notices(&self, choice: u32) -> &[String] {
        self.notices.get(&choice).map_or(&[], Vec::as_slice)
    }
}
