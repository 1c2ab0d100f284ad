//! What is forgotten is as if it had never been there, but for the links of its events; and nothing else is missing.

use std::{fs, time::Duration};

use bytes::Bytes;
use luthien_core::{
    Dialect,
    testing::{conversation, recorded},
};
use serde_json::json;

use super::{
    super::{
        AnyStore, RetainError, SessionFilter, SessionRow, Side, Store, StoreError, Trust, retain,
    },
    harness::{Database, Recorder, difference, everything, number},
    on_both_engines,
};
use crate::record::{
    Content, User,
    spool::{Kept, Position},
};

on_both_engines! {
    what_is_forgotten_was_never_there,
    what_others_have_as_well_they_keep,
    what_comes_late_is_forgotten_too,
    what_is_held_is_not_forgotten,
    the_last_numbers_may_be_given_out_again,
    only_one_has_a_lease,
    what_is_old_is_archived_and_forgotten,
    what_cannot_be_archived_stays,
}

/// A session that has much in common with others: prompts, tools, a picture, whole turns; and something of its own.
struct Session {
    name: &'static str,
    recorder: Recorder,
}

impl Session {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            recorder: Recorder::named(name),
        }
    }

    async fn turn(&mut self, store: &AnyStore, turn: usize) -> String {
        let dialect = Dialect::ALL[turn % 3];
        let shared = conversation(dialect, 40_000 + turn * 1_500, true);
        self.exchange(store, dialect, &shared, turn).await;
        let picture = "iVBORw0KGgo".repeat(2_000);
        let own = json!({
            "model": "claude-opus-5-5", "max_tokens": 100,
            "system": "You are a helpful bird watcher. ".repeat(20),
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": picture}}]},
                {"role": "user", "content": format!("What does {} say in turn {turn}?", self.name)},
            ],
        });
        let own = Bytes::from(own.to_string());
        self.exchange(store, Dialect::Anthropic, &own, turn).await
    }

    async fn exchange(
        &mut self,
        store: &AnyStore,
        dialect: Dialect,
        body: &Bytes,
        turn: usize,
    ) -> String {
        let name = self.name;
        let recorder = &mut self.recorder;
        let id = recorder.asked(dialect, body, |asked| {
            asked.session = Some(name.into());
            let user = if name == "s-b" { "bob" } else { "ada" };
            asked.user = Some(User {
                id: if turn == 2 { "eve" } else { user }.into(),
                trusted: true,
            });
        });
        recorder.decided(&id, "block", |decided| decided.block = Some(0));
        if turn == 2 {
            recorder.changed(&id, dialect, &conversation(dialect, 41_000, false));
        }
        let form = if turn == 3 { "whole" } else { "stream" };
        let reply = recorded(dialect, turn != 3);
        if turn == 1 {
            let provided = Bytes::from(format!("{{\"of\":\"{name} {turn}\"}}"));
            let provided = recorder.reply(form, &provided);
            recorder.ended(&id, form, &reply, |ended| {
                ended.provider_reply = Some(provided);
            });
        } else if turn == 4 {
            // In pieces, as long ones come; one of them is everybody's.
            let pieces = [&b"data: 1\n\n"[..], b"data: 2\n\n", name.as_bytes()];
            let pieces = pieces.map(|piece| Content::new(Bytes::copy_from_slice(piece)));
            let rest = pieces.iter().map(|piece| piece.hash).collect();
            recorder.kept.extend(pieces.into_iter().map(Kept::Content));
            recorder.ended(&id, form, &reply, |ended| {
                ended.reply.rest = rest;
                ended.reply.bytes += 25;
            });
        } else {
            recorder.ended(&id, form, &reply, |_| {});
        }
        self.apply(store).await;
        id
    }

    async fn apply(&mut self, store: &AnyStore) {
        let kept = std::mem::take(&mut self.recorder.kept);
        let applied = store.apply(self.name, &kept, Position::default()).await;
        assert_eq!(applied.unwrap().rejected, 0);
    }
}

async fn is_whole(store: &AnyStore, tombstones: u64) {
    let found = store.verify(&Trust::default(), |_| ()).await.unwrap();
    assert_eq!((found.first_break, found.tombstones), (None, tombstones));
    assert_eq!(found.missing, 0);
    for nobody in [
        "SELECT count(*) FROM content_uses WHERE content_number NOT IN (SELECT number FROM contents)",
        "SELECT count(*) FROM content_uses WHERE kind < 2 AND holder_number NOT IN (SELECT number FROM contents)",
        "SELECT count(*) FROM content_uses WHERE kind = 2 AND holder_number NOT IN (SELECT number FROM transactions)",
        "SELECT count(*) FROM nodes WHERE transaction_number NOT IN (SELECT number FROM transactions)",
        "SELECT count(*) FROM nodes WHERE parent_number NOT IN (SELECT number FROM nodes)",
        "SELECT count(*) FROM transaction_messages WHERE message_number NOT IN (SELECT number FROM messages)",
    ] {
        assert_eq!(number(store, nobody).await, 0, "{nobody}");
    }
}

/// All that can be asked, but for from which turn another goes on: if several sessions send the same, that depends on which
/// of them has come first.
async fn all(store: &AnyStore) -> serde_json::Value {
    let mut all = everything(store).await;
    for turn in all[0]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .flat_map(|session| session[1].as_array_mut().unwrap())
    {
        let turn = turn.as_object_mut().unwrap();
        turn.remove("continues").unwrap();
        turn.remove("follows").unwrap();
    }
    all
}

/// Records the sessions one turn after another, forgets the second, and goes on: all is as if it had not been.
async fn what_is_forgotten_was_never_there(database: Database) {
    for order in [
        ["s-a", "s-b", "s-c"],
        ["s-b", "s-a", "s-c"],
        ["s-c", "s-a", "s-b"],
    ] {
        let (with, without) = (database.another().await, database.another().await);
        let (store, expected) = (with.open().await, without.open().await);
        let mut sessions = order.map(Session::new);
        let mut others = order.map(Session::new);
        for turn in 1..=4 {
            for (session, other) in sessions.iter_mut().zip(&mut others) {
                session.turn(&store, turn).await;
                if other.name != "s-b" {
                    other.turn(&expected, turn).await;
                }
            }
        }
        assert!(difference(&all(&store).await, &all(&expected).await).is_some());
        let before = store.forgettings().await.unwrap();
        let forgotten = store.forget_session("s-b").await.unwrap();
        assert_eq!((forgotten.transactions, forgotten.events), (8, 26));
        assert!(
            forgotten.messages >= 4 && forgotten.nodes >= 4,
            "{forgotten:?}"
        );
        assert_eq!(store.forgettings().await.unwrap(), before + 1);
        assert_eq!(difference(&all(&store).await, &all(&expected).await), None);
        is_whole(&store, 26).await;
        for turn in 5..=6 {
            for (session, other) in sessions.iter_mut().zip(&mut others) {
                if other.name != "s-b" {
                    let id = session.turn(&store, turn).await;
                    other.turn(&expected, turn).await;
                    let bytes = store.request_bytes(&id, Side::Client).await.unwrap();
                    assert_eq!(
                        bytes,
                        expected.request_bytes(&id, Side::Client).await.unwrap()
                    );
                }
            }
        }
        assert_eq!(difference(&all(&store).await, &all(&expected).await), None);
        // To the last: then nothing is left at all.
        for name in ["s-a", "s-c"] {
            store.forget_session(name).await.unwrap();
        }
        for table in [
            "contents",
            "messages",
            "nodes",
            "users",
            "sessions",
            "transactions",
            "transaction_messages",
            "conversation_events",
            "policy_decisions",
            "tool_calls",
            "content_uses",
        ] {
            let count = number(&store, &format!("SELECT count(*) FROM {table}")).await;
            assert_eq!(count, 0, "{table}");
        }
        is_whole(&store, 26 + 2 * 38).await;
        for (store, database) in [(store, with), (expected, without)] {
            store.close().await;
            database.drop().await;
        }
    }
}

async fn found(store: &AnyStore, words: &str) -> usize {
    let filter = SessionFilter::default();
    store
        .search(words, &filter, None, 10)
        .await
        .unwrap()
        .items
        .len()
}

async fn what_others_have_as_well_they_keep(database: Database) {
    let store = database.open().await;
    let mut first = Session::new("s-b");
    let mut fork = Session::new("s-fork");
    let said = |more: &[&str]| {
        let mut messages = vec![json!({"role": "user", "content": "Where do herons nest?"})];
        for text in more {
            messages.push(json!({"role": "assistant", "content": format!("In {text}.")}));
            messages.push(json!({"role": "user", "content": format!("And why in {text}?")}));
        }
        Bytes::from(json!({"model": "m", "messages": messages}).to_string())
    };
    let shared = said(&["reeds"]);
    first.exchange(&store, Dialect::Anthropic, &shared, 1).await;
    let before = first
        .exchange(&store, Dialect::Anthropic, &said(&["reeds", "elms"]), 1)
        .await;
    let of_fork = fork
        .exchange(&store, Dialect::Anthropic, &said(&["reeds", "poplars"]), 1)
        .await;
    for (words, count) in [("reeds", 2), ("elms", 2), ("poplars", 2)] {
        assert_eq!(found(&store, words).await, count, "{words}");
    }
    store.forget_session("s-b").await.unwrap();
    for (words, count) in [("reeds", 2), ("elms", 0), ("poplars", 2)] {
        assert_eq!(found(&store, words).await, count, "{words}");
    }
    assert!(matches!(
        store.request_bytes(&before, Side::Client).await,
        Err(StoreError::Missing(_))
    ));
    let bytes = store.request_bytes(&of_fork, Side::Client).await.unwrap();
    assert_eq!(bytes, said(&["reeds", "poplars"]));
    // The way there is the fork's now, and it goes on from there.
    fork.exchange(
        &store,
        Dialect::Anthropic,
        &said(&["reeds", "poplars", "alders"]),
        1,
    )
    .await;
    let new = "SELECT count(*) FROM transaction_messages WHERE NOT is_reply";
    assert_eq!(number(&store, new).await, 7);
    is_whole(&store, 6).await;
}

async fn what_comes_late_is_forgotten_too(database: Database) {
    let store = database.open().await;
    let mut session = Session::new("s-b");
    let mut other = Session::new("s-a");
    other.turn(&store, 1).await;
    let expected = everything(&store).await;
    let body = conversation(Dialect::Chat, 60_000, true);
    let asked = |asked: &mut crate::record::Asked| asked.session = Some("s-b".into());
    let id = session.recorder.asked(Dialect::Chat, &body, asked);
    let open = session.recorder.asked(Dialect::Chat, &body, asked);
    session.apply(&store).await;
    store.forget_session("s-b").await.unwrap();
    // Both end, and policies have changed one of them; one reply is everybody's.
    session.recorder.changed(
        &id,
        Dialect::Chat,
        &conversation(Dialect::Chat, 61_000, false),
    );
    let reply = Bytes::from_static(b"{\"a\":\"late reply\"}");
    session.recorder.ended(&id, "whole", &reply, |_| {});
    let shared = recorded(Dialect::ALL[1], true);
    session.recorder.ended(&open, "stream", &shared, |_| {});
    session.apply(&store).await;
    assert_eq!(difference(&everything(&store).await, &expected), None);
    is_whole(&store, 5).await;
    // It is a name like any other, if somebody begins anew.
    session.turn(&store, 1).await;
    assert_eq!(store.session("s-b").await.unwrap().unwrap().transactions, 2);
}

async fn what_is_held_is_not_forgotten(database: Database) {
    let store = database.open().await;
    for name in ["s-a", "s-b"] {
        Session::new(name).turn(&store, 1).await;
    }
    store.hold("s-a", true).await.unwrap();
    store.hold("s-a", true).await.unwrap();
    assert!(store.is_held("s-a").await.unwrap());
    assert_eq!(store.holds().await.unwrap(), ["s-a"]);
    let expected = everything(&store).await;
    let error = store.forget_session("s-a").await.unwrap_err();
    assert!(matches!(error, StoreError::Held(_)), "{error}");
    let error = store.forget_idle("s-a", i64::MAX).await.unwrap_err();
    assert!(matches!(error, StoreError::Held(_)), "{error}");
    assert_eq!(everything(&store).await, expected);
    let names = async |before| {
        let expired = store.expired(before, 10).await.unwrap();
        expired
            .into_iter()
            .map(|session| session.session_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(i64::MAX).await, ["s-b"]);
    let last = store.session("s-a").await.unwrap().unwrap().last_at;
    store.hold("s-a", false).await.unwrap();
    assert_eq!(names(i64::MAX).await.len(), 2);
    assert_eq!(names(last).await.len(), 0);
    // Something has happened in it meanwhile.
    assert_eq!(store.forget_idle("s-a", last).await.unwrap(), None);
    assert!(store.forget_idle("s-a", last + 1).await.unwrap().is_some());
    for (name, is_on) in [("nobody", true), ("s-a", true)] {
        assert!(matches!(
            store.hold(name, is_on).await,
            Err(StoreError::Missing(_))
        ));
    }
    assert!(matches!(
        store.forget_session("s-a").await,
        Err(StoreError::Missing(_))
    ));
}

async fn the_last_numbers_may_be_given_out_again(database: Database) {
    let store = database.open().await;
    let (mut first, mut last) = (Session::new("s-a"), Session::new("s-b"));
    first.turn(&store, 1).await;
    for _ in 0..3 {
        last.turn(&store, 4).await;
        store.forget_session("s-b").await.unwrap();
        first.turn(&store, 4).await;
        is_whole(
            &store,
            number(&store, "SELECT count(*) FROM event_tombstones")
                .await
                .cast_unsigned(),
        )
        .await;
    }
    store.forget_session("s-a").await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM contents").await, 0);
    // Strays: nobody knows whose they are.
    let mut strays = Recorder::named("stray");
    strays.ended(
        "stray-1",
        "whole",
        &Bytes::from_static(b"{\"a\":1}"),
        |_| {},
    );
    strays.decided("stray-2", "allow", |_| {});
    store
        .apply("s-c", &strays.kept, Position::default())
        .await
        .unwrap();
    assert_eq!(store.forget_strays(0).await.unwrap().transactions, 0);
    assert_eq!(store.forget_strays(i64::MAX).await.unwrap().transactions, 2);
    assert_eq!(number(&store, "SELECT count(*) FROM contents").await, 0);
}

async fn only_one_has_a_lease(database: Database) {
    let store = database.open().await;
    let hour = Duration::from_secs(3_600);
    let lease = async |holder: &'static str, length| {
        store.lease("retention", holder, length).await.unwrap()
    };
    assert!(lease("a", hour).await);
    assert!(!lease("b", hour).await);
    assert!(lease("a", hour).await);
    assert!(store.lease("another", "b", hour).await.unwrap());
    // Given back.
    assert!(lease("a", Duration::ZERO).await);
    assert!(lease("b", hour).await);
    assert!(!lease("a", hour).await);
}

fn names(sessions: &[SessionRow]) -> Vec<String> {
    let names = sessions.iter().map(|session| session.session_id.clone());
    names.collect()
}

async fn left(store: &AnyStore) -> Vec<String> {
    let page = store.sessions(&SessionFilter::default(), None, 100).await;
    let mut names = names(&page.unwrap().items);
    names.sort();
    names
}

async fn what_is_old_is_archived_and_forgotten(database: Database) {
    let store = database.open().await;
    for name in ["s-a", "s-b", "s-c"] {
        let mut session = Session::new(name);
        session.turn(&store, 1).await;
    }
    let mut young = Session::new("s-young");
    for turn in 1..=3 {
        young.turn(&store, turn).await;
    }
    store.hold("s-c", true).await.unwrap();
    let before = store.session("s-a").await.unwrap().unwrap().last_at + 1;
    let archived = std::sync::Mutex::new(Vec::new());
    let archive = async |sessions: &[SessionRow]| {
        for name in names(sessions) {
            // It is still there when it is archived.
            assert!(store.session(&name).await.unwrap().is_some());
            archived.lock().unwrap().push(name);
        }
        Ok::<(), ()>(())
    };
    // As long as another is at it, nothing is done.
    let hour = Duration::from_secs(3_600);
    assert!(store.lease("retention", "another", hour).await.unwrap());
    let retained = retain(&store, before, "me", &archive).await.unwrap();
    assert!(retained.is_others && archived.lock().unwrap().is_empty());
    assert!(
        store
            .lease("retention", "another", Duration::ZERO)
            .await
            .unwrap()
    );
    let retained = retain(&store, before, "me", &archive).await.unwrap();
    assert_eq!((retained.sessions, retained.transactions), (2, 4));
    assert_eq!(*archived.lock().unwrap(), ["s-a", "s-b"]);
    assert_eq!(left(&store).await, ["s-c", "s-young"]);
    is_whole(
        &store,
        number(&store, "SELECT count(*) FROM event_tombstones")
            .await
            .cast_unsigned(),
    )
    .await;
    let retained = retain(&store, before, "me", &archive).await.unwrap();
    assert_eq!(retained, super::super::Retained::default());
}

async fn what_cannot_be_archived_stays(database: Database) {
    let store = database.open().await;
    for name in ["s-a", "s-b"] {
        Session::new(name).turn(&store, 1).await;
    }
    let error = retain(&store, i64::MAX, "me", async |_| Err("the disk is full")).await;
    assert!(matches!(
        error,
        Err(RetainError::Archive("the disk is full"))
    ));
    assert_eq!(left(&store).await, ["s-a", "s-b"]);
    // Nobody has to wait for whoever has failed.
    let retained = retain(&store, i64::MAX, "you", async |_| Ok::<(), ()>(()))
        .await
        .unwrap();
    assert_eq!(retained.sessions, 2);
    assert!(left(&store).await.is_empty());
}

#[tokio::test]
async fn nothing_of_it_is_left_in_the_files() {
    let database = Database::sqlite();
    let store = database.open().await;
    let body = |word: &str| {
        let text = format!("The password of the zoo is {word}-4711.");
        Bytes::from(
            json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string(),
        )
    };
    for (name, word) in [("s-a", "kingfisher"), ("s-b", "nightingale")] {
        let mut session = Session::new(name);
        session
            .exchange(&store, Dialect::Anthropic, &body(word), 1)
            .await;
    }
    let holds = |word: &str| {
        let folder = database.file().parent().unwrap().to_owned();
        let mut files = fs::read_dir(folder)
            .unwrap()
            .map(|file| fs::read(file.unwrap().path()).unwrap());
        files.any(|bytes| memchr::memmem::find(&bytes, word.as_bytes()).is_some())
    };
    assert!(holds("nightingale") && holds("kingfisher"));
    store.forget_session("s-b").await.unwrap();
    store.scrub().await.unwrap();
    assert!(!holds("nightingale") && holds("kingfisher"));
    assert_eq!(found(&store, "kingfisher").await, 1);
}
