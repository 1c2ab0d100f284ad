//! What a message says, whatever dialect it is written in: no two of them write the same thing in different senses.

use luthien_core::json::{Document, Json, JsonStr, Kind as JsonKind};
use serde::Serialize;

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// The tool, of a call.
    pub tool_name: Option<String>,
    /// What ties a call and its result.
    pub tool_call_id: Option<String>,
    /// Text, thinking, the input of a call, the text of a result.
    pub text: Option<String>,
    /// Where a picture, a document or a sound is: a URL, `content:` and the hash of a content, or `inline`.
    pub reference: Option<String>,
}

/// The kinds of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum BlockKind {
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Image,
    Document,
    Audio,
    Refusal,
    Unknown,
}

impl BlockKind {
    /// The word, as in the view `conversation_transcript`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Thinking => "thinking",
            Self::ToolCall => "tool_call",
            Self::ToolResult => "tool_result",
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Refusal => "refusal",
            Self::Unknown => "unknown",
        }
    }
}

/// Who says a message.
pub(super) fn role(document: &Document) -> String {
    let root = document.root();
    let role = root.get("role").and_then(|role| role.as_str());
    if let Some(role) = role {
        return role.decode().chars().take(64).collect();
    }
    let kind = text(root, "type");
    let role = match kind.as_deref() {
        None if root.kind() == JsonKind::String => "user",
        None => "unknown",
        Some(kind) if kind.ends_with("_output") => "tool",
        Some(_) => "assistant",
    };
    role.to_owned()
}

/// What a message says, in order.
pub(super) fn blocks(document: &Document) -> Vec<Block> {
    let root = document.root();
    let mut blocks = Vec::new();
    if let Some(text) = root.as_str() {
        blocks.push(Block::text(BlockKind::Text, text));
        return blocks;
    }
    let kind = text(root, "type").filter(|kind| kind != "message");
    if let Some(kind) = kind {
        // An item of the Responses.
        part(&kind, root, &mut blocks);
        return blocks;
    }
    let is_result = matches!(text(root, "role").as_deref(), Some("tool" | "function"));
    if is_result {
        result(root, "tool_call_id", "content", &mut blocks);
        return blocks;
    }
    for (name, kind) in [
        ("reasoning_content", BlockKind::Thinking),
        ("reasoning", BlockKind::Thinking),
        ("refusal", BlockKind::Refusal),
    ] {
        let text = root.get(name).and_then(|text| text.as_str());
        let is_said = blocks.iter().any(|block: &Block| block.kind == kind);
        blocks.extend(
            text.filter(|_| !is_said)
                .map(|text| Block::text(kind, text)),
        );
    }
    if let Some(content) = root.get("content") {
        blocks.extend(
            content
                .as_str()
                .map(|text| Block::text(BlockKind::Text, text)),
        );
        parts(content, &mut blocks);
    }
    if let Some(call) = root.get("function_call").filter(|call| !call.is_null()) {
        blocks.push(chat_call(call, call));
    }
    for call in root
        .get("tool_calls")
        .into_iter()
        .flat_map(|calls| calls.items())
    {
        let inner = call.get("function").or_else(|| call.get("custom"));
        blocks.push(chat_call(call, inner.unwrap_or(call)));
    }
    blocks
}

impl Block {
    fn new(kind: BlockKind) -> Self {
        Self {
            kind,
            tool_name: None,
            tool_call_id: None,
            text: None,
            reference: None,
        }
    }

    fn text(kind: BlockKind, text: JsonStr<'_>) -> Self {
        Self {
            text: Some(text.decode().into_owned()),
            ..Self::new(kind)
        }
    }
}

fn parts(list: Json<'_>, blocks: &mut Vec<Block>) {
    for item in list.items() {
        match text(item, "type") {
            Some(kind) => part(&kind, item, blocks),
            None if item.kind() == JsonKind::Object => blocks.push(Block::new(BlockKind::Unknown)),
            None => {}
        }
    }
}

/// A block of a content, or an item that is one.
fn part(kind: &str, json: Json<'_>, blocks: &mut Vec<Block>) {
    let said = |kind, name| Block {
        text: text(json, name),
        ..Block::new(kind)
    };
    let call = |name, id, input| Block {
        tool_name: text(json, name),
        tool_call_id: text(json, id),
        text: json.get(input).map(written),
        ..Block::new(BlockKind::ToolCall)
    };
    let block = match kind {
        "text" | "input_text" | "output_text" => said(BlockKind::Text, "text"),
        "thinking" => said(BlockKind::Thinking, "thinking"),
        "summary_text" | "reasoning_text" => said(BlockKind::Thinking, "text"),
        "redacted_thinking" => Block::new(BlockKind::Thinking),
        "reasoning" => Block {
            text: joined(json.get("summary")).or_else(|| joined(json.get("content"))),
            ..Block::new(BlockKind::Thinking)
        },
        "refusal" => said(BlockKind::Refusal, "refusal"),
        "image" | "image_url" | "input_image" => referred(BlockKind::Image, json),
        "document" | "file" | "input_file" | "search_result" => referred(BlockKind::Document, json),
        "input_audio" => referred(BlockKind::Audio, json),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => call("name", "id", "input"),
        "function_call" | "mcp_call" => call("name", "call_id", "arguments"),
        "custom_tool_call" => call("name", "call_id", "input"),
        "apply_patch_call" => call("type", "call_id", "operation"),
        _ if kind.ends_with("_call") => call("type", "call_id", "action"),
        _ if kind.ends_with("_call_output") => return result(json, "call_id", "output", blocks),
        _ if kind.ends_with("tool_result") => {
            return result(json, "tool_use_id", "content", blocks);
        }
        _ if json.get("name").is_some() && json.get("input").is_some() => {
            call("name", "id", "input")
        }
        _ => Block::new(BlockKind::Unknown),
    };
    blocks.push(block);
}

/// A result, and behind it what else than text stands in it.
fn result(json: Json<'_>, id: &str, content: &str, blocks: &mut Vec<Block>) {
    let content = json.get(content);
    let mut inner = Vec::new();
    if let Some(content) = content {
        parts(content, &mut inner);
    }
    let plain = content.and_then(|content| content.as_str());
    let text_of = match plain {
        Some(text) => Some(text.decode().into_owned()),
        None => {
            let texts = inner.iter().filter(|block| block.kind == BlockKind::Text);
            let texts: Vec<_> = texts.filter_map(|block| block.text.as_deref()).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
    };
    blocks.push(Block {
        tool_call_id: text(json, id),
        text: text_of,
        ..Block::new(BlockKind::ToolResult)
    });
    let others = inner.into_iter().filter(|block| block.reference.is_some());
    blocks.extend(others);
}

fn chat_call(call: Json<'_>, inner: Json<'_>) -> Block {
    let input = inner.get("arguments").or_else(|| inner.get("input"));
    Block {
        tool_name: text(inner, "name"),
        tool_call_id: text(call, "id"),
        text: input.map(written),
        ..Block::new(BlockKind::ToolCall)
    }
}

/// Where a picture, a document or a sound is. Those who write a place differ in how deep they put it.
fn referred(kind: BlockKind, json: Json<'_>) -> Block {
    const NAMES: [&str; 9] = [
        "source",
        "image_url",
        "file",
        "input_audio",
        "url",
        "file_url",
        "file_data",
        "data",
        "file_id",
    ];
    fn find(json: Json<'_>, depth: usize) -> Option<String> {
        if let Some(text) = json.as_str() {
            let text = text.decode();
            return Some(match text.find(super::body::REFERENCE) {
                Some(at) => text.get(at..).unwrap_or_default().to_owned(),
                None if text.starts_with("http") || text.starts_with("file") => {
                    text.chars().take(2_000).collect()
                }
                None => "inline".to_owned(),
            });
        }
        let depth = depth.checked_sub(1)?;
        NAMES.iter().find_map(|name| find(json.get(name)?, depth))
    }
    Block {
        reference: Some(find(json, 4).unwrap_or_else(|| "inline".to_owned())),
        ..Block::new(kind)
    }
}

/// The texts of a list of parts.
fn joined(list: Option<Json<'_>>) -> Option<String> {
    let texts: Vec<_> = list?
        .items()
        .filter_map(|item| text(item, "text"))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A text, or what stands in its place as JSON.
fn written(json: Json<'_>) -> String {
    match json.as_str() {
        Some(text) => text.decode().into_owned(),
        None => String::from_utf8_lossy(json.text()).into_owned(),
    }
}

fn text(json: Json<'_>, name: &str) -> Option<String> {
    Some(json.get(name)?.as_str()?.decode().into_owned())
}
