use bytes::Bytes;
use luthien_core::{Dialect, testing::conversation};

use super::{
    super::{Cursor, ExchangeFilter, From, SessionFilter, Store},
    harness::{Database, Recorder, START, execute, number},
    on_both_engines,
};
use crate::record::{Covered, Ending, Look, Thing, User, What};

on_both_engines! {
    sessions_are_found,
    pages_follow_one_another,
    what_is_deleted_takes_everything_along,
    what_policies_looked_at_is_counted,
}

/// Seven sessions: each a second apart, some of a kind.
fn some() -> Recorder {
    let mut recorder = Recorder::new();
    let body = conversation(Dialect::Chat, 500, true);
    for at in 0..7 {
        let id = recorder.asked(Dialect::Chat, &body, |asked| {
            asked.session = Some(format!("s_{at}").into());
            asked.model = Some(if at % 2 == 0 { "even" } else { "odd_" }.into());
            asked.user = Some(User {
                id: format!("user{}", at % 3).into(),
                trusted: true,
            });
        });
        if at == 3 {
            recorder.decided(&id, "block", |_| {});
        }
        recorder.ended(&id, "opaque", &Bytes::new(), |ended| {
            ended.ending = if at == 3 { Ending::Blocked } else { Ending::Ok };
        });
    }
    recorder
}

async fn sessions_are_found(database: Database) {
    let store = database.open().await;
    let mut recorder = some();
    recorder.apply(&store).await;
    let text = |text: &str| Some(text.to_owned());
    let all = SessionFilter::default;
    for (filter, expected) in [
        (all(), "6 5 4 3 2 1 0"),
        (
            SessionFilter {
                model: text("even"),
                ..all()
            },
            "6 4 2 0",
        ),
        (
            SessionFilter {
                model: text("odd_"),
                ..all()
            },
            "5 3 1",
        ),
        (
            SessionFilter {
                model: text("odd%"),
                ..all()
            },
            "",
        ),
        (
            SessionFilter {
                model: text("\"odd_\""),
                ..all()
            },
            "",
        ),
        (
            SessionFilter {
                user: text("user0"),
                ..all()
            },
            "6 3 0",
        ),
        (
            SessionFilter {
                user: text("user0"),
                model: text("even"),
                ..all()
            },
            "6 0",
        ),
        (
            SessionFilter {
                ending: text("blocked"),
                ..all()
            },
            "3",
        ),
        (
            SessionFilter {
                verdict: text("block"),
                ..all()
            },
            "3",
        ),
        (
            SessionFilter {
                verdict: text("modify"),
                ..all()
            },
            "",
        ),
        (
            SessionFilter {
                verdict: text("nonsense"),
                ..all()
            },
            "",
        ),
        (
            SessionFilter {
                session: text("s_"),
                ..all()
            },
            "6 5 4 3 2 1 0",
        ),
        (
            SessionFilter {
                session: text("s_4"),
                ..all()
            },
            "4",
        ),
        (
            SessionFilter {
                session: text("%"),
                ..all()
            },
            "",
        ),
        (
            SessionFilter {
                from: Some(START + 14_000_000),
                ..all()
            },
            "6",
        ),
        (
            SessionFilter {
                until: Some(START + 4_000_000),
                ..all()
            },
            "1 0",
        ),
        (
            SessionFilter {
                text: text("parser"),
                ..all()
            },
            "6 5 4 3 2 1 0",
        ),
        (
            SessionFilter {
                text: text("parser"),
                user: text("user1"),
                ..all()
            },
            "4 1",
        ),
        (
            SessionFilter {
                text: text("nowhere"),
                ..all()
            },
            "",
        ),
    ] {
        let found = store.sessions(&filter, None, 100).await.unwrap();
        let names = found.items.iter().map(|session| &session.session_id[2..]);
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected, "{filter:?}");
        assert_eq!(found.next, None);
    }
    assert_eq!(store.session("nobody").await.unwrap(), None);
    assert!(store.transaction("nobody").await.unwrap().is_none());
}

async fn pages_follow_one_another(database: Database) {
    let store = database.open().await;
    let mut recorder = some();
    let body = conversation(Dialect::Chat, 500, true);
    for _ in 0..7 {
        recorder.exchange(Dialect::Chat, &body, "opaque", &Bytes::new());
    }
    recorder.apply(&store).await;
    for limit in [1, 2, 3, 7, 8] {
        let (mut cursor, mut names) = (None, Vec::new());
        loop {
            let page = store
                .sessions(&SessionFilter::default(), cursor, limit)
                .await
                .unwrap();
            names.extend(page.items.into_iter().map(|session| session.session_id));
            // As it goes through a URL.
            cursor = page
                .next
                .map(|next| next.to_string().parse::<Cursor>().unwrap());
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(names.len(), 8, "{limit}");
        let (mut cursor, mut ids) = (None, Vec::new());
        loop {
            let page = store
                .transactions("a-session", cursor, limit)
                .await
                .unwrap();
            ids.extend(page.items.into_iter().map(|row| row.transaction_id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert!(ids.len() == 7 && ids.is_sorted(), "{ids:?}");
        for from in [From::Start, From::End] {
            let (mut cursor, mut pages) = (None, Vec::new());
            loop {
                let page = store
                    .transcript("a-session", from, cursor, limit)
                    .await
                    .unwrap();
                let ids = page.items.into_iter().map(|turn| turn.row.transaction_id);
                pages.push(ids.collect::<Vec<_>>());
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            if from == From::End {
                pages.reverse();
            }
            assert_eq!(pages.concat(), ids, "{from:?} {limit}");
        }
        let (mut cursor, mut count) = (None, 0);
        loop {
            let page = store
                .search("fix parser", &SessionFilter::default(), cursor, limit)
                .await
                .unwrap();
            count += page.items.len();
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        // All of them say the same, once.
        assert_eq!(count, 1);
    }
    for text in ["", ".", "1", "1.", "x.1", "1.1.1"] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

async fn what_is_deleted_takes_everything_along(database: Database) {
    let store = database.open().await;
    let mut recorder = some();
    recorder.apply(&store).await;
    execute(&store, "DELETE FROM sessions WHERE session_id = 's_3'").await;
    for (table, left) in [
        ("transactions", 6),
        ("conversation_events", 12),
        ("policy_decisions", 0),
        ("transaction_messages", 18),
    ] {
        assert_eq!(
            number(&store, &format!("SELECT count(*) FROM {table}")).await,
            left,
            "{table}"
        );
    }
}

/// What policies made of a call: `name outcome`, or `name outcome: cause`.
fn call(tool: &str, looks: &[&str]) -> Thing {
    let looks = looks.iter().map(|look| {
        let (policy, outcome) = look.split_once(' ').unwrap();
        let (outcome, cause) = match outcome.split_once(": ") {
            Some((outcome, cause)) => (outcome, Some(cause.into())),
            None => (outcome, None),
        };
        Look {
            policy: policy.into(),
            version: "1".into(),
            outcome: outcome.into(),
            cause,
        }
    });
    Thing {
        phase: "tool_call".into(),
        block: Some(1),
        tool: Some(tool.into()),
        looks: looks.collect(),
    }
}

async fn what_policies_looked_at_is_counted(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let body = conversation(Dialect::Anthropic, 500, true);
    let things = vec![
        call("Bash", &["rules allow", "judge failed: late"]),
        call("Bash", &["rules block", "judge skipped: refused"]),
        call(
            "Bash",
            &["rules skipped: condition", "judge skipped: overload"],
        ),
        call("Read", &["rules skipped: condition", "judge failed: panic"]),
        call("Odd", &[]),
        Thing {
            phase: "end".into(),
            tool: None,
            ..call("", &["rules modify"])
        },
    ];
    // More than are read at once.
    const MANY: u64 = 503;
    for at in 0..MANY {
        let id = recorder.asked(Dialect::Anthropic, &body, |asked| {
            asked.model = Some(if at % 2 == 0 { "even" } else { "odd" }.into());
            asked.user = (at == 0).then(|| User {
                id: "ada".into(),
                trusted: true,
            });
        });
        let covered = Covered {
            things: things.clone(),
            more: 2,
        };
        recorder.event(&id, What::PoliciesCovered(covered));
        recorder.ended(&id, "opaque", &Bytes::new(), |_| {});
    }
    // Of this one nobody has told anything; and that one goes on.
    let id = recorder.asked(Dialect::Anthropic, &body, |_| {});
    let reply = luthien_core::testing::recorded(Dialect::Anthropic, true);
    recorder.ended(&id, "stream", &reply, |_| {});
    recorder.asked(Dialect::Anthropic, &body, |_| {});
    recorder.apply(&store).await;

    let all = store.coverage(&ExchangeFilter::default()).await.unwrap();
    assert_eq!(
        (all.exchanges, all.untold, all.more),
        (MANY + 1, 1, 2 * MANY)
    );
    let calls = &all.kinds["tool_call"];
    let untold = calls.not_judged["untold"];
    assert!(untold > 1);
    assert_eq!((calls.things, calls.judged), (5 * MANY + untold, 2 * MANY));
    let count = |counts: &std::collections::BTreeMap<String, u64>| {
        let counts = counts.iter().filter(|(_, count)| **count % MANY == 0);
        let counts = counts.map(|(name, count)| format!("{name} {}", count / MANY));
        counts.collect::<Vec<_>>().join(", ")
    };
    // The gravest reason counts.
    let expected = "failed: panic 1, skipped: overload 1, unwatched 1";
    assert_eq!(count(&calls.not_judged), expected);
    let rules = &calls.policies["rules"];
    assert_eq!((rules.things, rules.judged), (4 * MANY, 2 * MANY));
    assert_eq!(count(&rules.outcomes), "allow 1, block 1");
    assert_eq!(count(&rules.not_judged), "skipped: condition 2");
    let judge = &calls.policies["judge"];
    assert_eq!((judge.judged, judge.versions.len()), (0, 1));
    assert_eq!(
        (calls.tools["Odd"].things, calls.tools["Odd"].judged),
        (MANY, 0)
    );
    assert_eq!(all.kinds["end"].judged, MANY);

    for (filter, exchanges) in [
        (
            ExchangeFilter {
                model: Some("odd".to_owned()),
                ..ExchangeFilter::default()
            },
            MANY / 2,
        ),
        (
            ExchangeFilter {
                user: Some("ada".to_owned()),
                ..ExchangeFilter::default()
            },
            1,
        ),
        (
            ExchangeFilter {
                from: Some(START + 1),
                until: Some(START + 7_000_000),
                ..ExchangeFilter::default()
            },
            2,
        ),
    ] {
        let some = store.coverage(&filter).await.unwrap();
        assert_eq!(some.exchanges, exchanges, "{filter:?}");
    }
}
