use serde_json::Value;

use super::{
    Checked, View, ViewBlock, ensure, error_kind, events::Event, is_str, json, list, maybe, number,
    string,
};
use crate::request::BlockKind;

#[derive(Default)]
struct Stream {
    view: View,
    open: Option<Open>,
    is_started: bool,
    is_over: bool,
}

struct Open {
    kind: String,
    block: ViewBlock,
}

pub(super) fn stream(events: &[Event]) -> Checked<View> {
    let mut stream = Stream::default();
    for event in events {
        let data = json(&event.data)?;
        let kind = string(&data, "type")?;
        let place = |error| format!("{error}, at {}", event.data);
        ensure(kind == event.name, "an event has another name than type").map_err(place)?;
        stream.event(&kind, &data).map_err(place)?;
    }
    ensure(stream.is_over, "the stream ends without its last event")?;
    Ok(stream.view)
}

impl Stream {
    fn event(&mut self, kind: &str, data: &Value) -> Checked {
        ensure(!self.is_over, "an event behind the last")?;
        match kind {
            "ping" => return Ok(()),
            "error" => {
                self.view.error = Some(error_kind(&data["error"]));
                self.is_over = true;
                return Ok(());
            }
            "message_start" => {
                ensure(!self.is_started, "a second message_start")?;
                self.is_started = true;
                return start(&data["message"]);
            }
            _ => ensure(self.is_started, "something before message_start")?,
        }
        match kind {
            "content_block_start" => self.begin(data),
            "content_block_delta" => self.delta(data),
            "content_block_stop" => self.end(data),
            "message_delta" => self.stop(data),
            "message_stop" => {
                ensure(!self.view.stops.is_empty(), "no stop reason")?;
                self.is_over = true;
                Ok(())
            }
            _ if data.get("index").is_some() => self.open(data).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, data: &Value) -> Checked {
        ensure(self.open.is_none(), "a block inside another")?;
        ensure(self.view.stops.is_empty(), "a block behind the stop reason")?;
        ensure(
            number(data, "index")? == self.view.blocks.len(),
            "a gap in the numbers of blocks",
        )?;
        let json = &data["content_block"];
        let block = block(json)?;
        follows(&self.view.blocks, &block)?;
        if block.kind == BlockKind::ToolCall {
            // Clients ignore it there.
            let input = json["input"].as_object();
            ensure(
                input.is_some_and(serde_json::Map::is_empty),
                "arguments in the beginning of a call",
            )?;
        }
        let kind = string(json, "type")?;
        self.open = Some(Open { kind, block });
        Ok(())
    }

    fn open(&mut self, data: &Value) -> Checked<&mut Open> {
        let index = number(data, "index")?;
        ensure(
            index == self.view.blocks.len(),
            "it speaks of a block that is not open",
        )?;
        self.open
            .as_mut()
            .ok_or_else(|| "it speaks of a block that is not open".to_owned())
    }

    fn delta(&mut self, data: &Value) -> Checked {
        let open = self.open(data)?;
        let delta = &data["delta"];
        let (of, member): (&[&str], _) = match delta["type"].as_str() {
            Some("text_delta") => (&["text"], "text"),
            Some("citations_delta") => (&["text"], ""),
            Some("thinking_delta") => (&["thinking"], "thinking"),
            Some("signature_delta") => (&["thinking"], "signature"),
            Some("input_json_delta") => (&[], "partial_json"),
            _ => return Ok(()),
        };
        ensure(
            of.contains(&open.kind.as_str()) || (of.is_empty() && !has_text(open.block.kind)),
            "a delta of another kind than its block",
        )?;
        match member {
            "" | "signature" => {}
            "partial_json" => open.block.input.push_str(&string(delta, member)?),
            member => open.block.text.push_str(&string(delta, member)?),
        }
        Ok(())
    }

    fn end(&mut self, data: &Value) -> Checked {
        self.open(data)?;
        if let Some(Open { mut block, .. }) = self.open.take() {
            if matches!(block.kind, BlockKind::ToolCall | BlockKind::ServerTool) {
                let input = if block.input.is_empty() {
                    "{}"
                } else {
                    &block.input
                };
                block.input = json(input)?.to_string();
            }
            self.view.blocks.push(block);
        }
        Ok(())
    }

    fn stop(&mut self, data: &Value) -> Checked {
        ensure(self.open.is_none(), "a stop reason inside a block")?;
        ensure(self.view.stops.is_empty(), "a second stop reason")?;
        number(&data["usage"], "output_tokens")?;
        let reason = string(&data["delta"], "stop_reason")?;
        stops(&mut self.view, reason)
    }
}

pub(super) fn whole(reply: &Value) -> Checked<View> {
    let mut view = View::default();
    if is_str(reply, "type", "error") {
        view.error = Some(error_kind(&reply["error"]));
        return Ok(view);
    }
    message(reply)?;
    for json in list(reply, "content")? {
        let mut block = block(json)?;
        follows(&view.blocks, &block)?;
        if let (true, Some(input)) = (!has_text(block.kind), json.get("input")) {
            block.input = input.to_string();
        }
        view.blocks.push(block);
    }
    number(&reply["usage"], "output_tokens")?;
    stops(&mut view, string(reply, "stop_reason")?)?;
    Ok(view)
}

fn start(start: &Value) -> Checked {
    message(start)?;
    ensure(
        list(start, "content")?.is_empty() && start["stop_reason"].is_null(),
        "a message that begins with its content",
    )?;
    number(&start["usage"], "input_tokens").map(|_| ())
}

fn message(message: &Value) -> Checked {
    string(message, "id")?;
    string(message, "model")?;
    ensure(
        is_str(message, "type", "message") && is_str(message, "role", "assistant"),
        "no message of an assistant",
    )
}

fn has_text(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Text | BlockKind::Thinking)
}

fn block(json: &Value) -> Checked<ViewBlock> {
    let kind = match string(json, "type")?.as_str() {
        "text" => BlockKind::Text,
        "thinking" => BlockKind::Thinking,
        "redacted_thinking" => BlockKind::RedactedThinking,
        "tool_use" => BlockKind::ToolCall,
        "server_tool_use" | "mcp_tool_use" => BlockKind::ServerTool,
        kind if kind.ends_with("_tool_result") => BlockKind::ServerTool,
        _ if json.get("name").is_some() && json.get("input").is_some() => BlockKind::ToolCall,
        _ => BlockKind::Unknown,
    };
    let mut block = ViewBlock::new(0, kind);
    match kind {
        BlockKind::Text => block.text = string(json, "text")?,
        BlockKind::Thinking => block.text = string(json, "thinking")?,
        BlockKind::ToolCall => {
            block.id = Some(string(json, "id")?);
            block.name = Some(string(json, "name")?);
        }
        _ => block.name = maybe(json, "name")?,
    }
    Ok(block)
}

/// The next request would be refused with text between a call and its result.
fn follows(blocks: &[ViewBlock], block: &ViewBlock) -> Checked {
    let has_calls = blocks.iter().any(|block| block.kind == BlockKind::ToolCall);
    ensure(
        block.kind != BlockKind::Text || !has_calls,
        "text behind a call",
    )
}

fn stops(view: &mut View, reason: String) -> Checked {
    let has_calls = view
        .blocks
        .iter()
        .any(|block| block.kind == BlockKind::ToolCall);
    ensure(
        reason != "tool_use" || has_calls,
        "it stops for a call, and there is none",
    )?;
    view.stops.insert(0, reason);
    Ok(())
}
