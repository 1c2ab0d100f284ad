//! Files of a spool.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::frame;
use crate::record::ContentHash;

/// What a segment begins with: what it is, the writer's name, and the chain before its first event.
pub(super) const HEAD: usize = 64;
const MAGIC: &[u8; 8] = b"LUTHREC1";

pub(super) type WriterId = [u8; 16];

/// Where a chain of events stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// The number of the last event.
    pub(super) number: u64,
    /// Its hash.
    pub(super) hash: ContentHash,
}

pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.spool"))
}

/// The numbers of all segments, in order.
pub(super) fn all(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".spool"));
        numbers.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn head(writer: &WriterId, chain: Chain) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let parts = [
        &MAGIC[..],
        writer,
        &chain.number.to_le_bytes(),
        chain.hash.bytes(),
    ];
    let bytes = parts.into_iter().flatten();
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    head
}

/// The writer of a segment, and the chain before it. `None` if it has no whole head: a crash came in between.
pub(super) fn read_head(bytes: &[u8]) -> Option<(WriterId, Chain)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (writer, rest) = rest.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let hash = ContentHash::read(rest.get(..32)?)?;
    let number = u64::from_le_bytes(*number);
    Some((*writer, Chain { number, hash }))
}

/// Where the chain stood when the next segment after this one began. Events beyond it that stand in this one could not be
/// written for certain, and were written again, or given up. `None` if there is no next one.
pub(super) fn chain_after(folder: &Path, number: u64) -> io::Result<Option<u64>> {
    for next in all(folder)?.into_iter().filter(|next| *next > number) {
        let mut head = Vec::new();
        File::open(path(folder, next))?
            .take(HEAD as u64)
            .read_to_end(&mut head)?;
        if let Some((_, chain)) = read_head(&head) {
            return Ok(Some(chain.number));
        }
    }
    Ok(None)
}

/// The segment without its bodies, and how many they were.
pub(super) fn stripped(bytes: &Bytes) -> (Vec<u8>, u64) {
    let mut at = HEAD.min(bytes.len());
    let (mut rest, mut count) = (bytes.slice(..at).to_vec(), 0);
    while let Some((body, length)) = frame::body(&bytes.slice(at..)) {
        if frame::is_body(&body) {
            count += 1;
        } else {
            rest.extend_from_slice(&bytes.slice(at..at + length));
        }
        at += length;
    }
    (rest, count)
}

/// How far a segment is sound, and where its chain ends.
pub(super) fn scan(bytes: &Bytes, mut chain: Chain) -> (usize, Chain) {
    let mut at = HEAD.min(bytes.len());
    while let Some((body, length)) = frame::body(&bytes.slice(at..)) {
        if let Some((number, hash)) = frame::link_of(&body) {
            chain = Chain { number, hash };
        }
        at += length;
    }
    (at, chain)
}
