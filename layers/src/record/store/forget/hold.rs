//! What may not be forgotten, what should be, and who does it.

use std::time::Duration;

use super::{
    super::{StoreError, engine::Tx, read, rows::SessionRow, sealed::Begin},
    overwriting,
};
use crate::record::recorder::now;

/// Holds a session, or lets go of it.
pub(in super::super) async fn hold(
    store: &(impl Begin + ?Sized),
    id: &str,
    is_on: bool,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    if is_on {
        if read::find(&mut tx, id).await?.is_none() {
            return Err(StoreError::Missing(format!("the session {id}")));
        }
        let sql = "INSERT INTO session_holds (session_id, at) VALUES ($1, $2) ON CONFLICT (session_id) DO NOTHING";
        tx.execute(sql, vec![id.into(), now().into()]).await?;
    } else {
        // Of a session that is forgotten afterwards, the name is not to stay either.
        overwriting(&mut tx, true).await?;
        let sql = "DELETE FROM session_holds WHERE session_id = $1";
        tx.execute(sql, vec![id.into()]).await?;
        overwriting(&mut tx, false).await?;
    }
    tx.commit().await
}

pub(super) async fn held(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT at FROM session_holds WHERE session_id = $1";
    Ok(tx.row(sql, vec![id.into()]).await?.is_some())
}

pub(in super::super) async fn is_held(
    store: &(impl Begin + ?Sized),
    id: &str,
) -> Result<bool, StoreError> {
    let mut tx = store.read().await?;
    let is_held = held(&mut tx, id).await?;
    tx.commit().await?;
    Ok(is_held)
}

/// The names of all that are held.
pub(in super::super) async fn holds(
    store: &(impl Begin + ?Sized),
) -> Result<Vec<String>, StoreError> {
    let mut tx = store.read().await?;
    let sql = "SELECT session_id FROM session_holds ORDER BY session_id";
    let rows = tx.rows(sql, Vec::new()).await?;
    tx.commit().await?;
    Ok(rows.iter().filter_map(|row| row.string(0)).collect())
}

/// Sessions in which nothing has happened since then, and that nobody holds; those of longest ago first.
pub(in super::super) async fn expired(
    store: &(impl Begin + ?Sized),
    before: i64,
    limit: usize,
) -> Result<Vec<SessionRow>, StoreError> {
    let columns = SessionRow::COLUMNS.join(", s.");
    let sql = format!(
        "SELECT s.{columns} FROM sessions s WHERE s.last_at < $1 AND NOT EXISTS \
         (SELECT 1 FROM session_holds h WHERE h.session_id = s.session_id) ORDER BY s.last_at, s.number LIMIT {limit}"
    );
    let mut tx = store.read().await?;
    let rows = tx.rows(sql, vec![before.into()]).await?;
    tx.commit().await?;
    let rows = rows.iter();
    Ok(rows.filter_map(|row| SessionRow::read(row, 0)).collect())
}

/// Takes a lease, or goes on with it. `false` if somebody else has it.
pub(in super::super) async fn lease(
    store: &(impl Begin + ?Sized),
    name: &str,
    holder: &str,
    length: Duration,
) -> Result<bool, StoreError> {
    let at = now();
    let until = at.saturating_add(i64::try_from(length.as_micros()).unwrap_or(i64::MAX));
    let sql = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
        holder = excluded.holder, until = excluded.until WHERE leases.holder = excluded.holder OR leases.until <= $4";
    let mut tx = store.write().await?;
    let values = vec![name.into(), holder.into(), until.into(), at.into()];
    let changed = tx.execute(sql, values).await?;
    tx.commit().await?;
    Ok(changed > 0)
}
