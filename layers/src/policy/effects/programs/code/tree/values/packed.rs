//! Texts that have been made shorter: by zlib, with its head or without, and by gzip.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::{MAX_TEXT, codes};

/// What was there before, if it is a text and no longer than is looked at.
pub(super) fn unpacked(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    // A text whose bytes are all letters is one as it is.
    let bytes = bytes.unwrap_or_else(|| text.as_bytes().to_vec());
    let bytes = bytes.as_slice();
    read(GzDecoder::new(bytes))
        .or_else(|| read(ZlibDecoder::new(bytes)))
        .or_else(|| read(DeflateDecoder::new(bytes)))
}

fn read(from: impl Read) -> Option<String> {
    let mut out = Vec::new();
    let most = u64::try_from(MAX_TEXT + 1).ok()?;
    from.take(most).read_to_end(&mut out).ok()?;
    (!out.is_empty() && out.len() <= MAX_TEXT).then(|| codes::of_bytes(out))
}
