//! JSON strings: where they end, whether they are sound, what they say.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use memchr::memchr2;

use super::{JsonError, JsonErrorKind};

/// A string as it stands in a document, escapes and all.
#[derive(Clone, Copy)]
pub struct JsonStr<'a> {
    /// Between the quotes.
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> JsonStr<'a> {
    pub(super) fn new(raw: &'a [u8], escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The bytes between the quotes, not decoded.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// What the string says. Copies only if it holds an escape.
    pub fn decode(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            String::from_utf8_lossy(self.raw)
        }
    }

    /// Whether the string says `other`, however it is spelt.
    pub fn is(&self, other: &str) -> bool {
        if self.escaped {
            self.decode() == other
        } else {
            self.raw == other.as_bytes()
        }
    }

    /// The string as one that owns its bytes: a slice of `document`, which must be the one it stands in.
    pub(crate) fn owned_by(&self, document: &Bytes) -> JsonString {
        JsonString {
            raw: document.slice_ref(self.raw),
            escaped: self.escaped,
        }
    }
}

impl fmt::Debug for JsonStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.decode(), f)
    }
}

/// A [`JsonStr`] that keeps the bytes it stands in alive. Cloning copies no text.
#[derive(Clone, Default)]
pub struct JsonString {
    raw: Bytes,
    escaped: bool,
}

impl JsonString {
    /// The string, borrowed.
    pub fn as_json_str(&self) -> JsonStr<'_> {
        JsonStr::new(&self.raw, self.escaped)
    }

    /// How many bytes it takes in its document, escapes as they stand.
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// What the string says. Copies only if it holds an escape.
    pub fn decode(&self) -> Cow<'_, str> {
        self.as_json_str().decode()
    }

    /// Whether the string says `other`, however it is spelt.
    pub fn is(&self, other: &str) -> bool {
        self.as_json_str().is(other)
    }
}

impl fmt::Debug for JsonString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_json_str(), f)
    }
}

impl PartialEq for JsonString {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

/// What a string that [`end`] has checked says.
fn unescape(raw: &[u8]) -> String {
    let mut quoted = Vec::with_capacity(raw.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(raw);
    quoted.push(b'"');
    // It was checked by `end`; were the two ever to disagree, the text is shown as it stands.
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}

/// A string is read eight bytes at a time until it turns out to be this long; then a search with a higher start-up
/// cost and a higher speed takes over.
const LONG: usize = 64;

/// Finds the closing quote of the string whose first byte after the opening quote is at `start`. Answers where it
/// is, and whether the string holds an escape.
pub(super) fn end(text: &[u8], start: usize) -> Result<(usize, bool), JsonError> {
    let mut at = start;
    let mut run = start;
    let mut escaped = false;
    loop {
        if at - run >= LONG {
            at = jump(text, at)?;
        } else if let Some(word) = word(text, at) {
            let special = special(word);
            if special == 0 {
                at += 8;
                continue;
            }
            at += special.trailing_zeros() as usize / 8;
        }
        match text.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                at = escape(text, at)?;
                run = at;
                escaped = true;
            }
            Some(0..0x20) => return Err(control(at)),
            Some(_) => at += 1,
            None => return Err(JsonError::new(JsonErrorKind::UnexpectedEnd, text.len())),
        }
    }
}

fn word(text: &[u8], at: usize) -> Option<u64> {
    let chunk = text.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// Marks, in the top bit of its byte, the first quote, backslash or control character of eight bytes. Later bytes
/// may be marked wrongly: the subtractions borrow.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let zero_where = |byte: u8| word ^ (ONES * u64::from(byte));
    let less = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    (less(word, 0x20) | less(zero_where(b'"'), 1) | less(zero_where(b'\\'), 1)) & TOPS
}

/// The next quote or backslash, provided that no control character stands before it.
fn jump(text: &[u8], at: usize) -> Result<usize, JsonError> {
    let rest = text.get(at..).unwrap_or_default();
    let Some(length) = memchr2(b'"', b'\\', rest) else {
        return Err(JsonError::new(JsonErrorKind::UnexpectedEnd, text.len()));
    };
    let run = rest.get(..length).unwrap_or_default();
    // Without an early exit, so that it becomes vector code.
    if run.iter().fold(false, |bad, &byte| bad | (byte < 0x20)) {
        let bad = run.iter().position(|&byte| byte < 0x20).unwrap_or_default();
        return Err(control(at + bad));
    }
    Ok(at + length)
}

fn control(at: usize) -> JsonError {
    JsonError::new(
        JsonErrorKind::Syntax("no control character in a string"),
        at,
    )
}

/// Checks the escape whose backslash is at `at`; answers where it ends.
fn escape(text: &[u8], at: usize) -> Result<usize, JsonError> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let lone = || JsonError::new(JsonErrorKind::LoneSurrogate, at);
            match hex(text, at + 2)? {
                0xD800..0xDC00 => {
                    if text.get(at + 6..at + 8) != Some(b"\\u") {
                        return Err(lone());
                    }
                    match hex(text, at + 8)? {
                        0xDC00..0xE000 => Ok(at + 12),
                        _ => Err(lone()),
                    }
                }
                0xDC00..0xE000 => Err(lone()),
                _ => Ok(at + 6),
            }
        }
        Some(_) => Err(JsonError::new(JsonErrorKind::Syntax("an escape"), at)),
        None => Err(JsonError::new(JsonErrorKind::UnexpectedEnd, text.len())),
    }
}

fn hex(text: &[u8], at: usize) -> Result<u32, JsonError> {
    let Some(digits) = text.get(at..at + 4) else {
        return Err(JsonError::new(JsonErrorKind::UnexpectedEnd, text.len()));
    };
    digits
        .iter()
        .try_fold(0, |value, &digit| {
            Some(value * 16 + char::from(digit).to_digit(16)?)
        })
        .ok_or_else(|| JsonError::new(JsonErrorKind::Syntax("four hexadecimal digits"), at))
}
