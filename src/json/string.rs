//! JSON strings: where they end, whether they are sound, what they say.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use wide::u8x64;

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

/// Finds, in a text that is read from front to back, the bytes that mean something inside a string: quotes, backslashes
/// and control characters. They are looked for 64 bytes at a time, each 64 bytes once.
pub(super) struct Specials<'a> {
    text: &'a [u8],
    /// Where the 64 bytes begin that were looked at last.
    block: usize,
    /// A bit for each of them.
    found: u64,
}

impl<'a> Specials<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            block: usize::MAX,
            found: 0,
        }
    }

    /// Finds the closing quote of the string whose first byte after the opening quote is at `start`. Answers where it
    /// is, and whether the string holds an escape.
    pub(super) fn string_end(&mut self, start: usize) -> Result<(usize, bool), JsonError> {
        let mut at = start;
        let mut escaped = false;
        loop {
            at = self.next(at);
            match self.text.get(at) {
                Some(b'"') => return Ok((at, escaped)),
                Some(b'\\') => {
                    at = escape(self.text, at)?;
                    escaped = true;
                }
                Some(_) => return Err(control(at)),
                None => {
                    return Err(JsonError::new(
                        JsonErrorKind::UnexpectedEnd,
                        self.text.len(),
                    ));
                }
            }
        }
    }

    /// The next special byte at `at` or behind it, or the end of the text.
    fn next(&mut self, at: usize) -> usize {
        const SIZE: usize = 64;
        let mut offset = at % SIZE;
        let mut block = at - offset;
        loop {
            if block != self.block {
                if block >= self.text.len() {
                    return self.text.len();
                }
                self.block = block;
                self.found = specials(self.text, block);
            }
            let found = self.found >> offset;
            if found != 0 {
                return block + offset + found.trailing_zeros() as usize;
            }
            block += SIZE;
            offset = 0;
        }
    }
}

/// A bit for each special byte of the 64 that begin at `block`.
fn specials(text: &[u8], block: usize) -> u64 {
    let rest = text.get(block..).unwrap_or_default();
    let bytes = match rest.first_chunk::<64>() {
        Some(bytes) => *bytes,
        None => {
            // Behind the end stands nothing special.
            let mut bytes = [b' '; 64];
            bytes
                .iter_mut()
                .zip(rest)
                .for_each(|(to, from)| *to = *from);
            bytes
        }
    };
    let bytes = u8x64::new(bytes);
    let found = bytes.simd_eq(u8x64::splat(b'"'))
        | bytes.simd_eq(u8x64::splat(b'\\'))
        | bytes.simd_eq(bytes.min(u8x64::splat(0x1F)));
    found.to_bitmask()
}

/// As [`Specials::string_end`], for a single string.
pub(super) fn end(text: &[u8], start: usize) -> Result<(usize, bool), JsonError> {
    Specials::new(text).string_end(start)
}

/// The length of the string at the beginning of `text`, without its quotes, provided that one stands there whole.
pub(crate) fn string_length(text: &[u8]) -> Option<usize> {
    let text = text.strip_prefix(b"\"")?;
    end(text, 0).ok().map(|(end, _)| end)
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
