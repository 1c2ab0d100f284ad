//! Writes all that has come.

use super::{
    super::{
        StoreError, blocks, body,
        coding::Coder,
        engine::{Engine, Insert, Tx, Value},
        rows::{CallRow, DecisionRow, EventRow, SessionRow, TransactionRow, UserRow},
        words::Words,
    },
    batch::Gathered,
    clean::int,
    state::{Changes, MessageState, NodeState, State},
};

const CONTENTS: Insert<'static> = Insert {
    table: "contents",
    columns: &["number", "hash", "coding", "size", "body"],
    then: "ON CONFLICT (hash) DO UPDATE SET coding = excluded.coding, size = excluded.size, body = excluded.body \
        WHERE contents.body IS NULL",
};

const MESSAGES: Insert<'static> = Insert {
    table: "messages",
    columns: &[
        "number",
        "hash",
        "role",
        "body_json",
        "media",
        "raw",
        "coding",
        "said",
        "ours",
        "searchable",
    ],
    then: "ON CONFLICT (number) DO UPDATE SET hash = excluded.hash, role = excluded.role, body = excluded.body, \
        media = excluded.media, raw = excluded.raw, coding = excluded.coding, said = excluded.said, \
        ours = excluded.ours, searchable = excluded.searchable",
};

const NODES: Insert<'static> = Insert {
    table: "nodes",
    columns: &[
        "number",
        "hash",
        "parent_number",
        "root_number",
        "message_number",
        "depth",
        "gap",
        "transaction_number",
    ],
    then: "ON CONFLICT (number) DO UPDATE SET parent_number = excluded.parent_number, \
        root_number = excluded.root_number, message_number = excluded.message_number, depth = excluded.depth, \
        gap = excluded.gap, transaction_number = excluded.transaction_number",
};

const PLACED: Insert<'static> = Insert {
    table: "transaction_messages",
    columns: &["transaction_number", "place", "message_number", "is_reply"],
    then: "ON CONFLICT (transaction_number, place) DO NOTHING",
};

const EVENTS: Insert<'static> = Insert {
    table: "conversation_events",
    columns: &[
        "number",
        "transaction_id",
        "sequence",
        "event",
        "at",
        "coding",
        "payload",
        "writer_number",
        "link_number",
        "hash",
    ],
    then: "ON CONFLICT (transaction_id, sequence) DO NOTHING",
};

const DECISIONS: Insert<'static> = Insert {
    table: "policy_decisions",
    columns: DecisionRow::COLUMNS,
    then: "ON CONFLICT (transaction_id, sequence) DO NOTHING",
};

const CALLS: Insert<'static> = Insert {
    table: "tool_calls",
    columns: CallRow::COLUMNS,
    then: "ON CONFLICT (transaction_id, place) DO NOTHING",
};

pub(super) async fn write(
    tx: &mut Tx,
    mut state: State,
    batch: &Gathered<'_>,
    writer: i64,
    coder: &mut Coder,
) -> Result<(), StoreError> {
    let changes = std::mem::take(&mut state.changes);
    let found = words(tx, &state, &changes).await?;
    let sessions = state.sessions.values().filter(|session| session.is_changed);
    let sessions = sessions.map(|session| session.row.values()).collect();
    replace(tx, "sessions", SessionRow::COLUMNS, "number", sessions).await?;
    let users = state.users.values().map(UserRow::values).collect();
    replace(tx, "users", UserRow::COLUMNS, "user_id", users).await?;
    let transactions = state.transactions.values().filter(|known| known.is_changed);
    let transactions = in_order(transactions.map(|known| known.row.values()));
    replace(
        tx,
        "transactions",
        TransactionRow::COLUMNS,
        "number",
        transactions,
    )
    .await?;
    contents(tx, &state, batch, coder).await?;
    repeated(tx, &state, &changes).await?;
    let new = |message: &&MessageState| {
        !message.is_kept || (message.stored.is_some() && !message.has_body)
    };
    let messages = state.messages.values().filter(new).map(message);
    tx.insert(&MESSAGES, in_order(messages)).await?;
    let nodes = state.nodes.iter().filter(|(_, node)| node.is_changed);
    let nodes = nodes.map(|(number, known)| node(*number, known));
    tx.insert(&NODES, in_order(nodes)).await?;
    let replaced = changes.replaced.clone();
    rest(tx, &state, changes, writer, coder).await?;
    let insert = match tx.engine() {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => Insert {
            table: "message_words",
            columns: &["rowid", "words"],
            then: "",
        },
        #[cfg(feature = "postgres")]
        Engine::Postgres => Insert {
            table: "message_words",
            columns: &["message_number", "words"],
            then: "ON CONFLICT (message_number) DO NOTHING",
        },
    };
    tx.insert(&insert, found).await?;
    for (ours, theirs) in replaced {
        take_places(tx, ours, theirs).await?;
    }
    Ok(())
}

/// Puts a message that repeats one of ours into all its places, of which there are few, and takes ours away.
async fn take_places(tx: &mut Tx, ours: i64, theirs: i64) -> Result<(), StoreError> {
    let calls = "UPDATE tool_calls SET message_number = $2 WHERE message_number = $1 AND transaction_id IN \
        (SELECT t.transaction_id FROM transaction_messages p \
        JOIN transactions t ON t.number = p.transaction_number WHERE p.message_number = $1)";
    let places = "UPDATE transaction_messages SET message_number = $2 WHERE message_number = $1";
    for sql in [calls, places] {
        tx.execute(sql, vec![ours.into(), theirs.into()]).await?;
    }
    let column = match tx.engine() {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => "rowid",
        #[cfg(feature = "postgres")]
        Engine::Postgres => "message_number",
    };
    let words = format!("DELETE FROM message_words WHERE {column} = $1");
    tx.execute(words, vec![ours.into()]).await?;
    let sql = "DELETE FROM messages WHERE number = $1";
    tx.execute(sql, vec![ours.into()]).await?;
    Ok(())
}

/// Rows in the order of their numbers, the first column.
fn in_order(rows: impl Iterator<Item = Vec<Value>>) -> Vec<Vec<Value>> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| match row.first() {
        Some(Value::Int(number)) => *number,
        _ => None,
    });
    rows
}

/// Inserts rows, or writes all their columns anew.
async fn replace(
    tx: &mut Tx,
    table: &'static str,
    columns: &'static [&'static str],
    key: &str,
    rows: Vec<Vec<Value>>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sets: Vec<_> = columns
        .iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let then = format!("ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(", "));
    tx.insert(
        &Insert {
            table,
            columns,
            then: &then,
        },
        rows,
    )
    .await
}

async fn contents(
    tx: &mut Tx,
    state: &State,
    batch: &Gathered<'_>,
    coder: &mut Coder,
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (hash, known) in state.contents.iter().filter(|(_, known)| !known.has_body) {
        let (mut coding, mut size, mut body) = (0, None, None);
        if let Some(content) = batch.contents.get(hash) {
            let (with, coded) = coder.code(&content.body);
            (coding, size, body) = (
                with,
                Some(int(content.body.len() as u64)),
                Some(coded.into_owned()),
            );
        }
        rows.push(vec![
            known.number.into(),
            hash.into(),
            coding.into(),
            size.into(),
            body.into(),
        ]);
    }
    tx.insert(&CONTENTS, in_order(rows.into_iter())).await
}

fn message(message: &MessageState) -> Vec<Value> {
    let stored = message.stored.as_ref();
    let raw = stored.and_then(|stored| stored.raw.clone());
    let (coding, raw) = raw.map_or((0, None), |(coding, raw)| (coding, Some(raw)));
    vec![
        message.number.into(),
        (&message.hash).into(),
        (!message.role.is_empty())
            .then(|| message.role.replace('\0', "\u{FFFD}"))
            .into(),
        stored.map(|stored| stored.body.clone()).into(),
        stored.and_then(|stored| stored.media.clone()).into(),
        raw.into(),
        coding.into(),
        message.said.map(|said| said.bytes().to_vec()).into(),
        message.ours.into(),
        message.searchable.into(),
    ]
}

fn node(number: i64, node: &NodeState) -> Vec<Value> {
    vec![
        number.into(),
        (&node.hash).into(),
        node.parent.into(),
        node.root.into(),
        node.message.into(),
        node.depth.into(),
        node.gap.clone().into(),
        node.transaction.into(),
    ]
}

/// Messages of ours that their clients have said again: theirs take their places.
async fn repeated(tx: &mut Tx, state: &State, changes: &Changes) -> Result<(), StoreError> {
    let messages = changes
        .repeated
        .iter()
        .filter_map(|number| state.messages.get(number));
    let rows = messages.map(message).collect();
    tx.insert(&MESSAGES, rows).await?;
    // Those that were there without being found: a fork of a conversation, most often.
    let kept = changes.searchable.iter().filter(|number| {
        state
            .messages
            .get(number)
            .is_some_and(|message| message.is_kept && message.has_body)
    });
    let kept: Vec<_> = kept.map(|number| Value::from(*number)).collect();
    let flag = match tx.engine() {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => "1",
        #[cfg(feature = "postgres")]
        Engine::Postgres => "TRUE",
    };
    let sql = format!("UPDATE messages SET searchable = {flag} WHERE number IN $IN");
    tx.rows_in(&sql, kept).await?;
    Ok(())
}

async fn rest(
    tx: &mut Tx,
    state: &State,
    changes: Changes,
    writer: i64,
    coder: &mut Coder,
) -> Result<(), StoreError> {
    let placed = changes
        .placed
        .into_iter()
        .map(|(transaction, place, message, is_reply)| {
            vec![
                transaction.into(),
                place.into(),
                message.into(),
                is_reply.into(),
            ]
        });
    tx.insert(&PLACED, placed.collect()).await?;
    let decisions = changes.decisions.iter().map(DecisionRow::values);
    tx.insert(&DECISIONS, decisions.collect()).await?;
    let calls = changes.calls.iter().map(CallRow::values);
    tx.insert(&CALLS, calls.collect()).await?;
    for (transaction, place, message) in changes.results {
        let sql = "UPDATE tool_calls SET result_message_number = $3 WHERE transaction_id = $1 AND place = $2";
        tx.execute(sql, vec![transaction.into(), place.into(), message.into()])
            .await?;
    }
    let mut number = state.last.events;
    let mut events = Vec::new();
    for event in changes.events {
        number += 1;
        events.push(event_values(number, event, writer, coder));
    }
    tx.insert(&EVENTS, events).await
}

fn event_values(number: i64, event: EventRow, writer: i64, coder: &mut Coder) -> Vec<Value> {
    let (coding, payload) = coder.code(&event.payload);
    // As above: the length goes before what is coded.
    let mut coded = Vec::with_capacity(payload.len() + 4);
    if coding != 0 {
        let length = u32::try_from(event.payload.len()).unwrap_or(u32::MAX);
        coded.extend_from_slice(&length.to_le_bytes());
    }
    coded.extend_from_slice(&payload);
    vec![
        number.into(),
        event.transaction_id.into(),
        event.sequence.into(),
        event.event.into(),
        event.at.into(),
        coding.into(),
        coded.into(),
        writer.into(),
        event.link_number.into(),
        event.hash.into(),
    ]
}

/// The words of the messages that are to be found from now on.
async fn words(
    tx: &mut Tx,
    state: &State,
    changes: &Changes,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let mut rows = Vec::new();
    let mut elsewhere = Vec::new();
    for number in &changes.searchable {
        let message = state.messages.get(number);
        let stored = message.and_then(|message| message.stored.as_ref());
        match stored {
            Some(stored) => rows.extend(row(*number, stored.document.as_ref())),
            None => elsewhere.push(Value::from(*number)),
        }
    }
    let sql = format!(
        "SELECT {}, m.number FROM messages m WHERE m.number IN $IN",
        body::COLUMNS
    );
    for found in tx.rows_in(&sql, elsewhere).await? {
        if let Some(number) = found.int(5) {
            rows.extend(row(number, body::document(&found, 0).as_ref()));
        }
    }
    Ok(in_order(rows.into_iter()))
}

fn row(number: i64, document: Option<&luthien_core::json::Document>) -> Option<Vec<Value>> {
    let mut words = Words::default();
    for block in blocks::blocks(document?) {
        let texts = [block.tool_name, block.text];
        for text in texts.into_iter().flatten() {
            words.add(&text);
        }
    }
    Some(vec![number.into(), words.joined()?.into()])
}
