use std::borrow::Cow;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Locked, out of reach, or out of room: come again.
    #[error("{name} does not answer: {reason}")]
    Unavailable {
        /// The database, without a password.
        name: String,
        /// What it said.
        reason: String,
    },
    /// What is to be kept cannot be kept as it is.
    #[error("{name} does not take it: {reason}")]
    Refused {
        /// The database, without a password.
        name: String,
        /// What it said.
        reason: String,
    },
    /// A later version has been at work.
    #[error(
        "{name} was made by a later version: it has migration {found}, and this one knows {known}; start that version again"
    )]
    Newer {
        /// The database, without a password.
        name: String,
        /// The last migration there.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// What was done to the database is not what this version would have done.
    #[error(
        "migration {number} ({migration}) of {name} is another than this version's: start the version that made the \
         database, or begin another database"
    )]
    Changed {
        /// The database, without a password.
        name: String,
        /// The migration.
        number: i64,
        /// Its name.
        migration: String,
    },
    /// The file is no database, or a damaged one. It was left as it is.
    #[error(
        "{name} is damaged, or no database: {reason}; move it away and start anew, or try what \
         `sqlite3 FILE .recover` still finds in it"
    )]
    Corrupt {
        /// The database.
        name: String,
        /// What was found.
        reason: String,
    },
    /// The address of the database is none.
    #[error("the database must be `sqlite:PATH` or `postgres://…`: {0}")]
    Address(String),
    /// Nothing of this name is in the record, or no longer.
    #[error("{0} is not in the record")]
    Missing(String),
    /// It may not be forgotten.
    #[error("the session {0} is held: it is kept until somebody lets go of it")]
    Held(String),
    /// A request cannot be put together again.
    #[error(transparent)]
    Join(#[from] crate::record::JoinError),
}

impl StoreError {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether something in what was to be kept is to blame, and the rest of it would be taken.
    pub(super) fn is_of_data(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// What the database `name` has answered.
    pub(super) fn of(name: &str, error: &sqlx::Error) -> Self {
        let reason = error.to_string();
        let name = name.to_owned();
        match error {
            sqlx::Error::Configuration(_) => Self::Address(reason),
            sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::InvalidArgument(_) => Self::Refused { name, reason },
            sqlx::Error::Database(error) => match kind(error.as_ref()) {
                Kind::Again => Self::Unavailable { name, reason },
                Kind::Corrupt => Self::Corrupt { name, reason },
                Kind::Data => Self::Refused { name, reason },
            },
            // The connection, the pool, the library: nothing that what is to be kept could be blamed for.
            _ => Self::Unavailable { name, reason },
        }
    }
}

enum Kind {
    Again,
    Corrupt,
    Data,
}

fn kind(error: &dyn sqlx::error::DatabaseError) -> Kind {
    let code = error.code().unwrap_or(Cow::Borrowed(""));
    #[cfg(feature = "postgres")]
    if error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        return postgres(&code);
    }
    match code.parse::<u32>().map(|code| code & 0xFF) {
        // Busy, locked, out of memory, read-only, interrupted, input or output, full, cannot open.
        Ok(5..=10 | 13 | 14) => Kind::Again,
        // Corrupt, no database.
        Ok(11 | 26) => Kind::Corrupt,
        _ => Kind::Data,
    }
}

/// By the class of the code: what somebody may do something about, or time.
#[cfg(feature = "postgres")]
fn postgres(code: &str) -> Kind {
    // No connection, another's transaction, no resources, an operator at work, the system below, a lock not given.
    let again = ["08", "25", "28", "3D", "40", "53", "55", "57", "58"];
    match code.get(..2) {
        Some(class) if again.contains(&class) => Kind::Again,
        Some("XX") => Kind::Corrupt,
        _ => Kind::Data,
    }
}
