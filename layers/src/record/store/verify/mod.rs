//! Whether the record is what was recorded: chains of events, and everything else that is named by its hash.
//!
//! Somebody who writes to the database can make a chain anew from any place on: against that there are
//! [checkpoints](super::Checkpoint). Without them, what this finds is damage, and whoever changes a row without knowing better.

mod bodies;
mod chain;

use std::fmt;

use serde::Serialize;

use super::{StoreError, engine::Tx, sealed::Begin};

/// How many rows are looked at in one transaction: a long one would keep a database from cleaning up behind it.
const STEP: i64 = 500;

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is looked at: `events`, `contents`, `messages` or `nodes`.
    pub what: &'static str,
    /// How far.
    pub done: u64,
    /// Of how many, about.
    pub of: u64,
}

/// Who is trusted, and what is known of the record from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The public keys that may sign checkpoints; if there are none, anybody may.
    pub keys: Vec<String>,
    /// Checkpoints that were kept elsewhere.
    pub checkpoints: Vec<super::Checkpoint>,
}

/// What a verification has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// How many chains of events there are: one for each spool.
    pub writers: u64,
    /// How many events are what they were.
    pub events: u64,
    /// How many were forgotten, and their hashes fit into their chains.
    pub tombstones: u64,
    /// How many checkpoints there are, genuine ones and each where it was signed.
    pub checkpoints: u64,
    /// How many contents are what their hashes say.
    pub contents: u64,
    /// How many messages are what their hashes say.
    pub messages: u64,
    /// How many places in conversations are what their hashes say.
    pub nodes: u64,
    /// How many contents and messages are spoken of, and not there.
    pub missing: u64,
    /// The first thing that is not what it was; what comes behind it was not looked at.
    pub first_break: Option<Break>,
}

/// Something that is not what was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Break {
    /// Whose chain it is, if it is an event.
    pub writer: Option<String>,
    /// The link in it.
    pub link_number: Option<i64>,
    /// The exchange, as far as it is known.
    pub transaction_id: Option<String>,
    /// The hash by which it is called, if it is no event.
    pub hash: Option<crate::record::ContentHash>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(writer), Some(link)) = (&self.writer, self.link_number) {
            write!(f, "link {link} of {writer}")?;
        }
        if let Some(hash) = self.hash {
            write!(f, "{hash}")?;
        }
        if let Some(transaction) = &self.transaction_id {
            write!(f, " (exchange {transaction})")?;
        }
        write!(f, ": {}", self.what)
    }
}

pub(super) async fn verify(
    store: &(impl Begin + ?Sized),
    trust: &Trust,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Verified, StoreError> {
    let mut found = Verified::default();
    if chain::verify(store, trust, &mut found, progress).await? {
        bodies::verify(store, &mut found, progress).await?;
    }
    Ok(found)
}

/// The highest number in a table: about how many rows it has.
async fn most(tx: &mut Tx, table: &str) -> Result<i64, StoreError> {
    let sql = format!("SELECT max(number) FROM {table}");
    let row = tx.row(sql, Vec::new()).await?;
    Ok(row.and_then(|row| row.int(0)).unwrap_or_default())
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
