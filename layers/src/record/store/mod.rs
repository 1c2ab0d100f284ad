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
mod coding;
mod engine;
mod error;
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
mod words;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use super::{
    Tokens,
    spool::{Kept, Position},
};

pub use any::AnyStore;
pub use apply::Applied;
pub use blocks::{Block, BlockKind};
pub use error::StoreError;
pub use keep::{Keeping, keep};
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
pub use rows::{CallRow, DecisionRow, SessionRow, TransactionRow, UserRow};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 4,
            wait: Duration::from_secs(5),
            price: None,
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
