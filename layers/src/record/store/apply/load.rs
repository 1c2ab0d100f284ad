//! Reads what is there already of all that a batch speaks of.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    super::{
        StoreError, body, coding,
        engine::{Row, Tx, Value},
        rows::{SessionRow, TransactionRow, UserRow},
        said::Said,
    },
    batch::Gathered,
    project::gravity,
    state::{
        ContentState, MessageState, Need, NodeState, Numbers, OpenCall, Placed, Recent,
        SessionState, State, TransactionState,
    },
};
use crate::record::ContentHash;

/// How many of a session's transactions are looked at, to see from which a request goes on.
const RECENT: i64 = 6;

const NODES: &str = "SELECT n.number, n.hash, n.parent_number, n.root_number, n.message_number, n.depth, n.gap, \
    n.transaction_number, t.session_number, m.hash, m.said, m.ours, m.searchable, m.body IS NOT NULL, m.role \
    FROM nodes n LEFT JOIN transactions t ON t.number = n.transaction_number \
    LEFT JOIN messages m ON m.number = n.message_number";

pub(super) async fn numbers(tx: &mut Tx) -> Result<Numbers, StoreError> {
    let most = [
        "contents",
        "messages",
        "nodes",
        "sessions",
        "transactions",
        "conversation_events",
    ]
    .map(|table| format!("(SELECT max(number) FROM {table})"));
    let row = tx
        .row(format!("SELECT {}", most.join(", ")), Vec::new())
        .await?;
    let most = |at| row.as_ref().and_then(|row| row.int(at)).unwrap_or_default();
    Ok(Numbers {
        contents: most(0),
        messages: most(1),
        nodes: most(2),
        sessions: most(3),
        transactions: most(4),
        events: most(5),
    })
}

/// All that stands under a hash or an id of the batch.
pub(super) async fn load(tx: &mut Tx, batch: &Gathered<'_>) -> Result<State, StoreError> {
    let mut state = State {
        last: numbers(tx).await?,
        ..State::default()
    };
    contents(tx, &mut state, batch).await?;
    messages(tx, &mut state, &batch.message_hashes).await?;
    nodes(tx, &mut state, hashes(&batch.node_hashes), "n.hash").await?;
    transactions(tx, &mut state, batch).await?;
    users(tx, &mut state, batch).await?;
    Ok(state)
}

fn hashes(hashes: &BTreeSet<ContentHash>) -> Vec<Value> {
    // In order, so that nobody has to look all over an index.
    let mut hashes: Vec<_> = hashes.iter().collect();
    hashes.sort_unstable();
    hashes.into_iter().map(Value::from).collect()
}

async fn contents(tx: &mut Tx, state: &mut State, batch: &Gathered<'_>) -> Result<(), StoreError> {
    let sql = "SELECT number, hash, body IS NOT NULL FROM contents WHERE hash IN $IN";
    for row in tx.rows_in(sql, hashes(&batch.content_hashes)).await? {
        if let (Some(number), Some(hash)) = (row.int(0), row.hash(1)) {
            let has_body = row.flag(2).unwrap_or_default();
            state
                .contents
                .insert(hash, ContentState { number, has_body });
        }
    }
    let mut elsewhere = BTreeSet::new();
    for hash in &batch.reply_hashes {
        match batch.contents.get(hash) {
            Some(content) => {
                state.replies.insert(*hash, content.body.clone());
            }
            None => {
                elsewhere.insert(*hash);
            }
        }
    }
    let sql =
        "SELECT hash, coding, size, body FROM contents WHERE body IS NOT NULL AND hash IN $IN";
    for row in tx.rows_in(sql, hashes(&elsewhere)).await? {
        if let (Some(hash), Some(body)) = (row.hash(0), decoded(&row, 1)) {
            state.replies.insert(hash, body);
        }
    }
    Ok(())
}

/// A content's bytes, from its coding, size and body.
pub(in super::super) fn decoded(row: &Row, at: usize) -> Option<Bytes> {
    let size = usize::try_from(row.int(at + 1)?).ok()?;
    let body = coding::decode(row.int(at)?, row.bytes(at + 2)?, size).ok()?;
    Some(body.into())
}

/// The messages of these hashes.
pub(super) async fn messages(
    tx: &mut Tx,
    state: &mut State,
    of: &BTreeSet<ContentHash>,
) -> Result<(), StoreError> {
    let sql = "SELECT number, hash, said, ours, searchable, body IS NOT NULL, role FROM messages \
        WHERE hash IN $IN";
    let of = of
        .iter()
        .filter(|hash| !state.message_numbers.contains_key(hash))
        .copied();
    let of = hashes(&of.collect());
    for row in tx.rows_in(sql, of).await? {
        if let (Some(number), Some(hash)) = (row.int(0), row.hash(1)) {
            message(state, &row, number, hash, 2);
        }
    }
    Ok(())
}

/// Takes in a message, whose `said` and what follows stand in the columns from `at` on.
fn message(state: &mut State, row: &Row, number: i64, hash: ContentHash, at: usize) {
    state.message_numbers.insert(hash, number);
    state
        .messages
        .entry(number)
        .or_insert_with(|| MessageState {
            number,
            hash,
            said: row.bytes(at).and_then(Said::read),
            ours: row.flag(at + 1).unwrap_or_default(),
            searchable: row.flag(at + 2).unwrap_or_default(),
            has_body: row.flag(at + 3).unwrap_or_default(),
            role: row.string(at + 4).unwrap_or_default(),
            stored: None,
            loaded: None,
            is_kept: true,
        });
}

/// The nodes for which a column has one of these values, the roots of their trees, and their messages.
pub(super) async fn nodes(
    tx: &mut Tx,
    state: &mut State,
    values: Vec<Value>,
    column: &str,
) -> Result<(), StoreError> {
    let rows = tx
        .rows_in(&format!("{NODES} WHERE {column} IN $IN"), values)
        .await?;
    let roots: BTreeSet<i64> = rows.iter().filter_map(|row| node(state, row)).collect();
    let roots = roots
        .into_iter()
        .filter(|root| !state.nodes.contains_key(root));
    let roots: Vec<_> = roots.map(Value::from).collect();
    let rows = tx
        .rows_in(&format!("{NODES} WHERE n.number IN $IN"), roots)
        .await?;
    for row in &rows {
        node(state, row);
    }
    Ok(())
}

/// Takes in a node, and answers which is the root of its tree.
fn node(state: &mut State, row: &Row) -> Option<i64> {
    let (number, hash) = (row.int(0)?, row.hash(1)?);
    state.node_numbers.insert(hash, number);
    let root = row.int(3);
    let node = NodeState {
        hash,
        parent: row.int(2),
        root,
        message: row.int(4),
        depth: row.int(5),
        gap: row.bytes(6).map(<[u8]>::to_vec),
        transaction: row.int(7),
        session: row.int(8),
        is_changed: false,
    };
    if let (Some(number), Some(hash)) = (node.message, row.hash(9)) {
        message(state, row, number, hash, 10);
    }
    state.nodes.entry(number).or_insert(node);
    root
}

async fn transactions(
    tx: &mut Tx,
    state: &mut State,
    batch: &Gathered<'_>,
) -> Result<(), StoreError> {
    let ids = || {
        batch
            .transactions
            .iter()
            .map(|id| Value::from(&**id))
            .collect()
    };
    let columns: Vec<_> = TransactionRow::COLUMNS
        .iter()
        .map(|name| format!("t.{name}"))
        .collect();
    let sql = format!(
        "SELECT {}, s.session_id FROM transactions t LEFT JOIN sessions s ON s.number = t.session_number \
         WHERE t.transaction_id IN $IN",
        columns.join(", ")
    );
    let mut heads = Vec::new();
    for row in tx.rows_in(&sql, ids()).await? {
        let Some(known) = TransactionRow::read(&row, 0) else {
            continue;
        };
        heads.extend(known.head_number);
        let id = known.transaction_id.clone();
        let transaction = TransactionState {
            row: known,
            session: row.string(columns.len()),
            is_changed: false,
            verdicts: BTreeMap::new(),
        };
        state.transactions.insert(id, transaction);
    }
    if state.transactions.is_empty() {
        return Ok(());
    }
    heads.retain(|head| !state.nodes.contains_key(head));
    nodes(
        tx,
        state,
        heads.into_iter().map(Value::from).collect(),
        "n.number",
    )
    .await?;
    let sql = "SELECT transaction_id, block, outcome FROM policy_decisions \
        WHERE phase = 'tool_call' AND block IS NOT NULL AND transaction_id IN $IN";
    for row in tx.rows_in(sql, ids()).await? {
        let (Some(id), Some(block), Some(outcome)) = (row.text(0), row.int(1), row.text(2)) else {
            continue;
        };
        if let Some(transaction) = state.transactions.get_mut(id) {
            let verdict = transaction.verdicts.entry(block).or_default();
            if gravity(outcome) > gravity(verdict) {
                outcome.clone_into(verdict);
            }
        }
    }
    Ok(())
}

/// The events of the batch that are in the record.
pub(super) async fn events(
    tx: &mut Tx,
    state: &State,
) -> Result<BTreeSet<(String, i64)>, StoreError> {
    let ids = state
        .transactions
        .keys()
        .map(|id| Value::from(&**id))
        .collect();
    let sql =
        "SELECT transaction_id, sequence FROM conversation_events WHERE transaction_id IN $IN";
    let rows = tx.rows_in(sql, ids).await?;
    let events = rows
        .iter()
        .filter_map(|row| Some((row.string(0)?, row.int(1)?)));
    Ok(events.collect())
}

/// The transactions of the batch that were forgotten.
pub(super) async fn forgotten(
    tx: &mut Tx,
    state: &State,
    batch: &Gathered<'_>,
) -> Result<BTreeSet<String>, StoreError> {
    let new = batch
        .transactions
        .iter()
        .filter(|id| !state.transactions.contains_key(*id));
    let sql = "SELECT DISTINCT transaction_id FROM event_tombstones WHERE transaction_id IN $IN";
    let rows = tx
        .rows_in(sql, new.map(|id| Value::from(&**id)).collect())
        .await?;
    Ok(rows.iter().filter_map(|row| row.string(0)).collect())
}

async fn users(tx: &mut Tx, state: &mut State, batch: &Gathered<'_>) -> Result<(), StoreError> {
    let known = state
        .transactions
        .values()
        .filter_map(|known| known.row.user_id.clone());
    let users: BTreeSet<_> = batch.users.iter().cloned().chain(known).collect();
    let users = users.into_iter().map(Value::from).collect();
    let sql = format!(
        "SELECT {} FROM users WHERE user_id IN $IN",
        UserRow::COLUMNS.join(", ")
    );
    for row in tx.rows_in(&sql, users).await? {
        if let Some(user) = UserRow::read(&row, 0) {
            state.users.insert(user.user_id.clone(), user);
        }
    }
    Ok(())
}

/// The sessions of these names, with what happened in them last.
pub(super) async fn sessions(
    tx: &mut Tx,
    state: &mut State,
    names: BTreeSet<String>,
) -> Result<(), StoreError> {
    let names = names.into_iter().map(Value::from).collect();
    let columns = SessionRow::COLUMNS.join(", ");
    let sql = format!("SELECT {columns} FROM sessions WHERE session_id IN $IN");
    let mut found = Vec::new();
    for row in tx.rows_in(&sql, names).await? {
        let Some(session) = SessionRow::read(&row, 0) else {
            continue;
        };
        found.push((session.session_id.clone(), session.number));
        let known = SessionState {
            is_new: false,
            is_changed: false,
            recent: Vec::new(),
            open: Vec::new(),
            seen: None,
            row: session,
        };
        state.sessions.insert(known.row.session_id.clone(), known);
    }
    let condition = format!("t.session_number = $1 ORDER BY t.number DESC LIMIT {RECENT}");
    let mut recent = Vec::new();
    for (name, number) in found {
        for row in recent_rows(tx, &condition, number).await? {
            recent.push((name.clone(), row));
        }
    }
    add_recent(tx, state, recent).await
}

async fn recent_rows(tx: &mut Tx, condition: &str, value: i64) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT t.number, t.transaction_id, t.head_number, m.said, t.follows_number, t.shared_messages FROM transactions t \
         LEFT JOIN nodes n ON n.number = t.head_number LEFT JOIN nodes r ON r.number = n.root_number \
         LEFT JOIN messages m ON m.number = r.message_number WHERE {condition}"
    );
    tx.rows(sql, vec![value.into()]).await
}

/// Takes in transactions of sessions, with their replies and the calls that wait for results.
async fn add_recent(
    tx: &mut Tx,
    state: &mut State,
    rows: Vec<(String, Row)>,
) -> Result<(), StoreError> {
    let mut replies: BTreeMap<i64, Vec<Placed>> = BTreeMap::new();
    let numbers = rows
        .iter()
        .filter_map(|(_, row)| row.int(0))
        .map(Value::from);
    let sql = "SELECT p.transaction_number, m.number, m.hash, m.said, m.ours, m.searchable, m.body IS NOT NULL, m.role \
        FROM transaction_messages p JOIN messages m ON m.number = p.message_number \
        WHERE p.is_reply AND p.transaction_number IN $IN ORDER BY p.transaction_number, p.place";
    for row in tx.rows_in(sql, numbers.collect()).await? {
        if let (Some(transaction), Some(number), Some(hash)) = (row.int(0), row.int(1), row.hash(2))
        {
            message(state, &row, number, hash, 3);
            replies.entry(transaction).or_default().push(Placed {
                message: number,
                said: row.bytes(3).and_then(Said::read),
                ours: row.flag(4).unwrap_or_default(),
            });
        }
    }
    let mut calls: BTreeMap<String, Vec<OpenCall>> = BTreeMap::new();
    let ids = rows
        .iter()
        .filter_map(|(_, row)| row.string(1))
        .map(Value::from);
    let sql = "SELECT transaction_id, place, call_id FROM tool_calls \
        WHERE result_message_number IS NULL AND call_id IS NOT NULL AND transaction_id IN $IN";
    for row in tx.rows_in(sql, ids.collect()).await? {
        if let (Some(id), Some(place), Some(call_id)) = (row.string(0), row.int(1), row.string(2)) {
            let call = OpenCall {
                transaction_id: id.clone(),
                place,
                call_id,
            };
            calls.entry(id).or_default().push(call);
        }
    }
    for (name, row) in rows {
        let (Some(session), Some(number)) = (state.sessions.get_mut(&name), row.int(0)) else {
            continue;
        };
        let open = row.text(1).and_then(|id| calls.remove(id));
        session.open.extend(open.unwrap_or_default());
        let recent = Recent {
            number,
            head: row.int(2),
            follows: row.int(4),
            shared: row.int(5).unwrap_or_default(),
            root_said: row.bytes(3).and_then(Said::read),
            reply: replies.remove(&number).unwrap_or_default(),
        };
        let behind = session
            .recent
            .partition_point(|recent| recent.number < number);
        session.recent.insert(behind, recent);
    }
    Ok(())
}

/// Reads what turned out to be needed.
pub(super) async fn need(tx: &mut Tx, state: &mut State, need: Need) -> Result<(), StoreError> {
    match need {
        Need::Path(node_number, depth) => {
            let sql = format!(
                "WITH RECURSIVE way (number, parent_number) AS ( \
                 SELECT number, parent_number FROM nodes WHERE number = $1 \
                 UNION ALL SELECT n.number, n.parent_number FROM nodes n \
                 JOIN way w ON n.number = w.parent_number WHERE n.depth >= $2) \
                 {NODES} WHERE n.number IN (SELECT number FROM way)"
            );
            for row in tx.rows(sql, vec![node_number.into(), depth.into()]).await? {
                node(state, &row);
            }
            // One that is not there has nothing before it.
            state.nodes.entry(node_number).or_insert_with(|| NodeState {
                hash: ContentHash::NONE,
                parent: None,
                root: None,
                message: None,
                depth: None,
                gap: None,
                transaction: None,
                session: None,
                is_changed: false,
            });
        }
        Need::Recent(name, number) => {
            let rows = recent_rows(tx, "t.number = $1", number).await?;
            let rows: Vec<_> = rows.into_iter().map(|row| (name.clone(), row)).collect();
            if rows.is_empty() {
                // It is gone, but must not be asked for again.
                let gone = Recent {
                    number,
                    head: None,
                    follows: None,
                    shared: 0,
                    root_said: None,
                    reply: Vec::new(),
                };
                if let Some(session) = state.sessions.get_mut(&name) {
                    session.recent.insert(0, gone);
                }
            }
            add_recent(tx, state, rows).await?;
        }
        Need::Bodies(numbers) => {
            let sql = format!(
                "SELECT {}, m.number FROM messages m WHERE m.number IN $IN",
                body::COLUMNS
            );
            let numbers = numbers.into_iter().map(Value::from).collect();
            for row in tx.rows_in(&sql, numbers).await? {
                let message = row
                    .int(5)
                    .and_then(|number| state.messages.get_mut(&number));
                if let Some(message) = message {
                    message.loaded = body::document(&row, 0);
                    // Nor is there more to be had if that was no JSON.
                    message.has_body = message.loaded.is_some();
                }
            }
        }
        Need::Seen(name) => {
            let Some(session) = state.sessions.get_mut(&name) else {
                return Ok(());
            };
            let sql = "SELECT p.place, p.message_number FROM transactions t \
                JOIN transaction_messages p ON p.transaction_number = t.number WHERE t.session_number = $1";
            let rows = tx.rows(sql, vec![session.row.number.into()]).await?;
            let seen = rows
                .iter()
                .filter_map(|row| Some((row.int(0)?, row.int(1)?)));
            session.seen = Some(seen.collect());
        }
    }
    Ok(())
}
