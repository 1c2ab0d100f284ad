//! A line of a transcript.

use bytes::Bytes;
use luthien_core::json::{Document, Json, JsonErrorKind, Kind, Limits};

use super::super::super::times;

/// What a line turns out to be.
#[derive(Debug)]
pub(super) enum Read {
    /// It has a place in a conversation.
    Placed(Box<Line>),
    /// It has none: titles, snapshots of files and the like. Its kind, as far as it says so.
    Other(String),
}

/// A line that has a place in a conversation.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) uuid: String,
    /// The line before it.
    pub(super) parent: Option<String>,
    /// When it was written, in microseconds since 1970.
    pub(super) at: Option<i64>,
    pub(super) session: Option<String>,
    /// The sub-agent that speaks.
    pub(super) agent: Option<String>,
    /// The version of Claude Code.
    pub(super) version: Option<String>,
    pub(super) says: Says,
}

/// What a line adds to a conversation.
#[derive(Debug)]
pub(super) enum Says {
    /// What the model is told.
    User {
        /// The content, as JSON: a text, or a list of blocks.
        content: Bytes,
        /// The calls of tools that it answers.
        answers: Vec<String>,
    },
    /// Something of what it has answered.
    Assistant(Box<Piece>),
    /// Nothing that the model is told. Its kind.
    Nothing(String),
}

/// Blocks of a reply. One reply stands on several lines.
#[derive(Debug)]
pub(super) struct Piece {
    /// The provider's name for the reply.
    pub(super) id: String,
    /// The blocks, as JSON, with commas between them.
    pub(super) blocks: Bytes,
    /// The calls of tools in them.
    pub(super) calls: Vec<String>,
    /// The model, unless Claude Code has said it itself.
    pub(super) model: Option<String>,
    pub(super) stop_reason: Option<String>,
    /// The tokens so far, as JSON.
    pub(super) usage: Option<Bytes>,
    /// What went wrong, if the provider has not answered.
    pub(super) error: Option<Trouble>,
}

/// Why the provider has not answered.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) reason: Option<String>,
    pub(super) status: Option<u16>,
}

/// How Claude Code calls itself where a model would stand.
const ITSELF: &str = "<synthetic>";

/// Reads a line.
pub(super) fn read(line: &Bytes) -> Result<Read, String> {
    let document = parse(line)?;
    let root = document.root();
    let kind = text(root, "type").ok_or("it says of no kind to be")?;
    let says = match kind.as_str() {
        "user" => user(&document)?,
        "assistant" => assistant(&document)?,
        _ => Says::Nothing(kind.clone()),
    };
    let Some(uuid) = text(root, "uuid") else {
        return match says {
            Says::Nothing(kind) => Ok(Read::Other(kind)),
            _ => Err("a message without `uuid`".to_owned()),
        };
    };
    let is_aside = root.get("isSidechain").and_then(|aside| aside.as_bool()) == Some(true);
    let at = text(root, "timestamp").and_then(|at| times::moment_of(&at));
    if at.is_none() && !matches!(says, Says::Nothing(_)) {
        return Err("a message without a `timestamp`".to_owned());
    }
    Ok(Read::Placed(Box::new(Line {
        uuid,
        parent: text(root, "parentUuid"),
        at,
        session: text(root, "sessionId"),
        agent: text(root, "agentId").or_else(|| is_aside.then(|| "sidechain".to_owned())),
        version: text(root, "version"),
        says,
    })))
}

/// Whether a line is one of a transcript.
pub(in super::super) fn is_one(line: &[u8]) -> bool {
    let Ok(document) = parse(&Bytes::copy_from_slice(line)) else {
        return false;
    };
    let root = document.root();
    let names = ["sessionId", "uuid", "leafUuid", "messageId"];
    root.get("type").is_some() && names.into_iter().any(|name| root.get(name).is_some())
}

fn parse(line: &Bytes) -> Result<Document, String> {
    match Document::parse(line.clone(), &Limits::default()) {
        Err(error) if *error.kind() == JsonErrorKind::LoneSurrogate => {
            Document::parse(mended(line), &Limits::default())
        }
        result => result,
    }
    .map_err(|error| error.to_string())
}

/// The line with a sign of replacement for each half of a character: JavaScript cuts texts in their middle, and no provider
/// would take them.
fn mended(line: &[u8]) -> Bytes {
    let unit = |at: usize| {
        let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    let is_high = |unit: u16| (0xD800..0xDC00).contains(&unit);
    let is_low = |unit: u16| (0xDC00..0xE000).contains(&unit);
    let mut mended = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let length = match (byte, unit(at)) {
            (b'\\', Some(high)) if is_high(high) && unit(at + 6).is_some_and(is_low) => 12,
            (b'\\', Some(half)) if is_high(half) || is_low(half) => {
                mended.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            (b'\\', _) => 2,
            _ => 1,
        };
        let end = (at + length).min(line.len());
        mended.extend_from_slice(line.get(at..end).unwrap_or_default());
        at = end;
    }
    mended.into()
}

fn text(json: Json<'_>, name: &str) -> Option<String> {
    let text = json.get(name)?.as_str()?;
    Some(text.decode().into_owned()).filter(|text| !text.is_empty())
}

/// A value with its bytes.
fn bytes(document: &Document, json: Json<'_>) -> Bytes {
    document.bytes().slice(json.span())
}

fn content(document: &Document) -> Result<Json<'_>, String> {
    let message = document.root().get("message");
    let content = message.and_then(|message| message.get("content"));
    let content = content.ok_or("a message without content")?;
    match content.kind() {
        Kind::String | Kind::Array => Ok(content),
        _ => Err("a message whose content is neither a text nor a list".to_owned()),
    }
}

fn user(document: &Document) -> Result<Says, String> {
    let content = content(document)?;
    let results = content
        .items()
        .filter_map(|block| text(block, "tool_use_id"));
    Ok(Says::User {
        content: bytes(document, content),
        answers: results.collect(),
    })
}

fn assistant(document: &Document) -> Result<Says, String> {
    let root = document.root();
    let content = content(document)?;
    let message = root.get("message").ok_or("a message without content")?;
    let all = bytes(document, content);
    let blocks = match content.kind() {
        // Without its brackets.
        Kind::Array => all.slice(1..all.len().saturating_sub(1).max(1)),
        _ => [&b"{\"type\":\"text\",\"text\":"[..], &all, b"}"]
            .concat()
            .into(),
    };
    let blocks = match content.kind() {
        Kind::Array if content.items().next().is_none() => Bytes::new(),
        _ => blocks,
    };
    let calls = content.items().filter(|block| {
        let kind = block.get("type");
        kind.is_some_and(|kind| kind.is_str("tool_use"))
    });
    let flag = |name| root.get(name).and_then(|flag| flag.as_bool()) == Some(true);
    let status = root
        .get("apiErrorStatus")
        .and_then(|status| status.as_u64());
    let error = flag("isApiErrorMessage").then(|| Trouble {
        reason: text(root, "error"),
        status: status.and_then(|status| u16::try_from(status).ok()),
    });
    let id = text(message, "id").or_else(|| text(root, "uuid"));
    Ok(Says::Assistant(Box::new(Piece {
        id: id.ok_or("a message without `id` and `uuid`")?,
        blocks,
        calls: calls.filter_map(|call| text(call, "id")).collect(),
        model: text(message, "model").filter(|model| model != ITSELF),
        stop_reason: text(message, "stop_reason"),
        usage: message
            .get("usage")
            .filter(|usage| usage.kind() == Kind::Object)
            .map(|usage| bytes(document, usage)),
        error,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced_and_nothing_else_is() {
        for (text, whole) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (
                r#"{"a":"\ud83d\ude00 \udE00x"}"#,
                r#"{"a":"\ud83d\ude00 \ufffdx"}"#,
            ),
            (r#"{"a":"\\ud83d \ud83d\\"}"#, r#"{"a":"\\ud83d \ufffd\\"}"#),
            (
                r#"{"a":"\ud83d\ud83d\ude00"}"#,
                r#"{"a":"\ufffd\ud83d\ude00"}"#,
            ),
        ] {
            assert_eq!(mended(text.as_bytes()), whole);
            parse(&Bytes::from_static(text.as_bytes())).unwrap();
        }
        assert_eq!(mended(br#"\u12"#), &br#"\u12"#[..]);
    }

    #[test]
    fn what_is_missing_is_said() {
        for (line, said) in [
            ("{\"type\":\"user\",\"uu", "invalid JSON: unexpected end"),
            ("[]", "it says of no kind to be"),
            (r#"{"type":"user","uuid":"u"}"#, "a message without content"),
            (
                r#"{"type":"user","message":{"content":"a"}}"#,
                "a message without `uuid`",
            ),
            (
                r#"{"type":"user","uuid":"u","message":{"content":7}}"#,
                "neither a text nor a list",
            ),
            (
                r#"{"type":"user","uuid":"u","message":{"content":"a"}}"#,
                "a message without a `timestamp`",
            ),
            (
                r#"{"type":"assistant","uuid":"u","timestamp":"soon","message":{"content":[]}}"#,
                "`timestamp`",
            ),
        ] {
            let error = read(&line.to_owned().into()).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
