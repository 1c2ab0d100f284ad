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
    if is_message(json) {
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

/// Whether an item is only a shell around parts, which are blocks; any other item is a block.
pub(super) fn is_message(item: Json<'_>) -> bool {
    match item.get("type").and_then(|kind| kind.as_str()) {
        Some(kind) => kind.is("message"),
        // The short form: a role and a content.
        None => item.get("role").is_some(),
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
        b"function_call" => call(text("name"), input(json.get("arguments"), ToolInput::Text)),
        b"custom_tool_call" => call(text("name"), input(json.get("input"), ToolInput::Free)),
        // The client runs these too; the action is the input, the type the name.
        b"local_shell_call" | b"shell_call" | b"computer_call" => {
            call(text("type"), ToolInput::json(json.get("action")))
        }
        b"apply_patch_call" => call(text("type"), ToolInput::json(json.get("operation"))),
        b"reasoning" => match (
            first_text(json, "summary").or_else(|| first_text(json, "content")),
            text("encrypted_content"),
        ) {
            (None, Some(data)) => Content::RedactedThinking { data: Some(data) },
            (text, signature) => Content::Thinking { text, signature },
        },
        // The provider runs these itself.
        b"web_search_call"
        | b"file_search_call"
        | b"image_generation_call"
        | b"code_interpreter_call" => Content::ServerTool { name: text("name") },
        other if other.starts_with(b"mcp_") => Content::ServerTool { name: text("name") },
        // Whatever else it is called, what has a name and arguments is meant to be run.
        other => match (text("name"), newer_input(json)) {
            (name @ Some(_), Some(input)) => call(name, input),
            _ => part(other, json),
        },
    };
    Block { json, content }
}

/// A part of a message's content; or of an input, a result.
fn part<'a>(kind: &[u8], json: Json<'a>) -> Content<'a> {
    let text = |name| json.get(name).and_then(|text| text.as_str());
    match kind {
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
        other if other.ends_with(b"_call_output") => Content::ToolResult(ToolResult {
            call_id: text("call_id"),
            content: json.get("output"),
            is_error: false,
        }),
        other if other.ends_with(b"_call") => Content::ServerTool { name: text("name") },
        _ => Content::Unknown,
    }
}

/// The text of the first element of a list of parts.
fn first_text<'a>(json: Json<'a>, list: &str) -> Option<JsonStr<'a>> {
    json.get(list)?.items().next()?.get("text")?.as_str()
}

/// Arguments that are a string, as they should be, or anything else.
fn input<'a>(
    json: Option<Json<'a>>,
    of_text: impl FnOnce(JsonStr<'a>) -> ToolInput<'a>,
) -> ToolInput<'a> {
    match json.filter(|json| !json.is_null()) {
        Some(json) => json.as_str().map_or(ToolInput::Json(json), of_text),
        None => ToolInput::Missing,
    }
}

fn newer_input(json: Json<'_>) -> Option<ToolInput<'_>> {
    let json = json.get("arguments").or_else(|| json.get("input"))?;
    Some(input(Some(json), ToolInput::Text))
}
