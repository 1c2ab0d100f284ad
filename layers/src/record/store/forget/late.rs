//! What comes late of an exchange that was forgotten is forgotten as well.

use std::collections::HashSet;

use super::{
    super::{
        StoreError,
        engine::{Insert, Tx, Value},
    },
    collect::{Candidates, collect},
    overwriting, uses,
};
use crate::record::{ContentHash, Request, What, recorder::now, spool::Link};

const TOMBSTONES: Insert<'static> = Insert {
    table: "event_tombstones",
    columns: &[
        "writer_number",
        "link_number",
        "transaction_id",
        "hash",
        "at",
    ],
    then: "ON CONFLICT (writer_number, link_number) DO NOTHING",
};

/// Keeps the links of these events, and deletes what came with them for them alone.
pub(in super::super) async fn late(
    tx: &mut Tx,
    writer: i64,
    events: &[&Link],
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let rows = events.iter().map(|link| {
        let id = super::super::apply::name_of(&link.event.transaction_id);
        vec![
            writer.into(),
            i64::try_from(link.number).unwrap_or(i64::MAX).into(),
            id.into_owned().into(),
            link.hash.bytes().to_vec().into(),
            now().into(),
        ]
    });
    overwriting(tx, true).await?;
    tx.insert(&TOMBSTONES, rows.collect()).await?;
    let (mut heads, mut frames, mut contents) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut request = |request: &Request| {
        heads.extend(request.head);
        frames.extend(request.frame);
    };
    for link in events {
        match &link.event.what {
            What::RequestReceived(asked) => asked.request.iter().for_each(&mut request),
            What::RequestChanged(changed) => request(changed),
            What::Ended(ended) => {
                let replies = [Some(&ended.reply), ended.provider_reply.as_ref()];
                let pieces = replies
                    .into_iter()
                    .flatten()
                    .flat_map(crate::record::Reply::pieces);
                contents.extend(pieces);
            }
            What::PolicyDecided(_) | What::PolicySaid(_) | What::PoliciesCovered(_) => {}
        }
    }
    let frames = uses::contents(tx, &frames).await?;
    let frames: HashSet<i64> = frames.into_values().collect();
    // Of others that use the same, too.
    while uses::read(tx).await? {}
    uses::frames(tx, frames.clone()).await?;
    let contents = uses::contents(tx, &contents).await?;
    let candidates = Candidates {
        heads: nodes(tx, &heads).await?,
        messages: HashSet::new(),
        contents: contents.into_values().chain(frames).collect(),
    };
    collect(tx, candidates, &HashSet::new()).await?;
    overwriting(tx, false).await
}

async fn nodes(tx: &mut Tx, hashes: &HashSet<ContentHash>) -> Result<HashSet<i64>, StoreError> {
    let hashes: Vec<Value> = hashes.iter().map(Value::from).collect();
    let sql = "SELECT number FROM nodes WHERE hash IN $IN";
    let rows = tx.rows_in(sql, hashes).await?;
    Ok(rows.iter().filter_map(|row| row.int(0)).collect())
}
