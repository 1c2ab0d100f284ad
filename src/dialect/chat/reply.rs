use bytes::Bytes;

use super::request;
use crate::{
    dialect::{EventData, Needle, needle, openai},
    json::{Json, JsonStr},
    reply::{BlockHead, BlockId, DeltaKind, Part, StopReason, Usage},
    request::BlockKind,
};

/// Chat does not number its blocks. Each choice has these lanes, and after them one for each tool call; the order is
/// that in which [`request::message`] finds them in a whole message.
mod lane {
    pub(super) const THINKING: u32 = 0;
    pub(super) const REFUSAL: u32 = 1;
    pub(super) const TEXT: u32 = 2;
    pub(super) const FUNCTION_CALL: u32 = 3;
    pub(super) const TOOL_CALLS: u32 = 4;
}

pub(crate) static WORDS: [Needle; 4] = [
    needle!(b"\"content\""),
    needle!(b"\"arguments\""),
    needle!(b"\"reasoning_content\""),
    needle!(b"\"refusal\""),
];

pub(crate) fn may_be_terminal(frame: &[u8]) -> bool {
    static LAST: [Needle; 2] = [needle!(b"[DONE]"), needle!(b"error")];
    LAST.iter().any(|word| word.is_in(frame))
}

/// Whether a choice may end here: `finish_reason` holds a string.
pub(crate) fn may_end_choice(frame: &[u8]) -> bool {
    static NAME: Needle = needle!(b"\"finish_reason\"");
    NAME.values(frame).any(|value| value.starts_with(b"\""))
}

pub(crate) fn usage(root: Json<'_>) -> Option<Usage> {
    root.get("usage")
        .filter(|usage| !usage.is_null())
        .map(Usage::chat)
}

pub(crate) fn read_event(event: EventData<'_>) -> (Vec<Part>, bool) {
    let Some(root) = event.json else {
        let done = event.data.trim_ascii() == b"[DONE]";
        return (
            if done {
                Vec::new()
            } else {
                vec![Part::Unknown]
            },
            done,
        );
    };
    let bytes = event.data;
    if let Some(error) = openai::error(root, bytes) {
        return (vec![error], true);
    }
    let mut parts = Vec::new();
    for choice in root
        .get("choices")
        .into_iter()
        .flat_map(|choices| choices.items())
    {
        let number = number(choice, "index").unwrap_or(0);
        if let Some(delta) = choice.get("delta") {
            if delta.get("role").is_some() && number == 0 {
                parts.push(openai::start(root, bytes));
            }
            deltas(number, delta, bytes, &mut parts);
        }
        stop(number, choice, bytes, &mut parts);
    }
    parts.extend(usage(root).map(Part::Usage));
    (parts, false)
}

pub(crate) fn read_whole(root: Json<'_>, bytes: &Bytes) -> Vec<Part> {
    if let Some(error) = openai::error(root, bytes) {
        return vec![error];
    }
    let mut parts = vec![openai::start(root, bytes)];
    for choice in root
        .get("choices")
        .into_iter()
        .flat_map(|choices| choices.items())
    {
        let number = number(choice, "index").unwrap_or(0);
        if let Some(message) = choice.get("message") {
            whole_message(number, message, bytes, &mut parts);
        }
        stop(number, choice, bytes, &mut parts);
    }
    parts.extend(usage(root).map(Part::Usage));
    parts
}

/// The blocks of a message that came whole, on the lanes on which a stream would have brought them.
fn whole_message(choice: u32, message: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    let mut calls = lane::TOOL_CALLS;
    for found in request::message(message).blocks() {
        let head = Box::new(BlockHead::of(found, bytes));
        // An empty text beside tool calls is Chat's way to say that there is none.
        if head.kind == BlockKind::Text && head.text.as_ref().is_some_and(|text| text.is("")) {
            continue;
        }
        let index = match head.kind {
            BlockKind::Text => lane::TEXT,
            BlockKind::Thinking => lane::THINKING,
            BlockKind::Refusal => lane::REFUSAL,
            _ if message
                .get("function_call")
                .is_some_and(|call| call.text() == found.json.text()) =>
            {
                lane::FUNCTION_CALL
            }
            _ => {
                calls += 1;
                calls - 1
            }
        };
        let block = BlockId::new(choice, index, 0);
        parts.push(Part::BlockStart {
            block,
            head: head.clone(),
        });
        parts.push(Part::BlockStop {
            block,
            whole: Some(head),
        });
    }
}

fn deltas(choice: u32, delta: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    let text = |name| delta.get(name).and_then(|text| text.as_str());
    let mut piece = |index, kind, text: Option<JsonStr<'_>>| {
        if let Some(text) = text.filter(|text| !text.raw().is_empty()) {
            parts.push(Part::Delta {
                block: BlockId::new(choice, index, 0),
                kind,
                text: text.owned_by(bytes),
            });
        }
    };
    piece(lane::TEXT, DeltaKind::Text, text("content"));
    piece(
        lane::THINKING,
        DeltaKind::Thinking,
        text("reasoning_content").or_else(|| text("reasoning")),
    );
    piece(lane::REFUSAL, DeltaKind::Refusal, text("refusal"));
    if let Some(json) = delta.get("function_call") {
        call(
            BlockId::new(choice, lane::FUNCTION_CALL, 0),
            json,
            bytes,
            parts,
        );
    }
    for (position, json) in delta
        .get("tool_calls")
        .into_iter()
        .flat_map(|calls| calls.items())
        .enumerate()
    {
        // Some servers leave the number out where there is one call.
        let index = number(json, "index")
            .or_else(|| u32::try_from(position).ok())
            .unwrap_or(u32::MAX);
        call(
            BlockId::new(choice, lane::TOOL_CALLS.saturating_add(index), 0),
            json,
            bytes,
            parts,
        );
    }
}

/// A piece of a call: with its id or name it is a beginning (the name may come late), and arguments are a delta.
fn call(block: BlockId, json: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    let mut head = BlockHead::of(request::block(json), bytes);
    let input = head.input.take();
    if head.id.is_some() || head.name.is_some() {
        head.kind = BlockKind::ToolCall;
        parts.push(Part::BlockStart {
            block,
            head: Box::new(head),
        });
    }
    if let Some(crate::reply::HeadInput::Text(text)) = input
        && !text.is("")
    {
        parts.push(Part::Delta {
            block,
            kind: DeltaKind::Input,
            text,
        });
    }
}

fn stop(choice: u32, json: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    if let Some(word) = json.get("finish_reason").and_then(|reason| reason.as_str()) {
        parts.push(Part::Stop {
            choice,
            reason: StopReason::read(word.owned_by(bytes)),
        });
    }
}

fn number(json: Json<'_>, name: &str) -> Option<u32> {
    u32::try_from(json.get(name)?.as_u64()?).ok()
}
