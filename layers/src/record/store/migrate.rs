//! Migrations: numbered alike for both engines, applied in order under a lock, each in a transaction of its own.

use super::{
    StoreError,
    engine::{Engine, Tx},
};

/// One step from an empty database to that of this version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    pub(super) number: i64,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

macro_rules! migrations {
    ($engine:literal: $($number:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../../../../migrations/", $engine, "/", $name, ".sql")),
        }),*]
    };
}

#[cfg(feature = "sqlite")]
pub(super) const SQLITE: &[Migration] = migrations!("sqlite": 1 "0001_record", 2 "0002_transcript", 3 "0003_retention", 4 "0004_checkpoints");
#[cfg(feature = "postgres")]
pub(super) const POSTGRES: &[Migration] = migrations!("postgres": 1 "0001_record", 2 "0002_transcript", 3 "0003_retention", 4 "0004_checkpoints");

impl Migration {
    /// By which it is known again, whatever the ends of its lines.
    fn checksum(&self) -> String {
        let text = self.sql.replace("\r\n", "\n");
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }
}

/// The next migration to apply: `None` if all are. The transaction must hold the lock.
///
/// # Errors
///
/// If the database is newer than this version, or what was applied is not what stands here.
pub(super) async fn next(
    tx: &mut Tx,
    migrations: &'static [Migration],
) -> Result<Option<Migration>, StoreError> {
    tx.script(
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, \
         checksum TEXT NOT NULL)",
    )
    .await?;
    let sql = "SELECT number, name, checksum FROM migrations ORDER BY number";
    let applied = tx.rows(sql, Vec::new()).await?;
    let mut open = migrations.iter();
    for row in &applied {
        let number = row.int(0).unwrap_or_default();
        let Some(migration) = open.next() else {
            return Err(StoreError::Newer {
                name: tx.name.to_string(),
                found: applied.last().and_then(|row| row.int(0)).unwrap_or(number),
                known: migrations.last().map_or(0, |last| last.number),
            });
        };
        let is_same = number == migration.number
            && row.text(1) == Some(migration.name)
            && row.text(2) == Some(&migration.checksum());
        if !is_same {
            return Err(StoreError::Changed {
                name: tx.name.to_string(),
                number,
                migration: row.string(1).unwrap_or_default(),
            });
        }
    }
    Ok(open.next().copied())
}

/// Applies a migration, and notes that it was: both, or neither.
pub(super) async fn apply(mut tx: Tx, migration: Migration) -> Result<(), StoreError> {
    tx.script(migration.sql).await?;
    let values = vec![
        migration.number.into(),
        migration.name.into(),
        migration.checksum().into(),
    ];
    let sql = "INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)";
    tx.execute(sql, values).await?;
    tx.commit().await
}

/// Takes the lock under which migrations are applied, until the end of the transaction.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    match tx.engine() {
        // The transaction itself is one: it began as `IMMEDIATE`.
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => Ok(()),
        #[cfg(feature = "postgres")]
        Engine::Postgres => {
            tx.rows("SELECT pg_advisory_xact_lock(7738148, 1)", Vec::new())
                .await?;
            Ok(())
        }
    }
}
