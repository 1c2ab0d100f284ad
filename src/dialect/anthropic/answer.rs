//! Replies of our own.

use crate::{
    Dialect,
    body::Chunk,
    dialect::wire::{event, quoted},
    reply::Answer,
};

const USAGE: &str = r#""usage":{"input_tokens":0,"output_tokens":0}"#;

pub(crate) fn chunks(answer: &Answer<'_>, stream: bool) -> Vec<Chunk> {
    let id = format!("msg_{}", answer.id);
    if stream {
        let start = message_start(&id, answer.model());
        let end = [message_delta(0), message_stop()];
        return [start]
            .into_iter()
            .chain(text_block(0, answer.text))
            .chain(end)
            .collect();
    }
    let (id, model, block) = (quoted(&id), quoted(answer.model()), block(answer.text));
    let reply = format!(
        r#"{{"id":{id},"type":"message","role":"assistant","model":{model},"content":[{block}],"stop_reason":"end_turn","stop_sequence":null,{USAGE}}}"#
    );
    vec![Chunk::whole(Dialect::Anthropic, reply.into())]
}

/// A text block as it stands in a whole reply.
pub(super) fn block(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, quoted(text))
}

pub(super) fn message_start(id: &str, model: &str) -> Chunk {
    let (id, model) = (quoted(id), quoted(model));
    let data = format!(
        r#"{{"type":"message_start","message":{{"id":{id},"type":"message","role":"assistant","model":{model},"content":[],"stop_reason":null,"stop_sequence":null,{USAGE}}}}}"#
    );
    event(Dialect::Anthropic, "message_start", &data)
}

pub(super) fn text_block(index: u32, text: &str) -> [Chunk; 3] {
    let start = format!(
        r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"text","text":""}}}}"#
    );
    [
        event(Dialect::Anthropic, "content_block_start", &start),
        text_delta(index, text),
        block_stop(index),
    ]
}

pub(super) fn text_delta(index: u32, text: &str) -> Chunk {
    delta(index, "text_delta", "text", text)
}

pub(super) fn input_delta(index: u32, input: &str) -> Chunk {
    delta(index, "input_json_delta", "partial_json", input)
}

fn delta(index: u32, kind: &str, member: &str, text: &str) -> Chunk {
    let text = quoted(text);
    let data = format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{member}":{text}}}}}"#
    );
    event(Dialect::Anthropic, "content_block_delta", &data)
}

pub(super) fn block_stop(index: u32) -> Chunk {
    let data = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
    event(Dialect::Anthropic, "content_block_stop", &data)
}

pub(super) fn message_delta(output_tokens: u64) -> Chunk {
    let data = format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{output_tokens}}}}}"#
    );
    event(Dialect::Anthropic, "message_delta", &data)
}

pub(super) fn message_stop() -> Chunk {
    event(
        Dialect::Anthropic,
        "message_stop",
        r#"{"type":"message_stop"}"#,
    )
}
