use serde_json::{Value, json};

use super::{Events, Said, Script, pieces, set};

impl Script {
    pub(super) fn responses(&self, stream: bool, seed: u64) -> String {
        let items: Vec<_> = self
            .said
            .iter()
            .enumerate()
            .map(|(place, said)| match said {
                Said::Thinking(text) => {
                    let summary = json!([{ "type": "summary_text", "text": text }]);
                    json!({ "id": format!("rs_{place}"), "type": "reasoning", "summary": summary })
                }
                Said::Text(text) => {
                    let content = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
                    json!({ "id": format!("msg_{place}"), "type": "message", "status": "completed",
                            "role": "assistant", "content": content })
                }
                Said::Call(name, input) => {
                    json!({ "id": format!("fc_{place}"), "type": "function_call", "status": "completed",
                            "arguments": input.to_string(), "call_id": format!("call_{}", self.number(place)), "name": name })
                }
            })
            .collect();
        let response = |status: &str, output: &[Value], details: Value, usage: Value| {
            json!({ "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": null,
                    "incomplete_details": details, "model": "test-model", "output": output, "usage": usage })
        };
        let status = if self.cut_short {
            "incomplete"
        } else {
            "completed"
        };
        let details = if self.cut_short {
            json!({ "reason": "max_output_tokens" })
        } else {
            Value::Null
        };
        let usage = json!({ "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 });
        let whole = response(status, &items, details, usage);
        if !stream {
            return whole.to_string();
        }
        let mut events = Events::named();
        let begun = response("in_progress", &[], Value::Null, Value::Null);
        events.push("response.created", json!({ "response": begun }));
        for (place, item) in items.into_iter().enumerate() {
            events.item(place, &item, seed);
        }
        let name = if self.cut_short {
            "response.incomplete"
        } else {
            "response.completed"
        };
        events.push(name, json!({ "response": whole }));
        events.text
    }
}

impl Events {
    /// The events of an output item.
    fn item(&mut self, place: usize, item: &Value, seed: u64) {
        let id = item.get("id").cloned().unwrap_or_default();
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        let (list, at, part, text, events) = match kind {
            "reasoning" => (
                "summary",
                "summary_index",
                "response.reasoning_summary_part",
                "text",
                "response.reasoning_summary_text",
            ),
            "message" => (
                "content",
                "content_index",
                "response.content_part",
                "text",
                "response.output_text",
            ),
            _ => ("", "", "", "arguments", "response.function_call_arguments"),
        };
        let mut begun = item.clone();
        let whole = if list.is_empty() {
            set(&mut begun, "arguments", json!(""))
        } else {
            let parts = set(&mut begun, list, json!([]));
            parts.get(0).cloned().unwrap_or_default()
        };
        if kind != "reasoning" {
            set(&mut begun, "status", json!("in_progress"));
        }
        self.push(
            "response.output_item.added",
            json!({ "output_index": place, "item": begun }),
        );
        let data = |more: Value| {
            let mut data = json!({ "item_id": id, "output_index": place });
            if !at.is_empty() {
                set(&mut data, at, json!(0));
            }
            for (name, value) in more.as_object().into_iter().flatten() {
                set(&mut data, name, value.clone());
            }
            data
        };
        let mut empty = whole.clone();
        let said = if list.is_empty() {
            whole.clone()
        } else {
            set(&mut empty, "text", json!(""))
        };
        let said = said.as_str().unwrap_or_default().to_owned();
        if !part.is_empty() {
            self.push(&format!("{part}.added"), data(json!({ "part": empty })));
        }
        for piece in pieces(&said, seed) {
            self.push(&format!("{events}.delta"), data(json!({ "delta": piece })));
        }
        self.push(&format!("{events}.done"), data(json!({ text: said })));
        if !part.is_empty() {
            self.push(&format!("{part}.done"), data(json!({ "part": whole })));
        }
        self.push(
            "response.output_item.done",
            json!({ "output_index": place, "item": item }),
        );
    }
}
