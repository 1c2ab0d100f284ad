//! Messages as they lie in the database: JSON that every engine reads, from which the exact bytes come again.

use std::borrow::Cow;

use bytes::Bytes;
use luthien_core::json::{Document, Limits, quote};

use super::coding::{self, Coder};
use crate::record::{ContentHash, Medium, Message};

/// What stands in the body where something large was cut out of it, before its hash.
pub(super) const REFERENCE: &str = "content:";
/// How long such a reference is.
const LENGTH: usize = REFERENCE.len() + 64;
/// No engine is to read JSON that is longer than this.
const LONGEST: usize = 16 << 20;
/// So much of a body is kept readable that cannot be read as JSON.
const READABLE: usize = 64 << 10;

/// A message as it lies in the database.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// JSON without anything that one of the engines cannot read.
    pub(super) body: String,
    /// Where what was cut out.
    pub(super) media: Option<String>,
    /// The exact bytes, if they are not in the body, and their coding.
    pub(super) raw: Option<(i64, Vec<u8>)>,
    /// What the body says, unless it is no JSON.
    pub(super) document: Option<Document>,
}

impl Stored {
    pub(super) fn of(message: &Message, coder: &mut Coder) -> Self {
        let media = (!message.media.is_empty())
            .then(|| serde_json::to_string(&message.media).unwrap_or_default());
        let referring = refer(message);
        let parsed = Some(&referring)
            .filter(|bytes| bytes.len() <= LONGEST)
            .and_then(|bytes| Document::parse(bytes.clone(), &Limits::default()).ok());
        let Some(document) = parsed else {
            let text = String::from_utf8_lossy(&message.body);
            let text: String = text.chars().take(READABLE).collect();
            return Self {
                body: String::from_utf8_lossy(&quote(&text.replace('\0', "\u{FFFD}"))).into_owned(),
                media,
                raw: Some(raw(message, coder)),
                document: None,
            };
        };
        // It was read, and so is sound UTF-8.
        let body = String::from_utf8_lossy(&referring);
        // Places that do not fit are none that we have cut.
        let is_exact = message.media.is_empty()
            || without_references(&referring, &message.media).is_some_and(|b| b == message.body);
        let readable = without_nul(&body);
        let raw = (!is_exact || readable.is_some()).then(|| raw(message, coder));
        let document = match &readable {
            Some(body) => Document::parse(body.clone().into(), &Limits::default()).ok(),
            None => Some(document),
        };
        Self {
            body: readable.unwrap_or_else(|| body.into_owned()),
            media,
            raw,
            document,
        }
    }
}

/// What a body says that lies in the database.
pub(super) fn document(body: &str) -> Option<Document> {
    Document::parse(body.to_owned().into(), &Limits::default()).ok()
}

fn raw(message: &Message, coder: &mut Coder) -> (i64, Vec<u8>) {
    let (coding, bytes) = coder.code(&message.body);
    // The length goes before it: no column says it.
    let mut raw = (message.body.len() as u64).to_le_bytes().to_vec();
    raw.extend_from_slice(&bytes);
    (coding, raw)
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

/// A message as it was recorded, from how it lies in the database. `None` if that cannot be.
pub(super) fn restore(
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

    fn through(message: &Message) -> (Stored, Message) {
        let stored = Stored::of(message, &mut Coder::new());
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
            let (stored, restored) = through(&message);
            assert_eq!(restored, message);
            assert_eq!(stored.body, readable);
        }
        let message = Message::new(Bytes::from_static(b"\xff{\x00"), vec![]);
        assert_eq!(through(&message).1, message);
    }
}
