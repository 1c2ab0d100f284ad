//! What replies say: events, their parts, blocks, usage, the reason to stop.
//!
//! The same vocabulary serves streamed and whole replies of all dialects. An [`Event`] is what one event of a stream
//! says, or what a whole reply says at once; it consists of [`Part`]s. Parts are read from a single event, without
//! memory: where a dialect marks no beginning or end of a block (Chat), there is none. An [`Assembler`] remembers, and
//! turns the parts of a reply into finished blocks, equal for a streamed and a whole reply.

mod assemble;
mod event;
#[cfg(test)]
mod tests;
mod usage;

pub use assemble::{Assembler, ReplyBlock};
pub use event::{BlockHead, BlockId, DeltaKind, Event, HeadInput, Part, StopReason};
pub use usage::Usage;
