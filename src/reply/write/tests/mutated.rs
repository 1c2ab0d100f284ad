//! Recorded replies, mutated: whatever a provider sends, nothing breaks, and nothing that was dropped is seen.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Small choices from one number, the same for the same number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // xorshift64*: no more randomness is needed than that seeds differ.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap() % most.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn chance(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// Members that mean something to one reader or another.
const NAMES: [&str; 22] = [
    "message",
    "delta",
    "content",
    "tool_calls",
    "function_call",
    "refusal",
    "reasoning",
    "index",
    "output_index",
    "content_index",
    "type",
    "part",
    "item",
    "response",
    "output",
    "text",
    "arguments",
    "input",
    "role",
    "usage",
    "finish_reason",
    "logprobs",
];

/// Where there is a value, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

fn any_place(value: &Value, dice: &mut Dice) -> String {
    let mut all = Vec::new();
    places(value, "", &mut all);
    dice.pick(&all).clone()
}

/// Changes one value, or puts one of `other` in its place.
fn mutate(value: &mut Value, other: &Value, dice: &mut Dice) {
    let from = other.pointer(&any_place(other, dice)).unwrap().clone();
    let place = any_place(value, dice);
    let value = value.pointer_mut(&place).unwrap();
    match (dice.below(6), value) {
        (0, value) => *value = Value::Null,
        (1, value) => *value = Value::from(dice.below(4)),
        (2, Value::Array(items)) => items.extend(items.clone()),
        (2, value) => *value = Value::Array(vec![from]),
        (3, Value::Object(members)) => {
            members.insert((*dice.pick(&NAMES)).to_owned(), from);
        }
        (4, Value::Object(members)) => {
            let names: Vec<_> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.remove(dice.pick(&names));
            }
        }
        (_, value) => *value = from,
    }
}

fn frames(dialect: Dialect) -> Vec<Value> {
    let data = |chunk: &Chunk| {
        let frame = String::from_utf8(chunk.bytes().to_vec()).unwrap();
        let line = frame.lines().find_map(|line| line.strip_prefix("data: "));
        serde_json::from_str(line.unwrap()).ok()
    };
    let chunks = events(dialect, &recorded(dialect, true), 1);
    chunks.iter().filter_map(data).collect()
}

/// The recorded stream with a few frames changed, moved, doubled or left out.
fn stream(dialect: Dialect, dice: &mut Dice) -> Vec<Chunk> {
    let mut frames = frames(dialect);
    for _ in 0..dice.below(6) {
        let (at, other) = (dice.below(frames.len()), dice.below(frames.len()));
        match dice.below(5) {
            0 => {
                let frame = frames.remove(at);
                frames.insert(other.min(frames.len()), frame);
            }
            1 => frames.insert(other, frames[at].clone()),
            2 if frames.len() > 2 => {
                frames.remove(at);
            }
            _ => {
                let other = frames[other].clone();
                mutate(&mut frames[at], &other, dice);
            }
        }
    }
    let name = |frame: &Value| {
        let kind = frame["type"].as_str().filter(|_| dialect != Dialect::Chat);
        kind.map(|kind| format!("event: {kind}\n"))
    };
    let frames = frames
        .iter()
        .map(|frame| format!("{}data: {frame}\n\n", name(frame).unwrap_or_default()));
    let done = (dialect == Dialect::Chat).then(|| "data: [DONE]\n\n".to_owned());
    frames
        .chain(done)
        .map(|frame| Chunk::event_of(dialect, frame.into()))
        .collect()
}

fn whole(dialect: Dialect, dice: &mut Dice) -> Chunk {
    let mut reply: Value = serde_json::from_slice(&recorded(dialect, false)).unwrap();
    for _ in 0..dice.below(5) {
        let other = match dice.chance() {
            true => reply.clone(),
            false => dice.pick(&frames(dialect)).clone(),
        };
        mutate(&mut reply, &other, dice);
    }
    Chunk::whole(dialect, reply.to_string().into())
}

/// Any changes to the blocks that these chunks speak of.
fn any_changes(chunks: &[Chunk], dice: &mut Dice) -> Changes {
    let mut changes = Changes::default();
    for block in chunks.iter().flat_map(parts).filter_map(Part::block) {
        match dice.below(6) {
            0 => {
                changes.dropped.insert(block);
            }
            1 => {
                changes.texts.insert(block, "other".into());
            }
            2 => {
                changes.inputs.insert(block, r#"{"x":1}"#.into());
            }
            _ => {}
        }
    }
    if dice.chance() {
        changes.notices.insert(0, vec!["notice".into()]);
    }
    if dice.chance() {
        changes.appended.insert(0, "more".into());
    }
    changes.calls_last = dice.chance();
    changes
}

/// All that a client might run.
fn all_calls(chunks: &[Chunk]) -> Changes {
    let is_call = |kind| matches!(kind, BlockKind::ToolCall | BlockKind::Unknown);
    let call = |part: &Part| match part {
        Part::BlockStart { block, head }
        | Part::BlockStop {
            block,
            whole: Some(head),
        } => is_call(head.kind).then_some(*block),
        Part::Delta {
            block,
            kind: DeltaKind::Input,
            ..
        } => Some(*block),
        _ => None,
    };
    Changes {
        dropped: chunks.iter().flat_map(parts).filter_map(call).collect(),
        ..Changes::default()
    }
}

/// Whether all readers read it alike: an engine refuses the rest.
fn is_clear(chunks: &[Chunk]) -> bool {
    let mut events = chunks.iter().map(|chunk| chunk.event().unwrap());
    events.all(|event| !event.is_ambiguous() && !event.is_unreadable())
}

fn has_calls(view: &View) -> bool {
    let mut blocks = view.blocks.iter();
    blocks.any(|block| block.kind == BlockKind::ToolCall)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_comes_leaves_as_it_came_and_no_use_of_a_writer_breaks_it(
        dialect in prop::sample::select(Dialect::ALL.to_vec()),
        seed in 1..u64::MAX,
    ) {
        let mut dice = Dice(seed);
        let chunks = stream(dialect, &mut dice);
        let mut writer = StreamWriter::new(dialect);
        let mut out = Vec::new();
        for chunk in &chunks {
            writer.split(chunk);
            writer.forward(chunk.clone(), &mut out);
        }
        prop_assert_eq!(join(&out), join(&chunks));

        let (mut writer, mut out, mut held) = (StreamWriter::new(dialect), Vec::new(), Vec::new());
        for chunk in chunks {
            for piece in writer.split(&chunk).unwrap_or_else(|| vec![chunk.clone()]) {
                let block = parts(&piece).iter().find_map(Part::block);
                match (dice.below(9), block) {
                    (0, Some(block)) => writer.drop_block(block, dice.chance()),
                    (1, _) => held.push(piece),
                    (2, Some(block)) => writer.text_delta(block, "more", &mut out),
                    (3, _) => writer.text_block(0, "notice", &mut out),
                    (4, Some(block)) => writer.set_text(block, "other".into()),
                    (5, Some(block)) => {
                        let frames = std::mem::take(&mut held);
                        writer.replace_input(block, frames, "{}", &mut out);
                    }
                    (6, _) => writer.forward(writer.with_text(&piece, "other"), &mut out),
                    _ => writer.forward(piece, &mut out),
                }
            }
        }
        writer.finish(&mut out);
        for chunk in out {
            prop_assert!(!chunk.event().unwrap().is_unreadable(), "{:?}", chunk.bytes());
        }
    }

    #[test]
    fn a_stream_that_keeps_the_rules_keeps_them_when_it_is_changed(
        dialect in prop::sample::select(Dialect::ALL.to_vec()),
        seed in 1..u64::MAX,
    ) {
        let mut dice = Dice(seed);
        let chunks = stream(dialect, &mut dice);
        if !is_clear(&chunks) {
            return Ok(());
        }
        let before = protocol::check(dialect, true, &join(&chunks));
        let changes = any_changes(&chunks, &mut dice);
        let out = join(&change(dialect, chunks.clone(), &changes));
        if before.is_ok_and(|view| view.error.is_none()) {
            let after = protocol::check(dialect, true, &out);
            prop_assert!(after.is_ok(), "{after:?} {changes:?}\n{}", String::from_utf8_lossy(&out));
        }
        let out = join(&change(dialect, chunks.clone(), &all_calls(&chunks)));
        let after = protocol::check(dialect, true, &out);
        prop_assert!(!after.is_ok_and(|view| has_calls(&view)), "{}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn a_whole_reply_stays_sound_and_loses_what_is_dropped(
        dialect in prop::sample::select(Dialect::ALL.to_vec()),
        seed in 1..u64::MAX,
    ) {
        let mut dice = Dice(seed);
        let chunks = [whole(dialect, &mut dice)];
        let changes = any_changes(&chunks, &mut dice);
        let out = rewrite_whole(dialect, chunks[0].bytes(), &changes).unwrap();
        let sound = serde_json::from_slice::<Value>(&out);
        prop_assert!(sound.is_ok(), "{changes:?} {out:?}");
        let out = rewrite_whole(dialect, chunks[0].bytes(), &all_calls(&chunks)).unwrap();
        let after = protocol::check(dialect, false, &out);
        prop_assert!(!after.is_ok_and(|view| has_calls(&view)), "{out:?}");
    }
}
