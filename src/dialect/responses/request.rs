use crate::{
    Dialect,
    json::{Json, JsonStr},
    request::{Block, Content, Layout, Message, Role, ToolCall, ToolInput, ToolResult},
};

pub(crate) const LAYOUT: Layout = Layout {
    messages: "input",
    system: Some("instructions"),
    tools: &["tools"],
    max_output_tokens: &["max_output_tokens"],
};

/// An input item. What is no message is a block by itself.
pub(crate) fn message(json: Json<'_>) -> Message<'_> {
    let kind = json.get("type").and_then(|kind| kind.as_str());
    let is_message = match kind {
        Some(kind) => kind.is("message"),
        // The short form: a role and a content.
        None => json.get("role").is_some(),
    };
    if is_message {
        return Message {
            json,
            role: Role::read(json.get("role")),
            dialect: Dialect::Responses,
            content: json.get("content"),
            calls: [None; 2],
            own: [None; 2],
        };
    }
    let block = block(json);
    let role = match &block.content {
        Content::ToolResult(_) => Role::Tool,
        Content::Unknown => Role::Other,
        _ => Role::Assistant,
    };
    Message {
        json,
        role,
        dialect: Dialect::Responses,
        content: None,
        calls: [None; 2],
        own: [Some(block), None],
    }
}

/// A part of a message's content, or an item that is no message.
pub(crate) fn block(json: Json<'_>) -> Block<'_> {
    let text = |name| json.get(name).and_then(|text| text.as_str());
    let kind = text("type").map(|kind| kind.word()).unwrap_or_default();
    let call = |name, input| {
        Content::ToolCall(ToolCall {
            id: text("call_id"),
            name,
            input,
        })
    };
    let content = match &*kind {
        b"input_text" | b"output_text" | b"text" => {
            text("text").map_or(Content::Unknown, |text| Content::Text { text })
        }
        b"reasoning_text" | b"summary_text" => Content::Thinking {
            text: text("text"),
            signature: None,
        },
        b"refusal" => Content::Refusal {
            text: text("refusal"),
        },
        b"input_image" => Content::Image,
        b"input_file" => Content::Document,
        b"input_audio" => Content::Audio,
        b"reasoning" => match (
            first_text(json, "summary").or_else(|| first_text(json, "content")),
            text("encrypted_content"),
        ) {
            (None, Some(data)) => Content::RedactedThinking { data: Some(data) },
            (text, signature) => Content::Thinking { text, signature },
        },
        b"function_call" => call(text("name"), ToolInput::text(json.get("arguments"))),
        b"custom_tool_call" => call(text("name"), ToolInput::free(json.get("input"))),
        // The client runs these too; the action is the input, the type the name.
        b"local_shell_call" | b"shell_call" | b"computer_call" => {
            call(text("type"), ToolInput::json(json.get("action")))
        }
        b"apply_patch_call" => call(text("type"), ToolInput::json(json.get("operation"))),
        other if other.ends_with(b"_call_output") => Content::ToolResult(ToolResult {
            call_id: text("call_id"),
            content: json.get("output"),
            is_error: false,
        }),
        // The provider runs these itself.
        other if other.ends_with(b"_call") || other.starts_with(b"mcp_") => {
            Content::ServerTool { name: text("name") }
        }
        _ => Content::Unknown,
    };
    Block { json, content }
}

/// The text of the first element of a list of parts.
fn first_text<'a>(json: Json<'a>, list: &str) -> Option<JsonStr<'a>> {
    json.get(list)?.items().next()?.get("text")?.as_str()
}
