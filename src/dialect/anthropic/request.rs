use crate::{
    Dialect,
    json::Json,
    request::{Block, Content, Layout, Message, Role, ToolCall, ToolInput, ToolResult},
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

pub(crate) fn block(json: Json<'_>) -> Block<'_> {
    let text = |name| json.get(name).and_then(|text| text.as_str());
    let kind = text("type").map(|kind| kind.decode()).unwrap_or_default();
    let content = match &*kind {
        "text" => text("text").map_or(Content::Unknown, |text| Content::Text { text }),
        "thinking" => Content::Thinking {
            text: text("thinking"),
            signature: text("signature"),
        },
        "redacted_thinking" => Content::RedactedThinking { data: text("data") },
        "image" => Content::Image,
        "document" | "search_result" => Content::Document,
        "tool_use" => Content::ToolCall(ToolCall {
            id: text("id"),
            name: text("name"),
            input: ToolInput::json(json.get("input")),
        }),
        "tool_result" => Content::ToolResult(ToolResult {
            call_id: text("tool_use_id"),
            content: json.get("content"),
            is_error: json
                .get("is_error")
                .and_then(|flag| flag.as_bool())
                .unwrap_or(false),
        }),
        // The provider runs these itself; their results come under a name of each tool's own.
        "server_tool_use" | "mcp_tool_use" => Content::ServerTool { name: text("name") },
        other if other.ends_with("_tool_result") => Content::ServerTool { name: None },
        _ => Content::Unknown,
    };
    Block { json, content }
}
