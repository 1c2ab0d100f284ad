//! Whole replies, written anew.

use bytes::Bytes;

use super::{answer, request};
use crate::{
    dialect::list::List,
    json::{Document, Edits, Json, JsonError, Limits, quote},
    reply::{BlockId, Plan},
    request::BlockKind,
};

pub(crate) fn edit(document: &Document, plan: &Plan, edits: &mut Edits) -> Result<(), JsonError> {
    let root = document.root();
    if let Some(content) = root.get("content") {
        let mut list = List::default();
        for (index, json) in content.items().enumerate() {
            let block = BlockId::new(0, u32::try_from(index).unwrap_or(u32::MAX), 0);
            let kind = request::block(json).content.kind();
            match edit_block(block, kind, json, plan)? {
                Some(edits) => list.keep(kind, json, edits),
                None => list.drop(kind),
            }
        }
        let notices = plan.notices(0).iter();
        let notices = notices.map(|text| Bytes::from(answer::block(text)));
        list.write(content, document, plan.calls_last, notices.collect(), edits);
    }
    if plan.over.contains(&0)
        && let Some(reason) = root.get("stop_reason")
    {
        edits.replace(reason, quote("end_turn"));
    }
    Ok(())
}

/// The changes to a block, unless it is dropped.
fn edit_block(
    block: BlockId,
    kind: BlockKind,
    json: Json<'_>,
    plan: &Plan,
) -> Result<Option<Edits>, JsonError> {
    let mut edits = Edits::default();
    if plan.dropped.contains(&block) {
        return Ok(None);
    }
    if let Some(text) = plan.texts.get(&block) {
        // The API takes no empty text back.
        if kind == BlockKind::Text && text.is_empty() {
            return Ok(None);
        }
        let member = json.get("text").or_else(|| json.get("thinking"));
        if let Some(member) = member {
            edits.replace(member, quote(text));
        }
    }
    if let Some(input) = plan.inputs.get(&block) {
        let input = Bytes::copy_from_slice(input.as_bytes());
        let input = Document::parse(input, &Limits::default())?;
        edits.set_member(json, "input", input.bytes().clone());
    }
    Ok(Some(edits))
}
