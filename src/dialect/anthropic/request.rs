use crate::{
    Dialect,
    json::Json,
    request::{Block, Content, Layout, Message, Role, Tie, ToolCall, ToolInput, ToolResult},
};

pub(crate) const LAYOUT: Layout = Layout {
    messages: "messages",
    system: Some("system"),
    tools: &["tools"],
    max_output_tokens: &["max_tokens"],
};

pub(crate) fn message(json: Json<'_>) -> Message<'_> {
    Message {
        json,
        role: Role::read(json.get("role")),
        dialect: Dialect::Anthropic,
        content: json.get("content"),
        calls: [None; 2],
        own: [None; 2],
    }
}

/// Of a message's blocks those that are tool calls and results.
pub(crate) fn ties<'a>(message: Json<'a>, mut each: impl FnMut(usize, Tie<'a>)) {
    let Some(content) = message.get("content") else {
        return;
    };
    for (place, block) in content.items().enumerate() {
        let kind = block.get("type").and_then(|kind| kind.as_str());
        let (is_result, id) = match kind.map(|kind| kind.word()).as_deref() {
            Some(b"tool_use") => (false, "id"),
            Some(b"tool_result") => (true, "tool_use_id"),
            // What is known to be neither.
            Some(b"text" | b"thinking" | b"image") => continue,
            _ => match self::block(block).content.tie() {
                Some((false, _)) => (false, "id"),
                _ => continue,
            },
        };
        if let Some(id) = block.get(id).and_then(|id| id.as_str()) {
            each(place, (is_result, id));
        }
    }
}

pub(crate) fn block(json: Json<'_>) -> Block<'_> {
    let text = |name| json.get(name).and_then(|text| text.as_str());
    let kind = text("type").map(|kind| kind.word()).unwrap_or_default();
    let content = match &*kind {
        b"text" => text("text").map_or(Content::Unknown, |text| Content::Text { text }),
        b"thinking" => Content::Thinking {
            text: text("thinking"),
            signature: text("signature"),
        },
        b"redacted_thinking" => Content::RedactedThinking { data: text("data") },
        b"image" => Content::Image,
        b"document" | b"search_result" => Content::Document,
        b"tool_use" => Content::ToolCall(ToolCall {
            id: text("id"),
            name: text("name"),
            input: ToolInput::json(json.get("input")),
        }),
        b"tool_result" => Content::ToolResult(ToolResult {
            call_id: text("tool_use_id"),
            content: json.get("content"),
            is_error: json
                .get("is_error")
                .and_then(|flag| flag.as_bool())
                .unwrap_or(false),
        }),
        // The provider runs these itself; their results come under a name of each tool's own.
        b"server_tool_use" | b"mcp_tool_use" => Content::ServerTool { name: text("name") },
        other if other.ends_with(b"_tool_result") => Content::ServerTool { name: None },
        // Newer than this code; but what has a name and an input is meant to be run.
        _ => match (text("name"), json.get("input")) {
            (name @ Some(_), Some(input)) => Content::ToolCall(ToolCall {
                id: text("id"),
                name,
                input: ToolInput::Json(input),
            }),
            _ => Content::Unknown,
        },
    };
    Block { json, content }
}
