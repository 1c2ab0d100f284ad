use bytes::Bytes;
use luthien_core::{Dialect, testing::recorded};
use serde_json::{Value, json};

use super::{
    super::{AnyStore, BlockKind, From, SessionFilter, Store, Turn},
    harness::{Database, Recorder, captures, number, rows},
    on_both_engines,
};

on_both_engines! {
    what_the_next_request_says_again_is_told_once,
    the_view_says_what_the_transcript_says,
    a_message_written_otherwise_is_the_same,
    branches_are_told,
    a_fork_has_all_of_its_history,
    calls_have_their_results_and_verdicts,
    pictures_are_referred_to,
    sessions_without_a_name_get_one,
    first_words_are_the_persons,
    words_are_found,
}

async fn turns(store: &AnyStore, session: &str) -> Vec<Turn> {
    store
        .transcript(session, From::Start, None, 100)
        .await
        .unwrap()
        .items
}

/// What a turn says, briefly.
fn brief(turn: &Turn) -> Vec<String> {
    let blocks = turn.messages.iter().flat_map(|said| {
        said.blocks.iter().map(|block| {
            let side = if said.is_reply { "<" } else { ">" };
            let words = block
                .text
                .as_deref()
                .or(block.reference.as_deref())
                .unwrap_or_default();
            // Clients write the input of a call in their own way.
            let words = if block.kind == BlockKind::ToolCall {
                block.tool_name.as_deref().unwrap()
            } else {
                words.trim()
            };
            let words: String = words.chars().take(20).collect();
            format!("{side}{} {words}", block.kind.name())
        })
    });
    blocks.collect()
}

fn body(dialect: Dialect, messages: &[Value]) -> Bytes {
    let list = if dialect == Dialect::Responses {
        "input"
    } else {
        "messages"
    };
    let body = json!({"model": "m", list: messages}).to_string();
    // As no number of serde_json is.
    Bytes::from(body.replace("\"@\"", "12345678901234567890123"))
}

/// The recorded reply as clients send it back, and what they add.
fn again(dialect: Dialect) -> (Vec<Value>, Vec<Value>) {
    match dialect {
        Dialect::Anthropic => (
            vec![json!({"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Two files: Grüße, 世界 \u{1F30D} \u{2028} \"both\".", "signature": "EqMBCkYIBhgCKkBx+/=="},
                {"type": "redacted_thinking", "data": "c2VhbGVk"},
                {"type": "text", "text": "Let me look.\n"},
                {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"path": "a.txt", "n": "@"}},
                {"type": "tool_use", "id": "toolu_01B", "name": "Bash", "input": {"command": "ls"}},
            ]})],
            vec![json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01A", "content": "The text."},
                {"type": "tool_result", "tool_use_id": "toolu_01B", "content": [{"type": "text", "text": "a.txt"}]},
            ]})],
        ),
        Dialect::Chat => (
            vec![
                json!({"role": "assistant", "content": "Let me look.", "tool_calls": [
                    {"id": "call_A", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"a.txt\"}"}},
                    {"id": "call_B", "type": "function", "function": {"name": "bash", "arguments": "{\"cmd\":\"ls\"}"}},
                ]}),
            ],
            vec![
                json!({"role": "tool", "tool_call_id": "call_A", "content": "The text."}),
                json!({"role": "tool", "tool_call_id": "call_B", "content": "a.txt"}),
            ],
        ),
        _ => (
            vec![
                json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Two files."}], "encrypted_content": "c2VhbGVk"}),
                json!({"type": "message", "role": "assistant", "content": [
                    {"type": "output_text", "text": "Let me look."}, {"type": "refusal", "refusal": "Not all."},
                ]}),
                json!({"type": "function_call", "call_id": "call_A", "name": "read", "arguments": "{\"path\":\"a.txt\"}"}),
                json!({"type": "custom_tool_call", "call_id": "call_B", "name": "apply_patch", "input": "*** Begin Patch\n"}),
            ],
            vec![
                json!({"type": "function_call_output", "call_id": "call_A", "output": "The text."}),
                json!({"type": "custom_tool_call_output", "call_id": "call_B", "output": "a.txt"}),
            ],
        ),
    }
}

async fn what_the_next_request_says_again_is_told_once(database: Database) {
    let store = database.open().await;
    for (dialect, is_split) in Dialect::ALL
        .into_iter()
        .flat_map(|dialect| [(dialect, false), (dialect, true)])
    {
        let session = format!("{}-{is_split}", dialect.name());
        let mut recorder = Recorder::named(&session);
        let hello = json!({"role": "user", "content": format!("Hello {session}")});
        let (said, results) = again(dialect);
        let first = recorder.asked(
            dialect,
            &body(dialect, std::slice::from_ref(&hello)),
            |asked| {
                asked.session = Some(session.as_str().into());
            },
        );
        recorder.ended(&first, "stream", &recorded(dialect, true), |_| {});
        if is_split {
            recorder.apply(&store).await;
        }
        let reply = brief(&Turn::clone(&{
            recorder.apply(&store).await;
            turns(&store, &session).await.remove(0)
        }));
        let messages: Vec<_> = [hello].into_iter().chain(said).chain(results).collect();
        let second = recorder.asked(dialect, &body(dialect, &messages), |asked| {
            asked.session = Some(session.as_str().into());
        });
        recorder.ended(&second, "opaque", &Bytes::new(), |_| {});
        recorder.apply(&store).await;
        let turns = turns(&store, &session).await;
        assert_eq!(turns.len(), 2);
        assert_eq!(brief(&turns[0]), reply, "{session}");
        assert_eq!(
            brief(&turns[1]),
            [">tool_result The text.", ">tool_result a.txt"],
            "{session}"
        );
        assert_eq!(turns[1].follows.as_deref(), Some(&*first));
        assert!(turns[1].continues, "{session}");
        // What the client has said again has taken the places of what was made of the reply.
        let ours = number(&store, "SELECT count(*) FROM messages WHERE ours").await;
        // Nobody has said Chat's second choice again, nor the thinking of the first.
        let left = if dialect == Dialect::Anthropic { 0 } else { 2 };
        assert_eq!(ours, left, "{session}");
        let bytes = store
            .request_bytes(&second, super::super::Side::Client)
            .await
            .unwrap();
        assert_eq!(bytes, body(dialect, &messages), "{session}");
    }
}

async fn the_view_says_what_the_transcript_says(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    for (at, capture) in captures().into_iter().enumerate() {
        for (count, (dialect, body)) in capture.into_iter().enumerate() {
            let id = recorder.asked(dialect, &body, |asked| {
                asked.session = Some(format!("s-{at:03}").into());
            });
            let stream = count % 2 == 0;
            let form = if stream { "stream" } else { "whole" };
            recorder.ended(&id, form, &recorded(dialect, stream), |_| {});
        }
    }
    let odd = [
        json!({"role": "assistant", "content": null, "reasoning_content": "Hm.", "refusal": "No.",
            "function_call": {"name": "old", "arguments": "{}"}}),
        json!({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        json!("plain"),
        json!(["list"]),
        json!(7),
        json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.y/z.png"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA"}}, {"type": "new"}, 3]}),
    ];
    recorder.exchange(
        Dialect::Chat,
        &body(Dialect::Chat, &odd),
        "whole",
        &Bytes::new(),
    );
    recorder.apply(&store).await;
    let sql = "SELECT transaction_id, kind, tool_name, tool_call_id, text, reference FROM conversation_transcript \
        ORDER BY session_id, transaction_id, place, block, piece";
    let view = rows(&store, sql).await;
    let mut sessions = store
        .sessions(&SessionFilter::default(), None, 1_000)
        .await
        .unwrap()
        .items;
    sessions.sort_by(|a, b| a.session_id.cmp(&b.session_id));
    let mut told: Vec<Vec<Value>> = Vec::new();
    for session in sessions {
        for turn in turns(&store, &session.session_id).await {
            for block in turn.messages.iter().flat_map(|said| &said.blocks) {
                told.push(vec![
                    turn.row.transaction_id.as_str().into(),
                    block.kind.name().into(),
                    block.tool_name.clone().into(),
                    block.tool_call_id.clone().into(),
                    block.text.clone().into(),
                    block.reference.clone().into(),
                ]);
            }
        }
    }
    assert!(told.len() > 200, "{}", told.len());
    // SQLite writes JSON without spaces.
    let close = |row: &[Value]| json!(row).to_string().replace(' ', "");
    for (view, told) in view.iter().zip(&told) {
        assert_eq!(close(view), close(told));
    }
    assert_eq!(view.len(), told.len());
}

async fn a_message_written_otherwise_is_the_same(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let list = |text: &str| json!({"role": "user", "content": [{"type": "text", "text": text}]});
    let plain = |text: &str| json!({"role": "user", "content": text});
    let answer = Bytes::from(
        r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Yes."}]}"#,
    );
    let yes = json!({"role": "assistant", "content": [{"type": "text", "text": "Yes."}]});
    let ask = |recorder: &mut Recorder, messages: &[Value]| {
        let body = body(Dialect::Anthropic, messages);
        recorder.exchange(Dialect::Anthropic, &body, "whole", &answer)
    };
    ask(&mut recorder, &[list("One"), list("Two")]);
    // What was marked for the cache comes as a list, and later as a text.
    ask(
        &mut recorder,
        &[list("One"), plain("Two"), yes.clone(), list("Three")],
    );
    recorder.apply(&store).await;
    ask(
        &mut recorder,
        &[
            plain("One"),
            plain("Two"),
            yes.clone(),
            plain("Three"),
            yes.clone(),
            list("Four"),
        ],
    );
    recorder.apply(&store).await;
    let turns = turns(&store, "a-session").await;
    let told: Vec<_> = turns.iter().map(brief).collect();
    assert_eq!(told[0], [">text One", ">text Two", "<text Yes."]);
    assert_eq!(told[1], [">text Three", "<text Yes."]);
    assert_eq!(told[2], [">text Four", "<text Yes."]);
    assert!(turns.iter().all(|turn| turn.continues));
}

async fn branches_are_told(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let user = |text: &str| json!({"role": "user", "content": text});
    let said =
        |text: &str| json!({"role": "assistant", "content": [{"type": "text", "text": text}]});
    let reply = |text: &str| {
        let content = json!([{"type": "text", "text": text}]);
        Bytes::from(json!({"type": "message", "role": "assistant", "content": content}).to_string())
    };
    let mut ids = Vec::new();
    let mut ask = |purpose: &str, messages: &[Value], answer: &str| {
        let body = body(Dialect::Anthropic, messages);
        let id = recorder.asked(Dialect::Anthropic, &body, |asked| {
            asked.purpose = Some(purpose.into());
        });
        recorder.ended(&id, "whole", &reply(answer), |_| {});
        ids.push(id);
    };
    ask("turn", &[user("1")], "a");
    ask("turn", &[user("1"), said("a"), user("2")], "b");
    // A sub-agent, in between.
    ask("sub_agent", &[user("sub")], "s");
    ask(
        "turn",
        &[user("1"), said("a"), user("2"), said("b"), user("3")],
        "c",
    );
    ask("sub_agent", &[user("sub"), said("s"), user("sub 2")], "t");
    // The same once more.
    ask(
        "turn",
        &[user("1"), said("a"), user("2"), said("b"), user("3")],
        "d",
    );
    // A rewind to the second turn.
    ask("turn", &[user("1"), said("a"), user("2 anew")], "e");
    // A compaction, and what is left.
    ask(
        "compaction",
        &[
            user("1"),
            said("a"),
            user("2 anew"),
            said("e"),
            user("Sum it up"),
        ],
        "It was so.",
    );
    ask("turn", &[user("It was so. Go on.")], "f");
    recorder.apply(&store).await;
    let turns = turns(&store, "a-session").await;
    let told: Vec<_> = turns
        .iter()
        .map(|turn| {
            let follows = turn
                .follows
                .as_ref()
                .and_then(|id| ids.iter().position(|known| known == id));
            let texts: Vec<_> = turn
                .messages
                .iter()
                .map(|said| said.blocks[0].text.clone().unwrap())
                .collect();
            (follows, turn.continues, texts.join(" "))
        })
        .collect();
    let expected = [
        (None, true, "1 a"),
        (Some(0), true, "2 b"),
        (None, true, "sub s"),
        (Some(1), true, "3 c"),
        (Some(2), true, "sub 2 t"),
        (Some(3), false, "d"),
        (Some(0), true, "2 anew e"),
        (Some(6), true, "Sum it up It was so."),
        (None, true, "It was so. Go on. f"),
    ];
    for (told, (follows, continues, texts)) in told.iter().zip(expected) {
        assert_eq!(*told, (follows, continues, texts.to_owned()));
    }
}

async fn a_fork_has_all_of_its_history(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let user = |text: &str| json!({"role": "user", "content": text});
    let said = |text: &str| json!({"role": "assistant", "content": text});
    let mut ask = |session: &str, messages: &[Value]| {
        let body = body(Dialect::Chat, messages);
        let id = recorder.asked(Dialect::Chat, &body, |asked| {
            asked.session = Some(session.into());
        });
        recorder.ended(&id, "opaque", &Bytes::new(), |_| {});
    };
    let old = [user("One"), said("1"), user("Two")];
    ask("old", &old[..1]);
    ask("old", &old);
    let fork = [&old[..], &[said("2"), user("Three")]].concat();
    ask("fork", &fork);
    ask("fork", &[&fork[..], &[said("3"), user("Four")]].concat());
    // Back into what both have.
    ask(
        "fork",
        &[&old[..], &[said("2"), user("Otherwise")]].concat(),
    );
    recorder.apply(&store).await;
    let told: Vec<_> = turns(&store, "fork").await.iter().map(brief).collect();
    assert_eq!(
        told[0],
        [
            ">text One",
            ">text 1",
            ">text Two",
            ">text 2",
            ">text Three"
        ]
    );
    assert_eq!(told[1], [">text 3", ">text Four"]);
    assert_eq!(told[2], [">text Otherwise"]);
    let session = store.session("fork").await.unwrap().unwrap();
    assert_eq!(session.preview.as_deref(), Some("One"));
    let hits = store
        .search("two", &SessionFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(hits.items.len(), 1);
    let filter = SessionFilter {
        text: Some("two".into()),
        ..SessionFilter::default()
    };
    let found = store.sessions(&filter, None, 10).await.unwrap();
    assert_eq!(found.items.len(), 2);
}

async fn calls_have_their_results_and_verdicts(database: Database) {
    let store = database.open().await;
    let dialect = Dialect::Anthropic;
    let mut recorder = Recorder::new();
    let hello = json!({"role": "user", "content": "Hello"});
    let id = recorder.asked(
        dialect,
        &body(dialect, std::slice::from_ref(&hello)),
        |_| {},
    );
    recorder.decided(&id, "allow", |decided| decided.block = Some(3));
    recorder.decided(&id, "allow", |decided| decided.block = Some(4));
    recorder.apply(&store).await;
    recorder.decided(&id, "block", |decided| decided.block = Some(4));
    // What the client got has one call less.
    let content = json!([
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"path": "a.txt"}},
    ]);
    let got = Bytes::from(
        json!({"type": "message", "role": "assistant", "content": content}).to_string(),
    );
    let provider = recorder.reply("stream", &recorded(dialect, true));
    recorder.ended(&id, "whole", &got, |ended| {
        ended.provider_reply = Some(provider);
    });
    recorder.apply(&store).await;
    let said = json!({"role": "assistant", "content": content});
    let result = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_01A", "content": "The text."},
        {"type": "text", "text": "Go on"},
    ]});
    recorder.exchange(
        dialect,
        &body(dialect, &[hello, said, result]),
        "opaque",
        &Bytes::new(),
    );
    recorder.apply(&store).await;
    let exchange = store.transaction(&id).await.unwrap().unwrap();
    let calls: Vec<_> = exchange
        .calls
        .iter()
        .map(|call| {
            let (outcome, arguments) = (call.row.outcome.as_deref(), call.arguments.as_deref());
            (&*call.row.name, outcome, arguments, call.result.as_deref())
        })
        .collect();
    assert_eq!(
        calls,
        [
            (
                "Read",
                Some("allow"),
                Some(r#"{"path":"a.txt"}"#),
                Some("The text.")
            ),
            ("Bash", Some("block"), Some(r#"{"command": "ls"}"#), None),
        ]
    );
    assert_eq!(exchange.decisions.len(), 3);
    let turns = turns(&store, "a-session").await;
    assert_eq!((turns[0].calls.len(), turns[0].decisions.len()), (2, 3));
    assert_eq!(turns[0].row.blocked, 1);
}

async fn pictures_are_referred_to(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let picture = "iVBORw0KGgo".repeat(3_000);
    let other = format!("{picture}A");
    let source = |data: &str| json!({"type": "base64", "media_type": "image/png", "data": data});
    let messages = [json!({"role": "user", "content": [
        {"type": "image", "source": source(&picture)},
        {"type": "text", "text": "What is it?"},
        {"type": "image", "source": source("AAAA")},
        {"type": "image", "source": {"type": "url", "url": "https://x.y/z.png"}},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source(&other)}]},
    ]})];
    let sent = body(Dialect::Anthropic, &messages);
    let id = recorder.exchange(Dialect::Anthropic, &sent, "opaque", &Bytes::new());
    recorder.apply(&store).await;
    assert_eq!(
        store
            .request_bytes(&id, super::super::Side::Client)
            .await
            .unwrap(),
        sent
    );
    let content = |data: &str| {
        format!(
            "content:{}",
            crate::record::ContentHash::of(data.as_bytes())
        )
    };
    let turn = turns(&store, "a-session").await.remove(0);
    let references: Vec<_> = turn.messages[0]
        .blocks
        .iter()
        .map(|block| block.reference.clone())
        .collect();
    let expected = [
        Some(content(&picture)),
        None,
        Some("inline".to_owned()),
        Some("https://x.y/z.png".to_owned()),
        None,
        Some(content(&other)),
    ];
    assert_eq!(references, expected);
    let sql = "SELECT reference FROM conversation_transcript ORDER BY place, block, piece";
    let view: Vec<_> = rows(&store, sql)
        .await
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    assert_eq!(json!(view), json!(expected));
}

async fn sessions_without_a_name_get_one(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let user = |text: &str| json!({"role": "user", "content": text});
    let mut ask = |caller: &str, messages: &[Value]| {
        let body = body(Dialect::Chat, messages);
        let id = recorder.asked(Dialect::Chat, &body, |asked| {
            asked.session = None;
            asked.caller = Some(caller.into());
        });
        recorder.ended(&id, "opaque", &Bytes::new(), |_| {});
    };
    ask("a", &[user("One")]);
    ask("a", &[user("One"), user("Two")]);
    ask("b", &[user("One")]);
    ask("a", &[user("Other")]);
    ask("a", &[]);
    recorder.apply(&store).await;
    let sessions = store
        .sessions(&SessionFilter::default(), None, 10)
        .await
        .unwrap()
        .items;
    let counts: Vec<_> = sessions
        .iter()
        .map(|session| session.transactions)
        .collect();
    assert_eq!(counts, [1, 1, 1, 2]);
    for session in sessions {
        let digits = session.session_id.strip_prefix("tree-").unwrap();
        assert!(digits.len() == 16 && digits.chars().all(|digit| digit.is_ascii_hexdigit()));
    }
}

async fn first_words_are_the_persons(database: Database) {
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let text = |text: &str| json!({"type": "text", "text": text});
    let mut ask = |purpose: &str, content: Value| {
        let body = body(
            Dialect::Anthropic,
            &[json!({"role": "user", "content": content})],
        );
        recorder.asked(Dialect::Anthropic, &body, |asked| {
            asked.purpose = Some(purpose.into());
        });
    };
    ask("probe", json!("quota"));
    ask("title", json!("Make a title of: Fix it"));
    ask(
        "turn",
        json!([text("<system-reminder>\nNo.\n</system-reminder>")]),
    );
    ask(
        "turn",
        json!([
            text("<system-reminder>No.</system-reminder>"),
            text("Fix\nthe parser.")
        ]),
    );
    ask("turn", json!("Something else"));
    recorder.apply(&store).await;
    let session = store.session("a-session").await.unwrap().unwrap();
    assert_eq!(session.preview.as_deref(), Some("Fix the parser."));
}

async fn words_are_found(database: Database) {
    let store = database.open().await;
    let dialect = Dialect::Anthropic;
    let mut recorder = Recorder::new();
    let hello =
        json!({"role": "user", "content": "Please open src/parser_two.rs und grüße 世界地図"});
    let (said, results) = again(dialect);
    recorder.exchange(
        dialect,
        &body(dialect, std::slice::from_ref(&hello)),
        "stream",
        &recorded(dialect, true),
    );
    let find = async |text: &str| {
        let hits = store
            .search(text, &SessionFilter::default(), None, 10)
            .await
            .unwrap();
        let hits = hits
            .items
            .into_iter()
            .map(|hit| format!("{} {}", hit.kind.name(), hit.transaction_id));
        hits.collect::<Vec<_>>()
    };
    recorder.apply(&store).await;
    let first = "0badcafe-00000000";
    let check = async || {
        for (text, expected) in [
            ("parser", vec![format!("text {first}")]),
            ("PARSER open", vec![format!("text {first}")]),
            ("\"src/parser_two.rs\"", vec![format!("text {first}")]),
            ("src/parser_two.rs", vec![format!("text {first}")]),
            // All of its words are there, but not so.
            ("\"parser src\"", vec![]),
            ("pars", vec![]),
            ("pars*", vec![format!("text {first}")]),
            ("GRÜSSE", vec![]),
            ("GRÜßE please", vec![format!("text {first}")]),
            ("界地", vec![format!("text {first}")]),
            ("地", vec![format!("text {first}")]),
            ("図", vec![format!("text {first}")]),
            ("nowhere", vec![]),
            ("", vec![]),
            ("' OR 1=1 --", vec![]),
            // Thinking, the text of a reply, the input of a call and its tool.
            ("both", vec![format!("thinking {first}")]),
            ("\"let me look\"", vec![format!("text {first}")]),
            ("command ls", vec![format!("tool_call {first}")]),
            ("bash", vec![format!("tool_call {first}")]),
        ] {
            assert_eq!(find(text).await, expected, "{text}");
        }
    };
    check().await;
    let messages: Vec<_> = [hello].into_iter().chain(said).chain(results).collect();
    recorder.exchange(dialect, &body(dialect, &messages), "opaque", &Bytes::new());
    recorder.apply(&store).await;
    // Nothing is there twice when the reply has been said again.
    check().await;
    assert_eq!(
        find("\"the text\"").await,
        ["tool_result 0badcafe-00000001"]
    );
    let filter = |text: &str, model: Option<&str>| SessionFilter {
        text: Some(text.to_owned()),
        model: model.map(str::to_owned),
        ..SessionFilter::default()
    };
    for (filter, count) in [
        (filter("look", None), 1),
        (filter("\"look me\"", None), 0),
        (filter("look", Some("claude-opus-5-5")), 1),
        (filter("look", Some("claude")), 0),
    ] {
        let found = store.sessions(&filter, None, 10).await.unwrap();
        assert_eq!(found.items.len(), count, "{filter:?}");
    }
    let hit = store
        .search("world OR both*", &SessionFilter::default(), None, 10)
        .await
        .unwrap();
    assert!(hit.items.is_empty());
    let hit = store
        .search("both", &SessionFilter::default(), None, 10)
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(hit.kind, BlockKind::Thinking);
    assert!(hit.is_reply && hit.excerpt.contains("Two files"), "{hit:?}");
}
