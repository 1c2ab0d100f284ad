//! Takes over what a spool holds.

mod batch;
mod clean;
mod ended;
pub(super) mod load;
mod preview;
mod project;
mod state;
mod thread;
mod write;

use std::collections::BTreeSet;

use self::{batch::Gathered, clean::Cleaner, project::Projector, state::State};
pub(super) use clean::name_of;

use super::{
    Options, StoreError,
    coding::Coder,
    engine::{Engine, Tx, Value},
    forget,
    rows::EventRow,
    sealed::Begin,
};
use crate::record::{
    What,
    spool::{Kept, Link, Position},
};

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// How many events are new.
    pub events: u64,
    /// How many were there already.
    pub known: u64,
    /// How many texts could only be kept in another form: with a NUL in them, or absurdly long.
    pub mended: u64,
    /// How many records no form could be found for. They are not kept.
    pub rejected: u64,
}

pub(super) async fn position(
    store: &(impl Begin + ?Sized),
    writer: &str,
) -> Result<Option<Position>, StoreError> {
    let mut tx = store.read().await?;
    let known = known(&mut tx, writer).await?;
    tx.commit().await?;
    Ok(known.map(|(_, position)| position))
}

/// A writer's number, and how far its spool has been taken over.
async fn known(tx: &mut Tx, writer: &str) -> Result<Option<(i64, Position)>, StoreError> {
    let sql = "SELECT number, segment, byte_offset FROM spool_positions WHERE writer = $1";
    let row = tx
        .row(sql, vec![name_of(writer).into_owned().into()])
        .await?;
    Ok(row.and_then(|row| {
        let number = |at| u64::try_from(row.int(at)?).ok();
        let position = Position {
            segment: number(1)?,
            offset: number(2)?,
        };
        Some((row.int(0)?, position))
    }))
}

pub(super) async fn apply(
    store: &(impl Begin + ?Sized),
    writer: &str,
    kept: &[Kept],
    end: Position,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    // What is left to do, the next last. Something that no engine takes is found by halves, so that all else is kept.
    let mut open = vec![kept];
    while let Some(some) = open.pop() {
        let end = open.is_empty().then_some(end);
        match once(store, writer, some, end).await {
            Ok(done) => {
                applied.events += done.events;
                applied.known += done.known;
                applied.mended += done.mended;
            }
            Err(error) if error.is_of_data() && some.len() > 1 => {
                let (first, second) = some.split_at(some.len() / 2);
                open.extend([second, first]);
            }
            Err(error) if error.is_of_data() && !some.is_empty() => {
                tracing::error!(%error, "a record is not kept: the database does not take it");
                applied.rejected += 1;
                if let Some(end) = end {
                    once(store, writer, &[], Some(end)).await?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(applied)
}

/// Takes over a batch in one transaction, and notes how far it reaches.
async fn once(
    store: &(impl Begin + ?Sized),
    writer: &str,
    kept: &[Kept],
    end: Option<Position>,
) -> Result<Applied, StoreError> {
    let batch = Gathered::of(kept);
    let mut coder = Coder::new();
    let cleaner = Cleaner::default();
    let mut applied = Applied::default();
    let mut tx = store.write().await?;
    let number = note(&mut tx, writer, end, &batch.events).await?;
    if !kept.is_empty() {
        let mut state = load::load(&mut tx, &batch).await?;
        let plain = match tx.engine() {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite => store.options().plain,
            #[cfg(feature = "postgres")]
            Engine::Postgres => usize::MAX,
        };
        batch.enter(&mut state, plain, &mut coder);
        let known = load::events(&mut tx, &state).await?;
        let forgotten = load::forgotten(&mut tx, &state, &batch).await?;
        let new = new(&batch, known, &mut applied);
        let is_late = |link: &&Link| forgotten.contains(&*name_of(&link.event.transaction_id));
        let (late, new): (Vec<_>, Vec<_>) = new.into_iter().partition(is_late);
        let names = sessions(&state, &new);
        load::sessions(&mut tx, &mut state, names).await?;
        let spoken = ended::read_replies(&mut state, &new);
        load::messages(&mut tx, &mut state, &spoken).await?;
        project(&mut tx, &mut state, &new, &cleaner, store.options(), plain).await?;
        write::write(&mut tx, state, &batch, number, &mut coder).await?;
        forget::late(&mut tx, number, &late).await?;
    }
    tx.commit().await?;
    applied.mended = cleaner.count();
    Ok(applied)
}

/// Notes how far the spool has been taken over, and answers its writer's number.
async fn note(
    tx: &mut Tx,
    writer: &str,
    end: Option<Position>,
    events: &[&Link],
) -> Result<i64, StoreError> {
    let at = events.iter().map(|link| link.event.at).max();
    let known = known(tx, writer).await?;
    let begin = known.map_or(Position::default(), |(_, position)| position);
    // Never back: what lies before has been taken over.
    let end = end.unwrap_or_default().max(begin);
    let number = match known {
        Some((number, _)) => number,
        None => {
            let row = tx
                .row("SELECT max(number) FROM spool_positions", Vec::new())
                .await?;
            row.and_then(|row| row.int(0)).unwrap_or_default() + 1
        }
    };
    let first = events.first().map(|link| clean::int(link.number));
    let last = events.iter().max_by_key(|link| link.number);
    let sql = "INSERT INTO spool_positions (number, writer, segment, byte_offset, at, first_link, last_link, last_hash) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (writer) DO UPDATE SET segment = excluded.segment, byte_offset = excluded.byte_offset, \
        at = excluded.at, first_link = coalesce(spool_positions.first_link, excluded.first_link), \
        last_hash = CASE WHEN excluded.last_link > coalesce(spool_positions.last_link, 0) THEN excluded.last_hash \
        ELSE spool_positions.last_hash END, \
        last_link = CASE WHEN excluded.last_link > coalesce(spool_positions.last_link, 0) THEN excluded.last_link \
        ELSE spool_positions.last_link END";
    let values = vec![
        number.into(),
        name_of(writer).into_owned().into(),
        clean::int(end.segment).into(),
        clean::int(end.offset).into(),
        Value::from(at.unwrap_or_default()),
        first.into(),
        last.map(|link| clean::int(link.number)).into(),
        last.map(|link| link.hash.bytes().to_vec()).into(),
    ];
    tx.execute(sql, values).await?;
    Ok(number)
}

/// The events that are not in the record yet.
fn new<'a>(
    batch: &Gathered<'a>,
    mut known: BTreeSet<(String, i64)>,
    applied: &mut Applied,
) -> Vec<&'a Link> {
    let mut new = Vec::new();
    for link in &batch.events {
        let event = &link.event;
        let id = name_of(&event.transaction_id).into_owned();
        if known.insert((id, event.sequence.into())) {
            new.push(*link);
        }
    }
    applied.events = new.len() as u64;
    applied.known = (batch.events.len() - new.len()) as u64;
    new
}

/// The names of the sessions that the events are of.
fn sessions(state: &State, events: &[&Link]) -> BTreeSet<String> {
    let asked = events.iter().filter_map(|link| match &link.event.what {
        What::RequestReceived(asked) => Some(project::session_of(state, asked)),
        _ => None,
    });
    let known = state
        .transactions
        .values()
        .filter_map(|known| known.session.clone());
    asked.chain(known).collect()
}

async fn project(
    tx: &mut Tx,
    state: &mut State,
    events: &[&Link],
    cleaner: &Cleaner,
    options: &Options,
    plain: usize,
) -> Result<(), StoreError> {
    for link in events {
        let mut before = None;
        loop {
            let mut projector = Projector {
                state: &mut *state,
                cleaner,
                price: options.price.as_ref(),
                plain,
            };
            let Err(need) = projector.event(&link.event) else {
                break;
            };
            // What is asked for twice cannot be had.
            if before.as_ref() == Some(&need) {
                tracing::error!(
                    ?need,
                    "an event is kept without its place in the conversation"
                );
                break;
            }
            load::need(tx, state, need.clone()).await?;
            before = Some(need);
        }
        state.changes.events.push(EventRow {
            transaction_id: name_of(&link.event.transaction_id).into_owned(),
            sequence: link.event.sequence.into(),
            event: link.event.what.name(),
            at: link.event.at,
            payload: link.text.to_vec(),
            link_number: clean::int(link.number),
            hash: link.hash.bytes().to_vec(),
        });
    }
    Ok(())
}
