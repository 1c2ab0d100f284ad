//! A model in small: says what it is told to, in every dialect.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use crate::support::{
    http1::Message,
    provider::{Provider, Wire},
    replies::Dialect,
};

/// What every reply costs.
pub const INPUT_TOKENS: u64 = 12;
pub const OUTPUT_TOKENS: u64 = 7;

/// The smallest PNG: one black dot.
pub const DOT: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3A, 0x7E, 0x9B, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T',
    0x78, 0x9C, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xAF, 0xA4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xAE, 0x42, 0x60, 0x82,
];

/// A part of a reply.
#[derive(Clone, Debug)]
pub enum Say {
    Thinking(&'static str),
    Text(&'static str),
    /// A tool call: id, name, input.
    Call(&'static str, &'static str, Value),
}

use Say::{Call, Text, Thinking};

/// What most replies say.
pub const HELLO: [Say; 1] = [Text("Hello there")];

/// The dialect of a request for a model.
pub fn dialect_of(request: &Message) -> Dialect {
    match request.target().split('?').next().unwrap() {
        "/v1/chat/completions" => Dialect::Chat,
        "/v1/responses" => Dialect::Responses,
        _ => Dialect::Anthropic,
    }
}

/// Answers a request in its form: streamed if it asks for that.
pub async fn answer(wire: &mut Wire, request: &Message, says: &[Say]) -> io::Result<()> {
    let (dialect, body) = (dialect_of(request), request.json());
    let model = body["model"].as_str().unwrap();
    // By its place in the conversation: Claude Code takes messages of the same id for one.
    let is_said = |message: &&Value| message["role"] == "assistant";
    let said = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(is_said);
    let id = format!("\"msg_{}\"", said.count() + 1);
    let named = |json: &str| json.replace("\"msg_1\"", &id);
    if body["stream"] == true {
        let events = events(dialect, model, says);
        let events: Vec<_> = events.iter().map(|event| named(event)).collect();
        wire.streamed(events).await
    } else {
        let reply = whole(dialect, model, says);
        wire.json(200, named(&reply.to_string()).as_bytes()).await
    }
}

/// A provider where this function is the model. It has no models to list.
pub async fn thinking(model: fn(&Value) -> Vec<Say>) -> Provider {
    Provider::start(move |request, mut wire| async move {
        if request.target().starts_with("/v1/models") {
            wire.json(200, br#"{"models":[]}"#).await?;
        } else {
            let says = model(&request.json());
            answer(&mut wire, &request, &says).await?;
        }
        Ok(Some(wire))
    })
    .await
}

/// A provider that says hello, except to who asks first.
pub async fn hello_after<F>(
    first: impl Fn(Message, Wire) -> F + Clone + Send + Sync + 'static,
) -> Provider
where
    F: Future<Output = io::Result<Option<Wire>>> + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    Provider::start(move |request, mut wire| {
        let (first, again) = (first.clone(), asked.swap(true, Ordering::SeqCst));
        async move {
            if !again {
                return first(request, wire).await;
            }
            answer(&mut wire, &request, &HELLO).await?;
            Ok(Some(wire))
        }
    })
    .await
}

/// Says hello as far as this many events.
pub async fn begin(wire: &mut Wire, request: &Message, count: usize) -> io::Result<()> {
    let model = request.json()["model"].as_str().unwrap().to_owned();
    let events = events(dialect_of(request), &model, &HELLO);
    wire.stream().await?;
    wire.chunk(events[..count].concat().as_bytes()).await
}

/// A reply as one object.
pub fn whole(dialect: Dialect, model: &str, says: &[Say]) -> Value {
    match dialect {
        Dialect::Anthropic => json!({
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": says.iter().map(block).collect::<Vec<_>>(),
            "stop_reason": stop_reason(says),
            "stop_sequence": null,
            "usage": { "input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS },
        }),
        Dialect::Chat => json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{
                "index": 0,
                "message": chat_message(says),
                "logprobs": null,
                "finish_reason": finish_reason(says),
            }],
            "usage": chat_usage(),
        }),
        _ => response(
            model,
            "completed",
            &says.iter().map(item).collect::<Vec<_>>(),
        ),
    }
}

/// A reply as the events of a stream.
pub fn events(dialect: Dialect, model: &str, says: &[Say]) -> Vec<String> {
    match dialect {
        Dialect::Anthropic => anthropic_events(model, says),
        Dialect::Chat => chat_events(model, says),
        _ => responses_events(model, says),
    }
}

fn named(event: &Value) -> String {
    format!(
        "event: {}\ndata: {event}\n\n",
        event["type"].as_str().unwrap()
    )
}

/// A text in two pieces.
fn pieces(text: &str) -> (&str, &str) {
    text.split_at(text.ceil_char_boundary(text.len() / 2))
}

fn has_call(says: &[Say]) -> bool {
    says.iter().any(|say| matches!(say, Call(..)))
}

fn stop_reason(says: &[Say]) -> &'static str {
    if has_call(says) {
        "tool_use"
    } else {
        "end_turn"
    }
}

fn block(say: &Say) -> Value {
    match say {
        Thinking(text) => json!({ "type": "thinking", "thinking": text, "signature": "c2lnbmVk" }),
        Text(text) => json!({ "type": "text", "text": text }),
        Call(id, name, input) => {
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
    }
}

fn anthropic_events(model: &str, says: &[Say]) -> Vec<String> {
    let mut message = whole(Dialect::Anthropic, model, &[]);
    message["stop_reason"] = Value::Null;
    message["usage"]["output_tokens"] = json!(1);
    let mut events = vec![json!({ "type": "message_start", "message": message })];
    for (index, say) in says.iter().enumerate() {
        let (empty, deltas) = match say {
            Thinking(text) => {
                let (one, two) = pieces(text);
                let delta = |text| json!({ "type": "thinking_delta", "thinking": text });
                let signature = json!({ "type": "signature_delta", "signature": "c2lnbmVk" });
                (
                    json!({ "type": "thinking", "thinking": "", "signature": "" }),
                    vec![delta(one), delta(two), signature],
                )
            }
            Text(text) => {
                let (one, two) = pieces(text);
                let delta = |text| json!({ "type": "text_delta", "text": text });
                (
                    json!({ "type": "text", "text": "" }),
                    vec![delta(one), delta(two)],
                )
            }
            Call(id, name, input) => {
                let input = input.to_string();
                let (one, two) = pieces(&input);
                let delta = |part| json!({ "type": "input_json_delta", "partial_json": part });
                (
                    json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
                    vec![delta(one), delta(two)],
                )
            }
        };
        events
            .push(json!({ "type": "content_block_start", "index": index, "content_block": empty }));
        events.extend(
            deltas.into_iter().map(
                |delta| json!({ "type": "content_block_delta", "index": index, "delta": delta }),
            ),
        );
        events.push(json!({ "type": "content_block_stop", "index": index }));
        events.push(json!({ "type": "ping" }));
    }
    events.push(json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(says), "stop_sequence": null },
        "usage": { "output_tokens": OUTPUT_TOKENS },
    }));
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(named).collect()
}

fn finish_reason(says: &[Say]) -> &'static str {
    if has_call(says) { "tool_calls" } else { "stop" }
}

fn chat_usage() -> Value {
    json!({
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    })
}

fn chat_call(id: &str, name: &str, input: &Value) -> Value {
    let function = json!({ "name": name, "arguments": input.to_string() });
    json!({ "id": id, "type": "function", "function": function })
}

fn chat_message(says: &[Say]) -> Value {
    let mut message = json!({ "role": "assistant", "content": null, "refusal": null });
    let mut calls = Vec::new();
    for say in says {
        match say {
            Thinking(text) => message["reasoning_content"] = json!(text),
            Text(text) => message["content"] = json!(text),
            Call(id, name, input) => calls.push(chat_call(id, name, input)),
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    message
}

fn chat_events(model: &str, says: &[Say]) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        json!({
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }],
            "usage": null,
        })
    };
    let mut chunks = vec![chunk(
        json!({ "role": "assistant", "content": "" }),
        Value::Null,
    )];
    let mut calls = 0;
    for say in says {
        match say {
            Thinking(text) | Text(text) => {
                let name = if matches!(say, Text(_)) {
                    "content"
                } else {
                    "reasoning_content"
                };
                let (one, two) = pieces(text);
                chunks.extend([one, two].map(|text| chunk(json!({ name: text }), Value::Null)));
            }
            Call(id, name, input) => {
                let mut call = chat_call(id, name, input);
                let arguments = call["function"]["arguments"].take();
                let (one, two) = pieces(arguments.as_str().unwrap());
                call["index"] = json!(calls);
                call["function"]["arguments"] = json!("");
                chunks.push(chunk(json!({ "tool_calls": [call] }), Value::Null));
                for part in [one, two] {
                    let call = json!({ "index": calls, "function": { "arguments": part } });
                    chunks.push(chunk(json!({ "tool_calls": [call] }), Value::Null));
                }
                calls += 1;
            }
        }
    }
    chunks.push(chunk(json!({}), json!(finish_reason(says))));
    let mut last = chunk(json!({}), Value::Null);
    last["choices"] = json!([]);
    last["usage"] = chat_usage();
    chunks.push(last);
    let chunks = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    chunks.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

fn item(say: &Say) -> Value {
    match say {
        Thinking(text) => json!({
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{ "type": "summary_text", "text": text }],
            "encrypted_content": "c2VhbGVk",
        }),
        Text(text) => json!({
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }],
        }),
        Call(id, name, input) => json!({
            "id": format!("fc_{id}"),
            "type": "function_call",
            "status": "completed",
            "call_id": id,
            "name": name,
            "arguments": input.to_string(),
        }),
    }
}

fn response(model: &str, status: &str, output: &[Value]) -> Value {
    json!({
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "tool_choice": "auto",
        "tools": [],
        "store": false,
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    })
}

fn responses_events(model: &str, says: &[Say]) -> Vec<String> {
    let mut begun = response(model, "in_progress", &[]);
    begun["usage"] = Value::Null;
    let mut events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
    ];
    for (index, say) in says.iter().enumerate() {
        let item = item(say);
        let mut empty = item.clone();
        let mut parts = Vec::new();
        let id = item["id"].as_str().unwrap();
        let mut part = |kind: &str, place: &str, name: &str, value: Value| {
            let mut event = json!({ "type": kind, "item_id": id, "output_index": index });
            event[name] = value;
            if !place.is_empty() {
                event[place] = json!(0);
            }
            parts.push(event);
        };
        match say {
            Thinking(text) => {
                empty["summary"] = json!([]);
                empty.as_object_mut().unwrap().remove("encrypted_content");
                let (one, two) = pieces(text);
                let kind = "response.reasoning_summary";
                let empty = json!({ "type": "summary_text", "text": "" });
                part(
                    &format!("{kind}_part.added"),
                    "summary_index",
                    "part",
                    empty,
                );
                for text in [one, two] {
                    part(
                        &format!("{kind}_text.delta"),
                        "summary_index",
                        "delta",
                        json!(text),
                    );
                }
                part(
                    &format!("{kind}_text.done"),
                    "summary_index",
                    "text",
                    json!(text),
                );
                let full = json!({ "type": "summary_text", "text": text });
                part(&format!("{kind}_part.done"), "summary_index", "part", full);
            }
            Text(text) => {
                empty["content"] = json!([]);
                empty["status"] = json!("in_progress");
                let (one, two) = pieces(text);
                let full = item["content"][0].clone();
                let mut empty = full.clone();
                empty["text"] = json!("");
                part(
                    "response.content_part.added",
                    "content_index",
                    "part",
                    empty,
                );
                for text in [one, two] {
                    part(
                        "response.output_text.delta",
                        "content_index",
                        "delta",
                        json!(text),
                    );
                }
                part(
                    "response.output_text.done",
                    "content_index",
                    "text",
                    json!(text),
                );
                part("response.content_part.done", "content_index", "part", full);
            }
            Call(_, _, input) => {
                empty["arguments"] = json!("");
                empty["status"] = json!("in_progress");
                let input = input.to_string();
                let (one, two) = pieces(&input);
                let kind = "response.function_call_arguments";
                for text in [one, two] {
                    part(&format!("{kind}.delta"), "", "delta", json!(text));
                }
                part(&format!("{kind}.done"), "", "arguments", json!(input));
            }
        }
        events.push(
            json!({ "type": "response.output_item.added", "output_index": index, "item": empty }),
        );
        events.append(&mut parts);
        events.push(
            json!({ "type": "response.output_item.done", "output_index": index, "item": item }),
        );
    }
    let output: Vec<_> = says.iter().map(item).collect();
    events.push(
        json!({ "type": "response.completed", "response": response(model, "completed", &output) }),
    );
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events.iter().map(named).collect()
}
