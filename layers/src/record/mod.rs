//! Keeps every conversation, faithfully: what the client sent and got, what the provider got and sent, and what policies
//! made of it.

mod asked;
mod decisions;
mod entry;
mod hash;
mod join;
mod known;
mod layer;
mod note;
mod observe;
mod provider;
mod recorder;
mod replies;
mod split;
#[cfg(test)]
mod split_tests;
pub mod spool;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::{
    Asked, Consulted, Content, Covered, Decided, Ended, Ending, Entry, Event, Frame, Look, Mark,
    Medium, Message, Node, Piece, Reply, Request, Said, Thing, Timed, Tokens, User, Vote, What,
};
pub use hash::{ContentHash, NotAHash};
pub use join::{JoinError, Parts, join};
pub use layer::{Record, RecordFuture, RecordLayer};
pub use observe::{ClientSide, ProviderSide};
pub use provider::{ProviderSideLayer, RecordProvider, RecordProviderFuture};
pub use recorder::{Durability, Health, Recorder, Settings};
