//! What a request is for. Clients mix turns of the conversation with errands of their own.

use http::{HeaderMap, HeaderName};
use luthien_core::{
    Dialect,
    facts::Purpose,
    json::{Document, Limits},
    request::{Content, LlmRequest},
};

use super::session::clean;

const AGENT: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
const PARENTS: [HeaderName; 2] = [
    HeaderName::from_static("x-parent-session-id"),
    HeaderName::from_static("x-claude-code-parent-agent-id"),
];
const CODEX_TURN: HeaderName = HeaderName::from_static("x-codex-turn-metadata");

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
    let id = headers.get(&AGENT).and_then(|id| clean(id.to_str().ok()?));
    if id.is_some() {
        return Some(Purpose::SubAgent { id });
    }
    let marked = first_system_text(call).is_some_and(is_marked);
    let child = PARENTS.iter().any(|name| headers.contains_key(name));
    (marked || child).then_some(Purpose::SubAgent { id: None })
}

/// Whether a text is the header that Claude Code puts before the system prompt, and speaks of a sub-agent.
fn is_marked(text: &[u8]) -> bool {
    const MARK: &[u8] = b"cc_is_subagent=true";
    text.starts_with(b"x-anthropic-billing-header:")
        && text
            .windows(MARK.len())
            .take(1000)
            .any(|window| window == MARK)
}

/// Small, without tools, and either told to make titles (opencode) or asked for an object with a `title` (Claude Code).
fn is_title(call: &LlmRequest) -> bool {
    if call.shape().tools > 0 {
        return false;
    }
    let told = || {
        first_system_text(call).is_some_and(|text| text.starts_with(b"You are a title generator"))
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
        Dialect::Responses => headers.get(&CODEX_TURN).is_some_and(|metadata| {
            let document = Document::parse(metadata.as_bytes().to_vec().into(), &Limits::default());
            document.is_ok_and(|document| {
                document
                    .root()
                    .get("request_kind")
                    .is_some_and(|kind| kind.is_str("compaction"))
            })
        }),
        _ => last_text(call)
            .is_some_and(|text| text.starts_with(b"CRITICAL: Respond with TEXT ONLY")),
    }
}

/// As it stands: nobody would escape the words that are looked for.
fn first_system_text(call: &LlmRequest) -> Option<&[u8]> {
    call.system().find_map(|block| match block.content {
        Content::Text { text } => Some(text.raw()),
        _ => None,
    })
}

/// The last text of the last message, as it stands.
fn last_text(call: &LlmRequest) -> Option<&[u8]> {
    let texts = call.last_message()?.blocks();
    let texts = texts.filter_map(|block| match block.content {
        Content::Text { text } => Some(text.raw()),
        _ => None,
    });
    texts.last()
}
