//! Which contents are made of which. No table says it while things are recorded, so it is read afterwards, from the events
//! that have come since: whoever never forgets anything pays nothing for it.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        StoreError,
        apply::load::decoded,
        engine::{Insert, Row, Tx, Value},
        read::payload,
    },
    collect::numbers,
    values,
};
use crate::record::{ContentHash, Event, Frame, Piece, What};

/// How many events are read at a time.
const STEP: i64 = 1_000;

/// That the pieces of a frame were read.
const READ: i64 = 0;
/// A piece of a frame.
const PIECE: i64 = 1;
/// A piece of a reply that came in several.
const REPLY: i64 = 2;

const USES: Insert<'static> = Insert {
    table: "content_uses",
    columns: &["content_number", "kind", "holder_number"],
    then: "ON CONFLICT (content_number, kind, holder_number) DO NOTHING",
};

/// Reads what the next events use. `false` if there are none.
pub(super) async fn read(tx: &mut Tx) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT e.number, e.event, t.number, t.frame_number, t.sent_frame_number, \
         t.reply_bytes > coalesce(c.size, 0) OR t.provider_reply_number IS NOT NULL \
         FROM (SELECT number, event, transaction_id FROM conversation_events \
         WHERE number > (SELECT uses_read FROM retention) ORDER BY number LIMIT {STEP}) e \
         JOIN transactions t ON t.transaction_id = e.transaction_id \
         LEFT JOIN contents c ON c.number = t.reply_number ORDER BY e.number"
    );
    let rows = tx.rows(sql, Vec::new()).await?;
    let Some(last) = rows.last().and_then(|row| row.int(0)) else {
        return Ok(false);
    };
    let of_frames = rows.iter().flat_map(|row| [row.int(3), row.int(4)]);
    frames(tx, of_frames.flatten().collect()).await?;
    let long = rows
        .iter()
        .filter(|row| row.text(1) == Some("ended") && row.flag(5) == Some(true));
    let long: HashMap<i64, i64> = long
        .filter_map(|row| Some((row.int(0)?, row.int(2)?)))
        .collect();
    replies(tx, &long).await?;
    let sql = "UPDATE retention SET uses_read = $1";
    tx.execute(sql, vec![last.into()]).await?;
    Ok(true)
}

/// Reads of which pieces these frames consist, if that was not done before.
pub(super) async fn frames(tx: &mut Tx, mut frames: HashSet<i64>) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT DISTINCT content_number FROM content_uses WHERE kind = {READ} AND content_number IN $IN"
    );
    let known = numbers(tx, &sql, &frames).await?;
    frames.retain(|frame| !known.contains(frame));
    let sql =
        "SELECT coding, size, body, number FROM contents WHERE body IS NOT NULL AND number IN $IN";
    let rows = tx.rows_in(sql, values(&frames)).await?;
    let mut pieces = Vec::new();
    let mut found = Vec::new();
    for row in &rows {
        let Some(number) = row.int(3) else { continue };
        pieces.extend(pieces_of(row).map(|piece| (piece, number)));
        found.push(vec![number.into(), READ.into(), number.into()]);
    }
    tx.insert(&USES, found).await?;
    insert(tx, PIECE, pieces).await
}

fn pieces_of(row: &Row) -> impl Iterator<Item = ContentHash> + use<> {
    let bytes = decoded(row, 0).unwrap_or_default();
    let frame: Option<Frame> = serde_json::from_slice(&bytes).ok();
    let pieces = frame.into_iter().flat_map(|frame| frame.pieces);
    pieces.filter_map(|piece| match piece {
        Piece::Content(hash) => Some(hash),
        Piece::Text(_) | Piece::Messages => None,
    })
}

/// Reads of which pieces replies consist: events by their numbers, with the transactions'.
async fn replies(tx: &mut Tx, ended: &HashMap<i64, i64>) -> Result<(), StoreError> {
    let sql = "SELECT number, coding, payload FROM conversation_events WHERE number IN $IN";
    let rows = tx.rows_in(sql, values(ended.keys())).await?;
    let mut pieces = Vec::new();
    for row in &rows {
        let event = payload(row, 1).and_then(|text| serde_json::from_slice::<Event>(&text).ok());
        let transaction = row.int(0).and_then(|number| ended.get(&number));
        if let (Some(What::Ended(ended)), Some(transaction)) =
            (event.map(|event| event.what), transaction)
        {
            let replies = [Some(&ended.reply), ended.provider_reply.as_ref()];
            let of_both = replies
                .into_iter()
                .flatten()
                .flat_map(crate::record::Reply::pieces);
            pieces.extend(of_both.map(|piece| (piece, *transaction)));
        }
    }
    insert(tx, REPLY, pieces).await
}

/// Notes who holds which contents.
async fn insert(tx: &mut Tx, kind: i64, uses: Vec<(ContentHash, i64)>) -> Result<(), StoreError> {
    let hashes: HashSet<ContentHash> = uses.iter().map(|(hash, _)| *hash).collect();
    let found = contents(tx, &hashes).await?;
    let rows: HashSet<(i64, i64)> = uses
        .iter()
        .filter_map(|(hash, holder)| Some((*found.get(hash)?, *holder)))
        .collect();
    let rows = rows.into_iter();
    let rows = rows.map(|(content, holder)| vec![content.into(), kind.into(), holder.into()]);
    tx.insert(&USES, rows.collect()).await
}

/// The numbers of contents, by their hashes.
pub(super) async fn contents(
    tx: &mut Tx,
    hashes: &HashSet<ContentHash>,
) -> Result<HashMap<ContentHash, i64>, StoreError> {
    let hashes: Vec<Value> = hashes.iter().map(Value::from).collect();
    let sql = "SELECT hash, number FROM contents WHERE hash IN $IN";
    let rows = tx.rows_in(sql, hashes).await?;
    let found = rows
        .iter()
        .filter_map(|row| Some((row.hash(0)?, row.int(1)?)));
    Ok(found.collect())
}

/// Those of these contents of which others are made.
pub(super) async fn used(tx: &mut Tx, of: &HashSet<i64>) -> Result<HashSet<i64>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT content_number FROM content_uses WHERE kind <> {READ} AND content_number IN $IN"
    );
    numbers(tx, &sql, of).await
}

/// The contents that these transactions have used, and forgets that they did.
pub(super) async fn of_transactions(
    tx: &mut Tx,
    gone: &HashSet<i64>,
) -> Result<HashSet<i64>, StoreError> {
    held_by(tx, REPLY, gone).await
}

/// The contents of which these were made; nothing is known of these any more.
pub(super) async fn of_contents(
    tx: &mut Tx,
    dead: &HashSet<i64>,
) -> Result<HashSet<i64>, StoreError> {
    let pieces = held_by(tx, PIECE, dead).await?;
    let sql = "DELETE FROM content_uses WHERE content_number IN $IN";
    tx.rows_in(sql, values(dead)).await?;
    Ok(pieces)
}

async fn held_by(
    tx: &mut Tx,
    kind: i64,
    holders: &HashSet<i64>,
) -> Result<HashSet<i64>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT content_number FROM content_uses WHERE kind = {kind} AND holder_number IN $IN"
    );
    let held = numbers(tx, &sql, holders).await?;
    let sql = format!("DELETE FROM content_uses WHERE kind = {kind} AND holder_number IN $IN");
    tx.rows_in(&sql, values(holders)).await?;
    Ok(held)
}

/// Numbers of events that are gone will be given out again: those are to be read.
pub(super) async fn step_back(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "UPDATE retention SET uses_read = (SELECT coalesce(max(number), 0) FROM conversation_events) \
        WHERE uses_read > (SELECT coalesce(max(number), 0) FROM conversation_events)";
    tx.execute(sql, Vec::new()).await?;
    Ok(())
}
