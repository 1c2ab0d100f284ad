//! How bodies lie in the database: as they are, or compressed.

use std::{borrow::Cow, io};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// As they are.
const PLAIN: i64 = 0;
/// As one frame of zstd.
const ZSTD: i64 = 1;
/// The same, with the [dictionary](DICTIONARY).
const ZSTD_FIRST: i64 = 2;

/// What most events and replies consist of. It can never be changed: what was written with it is read with it.
static DICTIONARY: &[u8] = include_bytes!("dictionary_1.txt");
/// Beyond this length a dictionary gains nothing.
const SMALL: usize = 64 << 10;
/// The fastest level that finds what repeats in the frames of a stream.
const LEVEL: i32 = 3;
/// What is shorter does not get shorter.
const LEAST: usize = 32;

/// Compresses bodies one after another.
pub(super) struct Coder {
    small: Option<Compressor<'static>>,
    large: Option<Compressor<'static>>,
}

impl Coder {
    pub(super) fn new() -> Self {
        static ENCODER: std::sync::LazyLock<EncoderDictionary<'static>> =
            std::sync::LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
        Self {
            small: Compressor::with_prepared_dictionary(&ENCODER).ok(),
            large: Compressor::new(LEVEL).ok(),
        }
    }

    /// The coding, and the bytes in it.
    pub(super) fn code<'a>(&mut self, body: &'a [u8]) -> (i64, Cow<'a, [u8]>) {
        let (coding, coder) = match body.len() {
            ..LEAST => return (PLAIN, Cow::Borrowed(body)),
            LEAST..SMALL => (ZSTD_FIRST, &mut self.small),
            _ => (ZSTD, &mut self.large),
        };
        let coded = coder.as_mut().and_then(|coder| coder.compress(body).ok());
        match coded.filter(|coded| coded.len() < body.len()) {
            Some(coded) => (coding, Cow::Owned(coded)),
            None => (PLAIN, Cow::Borrowed(body)),
        }
    }
}

/// The bytes that were coded; `size` is how many there were.
///
/// # Errors
///
/// If it is no coding of this version, or was damaged.
pub(super) fn decode(coding: i64, body: &[u8], size: usize) -> io::Result<Vec<u8>> {
    static DECODER: std::sync::LazyLock<DecoderDictionary<'static>> =
        std::sync::LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
    match coding {
        PLAIN => Ok(body.to_vec()),
        ZSTD => Decompressor::new()?.decompress(body, size),
        ZSTD_FIRST => Decompressor::with_prepared_dictionary(&DECODER)?.decompress(body, size),
        _ => Err(io::Error::other("a coding of a later version")),
    }
}
