//! How much room a long conversation takes, and how fast it is found among many.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use luthien_core::Dialect;
use serde_json::{Value, json};

#[path = "../../../../../benches/support/page.rs"]
mod page;

use super::{
    super::{AnyStore, From, SessionFilter, Store, sealed::Begin},
    harness::{Database, Recorder, number, rows},
};

/// Text as agents read it: the sources of this house.
pub(super) fn sources() -> String {
    fn collect(folder: &Path, text: &mut String) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                collect(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    for folder in ["src", "layers/src", "sidecar/src"] {
        collect(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(folder),
            &mut text,
        );
    }
    text
}

/// A conversation as Claude Code has it: each turn a little thinking, a few words, a call, and what the tool has read.
pub(super) struct Agent<'a> {
    text: &'a str,
    at: usize,
    seed: u64,
    messages: Vec<Value>,
    name: String,
    /// By how much the results of its tools are shorter than usual.
    brevity: usize,
}

impl<'a> Agent<'a> {
    pub(super) fn new(text: &'a str, number: usize) -> Self {
        let mut agent = Self {
            text,
            at: number.wrapping_mul(7_919_000) % text.len(),
            seed: number as u64 + 1,
            messages: Vec::new(),
            name: format!("{number:08x}"),
            brevity: 1,
        };
        let words = agent.take(200);
        agent.messages.push(json!({"role": "user", "content": [{"type": "text", "text": format!("Task {number}: {words}")}]}));
        agent
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % below
    }

    /// The next piece of the text.
    fn take(&mut self, length: usize) -> String {
        let rest = self
            .text
            .get(self.at..)
            .or_else(|| self.text.get(self.at + 1..))
            .or_else(|| self.text.get(self.at + 2..));
        let piece: String = rest.unwrap_or(self.text).chars().take(length).collect();
        self.at = (self.at + piece.len()) % self.text.len();
        piece
    }

    /// The blocks of the next reply.
    pub(super) fn reply(&mut self) -> Value {
        let number = self.messages.len();
        let signature: String = (0..300)
            .map(|_| char::from(b'A' + self.random(26) as u8))
            .collect();
        let (thinking, words) = (self.take(400), self.take(120));
        let mut content = vec![
            json!({"type": "thinking", "thinking": thinking, "signature": signature}),
            json!({"type": "text", "text": words}),
        ];
        let unique = self.random(99_999_999);
        let id = format!("toolu_01{}{number:06}Kx{unique:08}", self.name);
        let file = format!(
            "/home/ada/work/src/module_{}/file_{}.rs",
            self.random(20),
            self.random(200)
        );
        content.push(match self.random(4) {
            0 => {
                let (old, new) = (self.take(300), self.take(400));
                json!({"type": "tool_use", "id": id, "name": "Edit", "input": {"file_path": file, "old_string": old, "new_string": new}})
            }
            1 => json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": format!("cargo test {} 2>&1 | tail -50", self.take(20)), "description": "Run the tests"}}),
            _ => json!({"type": "tool_use", "id": id, "name": "Read", "input": {"file_path": file}}),
        });
        Value::from(content)
    }

    /// What the client says next.
    pub(super) fn answer(&mut self, reply: Value) {
        let id = reply[2]["id"].clone();
        self.messages
            .push(json!({"role": "assistant", "content": reply}));
        // Most results are short, some are files.
        let length = match self.random(10) {
            0..4 => 200 + self.random(600),
            4..8 => 1_500 + self.random(4_000),
            _ => 8_000 + self.random(16_000),
        };
        let lines: Vec<_> = self
            .take(length / self.brevity)
            .lines()
            .enumerate()
            .map(|(at, line)| format!("{:>6}\t{line}", at + 1))
            .collect();
        self.messages.push(json!({"role": "user", "content": [{"tool_use_id": id, "type": "tool_result", "content": lines.join("\n"), "is_error": false}]}));
    }

    pub(super) fn body(&self) -> Bytes {
        let messages: Vec<_> = self.messages.iter().map(Value::to_string).collect();
        let system = "You are an agent that helps with software. ".repeat(100);
        format!(
            r#"{{"model":"claude-opus-5-5","messages":[{}],"system":[{{"type":"text","text":"{system}"}}],"max_tokens":32000,"stream":true}}"#,
            messages.join(",")
        )
        .into()
    }
}

/// A reply as Anthropic streams it.
pub(super) fn stream(blocks: &Value, number: usize) -> Bytes {
    let mut text = String::new();
    let mut event = |data: Value| {
        let name = data["type"].as_str().unwrap().to_owned();
        text.push_str(&format!("event: {name}\ndata: {data}\n\n"));
    };
    event(
        json!({"type": "message_start", "message": {"id": format!("msg_01{number:020}"), "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": [], "stop_reason": null, "usage": {"input_tokens": 4, "cache_read_input_tokens": number * 700, "output_tokens": 1}}}),
    );
    for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
        let (head, kind, field, whole) = match block["type"].as_str().unwrap() {
            "thinking" => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                "thinking_delta",
                "thinking",
                block["thinking"].as_str().unwrap().to_owned(),
            ),
            "text" => (
                json!({"type": "text", "text": ""}),
                "text_delta",
                "text",
                block["text"].as_str().unwrap().to_owned(),
            ),
            _ => (
                json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}),
                "input_json_delta",
                "partial_json",
                block["input"].to_string(),
            ),
        };
        event(json!({"type": "content_block_start", "index": index, "content_block": head}));
        let characters: Vec<char> = whole.chars().collect();
        for piece in characters.chunks(40) {
            let piece: String = piece.iter().collect();
            event(
                json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}),
            );
        }
        if let Some(signature) = block.get("signature") {
            event(
                json!({"type": "content_block_delta", "index": index, "delta": {"type": "signature_delta", "signature": signature}}),
            );
        }
        event(json!({"type": "content_block_stop", "index": index}));
    }
    event(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 200 + number}}),
    );
    event(json!({"type": "message_stop"}));
    text.into()
}

/// Records a conversation of some turns; answers how long its distinct messages are.
pub(super) async fn converse(
    store: &AnyStore,
    recorder: &mut Recorder,
    agent: &mut Agent<'_>,
    turns: usize,
    batch: usize,
) -> usize {
    let session = format!("5e551011-0000-4000-8000-{}", agent.name);
    for turn in 0..turns {
        let id = recorder.asked(Dialect::Anthropic, &agent.body(), |asked| {
            asked.session = Some(format!("{session}0000").into());
        });
        let reply = agent.reply();
        recorder.ended(&id, "stream", &stream(&reply, turn), |_| {});
        agent.answer(reply);
        if turn % batch == batch - 1 {
            recorder.apply(store).await;
        }
    }
    recorder.apply(store).await;
    let distinct: HashSet<_> = agent.messages.iter().map(Value::to_string).collect();
    distinct.iter().map(String::len).sum()
}

/// How many bytes a database takes, and in what.
async fn size(store: &AnyStore) -> (i64, String) {
    let is_sqlite = matches!(store, AnyStore::Sqlite(_));
    let (all, each) = if is_sqlite {
        let mut tx = store.write().await.unwrap();
        tx.rows(
            "INSERT INTO message_words (message_words) VALUES ('optimize')",
            Vec::new(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        (
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            "SELECT name, sum(pgsize), sum(payload) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 24",
        )
    } else {
        (
            "SELECT sum(pg_total_relation_size(oid))::BIGINT FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
            "SELECT relname::TEXT, pg_total_relation_size(oid) - pg_indexes_size(oid), pg_indexes_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 12",
        )
    };
    let each = rows(store, each).await;
    let each: Vec<_> = each.iter().map(|row| json!(row).to_string()).collect();
    (number(store, all).await, each.join("\n"))
}

/// Bytes stored of a conversation of 500 turns for each byte of its distinct messages.
async fn ratio(database: &Database, brevity: usize) -> f64 {
    let text = sources();
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let mut agent = Agent::new(&text, 1);
    agent.brevity = brevity;
    let distinct = converse(&store, &mut recorder, &mut agent, 500, 5).await;
    let (stored, each) = size(&store).await;
    let ratio = stored as f64 / distinct as f64;
    println!("{distinct} bytes of messages, {stored} stored: {ratio:.3}\n{each}");
    ratio
}

/// A row of the table: what was measured, the figure, and what was to be reached.
type Row = (String, String, String);

async fn takes_little_room() -> Vec<Row> {
    let mut table = Vec::new();
    for (brevity, long, most) in [(1, "usual", 1.2), (4, "short", 2.4)] {
        let postgres = Database::postgres().await;
        for (database, most, goal) in [
            (
                Database::sqlite(),
                most,
                if brevity == 1 { "≤ 1.2 times" } else { "" },
            ),
            (postgres.clone(), most + 0.8, ""),
        ] {
            let ratio = ratio(&database, brevity).await;
            assert!(ratio <= most, "{ratio:.3}");
            let engine = if database.is_sqlite() {
                "SQLite"
            } else {
                "PostgreSQL"
            };
            let name = format!(
                "500 turns of {long} length in {engine}: bytes stored for each byte of distinct messages"
            );
            table.push((name, format!("{ratio:.2} times"), goal.to_owned()));
        }
        postgres.drop().await;
    }
    table
}

/// Measures, and puts the table into the page that `LUTHIEN_PAGE` names: `scripts/bench record`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn room_and_time_are_as_promised() {
    let mut table = takes_little_room().await;
    table.extend(grows_with_what_is_new().await);
    table.extend(is_kept_quickly().await);
    table.extend(is_found_quickly().await);
    let mut text = "| | | to reach |\n|---|--:|---|\n".to_owned();
    for (name, figure, goal) in table {
        text.push_str(&format!("| {name} | {figure} | {goal} |\n"));
    }
    println!("{text}");
    if let Ok(page) = std::env::var("LUTHIEN_PAGE") {
        page::put(&page, "record", &text).unwrap();
    }
}

/// What a turn costs late in a conversation, beside what it costs early: it is what is new that counts.
async fn grows_with_what_is_new() -> Vec<Row> {
    let text = sources();
    let database = Database::sqlite();
    let store = database.open().await;
    let mut recorder = Recorder::new();
    let mut agent = Agent::new(&text, 3);
    let mut sizes = vec![number(&store, PAGES).await];
    let mut times = Vec::new();
    for _ in 0..4 {
        let start = Instant::now();
        converse(&store, &mut recorder, &mut agent, 250, 5).await;
        times.push(start.elapsed().as_secs_f64());
        sizes.push(number(&store, PAGES).await);
    }
    let grown: Vec<_> = sizes
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64)
        .collect();
    let ratio = grown[3] / grown[0];
    assert!(ratio < 1.3, "{grown:?}");
    println!("grown by {grown:?} in {times:?} s");
    let name =
        "turns 751 to 1,000 of a conversation beside turns 1 to 250: bytes stored".to_owned();
    vec![(name, format!("{ratio:.2} times"), "1: linear".to_owned())]
}

const PAGES: &str = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

/// The median of how long something takes, in milliseconds.
async fn median<T>(name: &str, mut run: impl AsyncFnMut(usize) -> T) -> Row {
    let mut times = Vec::new();
    for at in 0..31 {
        let start = Instant::now();
        run(at).await;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    println!("{name}: {:.2} ms, at most {:.2} ms", times[15], times[30]);
    assert!(times[15] < 50.0, "{name}: {} ms", times[15]);
    let name = format!("among 100,000 exchanges in SQLite, {name}");
    (name, format!("{:.1} ms", times[15]), "< 50 ms".to_owned())
}

async fn is_found_quickly() -> Vec<Row> {
    let database = Database::sqlite();
    let store = database.open().await;
    let text = sources();
    let mut recorder = Recorder::new();
    let start = Instant::now();
    let mut distinct = 0;
    for number in 0..4_000 {
        let mut agent = Agent::new(&text, number);
        agent.brevity = 4;
        distinct += converse(&store, &mut recorder, &mut agent, 25, 25).await;
    }
    let count = number(&store, "SELECT count(*) FROM transactions").await;
    let file = fs::metadata(database.file()).unwrap().len();
    println!(
        "{count} transactions, {distinct} bytes of messages, {file} stored, in {:?}",
        start.elapsed()
    );
    let session = |at: usize| format!("5e551011-0000-4000-8000-{:08x}0000", at * 97);
    let all = SessionFilter::default;
    let mut times = Vec::new();
    for (name, filter) in [
        ("all", all()),
        (
            "of a model",
            SessionFilter {
                model: Some("claude-opus-5-5".into()),
                ..all()
            },
        ),
        (
            "of nobody",
            SessionFilter {
                user: Some("nobody".into()),
                ..all()
            },
        ),
        (
            "blocked",
            SessionFilter {
                verdict: Some("block".into()),
                ..all()
            },
        ),
        (
            "with a rare word",
            SessionFilter {
                text: Some("brevity".into()),
                ..all()
            },
        ),
        (
            "with a usual word",
            SessionFilter {
                text: Some("return".into()),
                ..all()
            },
        ),
    ] {
        let list = async |_| store.sessions(&filter, None, 50).await.unwrap();
        times.push(median(&format!("50 sessions, {name}"), list).await);
    }
    let cursor = store.sessions(&all(), None, 1_000).await.unwrap().next;
    let list = async |_| store.sessions(&all(), cursor, 50).await.unwrap();
    times.push(median("50 sessions, a later page", list).await);
    let open = async |at| {
        store
            .transcript(&session(at), From::End, None, 50)
            .await
            .unwrap()
    };
    times.push(median("the end of a session", open).await);
    for words in [
        "brevity",
        "return",
        "let mut self",
        "\"pub fn new\"",
        "Task 397",
        "nowhereatall",
        "tokio*",
    ] {
        let search = async |_| store.search(words, &all(), None, 50).await.unwrap();
        times.push(median(&format!("search for `{words}`"), search).await);
    }
    times
}

async fn is_kept_quickly() -> Vec<Row> {
    let text = sources();
    let mut table = Vec::new();
    for batch in [1, 8, 64] {
        let database = Database::sqlite();
        let store = database.open().await;
        let mut recorder = Recorder::new();
        let mut agents: Vec<_> = (0..40).map(|number| Agent::new(&text, number)).collect();
        let (mut spent, mut bytes) = (Duration::ZERO, 0);
        for turn in 0..1_024 {
            let at = turn % agents.len();
            let agent = &mut agents[at];
            agent.brevity = 4;
            let id = recorder.asked(Dialect::Anthropic, &agent.body(), |asked| {
                asked.session = Some(format!("s-{at}").into());
            });
            let reply = agent.reply();
            recorder.ended(&id, "stream", &stream(&reply, turn), |_| {});
            agent.answer(reply);
            bytes += agent
                .messages
                .iter()
                .rev()
                .take(2)
                .map(|said| said.to_string().len())
                .sum::<usize>();
            if turn % batch == batch - 1 {
                let start = Instant::now();
                recorder.apply(&store).await;
                spent += start.elapsed();
            }
        }
        let each = (spent / 1_024).as_secs_f64() * 1e6;
        let name = format!(
            "taken over into SQLite {batch} at a time, {} new bytes each",
            bytes / 1_024
        );
        table.push((name, format!("{each:.0} µs"), String::new()));
    }
    table
}
