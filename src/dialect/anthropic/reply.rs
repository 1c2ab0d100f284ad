use bytes::Bytes;

use super::request;
use crate::{
    dialect::{EventData, Needle, has_odd, holds, is_list, needle},
    json::{Json, JsonStr, JsonString},
    reply::{BlockHead, BlockId, DeltaKind, Part, StopReason, Usage},
};

pub(crate) static WORDS: [Needle; 3] = [
    needle!(b"\"text\""),
    needle!(b"\"partial_json\""),
    needle!(b"\"thinking\""),
];

pub(crate) fn may_be_terminal(frame: &[u8]) -> bool {
    static LAST: [Needle; 2] = [needle!(b"message_stop"), needle!(b"error")];
    // Both are short; a delta that speaks of them is looked at in vain, which is harmless.
    LAST.iter().any(|word| word.is_in(frame))
}

pub(crate) fn usage(root: Json<'_>) -> Option<Usage> {
    let usage = root
        .get("usage")
        .or_else(|| root.get("message")?.get("usage"))?;
    Some(Usage::anthropic(usage))
}

pub(crate) fn read_event(event: EventData<'_>) -> (Vec<Part>, bool) {
    let Some(root) = event.json else {
        return (vec![Part::Unknown { block: None }], false);
    };
    let bytes = event.data;
    let own = |text: Option<JsonStr<'_>>| text.map(|text| text.owned_by(bytes));
    let kind = root
        .get("type")
        .and_then(|kind| kind.as_str())
        .map(|kind| kind.decode())
        .unwrap_or_default();
    let block = || root.get("index").and_then(|index| block_id(index));
    let unknown = || Part::Unknown { block: block() };
    match &*kind {
        "message_start" => (
            root.get("message")
                .map(|message| start(message, bytes))
                .unwrap_or_default(),
            false,
        ),
        "content_block_start" => {
            let started =
                block()
                    .zip(root.get("content_block"))
                    .map(|(block, json)| Part::BlockStart {
                        block,
                        head: Box::new(BlockHead::of(request::block(json), bytes)),
                    });
            (vec![started.unwrap_or_else(unknown)], false)
        }
        "content_block_delta" => {
            let delta = block()
                .zip(root.get("delta"))
                .map(|(block, json)| delta(block, json, bytes));
            (vec![delta.unwrap_or_else(unknown)], false)
        }
        "content_block_stop" => (
            vec![block().map_or_else(unknown, |block| Part::BlockStop { block, whole: None })],
            false,
        ),
        "message_delta" => {
            let usage = root
                .get("usage")
                .map(|usage| Part::Usage(Usage::anthropic(usage)));
            let reason = root
                .get("delta")
                .and_then(|delta| own(delta.get("stop_reason")?.as_str()));
            let stop = reason.map(|word| Part::Stop {
                choice: 0,
                reason: StopReason::read(word),
            });
            (usage.into_iter().chain(stop).collect(), false)
        }
        "message_stop" => (Vec::new(), true),
        "ping" => (vec![Part::Ping], false),
        "error" => (vec![error(root, bytes)], true),
        _ => (vec![unknown()], false),
    }
}

pub(crate) fn is_ambiguous(root: Json<'_>) -> bool {
    let begins = || {
        let kind = root.get("type");
        kind.is_some_and(|kind| kind.is_str("message_start"))
    };
    let content = root
        .get("message")
        .and_then(|message| message.get("content"));
    let of_block = |kind: &str| kind.starts_with("content_block_");
    let kind = root.get("type").and_then(|kind| kind.as_str());
    let Some(kind) = kind.map(|kind| kind.decode()) else {
        return true;
    };
    let nameless = of_block(&kind) && root.get("index").and_then(|index| index.as_u64()).is_none();
    let elsewhere = root.get("content_block").is_some() && kind != "content_block_start";
    has_odd(root, "index")
        || (content.is_some_and(|content| !content.is_empty()) && begins())
        || nameless
        || elsewhere
        || root.get("delta").is_some_and(mixes)
        || (kind == "error" && holds(root, &["content", "message", "delta"]))
}

/// Whether a delta holds arguments that its type does not speak of.
fn mixes(delta: Json<'_>) -> bool {
    let kind = delta.get("type");
    delta.get("partial_json").is_some() && !kind.is_some_and(|kind| kind.is_str("input_json_delta"))
}

/// A whole reply that readers would read differently: an error with contents, contents that are no list.
pub(crate) fn is_ambiguous_whole(root: Json<'_>) -> bool {
    let is_error = root.get("type").is_some_and(|kind| kind.is_str("error"));
    !is_list(root.get("content")) || (is_error && holds(root, &["content"]))
}

pub(crate) fn read_whole(root: Json<'_>, bytes: &Bytes) -> Vec<Part> {
    if root.get("type").is_some_and(|kind| kind.is_str("error")) {
        return vec![error(root, bytes)];
    }
    let mut parts = start(root, bytes);
    for (index, json) in root
        .get("content")
        .into_iter()
        .flat_map(|content| content.items())
        .enumerate()
    {
        let block = BlockId::new(0, u32::try_from(index).unwrap_or(u32::MAX), 0);
        let head = Box::new(BlockHead::of(request::block(json), bytes));
        parts.push(Part::BlockStart {
            block,
            head: head.clone(),
        });
        parts.push(Part::BlockStop {
            block,
            whole: Some(head),
        });
    }
    if let Some(word) = root.get("stop_reason").and_then(|reason| reason.as_str()) {
        parts.push(Part::Stop {
            choice: 0,
            reason: StopReason::read(word.owned_by(bytes)),
        });
    }
    parts
}

fn start(message: Json<'_>, bytes: &Bytes) -> Vec<Part> {
    let text = |name| Some(message.get(name)?.as_str()?.owned_by(bytes));
    let usage = message
        .get("usage")
        .map(|usage| Part::Usage(Usage::anthropic(usage)));
    [Part::Start {
        id: text("id"),
        model: text("model"),
    }]
    .into_iter()
    .chain(usage)
    .collect()
}

fn delta(block: BlockId, delta: Json<'_>, bytes: &Bytes) -> Part {
    let kind = delta
        .get("type")
        .and_then(|kind| kind.as_str())
        .map(|kind| kind.decode())
        .unwrap_or_default();
    let (kind, member) = match &*kind {
        "text_delta" => (DeltaKind::Text, "text"),
        "thinking_delta" => (DeltaKind::Thinking, "thinking"),
        "signature_delta" => (DeltaKind::Signature, "signature"),
        "input_json_delta" => (DeltaKind::Input, "partial_json"),
        _ => (DeltaKind::Unknown, ""),
    };
    let text = delta
        .get(member)
        .and_then(|text| text.as_str())
        .map(|text| text.owned_by(bytes));
    Part::Delta {
        block,
        kind,
        text: text.unwrap_or_default(),
    }
}

fn error(root: Json<'_>, bytes: &Bytes) -> Part {
    let text = |name| -> Option<JsonString> {
        Some(root.get("error")?.get(name)?.as_str()?.owned_by(bytes))
    };
    Part::Error {
        kind: text("type"),
        message: text("message"),
    }
}

fn block_id(index: Json<'_>) -> Option<BlockId> {
    Some(BlockId::new(0, u32::try_from(index.as_u64()?).ok()?, 0))
}
