//! Messages by the words in them.

use serde::Serialize;

use super::{
    super::{StoreError, blocks::BlockKind, engine::Tx, sealed::Begin, words::Query},
    SessionFilter,
    bytes::{Readable, messages},
    cursor::{Cursor, MOST, Page},
    sessions::Conditions,
    spoken::{Words, words, written},
};

/// How much is shown around what was found, in characters.
const AROUND: usize = 80;
/// How many messages that hold the words are found in one go, how many of them are read in one go, and at how many one page
/// looks in vain.
const STEP: usize = 100;
const ONCE: usize = 20;
const LOOKED: usize = 1_000;

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
    let (mut looked, mut is_over) = (0, false);
    while hits.len() <= limit && looked < LOOKED && !is_over {
        let found = candidates(&mut tx, &query, filter, before, STEP).await?;
        is_over = found.len() < STEP;
        looked += found.len();
        before = found.last().map_or(before, |hit| hit.number);
        confirmed(&mut tx, &query, found, limit + 1, &mut hits).await?;
    }
    tx.commit().await?;
    let is_broken_off = hits.len() <= limit && !is_over;
    let mut page = Page::of(hits, limit, cursor_of);
    if is_broken_off {
        page.next = Some(Cursor {
            at: 0,
            number: before,
        });
    }
    Ok(page)
}

/// Adds those candidates to the hits that say what is looked for, until there are `most`.
async fn confirmed(
    tx: &mut Tx,
    query: &Query,
    found: Vec<Hit>,
    most: usize,
    hits: &mut Vec<Hit>,
) -> Result<(), StoreError> {
    let mut found = found.into_iter().peekable();
    while hits.len() < most && found.peek().is_some() {
        let some: Vec<_> = found.by_ref().take(ONCE).collect();
        let said = messages(tx, some.iter().map(|hit| hit.number).collect()).await?;
        for mut hit in some {
            // One that was said in several transactions is there several times.
            let is_new = hits.last().is_none_or(|last| last.number != hit.number);
            let said = said
                .get(&hit.number)
                .filter(|_| is_new && hits.len() < most);
            if said.is_some_and(|said| confirm(query, said, &mut hit)) {
                hits.push(hit);
            }
        }
    }
    Ok(())
}

fn cursor_of(hit: &Hit) -> Cursor {
    Cursor {
        at: hit.at,
        number: hit.number,
    }
}

/// The next messages that hold the words, the latest first. The index hands them out in this order, and no more of them
/// than are wanted.
async fn candidates(
    tx: &mut Tx,
    query: &Query,
    filter: &SessionFilter,
    before: i64,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let mut conditions = Conditions::default();
    let Words {
        from,
        number,
        holds,
        order,
    } = words(tx.engine());
    conditions.add(holds, written(tx.engine(), query));
    conditions.add(&format!("{number} < ?"), before);
    filter.conditions(&mut conditions);
    let sql = format!(
        "SELECT s.session_id, t.transaction_id, t.started_at, p.place, p.is_reply, m.role, {number} \
         FROM {from} transaction_messages p ON p.message_number = {number} \
         JOIN transactions t ON t.number = p.transaction_number \
         JOIN sessions s ON s.number = t.session_number JOIN messages m ON m.number = {number} \
         WHERE {} ORDER BY {order} LIMIT {limit}",
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
