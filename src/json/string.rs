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

    /// What the string says, as bytes: to be compared with words.
    pub(crate) fn word(&self) -> Cow<'a, [u8]> {
        if self.escaped {
            Cow::Owned(unescape(self.raw).into_bytes())
        } else {
            Cow::Borrowed(self.raw)
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

/// Finds where strings end in a text that is read from front to back. It is looked at 64 bytes at a time, each 64 bytes
/// once; a bit of a word stands for a byte.
pub(super) struct Strings<'a> {
    text: &'a [u8],
    /// Where the 64 bytes begin that were looked at last.
    block: usize,
    /// Quotes that no backslash makes a part of their string, and control characters.
    stops: u64,
    /// What follows a backslash that is not itself escaped.
    escapes: u64,
    /// Whether the first byte behind the block is one.
    carry: bool,
}

impl<'a> Strings<'a> {
    const SIZE: usize = 64;

    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            block: usize::MAX,
            stops: 0,
            escapes: 0,
            carry: false,
        }
    }

    /// Finds the closing quote of the string whose first byte after the opening quote is at `start`. Answers where it
    /// is, and whether the string holds an escape.
    pub(super) fn end(&mut self, start: usize) -> Result<(usize, bool), JsonError> {
        let mut offset = start % Self::SIZE;
        let mut block = start - offset;
        let mut escaped = false;
        // The second half of a pair of surrogates, checked with the first.
        let mut checked = 0;
        loop {
            if block != self.block {
                if block >= self.text.len() {
                    return Err(unfinished(self.text));
                }
                self.look_at(block);
            }
            let ahead = u64::MAX << offset;
            let stop = self.stops & ahead;
            // All bits below the first that is set.
            let before = stop.wrapping_sub(1) & !stop;
            let mut escapes = self.escapes & ahead & before;
            while escapes != 0 {
                let at = block + escapes.trailing_zeros() as usize;
                escapes &= escapes - 1;
                escaped = true;
                let byte = self.text.get(at).copied();
                // Nearly all are plain, and which it is need not be guessed.
                if byte.is_none_or(|byte| !is_plain(byte)) && at != checked {
                    checked = self.check_code(at)?;
                }
            }
            if stop != 0 {
                let at = block + stop.trailing_zeros() as usize;
                return match self.text.get(at) {
                    Some(b'"') => Ok((at, escaped)),
                    _ => Err(control(at)),
                };
            }
            block += Self::SIZE;
            offset = 0;
        }
    }

    fn look_at(&mut self, block: usize) {
        // Blocks that were skipped hold no part of a string.
        let carry = self.carry && self.block.wrapping_add(Self::SIZE) == block;
        self.block = block;
        let found = Found::at(self.text, block);
        (self.escapes, self.carry) = follow(found.backslashes, carry);
        self.stops = (found.quotes & !self.escapes) | found.controls;
    }

    /// Checks an escape that is not plain: it must be a `u`, which is at `at`. Answers where the `u` of its other half is,
    /// if it has one.
    fn check_code(&self, at: usize) -> Result<usize, JsonError> {
        match self.text.get(at) {
            Some(b'u') => {}
            Some(_) => {
                return Err(JsonError::new(JsonErrorKind::Syntax("an escape"), at - 1));
            }
            None => return Err(unfinished(self.text)),
        }
        let lone = || JsonError::new(JsonErrorKind::LoneSurrogate, at - 1);
        match hex(self.text, at + 1)? {
            0xD800..0xDC00 => {
                if self.text.get(at + 5..at + 7) != Some(b"\\u") {
                    return Err(lone());
                }
                match hex(self.text, at + 7)? {
                    0xDC00..0xE000 => Ok(at + 6),
                    _ => Err(lone()),
                }
            }
            0xDC00..0xE000 => Err(lone()),
            _ => Ok(0),
        }
    }
}

/// Whether an escape is complete with this byte.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
}

/// Which of 64 bytes mean something in a string.
struct Found {
    quotes: u64,
    backslashes: u64,
    controls: u64,
}

impl Found {
    fn at(text: &[u8], block: usize) -> Self {
        let rest = text.get(block..).unwrap_or_default();
        let bytes = match rest.first_chunk::<64>() {
            Some(bytes) => *bytes,
            None => {
                // Behind the end stands nothing special.
                let mut bytes = [b' '; 64];
                for (to, from) in bytes.iter_mut().zip(rest) {
                    *to = *from;
                }
                bytes
            }
        };
        let bytes = u8x64::new(bytes);
        Self {
            quotes: bytes.simd_eq(u8x64::splat(b'"')).to_bitmask(),
            backslashes: bytes.simd_eq(u8x64::splat(b'\\')).to_bitmask(),
            controls: bytes.simd_eq(bytes.min(u8x64::splat(0x1F))).to_bitmask(),
        }
    }
}

/// Which bytes follow a backslash that is not itself escaped, and whether the first byte behind them does. `carry` says
/// so of the first of them.
fn follow(backslashes: u64, carry: bool) -> (u64, bool) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let carry = u64::from(carry);
    let backslashes = backslashes & !carry;
    if backslashes == 0 {
        return (carry, false);
    }
    // Of a run of backslashes every second one is escaped; which, depends on where the run begins. Adding the beginnings
    // at odd places to the runs carries a bit just behind the end of each such run (Langdale and Lemire, "Parsing
    // Gigabytes of JSON per Second", 3.1.1).
    let follows = backslashes << 1 | carry;
    let odd_beginnings = backslashes & !EVEN & !follows;
    let (ends, overflow) = odd_beginnings.overflowing_add(backslashes);
    ((EVEN ^ (ends << 1)) & follows, overflow)
}

/// As [`Strings::end`], for a single string.
pub(super) fn end(text: &[u8], start: usize) -> Result<(usize, bool), JsonError> {
    Strings::new(text).end(start)
}

/// The length of the string at the beginning of `text`, without its quotes, provided that one stands there whole.
pub(crate) fn string_length(text: &[u8]) -> Option<usize> {
    let text = text.strip_prefix(b"\"")?;
    end(text, 0).ok().map(|(end, _)| end)
}

fn unfinished(text: &[u8]) -> JsonError {
    JsonError::new(JsonErrorKind::UnexpectedEnd, text.len())
}

fn control(at: usize) -> JsonError {
    JsonError::new(
        JsonErrorKind::Syntax("no control character in a string"),
        at,
    )
}

fn hex(text: &[u8], at: usize) -> Result<u32, JsonError> {
    let Some(digits) = text.get(at..at + 4) else {
        return Err(unfinished(text));
    };
    digits
        .iter()
        .try_fold(0, |value, &digit| {
            Some(value * 16 + char::from(digit).to_digit(16)?)
        })
        .ok_or_else(|| JsonError::new(JsonErrorKind::Syntax("four hexadecimal digits"), at))
}
