//! What was changed in the database by others is noticed, and nothing else.

use bytes::Bytes;
use luthien_core::{Dialect, testing::conversation};

use super::{
    super::{AnyStore, Signer, Store, Trust, Verified},
    harness::{Database, Recorder, captures, execute, number},
    on_both_engines,
};
use crate::record::spool::{Kept, Position};

on_both_engines! {
    what_was_recorded_verifies,
    the_first_break_is_told,
    what_came_from_elsewhere_begins_later,
    what_was_signed_cannot_be_made_anew,
}

async fn verified(store: &AnyStore) -> Verified {
    store.verify(&Trust::default(), |_| ()).await.unwrap()
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
    let found = store
        .verify(&Trust::default(), |progress| told.push(progress))
        .await
        .unwrap();
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

/// Takes away the last event of a chain, and everything that tells of it but checkpoints.
const SHORTENED: &str = "UPDATE spool_positions SET last_link = last_link - 1, last_hash = \
     (SELECT hash FROM conversation_events WHERE writer_number = 1 AND link_number = last_link - 1) WHERE number = 1; \
     DELETE FROM conversation_events WHERE writer_number = 1 AND link_number = \
     (SELECT max(link_number) FROM conversation_events WHERE writer_number = 1);";

async fn what_was_signed_cannot_be_made_anew(database: Database) {
    let store = database.open().await;
    recorded(&store).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints.jsonl");
    let key = Signer::generate().unwrap();
    let mut signer = Signer::new(&key).unwrap().with_file(&file).unwrap();
    // Not before it is due, and nothing twice.
    signer.look(&store, "w-1", false).await.unwrap();
    for writer in ["w-1", "w-1"] {
        signer.look(&store, writer, true).await.unwrap();
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let [line] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("{text}");
    };
    let trust = Trust {
        keys: vec![signer.public_key()],
        checkpoints: vec![serde_json::from_str(line).unwrap()],
    };
    let found = store.verify(&trust, |_| ()).await.unwrap();
    assert_eq!((found.first_break, found.checkpoints), (None, 1));

    let other = Signer::new(&Signer::generate().unwrap()).unwrap();
    let others = Trust {
        keys: vec![other.public_key()],
        ..Trust::default()
    };
    let found = store.verify(&others, |_| ()).await.unwrap().first_break;
    assert!(found.unwrap().to_string().contains("by another key"));

    execute(&store, SHORTENED).await;
    let found = verified(&store).await.first_break.unwrap();
    assert_eq!(
        (found.writer.as_deref(), found.link_number),
        (Some("w-1"), Some(6))
    );
    assert!(found.what.contains("it was signed"), "{found}");
    // Without the checkpoint nothing is seen, unless it was kept elsewhere.
    execute(&store, "DELETE FROM checkpoints").await;
    assert_eq!(verified(&store).await.first_break, None);
    let found = store.verify(&trust, |_| ()).await.unwrap().first_break;
    assert_eq!(found.unwrap().link_number, Some(6));

    let mut forged = trust.checkpoints[0].clone();
    forged.link_number -= 1;
    let trust = Trust {
        checkpoints: vec![forged],
        ..trust
    };
    let found = store.verify(&trust, |_| ()).await.unwrap().first_break;
    assert!(found.unwrap().what.contains("not signed by this key"));
}
