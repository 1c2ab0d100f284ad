//! Retention: what is old is forgotten by itself, a few sessions at a time, by one of all who share a database.

use std::time::Duration;

use tokio::time::sleep;

use super::super::{SessionRow, Store, StoreError};
use crate::record::recorder::now;

/// How many sessions are archived together, and then forgotten.
const BATCH: usize = 20;
/// How long others are left to write, between one session and the next.
const PAUSE: Duration = Duration::from_millis(50);
/// For how long the work is taken at a time. Who dies at it is succeeded then.
const LEASE: Duration = Duration::from_secs(600);
const NAME: &str = "retention";

/// What was forgotten because it is old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retained {
    /// How many sessions.
    pub sessions: u64,
    /// How many exchanges.
    pub transactions: u64,
    /// Whether another is at it, who goes on.
    pub is_others: bool,
}

/// Why something old is still there.
#[derive(Debug, thiserror::Error)]
pub enum RetainError<E> {
    /// The database does not let go of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be archived, and so it was not forgotten.
    #[error("nothing is deleted, since it cannot be archived: {0}")]
    Archive(E),
}

/// A moment so long ago, in microseconds since 1970.
pub fn ago(age: Duration) -> i64 {
    now().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
}

/// Forgets the sessions in which nothing has happened since `before`, in microseconds since 1970, unless they are held.
/// Hands them to `archive` first, some at a time: what is not archived is not forgotten. `holder` is who does it, one of
/// several that may be at it.
///
/// # Errors
///
/// If the database does not answer, or something cannot be archived. What was done until then is done.
pub async fn retain<E>(
    store: &impl Store,
    before: i64,
    holder: &str,
    archive: impl AsyncFn(&[SessionRow]) -> Result<(), E>,
) -> Result<Retained, RetainError<E>> {
    let mut retained = Retained::default();
    loop {
        // Nobody writes if there is nothing to be done.
        let sessions = store.expired(before, BATCH).await?;
        if sessions.is_empty() {
            break;
        }
        if !store.lease(NAME, holder, LEASE).await? {
            retained.is_others = true;
            return Ok(retained);
        }
        // Another may have been at these before.
        let sessions = store.expired(before, BATCH).await?;
        let done = batch(store, before, &sessions, &archive, &mut retained).await;
        store.lease(NAME, holder, Duration::ZERO).await?;
        done?;
    }
    let strays = store.forget_strays(before).await?;
    retained.transactions += strays.transactions;
    Ok(retained)
}

async fn batch<E>(
    store: &impl Store,
    before: i64,
    sessions: &[SessionRow],
    archive: &impl AsyncFn(&[SessionRow]) -> Result<(), E>,
    retained: &mut Retained,
) -> Result<(), RetainError<E>> {
    if sessions.is_empty() {
        return Ok(());
    }
    archive(sessions).await.map_err(RetainError::Archive)?;
    for session in sessions {
        match store.forget_idle(&session.session_id, before).await {
            Ok(Some(forgotten)) => {
                retained.sessions += 1;
                retained.transactions += forgotten.transactions;
            }
            // It goes on, somebody has just held it, or has deleted it.
            Ok(None) | Err(StoreError::Held(_) | StoreError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        sleep(PAUSE).await;
    }
    Ok(())
}
