//! Whole replies, written anew.

use bytes::Bytes;

use super::{
    answer,
    item::{Correction, Words, set_output_text},
    request,
};
use crate::{
    dialect::list::List,
    json::{Document, Edits, Json},
    reply::Plan,
    request::BlockKind,
};

pub(crate) fn edit(document: &Document, plan: &Plan, edits: &mut Edits) {
    let root = document.root();
    let Some(output) = root.get("output") else {
        return;
    };
    let texts = plan.texts.iter();
    let texts = texts.map(|(block, text)| (*block, Words::Is(text.clone())));
    let correction = Correction {
        dropped: &plan.dropped,
        texts: &texts.collect(),
        inputs: &plan.inputs,
    };
    let mut list = List::default();
    for (number, item) in output.items().enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let mut changes = Edits::default();
        if correction.edit_item(item, number, &mut changes) {
            list.keep(kind(item), item, changes);
        } else {
            list.drop(kind(item));
        }
    }
    let id = root.get("id").and_then(|id| Some(id.as_str()?.decode()));
    let notices = plan.notices(0).iter().enumerate().map(|(number, text)| {
        let id = answer::own_id(id.as_deref(), number);
        Bytes::from(answer::message(&id, text))
    });
    list.write(output, document, plan.calls_last, notices.collect(), edits);
    set_output_text(root, &[], document, edits);
}

/// What an item is to the order of items: a message is text.
fn kind(item: Json<'_>) -> BlockKind {
    if request::is_message(item) {
        BlockKind::Text
    } else {
        request::block(item).content.kind()
    }
}
