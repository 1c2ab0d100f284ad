//! Contents, messages and nodes: each is what its hash says.

use super::{
    super::{
        StoreError,
        apply::load::decoded,
        body,
        engine::{Row, Tx},
        sealed::Begin,
    },
    Break, Progress, STEP, Verified, count, most,
};
use crate::record::{ContentHash, Message, Node};

/// A table of things that are named by their hashes.
struct Kind {
    table: &'static str,
    /// Answers the number first, and then the columns that are looked at.
    sql: String,
    look: fn(&Row) -> Look,
}

/// What was found under a hash.
enum Look {
    Sound,
    Missing,
    Broken(Option<ContentHash>, &'static str),
}

/// Looks at all of them. `false` if something is broken.
pub(super) async fn verify(
    store: &(impl Begin + ?Sized),
    found: &mut Verified,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<bool, StoreError> {
    let kinds = [
        Kind {
            table: "contents",
            sql: "SELECT c.number, c.hash, c.coding, c.size, c.body FROM contents c WHERE c.number".to_owned(),
            look: content,
        },
        Kind {
            table: "messages",
            sql: format!("SELECT m.number, {} FROM messages m WHERE m.number", body::COLUMNS),
            look: message,
        },
        Kind {
            table: "nodes",
            sql: "SELECT n.number, n.hash, n.depth, n.gap, n.parent_number, p.hash, m.hash FROM nodes n \
                LEFT JOIN nodes p ON p.number = n.parent_number \
                LEFT JOIN messages m ON m.number = n.message_number WHERE n.number"
                .to_owned(),
            look: node,
        },
    ];
    for kind in kinds {
        let mut tx = store.read().await?;
        let of = count(most(&mut tx, kind.table).await?);
        tx.commit().await?;
        let mut at = 0;
        loop {
            let mut tx = store.read().await?;
            let rows = step(&mut tx, &kind, at).await?;
            tx.commit().await?;
            let Some(last) = rows.last().and_then(|row| row.int(0)) else {
                break;
            };
            at = last;
            for row in &rows {
                match (kind.look)(row) {
                    Look::Sound => *counter(found, kind.table) += 1,
                    Look::Missing => found.missing += 1,
                    Look::Broken(hash, what) => {
                        found.first_break = Some(Break {
                            hash,
                            what: what.to_owned(),
                            ..Break::default()
                        });
                        return Ok(false);
                    }
                }
            }
            let (what, done) = (kind.table, count(at).min(of));
            progress(Progress { what, done, of });
        }
    }
    Ok(true)
}

async fn step(tx: &mut Tx, kind: &Kind, at: i64) -> Result<Vec<Row>, StoreError> {
    // Bodies may be large, and all of a step is in memory at once.
    let sql = format!("{} > $1 ORDER BY 1 LIMIT {}", kind.sql, STEP / 10);
    tx.rows(sql, vec![at.into()]).await
}

fn counter<'a>(found: &'a mut Verified, table: &str) -> &'a mut u64 {
    match table {
        "contents" => &mut found.contents,
        "messages" => &mut found.messages,
        _ => &mut found.nodes,
    }
}

fn content(row: &Row) -> Look {
    let hash = row.hash(1);
    if row.bytes(4).is_none() {
        return Look::Missing;
    }
    match decoded(row, 2) {
        Some(bytes) if hash == Some(ContentHash::of(&bytes)) => Look::Sound,
        Some(_) => Look::Broken(
            hash,
            "this content is another than the one that was recorded",
        ),
        None => Look::Broken(hash, "this content cannot be read"),
    }
}

fn message(row: &Row) -> Look {
    let hash = row.hash(1);
    if row.text(2).is_none() {
        return Look::Missing;
    }
    let Some(stored) = body::stored(row, 1) else {
        return Look::Broken(hash, "this message cannot be read");
    };
    match Message::new(stored.body, stored.media).hash {
        is if hash == Some(is) => Look::Sound,
        _ => Look::Broken(
            hash,
            "this message is another than the one that was recorded",
        ),
    }
}

fn node(row: &Row) -> Look {
    let hash = row.hash(1);
    // One that others speak of, and that has not come.
    let Some(depth) = row.int(2) else {
        return Look::Missing;
    };
    let (parent, message) = (row.hash(5), row.hash(6));
    let parent = match row.int(4) {
        None => Some(ContentHash::NONE),
        Some(_) => parent,
    };
    let (Some(parent), Some(message)) = (parent, message) else {
        return Look::Broken(hash, "what this place in a conversation refers to is gone");
    };
    let gap = row.bytes(3).map(str::from_utf8);
    let (Ok(depth), Ok(gap)) = (u32::try_from(depth), gap.transpose()) else {
        return Look::Broken(hash, "this place in a conversation cannot be read");
    };
    match Node::new(parent, message, depth, gap).id {
        id if hash == Some(id) => Look::Sound,
        _ => Look::Broken(
            hash,
            "this place in a conversation is another than the one that was recorded",
        ),
    }
}
