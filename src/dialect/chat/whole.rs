//! Whole replies, written anew.

use bytes::Bytes;

use super::{
    answer,
    edit::{forget_words, set_input},
    lanes::{Form, Holder, choice_number, choices, holders, lane},
};
use crate::{
    dialect::list::List,
    json::{Document, Edits, Json, Kind, quote},
    reply::{BlockId, Plan},
    request::BlockKind,
};

pub(crate) fn edit(document: &Document, plan: &Plan, edits: &mut Edits) {
    for choice in choices(document.root()) {
        let number = choice_number(choice);
        let all: Vec<_> = holders(choice, Form::Whole).collect();
        for (place, holder) in all.iter().enumerate() {
            let changed = Changed {
                holder: *holder,
                choice: number,
                plan,
                // They stand in the last: in the message, if there is one.
                notices: if place + 1 == all.len() {
                    plan.notices(number)
                } else {
                    &[]
                },
            };
            changed.edit(document, edits);
        }
        let of = |lane| BlockId::new(number, lane, 0);
        if [lane::TEXT, lane::REFUSAL]
            .map(of)
            .iter()
            .any(|block| plan.texts.contains_key(block) || plan.dropped.contains(block))
        {
            forget_words(choice, edits);
        }
        if plan.over.contains(&number)
            && let Some(reason) = choice.get("finish_reason")
        {
            edits.replace(reason, quote("stop"));
        }
    }
}

/// A message that is changed, or a delta in its place.
struct Changed<'a> {
    holder: Holder<'a>,
    choice: u32,
    plan: &'a Plan,
    notices: &'a [String],
}

impl Changed<'_> {
    fn edit(&self, document: &Document, edits: &mut Edits) {
        let json = self.holder.json;
        let mut gone = Vec::new();
        for lane in [lane::THINKING, lane::FUNCTION_CALL] {
            if self.is_dropped(lane) {
                gone.extend(Holder::members(lane));
            }
        }
        let calls = self.holder.calls();
        // An empty list is refused when the client sends it back.
        if !calls.is_empty() && calls.iter().all(|(lane, _)| self.is_dropped(*lane)) {
            gone.push("tool_calls");
        } else {
            self.calls(&calls, edits);
        }
        edits.remove_members(json, |key| gone.iter().any(|name| key.is(name)));
        match json.get("content") {
            Some(content) if content.kind() == Kind::Array => {
                self.parts(content, document, edits);
            }
            content => self.content(content, edits),
        }
        for lane in [lane::THINKING, lane::REFUSAL] {
            if let Some(text) = self.text(lane) {
                self.holder.set_text(lane, text, edits);
            }
        }
        if self.is_dropped(lane::REFUSAL)
            && let Some(refusal) = json.get("refusal")
        {
            edits.replace(refusal, "null");
        }
        if let (Some(input), Some(call)) =
            (self.input(lane::FUNCTION_CALL), json.get("function_call"))
        {
            set_input(call, input, edits);
        }
    }

    /// A content that is one string, or none.
    fn content(&self, content: Option<Json<'_>>, edits: &mut Edits) {
        let is_dropped = self.is_dropped(lane::TEXT);
        let text = self.text(lane::TEXT);
        if text.is_none() && !is_dropped && self.notices.is_empty() {
            return;
        }
        let was = content.and_then(|content| Some(content.as_str()?.decode()));
        let said = match text {
            Some(text) => Some(text.to_owned()),
            None if is_dropped => None,
            None => was.map(std::borrow::Cow::into_owned),
        };
        let said = said.filter(|said| !said.is_empty() || self.notices.is_empty());
        let said: Vec<_> = said
            .iter()
            .chain(self.notices)
            .map(String::as_str)
            .collect();
        if said.is_empty() {
            if let Some(content) = content {
                edits.replace(content, "null");
            }
            return;
        }
        edits.set_member(self.holder.json, "content", quote(&said.join("\n\n")));
    }

    /// A content that is a list of parts, of which all texts are one block.
    fn parts(&self, content: Json<'_>, document: &Document, edits: &mut Edits) {
        let mut list = List::default();
        let mut text = self.text(lane::TEXT);
        let is_other = text.is_some();
        for (lane, json) in self.holder.parts() {
            let mut changes = Edits::default();
            if self.is_dropped(lane) {
                list.drop(BlockKind::Text);
                continue;
            }
            if lane == lane::TEXT && is_other {
                // The first of them says it all.
                let (Some(text), Some(member)) = (text.take(), json.get("text")) else {
                    list.drop(BlockKind::Text);
                    continue;
                };
                changes.replace(member, quote(text));
            }
            if let Some(input) = self.input(lane) {
                set_input(json, input, &mut changes);
            }
            list.keep(BlockKind::Text, json, changes);
        }
        let notices = self.notices.iter();
        let notices = notices.map(|text| Bytes::from(answer::part(text)));
        list.write(content, document, false, notices.collect(), edits);
    }

    fn calls(&self, calls: &[(u32, Json<'_>)], edits: &mut Edits) {
        for (lane, call) in calls {
            if let Some(input) = self.input(*lane) {
                set_input(*call, input, edits);
            }
        }
        if let Some(list) = self.holder.json.get("tool_calls") {
            edits.remove_items(list, |place, _| {
                let lane = calls.get(place).map(|(lane, _)| *lane);
                lane.is_some_and(|lane| self.is_dropped(lane))
            });
        }
    }

    fn block(&self, lane: u32) -> BlockId {
        BlockId::new(self.choice, lane, 0)
    }

    fn is_dropped(&self, lane: u32) -> bool {
        self.plan.dropped.contains(&self.block(lane))
    }

    fn text(&self, lane: u32) -> Option<&str> {
        if self.is_dropped(lane) {
            return None;
        }
        self.plan.texts.get(&self.block(lane)).map(String::as_str)
    }

    fn input(&self, lane: u32) -> Option<&str> {
        if self.is_dropped(lane) {
            return None;
        }
        self.plan.inputs.get(&self.block(lane)).map(String::as_str)
    }
}
