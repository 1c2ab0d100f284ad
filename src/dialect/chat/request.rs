use crate::{
    Dialect,
    json::{Json, Kind},
    request::{Block, Content, Layout, Message, Role, ToolCall, ToolInput, ToolResult},
};

pub(crate) const LAYOUT: Layout = Layout {
    messages: "messages",
    system: None,
    tools: &["tools", "functions"],
    max_output_tokens: &["max_completion_tokens", "max_tokens"],
};

pub(crate) fn message(json: Json<'_>) -> Message<'_> {
    let role = Role::read(json.get("role"));
    let content = json.get("content");
    let text = |name| json.get(name).and_then(|text| text.as_str());
    // A tool's message is its result; what is in it is the result's content.
    if role == Role::Tool {
        let result = ToolResult {
            call_id: text("tool_call_id"),
            content,
            is_error: false,
        };
        let block = Block {
            json,
            content: Content::ToolResult(result),
        };
        return Message {
            json,
            role,
            dialect: Dialect::Chat,
            content: None,
            calls: [None; 2],
            own: [Some(block), None],
        };
    }
    // Not OpenAI's own, but what servers of open models send and want back.
    let thinking = text("reasoning_content").or_else(|| text("reasoning"));
    let thinking = thinking.map(|text| Content::Thinking {
        text: Some(text),
        signature: None,
    });
    let refusal = text("refusal").map(|text| Content::Refusal { text: Some(text) });
    Message {
        json,
        role,
        dialect: Dialect::Chat,
        content,
        calls: [json.get("function_call"), json.get("tool_calls")],
        own: [thinking, refusal].map(|content| content.map(|content| Block { json, content })),
    }
}

pub(crate) fn block(json: Json<'_>) -> Block<'_> {
    let text = |name| json.get(name).and_then(|text| text.as_str());
    let kind = text("type").map(|kind| kind.word()).unwrap_or_default();
    let content = match &*kind {
        b"text" => text("text").map_or(Content::Unknown, |text| Content::Text { text }),
        b"refusal" => Content::Refusal {
            text: text("refusal"),
        },
        b"image_url" => Content::Image,
        b"input_audio" => Content::Audio,
        b"file" => Content::Document,
        _ => call(json).map_or(Content::Unknown, Content::ToolCall),
    };
    Block { json, content }
}

pub(crate) fn call_block(json: Json<'_>) -> Block<'_> {
    let content = call(json).map_or(Content::Unknown, Content::ToolCall);
    Block { json, content }
}

/// An element of `tool_calls`, of whatever type; or a legacy `function_call`, which is the inner object alone.
pub(super) fn call(json: Json<'_>) -> Option<ToolCall<'_>> {
    let inner = call_inner(json)?;
    let argument = inner.get("arguments");
    let input = match argument.filter(|json| !json.is_null()) {
        Some(json) if json.as_str().is_none() => ToolInput::Json(json),
        Some(json) => ToolInput::text(Some(json)),
        None => match inner.get("input").filter(|json| !json.is_null()) {
            Some(json) if json.as_str().is_none() => ToolInput::Json(json),
            json => ToolInput::free(json),
        },
    };
    Some(ToolCall {
        id: json.get("id").and_then(|id| id.as_str()),
        name: inner.get("name").and_then(|name| name.as_str()),
        input,
    })
}

/// Where a call's name and arguments are: under `function` or `custom`, or, for types newer than this code, under the
/// name of the type; else in the call itself.
pub(super) fn call_inner(json: Json<'_>) -> Option<Json<'_>> {
    let under = |name: &str| json.get(name).filter(|inner| inner.kind() == Kind::Object);
    let typed = || under(&json.get("type")?.as_str()?.decode());
    let bare = || {
        ["arguments", "input", "name"]
            .iter()
            .any(|name| json.get(name).is_some())
            .then_some(json)
    };
    typed()
        .or_else(|| under("function"))
        .or_else(|| under("custom"))
        .or_else(bare)
}
