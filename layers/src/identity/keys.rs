//! Keys of our own: how they are made, kept and recognised.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every key begins with, so that people and scanners recognise one that has got astray.
pub const PREFIX: &str = "lth_";

/// Length of the public part that follows the prefix.
const ID: usize = 8;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scope {
    /// Requests to models.
    Data,
    /// Reading what was recorded.
    Transcripts,
    /// Changing what runs.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Data, Self::Transcripts, Self::Admin];

    /// The word in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Transcripts => "transcripts",
            Self::Admin => "admin",
        }
    }
}

/// A key as it is kept: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// The public part, which names it.
    pub id: Arc<str>,
    /// What it is for, in the words of whoever made it.
    pub name: Arc<str>,
    /// SHA-256 of the whole key. Keys are 256 random bits, so there is nothing to guess.
    pub digest: [u8; 32],
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it ends, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Whose it is.
    pub user: Option<Arc<str>>,
}

impl KeyEntry {
    /// Makes a key. It is shown here and never again; keep the entry.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers to give.
    pub fn generate(name: &str) -> Result<(SecretString, Self), getrandom::Error> {
        let mut random = [0; ID + 32];
        getrandom::fill(&mut random)?;
        let (id, secret) = random.split_at(ID);
        // 32 letters and digits that nobody mistakes for each other: 5 bits each.
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let letter = |byte: &u8| {
            LETTERS
                .get(usize::from(byte % 32))
                .copied()
                .map_or('a', char::from)
        };
        let id: String = id.iter().map(letter).collect();
        let key = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
        let entry = Self {
            id: id.into(),
            name: name.into(),
            digest: Sha256::digest(&key).into(),
            scopes: vec![Scope::Data],
            expires_at: None,
            user: None,
        };
        Ok((key.into(), entry))
    }
}

/// The keys that count, shared by all clones. Replacing them takes effect with the next request.
#[derive(Clone)]
pub struct KeyRing {
    entries: Arc<RwLock<Arc<Entries>>>,
    now: fn() -> u64,
}

/// By public part.
type Entries = HashMap<Arc<str>, KeyEntry>;

/// Why a key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyDenied {
    /// Nobody made it, or it was revoked.
    #[error("this key is unknown, or was revoked")]
    Unknown,
    /// It has ended.
    #[error("this key has expired")]
    Expired,
    /// It is for something else.
    #[error("this key is not for {}", .0.name())]
    Scope(Scope),
}

impl KeyRing {
    /// A ring of these keys.
    pub fn new(entries: impl IntoIterator<Item = KeyEntry>) -> Self {
        let ring = Self {
            entries: Arc::default(),
            now: unix_now,
        };
        ring.replace(entries);
        ring
    }

    /// With another clock, in seconds since 1970.
    #[must_use]
    pub fn with_clock(mut self, now: fn() -> u64) -> Self {
        self.now = now;
        self
    }

    /// From now on these keys count, and no others.
    pub fn replace(&self, entries: impl IntoIterator<Item = KeyEntry>) {
        let entries = entries
            .into_iter()
            .map(|entry| (entry.id.clone(), entry))
            .collect();
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(entries);
    }

    /// The entry of a key that may be used for `scope`. Takes the same time for a wrong key as for a right one.
    ///
    /// # Errors
    ///
    /// If the key is not accepted.
    pub fn find(&self, key: &[u8], scope: Scope) -> Result<KeyEntry, KeyDenied> {
        let entries = self
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let id = key
            .get(PREFIX.len()..PREFIX.len() + ID)
            .and_then(|id| std::str::from_utf8(id).ok());
        let entry = id.and_then(|id| entries.get(id));
        let digest: [u8; 32] = Sha256::digest(key).into();
        let expected = entry.map_or([0; 32], |entry| entry.digest);
        let same = bool::from(digest.ct_eq(&expected));
        match entry.filter(|_| same) {
            None => Err(KeyDenied::Unknown),
            Some(entry) if entry.expires_at.is_some_and(|end| end <= (self.now)()) => {
                Err(KeyDenied::Expired)
            }
            Some(entry) if !entry.scopes.contains(&scope) => Err(KeyDenied::Scope(scope)),
            Some(entry) => Ok(entry.clone()),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("KeyRing")
            .field("keys", &entries.len())
            .finish_non_exhaustive()
    }
}

#[allow(
    clippy::disallowed_types,
    reason = "a key ends on a date, not after a time"
)]
fn unix_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
