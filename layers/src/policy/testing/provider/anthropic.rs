use serde_json::{Value, json};

use super::{Events, Said, Script, pieces, set};

impl Script {
    pub(super) fn anthropic(&self, stream: bool, seed: u64) -> String {
        let stop = self.stop("tool_use", "max_tokens", "end_turn");
        let blocks = self.said.iter().enumerate().map(|(place, said)| match said {
            Said::Thinking(text) => json!({ "type": "thinking", "thinking": text, "signature": "c2VhbA==" }),
            Said::Text(text) => json!({ "type": "text", "text": text }),
            Said::Call(name, input) => {
                json!({ "type": "tool_use", "id": format!("toolu_{}", self.number(place)), "name": name, "input": input })
            }
        });
        let mut message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "test-model",
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 10, "output_tokens": 5 },
        });
        if !stream {
            set(&mut message, "content", blocks.collect::<Vec<_>>().into());
            set(&mut message, "stop_reason", stop.into());
            return message.to_string();
        }
        let mut events = Events::named();
        events.push("message_start", json!({ "message": message }));
        for (index, block) in blocks.enumerate() {
            let (begun, deltas) = begun(block, seed);
            events.push(
                "content_block_start",
                json!({ "index": index, "content_block": begun }),
            );
            for delta in deltas {
                events.push(
                    "content_block_delta",
                    json!({ "index": index, "delta": delta }),
                );
            }
            events.push("content_block_stop", json!({ "index": index }));
        }
        let delta = json!({ "stop_reason": stop, "stop_sequence": null });
        let usage = json!({ "output_tokens": 5 });
        events.push("message_delta", json!({ "delta": delta, "usage": usage }));
        events.push("message_stop", json!({}));
        events.text
    }
}

/// A block of Anthropic's as it begins, and what is added to it.
fn begun(mut block: Value, seed: u64) -> (Value, Vec<Value>) {
    let kind = block
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (member, delta, empty) = match kind {
        "thinking" => ("thinking", "thinking_delta", json!("")),
        "tool_use" => ("input", "input_json_delta", json!({})),
        _ => ("text", "text_delta", json!("")),
    };
    let whole = set(&mut block, member, empty);
    let (whole, added) = match whole {
        Value::String(text) => (text, member),
        input => (input.to_string(), "partial_json"),
    };
    let deltas = pieces(&whole, seed).map(|piece| json!({ "type": delta, added: piece }));
    let mut deltas: Vec<_> = deltas.collect();
    if member == "thinking" {
        let signature = set(&mut block, "signature", json!(""));
        deltas.push(json!({ "type": "signature_delta", "signature": signature }));
    }
    (block, deltas)
}
