use serde_json::{Value, json};

use super::{Events, Said, Script, pieces, set};

impl Script {
    pub(super) fn chat(&self, stream: bool, seed: u64) -> String {
        let stop = self.stop("tool_calls", "length", "stop");
        let (mut thinking, mut text, mut calls) = (Vec::new(), Vec::new(), Vec::new());
        for said in &self.said {
            match said {
                Said::Thinking(part) => thinking.push(part.as_str()),
                Said::Text(part) => text.push(part.as_str()),
                Said::Call(name, input) => calls.push((name, input.to_string())),
            }
        }
        // All that is written is one text there.
        let (thinking, text) = (thinking.join("\n\n"), text.join("\n\n"));
        let call = |place: usize, name: &str, arguments: &str| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "id": format!("call_{}", self.number(place)), "type": "function", "function": function })
        };
        let head = |object: &str, choice: Value| json!({ "id": "chatcmpl-1", "object": object, "created": 1, "model": "test-model", "choices": [choice] });
        if !stream {
            let mut message = json!({ "role": "assistant", "content": text, "refusal": null });
            if !thinking.is_empty() {
                set(&mut message, "reasoning_content", thinking.into());
            }
            if !calls.is_empty() {
                let calls = calls.iter().enumerate();
                let calls: Vec<_> = calls
                    .map(|(place, (name, input))| call(place, name, input))
                    .collect();
                set(&mut message, "tool_calls", calls.into());
            }
            let choice =
                json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": stop });
            let mut reply = head("chat.completion", choice);
            let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
            set(&mut reply, "usage", usage);
            return reply.to_string();
        }
        let mut events = Events::bare();
        let mut push = |delta: Value, stop: Option<&str>| {
            let choice =
                json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": stop });
            events.push("", head("chat.completion.chunk", choice));
        };
        push(
            json!({ "role": "assistant", "content": "", "refusal": null }),
            None,
        );
        for piece in pieces(&thinking, seed) {
            push(json!({ "reasoning_content": piece }), None);
        }
        for piece in pieces(&text, seed) {
            push(json!({ "content": piece }), None);
        }
        for (index, (name, input)) in calls.iter().enumerate() {
            let mut begun = call(index, name, "");
            set(&mut begun, "index", index.into());
            push(json!({ "tool_calls": [begun] }), None);
            for piece in pieces(input, seed) {
                let function = json!({ "arguments": piece });
                push(
                    json!({ "tool_calls": [{ "index": index, "function": function }] }),
                    None,
                );
            }
        }
        push(json!({}), Some(stop));
        events.text.push_str("data: [DONE]\n\n");
        events.text
    }
}
