//! Where and how conversations are kept.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, Size};

/// How conversations are recorded. (`database` says where.)
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Record {
    /// What is promised.
    pub(crate) durability: Durability,
    /// How much may wait in memory to be written. What is beyond is recorded without its text, and counted: no exchange
    /// waits for room.
    pub(crate) queue: Size,
    /// The folder in which records wait for the database, on the disk; beside the user's data unless told otherwise.
    pub(crate) spool: Option<PathBuf>,
    /// How large that folder may become while the database is away. What is beyond is recorded without its text, and counted.
    pub(crate) spool_size: Size,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            queue: Size::mebibytes(64),
            spool: None,
            spool_size: Size::mebibytes(256),
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

impl From<Durability> for luthien::record::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Terminal => Self::Terminal,
            Durability::Request => Self::Request,
            Durability::Relaxed => Self::Relaxed,
        }
    }
}

/// What a database may be called.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Some(database) = &config.database else {
        return Ok(());
    };
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
