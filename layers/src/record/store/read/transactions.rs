use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;

use super::{
    super::{
        StoreError, coding,
        engine::{Row, Tx, Value},
        rows::{CallRow, DecisionRow, TransactionRow},
        sealed::Begin,
    },
    bytes::messages,
    cursor::{Cursor, MOST, Page},
};
use crate::record::ContentHash;

/// An exchange, with all that happened in it.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// Its session.
    pub session_id: Option<String>,
    /// In short.
    #[serde(flatten)]
    pub row: TransactionRow,
    /// What happened, in order.
    pub events: Vec<EventText>,
    /// What policies decided.
    pub decisions: Vec<DecisionRow>,
    /// The calls of the reply.
    pub calls: Vec<Call>,
}

/// An event, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventText {
    /// Its place among the events of the exchange.
    pub sequence: i64,
    /// What happened, in one word.
    pub event: String,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Who has written it.
    pub writer: String,
    /// Its place in the writer's chain.
    pub link_number: i64,
    /// The hash of the link before and of the text.
    pub hash: ContentHash,
    /// The exact text.
    #[serde(serialize_with = "text")]
    pub payload: Bytes,
}

fn text<S: serde::Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

/// A call of a tool, with what went in and what came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// In short.
    #[serde(flatten)]
    pub row: CallRow,
    /// The input that the client got; what policies took out, if they did.
    pub arguments: Option<String>,
    /// The text of the result, once it has come.
    pub result: Option<String>,
}

fn columns() -> String {
    let columns = TransactionRow::COLUMNS
        .iter()
        .map(|name| format!("t.{name}"));
    columns.collect::<Vec<_>>().join(", ")
}

pub(in super::super) async fn transactions(
    store: &(impl Begin + ?Sized),
    session: &str,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<TransactionRow>, StoreError> {
    let limit = limit.clamp(1, MOST);
    let mut tx = store.read().await?;
    let found = after(&mut tx, session, cursor, limit + 1).await?;
    tx.commit().await?;
    Ok(Page::of(found, limit, cursor_of))
}

pub(super) fn cursor_of(row: &TransactionRow) -> Cursor {
    Cursor {
        at: row.started_at.unwrap_or_default(),
        number: row.number,
    }
}

/// The transactions of a session from a place on, in the order in which they were asked.
pub(super) async fn after(
    tx: &mut Tx,
    session: &str,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Vec<TransactionRow>, StoreError> {
    let after = cursor.map_or(0, |cursor| cursor.number);
    let sql = format!(
        "SELECT {} FROM transactions t WHERE t.session_number = (SELECT number FROM sessions WHERE session_id = $1) \
         AND t.number > $2 ORDER BY t.number LIMIT {limit}",
        columns(),
    );
    let rows = tx.rows(sql, vec![session.into(), after.into()]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| TransactionRow::read(row, 0))
        .collect())
}

/// The last transactions of a session, the earliest first.
pub(super) async fn before(
    tx: &mut Tx,
    session: &str,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Vec<TransactionRow>, StoreError> {
    let before = cursor.map_or(i64::MAX, |cursor| cursor.number);
    let sql = format!(
        "SELECT {} FROM transactions t WHERE t.session_number = (SELECT number FROM sessions WHERE session_id = $1) \
         AND t.number < $2 ORDER BY t.number DESC LIMIT {limit}",
        columns(),
    );
    let rows = tx.rows(sql, vec![session.into(), before.into()]).await?;
    let mut found: Vec<_> = rows
        .iter()
        .filter_map(|row| TransactionRow::read(row, 0))
        .collect();
    found.reverse();
    Ok(found)
}

pub(in super::super) async fn transaction(
    store: &(impl Begin + ?Sized),
    id: &str,
) -> Result<Option<Exchange>, StoreError> {
    let mut tx = store.read().await?;
    let exchange = whole(&mut tx, id).await?;
    tx.commit().await?;
    Ok(exchange)
}

async fn whole(tx: &mut Tx, id: &str) -> Result<Option<Exchange>, StoreError> {
    let sql = format!(
        "SELECT {}, s.session_id FROM transactions t LEFT JOIN sessions s ON s.number = t.session_number \
         WHERE t.transaction_id = $1",
        columns(),
    );
    let row = tx.row(sql, vec![id.into()]).await?;
    let Some((row, session_id)) = row.and_then(|row| {
        let session = row.string(TransactionRow::COLUMNS.len());
        Some((TransactionRow::read(&row, 0)?, session))
    }) else {
        return Ok(None);
    };
    let sql = "SELECT e.sequence, e.event, e.at, w.writer, e.link_number, e.hash, e.coding, e.payload \
        FROM conversation_events e JOIN spool_positions w ON w.number = e.writer_number \
        WHERE e.transaction_id = $1 ORDER BY e.sequence";
    let events = tx.rows(sql, vec![id.into()]).await?;
    let ids = || vec![Value::from(id)];
    Ok(Some(Exchange {
        session_id,
        row,
        events: events.iter().filter_map(event).collect(),
        decisions: decisions(tx, ids()).await?,
        calls: calls(tx, ids()).await?,
    }))
}

fn event(row: &Row) -> Option<EventText> {
    Some(EventText {
        sequence: row.int(0)?,
        event: row.string(1)?,
        at: row.int(2)?,
        writer: row.string(3)?,
        link_number: row.int(4)?,
        hash: row.hash(5)?,
        payload: payload(row, 6)?,
    })
}

/// The text of an event, from its coding and payload.
pub(in super::super) fn payload(row: &Row, at: usize) -> Option<Bytes> {
    let (coding, payload) = (row.int(at)?, row.bytes(at + 1)?);
    if coding == 0 {
        return Some(payload.to_vec().into());
    }
    let (length, coded) = payload.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    coding::decode(coding, coded, length).ok().map(Bytes::from)
}

/// The decisions about these transactions, in order.
pub(super) async fn decisions(
    tx: &mut Tx,
    ids: Vec<Value>,
) -> Result<Vec<DecisionRow>, StoreError> {
    let sql = format!(
        "SELECT {} FROM policy_decisions WHERE transaction_id IN $IN ORDER BY transaction_id, sequence",
        DecisionRow::COLUMNS.join(", "),
    );
    let rows = tx.rows_in(&sql, ids).await?;
    Ok(rows
        .iter()
        .filter_map(|row| DecisionRow::read(row, 0))
        .collect())
}

/// The calls of these transactions, in order.
pub(super) async fn calls(tx: &mut Tx, ids: Vec<Value>) -> Result<Vec<Call>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tool_calls WHERE transaction_id IN $IN ORDER BY transaction_id, place",
        CallRow::COLUMNS.join(", "),
    );
    let rows = tx.rows_in(&sql, ids).await?;
    let rows: Vec<_> = rows
        .iter()
        .filter_map(|row| CallRow::read(row, 0))
        .collect();
    let numbers = rows
        .iter()
        .flat_map(|row| [row.message_number, row.result_message_number]);
    let said = messages(tx, numbers.flatten().collect()).await?;
    let text = |message: Option<i64>, kind, row: &CallRow| text_of(&said, message?, kind, row);
    let calls = rows.into_iter().map(|row| {
        use super::super::blocks::BlockKind::{ToolCall, ToolResult};
        let arguments = row
            .input
            .clone()
            .or_else(|| text(row.message_number, ToolCall, &row));
        let result = text(row.result_message_number, ToolResult, &row);
        Call {
            row,
            arguments,
            result,
        }
    });
    Ok(calls.collect())
}

fn text_of(
    said: &HashMap<i64, super::bytes::Readable>,
    message: i64,
    kind: super::super::blocks::BlockKind,
    row: &CallRow,
) -> Option<String> {
    let message = said.get(&message)?;
    let mut blocks = message.blocks.iter().filter(|block| block.kind == kind);
    let found = match &row.call_id {
        Some(id) => blocks.find(|block| block.tool_call_id.as_ref() == Some(id)),
        None => blocks.next(),
    };
    found?.text.clone()
}
