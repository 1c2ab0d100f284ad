use std::{fmt, pin::Pin, time::Duration};

use sha2::{Digest, Sha256};

use super::Rule;

/// Keeps the accounts: what is left, for whom. [`LocalLedger`](super::LocalLedger) does it in process.
///
/// Reserving is all or nothing: a request that one rule refuses costs nothing under the others.
pub trait Ledger: Send + Sync {
    /// The rules it keeps accounts for. Claims name them by place.
    fn rules(&self) -> &[Rule];

    /// Reserves what `claims` ask for, or says what is missing.
    fn reserve(&self, claims: Vec<Claim>) -> Decision;

    /// The exchange is over: what was reserved is replaced by what was used. Called once for each grant, also from
    /// `Drop`: it must not block.
    fn settle(&self, grant: Grant, used: Used);
}

/// An answer, now or later.
pub enum Decision {
    /// Known at once.
    Now(Result<Grant, Denied>),
    /// Somebody else must be asked.
    Later(Pin<Box<dyn Future<Output = Result<Grant, Denied>> + Send>>),
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(now) => f.debug_tuple("Now").field(now).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// What an exchange asks for under one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The rule, by its place among the ledger's.
    pub rule: usize,
    /// Whose account.
    pub subject: Subject,
    /// How much, at least 1; of tokens an estimate.
    pub amount: u32,
}

/// Whose account: a digest, so that accounts are small and hold no names. Equal for equal names in every process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(pub u128);

impl Subject {
    /// The subject of this kind and name.
    pub fn new(kind: &str, name: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(name)
            .finalize();
        Self(
            digest
                .first_chunk::<16>()
                .map_or(0, |bytes| u128::from_be_bytes(*bytes)),
        )
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A reservation. Hand it back to [`Ledger::settle`].
#[derive(Debug)]
pub struct Grant {
    /// What was reserved.
    pub claims: Vec<Claim>,
    /// Where each claim's account stands now.
    pub standings: Vec<Standing>,
    /// The ledger's own mark: which of several books it is in.
    pub book: u64,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much is left.
    pub remaining: u32,
    /// Until all is there again.
    pub reset: Duration,
}

/// A request that a rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The rule, by its place.
    pub rule: usize,
    /// When to come again. Of a concurrency rule nobody knows.
    pub retry_after: Option<Duration>,
}

/// What an exchange has used in the end. `None` is unknown: what was reserved stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens in.
    pub input: Option<u64>,
    /// Tokens out.
    pub output: Option<u64>,
}
