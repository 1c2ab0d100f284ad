use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    Options, StoreError,
    engine::{Inner, Tx},
    migrate,
    sealed::Begin,
};

/// The record in a database of PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    name: Arc<str>,
    pool: PgPool,
    options: Options,
}

/// How many statements are kept prepared, per connection.
const STATEMENTS: usize = 400;
/// How long a transaction may do nothing, as when the sidecar that has begun it is gone: it may hold the writers' lock.
const IDLE: &str = "15000";

impl PostgresStore {
    /// Opens the database of this URL, and brings it up to this version.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, or is that of a later version.
    pub async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        // What the parser says of it might repeat the password.
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Address("this URL cannot be read".to_owned()))?;
        let name: Arc<str> = format!(
            "postgres://{}@{}:{}/{}",
            connect.get_username(),
            connect.get_host(),
            connect.get_port(),
            connect.get_database().unwrap_or(connect.get_username()),
        )
        .into();
        let wait = options.wait.as_millis().to_string();
        let connect = connect
            .application_name("luthien")
            .statement_cache_capacity(STATEMENTS)
            .options([
                ("lock_timeout", wait.as_str()),
                ("idle_in_transaction_session_timeout", IDLE),
                ("client_min_messages", "warning"),
            ]);
        let pool = PgPoolOptions::new()
            // One of them writes.
            .max_connections(options.connections.max(1) + 1)
            .acquire_timeout(options.wait)
            .idle_timeout(Duration::from_secs(300))
            .connect_lazy_with(connect);
        let store = Self {
            name,
            pool,
            options,
        };
        loop {
            let mut tx = store.begin("BEGIN").await?;
            migrate::lock(&mut tx).await?;
            match migrate::next(&mut tx, migrate::POSTGRES).await? {
                Some(migration) => migrate::apply(tx, migration).await?,
                None => break,
            }
        }
        Ok(store)
    }

    /// Waits until nothing is under way, and closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self, statement: &'static str) -> Result<Tx, StoreError> {
        let transaction = self.pool.begin_with(statement).await;
        let transaction = transaction.map_err(|error| StoreError::of(&self.name, &error))?;
        Ok(Tx {
            name: self.name.clone(),
            inner: Inner::Postgres(transaction),
        })
    }
}

impl Begin for PostgresStore {
    async fn write(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin("BEGIN").await?;
        // One writer at a time, as in SQLite: numbers are given out, and sessions are summed up, without a race.
        tx.rows("SELECT pg_advisory_xact_lock(7738148, 2)", Vec::new())
            .await?;
        Ok(tx)
    }

    async fn read(&self) -> Result<Tx, StoreError> {
        // All that one answer consists of is of one moment.
        self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
    }

    fn options(&self) -> &Options {
        &self.options
    }
}
