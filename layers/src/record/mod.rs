//! Keeps every conversation, faithfully: what the client sent and got, what the provider got and sent, and what policies
//! made of it.
//!
//! Two layers note what goes by: [`RecordLayer`] where the client's requests come in, [`ProviderSideLayer`] below whatever
//! changes them. A [`Recorder`] is the [`DecisionSink`](luthien_core::decision::DecisionSink) of policies as well. Nobody waits for a database:
//! one thread writes what was noted to a [spool] on the disk, and a store takes it from there. Each message is kept once,
//! however often it is sent.
//!
//! ```
//! use luthien::{
//!     gate,
//!     record::{Ending, RecordLayer, Recorder, Settings, What, spool::Kept},
//! };
//! use luthien_core::{Dialect, testing::{Provider, Reply, recorded, request, send}};
//! use tower::Layer;
//!
//! let folder = tempfile::tempdir()?;
//! let (recorder, mut feed) = Recorder::start(&Settings::new(folder.path()))?;
//! let provider = Provider::new([Reply::events(&recorded(Dialect::Chat, true), 1)]);
//! let service = gate(RecordLayer::new(recorder)).layer(provider);
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let asked = http::Request::post("/v1/chat/completions").body(request(Dialect::Chat, true)).unwrap();
//! send(&service, asked).await;
//! # });
//! // The client has seen the end of the reply, so it is on the disk.
//! let kept = feed.read()?.kept;
//! let Some(Kept::Event(last)) = kept.last() else { panic!() };
//! let What::Ended(ended) = &last.event.what else { panic!() };
//! assert_eq!((ended.ending, ended.status), (Ending::Ok, Some(200)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **When it ends**: every exchange that has begun ends in exactly one event [`What::Ended`], whatever way it ends; one that
//! goes on when the recorder is [closed](Recorder::close) ends as [`Ending::Shutdown`]. The end of a reply is held back until the disk has the
//! record, unless [`Durability::Relaxed`] is chosen; if the disk does not take it, the reply goes out all the same, and
//! [`Health`] tells.
//!
//! **If the client leaves**, what it got is recorded, and [`Ending::ClientGone`].
//!
//! **What there is no room for** is recorded without its bodies, and counted: in the queue to the writer, and in the spool
//! while no store takes anything.
//!
//! **Alone**: a store is whatever reads the [`Feed`](spool::Feed). Credentials are in headers, and headers are not recorded. Requests
//! that are no calls of a model pass unread, and only their head is recorded.

mod asked;
mod decisions;
mod entry;
mod hash;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod import;
mod join;
mod known;
mod layer;
mod note;
mod observe;
pub mod prices;
mod provider;
mod recorder;
pub mod redact;
mod replies;
mod split;
#[cfg(test)]
mod split_tests;
pub mod spool;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod store;
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
pub use redact::Redact;
