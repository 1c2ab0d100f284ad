use bytes::Bytes;
use luthien_core::{
    Dialect,
    testing::{conversation, recorded},
};

use super::{
    super::{Side, Store, StoreError},
    harness::{Database, Recorder, captures, difference, everything, number},
    on_both_engines,
};
use crate::record::{Ending, User, spool::Position};

on_both_engines! {
    requests_and_replies_come_out_as_they_went_in,
    what_is_sent_again_is_kept_once,
    what_breaks_off_anywhere_is_taken_over_once,
    record_by_record_is_as_all_at_once,
    a_spool_is_known_by_its_writer,
    what_is_lost_keeps_nothing_else_out,
    sums_are_those_of_what_happened,
}

/// A bit of everything: three dialects, decisions, changes, users.
fn some() -> Recorder {
    let mut recorder = Recorder::new();
    for dialect in Dialect::ALL {
        let session = format!("s-{}", dialect.name());
        for turn in 1..4 {
            let body = conversation(dialect, turn * 1_500, true);
            let id = recorder.asked(dialect, &body, |asked| {
                asked.session = Some(session.as_str().into());
                asked.user = Some(User {
                    id: "ada".into(),
                    trusted: turn == 2,
                });
            });
            let stream = turn % 2 == 0;
            recorder.decided(&id, "allow", |_| {});
            if turn == 2 {
                recorder.changed(&id, dialect, &conversation(dialect, turn * 1_500, false));
                recorder.decided(&id, "block", |decided| decided.block = Some(3));
            }
            let form = if stream { "stream" } else { "whole" };
            recorder.ended(&id, form, &recorded(dialect, stream), |_| {});
        }
    }
    recorder
}

async fn requests_and_replies_come_out_as_they_went_in(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let mut sent = Vec::new();
    for capture in captures() {
        for (dialect, body) in capture {
            let pretty: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let pretty = Bytes::from(serde_json::to_string_pretty(&pretty).unwrap());
            let reply = recorded(dialect, sent.len() % 2 == 0);
            let form = if sent.len() % 2 == 0 {
                "stream"
            } else {
                "whole"
            };
            let id = recorder.exchange(dialect, &body, form, &reply);
            sent.push((id.clone(), body.clone(), body, reply.clone()));
            let id = recorder.asked(dialect, sent.last().map(|sent| &sent.1).unwrap(), |_| {});
            recorder.changed(&id, dialect, &pretty);
            let provided = Bytes::from(format!("{} ", String::from_utf8_lossy(&reply)));
            let provider = recorder.reply(form, &provided);
            recorder.ended(&id, form, &reply, |ended| {
                ended.provider_reply = Some(provider);
            });
            sent.push((id, sent.last().unwrap().1.clone(), pretty, reply));
        }
        assert_eq!(recorder.apply(&store).await.rejected, 0);
    }
    assert!(sent.len() > 50);
    for (at, (id, client, provider, reply)) in sent.iter().enumerate() {
        assert_eq!(store.request_bytes(id, Side::Client).await.unwrap(), client);
        assert_eq!(
            store.request_bytes(id, Side::Provider).await.unwrap(),
            provider
        );
        assert_eq!(store.reply_bytes(id, Side::Client).await.unwrap(), reply);
        let more = usize::from(at % 2 == 1);
        let provided = store.reply_bytes(id, Side::Provider).await.unwrap();
        assert_eq!(provided.len(), reply.len() + more);
    }
    let missing = store.request_bytes("nobody", Side::Client).await;
    assert!(matches!(missing, Err(StoreError::Missing(_))));
}

async fn what_is_sent_again_is_kept_once(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    for dialect in Dialect::ALL {
        let before = number(&store, "SELECT count(*) FROM messages").await;
        let mut last = Bytes::new();
        for turn in 1..=40 {
            last = conversation(dialect, turn * 2_000, true);
            recorder.exchange(dialect, &last, "whole", &Bytes::from_static(b"{}"));
        }
        recorder.apply(&store).await;
        let messages = number(&store, "SELECT count(*) FROM messages").await - before;
        let value: serde_json::Value = serde_json::from_slice(&last).unwrap();
        let list = value["messages"].as_array().or(value["input"].as_array());
        assert!(
            messages <= list.unwrap().len() as i64,
            "{dialect:?}: {messages}"
        );
    }
}

async fn what_breaks_off_anywhere_is_taken_over_once(database: Database) {
    let recorder = some();
    let end = Position {
        segment: 1,
        offset: recorder.kept.len() as u64,
    };
    let expected = {
        let store = database.open().await;
        let applied = store.apply("w-1", &recorder.kept, end).await.unwrap();
        assert_eq!((applied.known, applied.rejected), (0, 0));
        assert!(applied.events >= 27, "{applied:?}");
        everything(&store).await
    };
    for length in (0..recorder.kept.len()).step_by(7) {
        let other = database.another().await;
        let store = other.open().await;
        let at = Position {
            segment: 1,
            offset: length as u64,
        };
        store
            .apply("w-1", &recorder.kept[..length], at)
            .await
            .unwrap();
        // The spool was told nothing of it, and hands over all of it again.
        store.apply("w-1", &recorder.kept, end).await.unwrap();
        assert_eq!(store.position("w-1").await.unwrap(), Some(end));
        assert_eq!(
            difference(&everything(&store).await, &expected),
            None,
            "after {length}"
        );
        let again = store.apply("w-1", &recorder.kept, end).await.unwrap();
        assert_eq!(again.events, 0);
        assert_eq!(
            difference(&everything(&store).await, &expected),
            None,
            "twice after {length}"
        );
        store.close().await;
        other.drop().await;
    }
}

async fn record_by_record_is_as_all_at_once(database: Database) {
    let recorder = some();
    let store = database.open().await;
    let end = Position {
        segment: 1,
        offset: 1,
    };
    store.apply("w-1", &recorder.kept, end).await.unwrap();
    let expected = everything(&store).await;
    let other = database.another().await;
    let store = other.open().await;
    for one in recorder.kept.chunks(1) {
        store.apply("w-1", one, end).await.unwrap();
    }
    assert_eq!(difference(&everything(&store).await, &expected), None);
    store.close().await;
    other.drop().await;
}

async fn a_spool_is_known_by_its_writer(database: Database) {
    let store = database.open().await;
    assert_eq!(store.position("w-1").await.unwrap(), None);
    let at = |segment, offset| Position { segment, offset };
    store.apply("w-1", &[], at(2, 70)).await.unwrap();
    store.apply("w-2", &[], at(1, 64)).await.unwrap();
    // Never back.
    store.apply("w-1", &[], at(1, 900)).await.unwrap();
    assert_eq!(store.position("w-1").await.unwrap(), Some(at(2, 70)));
    assert_eq!(store.position("w-2").await.unwrap(), Some(at(1, 64)));
    store.close().await;
    let store = database.open().await;
    assert_eq!(store.position("w-1").await.unwrap(), Some(at(2, 70)));
}

async fn what_is_lost_keeps_nothing_else_out(database: Database) {
    use crate::record::{What, spool::Kept};
    let recorder = some();
    let is_end = |kept: &Kept| matches!(kept, Kept::Event(link) if matches!(link.event.what, What::Ended(_)));
    let is_start = |kept: &Kept| matches!(kept, Kept::Event(link) if matches!(link.event.what, What::RequestReceived(_)));
    let is_node = |kept: &Kept| matches!(kept, Kept::Node(_));
    let is_body = |kept: &Kept| matches!(kept, Kept::Content(_) | Kept::Message(_));
    let without: [&dyn Fn(&Kept) -> bool; 4] = [&is_end, &is_start, &is_node, &is_body];
    for lost in without {
        let other = database.another().await;
        let store = other.open().await;
        let kept: Vec<_> = recorder
            .kept
            .iter()
            .filter(|kept| !lost(kept))
            .cloned()
            .collect();
        let events = kept
            .iter()
            .filter(|kept| matches!(kept, Kept::Event(_)))
            .count();
        let applied = store
            .apply("w-1", &kept, Position::default())
            .await
            .unwrap();
        assert_eq!(applied.events, events as u64);
        assert_eq!(
            number(&store, "SELECT count(*) FROM conversation_events").await,
            events as i64
        );
        assert_eq!(number(&store, "SELECT count(*) FROM transactions").await, 9);
        // What comes late after all finds its place.
        store
            .apply("w-1", &recorder.kept, Position::default())
            .await
            .unwrap();
        let id = "0badcafe-00000001";
        let bytes = store.request_bytes(id, Side::Client).await.unwrap();
        assert_eq!(bytes, conversation(Dialect::Anthropic, 3_000, true));
        store.close().await;
        other.drop().await;
    }
}

async fn sums_are_those_of_what_happened(database: Database) {
    let store = database.open().await;
    let mut recorder = some();
    let body = conversation(Dialect::Chat, 500, true);
    let id = recorder.asked(Dialect::Chat, &body, |asked| {
        asked.session = Some("s-chat".into());
        asked.model = Some("unknown".into());
        asked.user = Some(User {
            id: "bob".into(),
            trusted: false,
        });
    });
    recorder.decided(&id, "modify", |decided| decided.applied = false);
    recorder.ended(&id, "whole", &Bytes::from_static(b"{}"), |ended| {
        ended.model = None;
        ended.ending = Ending::Truncated;
    });
    recorder.apply(&store).await;
    let session = store.session("s-chat").await.unwrap().unwrap();
    assert_eq!((session.transactions, session.unpriced), (4, 1));
    assert_eq!((session.input_tokens, session.output_tokens), (400, 80));
    assert_eq!(session.cost_micros, 900);
    assert_eq!(session.models, ["claude-opus-5-5", "unknown"]);
    assert_eq!(session.users, ["ada", "bob"]);
    assert_eq!(session.endings["ok"], 3);
    assert_eq!(session.endings["truncated"], 1);
    assert_eq!(
        (session.allowed, session.blocked, session.modified),
        (3, 1, 0)
    );
    let exchange = store.transaction(&id).await.unwrap().unwrap();
    assert_eq!(exchange.row.cost_micros, None);
    assert_eq!(exchange.row.modified, 1);
    assert_eq!(exchange.row.ending.as_deref(), Some("truncated"));
    assert_eq!(exchange.row.duration_us, Some(90_000));
    let names: Vec<_> = exchange.events.iter().map(|event| &*event.event).collect();
    assert_eq!(names, ["request_received", "policy_decided", "ended"]);
    let sql = "SELECT transactions FROM users WHERE user_id = 'ada' AND trusted";
    assert_eq!(number(&store, sql).await, 9);
}
