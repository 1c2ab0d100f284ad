use bytes::Bytes;

use super::request;
use crate::{
    dialect::{EventData, Needle, has_odd, is_list, needle, openai},
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
                vec![Part::Unknown { block: None }]
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
    let one = |part: Option<Part>| {
        let unknown = || Part::Unknown {
            block: block_id(root, &kind),
        };
        (vec![part.unwrap_or_else(unknown)], false)
    };
    match &*kind {
        "response.created" => one(root
            .get("response")
            .map(|response| openai::start(response, bytes))),
        "response.output_item.added" => one(item_started(root, &kind, bytes)),
        "response.content_part.added" => one(part_started(root, &kind, bytes)),
        "response.output_text.delta" => one(delta(root, &kind, DeltaKind::Text, bytes)),
        "response.refusal.delta" => one(delta(root, &kind, DeltaKind::Refusal, bytes)),
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            one(delta(root, &kind, DeltaKind::Thinking, bytes))
        }
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            one(delta(root, &kind, DeltaKind::Input, bytes))
        }
        "response.function_call_arguments.done" => one(arguments(root, &kind, "arguments", bytes)),
        "response.custom_tool_call_input.done" => one(arguments(root, &kind, "input", bytes)),
        "response.output_text.done" => one(text(root, &kind, bytes)),
        "response.content_part.done" => one(part_stopped(root, &kind, bytes)),
        "response.output_item.done" => {
            let number = number(root, "output_index");
            let mut parts = Vec::new();
            if let Some((number, item)) = number.zip(root.get("item")) {
                whole_item(number, item, bytes, false, &mut parts);
                if request::is_message(item) {
                    let block = BlockId::new(0, number, 0);
                    parts.push(Part::MessageStop { block });
                }
            }
            if parts.is_empty() {
                return one(None);
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

pub(crate) fn is_ambiguous(root: Json<'_>) -> bool {
    let is = |kinds: &[&str]| {
        let kind = root.get("type");
        kind.is_some_and(|kind| kinds.iter().any(|name| kind.is_str(name)))
    };
    let holds = |outer: Option<Json<'_>>, list| {
        let list = outer.and_then(|outer| outer.get(list));
        list.is_some_and(|list| !list.is_empty())
    };
    let response = root.get("response");
    let item = root.get("item").filter(|item| request::is_message(*item));
    let placed = root.get("output_index").and_then(|index| index.as_u64());
    let unplaced = ["item", "part", "delta"]
        .iter()
        .any(|name| root.get(name).is_some());
    let failed = response.is_some_and(is_ambiguous_whole) || is(&["response.failed"]);
    let kind = root.get("type").and_then(|kind| kind.as_str());
    has_odd(root, "output_index")
        || has_odd(root, "content_index")
        || kind.is_none()
        || (unplaced && placed.is_none())
        || (is(&["error"]) && (unplaced || response.is_some()))
        || response.is_some_and(|response| !is_list(response.get("output")))
        || (failed && holds(response, "output"))
        || (holds(response, "output") && !is(&LAST))
        || (is(&["response.output_item.added"]) && holds(item, "content"))
}

/// A whole reply that readers would read differently: an error with contents, contents that are no list.
pub(crate) fn is_ambiguous_whole(root: Json<'_>) -> bool {
    let error = root.get("error").is_some_and(|error| !error.is_null());
    let failed = root
        .get("status")
        .is_some_and(|status| status.is_str("failed"));
    !is_list(root.get("output")) || ((error || failed) && crate::dialect::holds(root, &["output"]))
}

/// The events at which a response ends, and is said once more.
pub(super) const LAST: [&str; 3] = [
    "response.completed",
    "response.incomplete",
    "response.failed",
];

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

fn item_started(root: Json<'_>, kind: &str, bytes: &Bytes) -> Option<Part> {
    let item = root.get("item")?;
    if request::is_message(item) {
        // Its parts are started one by one.
        let block = block_id(root, kind)?;
        return Some(Part::MessageStart { block });
    }
    let head = BlockHead::of(request::block(item), bytes);
    Some(Part::BlockStart {
        block: block_id(root, kind)?,
        head: Box::new(head),
    })
}

fn part_started(root: Json<'_>, kind: &str, bytes: &Bytes) -> Option<Part> {
    let found = request::block(root.get("part")?);
    // The text of a reasoning item belongs to the item's own block.
    if let Content::Thinking { .. } = found.content {
        return None;
    }
    Some(Part::BlockStart {
        block: block_id(root, kind)?,
        head: Box::new(BlockHead::of(found, bytes)),
    })
}

fn part_stopped(root: Json<'_>, kind: &str, bytes: &Bytes) -> Option<Part> {
    match part_started(root, kind, bytes)? {
        Part::BlockStart { block, head } => Some(Part::BlockStop {
            block,
            whole: Some(head),
        }),
        _ => None,
    }
}

fn delta(root: Json<'_>, kind: &str, of: DeltaKind, bytes: &Bytes) -> Option<Part> {
    let text = root.get("delta")?.as_str()?.owned_by(bytes);
    Some(Part::Delta {
        block: block_id(root, kind)?,
        kind: of,
        text,
    })
}

fn text(root: Json<'_>, kind: &str, bytes: &Bytes) -> Option<Part> {
    Some(Part::Text {
        block: block_id(root, kind)?,
        text: root.get("text")?.as_str()?.owned_by(bytes),
    })
}

fn arguments(root: Json<'_>, kind: &str, member: &str, bytes: &Bytes) -> Option<Part> {
    let text = |name: &str| Some(root.get(name)?.as_str()?.owned_by(bytes));
    Some(Part::Arguments {
        block: block_id(root, kind)?,
        name: text("name"),
        text: text(member)?,
    })
}

/// The block that an event of this kind speaks of. Parts of messages are blocks; of any other item, the item is one,
/// whether or not its parts are numbered.
fn block_id(root: Json<'_>, kind: &str) -> Option<BlockId> {
    let part = number(root, "content_index").filter(|_| is_of_part(root, kind));
    Some(BlockId::new(
        0,
        number(root, "output_index")?,
        part.unwrap_or(0),
    ))
}

/// Whether an event of this kind speaks of a part of a message. What is newer than this code speaks of its item: a call,
/// for all that is known.
pub(super) fn is_of_part(root: Json<'_>, kind: &str) -> bool {
    let families = [
        "response.content_part.",
        "response.output_text.",
        "response.refusal.",
    ];
    let part = root.get("part").and_then(|part| part.get("type"));
    let thinks = |kind: Json<'_>| kind.is_str("reasoning_text") || kind.is_str("summary_text");
    families.iter().any(|family| kind.starts_with(family)) && !part.is_some_and(thinks)
}

fn number(json: Json<'_>, name: &str) -> Option<u32> {
    u32::try_from(json.get(name)?.as_u64()?).ok()
}
