//! Chains: every event is linked to the one before it.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;

use super::{
    super::{
        StoreError,
        apply::name_of,
        checkpoint,
        engine::{Row, Tx},
        read::payload,
        sealed::Begin,
    },
    Break, Progress, STEP, Trust, Verified, count, most,
};
use crate::record::{ContentHash, spool, store::Checkpoint};

/// A writer's chain, as far as it was followed.
struct Chain {
    writer: String,
    /// The last link that was seen, and its hash; the hash is not known before the first.
    at: i64,
    hash: Option<ContentHash>,
    /// The last link that was taken over when we began.
    last: Option<(i64, ContentHash)>,
    /// The links that were signed and are still to come.
    signed: VecDeque<(i64, ContentHash)>,
}

/// What an event says about itself.
#[derive(Deserialize)]
struct Own {
    transaction_id: String,
    sequence: i64,
}

/// Follows all chains. `false` if one is broken.
pub(super) async fn verify(
    store: &(impl Begin + ?Sized),
    trust: &Trust,
    found: &mut Verified,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<bool, StoreError> {
    let mut tx = store.read().await?;
    let mut chains = chains(&mut tx).await?;
    if let Err(broken) = signed(&mut tx, trust, &mut chains).await? {
        found.first_break = Some(*broken);
        return Ok(false);
    }
    found.checkpoints = chains.values().map(|chain| chain.signed.len() as u64).sum();
    let of = count(most(&mut tx, "conversation_events").await?);
    tx.commit().await?;
    found.writers = chains.len() as u64;
    let mut at = 0;
    loop {
        let mut tx = store.read().await?;
        let sql = format!(
            "SELECT number, writer_number, link_number, hash, coding, payload, transaction_id, sequence \
             FROM conversation_events WHERE number > $1 ORDER BY number LIMIT {STEP}"
        );
        let rows = tx.rows(sql, vec![at.into()]).await?;
        for row in &rows {
            at = row.int(0).unwrap_or(at);
            if let Err(broken) = event(&mut tx, &mut chains, row, found).await? {
                found.first_break = Some(*broken);
                return Ok(false);
            }
        }
        tx.commit().await?;
        progress(Progress {
            what: "events",
            done: count(at).min(of),
            of,
        });
        if rows.is_empty() {
            break;
        }
    }
    let mut tx = store.read().await?;
    for (number, chain) in &mut chains {
        let Some((last, _)) = chain.last else {
            if let Err(broken) = chain.is_all() {
                found.first_break = Some(*broken);
                return Ok(false);
            }
            continue;
        };
        let end = tombstones(&mut tx, *number, chain, last + 1, found).await?;
        let end = end.and_then(|()| chain.is_at(last + 1));
        if let Err(broken) = end.and_then(|()| chain.is_all()) {
            found.first_break = Some(*broken);
            return Ok(false);
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn chains(tx: &mut Tx) -> Result<BTreeMap<i64, Chain>, StoreError> {
    let sql = "SELECT number, writer, first_link, last_link, last_hash FROM spool_positions";
    let rows = tx.rows(sql, Vec::new()).await?;
    let chains = rows.iter().filter_map(|row| {
        // What was not taken over here, but elsewhere, is not to be had.
        let first = row.int(2).unwrap_or(1);
        let chain = Chain {
            writer: row.string(1)?,
            at: first - 1,
            hash: (first == 1).then_some(ContentHash::NONE),
            last: row.int(3).zip(row.hash(4)),
            signed: VecDeque::new(),
        };
        Some((row.int(0)?, chain))
    });
    Ok(chains.collect())
}

/// Finds the checkpoints, and looks whether they are genuine.
async fn signed(
    tx: &mut Tx,
    trust: &Trust,
    chains: &mut BTreeMap<i64, Chain>,
) -> Result<Result<(), Box<Break>>, StoreError> {
    let sql = "SELECT p.writer, c.link_number, c.hash, c.at, c.key, c.signature FROM checkpoints c \
        JOIN spool_positions p ON p.number = c.writer_number";
    let rows = tx.rows(sql, Vec::new()).await?;
    let here = rows.iter().filter_map(checkpoint::read);
    let mut all: Vec<Checkpoint> = here.chain(trust.checkpoints.iter().cloned()).collect();
    all.sort_by(|a, b| (&a.writer, a.link_number).cmp(&(&b.writer, b.link_number)));
    all.dedup();
    for checkpoint in all {
        let broken = |what: &str| {
            Box::new(Break {
                writer: Some(checkpoint.writer.clone()),
                link_number: Some(checkpoint.link_number),
                what: what.to_owned(),
                ..Break::default()
            })
        };
        if !checkpoint.is_genuine() {
            return Ok(Err(broken("its checkpoint was not signed by this key")));
        }
        if !trust.keys.is_empty() && !trust.keys.contains(&checkpoint.key) {
            let what = format!(
                "its checkpoint was signed by another key, {}",
                checkpoint.key
            );
            return Ok(Err(broken(&what)));
        }
        let mut known = chains.values_mut();
        let Some(chain) = known.find(|chain| chain.writer == checkpoint.writer) else {
            return Ok(Err(broken(
                "it was signed, and nothing of its chain is there",
            )));
        };
        // What was taken over elsewhere is not to be had here.
        if checkpoint.link_number > chain.at {
            let signed = (checkpoint.link_number, checkpoint.hash);
            chain.signed.push_back(signed);
        }
    }
    Ok(Ok(()))
}

impl Chain {
    fn broken(&self, link: i64, what: impl Into<String>) -> Box<Break> {
        Box::new(Break {
            writer: Some(self.writer.clone()),
            link_number: Some(link),
            what: what.into(),
            ..Break::default()
        })
    }

    /// Whether `link` is the one that comes next.
    fn is_at(&self, link: i64) -> Result<(), Box<Break>> {
        let next = self.at + 1;
        match link {
            _ if link == next => Ok(()),
            _ if link < next => Err(self.broken(link, "it stands behind one that came after it")),
            _ if link == next + 1 => Err(self.broken(next, "it is missing")),
            _ => Err(self.broken(next, format!("it is missing, and all up to {}", link - 1))),
        }
    }

    /// Whether all came that was signed.
    fn is_all(&self) -> Result<(), Box<Break>> {
        match self.signed.front() {
            None => Ok(()),
            Some((link, _)) => {
                let what = format!("it is missing: up to {link} it was signed");
                Err(self.broken(self.at + 1, what))
            }
        }
    }

    /// Goes on to a link.
    fn step(&mut self, link: i64, hash: ContentHash) -> Result<(), Box<Break>> {
        self.is_at(link)?;
        self.at = link;
        self.hash = Some(hash);
        while let Some((_, known)) = self.signed.pop_front_if(|(signed, _)| *signed == link) {
            if known != hash {
                return Err(self.broken(link, "it is another than the one that was signed"));
            }
        }
        match self.last {
            Some((last, known)) if last == link && known != hash => {
                Err(self.broken(link, "it is another than the one that was taken over last"))
            }
            _ => Ok(()),
        }
    }
}

async fn event(
    tx: &mut Tx,
    chains: &mut BTreeMap<i64, Chain>,
    row: &Row,
    found: &mut Verified,
) -> Result<Result<(), Box<Break>>, StoreError> {
    let (writer, link) = (
        row.int(1).unwrap_or_default(),
        row.int(2).unwrap_or_default(),
    );
    let transaction_id = row.string(6);
    let Some(chain) = chains.get_mut(&writer) else {
        return Ok(Err(Box::new(Break {
            link_number: Some(link),
            transaction_id,
            what: format!("an event of writer {writer}, whom nobody knows"),
            ..Break::default()
        })));
    };
    let before = tombstones(tx, writer, chain, link, found).await?;
    let done = before.and_then(|()| read(chain, link, row));
    if done.is_ok() {
        found.events += 1;
    }
    Ok(done.map_err(|mut broken| {
        if broken.link_number == Some(link) {
            broken.transaction_id = transaction_id;
        }
        broken
    }))
}

/// Follows the chain over an event.
fn read(chain: &mut Chain, link: i64, row: &Row) -> Result<(), Box<Break>> {
    chain.is_at(link)?;
    let text = payload(row, 4).ok_or_else(|| chain.broken(link, "its text cannot be read"))?;
    let hash = row.hash(3);
    let hash = hash.ok_or_else(|| chain.broken(link, "its hash is none"))?;
    if let Some(before) = chain.hash
        && spool::link(before, &text) != hash
    {
        let what = "its text is another than the one that was recorded, or what is before it is";
        return Err(chain.broken(link, what));
    }
    let own: Option<Own> = serde_json::from_slice(&text).ok();
    let is_its_own = own.is_some_and(|own| {
        row.text(6) == Some(&*name_of(&own.transaction_id)) && row.int(7) == Some(own.sequence)
    });
    if !is_its_own {
        return Err(chain.broken(link, "it stands at another exchange than its text says"));
    }
    chain.step(link, hash)
}

/// Follows the chain over what was forgotten, up to the link `before`.
async fn tombstones(
    tx: &mut Tx,
    writer: i64,
    chain: &mut Chain,
    before: i64,
    found: &mut Verified,
) -> Result<Result<(), Box<Break>>, StoreError> {
    while chain.at + 1 < before {
        let sql = format!(
            "SELECT link_number, hash FROM event_tombstones WHERE writer_number = $1 AND link_number > $2 \
             AND link_number < $3 ORDER BY link_number LIMIT {STEP}"
        );
        let values = vec![writer.into(), chain.at.into(), before.into()];
        let rows = tx.rows(sql, values).await?;
        for row in &rows {
            let (Some(link), Some(hash)) = (row.int(0), row.hash(1)) else {
                return Ok(Err(
                    chain.broken(chain.at + 1, "what is left of it cannot be read")
                ));
            };
            if let Err(broken) = chain.step(link, hash) {
                return Ok(Err(broken));
            }
            found.tombstones += 1;
        }
        if rows.is_empty() {
            break;
        }
    }
    Ok(Ok(()))
}
