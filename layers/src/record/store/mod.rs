//! The store: what was recorded, in a database, to be found again. SQLite or PostgreSQL; both hold the same tables, take
//! the same statements, and answer the same.
//!
//! Whoever keeps the record hands over what a spool holds, batch by batch ([`Store::apply`]). Each batch is one transaction
//! of the database, together with how far it reaches in the spool: whatever breaks off in between, nothing is lost and
//! nothing is there twice.

mod any;
mod apply;
mod blocks;
mod body;
mod checkpoint;
mod coding;
mod engine;
mod error;
mod forget;
mod keep;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod reply;
mod rows;
mod said;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
mod tests;
mod verify;
mod words;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Tokens,
    spool::{Kept, Position},
};

pub use any::AnyStore;
pub use apply::Applied;
pub use blocks::{Block, BlockKind};
pub use checkpoint::{Checkpoint, NotAKey, Signer};
pub use error::StoreError;
pub use forget::{Forgotten, RetainError, Retained, ago, retain};
pub use keep::{Keeping, keep};
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub use read::{
    Call, CoverageReport, Cursor, EventText, Exchange, ExchangeFilter, From, Hit, KindCoverage,
    NotACursor, Page, PolicyCoverage, Said, SessionFilter, Side, ToolCoverage, Turn,
};
pub use rows::{CallRow, DecisionRow, SessionRow, TransactionRow, UserRow};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use verify::{Break, Progress, Trust, Verified};

/// What a model's tokens cost at a time (in microseconds since 1970), in millionths of a dollar; `None` if nobody knows.
pub type Price = Arc<dyn Fn(&str, &Tokens, i64) -> Option<u64> + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// How many connections may read at once.
    pub connections: u32,
    /// How long somebody waits for a connection, or for a lock of PostgreSQL.
    pub wait: Duration,
    /// What things cost. Without it, nobody knows.
    pub price: Option<Price>,
    /// How long a message may be, in bytes, that SQLite keeps as it is. Of a longer one SQL sees the beginnings of its texts,
    /// and the whole is compressed beside it. (PostgreSQL compresses by itself.)
    pub plain: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 4,
            wait: Duration::from_secs(5),
            price: None,
            plain: 1024,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("connections", &self.connections)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// Where the record is kept.
pub trait Store: sealed::Begin {
    /// Takes over what a spool holds up to `end`: all of it, or nothing. What is there already stays as it is. What a
    /// database cannot hold is kept in another form, and counted.
    ///
    /// # Errors
    ///
    /// If the database does not take it now.
    fn apply(
        &self,
        writer: &str,
        kept: &[Kept],
        end: Position,
    ) -> impl Future<Output = Result<Applied, StoreError>> + Send {
        apply::apply(self, writer, kept, end)
    }

    /// How far a spool has been taken over; `None` if nothing of it has.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    fn position(
        &self,
        writer: &str,
    ) -> impl Future<Output = Result<Option<Position>, StoreError>> + Send {
        apply::position(self, writer)
    }

    /// Sessions, the latest first.
    ///
    /// # Errors
    ///
    /// If the database does not answer; so it is with all that follow.
    fn sessions(
        &self,
        filter: &SessionFilter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<SessionRow>, StoreError>> + Send {
        read::sessions(self, filter, cursor, limit)
    }

    /// A session by its name.
    fn session(
        &self,
        session_id: &str,
    ) -> impl Future<Output = Result<Option<SessionRow>, StoreError>> + Send {
        read::session(self, session_id)
    }

    /// The exchanges of a session, in the order in which they were asked.
    fn transactions(
        &self,
        session_id: &str,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<TransactionRow>, StoreError>> + Send {
        read::transactions(self, session_id, cursor, limit)
    }

    /// An exchange, with all that happened in it.
    fn transaction(
        &self,
        transaction_id: &str,
    ) -> impl Future<Output = Result<Option<Exchange>, StoreError>> + Send {
        read::transaction(self, transaction_id)
    }

    /// A request, byte for byte.
    ///
    /// # Errors
    ///
    /// If it was not kept, or something of it is gone.
    fn request_bytes(
        &self,
        transaction_id: &str,
        side: Side,
    ) -> impl Future<Output = Result<Bytes, StoreError>> + Send {
        read::request(self, transaction_id, side)
    }

    /// A reply, byte for byte.
    ///
    /// # Errors
    ///
    /// If it was not kept, or is gone.
    fn reply_bytes(
        &self,
        transaction_id: &str,
        side: Side,
    ) -> impl Future<Output = Result<Bytes, StoreError>> + Send {
        read::reply(self, transaction_id, side)
    }

    /// A session as turns: of each exchange what is new in it. What the next request says again of a reply is not.
    fn transcript(
        &self,
        session_id: &str,
        from: From,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Turn>, StoreError>> + Send {
        read::transcript(self, session_id, from, cursor, limit)
    }

    /// Messages in which all words of `text` stand, wherever one was said first; the latest first. Words in double quotes
    /// must stand one behind another, and one that ends in `*` may go on. So that an answer never takes long, a page may
    /// hold less than was asked for, even nothing, and not be the last; so it is with sessions by their texts.
    fn search(
        &self,
        text: &str,
        filter: &SessionFilter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Hit>, StoreError>> + Send {
        read::search(self, text, filter, cursor, limit)
    }

    /// What there was to be judged in exchanges that have ended, and which policies have looked at it. All of them are read
    /// for it: it takes its time.
    fn coverage(
        &self,
        filter: &ExchangeFilter,
    ) -> impl Future<Output = Result<CoverageReport, StoreError>> + Send {
        read::coverage(self, filter)
    }

    /// Forgets a session, and all that is there for it alone: messages, contents and what was found out about them. Of its
    /// events the links of their chains stay, without their texts. What other sessions have as well, they keep.
    ///
    /// # Errors
    ///
    /// If there is no such session, or it is [held](Self::hold).
    fn forget_session(
        &self,
        session_id: &str,
    ) -> impl Future<Output = Result<Forgotten, StoreError>> + Send {
        async move {
            let forgotten = forget::session(self, session_id, None).await?;
            Ok(forgotten.unwrap_or_default())
        }
    }

    /// The same, if nothing has happened in the session at `before` or later, in microseconds since 1970; `None` if
    /// something has.
    fn forget_idle(
        &self,
        session_id: &str,
        before: i64,
    ) -> impl Future<Output = Result<Option<Forgotten>, StoreError>> + Send {
        forget::session(self, session_id, Some(before))
    }

    /// Forgets the exchanges that belong to no session, since their beginnings were lost, and that were over before this
    /// time.
    fn forget_strays(
        &self,
        before: i64,
    ) -> impl Future<Output = Result<Forgotten, StoreError>> + Send {
        forget::strays(self, before)
    }

    /// Sessions in which nothing has happened since this time, the first of them first, and that nobody holds.
    fn expired(
        &self,
        before: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send {
        forget::expired(self, before, limit)
    }

    /// Holds a session, so that nobody forgets it; or lets go of it.
    ///
    /// # Errors
    ///
    /// If there is no such session to be held.
    fn hold(
        &self,
        session_id: &str,
        is_on: bool,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        forget::hold(self, session_id, is_on)
    }

    /// Whether a session is held.
    fn is_held(&self, session_id: &str) -> impl Future<Output = Result<bool, StoreError>> + Send {
        forget::is_held(self, session_id)
    }

    /// The names of all sessions that are held.
    fn holds(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send {
        forget::holds(self)
    }

    /// How often something was deleted that a writer may believe to be here: who sees it change writes everything anew.
    fn forgettings(&self) -> impl Future<Output = Result<i64, StoreError>> + Send {
        forget::forgettings(self)
    }

    /// Takes what only one may do at a time, for so long, or goes on with it. `false` if another `holder` is at it.
    fn lease(
        &self,
        name: &str,
        holder: &str,
        length: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        forget::lease(self, name, holder, length)
    }

    /// Looks whether all of it is what was recorded: follows each writer's chain of events, and compares everything with
    /// the hash by which it is called. Says from time to time how far it has come.
    fn verify(
        &self,
        trust: &Trust,
        mut progress: impl FnMut(Progress) + Send,
    ) -> impl Future<Output = Result<Verified, StoreError>> + Send {
        async move { verify::verify(self, trust, &mut progress).await }
    }
}

impl<T: sealed::Begin> Store for T {}

mod sealed {
    use super::{Options, StoreError, engine::Tx};

    /// What a store is made of.
    pub trait Begin: Send + Sync {
        /// Begins a transaction that writes, the only one.
        fn write(&self) -> impl Future<Output = Result<Tx, StoreError>> + Send;

        /// Begins a transaction that reads, and sees the record as it is now.
        fn read(&self) -> impl Future<Output = Result<Tx, StoreError>> + Send;

        /// How it was opened.
        fn options(&self) -> &Options;
    }
}
