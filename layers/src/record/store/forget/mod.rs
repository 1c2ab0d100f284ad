//! Forgetting: a session, and everything that is there for it alone.
//!
//! Of its events the links stay, so that the chains can be followed. All else goes in one transaction: there is no moment
//! at which half of a session is forgotten.

mod collect;
mod hold;
mod late;
mod retain;
mod uses;

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::{
    StoreError,
    engine::{Row, Tx, Value},
    sealed::Begin,
};
use crate::record::recorder::now;

use collect::{Candidates, collect};
pub(super) use hold::{expired, hold, holds, is_held, lease};
pub(super) use late::late;
pub use retain::{RetainError, Retained, ago, retain};

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// How many exchanges.
    pub transactions: u64,
    /// How many events, of which the links stay.
    pub events: u64,
    /// How many places in conversations, that no other session has.
    pub nodes: u64,
    /// How many messages that nobody else has sent.
    pub messages: u64,
    /// How many contents that nobody else needs.
    pub contents: u64,
}

/// Which transactions go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    /// Those of a session.
    Session(i64),
    /// Those of which nobody knows to which session they belong, since their beginnings were lost, and that were over
    /// before this time.
    Strays(i64),
}

impl Scope {
    fn condition(self) -> (&'static str, Value) {
        match self {
            Self::Session(number) => ("t.session_number = $1", number.into()),
            Self::Strays(before) => (
                "t.session_number IS NULL AND coalesce(t.ended_at, (SELECT max(o.at) FROM conversation_events o \
                 WHERE o.transaction_id = t.transaction_id), 0) < $1",
                before.into(),
            ),
        }
    }
}

/// Forgets a session, if nothing has happened in it since `before`. `None` if something has.
pub(super) async fn session(
    store: &(impl Begin + ?Sized),
    id: &str,
    before: Option<i64>,
) -> Result<Option<Forgotten>, StoreError> {
    // Most of the reading is done before anybody has to wait for it.
    while read_uses(store).await? {}
    let mut tx = store.write().await?;
    let session = super::read::find(&mut tx, id).await?;
    let Some(session) = session else {
        return Err(StoreError::Missing(format!("the session {id}")));
    };
    if hold::held(&mut tx, id).await? {
        return Err(StoreError::Held(id.to_owned()));
    }
    if before.is_some_and(|before| session.last_at >= before) {
        return Ok(None);
    }
    let forgotten = forget(&mut tx, Scope::Session(session.number)).await?;
    tx.commit().await?;
    Ok(Some(forgotten))
}

/// Forgets the transactions of no session that were over before this time.
pub(super) async fn strays(
    store: &(impl Begin + ?Sized),
    before: i64,
) -> Result<Forgotten, StoreError> {
    let (condition, value) = Scope::Strays(before).condition();
    let mut tx = store.read().await?;
    let sql = format!("SELECT t.number FROM transactions t WHERE {condition} LIMIT 1");
    let first = tx.row(sql, vec![value]).await?;
    tx.commit().await?;
    if first.is_none() {
        return Ok(Forgotten::default());
    }
    while read_uses(store).await? {}
    let mut tx = store.write().await?;
    let forgotten = forget(&mut tx, Scope::Strays(before)).await?;
    tx.commit().await?;
    Ok(forgotten)
}

/// Reads some of what contents are used for. `false` if that was all.
async fn read_uses(store: &(impl Begin + ?Sized)) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let is_more = uses::read(&mut tx).await?;
    tx.commit().await?;
    Ok(is_more)
}

async fn forget(tx: &mut Tx, scope: Scope) -> Result<Forgotten, StoreError> {
    overwriting(tx, true).await?;
    while uses::read(tx).await? {}
    let (condition, value) = scope.condition();
    let rows = tx
        .rows(
            format!("SELECT {COLUMNS} FROM transactions t WHERE {condition}"),
            vec![value.clone()],
        )
        .await?;
    let gone: HashSet<i64> = rows.iter().filter_map(|row| row.int(0)).collect();
    let column = |range: std::ops::Range<usize>| {
        rows.iter()
            .flat_map(move |row| range.clone().filter_map(|at| row.int(at)))
            .collect::<HashSet<i64>>()
    };
    let mut candidates = Candidates {
        heads: column(1..3),
        contents: column(3..7),
        messages: HashSet::new(),
    };
    let sql = format!(
        "SELECT DISTINCT p.message_number FROM transaction_messages p \
         JOIN transactions t ON t.number = p.transaction_number WHERE {condition}"
    );
    let placed = tx.rows(sql, vec![value.clone()]).await?;
    candidates
        .messages
        .extend(placed.iter().filter_map(|row| row.int(0)));
    let sql = format!(
        "INSERT INTO event_tombstones (writer_number, link_number, transaction_id, hash, at) \
         SELECT e.writer_number, e.link_number, e.transaction_id, e.hash, CAST($2 AS BIGINT) \
         FROM conversation_events e JOIN transactions t ON t.transaction_id = e.transaction_id WHERE {condition} \
         ON CONFLICT (writer_number, link_number) DO NOTHING"
    );
    let events = tx.execute(sql, vec![value.clone(), now().into()]).await?;
    let sql = format!(
        "DELETE FROM transactions WHERE number IN (SELECT t.number FROM transactions t WHERE {condition})"
    );
    tx.execute(sql, vec![value]).await?;
    if let Scope::Session(number) = scope {
        let sql = "DELETE FROM sessions WHERE number = $1";
        tx.execute(sql, vec![number.into()]).await?;
    }
    users(tx, &rows).await?;
    let collected = collect(tx, candidates, &gone).await?;
    uses::step_back(tx).await?;
    overwriting(tx, false).await?;
    Ok(Forgotten {
        transactions: gone.len() as u64,
        events,
        ..collected
    })
}

const COLUMNS: &str = "t.number, t.head_number, t.sent_head_number, t.frame_number, t.sent_frame_number, \
    t.reply_number, t.provider_reply_number, t.user_id, t.started_at, t.ended_at, t.input_tokens, t.output_tokens, \
    t.cache_read_tokens, t.cache_write_tokens, t.reasoning_tokens, t.cost_micros";

/// Whether SQLite overwrites what it deletes. It costs, and only what is forgotten must not be found in the file any more.
pub(super) async fn overwriting(tx: &mut Tx, is_on: bool) -> Result<(), StoreError> {
    match tx.engine() {
        #[cfg(feature = "sqlite")]
        super::engine::Engine::Sqlite => {
            tx.script(match is_on {
                true => "PRAGMA secure_delete = ON",
                false => "PRAGMA secure_delete = FAST",
            })
            .await
        }
        #[cfg(feature = "postgres")]
        super::engine::Engine::Postgres => {
            let _ = is_on;
            Ok(())
        }
    }
}

/// What a person has in these transactions.
#[derive(Default)]
struct Share {
    transactions: i64,
    input: i64,
    output: i64,
    cost: i64,
    unpriced: i64,
}

/// Takes the transactions out of the sums of their users. Of whom nothing is left, nothing is known.
async fn users(tx: &mut Tx, rows: &[Row]) -> Result<(), StoreError> {
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for row in rows {
        let Some(user) = row.text(7) else {
            continue;
        };
        let share = shares.entry(user).or_default();
        let number = |at| row.int(at).unwrap_or_default();
        let has_tokens = (10..15).any(|at| row.int(at).is_some());
        let is_unpriced = row.int(9).is_some() && row.int(15).is_none() && has_tokens;
        share.transactions += i64::from(row.int(8).is_some());
        share.input = share.input.saturating_add(number(10));
        share.output = share.output.saturating_add(number(11));
        share.cost = share.cost.saturating_add(number(15));
        share.unpriced += i64::from(is_unpriced);
    }
    for (user, share) in shares {
        let sql = "UPDATE users SET transactions = transactions - $2, input_tokens = input_tokens - $3, \
            output_tokens = output_tokens - $4, cost_micros = cost_micros - $5, unpriced = unpriced - $6 \
            WHERE user_id = $1";
        let values = vec![
            user.into(),
            share.transactions.into(),
            share.input.into(),
            share.output.into(),
            share.cost.into(),
            share.unpriced.into(),
        ];
        tx.execute(sql, values).await?;
        let sql = "DELETE FROM users WHERE user_id = $1 AND transactions <= 0";
        tx.execute(sql, vec![user.into()]).await?;
    }
    Ok(())
}

/// How often something was deleted that a writer may believe to be here.
pub(super) async fn forgettings(store: &(impl Begin + ?Sized)) -> Result<i64, StoreError> {
    let mut tx = store.read().await?;
    let row = tx
        .row("SELECT forgettings FROM retention", Vec::new())
        .await?;
    tx.commit().await?;
    Ok(row.and_then(|row| row.int(0)).unwrap_or_default())
}

/// In order, so that nobody has to look all over an index.
fn values(numbers: impl IntoIterator<Item = impl std::borrow::Borrow<i64>>) -> Vec<Value> {
    let numbers = numbers.into_iter();
    let mut numbers: Vec<i64> = numbers.map(|number| *number.borrow()).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(Value::from).collect()
}
