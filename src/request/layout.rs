//! What the three dialects have in common: a root object with lists in it.

use std::borrow::Cow;

use super::RequestError;
use crate::json::{Document, Json, JsonStr, Kind};

/// Where things are in the root object of a dialect's requests.
pub(crate) struct Layout {
    pub(crate) messages: &'static str,
    pub(crate) system: Option<&'static str>,
    pub(crate) tools: &'static [&'static str],
    pub(crate) max_output_tokens: &'static [&'static str],
}

/// How large a request is, in things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Messages; in the Responses dialect, input items.
    pub messages: usize,
    /// Content blocks in all messages and in the system prompt, tool calls included.
    pub blocks: usize,
    /// Tool definitions.
    pub tools: usize,
}

impl Layout {
    pub(crate) fn shape(&self, root: Json<'_>) -> Shape {
        let mut shape = Shape::default();
        for (key, value) in root.members() {
            if key.is(self.messages) {
                if value.kind() == Kind::String {
                    shape.messages += 1;
                    shape.blocks += 1;
                }
                for item in value.items() {
                    shape.messages += 1;
                    shape.blocks += blocks_in(item);
                }
            } else if self.system.is_some_and(|name| key.is(name)) {
                shape.blocks += elements_in(value);
            } else if self.tools.iter().any(|name| key.is(name)) {
                shape.tools += value.items().count();
            }
        }
        shape
    }
}

/// How many blocks a message holds, counted without looking at them: a text is one, a list as many as it has elements,
/// and an item that has neither is one itself.
fn blocks_in(message: Json<'_>) -> usize {
    let mut blocks = 0;
    for (key, value) in message.members() {
        if key.is("content") || key.is("tool_calls") {
            blocks += elements_in(value);
        } else if key.is("function_call") && value.kind() == Kind::Object {
            blocks += 1;
        }
    }
    blocks.max(1)
}

fn elements_in(value: Json<'_>) -> usize {
    match value.kind() {
        Kind::String => 1,
        Kind::Array => value.items().count(),
        _ => 0,
    }
}

/// Refuses keys that a reader without regard to letter case would take for one that is read here. Looks at the objects
/// of the dialect itself; what is inside a tool's input or schema is free to use any key.
pub(super) fn check_spelling(document: &Document) -> Result<(), RequestError> {
    // Nearly no document has a key that looks like one; only then it matters where it stands.
    if document.odd_keys().any(is_variant) {
        check(document.root(), 0)
    } else {
        Ok(())
    }
}

/// What leads from an object to further objects of the dialect, by how far below the root it is.
const BELOW: [&[&str]; 4] = [
    &["messages", "input", "tools", "functions", "system"],
    &[
        "content",
        "tool_calls",
        "function_call",
        "function",
        "custom",
        "output",
        "summary",
    ],
    &["content", "function", "custom", "source", "image_url"],
    &["source", "image_url"],
];

fn check(object: Json<'_>, level: usize) -> Result<(), RequestError> {
    let below = BELOW.get(level).copied().unwrap_or_default();
    for (key, value) in object.members() {
        if is_variant(key) {
            return Err(RequestError::AmbiguousKey(key.decode().into_owned()));
        }
        let kind = value.kind();
        if !matches!(kind, Kind::Object | Kind::Array) || !below.iter().any(|name| key.is(name)) {
            continue;
        }
        if kind == Kind::Object {
            check(value, level + 1)?;
        }
        for item in value.items() {
            if item.kind() == Kind::Object {
                check(item, level + 1)?;
            }
        }
    }
    Ok(())
}

/// Every key that is read anywhere, by length: all are ASCII in lower case.
fn is_known(key: &str) -> bool {
    matches!(
        key,
        "action"
            | "arguments"
            | "call_id"
            | "content"
            | "custom"
            | "data"
            | "encrypted_content"
            | "file_data"
            | "file_id"
            | "function"
            | "function_call"
            | "functions"
            | "id"
            | "image_url"
            | "input"
            | "input_schema"
            | "instructions"
            | "is_error"
            | "max_completion_tokens"
            | "max_output_tokens"
            | "max_tokens"
            | "messages"
            | "metadata"
            | "model"
            | "n"
            | "name"
            | "operation"
            | "output"
            | "parameters"
            | "previous_response_id"
            | "prompt"
            | "prompt_cache_key"
            | "reasoning"
            | "reasoning_content"
            | "refusal"
            | "role"
            | "signature"
            | "source"
            | "stream"
            | "summary"
            | "system"
            | "text"
            | "thinking"
            | "tool_call_id"
            | "tool_calls"
            | "tool_use_id"
            | "tools"
            | "type"
            | "url"
            | "user"
            | "user_id"
    )
}

fn is_variant(key: JsonStr<'_>) -> bool {
    let key = key.decode();
    let folded = fold(&key);
    *folded != *key && is_known(&folded)
}

/// The key as a reader sees it that folds letter case, such as Go's `encoding/json`: by Unicode's simple folding, under
/// which two characters beyond ASCII become ASCII letters.
pub(super) fn fold(key: &str) -> Cow<'_, str> {
    if key.chars().all(|c| !c.is_ascii_uppercase() && c.is_ascii()) {
        return Cow::Borrowed(key);
    }
    key.chars()
        .map(|c| match c {
            '\u{17F}' => 's',
            '\u{212A}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}
