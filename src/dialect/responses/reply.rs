use bytes::Bytes;

use super::request;
use crate::{
    dialect::{EventData, Needle, needle, openai},
    json::{Json, Kind},
    reply::{BlockHead, BlockId, DeltaKind, Part, StopReason, Usage},
    request::{BlockKind, Content},
};

pub(crate) static WORDS: [Needle; 1] = [needle!(b"\"delta\"")];

pub(crate) fn may_be_terminal(frame: &[u8]) -> bool {
    static LAST: [Needle; 4] = [
        needle!(b"response.completed"),
        needle!(b"response.incomplete"),
        needle!(b"response.failed"),
        needle!(b"error"),
    ];
    LAST.iter().any(|word| word.is_in(frame))
}

pub(crate) fn usage(root: Json<'_>) -> Option<Usage> {
    let usage = root
        .get("usage")
        .or_else(|| root.get("response")?.get("usage"))?;
    (usage.kind() == Kind::Object).then(|| Usage::responses(usage))
}

pub(crate) fn read_event(event: EventData<'_>) -> (Vec<Part>, bool) {
    let Some(root) = event.json else {
        // Not of this dialect, yet servers that speak both end both alike.
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
    let kind = root
        .get("type")
        .and_then(|kind| kind.as_str())
        .map(|kind| kind.decode())
        .unwrap_or_default();
    let one = |part: Option<Part>| (vec![part.unwrap_or(Part::Unknown)], false);
    match &*kind {
        "response.created" => one(root
            .get("response")
            .map(|response| openai::start(response, bytes))),
        "response.output_item.added" => one(item_started(root, bytes)),
        "response.content_part.added" => one(part_started(root, bytes)),
        "response.output_text.delta" => one(delta(root, "content_index", DeltaKind::Text, bytes)),
        "response.refusal.delta" => one(delta(root, "content_index", DeltaKind::Refusal, bytes)),
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            one(delta(root, "", DeltaKind::Thinking, bytes))
        }
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            one(delta(root, "", DeltaKind::Input, bytes))
        }
        "response.content_part.done" => one(part_stopped(root, bytes)),
        "response.output_item.done" => {
            let number = root
                .get("output_index")
                .and_then(|index| index.as_u64())
                .and_then(|index| index.try_into().ok());
            let mut parts = Vec::new();
            if let Some((number, item)) = number.zip(root.get("item")) {
                whole_item(number, item, bytes, false, &mut parts);
            }
            (parts, false)
        }
        "response.completed" | "response.incomplete" | "response.failed" => {
            let mut parts = Vec::new();
            if let Some(response) = root.get("response") {
                whole_response(response, bytes, false, &mut parts);
            }
            (parts, true)
        }
        "error" => (
            vec![openai::error(root, bytes).unwrap_or_else(|| openai::bare_error(root, bytes))],
            true,
        ),
        _ => one(None),
    }
}

pub(crate) fn read_whole(root: Json<'_>, bytes: &Bytes) -> Vec<Part> {
    if root.get("output").is_none()
        && let Some(error) = openai::error(root, bytes)
    {
        return vec![error];
    }
    let mut parts = vec![openai::start(root, bytes)];
    whole_response(root, bytes, true, &mut parts);
    parts
}

/// A response object: what it put out, what it used, why it stopped. `begin` tells whether its blocks are new here;
/// at the end of a stream they are repeated.
fn whole_response(response: Json<'_>, bytes: &Bytes, begin: bool, parts: &mut Vec<Part>) {
    let mut calls = false;
    for (number, item) in response
        .get("output")
        .into_iter()
        .flat_map(|output| output.items())
        .enumerate()
    {
        let found = parts.len();
        whole_item(
            u32::try_from(number).unwrap_or(u32::MAX),
            item,
            bytes,
            begin,
            parts,
        );
        calls |= parts.iter().skip(found).any(|part| match part {
            Part::BlockStop {
                whole: Some(head), ..
            } => head.kind == BlockKind::ToolCall,
            _ => false,
        });
    }
    parts.extend(usage(response).map(Part::Usage));
    if let Some(error) = openai::error(response, bytes) {
        parts.push(error);
        return;
    }
    let status = response.get("status").and_then(|status| status.as_str());
    let reason = match status {
        Some(status) if status.is("completed") && calls => StopReason::ToolUse,
        Some(status) if status.is("completed") => StopReason::EndTurn,
        Some(status) => {
            let detail = response
                .get("incomplete_details")
                .and_then(|details| details.get("reason")?.as_str());
            StopReason::read(detail.unwrap_or(status).owned_by(bytes))
        }
        None => return,
    };
    parts.push(Part::Stop { choice: 0, reason });
}

/// An output item that is complete: a message's parts, or the item as one block.
fn whole_item(number: u32, item: Json<'_>, bytes: &Bytes, begin: bool, parts: &mut Vec<Part>) {
    for (part, found) in request::message(item).blocks().enumerate() {
        let block = BlockId::new(0, number, u32::try_from(part).unwrap_or(u32::MAX));
        let head = Box::new(BlockHead::of(found, bytes));
        if begin {
            parts.push(Part::BlockStart {
                block,
                head: head.clone(),
            });
        }
        parts.push(Part::BlockStop {
            block,
            whole: Some(head),
        });
    }
}

/// A message is only a shell around parts that are started one by one; any other item is a block.
fn item_started(root: Json<'_>, bytes: &Bytes) -> Option<Part> {
    let item = root.get("item")?;
    if item.get("type").is_some_and(|kind| kind.is_str("message")) {
        return None;
    }
    let head = BlockHead::of(request::block(item), bytes);
    Some(Part::BlockStart {
        block: block_id(root, "")?,
        head: Box::new(head),
    })
}

fn part_started(root: Json<'_>, bytes: &Bytes) -> Option<Part> {
    let found = request::block(root.get("part")?);
    // The text of a reasoning item belongs to the item's own block.
    if let Content::Thinking { .. } = found.content {
        return None;
    }
    Some(Part::BlockStart {
        block: block_id(root, "content_index")?,
        head: Box::new(BlockHead::of(found, bytes)),
    })
}

fn part_stopped(root: Json<'_>, bytes: &Bytes) -> Option<Part> {
    match part_started(root, bytes)? {
        Part::BlockStart { block, head } => Some(Part::BlockStop {
            block,
            whole: Some(head),
        }),
        _ => None,
    }
}

fn delta(root: Json<'_>, part: &str, kind: DeltaKind, bytes: &Bytes) -> Option<Part> {
    let text = root.get("delta")?.as_str()?.owned_by(bytes);
    Some(Part::Delta {
        block: block_id(root, part)?,
        kind,
        text,
    })
}

/// `part` names the member that numbers the part of an item; empty for an item that has none.
fn block_id(root: Json<'_>, part: &str) -> Option<BlockId> {
    let number = |name| u32::try_from(root.get(name)?.as_u64()?).ok();
    Some(BlockId::new(
        0,
        number("output_index")?,
        number(part).unwrap_or(0),
    ))
}
