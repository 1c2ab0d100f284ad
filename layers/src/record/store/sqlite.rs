use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Options, StoreError,
    engine::{Inner, Tx},
    migrate,
    sealed::Begin,
};

/// The record in a file of SQLite.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    name: Arc<str>,
    writer: SqlitePool,
    readers: SqlitePool,
    options: Options,
}

/// How long somebody waits for another's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Larger than usual: messages are, and less of a page stays empty.
const PAGE: u32 = 8192;
/// How many statements are kept prepared, per connection.
const STATEMENTS: usize = 400;

impl SqliteStore {
    /// Opens the database in a file, makes it if there is none, and brings it up to this version. File and folder are
    /// for their owner alone.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is no database, or is that of a later version.
    pub async fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let name: Arc<str> = format!("sqlite:{}", path.display()).into();
        make(path).map_err(|error| StoreError::Unavailable {
            name: name.to_string(),
            reason: error.to_string(),
        })?;
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .page_size(PAGE)
            // Readers and the writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            // What is committed here is deleted from the spool: it must not be lost with the power.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .statement_cache_capacity(STATEMENTS)
            // What is written over in a page is gone from there; what is forgotten is overwritten wherever it is.
            .pragma("secure_delete", "FAST")
            .pragma("journal_size_limit", "67108864");
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(options.wait)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                // A commit that fails, on a full disk say, leaves a connection that believes to be in its transaction, and can
                // neither end it nor begin another.
                .after_release(|connection, _| {
                    Box::pin(async move {
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction())
                    })
                })
        };
        let writer = pool(1).connect_lazy_with(connect.clone());
        let readers = pool(options.connections.max(1)).connect_lazy_with(connect.read_only(true));
        let store = Self {
            name,
            writer,
            readers,
            options,
        };
        loop {
            let mut tx = store.write().await?;
            migrate::lock(&mut tx).await?;
            match migrate::next(&mut tx, migrate::SQLITE).await? {
                Some(migration) => migrate::apply(tx, migration).await?,
                None => break,
            }
        }
        Ok(store)
    }

    /// Sees to it that nothing of what was deleted is left in the files: words in the index, pages in the log.
    ///
    /// # Errors
    ///
    /// If the database is locked for long.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        tx.script(
            "PRAGMA secure_delete = ON; INSERT INTO message_words (message_words) VALUES ('optimize'); \
             PRAGMA secure_delete = FAST",
        )
        .await?;
        tx.commit().await?;
        let done = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.writer)
            .await;
        done.map(drop)
            .map_err(|error| StoreError::of(&self.name, &error))
    }

    /// Waits until nothing is under way, and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Begin for SqliteStore {
    async fn write(&self) -> Result<Tx, StoreError> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await;
        self.tx(transaction)
    }

    async fn read(&self) -> Result<Tx, StoreError> {
        let transaction = self.readers.begin_with("BEGIN").await;
        self.tx(transaction)
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl SqliteStore {
    fn tx(
        &self,
        transaction: Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error>,
    ) -> Result<Tx, StoreError> {
        let transaction = transaction.map_err(|error| StoreError::of(&self.name, &error))?;
        Ok(Tx {
            name: self.name.clone(),
            inner: Inner::Sqlite(transaction),
        })
    }
}

/// Makes the folder and the file, so that nobody else may read what SQLite puts into it, or beside it.
fn make(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let is_new = !folder.exists();
    fs::create_dir_all(&folder)?;
    let mut open = OpenOptions::new();
    open.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        if is_new {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        open.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_new;
    open.open(path).map(drop)
}
