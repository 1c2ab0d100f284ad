use bytes::Bytes;

use super::{
    lanes::{Form, Holder, choice_number, choices, holders, items, lane, lanes},
    request,
};
use crate::{
    dialect::{EventData, Needle, has_odd, holds, is_list, needle, openai},
    json::{Json, JsonStr},
    reply::{BlockHead, BlockId, DeltaKind, HeadInput, Part, StopReason, Usage},
    request::{BlockKind, Content},
};

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
                vec![Part::Unknown { block: None }]
            },
            done,
        );
    };
    let bytes = event.data;
    if let Some(error) = openai::error(root, bytes) {
        return (vec![error], true);
    }
    let mut parts = Vec::new();
    for choice in choices(root) {
        let delta = choice.get("delta");
        let opens = delta.is_some_and(|delta| delta.get("role").is_some());
        if opens && choice_number(choice) == 0 {
            parts.push(openai::start(root, bytes));
        }
        read_choice(choice, Form::Stream, bytes, &mut parts);
    }
    parts.extend(usage(root).map(Part::Usage));
    (parts, false)
}

pub(crate) fn read_whole(root: Json<'_>, bytes: &Bytes) -> Vec<Part> {
    if let Some(error) = openai::error(root, bytes) {
        return vec![error];
    }
    let mut parts = vec![openai::start(root, bytes)];
    for choice in choices(root) {
        read_choice(choice, Form::Whole, bytes, &mut parts);
    }
    parts.extend(usage(root).map(Part::Usage));
    parts
}

/// A frame with more blocks in it is one that nobody will take apart.
const MOST_BLOCKS: usize = 128;

pub(crate) fn is_ambiguous(root: Json<'_>) -> bool {
    let mut blocks = 0;
    is_ambiguous_whole(root)
        || choices(root).any(|choice| {
            blocks += 1;
            has_odd(choice, "index")
                || holders(choice, Form::Stream).any(|holder| {
                    blocks += items(holder.json, "content").count();
                    let mut calls = items(holder.json, "tool_calls");
                    calls.any(|call| {
                        blocks += 1;
                        blocks > MOST_BLOCKS || has_odd(call, "index")
                    })
                })
                || blocks > MOST_BLOCKS
        })
}

/// What readers would read differently, streamed or whole: an error beside choices, lists that are none, a call that is
/// told in two ways at once.
pub(crate) fn is_ambiguous_whole(root: Json<'_>) -> bool {
    let error = root.get("error").is_some_and(|error| !error.is_null());
    let two = |call: Json<'_>| {
        let kind = call.get("type").and_then(|kind| kind.as_str());
        let named = kind.is_some_and(|kind| {
            let kind = kind.decode();
            kind != "function" && kind != "custom" && call.get(&kind).is_some()
        });
        let inner = [
            call.get("function").is_some(),
            call.get("custom").is_some(),
            named,
        ];
        // Beside that, what some would take for the call's own.
        let beside = ["name", "arguments", "input"]
            .iter()
            .any(|name| call.get(name).is_some());
        inner.into_iter().filter(|there| *there).count() + usize::from(beside) > 1
    };
    let odd = |holder: Json<'_>| {
        !is_list(holder.get("tool_calls")) || items(holder, "tool_calls").any(two)
    };
    !is_list(root.get("choices"))
        || (error && holds(root, &["choices"]))
        || choices(root).any(|choice| {
            let holders = [choice.get("delta"), choice.get("message")];
            holders.into_iter().flatten().any(odd)
        })
}

/// What a choice says. `parts` is appended to.
pub(super) fn read_choice(choice: Json<'_>, form: Form, bytes: &Bytes, parts: &mut Vec<Part>) {
    let number = choice_number(choice);
    for holder in holders(choice, form) {
        if holder.is_whole {
            whole_message(number, holder.json, bytes, parts);
        } else {
            deltas(number, holder.json, bytes, parts);
        }
    }
    stop(number, choice, bytes, parts);
}

fn whole_message(choice: u32, message: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    for (lane, found) in lanes(message) {
        let head = Box::new(BlockHead::of(found, bytes));
        // An empty text beside tool calls is Chat's way to say that there is none.
        if head.kind == BlockKind::Text && head.text.as_ref().is_some_and(|text| text.is("")) {
            continue;
        }
        let block = BlockId::new(choice, lane, 0);
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
    let block = |lane| BlockId::new(choice, lane, 0);
    let text = |name| delta.get(name).and_then(|text| text.as_str());
    let piece = |lane, kind, text: JsonStr<'_>| Part::Delta {
        block: block(lane),
        kind,
        text: text.owned_by(bytes),
    };
    for (lane, kind, text) in [
        (lane::TEXT, DeltaKind::Text, text("content")),
        (
            lane::THINKING,
            DeltaKind::Thinking,
            text("reasoning_content").or_else(|| text("reasoning")),
        ),
        (lane::REFUSAL, DeltaKind::Refusal, text("refusal")),
    ] {
        let text = text.filter(|text| !text.raw().is_empty());
        parts.extend(text.map(|text| piece(lane, kind, text)));
    }
    // Some servers send parts.
    for json in items(delta, "content") {
        parts.push(match request::block(json).content {
            Content::Text { text } => piece(lane::TEXT, DeltaKind::Text, text),
            _ => Part::Unknown {
                block: Some(block(lane::TEXT)),
            },
        });
    }
    if let Some(json) = delta.get("function_call").filter(|json| !json.is_null()) {
        call(block(lane::FUNCTION_CALL), json, bytes, parts);
    }
    let holder = Holder {
        json: delta,
        is_whole: false,
    };
    for (lane, json) in holder.calls() {
        call(block(lane), json, bytes, parts);
    }
}

/// A piece of a call: with its id or name it is a beginning (the name may come late), and arguments are a delta. One that
/// brings nothing is a piece all the same, and must not go before the others.
fn call(block: BlockId, json: Json<'_>, bytes: &Bytes, parts: &mut Vec<Part>) {
    let mut head = BlockHead::of(request::call_block(json), bytes);
    // Arguments that are no string come at once.
    let is_whole = matches!(head.input, Some(HeadInput::Json(_)));
    let input = if is_whole { None } else { head.input.take() };
    let begins = head.id.is_some() || head.name.is_some() || is_whole;
    if begins {
        head.kind = BlockKind::ToolCall;
        parts.push(Part::BlockStart {
            block,
            head: Box::new(head),
        });
    }
    match input {
        Some(HeadInput::Text(text)) if !text.is("") => parts.push(Part::Delta {
            block,
            kind: DeltaKind::Input,
            text,
        }),
        _ if begins => {}
        _ => parts.push(Part::Unknown { block: Some(block) }),
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
