//! Requests and replies, byte for byte; and messages, as they can be read.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::{
    super::{
        StoreError,
        apply::load::decoded,
        blocks::{self, Block},
        body,
        engine::{Row, Tx, Value},
        sealed::Begin,
    },
    Side,
    transactions::payload,
};
use crate::record::{ContentHash, Event, Frame, Message, Node, Parts, Piece, Request, What, join};

/// A message as it can be read.
#[derive(Clone, Debug)]
pub(super) struct Readable {
    pub(super) role: Option<String>,
    pub(super) blocks: Vec<Block>,
}

/// What these messages say, by their numbers.
pub(super) async fn messages(
    tx: &mut Tx,
    numbers: HashSet<i64>,
) -> Result<HashMap<i64, Readable>, StoreError> {
    let sql = format!(
        "SELECT {}, m.number, m.role FROM messages m WHERE m.number IN $IN",
        body::COLUMNS
    );
    let numbers = numbers.into_iter().map(Value::from).collect();
    let rows = tx.rows_in(&sql, numbers).await?;
    let messages = rows.iter().filter_map(|row| {
        let document = body::document(row, 0);
        let readable = Readable {
            role: row.string(6),
            blocks: document.as_ref().map(blocks::blocks).unwrap_or_default(),
        };
        Some((row.int(5)?, readable))
    });
    Ok(messages.collect())
}

pub(in super::super) async fn request(
    store: &(impl Begin + ?Sized),
    id: &str,
    side: Side,
) -> Result<Bytes, StoreError> {
    let mut tx = store.read().await?;
    let events = events(&mut tx, id, &["request_received", "request_changed"]).await?;
    let (mut received, mut changed) = (None, None);
    for event in events {
        match event.what {
            What::RequestReceived(asked) => received = asked.request,
            What::RequestChanged(request) => changed = Some(request),
            _ => {}
        }
    }
    let request = match side {
        Side::Provider => changed.or(received),
        Side::Client => received,
    };
    let request = request.ok_or_else(|| StoreError::Missing(format!("the request {id}")))?;
    let parts = parts(&mut tx, &request).await?;
    tx.commit().await?;
    Ok(join(&request, &parts)?)
}

pub(in super::super) async fn reply(
    store: &(impl Begin + ?Sized),
    id: &str,
    side: Side,
) -> Result<Bytes, StoreError> {
    let missing = || StoreError::Missing(format!("the reply {id}"));
    let mut tx = store.read().await?;
    let events = events(&mut tx, id, &["ended"]).await?;
    let ended = events.into_iter().find_map(|event| match event.what {
        What::Ended(ended) => Some(ended),
        _ => None,
    });
    let ended = ended.ok_or_else(missing)?;
    let reply = match (side, &ended.provider_reply) {
        (Side::Provider, Some(reply)) => reply,
        _ => &ended.reply,
    };
    let mut bytes = Vec::new();
    for piece in reply.pieces() {
        let sql = "SELECT coding, size, body FROM contents WHERE hash = $1";
        let row = tx
            .row(sql.to_owned(), vec![piece.bytes().to_vec().into()])
            .await?;
        bytes.push(row.and_then(|row| decoded(&row, 0)).ok_or_else(missing)?);
    }
    tx.commit().await?;
    match bytes.as_slice() {
        [] => Err(missing()),
        [only] => Ok(only.clone()),
        pieces => Ok(pieces.concat().into()),
    }
}

/// The events of a transaction that have one of these names.
async fn events(tx: &mut Tx, id: &str, names: &[&str]) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT event, coding, payload FROM conversation_events WHERE transaction_id = $1 ORDER BY sequence";
    let rows = tx.rows(sql, vec![id.into()]).await?;
    let wanted = rows
        .iter()
        .filter(|row| row.text(0).is_some_and(|name| names.contains(&name)));
    let events = wanted.filter_map(|row| serde_json::from_slice(&payload(row, 1)?).ok());
    Ok(events.collect())
}

/// All that a request is put together of.
async fn parts(tx: &mut Tx, request: &Request) -> Result<Parts, StoreError> {
    let mut parts = Parts::default();
    if let Some(head) = request.head {
        parts.path = path(tx, head).await?;
    }
    let media = parts.path.iter().flat_map(|(_, message)| &message.media);
    let mut wanted: HashSet<_> = media.map(|medium| medium.content).collect();
    if let Some(frame) = request.frame {
        contents(tx, HashSet::from([frame]), &mut parts.contents).await?;
        let frame = parts.contents.get(&frame);
        let frame: Option<Frame> = frame.and_then(|frame| serde_json::from_slice(frame).ok());
        let pieces = frame.into_iter().flat_map(|frame| frame.pieces);
        wanted.extend(pieces.filter_map(|piece| match piece {
            Piece::Content(hash) => Some(hash),
            Piece::Text(_) | Piece::Messages => None,
        }));
    }
    contents(tx, wanted, &mut parts.contents).await?;
    Ok(parts)
}

async fn contents(
    tx: &mut Tx,
    hashes: HashSet<ContentHash>,
    found: &mut HashMap<ContentHash, Bytes>,
) -> Result<(), StoreError> {
    let sql =
        "SELECT coding, size, body, hash FROM contents WHERE body IS NOT NULL AND hash IN $IN";
    let hashes = hashes.iter().map(Value::from).collect();
    for row in tx.rows_in(sql, hashes).await? {
        if let (Some(bytes), Some(hash)) = (decoded(&row, 0), row.hash(3)) {
            found.insert(hash, bytes);
        }
    }
    Ok(())
}

/// The way from the first message to this node.
async fn path(tx: &mut Tx, head: ContentHash) -> Result<Vec<(Node, Message)>, StoreError> {
    let sql = format!(
        "WITH RECURSIVE way (number, parent_number) AS ( \
         SELECT number, parent_number FROM nodes WHERE hash = $1 \
         UNION ALL SELECT n.number, n.parent_number FROM nodes n JOIN way w ON n.number = w.parent_number) \
         SELECT {}, n.hash, n.depth, n.gap, p.hash \
         FROM way w JOIN nodes n ON n.number = w.number LEFT JOIN nodes p ON p.number = n.parent_number \
         LEFT JOIN messages m ON m.number = n.message_number ORDER BY n.depth",
        body::COLUMNS
    );
    let rows = tx.rows(sql, vec![(&head).into()]).await?;
    let missing = || StoreError::Missing(format!("a message before {head}"));
    rows.iter()
        .map(|row| step(row).ok_or_else(missing))
        .collect()
}

fn step(row: &Row) -> Option<(Node, Message)> {
    let message = body::stored(row, 0)?;
    let gap = match row.bytes(7) {
        Some(gap) => Some(str::from_utf8(gap).ok()?.into()),
        None => None,
    };
    let node = Node {
        id: row.hash(5)?,
        parent: row.hash(8).unwrap_or(ContentHash::NONE),
        message: message.hash,
        depth: u32::try_from(row.int(6)?).ok()?,
        gap,
    };
    Some((node, message))
}
