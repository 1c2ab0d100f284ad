//! Policies in the real binary: what the client gets, what the provider was asked, what the log says; and the commands
//! with which they are looked at and tried out.
//!
//! The recorded replies call two tools each: `Read` (or `read`) of `a.txt`, and another one.

mod commands;
mod configuration;
mod decisions;
mod judges;
mod own;
mod reload;
mod replies;
mod trials;

use http_body_util::{BodyExt, Full};
use luthien_core::{
    body::{Chunk, Decoded, Form, ReplyLimits},
    reply::Assembler,
    request::BlockKind,
};

use crate::support::replies::Dialect;

/// Nobody reads files; and nobody is told which they would have been.
const NO_READING: &str = "
policies: [{ use: deny-tools, with: { tools: [Read, read] } }]
policy: { show_arguments: false }
";

/// What an SDK makes of a reply: its texts, and the tools that are to be run.
async fn seen(dialect: Dialect, stream: bool, body: &[u8]) -> (String, Vec<String>) {
    let body = bytes::Bytes::copy_from_slice(body);
    let mut assembler = Assembler::new(1 << 20);
    let mut blocks = Vec::new();
    let mut take = |chunk: &Chunk| {
        let event = chunk.event().unwrap();
        assert!(!event.is_ambiguous() && !event.is_unreadable(), "{event:?}");
        assembler.push(event, &mut blocks).unwrap();
    };
    if stream {
        let form = Form::Stream(dialect);
        let mut events = Decoded::new(Full::new(body), form, ReplyLimits::default());
        while let Some(frame) = events.frame().await {
            take(&frame.unwrap().into_data().unwrap());
        }
    } else {
        take(&Chunk::whole(dialect, body));
    }
    blocks.extend(assembler.finish());
    let texts = blocks.iter().filter(|block| block.kind == BlockKind::Text);
    let texts: Vec<_> = texts.map(|block| &*block.text).collect();
    let calls = blocks
        .iter()
        .filter(|block| block.kind == BlockKind::ToolCall);
    let calls = calls.map(|block| block.name.clone().unwrap()).collect();
    (texts.join("\n\n"), calls)
}

/// The recorded reply's other call.
fn other_call(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "Bash",
        Dialect::Chat => "bash",
        _ => "apply_patch",
    }
}
