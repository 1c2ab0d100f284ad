//! What replies say: events, their parts, blocks, usage, the reason to stop.
//!
//! The same vocabulary serves streamed and whole replies of all dialects. An [`Event`] is what one event of a stream
//! says, or what a whole reply says at once; it consists of [`Part`]s. Parts are read from a single event, without
//! memory: where a dialect marks no beginning or end of a block (Chat), there is none. An [`Assembler`] remembers, and
//! turns the parts of a reply into finished blocks, equal for a streamed and a whole reply.
//!
//! The other way leads through [`StreamWriter`] and [`rewrite_whole`]: they take blocks out of a reply, change them and add
//! some, and leave every other byte alone. An [`Answer`] is a reply of our own.

mod assemble;
mod event;
#[cfg(test)]
mod tests;
mod usage;
pub(crate) mod write;

pub use assemble::{Assembler, ReplyBlock};
pub use event::{BlockHead, BlockId, DeltaKind, Event, HeadInput, Part, StopReason};
pub use usage::Usage;
pub use write::{Answer, Changes, StreamWriter, rewrite_whole};
pub(crate) use write::{Encode, Plan};
