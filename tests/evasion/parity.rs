//! Replies of any content: what a client sees of them, and what is decided about them, depends neither on how they are cut nor
//! on whether they are streamed.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use luthien::policy::{
    Context, Decision, DecisionSink, Denial, Entry, Exchange as Asked, Policy, PolicyError,
    PolicyLayer, PolicySet, PolicySettings, ToolCall, Verdict, Watches,
};
use luthien_core::{
    Dialect,
    testing::protocol::{View, check},
};
use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof},
    prop_assert_eq, proptest,
    sample::select,
    test_runner::TestCaseError,
};
use serde_json::{Value, json};

use crate::{
    attempt::{Event, Exchange, Form, Framing, explained},
    house::{Got, House, normal},
};

/// What a model says.
#[derive(Clone, Debug)]
enum Say {
    Thinking(String),
    Text(String),
    Call { tool: String, about: String },
}

/// A reply, choice by choice, and how its events are shuffled and cut.
#[derive(Clone, Debug)]
struct Reply {
    choices: Vec<Vec<Say>>,
    order: u64,
}

const TOOLS: [&str; 8] = [
    "Read", "Bash", "Write", "Grep", "Edit", "Glob", "Task", "Fetch",
];

/// Decides by the name, and by nothing else.
struct ByName;

/// What becomes of a call.
fn fate(name: &str) -> u32 {
    name.bytes().fold(7, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    }) >> 7
        & 3
}

impl Policy for ByName {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::CHANGES
    }

    async fn on_tool_call(&self, call: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        for _ in 0..call.name().len() % 3 {
            tokio::task::yield_now().await;
        }
        Ok(match fate(call.name()) {
            0 => Verdict::Allow,
            1 => Verdict::Replace(json!({ "instead": call.name() }).to_string()),
            2 => Verdict::Drop(format!("No {}.", call.name())),
            _ => Verdict::Block(Denial::new("name", "its name is wrong")),
        })
    }
}

/// What was decided, in an order that does not depend on who was asked first.
#[derive(Default)]
struct Decided(Mutex<Vec<String>>);

impl DecisionSink for Decided {
    fn decided(&self, _: &Asked, decision: &Decision) {
        let Decision {
            tool,
            outcome,
            applied,
            code,
            before,
            after,
            ..
        } = decision;
        let line = format!("{tool:?} {outcome:?} {applied} {code} {before:?} {after:?}");
        self.0.lock().unwrap().push(line);
    }
}

/// Small random numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    /// A text in pieces.
    fn pieces<'a>(&mut self, text: &'a str) -> Vec<&'a str> {
        let mut rest = text;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let at = rest.ceil_char_boundary(self.roll(6) + 1);
            let (piece, behind) = rest.split_at(at);
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }

    /// One order of all of these in which each list keeps its own.
    fn shuffled<T>(&mut self, lists: Vec<Vec<T>>) -> Vec<T> {
        let mut lists: Vec<_> = lists
            .into_iter()
            .map(std::collections::VecDeque::from)
            .collect();
        let mut all = Vec::new();
        loop {
            lists.retain(|list| !list.is_empty());
            if lists.is_empty() {
                return all;
            }
            let which = self.roll(lists.len());
            all.extend(lists[which].pop_front());
        }
    }
}

/// A call's arguments: each call is another.
fn input(choice: usize, place: usize, about: &str) -> Value {
    json!({ "n": [choice, place], "about": about })
}

fn id(choice: usize, place: usize) -> String {
    format!("call_{choice}_{place}")
}

impl Reply {
    fn calls(&self, choice: usize) -> usize {
        let is_call = |say: &&Say| matches!(say, Say::Call { .. });
        self.choices[choice].iter().filter(is_call).count()
    }

    fn streamed(&self, dialect: Dialect) -> Vec<Event> {
        match dialect {
            Dialect::Anthropic => self.anthropic_events(),
            Dialect::Chat => self.chat_events(),
            _ => self.responses_events(),
        }
    }

    fn whole(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Anthropic => self.message(),
            Dialect::Chat => self.completion(),
            _ => response("completed", &self.items()),
        }
    }

    fn message(&self) -> Value {
        let blocks = self.choices[0].iter().enumerate().map(|(place, say)| match say {
            Say::Thinking(text) => json!({ "type": "thinking", "thinking": text, "signature": "c2VhbA==" }),
            Say::Text(text) => json!({ "type": "text", "text": text }),
            Say::Call { tool, about } => {
                json!({ "type": "tool_use", "id": id(0, place), "name": tool, "input": input(0, place, about) })
            }
        });
        json!({
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": blocks.collect::<Vec<_>>(),
            "stop_reason": if self.calls(0) > 0 { "tool_use" } else { "end_turn" },
            "stop_sequence": null,
            "usage": { "input_tokens": 1, "output_tokens": 2 },
        })
    }

    fn anthropic_events(&self) -> Vec<Event> {
        let mut dice = Dice(self.order);
        let mut message = self.message();
        let blocks = message["content"].take();
        let reason = message["stop_reason"].take();
        message["content"] = json!([]);
        let mut events = vec![json!({ "type": "message_start", "message": message })];
        for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
            let mut empty = block.clone();
            let mut deltas = Vec::new();
            let mut put = |kind: &str, member: &str, text: &str| {
                let deltas_of = dice
                    .pieces(text)
                    .into_iter()
                    .map(|piece| json!({ "type": kind, member: piece }));
                deltas.extend(deltas_of);
            };
            match block["type"].as_str().unwrap() {
                "thinking" => {
                    put(
                        "thinking_delta",
                        "thinking",
                        block["thinking"].as_str().unwrap(),
                    );
                    deltas.push(json!({ "type": "signature_delta", "signature": "c2VhbA==" }));
                    empty["thinking"] = json!("");
                    empty["signature"] = json!("");
                }
                "text" => {
                    put("text_delta", "text", block["text"].as_str().unwrap());
                    empty["text"] = json!("");
                }
                _ => {
                    put(
                        "input_json_delta",
                        "partial_json",
                        &block["input"].to_string(),
                    );
                    empty["input"] = json!({});
                }
            }
            events.push(
                json!({ "type": "content_block_start", "index": index, "content_block": empty }),
            );
            events.extend(deltas.into_iter().map(
                |delta| json!({ "type": "content_block_delta", "index": index, "delta": delta }),
            ));
            events.push(json!({ "type": "content_block_stop", "index": index }));
            events.extend((dice.roll(4) == 0).then(|| json!({ "type": "ping" })));
        }
        events.push(json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": { "output_tokens": 2 } }));
        events.push(json!({ "type": "message_stop" }));
        events.iter().map(Event::of).collect()
    }

    fn completion(&self) -> Value {
        let choices: Vec<_> = (0..self.choices.len())
            .map(|number| {
                let (mut text, mut thinking, mut calls) = (String::new(), String::new(), Vec::new());
                for (place, say) in self.choices[number].iter().enumerate() {
                    match say {
                        Say::Thinking(said) => thinking.push_str(said),
                        Say::Text(said) => text.push_str(said),
                        Say::Call { tool, about } => calls.push(json!({
                            "id": id(number, place),
                            "type": "function",
                            "function": { "name": tool, "arguments": input(number, place, about).to_string() },
                        })),
                    }
                }
                let mut message = json!({ "role": "assistant", "content": null, "refusal": null });
                if !text.is_empty() {
                    message["content"] = json!(text);
                }
                if !thinking.is_empty() {
                    message["reasoning_content"] = json!(thinking);
                }
                let reason = if calls.is_empty() { "stop" } else { "tool_calls" };
                if !calls.is_empty() {
                    message["tool_calls"] = json!(calls);
                }
                json!({ "index": number, "message": message, "finish_reason": reason })
            })
            .collect();
        json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices })
    }

    fn chat_events(&self) -> Vec<Event> {
        let mut dice = Dice(self.order);
        let mut lanes = Vec::new();
        for (number, says) in self.choices.iter().enumerate() {
            let choice = |delta: Value, reason: Value| json!({ "index": number, "delta": delta, "finish_reason": reason });
            let (mut others, mut calls) = (Vec::new(), Vec::new());
            for (place, say) in says.iter().enumerate() {
                match say {
                    Say::Thinking(text) => others.extend(
                        dice.pieces(text)
                            .into_iter()
                            .map(|piece| json!({ "reasoning_content": piece })),
                    ),
                    Say::Text(text) => others.extend(
                        dice.pieces(text)
                            .into_iter()
                            .map(|piece| json!({ "content": piece })),
                    ),
                    Say::Call { tool, about } => {
                        let index = calls.len();
                        let input = input(number, place, about).to_string();
                        let begun = json!({ "index": index, "id": id(number, place), "type": "function", "function": { "name": tool, "arguments": "" } });
                        let pieces = dice.pieces(&input).into_iter().map(
                            |piece| json!({ "index": index, "function": { "arguments": piece } }),
                        );
                        calls.push(
                            std::iter::once(begun)
                                .chain(pieces)
                                .map(|call| json!({ "tool_calls": [call] }))
                                .collect(),
                        );
                    }
                }
            }
            // Calls begin in their order; what comes of them then may be interleaved.
            let begun: Vec<_> = calls
                .iter_mut()
                .map(|call: &mut Vec<Value>| call.remove(0))
                .collect();
            calls.push(others);
            let mut lane = vec![choice(
                json!({ "role": "assistant", "content": "" }),
                Value::Null,
            )];
            let deltas = begun.into_iter().chain(dice.shuffled(calls));
            lane.extend(deltas.map(|delta| choice(delta, Value::Null)));
            let reason = if self.calls(number) > 0 {
                "tool_calls"
            } else {
                "stop"
            };
            lane.push(choice(json!({}), json!(reason)));
            lanes.push(lane);
        }
        let chunks = dice.shuffled(lanes).into_iter().map(|choice| {
            json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] }).to_string()
        });
        chunks
            .chain(["[DONE]".to_owned()])
            .map(Event::bare)
            .collect()
    }

    fn items(&self) -> Vec<Value> {
        let says = self.choices[0].iter().enumerate();
        says.map(|(place, say)| match say {
            Say::Thinking(text) => json!({ "id": format!("rs_{place}"), "type": "reasoning", "summary": [{ "type": "summary_text", "text": text }] }),
            Say::Text(text) => json!({
                "id": format!("msg_{place}"),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }],
            }),
            Say::Call { tool, about } => json!({
                "id": format!("fc_{place}"),
                "type": "function_call",
                "status": "completed",
                "arguments": input(0, place, about).to_string(),
                "call_id": id(0, place),
                "name": tool,
            }),
        })
        .collect()
    }

    fn responses_events(&self) -> Vec<Event> {
        let mut dice = Dice(self.order);
        let items = self.items();
        let mut events =
            vec![json!({ "type": "response.created", "response": response("in_progress", &[]) })];
        for (index, item) in items.iter().enumerate() {
            let event = |kind: &str, members: Value| {
                let mut event =
                    json!({ "type": kind, "item_id": item["id"], "output_index": index });
                event
                    .as_object_mut()
                    .unwrap()
                    .extend(members.as_object().unwrap().clone());
                event
            };
            let mut empty = item.clone();
            let mut inner = Vec::new();
            match item["type"].as_str().unwrap() {
                "function_call" => {
                    empty["arguments"] = json!("");
                    let input = item["arguments"].as_str().unwrap();
                    inner.extend(dice.pieces(input).into_iter().map(|piece| {
                        event(
                            "response.function_call_arguments.delta",
                            json!({ "delta": piece }),
                        )
                    }));
                    inner.push(event(
                        "response.function_call_arguments.done",
                        json!({ "arguments": input }),
                    ));
                }
                kind => {
                    let (list, name, place, text) = match kind {
                        "message" => ("content", "content_part", "content_index", "output_text"),
                        _ => (
                            "summary",
                            "reasoning_summary_part",
                            "summary_index",
                            "reasoning_summary_text",
                        ),
                    };
                    let part = item[list][0].clone();
                    let mut none = part.clone();
                    none["text"] = json!("");
                    empty[list] = json!([]);
                    let said = part["text"].as_str().unwrap().to_owned();
                    inner.push(event(
                        &format!("response.{name}.added"),
                        json!({ place: 0, "part": none }),
                    ));
                    inner.extend(dice.pieces(&said).into_iter().map(|piece| {
                        event(
                            &format!("response.{text}.delta"),
                            json!({ place: 0, "delta": piece }),
                        )
                    }));
                    inner.push(event(
                        &format!("response.{text}.done"),
                        json!({ place: 0, "text": said }),
                    ));
                    inner.push(event(
                        &format!("response.{name}.done"),
                        json!({ place: 0, "part": part }),
                    ));
                }
            }
            events.push(json!({ "type": "response.output_item.added", "output_index": index, "item": empty }));
            events.extend(inner);
            events.push(
                json!({ "type": "response.output_item.done", "output_index": index, "item": item }),
            );
        }
        events.push(
            json!({ "type": "response.completed", "response": response("completed", &items) }),
        );
        for (number, event) in events.iter_mut().enumerate() {
            event["sequence_number"] = json!(number);
        }
        events.iter().map(Event::of).collect()
    }
}

fn response(status: &str, output: &[Value]) -> Value {
    json!({ "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": null, "model": "m", "output": output, "usage": null })
}

/// What a client sees, and what was decided.
async fn outcome(dialect: Dialect, exchange: &Exchange, seed: u64) -> (Got, Vec<String>) {
    let decided = Arc::new(Decided::default());
    let settings = PolicySettings {
        show_arguments: false,
        ..PolicySettings::default()
    };
    let set = PolicySet::new(vec![Entry::new("by-name", ByName)])
        .with_sink(decided.clone())
        .with_settings(settings);
    let house = House::of(PolicyLayer::new(set));
    let got = normal(&house.exchange(dialect, exchange, "s", seed).await);
    let mut decided = std::mem::take(&mut *decided.0.lock().unwrap());
    decided.sort();
    (got, decided)
}

/// What there is to be seen, in words.
fn shown(view: &View) -> String {
    let mut shown = String::new();
    for block in &view.blocks {
        let input = serde_json::from_str::<Value>(&block.input).unwrap_or_default();
        writeln!(
            shown,
            "{} {:?} {:?} {:?} {input} {:?}",
            block.choice, block.kind, block.id, block.name, block.text
        )
        .unwrap();
    }
    writeln!(shown, "{:?} {:?}", view.stops, view.error).unwrap();
    shown
}

fn holds(dialect: Dialect, reply: &Reply) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let choices = reply.choices.len();
        let streamed =
            Exchange::framed(&reply.streamed(dialect), Framing::Lf, explained()).choices(choices);
        let whole = Exchange::whole(reply.whole(dialect).to_string(), explained()).choices(choices);
        let (first, decided) = outcome(dialect, &streamed, 0).await;
        for seed in [1, 2, 3, reply.order] {
            let (other, decided_too) = outcome(dialect, &streamed, seed).await;
            prop_assert_eq!(&first.body, &other.body, "seed {}", seed);
            prop_assert_eq!(&decided, &decided_too, "seed {}", seed);
        }
        let (all, decided_too) = outcome(dialect, &whole, reply.order).await;
        prop_assert_eq!(&decided, &decided_too, "streamed, and whole");
        let view = |form: Form, got: &Got| {
            let view = check(dialect, form == Form::Stream, &got.body);
            view.map(|view| shown(&view))
                .map_err(|rule| TestCaseError::fail(format!("{form:?}: {rule}\n{got}")))
        };
        let (streamed, whole) = (view(Form::Stream, &first)?, view(Form::Whole, &all)?);
        prop_assert_eq!(
            &streamed,
            &whole,
            "streamed:\n{}\nwhole:\n{}",
            streamed,
            whole
        );
        Ok(())
    })
}

fn any_reply(dialect: Dialect) -> impl Strategy<Value = Reply> {
    let words = || "[a-zé\u{2028}🌍\"\\\\\n ]{1,12}";
    let say = prop_oneof![
        1 => words().prop_map(Say::Thinking),
        2 => words().prop_map(Say::Text),
        3 => (select(&TOOLS[..]), words()).prop_map(|(tool, about)| Say::Call { tool: tool.to_owned(), about }),
    ];
    let choices = match dialect {
        Dialect::Chat => 1..4_usize,
        _ => 1..2,
    };
    (vec(vec(say, 1..6), choices), any::<u64>())
        .prop_map(|(choices, order)| Reply { choices, order })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_client_sees_depends_neither_on_cuts_nor_on_streaming(
        (dialect, reply) in select(Dialect::ALL.to_vec())
            .prop_flat_map(|dialect| (Just(dialect), any_reply(dialect))),
    ) {
        holds(dialect, &reply)?;
    }
}

#[test]
fn thinking_behind_a_call_stands_in_the_same_place_in_both_forms() {
    for dialect in Dialect::ALL {
        for tool in TOOLS {
            let call = || Say::Call {
                tool: tool.to_owned(),
                about: "x".to_owned(),
            };
            let thinking = || Say::Thinking("Hm.".to_owned());
            for says in [
                vec![call(), thinking()],
                vec![call(), thinking(), call()],
                vec![call(), thinking(), Say::Text("So.".to_owned()), call()],
            ] {
                let reply = Reply {
                    choices: vec![says],
                    order: 1,
                };
                if let Err(error) = holds(dialect, &reply) {
                    panic!("{dialect}, {tool}: {error}");
                }
            }
        }
    }
}

#[test]
fn every_fate_befalls_some_tool() {
    for wanted in 0..4 {
        assert!(TOOLS.iter().any(|tool| fate(tool) == wanted), "{wanted}");
    }
}
