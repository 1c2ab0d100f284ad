use bytes::Bytes;
use luthien_core::{Dialect, testing::conversation};

use super::{
    super::{SessionFilter, Side, Store},
    harness::{Database, Recorder, everything, number, rows},
    on_both_engines,
};
use crate::record::{Content, ContentHash, Message, Node, User, spool::Kept};

on_both_engines! {
    what_no_database_takes_is_kept_in_another_form,
    absurd_numbers_fit,
}

async fn what_no_database_takes_is_kept_in_another_form(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let sane = conversation(Dialect::Chat, 500, true);
    let before = recorder.exchange(Dialect::Chat, &sane, "whole", &Bytes::from_static(b"{}"));
    let nul = Bytes::from(
        r#"{"model":"m","messages":[{"role":"user","content":"a\u0000b \ud83d\ude00 c"}]}"#,
    );
    let long = "x".repeat(10_000);
    let id = recorder.asked(Dialect::Chat, &nul, |asked| {
        asked.model = Some("m\0odel".into());
        asked.session = Some(long.as_str().into());
        asked.user = Some(User {
            id: format!("\0{long}").into(),
            trusted: false,
        });
        asked.client = Some(long.as_str().into());
    });
    recorder.decided(&id, "block", |decided| {
        decided.reason = "\0".into();
        decided.policy = long.as_str().into();
        decided.before = Some("\0\0".into());
    });
    recorder.ended(&id, "opaque", &Bytes::from_static(b"\0\xff\xfe"), |ended| {
        ended.reason = Some("\0".into());
    });
    let message = Message::new(
        Bytes::from_static(b"{\"role\":\"user\",\"content\":\"\xff\0"),
        vec![],
    );
    let node = Node::new(ContentHash::NONE, message.hash, 0, Some("\0"));
    recorder.kept.push(Kept::Message(message));
    recorder.kept.push(Kept::Node(node));
    recorder
        .kept
        .push(Kept::Content(Content::new(Bytes::new())));
    let after = recorder.exchange(Dialect::Chat, &sane, "whole", &Bytes::from_static(b"{}"));
    let applied = recorder.apply(&store).await;
    assert_eq!((applied.events, applied.rejected), (7, 0));
    assert!(applied.mended >= 5, "{applied:?}");
    for id in [&before, &after] {
        assert_eq!(store.request_bytes(id, Side::Client).await.unwrap(), sane);
    }
    assert_eq!(store.request_bytes(&id, Side::Client).await.unwrap(), nul);
    assert_eq!(
        &store.reply_bytes(&id, Side::Client).await.unwrap()[..],
        b"\0\xff\xfe"
    );
    let exchange = store.transaction(&id).await.unwrap().unwrap();
    assert_eq!(exchange.row.model.as_deref(), Some("m\u{FFFD}odel"));
    // The text of the event is exact all the same.
    let text = String::from_utf8(exchange.events[0].payload.to_vec()).unwrap();
    assert!(text.contains("m\\u0000odel") && text.contains(&long));
    let view =
        "SELECT text FROM conversation_transcript WHERE transaction_id = '0badcafe-00000001'";
    assert_eq!(rows(&store, view).await[0][0], "a\u{FFFD}b \u{1F600} c");
    assert_eq!(
        store
            .sessions(&SessionFilter::default(), None, 10)
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    everything(&store).await;
}

async fn absurd_numbers_fit(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let body = conversation(Dialect::Chat, 500, true);
    for _ in 0..2 {
        let id = recorder.asked(Dialect::Chat, &body, |_| {});
        recorder.ended(&id, "whole", &Bytes::new(), |ended| {
            ended.usage.output = Some(u64::MAX);
            ended.duration_us = u64::MAX;
            ended.attempts = u32::MAX;
        });
        recorder.apply(&store).await;
    }
    let sum = number(&store, "SELECT output_tokens FROM sessions").await;
    assert_eq!(sum, i64::MAX);
}
