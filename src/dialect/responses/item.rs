//! Output items, with other content.

use std::collections::{BTreeMap, BTreeSet};

use super::request;
use crate::{
    dialect::wire::json_or_string,
    json::{Document, Edits, Json, JsonStr, Kind, quote},
    reply::BlockId,
};

/// What a block says in place of what it said.
pub(super) enum Words {
    Is(String),
    /// What it said, and then this.
    More(String),
}

impl Words {
    fn of(&self, said: JsonStr<'_>) -> String {
        match self {
            Self::Is(text) => text.clone(),
            Self::More(more) => said.decode().into_owned() + more,
        }
    }
}

/// What is changed in output items, wherever they are said.
pub(super) struct Correction<'a> {
    pub(super) dropped: &'a BTreeSet<BlockId>,
    pub(super) texts: &'a BTreeMap<BlockId, Words>,
    pub(super) inputs: &'a BTreeMap<BlockId, String>,
}

impl Correction<'_> {
    /// Corrects an item that is whole. Answers whether anything is left of it.
    pub(super) fn edit_item(&self, item: Json<'_>, number: u32, edits: &mut Edits) -> bool {
        let block = |part| BlockId::new(0, number, part);
        if request::is_message(item) {
            return self.edit_message(item, number, edits);
        }
        let block = block(0);
        if self.dropped.contains(&block) {
            return false;
        }
        if let Some(input) = self.inputs.get(&block) {
            set_input(item, input, edits);
        }
        if let Some(words) = self.texts.get(&block) {
            for list in ["summary", "content"] {
                let parts = item.get(list).into_iter().flat_map(|list| list.items());
                for (place, part) in parts.enumerate() {
                    set_words(part, words, place == 0, edits);
                }
            }
        }
        true
    }

    fn edit_message(&self, item: Json<'_>, number: u32, edits: &mut Edits) -> bool {
        let Some(content) = item.get("content") else {
            return true;
        };
        let block = |part: usize| {
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            BlockId::new(0, number, part)
        };
        if let Some(said) = content.as_str() {
            if let Some(words) = self.texts.get(&block(0)) {
                edits.replace(content, quote(&words.of(said)));
            }
            return !self.dropped.contains(&block(0));
        }
        let mut left = content.is_empty();
        for (part, json) in content.items().enumerate() {
            if self.dropped.contains(&block(part)) {
                continue;
            }
            left = true;
            if let Some(words) = self.texts.get(&block(part)) {
                set_words(json, words, true, edits);
            }
        }
        if left {
            edits.remove_items(content, |part, _| self.dropped.contains(&block(part)));
        }
        left
    }

    /// Corrects an event that says something of one block whole.
    pub(super) fn edit_event(&self, root: Json<'_>, block: BlockId, edits: &mut Edits) {
        let part = root.get("part");
        if let Some(words) = self.texts.get(&block) {
            // The parts of a summary are one block: the first of them says it all.
            let place = ["summary_index", "content_index"]
                .iter()
                .find_map(|name| root.get(name)?.as_u64())
                .unwrap_or(0);
            let is_first = place == u64::from(block.part);
            for holder in [Some(root), part].into_iter().flatten() {
                set_words(holder, words, is_first, edits);
            }
        }
        if let Some(input) = self.inputs.get(&block) {
            let members = ["arguments", "input"]
                .iter()
                .filter_map(|name| root.get(name));
            for member in members.filter(|member| member.kind() == Kind::String) {
                edits.replace(member, quote(input));
            }
        }
    }
}

fn set_words(holder: Json<'_>, words: &Words, is_first: bool, edits: &mut Edits) {
    for name in ["text", "refusal"] {
        if let Some(member) = holder.get(name)
            && let Some(said) = member.as_str()
        {
            let text = if is_first {
                words.of(said)
            } else {
                String::new()
            };
            edits.replace(member, quote(&text));
        }
    }
    forget_words(holder, edits);
}

/// The probabilities of words that are other words now.
pub(super) fn forget_words(holder: Json<'_>, edits: &mut Edits) {
    if let Some(words) = holder.get("logprobs")
        && !words.is_empty()
    {
        edits.replace(words, "[]");
    }
}

/// Puts other arguments into a call, wherever calls of its type have them.
pub(super) fn set_input(item: Json<'_>, input: &str, edits: &mut Edits) {
    let names = ["arguments", "input", "action", "operation"];
    match names.iter().find_map(|name| item.get(name)) {
        Some(member) if member.kind() == Kind::String => edits.replace(member, quote(input)),
        Some(member) => edits.replace(member, json_or_string(input)),
        None => edits.set_member(item, "arguments", quote(input)),
    }
}

/// Corrects the member in which some servers say all the text of a response once more.
pub(super) fn set_output_text(
    response: Json<'_>,
    path: &[&str],
    document: &Document,
    edits: &mut Edits,
) {
    let Some(member) = response
        .get("output_text")
        .filter(|member| member.kind() == Kind::String)
    else {
        return;
    };
    let edited = edits.clone().apply(document.bytes());
    let Ok(edited) = Document::parse(edited, &crate::json::Limits::default()) else {
        return;
    };
    let mut root = Some(edited.root());
    for name in path {
        root = root.and_then(|root| root.get(name));
    }
    let output = root.and_then(|root| root.get("output"));
    let items = output.into_iter().flat_map(|output| output.items());
    let parts = items
        .filter_map(|item| item.get("content"))
        .flat_map(|content| content.items());
    let texts = parts
        .filter(|part| {
            part.get("type")
                .is_some_and(|kind| kind.is_str("output_text"))
        })
        .filter_map(|part| part.get("text")?.as_str());
    let text: String = texts.map(|text| text.decode().into_owned()).collect();
    edits.replace(member, quote(&text));
}
