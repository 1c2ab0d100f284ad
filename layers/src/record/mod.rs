//! Keeps every conversation, faithfully: what the client sent and got, what the provider got and sent, and what policies
//! made of it.

mod entry;
mod hash;
mod join;
mod known;
mod note;
mod split;
#[cfg(test)]
mod split_tests;
pub mod spool;

pub use entry::{
    Asked, Consulted, Content, Covered, Decided, Ended, Ending, Entry, Event, Frame, Look, Mark,
    Medium, Message, Node, Piece, Reply, Request, Said, Thing, Timed, Tokens, User, Vote, What,
};
pub use hash::{ContentHash, NotAHash};
pub use join::{JoinError, Parts, join};
