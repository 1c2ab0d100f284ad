//! Messages by the words in them.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    super::{
        StoreError,
        blocks::BlockKind,
        engine::{Engine, Tx},
        sealed::Begin,
        words::Query,
    },
    SessionFilter,
    bytes::{Readable, messages},
    cursor::{Cursor, MOST, Page},
    sessions::Conditions,
};

/// How much is shown around what was found, in characters.
const AROUND: usize = 80;
/// How many messages are looked at in one go.
const STEP: usize = 200;
/// How many messages are taken to be spoken of, at most, when sessions are looked for.
const SPOKEN: usize = 20_000;

/// A message in which something was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The conversation.
    pub session_id: String,
    /// The exchange in which it was said first.
    pub transaction_id: String,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// The message's place in the conversation.
    pub place: i64,
    /// Whether the model has said it.
    pub is_reply: bool,
    /// Who speaks.
    pub role: Option<String>,
    /// In what it was found.
    pub kind: BlockKind,
    /// The tool, if it is a call.
    pub tool_name: Option<String>,
    /// The words, and what is around them.
    pub excerpt: String,
    #[serde(skip)]
    number: i64,
}

/// The statement that answers the numbers of the messages that hold the words; the words are the value `?`.
fn matching(engine: Engine) -> &'static str {
    match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => "SELECT rowid AS number FROM message_words WHERE message_words MATCH ?",
        #[cfg(feature = "postgres")]
        Engine::Postgres => {
            "SELECT message_number AS number FROM message_words \
             WHERE array_to_tsvector(string_to_array(words, ' ')) @@ CAST(? AS tsquery)"
        }
    }
}

fn written(engine: Engine, query: &Query) -> String {
    match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => query.fts5(),
        #[cfg(feature = "postgres")]
        Engine::Postgres => query.tsquery(),
    }
}

pub(in super::super) async fn search(
    store: &(impl Begin + ?Sized),
    text: &str,
    filter: &SessionFilter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page<Hit>, StoreError> {
    let limit = limit.clamp(1, MOST);
    let query = Query::read(text);
    let mut hits = Vec::new();
    if query.is_empty() {
        return Ok(Page::of(hits, limit, cursor_of));
    }
    let mut tx = store.read().await?;
    let mut before = cursor.map_or(i64::MAX, |cursor| cursor.number);
    let mut step = limit + 1;
    loop {
        let found = candidates(&mut tx, &query, filter, before, step).await?;
        let is_last = found.len() < step;
        before = found.last().map_or(before, |hit| hit.number);
        let numbers = found.iter().map(|hit| hit.number).collect();
        let said = messages(&mut tx, numbers).await?;
        for mut hit in found {
            if hits.len() <= limit
                && said
                    .get(&hit.number)
                    .is_some_and(|said| confirm(&query, said, &mut hit))
            {
                hits.push(hit);
            }
        }
        if is_last || hits.len() > limit {
            break;
        }
        step = STEP;
    }
    tx.commit().await?;
    Ok(Page::of(hits, limit, cursor_of))
}

fn cursor_of(hit: &Hit) -> Cursor {
    Cursor {
        at: hit.at,
        number: hit.number,
    }
}

/// The next messages that hold the words, the latest first, each where it was said first.
async fn candidates(
    tx: &mut Tx,
    query: &Query,
    filter: &SessionFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let mut conditions = Conditions::default();
    let words = written(tx.engine(), query);
    conditions.add(
        &format!("p.message_number IN ({})", matching(tx.engine())),
        words,
    );
    conditions.add("p.message_number < ?", before);
    filter.conditions(&mut conditions);
    let sql = format!(
        "SELECT s.session_id, t.transaction_id, t.started_at, p.place, p.is_reply, m.role, p.message_number \
         FROM transaction_messages p JOIN transactions t ON t.number = p.transaction_number \
         JOIN sessions s ON s.number = t.session_number JOIN messages m ON m.number = p.message_number \
         WHERE {} AND p.transaction_number = (SELECT min(o.transaction_number) FROM transaction_messages o \
         WHERE o.message_number = p.message_number) ORDER BY p.message_number DESC LIMIT {limit}",
        conditions.sql(),
    );
    let rows = tx.rows(sql, conditions.values).await?;
    let hits = rows.iter().filter_map(|row| {
        Some(Hit {
            session_id: row.string(0)?,
            transaction_id: row.string(1)?,
            at: row.int(2).unwrap_or_default(),
            place: row.int(3)?,
            is_reply: row.flag(4)?,
            role: row.string(5),
            kind: BlockKind::Unknown,
            tool_name: None,
            excerpt: String::new(),
            number: row.int(6)?,
        })
    });
    Ok(hits.collect())
}

/// Whether a message says what is looked for; if so, notes where.
fn confirm(query: &Query, said: &Readable, hit: &mut Hit) -> bool {
    let lower: Vec<_> = said
        .blocks
        .iter()
        .map(|block| {
            let texts = [block.tool_name.as_deref(), block.text.as_deref()];
            let texts: Vec<_> = texts.into_iter().flatten().collect();
            texts.join("\n").to_lowercase()
        })
        .collect();
    let is_there = |text: &String| lower.iter().any(|block| block.contains(text.as_str()));
    if !query.texts.iter().all(is_there) {
        return false;
    }
    let first = query.texts.first().map(String::as_str).unwrap_or_default();
    let found = lower
        .iter()
        .zip(&said.blocks)
        .find(|(lower, _)| lower.contains(first));
    if let Some((lower, block)) = found {
        hit.kind = block.kind;
        hit.tool_name.clone_from(&block.tool_name);
        hit.excerpt = excerpt(block.text.as_deref().unwrap_or_default(), lower, first);
    }
    true
}

/// The text around the first place where it says `word`; `lower` is the text in lower case, perhaps behind a name.
fn excerpt(text: &str, lower: &str, word: &str) -> String {
    // Lower case may be longer or shorter: so places are counted in characters, and may be off by some.
    let before = lower.split(word).next().unwrap_or_default().chars().count();
    let ahead = lower.chars().count().saturating_sub(text.chars().count());
    let start = before.saturating_sub(ahead).saturating_sub(AROUND);
    let length = 2 * AROUND + word.chars().count();
    let shown: String = text.chars().skip(start).take(length).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The messages that hold the words, by the sessions in which they were said.
pub(super) async fn sessions(
    tx: &mut Tx,
    query: &Query,
) -> Result<HashMap<i64, Vec<i64>>, StoreError> {
    let mut sessions: HashMap<i64, Vec<i64>> = HashMap::new();
    if query.is_empty() {
        return Ok(sessions);
    }
    let sql = format!(
        "SELECT t.session_number, p.message_number FROM transaction_messages p \
         JOIN transactions t ON t.number = p.transaction_number \
         WHERE t.session_number IS NOT NULL AND p.message_number IN ({}) ORDER BY p.message_number DESC LIMIT {SPOKEN}",
        matching(tx.engine()).replace('?', "$1"),
    );
    let words = written(tx.engine(), query);
    for row in tx.rows(sql, vec![words.into()]).await? {
        if let (Some(session), Some(message)) = (row.int(0), row.int(1)) {
            sessions.entry(session).or_default().push(message);
        }
    }
    Ok(sessions)
}

/// Whether one of these messages says what is looked for.
pub(super) async fn is_said(
    tx: &mut Tx,
    query: &Query,
    numbers: &[i64],
) -> Result<bool, StoreError> {
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
