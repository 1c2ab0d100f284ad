use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use luthien_core::{Dialect, json::Limits, request::LlmRequest};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::super::{
    AnyStore, Applied, From, Options, SessionFilter, Store, StoreError, engine::Tx, sealed::Begin,
};
use crate::record::{
    Asked, Content, ContentHash, Decided, Ended, Ending, Entry, Event, Reply, Request, Tokens,
    What,
    known::{Known, Turn},
    split::split,
    spool::{Kept, Link, Position, link},
};

/// A database of its own.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) address: String,
    folder: Option<Arc<TempDir>>,
}

impl Database {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record/luthien.db");
        Self {
            address: format!("sqlite:{}", path.display()),
            folder: Some(Arc::new(folder)),
        }
    }

    pub(super) async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("luthien_test_{}_{count}", std::process::id());
        statement(&format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        Self {
            address: format!("{base}/{name}"),
            folder: None,
        }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// The file of SQLite.
    pub(super) fn file(&self) -> std::path::PathBuf {
        self.address.strip_prefix("sqlite:").unwrap().into()
    }

    /// Another of the same engine.
    pub(super) async fn another(&self) -> Self {
        match self.is_sqlite() {
            true => Self::sqlite(),
            false => Self::postgres().await,
        }
    }

    pub(super) async fn try_open(&self) -> Result<AnyStore, StoreError> {
        let options = Options {
            price: Some(Arc::new(|model, tokens, _| {
                (model != "unknown").then(|| tokens.input.unwrap_or(0) * 3)
            })),
            ..Options::default()
        };
        AnyStore::open(&self.address, options).await
    }

    pub(super) async fn open(&self) -> AnyStore {
        self.try_open().await.unwrap()
    }

    pub(super) async fn drop(self) {
        if let (false, Some((_, name))) = (self.is_sqlite(), self.address.rsplit_once('/')) {
            statement(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

fn server() -> String {
    let missing = "LUTHIEN_TEST_POSTGRES is not set: run scripts/test";
    std::env::var("LUTHIEN_TEST_POSTGRES").expect(missing)
}

async fn statement(sql: &str) {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// All rows that a statement answers, as JSON.
pub(super) async fn rows(store: &AnyStore, sql: &str) -> Vec<Vec<Value>> {
    let mut tx: Tx = store.read().await.unwrap();
    let rows = tx.rows(sql, Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    rows.iter().map(super::super::engine::Row::json).collect()
}

/// The one number that a statement answers.
pub(super) async fn number(store: &AnyStore, sql: &str) -> i64 {
    rows(store, sql).await[0][0].as_i64().unwrap()
}

pub(super) async fn execute(store: &AnyStore, sql: &'static str) {
    let mut tx = store.write().await.unwrap();
    tx.script(sql).await.unwrap();
    tx.commit().await.unwrap();
}

/// Records exchanges, as the writer of a spool does.
pub(super) struct Recorder {
    known: Known,
    turns: HashMap<String, Turn>,
    sequences: HashMap<String, u32>,
    links: u64,
    chain: ContentHash,
    clock: i64,
    prefix: String,
    pub(super) kept: Vec<Kept>,
    end: Position,
}

/// The first moment of all tests, in microseconds since 1970.
pub(super) const START: i64 = 1_800_000_000_000_000;

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            known: Known::new(1 << 16),
            turns: HashMap::new(),
            sequences: HashMap::new(),
            links: 0,
            chain: ContentHash::NONE,
            clock: START,
            prefix: "0badcafe".to_owned(),
            kept: Vec::new(),
            end: Position::default(),
        }
    }

    /// One whose transactions have other names.
    pub(super) fn named(name: &str) -> Self {
        Self {
            prefix: name.to_owned(),
            ..Self::new()
        }
    }

    /// A request; its id is answered.
    pub(super) fn asked(
        &mut self,
        dialect: Dialect,
        body: &Bytes,
        change: impl FnOnce(&mut Asked),
    ) -> String {
        let id = format!("{}-{:08x}", self.prefix, self.sequences.len());
        let request = self.request(&id, dialect, body);
        let mut asked = Asked {
            dialect: Some(dialect.name().into()),
            method: "POST".into(),
            path: dialect.path().into(),
            model: Some("claude-opus-5-5".into()),
            stream: true,
            purpose: Some("turn".into()),
            session: Some("a-session".into()),
            caller: Some("lk-1".into()),
            client: Some("claude-cli/2.1.330".into()),
            request: Some(request),
            ..Asked::default()
        };
        change(&mut asked);
        self.event(&id, What::RequestReceived(Box::new(asked)));
        id
    }

    fn request(&mut self, turn: &str, dialect: Dialect, body: &Bytes) -> Request {
        let request = LlmRequest::parse(dialect, body.clone(), &Limits::default()).unwrap();
        let mut entries = Vec::new();
        let turn = self.turns.entry(turn.to_owned()).or_default();
        let request = split(&request, turn, &mut self.known, &mut entries);
        self.kept.extend(entries.into_iter().map(kept));
        request
    }

    /// Something else went up.
    pub(super) fn changed(&mut self, id: &str, dialect: Dialect, body: &Bytes) {
        let request = self.request(id, dialect, body);
        self.event(id, What::RequestChanged(request));
    }

    pub(super) fn decided(&mut self, id: &str, outcome: &str, change: impl FnOnce(&mut Decided)) {
        let mut decided = Decided {
            id: "d-1".into(),
            policy: "rules".into(),
            version: "1".into(),
            mode: "enforce".into(),
            phase: "tool_call".into(),
            block: None,
            tool: None,
            outcome: outcome.into(),
            cause: None,
            applied: true,
            code: "no".into(),
            reason: "Because.".into(),
            severity: "warning".into(),
            latency_us: 12,
            before: None,
            after: None,
            votes: Vec::new(),
            consulted: Vec::new(),
        };
        change(&mut decided);
        self.event(id, What::PolicyDecided(Box::new(decided)));
    }

    pub(super) fn reply(&mut self, form: &str, bytes: &Bytes) -> Reply {
        let content = Content::new(bytes.clone());
        let hash = content.hash;
        self.kept.push(Kept::Content(content));
        Reply {
            form: form.into(),
            bytes: bytes.len() as u64,
            body: Some(hash),
            rest: Vec::new(),
            complete: true,
            blocks: Vec::new(),
            redacted: false,
        }
    }

    pub(super) fn ended(
        &mut self,
        id: &str,
        form: &str,
        bytes: &Bytes,
        change: impl FnOnce(&mut Ended),
    ) {
        let reply = self.reply(form, bytes);
        let mut ended = Ended {
            ending: Ending::Ok,
            reason: None,
            status: Some(200),
            upstream: Some("anthropic".into()),
            attempts: 1,
            model: Some("claude-opus-5-5".into()),
            stop_reason: Some("end_turn".into()),
            usage: Tokens {
                input: Some(100),
                output: Some(20),
                cache_read: Some(80),
                ..Tokens::default()
            },
            first_byte_us: Some(1_500),
            duration_us: 90_000,
            reply,
            provider_reply: None,
            shed: false,
        };
        change(&mut ended);
        self.event(id, What::Ended(Box::new(ended)));
    }

    pub(super) fn event(&mut self, id: &str, what: What) {
        let sequence = self.sequences.entry(id.to_owned()).or_default();
        self.clock += 1_000_000;
        let event = Event {
            transaction_id: id.into(),
            sequence: *sequence,
            at: self.clock,
            what,
        };
        *sequence += 1;
        self.links += 1;
        let text = Bytes::from(serde_json::to_vec(&event).unwrap());
        self.chain = link(self.chain, &text);
        self.kept.push(Kept::Event(Link {
            number: self.links,
            hash: self.chain,
            text,
            event: Box::new(event),
        }));
    }

    /// A request and its reply.
    pub(super) fn exchange(
        &mut self,
        dialect: Dialect,
        body: &Bytes,
        form: &str,
        reply: &Bytes,
    ) -> String {
        let id = self.asked(dialect, body, |_| {});
        self.ended(&id, form, reply, |_| {});
        id
    }

    /// Hands over all that was recorded since.
    pub(super) async fn apply(&mut self, store: &AnyStore) -> Applied {
        self.end.offset += self.kept.len() as u64;
        let kept = std::mem::take(&mut self.kept);
        store.apply("w-1", &kept, self.end).await.unwrap()
    }
}

fn kept(entry: Entry) -> Kept {
    match entry {
        Entry::Content(content) => Kept::Content(content),
        Entry::Message(message) => Kept::Message(message),
        Entry::Node(node) => Kept::Node(node),
        Entry::Event(_) => unreachable!("the splitter makes none"),
    }
}

/// All that can be asked of a store, as JSON.
pub(super) async fn everything(store: &AnyStore) -> Value {
    let sessions = store
        .sessions(&SessionFilter::default(), None, 1_000)
        .await
        .unwrap();
    let mut all = Vec::new();
    for session in sessions.items {
        let turns = store
            .transcript(&session.session_id, From::Start, None, 1_000)
            .await
            .unwrap();
        let mut exchanges = Vec::new();
        for turn in &turns.items {
            let id = &turn.row.transaction_id;
            exchanges.push(store.transaction(id).await.unwrap().unwrap());
        }
        all.push(serde_json::json!([session, turns.items, exchanges]));
    }
    let mut counts = Vec::new();
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
    ] {
        counts.push(number(store, &format!("SELECT count(*) FROM {table}")).await);
    }
    let users =
        "SELECT user_id, transactions, input_tokens, cost_micros FROM users ORDER BY user_id";
    let view = "SELECT session_id, transaction_id, place, block, piece, kind, tool_name, tool_call_id, text, reference \
        FROM conversation_transcript ORDER BY session_id, transaction_id, place, block, piece";
    serde_json::json!([
        all,
        counts,
        rows(store, users).await,
        rows(store, view).await
    ])
}

/// Where two answers differ first.
pub(super) fn difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| Some(format!("{at}.{}", difference(a, b)?)))
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().find_map(|(name, a)| {
                Some(format!(
                    "{name}.{}",
                    difference(a, b.get(name).unwrap_or(&Value::Null))?
                ))
            })
        }
        _ => (a != b).then(|| format!(" {a} and {b}")),
    }
}

/// The requests of real clients, with their dialects, by capture.
pub(super) fn captures() -> Vec<Vec<(Dialect, Bytes)>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/captures");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let captures = files.into_iter().map(|file| {
        let capture: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let requests = capture["requests"].as_array().unwrap().iter();
        let requests = requests.filter_map(|request| {
            let path = request["target"].as_str()?.split('?').next();
            let dialect = Dialect::ALL
                .into_iter()
                .find(|dialect| path == Some(dialect.path()))?;
            let body = request["body"].as_object()?;
            Some((dialect, Bytes::from(serde_json::to_string(body).unwrap())))
        });
        requests.collect()
    });
    captures.collect()
}
