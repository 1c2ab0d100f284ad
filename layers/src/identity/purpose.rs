//! What a request is for. Clients mix turns of the conversation with errands of their own.

use http::HeaderMap;
use luthien_core::{
    Dialect,
    facts::Purpose,
    json::{Document, Limits},
    request::{Content, LlmRequest},
};

use super::session::clean;

pub(super) fn of(path: &str, headers: &HeaderMap, call: Option<&LlmRequest>) -> Purpose {
    let Some(call) = call else {
        let counts = path.ends_with("/count_tokens") || path.ends_with("/input_tokens");
        return if counts {
            Purpose::TokenCount
        } else {
            Purpose::Turn
        };
    };
    if is_compaction(headers, call) {
        Purpose::Compaction
    } else if call.max_output_tokens() == Some(1) {
        Purpose::Probe
    } else if is_title(call) {
        Purpose::Title
    } else if let Some(agent) = sub_agent(headers, call) {
        agent
    } else {
        Purpose::Turn
    }
}

/// Claude Code names sub-agents in a header and in the first system block; opencode gives them a parent session.
fn sub_agent(headers: &HeaderMap, call: &LlmRequest) -> Option<Purpose> {
    let header = |name| clean(headers.get(name)?.to_str().ok()?);
    if let Some(id) = header("x-claude-code-agent-id") {
        return Some(Purpose::SubAgent { id: Some(id) });
    }
    let marked = first_system_text(call).is_some_and(|text| text.contains("cc_is_subagent=true"));
    let child = headers.contains_key("x-parent-session-id")
        || headers.contains_key("x-claude-code-parent-agent-id");
    (marked || child).then_some(Purpose::SubAgent { id: None })
}

/// Small, without tools, and either told to make titles (opencode) or asked for an object with a `title` (Claude Code).
fn is_title(call: &LlmRequest) -> bool {
    if call.shape().tools > 0 {
        return false;
    }
    let told = || {
        first_system_text(call).is_some_and(|text| text.starts_with("You are a title generator"))
    };
    let asked = || {
        let format = call
            .root()
            .get("output_config")
            .and_then(|config| config.get("format"));
        let format = format.or_else(|| call.root().get("output_format"));
        let schema = format.and_then(|format| format.get("schema")?.get("properties"));
        schema.is_some_and(|properties| {
            properties.members().count() == 1 && properties.get("title").is_some()
        })
    };
    told() || asked()
}

/// Codex says so in a header that holds JSON; Claude Code only in the words of the last message.
fn is_compaction(headers: &HeaderMap, call: &LlmRequest) -> bool {
    match call.dialect() {
        Dialect::Responses => headers
            .get("x-codex-turn-metadata")
            .is_some_and(|metadata| {
                let document =
                    Document::parse(metadata.as_bytes().to_vec().into(), &Limits::default());
                document.is_ok_and(|document| {
                    document
                        .root()
                        .get("request_kind")
                        .is_some_and(|kind| kind.is_str("compaction"))
                })
            }),
        _ => {
            last_text(call).is_some_and(|text| text.starts_with("CRITICAL: Respond with TEXT ONLY"))
        }
    }
}

fn first_system_text(call: &LlmRequest) -> Option<String> {
    call.system().find_map(|block| match block.content {
        Content::Text { text } => Some(text.decode().into_owned()),
        _ => None,
    })
}

/// The last text of the last message, if it is not too long to be an instruction.
fn last_text(call: &LlmRequest) -> Option<String> {
    const LONGEST: usize = 64 << 10;
    let text = call
        .messages()
        .last()?
        .blocks()
        .filter_map(|block| match block.content {
            Content::Text { text } => Some(text),
            _ => None,
        });
    text.last()
        .filter(|text| text.raw().len() <= LONGEST)
        .map(|text| text.decode().into_owned())
}
