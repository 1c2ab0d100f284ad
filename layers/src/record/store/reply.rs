//! What a reply says, as the messages in which its client will say it again.

use crate::record::Message;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    body::{Decoded, Form, ReplyLimits},
    json::{Document, Limits, quote},
    reply::{Assembler, ReplyBlock},
    request::BlockKind,
};

/// So much of a reply is read, in bytes of its blocks.
const MOST: usize = 64 << 20;

/// The blocks of a reply, as far as it can be read.
pub(super) fn blocks(dialect: Option<&str>, form: &str, bytes: &Bytes) -> Vec<ReplyBlock> {
    let Some(dialect) = dialect_of(dialect, bytes) else {
        return Vec::new();
    };
    let form = match form {
        "stream" => Form::Stream(dialect),
        "whole" => Form::Whole(dialect),
        _ => return Vec::new(),
    };
    let mut body = Decoded::new(Full::new(bytes.clone()), form, ReplyLimits::default());
    let mut assembler = Assembler::new(MOST);
    let mut finished = Vec::new();
    // All of it is there, so nothing is waited for.
    while let Some(Some(Ok(frame))) = body.frame().now_or_never() {
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        let Some(event) = chunk.event() else { continue };
        if assembler.push(event, &mut finished).is_err() {
            return finished;
        }
    }
    finished.append(&mut assembler.finish());
    finished.sort_by_key(|block| block.block);
    finished
}

/// The dialect; if what would tell it is lost, by what a reply looks like.
fn dialect_of(name: Option<&str>, bytes: &Bytes) -> Option<Dialect> {
    if let Some(name) = name {
        return Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name);
    }
    let start = bytes.get(..bytes.len().min(400)).unwrap_or_default();
    let start = String::from_utf8_lossy(start);
    [
        (Dialect::Chat, "\"chat.completion"),
        (Dialect::Responses, "\"response"),
        (Dialect::Anthropic, "\"message"),
    ]
    .into_iter()
    .find_map(|(dialect, mark)| start.contains(mark).then_some(dialect))
}

/// The name of a dialect that a reply is most probably in.
pub(super) fn dialect_name(name: Option<&str>, bytes: &Bytes) -> Option<&'static str> {
    dialect_of(name, bytes).map(Dialect::name)
}

/// A message of a reply, and the blocks that it is made of.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) message: Message,
    pub(super) blocks: Vec<ReplyBlock>,
}

/// The messages of a reply, one for each that its client will send, written as its dialect does.
pub(super) fn messages(dialect: &str, blocks: &[ReplyBlock]) -> Vec<Spoken> {
    // One message for each choice, or for each item of the Responses.
    let of = |block: &ReplyBlock| match dialect {
        "responses" => block.block.index,
        _ => block.block.choice,
    };
    let runs = blocks.chunk_by(|a, b| of(a) == of(b));
    let spoken = runs.filter_map(|run| {
        let body = match dialect {
            "anthropic" => anthropic(run),
            "chat" => chat(run),
            _ => item(run)?,
        };
        Some(Spoken {
            message: Message::new(body.into(), Vec::new()),
            blocks: run.to_vec(),
        })
    });
    spoken.collect()
}

fn anthropic(blocks: &[ReplyBlock]) -> String {
    let content = blocks.iter().filter_map(|block| {
        let call = |kind: &str| {
            object(&[
                ("type", text(kind)),
                ("id", optional(block.id.as_deref())),
                ("name", optional(block.name.as_deref())),
                ("input", input(&block.input)),
            ])
        };
        Some(match block.kind {
            BlockKind::Text => object(&[("type", text("text")), ("text", text(&block.text))]),
            BlockKind::Thinking => {
                object(&[("type", text("thinking")), ("thinking", text(&block.text))])
            }
            BlockKind::RedactedThinking => object(&[("type", text("redacted_thinking"))]),
            BlockKind::ToolCall => call("tool_use"),
            BlockKind::ServerTool => call("server_tool_use"),
            _ => return None,
        })
    });
    object(&[("role", text("assistant")), ("content", list(content))])
}

fn chat(blocks: &[ReplyBlock]) -> String {
    let mut members = vec![("role", text("assistant"))];
    let mut calls = Vec::new();
    for block in blocks {
        let name = match block.kind {
            BlockKind::Text => "content",
            BlockKind::Thinking => "reasoning_content",
            BlockKind::Refusal => "refusal",
            BlockKind::ToolCall => {
                let function = [
                    ("name", optional(block.name.as_deref())),
                    ("arguments", text(&block.input)),
                ];
                calls.push(object(&[
                    ("id", optional(block.id.as_deref())),
                    ("type", text("function")),
                    ("function", object(&function)),
                ]));
                continue;
            }
            _ => continue,
        };
        if members.iter().all(|(known, _)| *known != name) {
            members.push((name, text(&block.text)));
        }
    }
    if !calls.is_empty() {
        members.push(("tool_calls", list(calls.into_iter())));
    }
    object(&members)
}

fn item(blocks: &[ReplyBlock]) -> Option<String> {
    let first = blocks.first()?;
    Some(match first.kind {
        BlockKind::Thinking => {
            let summary = [("type", text("summary_text")), ("text", text(&first.text))];
            let summary = list(std::iter::once(object(&summary)));
            object(&[("type", text("reasoning")), ("summary", summary)])
        }
        BlockKind::RedactedThinking => object(&[("type", text("reasoning"))]),
        BlockKind::ToolCall => object(&[
            ("type", text("function_call")),
            ("call_id", optional(first.id.as_deref())),
            ("name", optional(first.name.as_deref())),
            ("arguments", text(&first.input)),
        ]),
        BlockKind::Text | BlockKind::Refusal => {
            let parts = blocks.iter().map(|block| match block.kind {
                BlockKind::Refusal => {
                    object(&[("type", text("refusal")), ("refusal", text(&block.text))])
                }
                _ => object(&[("type", text("output_text")), ("text", text(&block.text))]),
            });
            object(&[
                ("type", text("message")),
                ("role", text("assistant")),
                ("content", list(parts)),
            ])
        }
        _ => return None,
    })
}

/// Arguments as the object that they should be, number for number, or as what they are.
fn input(arguments: &str) -> String {
    match Document::parse(arguments.to_owned().into(), &Limits::default()) {
        Ok(_) => arguments.to_owned(),
        Err(_) => text(arguments),
    }
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn optional(word: Option<&str>) -> String {
    word.map_or_else(|| "null".to_owned(), text)
}

fn text(text: &str) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}
