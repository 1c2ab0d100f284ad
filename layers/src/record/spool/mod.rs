//! The spool: what was noted lies here, on the disk, until the store has it. Only ever appended to.
//!
//! A folder of segments. Each begins with the name of the writer and where its chain of hashes stood; then come records,
//! each with its length and a checksum. What a crash has left half-written is cut off when the folder is opened again:
//! nobody was told that it was kept.

mod feed;
mod frame;
mod segment;
#[cfg(test)]
mod tests;
mod write;

pub use feed::{Batch, Feed, Kept, Link};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) use frame::link;
pub(crate) use write::Spool;

/// Where in the spool something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The segment, by its number.
    pub segment: u64,
    /// The byte in it.
    pub offset: u64,
}
