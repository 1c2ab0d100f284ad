//! Messages as they lie in the database: JSON that every engine reads, from which the exact bytes come again.

use std::{borrow::Cow, fmt::Write};

use bytes::Bytes;
use luthien_core::json::{Document, Json, Kind, Limits, quote};

use super::{
    coding::{self, Coder},
    engine::Row,
};
use crate::record::{ContentHash, Medium, Message};

/// What stands in the body where something large was cut out of it, before its hash.
pub(super) const REFERENCE: &str = "content:";
/// How long such a reference is.
const LENGTH: usize = REFERENCE.len() + 64;
/// No engine is to read JSON that is longer than this.
const LONGEST: usize = 16 << 20;
/// So much of a body is kept readable that cannot be read as JSON.
const READABLE: usize = 64 << 10;

/// What is longer than this in a body of which SQL sees only so much is cut there, in bytes.
const BEGINNING: usize = 240;

/// A message as it lies in the database.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// JSON without anything that one of the engines cannot read; of long texts the beginnings.
    pub(super) body: String,
    /// What was cut out where.
    pub(super) media: Option<String>,
    /// The exact bytes, if they are not in the body, and their coding.
    pub(super) raw: Option<(i64, Vec<u8>)>,
    /// What the message says, unless it is no JSON.
    pub(super) document: Option<Document>,
}

impl Stored {
    /// Bodies that are longer than `plain` bytes are compressed, with a body beside them that holds the beginnings.
    pub(super) fn of(message: &Message, plain: usize, coder: &mut Coder) -> Self {
        let media = (!message.media.is_empty())
            .then(|| serde_json::to_string(&message.media).unwrap_or_default());
        let Some((document, is_exact)) = readable(message) else {
            let text = String::from_utf8_lossy(&message.body);
            let text: String = text.chars().take(READABLE).collect();
            let text = quote(&text.replace('\0', "\u{FFFD}"));
            return Self {
                body: String::from_utf8_lossy(&text).into_owned(),
                media,
                raw: Some(raw(message, coder)),
                document: None,
            };
        };
        let body = document.bytes();
        let compressed =
            (body.len() > plain).then(|| (beginnings(document.root()), raw(message, coder)));
        // Both together must be worth it: what is short everywhere, or says nothing twice, gains little.
        let compressed = compressed
            .filter(|(beginnings, (_, raw))| (beginnings.len() + raw.len()) * 4 < body.len() * 3);
        let (body, raw) = match compressed {
            Some((beginnings, raw)) => (beginnings, Some(raw)),
            None => {
                let body = String::from_utf8_lossy(body).into_owned();
                (body, (!is_exact).then(|| raw(message, coder)))
            }
        };
        Self {
            body,
            media,
            raw,
            document: Some(document),
        }
    }
}

/// What a message says, with references for what was cut out of it, and whether that is all of it, byte for byte. `None` if
/// it cannot be read as JSON.
fn readable(message: &Message) -> Option<(Document, bool)> {
    let parse = |bytes: Bytes| Document::parse(bytes, &Limits::default()).ok();
    let referring = refer(message);
    if referring.len() > LONGEST {
        return None;
    }
    let document = parse(referring.clone())?;
    // Places that do not fit are none that we have cut.
    let is_exact = message.media.is_empty()
        || without_references(&referring, &message.media).is_some_and(|body| body == message.body);
    match without_nul(&String::from_utf8_lossy(&referring)) {
        Some(body) => Some((parse(body.into())?, false)),
        None => Some((document, is_exact)),
    }
}

/// The same JSON with the beginnings of its long texts.
fn beginnings(root: Json<'_>) -> String {
    let text = String::from_utf8_lossy(root.text());
    let mut short = String::with_capacity(text.len() / 4);
    let mut from = 0;
    let start = root.span().start;
    each_string(root, &mut |json| {
        let (span, raw) = (json.span(), json.text());
        if raw.len() <= BEGINNING + 40 {
            return;
        }
        let end = span.start - start + cut(raw);
        short.push_str(text.get(from..end).unwrap_or_default());
        let left = raw.len().saturating_sub(cut(raw) + 1);
        write!(short, "… [{left} bytes more]").ok();
        from = span.end - start - 1;
    });
    short.push_str(text.get(from..).unwrap_or_default());
    short
}

/// Hands out the texts in a value, in order; keys are none.
fn each_string<'a>(json: Json<'a>, each: &mut impl FnMut(Json<'a>)) {
    match json.kind() {
        Kind::String => each(json),
        Kind::Array => json.items().for_each(|item| each_string(item, each)),
        Kind::Object => json
            .members()
            .for_each(|(_, value)| each_string(value, each)),
        Kind::Number | Kind::Bool | Kind::Null => {}
    }
}

/// Where a JSON string may be cut: neither in a character nor in an escape.
fn cut(raw: &[u8]) -> usize {
    let mut at = 1;
    while at < BEGINNING {
        let step = match raw.get(at..at + 2) {
            // Both halves of a pair, if it is one.
            Some([b'\\', b'u']) if raw.get(at + 6..at + 8) == Some(b"\\u") => 12,
            Some([b'\\', b'u']) => 6,
            Some([b'\\', _]) => 2,
            _ => 1,
        };
        at += step;
    }
    while raw.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
        at += 1;
    }
    at
}

fn raw(message: &Message, coder: &mut Coder) -> (i64, Vec<u8>) {
    let (coding, bytes) = coder.code(&message.body);
    // The length goes before it: no column says it.
    let mut raw = (message.body.len() as u64).to_le_bytes().to_vec();
    raw.extend_from_slice(&bytes);
    (coding, raw)
}

/// The columns of which a message is [restored](restore), or [read](document).
pub(super) const COLUMNS: &str = "m.hash, m.body, m.media, m.coding, m.raw";

/// A message as it was recorded, from its [columns](COLUMNS), which begin at `at`. `None` if it is gone.
pub(super) fn stored(row: &Row, at: usize) -> Option<Message> {
    let raw = row
        .bytes(at + 4)
        .map(|raw| (row.int(at + 3).unwrap_or_default(), raw));
    restore(row.hash(at)?, row.text(at + 1)?, row.text(at + 2), raw)
}

/// What a message says, from its [columns](COLUMNS), which begin at `at`.
pub(super) fn document(row: &Row, at: usize) -> Option<Document> {
    let body = row.text(at + 1)?;
    if row.bytes(at + 4).is_some() {
        return Some(readable(&stored(row, at)?)?.0);
    }
    Document::parse(body.to_owned().into(), &Limits::default()).ok()
}

/// The body with references where something was cut out.
fn refer(message: &Message) -> Bytes {
    if message.media.is_empty() {
        return message.body.clone();
    }
    let mut bytes = Vec::with_capacity(message.body.len() + message.media.len() * LENGTH);
    let mut from = 0;
    for medium in &message.media {
        let piece = message.body.get(from..medium.at).unwrap_or_default();
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(format!("{REFERENCE}{}", medium.content).as_bytes());
        from = medium.at.max(from);
    }
    bytes.extend_from_slice(message.body.get(from..).unwrap_or_default());
    bytes.into()
}

/// JSON without escaped NULs, which PostgreSQL has no text for. `None` if there are none.
fn without_nul(json: &str) -> Option<String> {
    const NUL: &str = "u0000";
    if !json.contains("\\u0000") {
        return None;
    }
    let mut text = String::with_capacity(json.len());
    let mut is_found = false;
    let mut rest = json;
    while let Some((before, behind)) = rest.split_once('\\') {
        text.push_str(before);
        text.push('\\');
        if let Some(behind) = behind.strip_prefix(NUL) {
            text.push_str("ufffd");
            is_found = true;
            rest = behind;
        } else {
            // Whatever is escaped, it begins no escape.
            let mut behind = behind.chars();
            text.extend(behind.next());
            rest = behind.as_str();
        }
    }
    text.push_str(rest);
    is_found.then_some(text)
}

fn restore(
    hash: ContentHash,
    body: &str,
    media: Option<&str>,
    raw: Option<(i64, &[u8])>,
) -> Option<Message> {
    let media: Vec<Medium> =
        media.map_or(Some(Vec::new()), |media| serde_json::from_str(media).ok())?;
    let body: Cow<'_, [u8]> = match raw {
        Some((coding, raw)) => {
            let (length, raw) = raw.split_first_chunk()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            Cow::Owned(coding::decode(coding, raw, length).ok()?)
        }
        None if media.is_empty() => Cow::Borrowed(body.as_bytes()),
        None => Cow::Owned(without_references(body.as_bytes(), &media)?),
    };
    Some(Message {
        hash,
        body: Bytes::from(body.into_owned()),
        media,
    })
}

fn without_references(body: &[u8], media: &[Medium]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.len());
    let (mut from, mut cut) = (0, 0);
    for medium in media {
        let to = medium.at + cut;
        bytes.extend_from_slice(body.get(from..to)?);
        from = to + LENGTH;
        cut += LENGTH;
    }
    bytes.extend_from_slice(body.get(from..)?);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(message: &Message, plain: usize) -> (Stored, Message) {
        let stored = Stored::of(message, plain, &mut Coder::new());
        let raw = stored.raw.as_ref().map(|(coding, raw)| (*coding, &raw[..]));
        let message = restore(message.hash, &stored.body, stored.media.as_deref(), raw);
        (stored, message.unwrap())
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let hash = ContentHash::of(b"picture");
        let medium = |at| Medium { at, content: hash };
        for (body, media, readable) in [
            (r#"{"role":"user"}"#, vec![], r#"{"role":"user"}"#),
            (r#"["a\\u0000b"]"#, vec![], r#"["a\\u0000b"]"#),
            (r#"["\u0000\\\u0000"]"#, vec![], r#"["\ufffd\\\ufffd"]"#),
            (r#"{"a":1,"a":2}"#, vec![], r#""{\"a\":1,\"a\":2}""#),
            ("\u{0}\"", vec![], "\"\u{FFFD}\\\"\""),
            (
                r#"["",1,""]"#,
                vec![medium(2), medium(7)],
                &format!(r#"["content:{hash}",1,"content:{hash}"]"#),
            ),
        ] {
            let message = Message::new(Bytes::from(body), media);
            let (stored, restored) = through(&message, 500);
            assert_eq!(restored, message);
            assert_eq!(stored.body, readable);
        }
        let message = Message::new(Bytes::from_static(b"\xff{\x00"), vec![]);
        assert_eq!(through(&message, 500).1, message);
    }

    #[test]
    fn of_long_messages_the_beginnings_are_plain() {
        let long = "é\\n\\ud83d\\ude00".repeat(200);
        let body = format!(r#"{{"a":"{long}","b":["{long}",1E400],"c":"short"}}"#);
        let message = Message::new(Bytes::from(body), vec![]);
        for plain in [0, 100_000] {
            let (stored, restored) = through(&message, plain);
            assert_eq!(restored, message);
            assert_eq!(stored.raw.is_some(), plain == 0);
        }
        let (stored, _) = through(&message, 0);
        let short: Document = Document::parse(stored.body.into(), &Limits::default()).unwrap();
        assert!(short.bytes().len() < 700);
        let text = short
            .root()
            .get("a")
            .unwrap()
            .as_str()
            .unwrap()
            .decode()
            .into_owned();
        assert!(
            text.starts_with("é\n\u{1F600}é") && text.ends_with("bytes more]"),
            "{text}"
        );
        assert_eq!(short.root().get("c").unwrap().text(), br#""short""#);
    }
}
