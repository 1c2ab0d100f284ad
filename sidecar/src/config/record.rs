//! Where and how conversations are kept.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, Size, Time};

/// How conversations are recorded. (`database` says where.)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Record {
    /// What is promised.
    pub(crate) durability: Durability,
    /// What happens to exchanges that cannot be recorded.
    pub(crate) audit: Audit,
    /// Whether the sidecar serves although the database is away when it starts. What happens waits in the spool, and
    /// `/ready` says 503 until the database takes it.
    pub(crate) allow_degraded_log: bool,
    /// How much may wait in memory to be written. What is beyond is recorded without its text, and counted: no exchange
    /// waits for room.
    pub(crate) queue: Size,
    /// The folder in which records wait for the database, on the disk; beside the user's data unless told otherwise.
    pub(crate) spool: Option<PathBuf>,
    /// How large that folder may become while the database is away. What is beyond is recorded without its text, and counted.
    pub(crate) spool_size: Size,
    /// What is taken out before anything is written: `secrets`, `personal-data`, or both. In its place stands its class, and so much
    /// of a keyed hash that the same is recognised again. Nobody else is kept from it: agents and providers get everything.
    pub(crate) redact: Vec<Redacted>,
    /// The file of an Ed25519 key (PKCS #8, PEM) with which checkpoints of the record are signed, so that nobody can change it
    /// unseen who has not the key. It is made if it is not there, with the public key beside it in `FILE.pub`.
    pub(crate) signing_key: Option<PathBuf>,
    /// A file to whose end checkpoints are written as well. Kept where the sidecar can only append, it shows what was
    /// changed even by who has the key.
    pub(crate) checkpoints: Option<PathBuf>,
    /// What is deleted by itself.
    pub(crate) retention: Retention,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            audit: Audit::default(),
            allow_degraded_log: false,
            queue: Size::mebibytes(16),
            spool: None,
            spool_size: Size::mebibytes(256),
            redact: Vec::new(),
            signing_key: None,
            checkpoints: None,
            retention: Retention::default(),
        }
    }
}

/// When conversations are deleted, with everything that was found out about them. `luthien hold` keeps one for as long as is
/// needed, and `luthien forget` deletes one at once. See docs/retention.md.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// How long a conversation is kept after something has happened in it last; `none` is for ever.
    pub(crate) conversations: Time,
    /// The folder in which conversations are archived before they are deleted, in the form of `luthien export --format
    /// jsonl`. As long as that cannot be written, nothing is deleted.
    pub(crate) archive: Option<PathBuf>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            conversations: Time(Duration::MAX),
            archive: None,
        }
    }
}

/// See [`Record::durability`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// When a client has seen the end of a reply, its record is on the disk.
    #[default]
    Terminal,
    /// That, and a request is on the disk before anything of it goes up.
    Request,
    /// Up to 200 ms of records may be lost with the machine.
    Relaxed,
}

/// See [`Record::redact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Redacted {
    /// What the policy `secrets` looks for.
    Secrets,
    /// What the policy `personal-data` looks for.
    PersonalData,
}

/// See [`Record::audit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Audit {
    /// They happen all the same, and are counted.
    #[default]
    BestEffort,
    /// They are refused with a 503 before anything of them goes up: while the disk takes no records, and while the spool is full.
    /// A request is on the disk before it goes up, whatever `durability` says.
    Required,
}

impl From<Durability> for luthien::record::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Terminal => Self::Terminal,
            Durability::Request => Self::Request,
            Durability::Relaxed => Self::Relaxed,
        }
    }
}

/// What a database may be called, and what is deleted.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let retention = &config.record.retention;
    if retention.archive.is_some() && retention.conversations.0 == Duration::MAX {
        let message = "nothing is archived, since nothing is deleted";
        let hint = "say with `conversations` how long they are kept, such as `90d`";
        return Err(ConfigError::new("record.retention.archive", message).with_hint(hint));
    }
    if config.record.checkpoints.is_some() && config.record.signing_key.is_none() {
        let message = "nothing is signed";
        let hint = "say with `signing_key` with which key, such as `luthien-signing.pem`";
        return Err(ConfigError::new("record.checkpoints", message).with_hint(hint));
    }
    let Some(database) = &config.database else {
        return Ok(());
    };
    if database.expose().is_empty() && config.record.audit == Audit::Required {
        let message = "nothing is recorded with `database: none`";
        let hint = "name a database, or leave `audit` at `best-effort`";
        return Err(ConfigError::new("record.audit", message).with_hint(hint));
    }
    let url = database.expose();
    let is_known = url.is_empty()
        || url.starts_with("sqlite:")
        || url.starts_with("postgres://")
        || url.starts_with("postgresql://");
    if !is_known {
        let message = "is no database that is known";
        let hint = "write `sqlite:PATH`, `postgres://USER:${PASSWORD}@HOST/DATABASE`, or `none`";
        return Err(ConfigError::new("database", message).with_hint(hint));
    }
    let has_password = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .is_some_and(|(user, _)| user.contains(':'));
    if has_password && !database.is_reference() {
        let message = "a password does not belong into this file";
        let hint = "write `${NAME}` of an environment variable in its place";
        return Err(ConfigError::new("database", message).with_hint(hint));
    }
    Ok(())
}
