use std::fs;

use super::{
    super::{AnyStore, Options, StoreError, sealed::Begin},
    harness::{Database, execute, number},
    on_both_engines,
};

on_both_engines! {
    many_starters_migrate_once,
    a_later_database_is_left_alone,
    a_changed_migration_is_told,
    what_broke_off_is_done_again,
}

async fn many_starters_migrate_once(database: Database) {
    let starters = (0..8).map(|_| {
        let database = database.clone();
        tokio::spawn(async move { database.open().await })
    });
    for starter in starters.collect::<Vec<_>>() {
        starter.await.unwrap().close().await;
    }
    let store = database.open().await;
    assert_eq!(number(&store, "SELECT count(*) FROM migrations").await, 4);
}

async fn a_later_database_is_left_alone(database: Database) {
    let store = database.open().await;
    execute(
        &store,
        "INSERT INTO migrations (number, name, checksum) VALUES (99, '0099_later', 'x')",
    )
    .await;
    let error = database.try_open().await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: 4,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_transient());
}

async fn a_changed_migration_is_told(database: Database) {
    let store = database.open().await;
    execute(
        &store,
        "UPDATE migrations SET checksum = 'x' WHERE number = 2",
    )
    .await;
    let error = database.try_open().await.unwrap_err();
    assert!(
        matches!(error, StoreError::Changed { number: 2, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("0002_transcript"));
}

async fn what_broke_off_is_done_again(database: Database) {
    let store = database.open().await;
    execute(
        &store,
        "DROP VIEW conversation_transcript; DROP TABLE event_tombstones; DROP TABLE session_holds; DROP TABLE leases; \
         DROP TABLE content_uses; DROP TABLE checkpoints; DROP TABLE retention; DROP INDEX nodes_parent; DROP INDEX nodes_message; \
         DROP INDEX transactions_head; DROP INDEX transactions_sent_head; DROP INDEX transactions_frame; \
         DROP INDEX transactions_sent_frame; DROP INDEX transactions_reply; DROP INDEX transactions_provider_reply; \
         DROP INDEX messages_media; ALTER TABLE spool_positions DROP COLUMN first_link; \
         ALTER TABLE spool_positions DROP COLUMN last_link; ALTER TABLE spool_positions DROP COLUMN last_hash; \
         DELETE FROM migrations WHERE number > 1;",
    )
    .await;
    // Whoever is killed in the middle of a migration has not committed it.
    let mut tx = store.write().await.unwrap();
    tx.script("CREATE VIEW conversation_transcript AS SELECT 1 AS one")
        .await
        .unwrap();
    drop(tx);
    let store = database.open().await;
    assert_eq!(
        number(&store, "SELECT count(*) FROM conversation_transcript").await,
        0
    );
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| {
        let folder = format!("{}/../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name());
        let mut names: Vec<_> = files.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let files = names("sqlite");
    assert_eq!(files, names("postgres"));
    for migrations in [
        super::super::migrate::SQLITE,
        super::super::migrate::POSTGRES,
    ] {
        let known: Vec<_> = migrations
            .iter()
            .map(|one| format!("{}.sql", one.name))
            .collect();
        assert_eq!(known, files);
        for (at, migration) in migrations.iter().enumerate() {
            assert_eq!(migration.number, at as i64 + 1);
            assert!(
                migration
                    .name
                    .starts_with(&format!("{:04}_", migration.number))
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let database = Database::sqlite();
    let file = database.file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let garbage = "This is a diary, and nobody's database. ".repeat(500);
    fs::write(&file, &garbage).unwrap();
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains(".recover"));
    assert_eq!(fs::read_to_string(&file).unwrap(), garbage);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::sqlite();
    let store = database.open().await;
    execute(&store, "DELETE FROM users").await;
    let folder = database.file().parent().unwrap().to_owned();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn addresses_are_told_apart_and_passwords_are_not_told() {
    let open = |address: &'static str| {
        AnyStore::open(
            address,
            Options {
                wait: std::time::Duration::from_millis(200),
                ..Options::default()
            },
        )
    };
    for address in [
        "mysql://u:secret@h/d",
        "sqlite:",
        "",
        "postgres://u:secret@h:99999/d",
    ] {
        let error = open(address).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Address(_)),
            "{address}: {error:?}"
        );
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
    }
    // Nobody listens there.
    let error = open("postgres://u:secret@127.0.0.1:1/d").await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(
        error.to_string().contains("postgres://u@127.0.0.1:1/d"),
        "{error}"
    );
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "{error:?}"
    );
}
