//! What every store must do, on both engines.

mod apply;
mod conversation;
mod forget;
mod harness;
mod migrate;
mod page;
mod poison;
mod read;
mod size;
mod verify;

/// Each of these tests, in a new database of each engine.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::super::harness::Database::sqlite()).await;
            })*
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                let database = super::super::harness::Database::postgres().await;
                super::$name(database.clone()).await;
                database.drop().await;
            })*
        }
    };
}
use on_both_engines;
