use bytes::Bytes;
use serde_json::{Value, json};

use super::{Said, event, words};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let begun = message(said, &[], None, 1);
    let mut events = vec![event("message_start", json!({"message": begun}))];
    for (index, block) in blocks(said).iter().enumerate() {
        let begin = json!({"index": index, "content_block": block.begin});
        events.push(event("content_block_start", begin));
        for delta in &block.deltas {
            let delta = json!({"index": index, "delta": delta});
            events.push(event("content_block_delta", delta));
        }
        events.push(event("content_block_stop", json!({"index": index})));
    }
    let end = json!({"delta": {"stop_reason": reason(said)}, "usage": {"output_tokens": 31}});
    events.push(event("message_delta", end));
    events.push(event("message_stop", json!({})));
    events
}

pub(super) fn whole(said: &Said) -> Bytes {
    let content: Vec<_> = blocks(said).into_iter().map(|block| block.whole).collect();
    let message = message(said, &content, Some(reason(said)), 31);
    message.to_string().into()
}

fn reason(said: &Said) -> &'static str {
    if said.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}

fn message(said: &Said, content: &[Value], reason: Option<&str>, tokens: u32) -> Value {
    json!({
        "id": "msg_script", "type": "message", "role": "assistant", "model": said.model,
        "content": content, "stop_reason": reason, "stop_sequence": null,
        "usage": {"input_tokens": 24, "output_tokens": tokens},
    })
}

/// A block at once, and bit by bit.
struct Block {
    whole: Value,
    begin: Value,
    deltas: Vec<Value>,
}

impl Block {
    fn new(whole: Value, begin: Value, kind: &str, member: &str, text: &str) -> Self {
        Self {
            whole,
            begin,
            deltas: words(text)
                .map(|word| json!({"type": kind, member: word}))
                .collect(),
        }
    }
}

fn blocks(said: &Said) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !said.thinking.is_empty() {
        let block = |text: &str, seal: &str| json!({"type": "thinking", "thinking": text, "signature": seal});
        let seal = "c2lnbmVk";
        let (whole, begin) = (block(&said.thinking, seal), block("", ""));
        let mut block = Block::new(whole, begin, "thinking_delta", "thinking", &said.thinking);
        let sealed = json!({"type": "signature_delta", "signature": seal});
        block.deltas.push(sealed);
        blocks.push(block);
    }
    if !said.text.is_empty() {
        let block = |text: &str| json!({"type": "text", "text": text});
        let (whole, begin) = (block(&said.text), block(""));
        blocks.push(Block::new(whole, begin, "text_delta", "text", &said.text));
    }
    for (number, call) in (1..).zip(&said.calls) {
        let id = format!("toolu_{number:02}");
        let block = |input: &Value| json!({"type": "tool_use", "id": id, "name": call.name, "input": input});
        let (whole, begin) = (block(&call.input), block(&json!({})));
        let input = call.input.to_string();
        let block = Block::new(whole, begin, "input_json_delta", "partial_json", &input);
        blocks.push(block);
    }
    blocks
}
