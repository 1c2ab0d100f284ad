//! Well-formed events of each dialect, by number: in an order that the fuzzer chooses they are every sequence that a provider
//! could send, and mostly ones that none should.

use luthien_core::Dialect;

/// The event that this byte means: its lower half says which, its upper half of which block.
/// `place` is its place in the sequence.
pub fn event(dialect: Dialect, byte: u8, place: usize) -> String {
    let (kind, block) = (byte & 15, (byte >> 4) & 3);
    match dialect {
        Dialect::Anthropic => anthropic(kind, block),
        Dialect::Chat => chat(kind, block & 1, byte >> 6),
        _ => responses(kind, block, place),
    }
}

fn anthropic(kind: u8, block: u8) -> String {
    let (name, data) = match kind {
        0 => ("message_start", r#""message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#.to_owned()),
        1 => ("content_block_start", format!(r#""index":{block},"content_block":{{"type":"text","text":""}}"#)),
        2 | 3 => ("content_block_delta", format!(r#""index":{block},"delta":{{"type":"text_delta","text":"t{kind}"}}"#)),
        4 | 5 => ("content_block_start", format!(r#""index":{block},"content_block":{{"type":"tool_use","id":"t{block}{kind}","name":"n{block}{kind}","input":{{}}}}"#)),
        6 => ("content_block_delta", format!(r#""index":{block},"delta":{{"type":"input_json_delta","partial_json":"{{}}"}}"#)),
        7 => ("content_block_start", format!(r#""index":{block},"content_block":{{"type":"thinking","thinking":"","signature":""}}"#)),
        8 => ("content_block_delta", format!(r#""index":{block},"delta":{{"type":"thinking_delta","thinking":"h"}}"#)),
        9 => ("content_block_delta", format!(r#""index":{block},"delta":{{"type":"signature_delta","signature":"s"}}"#)),
        10 | 11 => ("content_block_stop", format!(r#""index":{block}"#)),
        12 => ("content_block_start", format!(r#""index":{block},"content_block":{{"type":"server_tool_use","id":"s{block}","name":"web_search","input":{{}}}}"#)),
        13 => ("message_delta", format!(r#""delta":{{"stop_reason":"{}","stop_sequence":null}},"usage":{{"output_tokens":5}}"#, if block == 0 { "end_turn" } else { "tool_use" })),
        14 => ("message_stop", String::new()),
        _ => return "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned(),
    };
    let comma = if data.is_empty() { "" } else { "," };
    format!("event: {name}\ndata: {{\"type\":\"{name}\"{comma}{data}}}\n\n")
}

fn chat(kind: u8, choice: u8, call: u8) -> String {
    let (delta, reason) = match kind {
        0 => (r#""role":"assistant","content":"""#.to_owned(), "null"),
        1..=3 => (format!(r#""content":"t{kind}""#), "null"),
        4 | 5 => (format!(r#""tool_calls":[{{"index":{call},"id":"c{call}{kind}","type":"function","function":{{"name":"n{call}{kind}","arguments":""}}}}]"#), "null"),
        6 | 7 => (format!(r#""tool_calls":[{{"index":{call},"function":{{"arguments":"{{}}"}}}}]"#), "null"),
        8 => (r#""reasoning_content":"h""#.to_owned(), "null"),
        9 => (r#""refusal":"r""#.to_owned(), "null"),
        10 | 11 => (String::new(), r#""tool_calls""#),
        12 => (String::new(), r#""stop""#),
        13 => return r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#.to_owned() + "\n\n",
        14 => return "data: [DONE]\n\n".to_owned(),
        _ => return ": ping\n\n".to_owned(),
    };
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":{choice},\"delta\":{{{delta}}},\"finish_reason\":{reason}}}]}}\n\n"
    )
}

fn responses(kind: u8, item: u8, number: usize) -> String {
    let message = r#""id":"m","type":"message","role":"assistant""#;
    let call =
        format!(r#""id":"f{item}","type":"function_call","call_id":"c{item}","name":"n{item}""#);
    let place = format!(r#""output_index":{item}"#);
    let (name, data) = match kind {
        0 => ("response.created", r#""response":{"id":"r","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}"#.to_owned()),
        1 => ("response.output_item.added", format!(r#"{place},"item":{{{message},"status":"in_progress","content":[]}}"#)),
        2 => ("response.content_part.added", format!(r#"{place},"item_id":"m","content_index":0,"part":{{"type":"output_text","text":"","annotations":[]}}"#)),
        3 => ("response.output_text.delta", format!(r#"{place},"item_id":"m","content_index":0,"delta":"t""#)),
        4 => ("response.output_text.done", format!(r#"{place},"item_id":"m","content_index":0,"text":"t""#)),
        5 => ("response.content_part.done", format!(r#"{place},"item_id":"m","content_index":0,"part":{{"type":"output_text","text":"t","annotations":[]}}"#)),
        6 => ("response.output_item.done", format!(r#"{place},"item":{{{message},"status":"completed","content":[{{"type":"output_text","text":"t","annotations":[]}}]}}"#)),
        7 | 8 => ("response.output_item.added", format!(r#"{place},"item":{{{call},"status":"in_progress","arguments":""}}"#)),
        9 => ("response.function_call_arguments.delta", format!(r#"{place},"item_id":"f{item}","delta":"{{}}""#)),
        10 => ("response.function_call_arguments.done", format!(r#"{place},"item_id":"f{item}","arguments":"{{}}""#)),
        11 | 12 => ("response.output_item.done", format!(r#"{place},"item":{{{call},"status":"completed","arguments":"{{}}"}}"#)),
        13 => ("response.completed", format!(r#""response":{{"id":"r","object":"response","created_at":1,"model":"m","status":"completed","output":[{{{message},"status":"completed","content":[{{"type":"output_text","text":"t","annotations":[]}}]}}]}}"#)),
        14 => ("response.completed", format!(r#""response":{{"id":"r","object":"response","created_at":1,"model":"m","status":"completed","output":[{{{call},"status":"completed","arguments":"{{}}"}}]}}"#)),
        _ => return ": ping\n\n".to_owned(),
    };
    format!("event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number},{data}}}\n\n")
}
