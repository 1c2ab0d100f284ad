//! The index of words, and the sessions in which something was said.

use std::collections::HashMap;

use super::{
    super::{
        StoreError,
        engine::{Engine, Tx, Value},
        rows::SessionRow,
        words::Query,
    },
    SessionFilter,
    bytes::{Readable, messages},
    cursor::{Cursor, MOST, Page},
    sessions::{cursor_of, list},
};

/// Up to how many messages words are rare: all of them are looked at.
const RARE: i64 = 2_000;
/// How many sessions one page looks at in vain.
const LOOKED: usize = 500;

/// Where the words of messages stand.
pub(super) struct Words {
    /// What is joined, ahead of everything else.
    pub(super) from: &'static str,
    /// The number of the message.
    pub(super) number: &'static str,
    /// Whether it holds the words that are the value `?`.
    pub(super) holds: &'static str,
    /// The latest first, and each where it was said first.
    pub(super) order: &'static str,
}

pub(super) fn words(engine: Engine) -> Words {
    match engine {
        // `CROSS JOIN` tells SQLite to begin here.
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => Words {
            from: "message_words w CROSS JOIN",
            number: "w.rowid",
            holds: "w.message_words MATCH ?",
            // Where it was said first comes first from the index; asked for it, SQLite would sort all there is.
            order: "w.rowid DESC",
        },
        #[cfg(feature = "postgres")]
        Engine::Postgres => Words {
            from: "message_words w JOIN",
            number: "w.message_number",
            holds: "array_to_tsvector(string_to_array(w.words, ' ')) @@ CAST(? AS tsquery)",
            order: "w.message_number DESC, p.transaction_number, p.place",
        },
    }
}

/// The words as the engine reads them.
pub(super) fn written(engine: Engine, query: &Query) -> String {
    match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => query.fts5(),
        #[cfg(feature = "postgres")]
        Engine::Postgres => query.tsquery(),
    }
}

/// The next sessions in which a text was said, the latest first.
pub(super) async fn spoken(
    tx: &mut Tx,
    filter: &SessionFilter,
    query: &Query,
    mut cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<SessionRow>, StoreError> {
    let rare = rare(tx, query).await?;
    // Of rare words all places are known; usual ones are soon found in any session.
    let step = if rare.is_some() { MOST } else { limit.min(100) };
    let (mut found, mut looked, mut is_over) = (Vec::new(), 0, query.is_empty());
    while found.len() <= limit && looked < LOOKED && !is_over {
        let some = list(tx, filter, cursor, step).await?;
        is_over = some.len() < step;
        for session in some {
            cursor = Some(cursor_of(&session));
            let numbers = match &rare {
                Some(rare) => rare.get(&session.number).cloned().unwrap_or_default(),
                None => holding(tx, query, session.number).await?,
            };
            // What costs nothing does not count.
            looked += usize::from(rare.is_none() || !numbers.is_empty());
            if found.len() <= limit && is_said(tx, query, &numbers).await? {
                found.push(session);
            }
            if found.len() > limit {
                break;
            }
        }
    }
    let is_broken_off = found.len() <= limit && !is_over;
    let mut page = Page::of(found, limit, cursor_of);
    if is_broken_off {
        page.next = cursor;
    }
    Ok(page)
}

/// The messages that hold the words, by session, if they are few.
async fn rare(tx: &mut Tx, query: &Query) -> Result<Option<HashMap<i64, Vec<i64>>>, StoreError> {
    if query.is_empty() {
        return Ok(None);
    }
    let Words {
        from,
        number,
        holds,
        ..
    } = words(tx.engine());
    let holds = holds.replace('?', "$1");
    let value: Value = written(tx.engine(), query).into();
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM message_words w WHERE {holds} LIMIT {}) few",
        RARE + 1
    );
    let count = tx.row(sql, vec![value.clone()]).await?;
    if count
        .and_then(|row| row.int(0))
        .is_none_or(|count| count > RARE)
    {
        return Ok(None);
    }
    let sql = format!(
        "SELECT t.session_number, {number} FROM {from} transaction_messages p ON p.message_number = {number} \
         JOIN transactions t ON t.number = p.transaction_number WHERE {holds} AND t.session_number IS NOT NULL"
    );
    let mut sessions: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in tx.rows(sql, vec![value]).await? {
        if let (Some(session), Some(message)) = (row.int(0), row.int(1)) {
            sessions.entry(session).or_default().push(message);
        }
    }
    Ok(Some(sessions))
}

/// The messages of a session that hold the words.
async fn holding(tx: &mut Tx, query: &Query, session: i64) -> Result<Vec<i64>, StoreError> {
    let Words { number, holds, .. } = words(tx.engine());
    let sql = format!(
        "SELECT p.message_number FROM transactions t \
         JOIN transaction_messages p ON p.transaction_number = t.number WHERE t.session_number = $1 \
         AND EXISTS (SELECT 1 FROM message_words w WHERE {} AND {number} = p.message_number) LIMIT {MOST}",
        holds.replace('?', "$2"),
    );
    let values = vec![session.into(), written(tx.engine(), query).into()];
    let rows = tx.rows(sql, values).await?;
    Ok(rows.iter().filter_map(|row| row.int(0)).collect())
}

/// Whether one of these messages says what is looked for.
async fn is_said(tx: &mut Tx, query: &Query, numbers: &[i64]) -> Result<bool, StoreError> {
    for some in numbers.chunks(16) {
        let said = messages(tx, some.iter().copied().collect()).await?;
        if said.values().any(|said| says(query, said)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn says(query: &Query, said: &Readable) -> bool {
    let texts = said
        .blocks
        .iter()
        .flat_map(|block| [&block.tool_name, &block.text]);
    let lower: Vec<_> = texts.flatten().map(|text| text.to_lowercase()).collect();
    query
        .texts
        .iter()
        .all(|text| lower.iter().any(|block| block.contains(text.as_str())))
}
