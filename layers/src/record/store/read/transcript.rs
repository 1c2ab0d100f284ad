//! A conversation as turns.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{
    super::{
        StoreError,
        blocks::Block,
        engine::{Tx, Value},
        rows::{DecisionRow, TransactionRow},
        sealed::Begin,
    },
    bytes::messages,
    cursor::{Cursor, MOST, Page},
    transactions::{self, Call},
};

/// What is new in an exchange.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    /// In short.
    #[serde(flatten)]
    pub row: TransactionRow,
    /// The exchange that it goes on from. `None` if it begins something: a conversation, a sub-agent, what is left after a
    /// compaction.
    pub follows: Option<String>,
    /// Whether it goes on from all that was said there; otherwise it leaves that way before its end: a rewind, or the same
    /// request once more.
    pub continues: bool,
    /// The messages that its request adds, and those of its reply.
    pub messages: Vec<Said>,
    /// What policies decided.
    pub decisions: Vec<DecisionRow>,
    /// The calls of the reply, with their results.
    pub calls: Vec<Call>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Its place in the conversation.
    pub place: i64,
    /// Whether it is of the reply.
    pub is_reply: bool,
    /// Who speaks.
    pub role: Option<String>,
    /// What. Empty if it is gone.
    pub blocks: Vec<Block>,
}

/// From which end a transcript is read. Pages are in the order of the conversation either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first page is that of its beginning.
    Start,
    /// The first page is that of its end, the next the one before.
    End,
}

pub(in super::super) async fn transcript(
    store: &(impl Begin + ?Sized),
    session: &str,
    from: From,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<Turn>, StoreError> {
    let limit = limit.clamp(1, MOST);
    let mut tx = store.read().await?;
    let mut rows = match from {
        From::Start => transactions::after(&mut tx, session, cursor, limit + 1).await?,
        From::End => transactions::before(&mut tx, session, cursor, limit + 1).await?,
    };
    let is_more = rows.len() > limit;
    match from {
        From::Start => rows.truncate(limit),
        From::End => drop(rows.drain(..usize::from(is_more))),
    }
    let edge = match from {
        From::Start => rows.last(),
        From::End => rows.first(),
    };
    let next = edge.filter(|_| is_more).map(transactions::cursor_of);
    let items = turns(&mut tx, rows).await?;
    tx.commit().await?;
    Ok(Page { items, next })
}

async fn turns(tx: &mut Tx, rows: Vec<TransactionRow>) -> Result<Vec<Turn>, StoreError> {
    let ids = || {
        rows.iter()
            .map(|row| Value::from(row.transaction_id.as_str()))
            .collect()
    };
    let mut decisions: HashMap<String, Vec<DecisionRow>> = HashMap::new();
    for decision in transactions::decisions(tx, ids()).await? {
        let of = decisions
            .entry(decision.transaction_id.clone())
            .or_default();
        of.push(decision);
    }
    let mut calls: HashMap<String, Vec<Call>> = HashMap::new();
    for call in transactions::calls(tx, ids()).await? {
        calls
            .entry(call.row.transaction_id.clone())
            .or_default()
            .push(call);
    }
    let numbers = rows.iter().map(|row| Value::from(row.number)).collect();
    let mut said = said(tx, numbers).await?;
    let followed = followed(
        tx,
        rows.iter().filter_map(|row| row.follows_number).collect(),
    )
    .await?;
    let turns = rows.into_iter().map(|row| {
        let before = row.follows_number.and_then(|number| followed.get(&number));
        let shared = row.shared_messages.unwrap_or_default();
        Turn {
            follows: before.map(|before| before.transaction_id.clone()),
            continues: before.is_none_or(|before| shared >= before.all()),
            messages: said.remove(&row.number).unwrap_or_default(),
            decisions: decisions.remove(&row.transaction_id).unwrap_or_default(),
            calls: calls.remove(&row.transaction_id).unwrap_or_default(),
            row,
        }
    });
    Ok(turns.collect())
}

/// The messages of these transactions, in order.
async fn said(tx: &mut Tx, numbers: Vec<Value>) -> Result<HashMap<i64, Vec<Said>>, StoreError> {
    let sql = "SELECT transaction_number, place, is_reply, message_number FROM transaction_messages \
        WHERE transaction_number IN $IN ORDER BY transaction_number, place";
    let rows = tx.rows_in(sql, numbers).await?;
    let wanted: HashSet<_> = rows.iter().filter_map(|row| row.int(3)).collect();
    let readable = messages(tx, wanted).await?;
    let mut said: HashMap<i64, Vec<Said>> = HashMap::new();
    for row in &rows {
        let (Some(transaction), Some(place), Some(message)) = (row.int(0), row.int(1), row.int(3))
        else {
            continue;
        };
        let readable = readable.get(&message);
        said.entry(transaction).or_default().push(Said {
            place,
            is_reply: row.flag(2).unwrap_or_default(),
            role: readable.and_then(|message| message.role.clone()),
            blocks: readable
                .map(|message| message.blocks.clone())
                .unwrap_or_default(),
        });
    }
    Ok(said)
}

/// A transaction that another goes on from.
struct Followed {
    transaction_id: String,
    /// How many messages its request had.
    end: i64,
    /// How many the reply has, but for thinking alone.
    replies: i64,
    is_one: bool,
}

impl Followed {
    fn all(&self) -> i64 {
        self.end
            + if self.is_one {
                self.replies.min(1)
            } else {
                self.replies
            }
    }
}

async fn followed(
    tx: &mut Tx,
    numbers: HashSet<i64>,
) -> Result<HashMap<i64, Followed>, StoreError> {
    let numbers = || numbers.iter().map(|number| Value::from(*number)).collect();
    let sql = "SELECT t.number, t.transaction_id, n.depth, t.dialect FROM transactions t \
        LEFT JOIN nodes n ON n.number = t.head_number WHERE t.number IN $IN";
    let mut found = HashMap::new();
    for row in tx.rows_in(sql, numbers()).await? {
        if let (Some(number), Some(transaction_id)) = (row.int(0), row.string(1)) {
            let end = row.int(2).map_or(0, |depth| depth + 1);
            // Of several choices a client goes on from one.
            let is_one = row.text(3) == Some("chat");
            found.insert(
                number,
                Followed {
                    transaction_id,
                    end,
                    replies: 0,
                    is_one,
                },
            );
        }
    }
    let sql = "SELECT p.transaction_number, m.said FROM transaction_messages p \
        JOIN messages m ON m.number = p.message_number WHERE p.is_reply AND p.transaction_number IN $IN";
    for row in tx.rows_in(sql, numbers()).await? {
        let said = row.bytes(1).and_then(super::super::said::Said::read);
        let is_thought = said.is_some_and(|said| said.is_thought());
        if let Some(followed) = row.int(0).and_then(|number| found.get_mut(&number)) {
            followed.replies += i64::from(!is_thought);
        }
    }
    Ok(found)
}
