//! What nobody needs any more: nodes, messages, contents.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        StoreError,
        engine::{Engine, Row, Tx, Value},
    },
    Forgotten, uses, values,
};
use crate::record::{ContentHash, Medium};

/// What may have become superfluous.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Last nodes of requests: all on their ways is looked at.
    pub(super) heads: HashSet<i64>,
    pub(super) messages: HashSet<i64>,
    pub(super) contents: HashSet<i64>,
}

/// A node on the way to a head.
struct Step {
    parent: Option<i64>,
    message: Option<i64>,
    transaction: Option<i64>,
}

/// Deletes what is superfluous, once the transactions `gone` are deleted.
pub(super) async fn collect(
    tx: &mut Tx,
    mut candidates: Candidates,
    gone: &HashSet<i64>,
) -> Result<Forgotten, StoreError> {
    let nodes = nodes(tx, &mut candidates, gone).await?;
    let messages = messages(tx, &mut candidates).await?;
    let gone_uses = uses::of_transactions(tx, gone).await?;
    candidates.contents.extend(gone_uses);
    let mut contents = 0;
    // What is deleted may have been made of others.
    while !candidates.contents.is_empty() {
        let dead = superfluous(tx, std::mem::take(&mut candidates.contents)).await?;
        candidates.contents = uses::of_contents(tx, &dead).await?;
        contents += delete(tx, "contents", "number", &dead).await?;
    }
    if nodes + messages + contents > 0 {
        let sql = "UPDATE retention SET forgettings = forgettings + 1";
        tx.execute(sql, Vec::new()).await?;
    }
    Ok(Forgotten {
        nodes,
        messages,
        contents,
        ..Forgotten::default()
    })
}

async fn delete(
    tx: &mut Tx,
    table: &str,
    column: &str,
    numbers: &HashSet<i64>,
) -> Result<u64, StoreError> {
    let sql = format!("DELETE FROM {table} WHERE {column} IN $IN");
    tx.rows_in(&sql, values(numbers)).await?;
    Ok(numbers.len() as u64)
}

/// The first columns of all rows that a statement answers for these numbers.
pub(super) async fn numbers(
    tx: &mut Tx,
    sql: &str,
    of: &HashSet<i64>,
) -> Result<HashSet<i64>, StoreError> {
    let rows = tx.rows_in(sql, values(of)).await?;
    Ok(rows.iter().filter_map(|row| row.int(0)).collect())
}

async fn nodes(
    tx: &mut Tx,
    candidates: &mut Candidates,
    gone: &HashSet<i64>,
) -> Result<u64, StoreError> {
    let sql = "WITH RECURSIVE way (number, parent_number, message_number, transaction_number) AS ( \
        SELECT number, parent_number, message_number, transaction_number FROM nodes WHERE number IN $IN \
        UNION SELECT n.number, n.parent_number, n.message_number, n.transaction_number FROM nodes n \
        JOIN way w ON n.number = w.parent_number) \
        SELECT number, parent_number, message_number, transaction_number FROM way";
    let rows = tx.rows_in(sql, values(&candidates.heads)).await?;
    let steps = rows.iter().filter_map(|row| {
        let step = Step {
            parent: row.int(1),
            message: row.int(2),
            transaction: row.int(3),
        };
        Some((row.int(0)?, step))
    });
    let steps: HashMap<i64, Step> = steps.collect();
    let needed = needed(tx, &steps).await?;
    let dead: HashSet<i64> = steps
        .keys()
        .filter(|number| !needed.contains_key(number))
        .copied()
        .collect();
    let messages = steps.iter().filter(|(number, _)| dead.contains(number));
    let messages = messages.filter_map(|(_, step)| step.message);
    candidates.messages.extend(messages);
    // What was brought by somebody who is gone belongs to whoever has it next.
    for (number, owner) in needed {
        let step = steps.get(&number);
        if step.is_some_and(|step| step.transaction.is_some_and(|by| gone.contains(&by))) {
            let sql = "UPDATE nodes SET transaction_number = $2 WHERE number = $1";
            tx.execute(sql, vec![number.into(), owner.into()]).await?;
        }
    }
    delete(tx, "nodes", "number", &dead).await
}

/// The nodes that somebody needs, with the first transaction on whose way they are.
async fn needed(
    tx: &mut Tx,
    steps: &HashMap<i64, Step>,
) -> Result<HashMap<i64, Option<i64>>, StoreError> {
    let asked = "SELECT head_number, min(number) FROM transactions WHERE head_number IN $IN GROUP BY head_number";
    let sent = "SELECT DISTINCT sent_head_number, CAST(NULL AS BIGINT) FROM transactions WHERE sent_head_number IN $IN";
    let children =
        "SELECT parent_number, transaction_number, number FROM nodes WHERE parent_number IN $IN";
    let mut ends = Vec::new();
    for sql in [asked, sent, children] {
        let rows = tx.rows_in(sql, values(steps.keys())).await?;
        let others = rows
            .iter()
            .filter(|row| !row.int(2).is_some_and(|child| steps.contains_key(&child)));
        ends.extend(others.filter_map(|row| Some((row.int(0)?, row.int(1)))));
    }
    let mut needed: HashMap<i64, Option<i64>> = HashMap::new();
    for (end, owner) in ends {
        let mut at = Some(end);
        while let Some((number, step)) = at.and_then(|at| Some((at, steps.get(&at)?))) {
            let known = needed.get(&number).copied();
            let first = [known.flatten(), owner].into_iter().flatten().min();
            // From here on it is known already.
            if known == Some(first) {
                break;
            }
            needed.insert(number, first);
            at = step.parent;
        }
    }
    Ok(needed)
}

async fn messages(tx: &mut Tx, candidates: &mut Candidates) -> Result<u64, StoreError> {
    let mut dead = std::mem::take(&mut candidates.messages);
    for table in ["nodes", "transaction_messages"] {
        let sql =
            format!("SELECT DISTINCT message_number FROM {table} WHERE message_number IN $IN");
        let needed = numbers(tx, &sql, &dead).await?;
        dead.retain(|number| !needed.contains(number));
    }
    let sql = "SELECT media FROM messages WHERE media IS NOT NULL AND number IN $IN";
    let rows = tx.rows_in(sql, values(&dead)).await?;
    let media: HashSet<ContentHash> = rows.iter().flat_map(media).collect();
    let media = media.iter().map(Value::from).collect();
    let sql = "SELECT number FROM contents WHERE hash IN $IN";
    let rows = tx.rows_in(sql, media).await?;
    let media = rows.iter().filter_map(|row| row.int(0));
    candidates.contents.extend(media);
    let column = match tx.engine() {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => "rowid",
        #[cfg(feature = "postgres")]
        Engine::Postgres => "message_number",
    };
    delete(tx, "message_words", column, &dead).await?;
    delete(tx, "messages", "number", &dead).await
}

fn media(row: &Row) -> Vec<ContentHash> {
    let media = row.text(0).and_then(|text| serde_json::from_str(text).ok());
    let media: Vec<Medium> = media.unwrap_or_default();
    media.into_iter().map(|medium| medium.content).collect()
}

/// Those contents that nobody needs.
async fn superfluous(tx: &mut Tx, mut dead: HashSet<i64>) -> Result<HashSet<i64>, StoreError> {
    for column in [
        "frame_number",
        "sent_frame_number",
        "reply_number",
        "provider_reply_number",
    ] {
        let sql = format!("SELECT DISTINCT {column} FROM transactions WHERE {column} IN $IN");
        let needed = numbers(tx, &sql, &dead).await?;
        dead.retain(|number| !needed.contains(number));
    }
    let needed = uses::used(tx, &dead).await?;
    dead.retain(|number| !needed.contains(number));
    if dead.is_empty() {
        return Ok(dead);
    }
    // Few messages hold something large, and of those only the list of it is read.
    let sql = "SELECT media FROM messages WHERE media IS NOT NULL";
    let rows = tx.rows(sql, Vec::new()).await?;
    if !rows.is_empty() {
        let media: HashSet<ContentHash> = rows.iter().flat_map(media).collect();
        let sql = "SELECT number, hash FROM contents WHERE number IN $IN";
        for row in tx.rows_in(sql, values(&dead)).await? {
            if let (Some(number), Some(hash)) = (row.int(0), row.hash(1))
                && media.contains(&hash)
            {
                dead.remove(&number);
            }
        }
    }
    Ok(dead)
}
