//! Frames that speak of several blocks, taken apart.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    edit::forget_words,
    lanes::{Form, Holder, choices, holders, lane},
    reply::read_choice,
};
use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::parts_of,
    json::{Edits, Json, Kind},
    reply::{BlockId, Part},
    sse::with_data,
};

/// What a piece is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// What belongs to no block: the role, and what nobody knows.
    Rest,
    Block(u32),
    Stop,
}

/// The frame in pieces, if it speaks of more than one block or stop, and all readers agree of which.
pub(super) fn split(chunk: &Chunk) -> Option<Vec<Chunk>> {
    if chunk.event()?.is_ambiguous() {
        return None;
    }
    let (blocks, stops) = spoken_of(parts_of(chunk));
    if blocks.len() + stops <= 1 {
        return None;
    }
    let document = chunk.document()?;
    let root = document.root();
    let mut pieces = Vec::new();
    for (place, choice) in choices(root).enumerate() {
        let mut parts = Vec::new();
        read_choice(choice, Form::Stream, document.bytes(), &mut parts);
        let (blocks, stops) = spoken_of(&parts);
        let lanes: Vec<_> = blocks.iter().map(|block| block.index).collect();
        let rest = holders(choice, Form::Stream).any(|holder| has_rest(holder, &lanes));
        let rest = rest.then_some(Unit::Rest);
        let units = lanes.iter().map(|lane| Unit::Block(*lane));
        let stop = (stops > 0).then_some(Unit::Stop);
        for unit in rest.into_iter().chain(units).chain(stop) {
            pieces.push((place, choice, unit, lanes.clone()));
        }
    }
    let last = pieces.len().checked_sub(1)?;
    let cut = |(number, (place, choice, unit, lanes)): (_, (_, _, _, Vec<u32>))| {
        let mut edits = Edits::default();
        if let Some(choices) = root.get("choices") {
            edits.remove_items(choices, |other, _| other != place);
        }
        keep(unit, choice, &lanes, &mut edits);
        if number == 0 {
            // A running total comes last.
            if let Some(usage) = root.get("usage").filter(|_| last > 0)
                && usage.kind() == Kind::Object
            {
                edits.replace(usage, "null");
            }
            return chunk.edited(&document, edits);
        }
        // What nobody knows is said once.
        edits.remove_members(root, |key| {
            let is_last = number == last && key.is("usage");
            !is_last && !COMMON.iter().any(|name| key.is(name))
        });
        edits.remove_members(choice, |key| !OF_CHOICE.iter().any(|name| key.is(name)));
        let bytes = edits.apply(document.bytes());
        let frame = Bytes::from_static(b"data: \n\n");
        Chunk::event_of(Dialect::Chat, with_data(&frame, false, &bytes))
    };
    Some(pieces.into_iter().enumerate().map(cut).collect())
}

/// What all chunks of a stream say.
const COMMON: [&str; 6] = [
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "choices",
];
const OF_CHOICE: [&str; 5] = ["index", "delta", "message", "logprobs", "finish_reason"];

fn spoken_of(parts: &[Part]) -> (BTreeSet<BlockId>, usize) {
    let blocks = parts.iter().filter_map(Part::block).collect();
    let is_stop = |part: &&Part| matches!(part, Part::Stop { .. });
    (blocks, parts.iter().filter(is_stop).count())
}

/// Whether anything is there that is of none of these lanes.
fn has_rest(holder: Holder<'_>, lanes: &[u32]) -> bool {
    let is_of_block = |name: &str| {
        let of = |lane: &u32| Holder::members(*lane).contains(&name);
        lanes.iter().any(of) || name == "tool_calls"
    };
    holder
        .json
        .members()
        .any(|(key, value)| !value.is_empty() && !is_of_block(&key.decode()))
}

/// Leaves of a choice what one piece is about. `lanes` are those of all its pieces.
fn keep(unit: Unit, choice: Json<'_>, lanes: &[u32], edits: &mut Edits) {
    for holder in holders(choice, Form::Stream) {
        holder.strip(
            |lane| match (unit, lane) {
                (Unit::Block(kept), lane) => lane == Some(kept),
                (Unit::Rest, Some(lane)) => !lanes.contains(&lane),
                (Unit::Rest, None) => true,
                (Unit::Stop, _) => false,
            },
            edits,
        );
    }
    if unit != Unit::Stop
        && let Some(reason) = choice.get("finish_reason")
        && !reason.is_null()
    {
        edits.replace(reason, "null");
    }
    if !matches!(unit, Unit::Block(lane::TEXT | lane::REFUSAL)) {
        forget_words(choice, edits);
    }
}
