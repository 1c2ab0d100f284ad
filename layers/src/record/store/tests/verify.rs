//! What was changed in the database by others is noticed, and nothing else.

use bytes::Bytes;
use luthien_core::{Dialect, testing::conversation};

use super::{
    super::{AnyStore, Store, Verified},
    harness::{Database, Recorder, captures, execute, number},
    on_both_engines,
};
use crate::record::spool::{Kept, Position};

on_both_engines! {
    what_was_recorded_verifies,
    the_first_break_is_told,
    what_came_from_elsewhere_begins_later,
}

async fn verified(store: &AnyStore) -> Verified {
    store.verify(|_| ()).await.unwrap()
}

/// Two exchanges of two turns, by two writers.
async fn recorded(store: &AnyStore) {
    for writer in ["w-1", "w-2"] {
        let mut recorder = Recorder::named(writer);
        for turn in 1..=2 {
            let body = conversation(Dialect::Anthropic, turn * 2_000, true);
            let id = recorder.asked(Dialect::Anthropic, &body, |asked| {
                asked.session = Some(writer.into());
            });
            recorder.decided(&id, "allow", |_| {});
            let reply = format!("{{\"reply\":\"{writer} {turn}\"}}");
            recorder.ended(&id, "whole", &Bytes::from(reply), |_| {});
        }
        let end = Position {
            segment: 1,
            offset: 1,
        };
        // In pieces, as it comes from a spool.
        for kept in recorder.kept.chunks(5) {
            store.apply(writer, kept, end).await.unwrap();
        }
    }
}

async fn what_was_recorded_verifies(database: Database) {
    let store = database.open().await;
    assert_eq!(verified(&store).await, Verified::default());
    let mut recorder = Recorder::new();
    for (dialect, body) in captures().into_iter().flatten() {
        let reply = luthien_core::testing::recorded(dialect, true);
        recorder.exchange(dialect, &body, "stream", &reply);
    }
    // Written as no database takes it.
    let body = Bytes::from_static(br#"{"messages":[{"role":"user","content":"a\u0000b"}]}"#);
    recorder.exchange(Dialect::Chat, &body, "whole", &Bytes::from_static(b"\0"));
    recorder.apply(&store).await;
    let mut told = Vec::new();
    let found = store.verify(|progress| told.push(progress)).await.unwrap();
    assert_eq!(found.first_break, None);
    let events = number(&store, "SELECT count(*) FROM conversation_events").await;
    let nodes = number(&store, "SELECT count(*) FROM nodes").await;
    assert_eq!(
        (found.writers, found.events, found.tombstones, found.missing),
        (1, events.cast_unsigned(), 0, 0)
    );
    assert_eq!(found.nodes, nodes.cast_unsigned());
    assert!(found.contents > 10 && found.messages > 10, "{found:?}");
    for what in ["events", "contents", "messages", "nodes"] {
        let last = told.iter().rfind(|progress| progress.what == what).unwrap();
        assert_eq!(last.done, last.of, "{what}");
    }
}

async fn the_first_break_is_told(database: Database) {
    // What somebody does, the link at which it is found, and what is said of it.
    for (change, link, said) in [
        (
            "DELETE FROM conversation_events WHERE link_number = 2",
            Some(2),
            "it is missing",
        ),
        (
            "DELETE FROM conversation_events WHERE link_number > 5",
            Some(6),
            "it is missing",
        ),
        (
            "DELETE FROM conversation_events WHERE link_number < 3",
            Some(1),
            "it is missing, and all up to 2",
        ),
        (
            "UPDATE conversation_events SET coding = 0, payload = (SELECT payload FROM conversation_events \
             WHERE link_number = 1 AND writer_number = 1) WHERE link_number = 4",
            Some(4),
            "another than the one",
        ),
        (
            "UPDATE conversation_events SET sequence = 7 WHERE link_number = 3",
            Some(3),
            "another exchange",
        ),
        (
            "UPDATE conversation_events SET link_number = link_number + 10 WHERE link_number > 4",
            Some(5),
            "it is missing, and all up to 14",
        ),
        (
            "UPDATE contents SET body = hash, coding = 0, size = 32 WHERE number = 2",
            None,
            "this content",
        ),
        (
            "UPDATE messages SET raw = NULL, body = '{}' WHERE number = 1",
            None,
            "this message",
        ),
        (
            "UPDATE nodes SET parent_number = number WHERE depth = 1",
            None,
            "this place",
        ),
        (
            "DELETE FROM messages WHERE number IN (SELECT message_number FROM nodes WHERE depth = 1)",
            None,
            "refers to is gone",
        ),
    ] {
        let other = database.another().await;
        let store = other.open().await;
        recorded(&store).await;
        assert_eq!(verified(&store).await.first_break, None);
        execute(&store, change).await;
        let found = verified(&store).await.first_break.expect(change);
        assert_eq!(found.link_number, link, "{change}: {found}");
        assert_eq!(found.writer.as_deref(), link.map(|_| "w-1"), "{change}");
        assert_eq!(found.hash.is_some(), link.is_none(), "{change}");
        assert!(found.to_string().contains(said), "{change}: {found}");
        store.close().await;
        other.drop().await;
    }
}

async fn what_came_from_elsewhere_begins_later(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let body = conversation(Dialect::Chat, 500, true);
    let before = recorder.exchange(Dialect::Chat, &body, "whole", &Bytes::from_static(b"{}"));
    // The first exchange is in another database.
    recorder.kept.retain(|kept| !matches!(kept, Kept::Event(_)));
    let after = recorder.exchange(Dialect::Chat, &body, "whole", &Bytes::from_static(b"[]"));
    recorder.apply(&store).await;
    assert_ne!(before, after);
    let found = verified(&store).await;
    assert_eq!((found.first_break, found.events), (None, 2));
    execute(
        &store,
        "DELETE FROM conversation_events WHERE link_number = 3",
    )
    .await;
    let found = verified(&store).await.first_break.unwrap();
    assert_eq!(found.link_number, Some(3), "{found}");
}
