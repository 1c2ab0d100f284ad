//! Which blocks there are in a choice, and where they stand in it.

use std::collections::BTreeSet;

use crate::{
    dialect::chat::request,
    json::{Edits, Json, JsonStr, Kind},
    request::{Block, BlockKind},
};

/// Chat does not number its blocks. Each choice has these lanes, and after them one for each tool call; the order is
/// that in which [`request::message`] finds them in a whole message.
pub(super) mod lane {
    pub(crate) const THINKING: u32 = 0;
    pub(crate) const REFUSAL: u32 = 1;
    pub(crate) const TEXT: u32 = 2;
    pub(crate) const FUNCTION_CALL: u32 = 3;
    pub(crate) const TOOL_CALLS: u32 = 4;
    /// Parts of a content that are none of these, one lane each.
    pub(crate) const OTHERS: u32 = 1 << 31;
}

/// What holds the blocks of a choice.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) json: Json<'a>,
    /// Whether it holds them whole; or what is added to them.
    pub(super) is_whole: bool,
}

/// Delta and message of a choice. Whatever arrives is read: servers exist that send messages in streams.
pub(super) fn holders(choice: Json<'_>, form: Form) -> impl Iterator<Item = Holder<'_>> {
    let holder = move |name, is_whole| {
        let json = choice.get(name)?;
        Some(Holder { json, is_whole })
    };
    [
        holder("delta", form == Form::Whole),
        holder("message", true),
    ]
    .into_iter()
    .flatten()
}

/// How a reply came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Stream,
    Whole,
}

pub(super) fn choices(root: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    items(root, "choices")
}

pub(super) fn choice_number(choice: Json<'_>) -> u32 {
    number(choice, "index").unwrap_or(0)
}

/// The blocks of a message that came whole, and the lanes on which a stream would have brought them.
pub(super) fn lanes(message: Json<'_>) -> impl Iterator<Item = (u32, Block<'_>)> {
    let is_in = move |name, block: Json<'_>| {
        let list = message.get(name);
        list.is_some_and(|list| list.span().contains(&block.span().start))
    };
    let holder = Holder {
        json: message,
        is_whole: true,
    };
    let mut calls = holder.calls().into_iter().peekable();
    let mut others = lane::OTHERS;
    request::message(message).blocks().map(move |found| {
        let call = calls.next_if(|(_, call)| call.span() == found.json.span());
        let lane = match (call, found.content.kind()) {
            (Some((lane, _)), _) => lane,
            _ if is_in("function_call", found.json) => lane::FUNCTION_CALL,
            (_, BlockKind::Text) => lane::TEXT,
            (_, BlockKind::Thinking) => lane::THINKING,
            (_, BlockKind::Refusal) => lane::REFUSAL,
            _ => {
                others = others.saturating_add(1);
                others - 1
            }
        };
        (lane, found)
    })
}

impl<'a> Holder<'a> {
    /// The members that belong to a lane, but for those that hold a list of its blocks.
    pub(super) fn members(lane: u32) -> &'static [&'static str] {
        match lane {
            lane::THINKING => &["reasoning_content", "reasoning", "reasoning_details"],
            lane::REFUSAL => &["refusal"],
            lane::TEXT => &["content"],
            lane::FUNCTION_CALL => &["function_call"],
            _ => &[],
        }
    }

    /// The tool calls, with their lanes. A message need not number them; if it does without a doubt, it is believed, for
    /// it may be a piece of one.
    pub(super) fn calls(self) -> Vec<(u32, Json<'a>)> {
        let calls: Vec<_> = items(self.json, "tool_calls").collect();
        let numbers = calls.iter().filter_map(|call| number(*call, "index"));
        let numbers: BTreeSet<_> = numbers.collect();
        let is_numbered = !self.is_whole || numbers.len() == calls.len();
        let lane_of = |position, call: Json<'_>| {
            // Some servers leave the number out where there is one call.
            let number = number(call, "index").filter(|_| is_numbered);
            let number = number.or_else(|| u32::try_from(position).ok());
            lane::TOOL_CALLS.saturating_add(number.unwrap_or(u32::MAX))
        };
        let calls = calls.into_iter().enumerate();
        calls
            .map(|(position, call)| (lane_of(position, call), call))
            .collect()
    }

    /// The parts of the content, if it is a list of them, with their lanes.
    pub(super) fn parts(self) -> Vec<(u32, Json<'a>)> {
        let content = self
            .json
            .get("content")
            .filter(|json| json.kind() == Kind::Array);
        let Some(content) = content else {
            return Vec::new();
        };
        if !self.is_whole {
            return content.items().map(|json| (lane::TEXT, json)).collect();
        }
        let is_part =
            |found: &(u32, Block<'_>)| content.span().contains(&found.1.json.span().start);
        lanes(self.json)
            .filter(is_part)
            .map(|(lane, found)| (lane, found.json))
            .collect()
    }

    /// Removes what is of none of the lanes that `keep` names; it is asked for `None` where something belongs to no lane.
    pub(super) fn strip(self, keep: impl Fn(Option<u32>) -> bool, edits: &mut Edits) {
        let calls = self.calls();
        for (lane, call) in &calls {
            // In a piece, its place no longer says which it is.
            if self.is_whole && keep(Some(*lane)) && number(*call, "index").is_none() {
                let number = lane - lane::TOOL_CALLS;
                edits.set_member(*call, "index", number.to_string());
            }
        }
        let parts = self.parts();
        let mut emptied = Vec::new();
        for (name, elements) in [("tool_calls", calls), ("content", parts)] {
            let Some(list) = self.json.get(name).filter(|_| !elements.is_empty()) else {
                continue;
            };
            if elements.iter().any(|(lane, _)| keep(Some(*lane))) {
                let stays = |index| {
                    elements
                        .get(index)
                        .is_some_and(|(lane, _)| keep(Some(*lane)))
                };
                edits.remove_items(list, |index, _| !stays(index));
            } else {
                emptied.push(name);
            }
        }
        let lanes = lane::THINKING..=lane::FUNCTION_CALL;
        let lane_of = |key: JsonStr<'_>| {
            let mut lanes = lanes.clone();
            lanes.find(|lane| Self::members(*lane).iter().any(|name| key.is(name)))
        };
        edits.remove_members(self.json, |key| {
            if emptied.iter().any(|name| key.is(name)) {
                return true;
            }
            let is_list = ["tool_calls", "content"].iter().any(|name| {
                key.is(name)
                    && self
                        .json
                        .get(name)
                        .is_some_and(|json| json.kind() == Kind::Array)
            });
            !is_list && !keep(lane_of(key))
        });
    }
}

pub(super) fn number(json: Json<'_>, name: &str) -> Option<u32> {
    u32::try_from(json.get(name)?.as_u64()?).ok()
}

pub(super) fn items<'a>(json: Json<'a>, name: &str) -> impl Iterator<Item = Json<'a>> + use<'a> {
    let list = json.get(name);
    list.into_iter().flat_map(|list| list.items())
}
