use super::{Options, StoreError, engine::Tx, sealed::Begin};

/// The record, wherever the configuration says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyStore {
    /// In a file of SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(super::SqliteStore),
    /// In a database of PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(super::PostgresStore),
}

impl AnyStore {
    /// Opens `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    ///
    /// If it is neither, or cannot be opened.
    pub async fn open(address: &str, options: Options) -> Result<Self, StoreError> {
        #[cfg(feature = "sqlite")]
        if let Some(path) = address.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(StoreError::Address("there is no path".to_owned()));
            }
            let store = super::SqliteStore::open(path.as_ref(), options).await?;
            return Ok(Self::Sqlite(store));
        }
        #[cfg(feature = "postgres")]
        if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            let store = super::PostgresStore::open(address, options).await?;
            return Ok(Self::Postgres(store));
        }
        // The address may hold a password.
        let kind = address.split(':').next().unwrap_or_default();
        let kind: String = kind.chars().take(20).collect();
        Err(StoreError::Address(format!("`{kind}:` is not known here")))
    }

    /// Sees to it that nothing of what was deleted is left in the files of SQLite. PostgreSQL does that by itself, in time
    /// (`VACUUM`).
    ///
    /// # Errors
    ///
    /// If the database is locked for long.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.scrub().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Waits until nothing is under way, and closes what is open.
    pub async fn close(&self) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.close().await,
        }
    }
}

impl Begin for AnyStore {
    async fn write(&self) -> Result<Tx, StoreError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.write().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.write().await,
        }
    }

    async fn read(&self) -> Result<Tx, StoreError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.read().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.read().await,
        }
    }

    fn options(&self) -> &Options {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.options(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.options(),
        }
    }
}
