//! Streams: a text comes in pieces, and what is looked for may be cut anywhere.

use std::{collections::HashMap, ops::Range};

use luthien_core::{
    Dialect,
    body::Chunk,
    json::{Edits, Json, quote},
};

use super::{Redact, strings, text};

/// A text of which a stream brings pieces: the block or choice, the member, and what else tells texts apart.
type Key = (u64, u64, Box<str>);

/// A piece of a text: in which frame, where in its document, and where in the text.
struct Piece {
    frame: usize,
    at: Range<usize>,
    range: Range<usize>,
}

#[derive(Default)]
struct Joined {
    text: String,
    pieces: Vec<Piece>,
}

/// The stream without it; `None` if nothing was found.
pub(super) fn redacted(
    redact: &dyn Redact,
    dialect: Dialect,
    frames: &[(Chunk, u64)],
) -> Option<Vec<(Chunk, u64)>> {
    let documents: Vec<_> = frames.iter().map(|(frame, _)| frame.document()).collect();
    let mut edits: Vec<Edits> = frames.iter().map(|_| Edits::default()).collect();
    let mut texts: HashMap<Key, Joined> = HashMap::new();
    for (frame, document) in documents.iter().enumerate() {
        let Some(document) = document else { continue };
        let pieces = pieces(dialect, document.root());
        for (key, json) in &pieces {
            let words = json.as_str().map(|words| words.decode());
            let joined = texts.entry(key.clone()).or_default();
            let start = joined.text.len();
            joined.text.push_str(words.as_deref().unwrap_or_default());
            joined.pieces.push(Piece {
                frame,
                at: json.span(),
                range: start..joined.text.len(),
            });
        }
        // All else is said at once: texts that are told again whole, names, errors.
        strings(document.root(), &mut |json, words| {
            let is_piece = pieces.iter().any(|(_, piece)| piece.span() == json.span());
            if let (false, Some(rest), Some(edits)) =
                (is_piece, text(redact, words), edits.get_mut(frame))
            {
                edits.replace(json, quote(&rest));
            }
        });
    }
    for joined in texts.values() {
        let found = redact.find(&joined.text);
        if found.is_empty() {
            continue;
        }
        for piece in &joined.pieces {
            let rest = part(&joined.text, &piece.range, &found);
            let is_same = joined.text.get(piece.range.clone()) == Some(&*rest);
            let document = documents.get(piece.frame).and_then(Option::as_ref);
            if let (false, Some(document), Some(edits)) =
                (is_same, document, edits.get_mut(piece.frame))
                && let Some(json) = at(document.root(), &piece.at)
            {
                edits.replace(json, quote(&rest));
            }
        }
    }
    let mut is_found = false;
    let all = frames.iter().zip(documents).zip(edits);
    let replaced = all.map(|(((frame, time), document), edits)| {
        is_found |= !edits.is_empty();
        let replaced = match document {
            Some(document) => frame.edited(&document, edits),
            // A comment, or what nobody can read.
            None => match text(redact, &String::from_utf8_lossy(frame.bytes())) {
                Some(rest) => {
                    is_found = true;
                    Chunk::event_of(dialect, rest.into())
                }
                None => frame.clone(),
            },
        };
        (replaced, *time)
    });
    let replaced = replaced.collect();
    is_found.then_some(replaced)
}

/// What is left of a part of a text: what stands in the place of something stands where that begins.
fn part(text: &str, range: &Range<usize>, found: &[(Range<usize>, String)]) -> String {
    let mut rest = String::new();
    let mut at = range.start;
    for (span, with) in found {
        if span.end <= range.start || span.start >= range.end {
            continue;
        }
        rest.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
        if span.start >= range.start {
            rest.push_str(with);
        }
        at = span.end.min(range.end);
    }
    rest.push_str(text.get(at..range.end).unwrap_or_default());
    rest
}

/// The value that stands there.
fn at<'a>(json: Json<'a>, span: &Range<usize>) -> Option<Json<'a>> {
    let mut found = None;
    strings(json, &mut |json, _| {
        if json.span() == *span {
            found = Some(json);
        }
    });
    found
}

/// The pieces of texts that an event brings.
fn pieces(dialect: Dialect, root: Json<'_>) -> Vec<(Key, Json<'_>)> {
    let number = |json: Json<'_>, name: &str| {
        let value = json.get(name).and_then(|value| value.as_u64());
        value.unwrap_or_default()
    };
    let mut found = Vec::new();
    match dialect {
        Dialect::Anthropic => {
            for name in ["text", "thinking", "partial_json"] {
                if let Some(piece) = root.get("delta").and_then(|delta| delta.get(name)) {
                    found.push(((number(root, "index"), 0, name.into()), piece));
                }
            }
        }
        Dialect::Chat => {
            let choices = root.get("choices").map(|choices| choices.items());
            for choice in choices.into_iter().flatten() {
                let Some(delta) = choice.get("delta") else {
                    continue;
                };
                let index = number(choice, "index");
                for name in ["content", "reasoning_content", "reasoning", "refusal"] {
                    if let Some(piece) = delta.get(name) {
                        found.push(((index, 0, name.into()), piece));
                    }
                }
                let calls = delta.get("tool_calls").map(|calls| calls.items());
                for call in calls.into_iter().flatten() {
                    let arguments = call
                        .get("function")
                        .and_then(|function| function.get("arguments"));
                    if let Some(piece) = arguments {
                        found.push(((index, number(call, "index"), "arguments".into()), piece));
                    }
                }
            }
        }
        Dialect::Responses => {
            let kind = root.get("type").and_then(|kind| kind.as_str());
            if let (Some(kind), Some(piece)) = (kind, root.get("delta")) {
                let inner = number(root, "content_index") | number(root, "summary_index");
                let key = (number(root, "output_index"), inner, kind.decode().into());
                found.push((key, piece));
            }
        }
        // Of a dialect that is not known here, each text is looked through as it stands.
        _ => {}
    }
    found.retain(|(_, piece)| piece.as_str().is_some());
    found
}
