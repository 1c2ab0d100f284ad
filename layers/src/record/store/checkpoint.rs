//! Checkpoints: signatures under a chain of events, by a key that is not in the database.
//!
//! Who can write to the database can make a chain anew; who cannot sign cannot make checkpoints for it. What a checkpoint does
//! not show: what was changed since the last one that somebody keeps elsewhere, by who has both the database and the key.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{StoreError, engine::Row, sealed::Begin};
use crate::record::{ContentHash, recorder::now};

/// After how many events one is signed.
const EVENTS: i64 = 1000;
/// After how long, if there was anything.
const TIME: Duration = Duration::from_secs(60);

/// A signature under a chain, as far as one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose chain.
    pub writer: String,
    /// The event's link.
    pub link_number: i64,
    /// Its hash, and with it that of all before.
    pub hash: ContentHash,
    /// When it was signed, in microseconds since 1970.
    pub at: i64,
    /// The public key, as 64 hexadecimal digits.
    pub key: String,
    /// The signature (Ed25519), as 128 hexadecimal digits.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed.
    fn text(writer: &str, link_number: i64, hash: ContentHash, at: i64) -> String {
        format!("luthien checkpoint 1\n{writer}\n{link_number}\n{hash}\n{at}\n")
    }

    /// Whether the owner of `key` has signed it.
    pub fn is_genuine(&self) -> bool {
        let (Some(key), Some(signature)) = (from_hex(&self.key), from_hex(&self.signature)) else {
            return false;
        };
        let text = Self::text(&self.writer, self.link_number, self.hash, self.at);
        let key = UnparsedPublicKey::new(&ED25519, key);
        key.verify(text.as_bytes(), &signature).is_ok()
    }
}

/// Signs checkpoints.
pub struct Signer {
    pair: Ed25519KeyPair,
    /// Where each is written as well.
    file: Option<File>,
    /// The last that was signed.
    last: i64,
    since: Instant,
}

/// Shows the public key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public_key()).finish()
    }
}

/// No key that can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no Ed25519 key in PKCS #8")]
pub struct NotAKey;

impl Signer {
    /// Signs with this key, in the form of PKCS #8.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn new(key: &[u8]) -> Result<Self, NotAKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).map_err(|_| NotAKey)?;
        Ok(Self {
            pair,
            file: None,
            last: 0,
            since: Instant::now(),
        })
    }

    /// A new key, in the form of PKCS #8.
    ///
    /// # Errors
    ///
    /// If the system has no randomness.
    pub fn generate() -> io::Result<Vec<u8>> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let key = key.map_err(|_| io::Error::other("there is no randomness"))?;
        Ok(key.as_ref().to_vec())
    }

    /// Writes each checkpoint to the end of this file, too, one line of JSON each.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn with_file(mut self, path: &Path) -> io::Result<Self> {
        self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(self)
    }

    /// The public key, as 64 hexadecimal digits.
    pub fn public_key(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    fn sign(&self, writer: &str, link_number: i64, hash: ContentHash) -> Checkpoint {
        let at = now();
        let text = Checkpoint::text(writer, link_number, hash, at);
        Checkpoint {
            writer: writer.to_owned(),
            link_number,
            hash,
            at,
            key: self.public_key(),
            signature: hex(self.pair.sign(text.as_bytes()).as_ref()),
        }
    }

    /// Signs how far a chain has come, if that is due, or if it `is_last` and there is anything new.
    pub(super) async fn look(
        &mut self,
        store: &(impl Begin + ?Sized),
        writer: &str,
        is_last: bool,
    ) -> Result<(), SignError> {
        let is_time = self.since.elapsed() >= TIME;
        let Some((link, hash)) = last_link(store, writer).await? else {
            return Ok(());
        };
        if self.last == 0 {
            self.last = last_signed(store, writer).await?;
        }
        let new = link - self.last;
        if new <= 0 || !(is_time || is_last || new >= EVENTS) {
            return Ok(());
        }
        let checkpoint = self.sign(writer, link, hash);
        // The file first: what is in the database alone shows nothing to who does not trust it.
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&checkpoint).map_err(io::Error::from)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_data()?;
        }
        add(store, &checkpoint).await?;
        self.last = link;
        self.since = Instant::now();
        Ok(())
    }
}

/// Why a checkpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a checkpoint cannot be written to its file: {0}")]
    File(#[from] io::Error),
}

/// How far a chain has been taken over.
pub(super) async fn last_link(
    store: &(impl Begin + ?Sized),
    writer: &str,
) -> Result<Option<(i64, ContentHash)>, StoreError> {
    let mut tx = store.read().await?;
    let sql = "SELECT last_link, last_hash FROM spool_positions WHERE writer = $1";
    let row = tx.row(sql, vec![writer.into()]).await?;
    tx.commit().await?;
    Ok(row.and_then(|row| row.int(0).zip(row.hash(1))))
}

async fn last_signed(store: &(impl Begin + ?Sized), writer: &str) -> Result<i64, StoreError> {
    let mut tx = store.read().await?;
    let sql = "SELECT max(c.link_number) FROM checkpoints c JOIN spool_positions p ON p.number = c.writer_number \
        WHERE p.writer = $1";
    let row = tx.row(sql, vec![writer.into()]).await?;
    tx.commit().await?;
    Ok(row.and_then(|row| row.int(0)).unwrap_or_default())
}

async fn add(store: &(impl Begin + ?Sized), checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let sql = "INSERT INTO checkpoints (writer_number, link_number, hash, at, key, signature) \
        SELECT number, $2, $3, $4, $5, $6 FROM spool_positions WHERE writer = $1 \
        ON CONFLICT (writer_number, link_number) DO NOTHING";
    let values = vec![
        checkpoint.writer.as_str().into(),
        checkpoint.link_number.into(),
        (&checkpoint.hash).into(),
        checkpoint.at.into(),
        checkpoint.key.as_str().into(),
        checkpoint.signature.as_str().into(),
    ];
    tx.execute(sql, values).await?;
    tx.commit().await
}

/// A checkpoint out of the columns `writer, link_number, hash, at, key, signature`.
pub(super) fn read(row: &Row) -> Option<Checkpoint> {
    Some(Checkpoint {
        writer: row.string(0)?,
        link_number: row.int(1)?,
        hash: row.hash(2)?,
        at: row.int(3)?,
        key: row.string(4)?,
        signature: row.string(5)?,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    text.len()
        .is_multiple_of(2)
        .then(|| digits.map(byte).collect())
        .flatten()
}
