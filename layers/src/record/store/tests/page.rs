//! `docs/database.md`: a picture of the schema and a few rows of everything, from a database that was just filled.

use std::{fmt::Write, fs, path::Path};

use bytes::Bytes;
use luthien_core::{Dialect, testing::recorded};
use serde_json::{Value, json};

use super::{
    super::{AnyStore, Signer, Store},
    harness::{Database, Recorder, rows},
};
use crate::record::User;

const INTRODUCTION: &str = "\
# The database

What `docs/record.md` is about, as it lies in SQLite; in PostgreSQL the tables and columns are the same, with `BIGINT` for `INTEGER` and
`BYTEA` for `BLOB`, and words are found with `tsvector`. Everything may be read with SQL while sidecars write. Nothing may be written: events
are linked by hashes, and `luthien log verify` finds out.

This page was made from the migrations and from a small conversation that a test has recorded. `…` stands for what is another every time, or
too long.
";

/// What refers to what, beside what the schema itself says.
const REFERENCES: [(&str, &str, &str); 19] = [
    ("nodes", "parent_number", "nodes"),
    ("nodes", "message_number", "messages"),
    ("nodes", "transaction_number", "transactions"),
    ("transactions", "user_id", "users"),
    ("transactions", "head_number", "nodes"),
    ("transactions", "frame_number", "contents"),
    ("transactions", "reply_number", "contents"),
    ("transactions", "follows_number", "transactions"),
    ("transaction_messages", "message_number", "messages"),
    ("tool_calls", "message_number", "messages"),
    ("tool_calls", "result_message_number", "messages"),
    ("conversation_events", "writer_number", "spool_positions"),
    ("event_tombstones", "writer_number", "spool_positions"),
    ("checkpoints", "writer_number", "spool_positions"),
    ("content_uses", "content_number", "contents"),
    ("session_holds", "session_id", "sessions"),
    ("message_words", "rowid", "messages"),
    ("conversation_transcript", "session_id", "sessions"),
    ("conversation_transcript", "transaction_id", "transactions"),
];

/// What is another every time.
const VOLATILE: [(&str, &str); 10] = [
    ("spool_positions", "at"),
    ("event_tombstones", "at"),
    ("session_holds", "at"),
    ("leases", "until"),
    ("checkpoints", "at"),
    ("checkpoints", "key"),
    ("checkpoints", "signature"),
    ("migrations", "at"),
    ("migrations", "checksum"),
    ("contents", "body"),
];

const LONGEST: usize = 48;

#[tokio::test]
async fn the_page_about_the_database_is_that_of_the_migrations() {
    let database = Database::sqlite();
    let store = database.open().await;
    fill(&store).await;
    let mut page = INTRODUCTION.to_owned();
    let sql = "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'message_words_%' \
        AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let all = rows(&store, sql).await;
    let tables: Vec<&str> = all.iter().map(|row| row[0].as_str().unwrap()).collect();
    picture(&store, &tables, &mut page).await;
    for table in &tables {
        describe(&store, table, &mut page).await;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/database.md");
    if fs::read_to_string(&file).unwrap_or_default() != page {
        fs::write(&file, page).unwrap();
        panic!(
            "docs/database.md was not that of the migrations; it has been written anew: look at it, and commit it"
        );
    }
}

/// A conversation with a call and its result, a policy that has blocked, and one that was forgotten.
async fn fill(store: &AnyStore) {
    let mut recorder = Recorder::new();
    let user = |asked: &mut crate::record::Asked| {
        asked.user = Some(User {
            id: "alice".into(),
            trusted: true,
        });
    };
    let question = json!({"role": "user", "content": "List the files, please."});
    let first = json!({"model": "claude-opus-5-5", "stream": true, "system": "You are an agent. ".repeat(20), "messages": [question]});
    let id = recorder.asked(Dialect::Anthropic, &first.to_string().into(), user);
    recorder.decided(&id, "allow", |_| {});
    recorder.ended(&id, "stream", &recorded(Dialect::Anthropic, true), |_| {});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}]});
    let reply = json!({"type": "message", "role": "assistant", "content": call["content"], "stop_reason": "tool_use"});
    let second = json!({"model": "claude-opus-5-5", "messages": [question, {"role": "assistant", "content": "Where?"}, {"role": "user", "content": "Here."}]});
    let id = recorder.asked(Dialect::Anthropic, &second.to_string().into(), user);
    recorder.decided(&id, "allow", |decided| decided.tool = Some("Bash".into()));
    recorder.ended(&id, "whole", &reply.to_string().into(), |_| {});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Cargo.toml\nsrc"}]});
    let mut messages = second["messages"].as_array().unwrap().clone();
    messages.extend([call, result]);
    let third = json!({"model": "claude-opus-5-5", "messages": messages});
    let id = recorder.asked(Dialect::Anthropic, &third.to_string().into(), user);
    recorder.decided(&id, "block", |decided| decided.phase = "request".into());
    recorder.ended(&id, "whole", &Bytes::from_static(b"{}"), |ended| {
        ended.ending = crate::record::Ending::Blocked;
    });
    for other in ["forgotten", "another-session"] {
        let body = json!({"model": "gpt-5.5", "messages": [{"role": "user", "content": format!("About {other}.")}]});
        let id = recorder.asked(Dialect::Chat, &body.to_string().into(), |asked| {
            asked.session = Some(other.into());
        });
        recorder.ended(
            &id,
            "whole",
            &Bytes::from_static(b"{\"choices\":[]}"),
            |_| {},
        );
    }
    recorder.apply(store).await;
    store.forget_session("forgotten").await.unwrap();
    store.hold("a-session", true).await.unwrap();
    let day = std::time::Duration::from_secs(86_400);
    store.lease("retention", "0badcafe", day).await.unwrap();
    let mut signer = Signer::new(&Signer::generate().unwrap()).unwrap();
    signer.look(store, "w-1", true).await.unwrap();
}

async fn columns(store: &AnyStore, table: &str) -> Vec<(String, String)> {
    let sql = format!("SELECT name, type FROM pragma_table_info('{table}')");
    let columns = rows(store, &sql).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    columns
        .iter()
        .map(|row| (text(&row[0]), text(&row[1])))
        .collect()
}

async fn picture(store: &AnyStore, tables: &[&str], page: &mut String) {
    page.push_str("\n```mermaid\nerDiagram\n");
    for table in tables {
        writeln!(page, "    {table} {{").unwrap();
        for (name, kind) in columns(store, table).await {
            let kind = if kind.is_empty() {
                "ANY".to_owned()
            } else {
                kind
            };
            writeln!(page, "        {kind} {name}").unwrap();
        }
        page.push_str("    }\n");
        let sql = format!(
            "SELECT \"table\", \"from\" FROM pragma_foreign_key_list('{table}') ORDER BY \"from\""
        );
        for row in rows(store, &sql).await {
            let (other, column) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
            writeln!(page, "    {other} ||--o{{ {table} : {column}").unwrap();
        }
        for (_, column, other) in REFERENCES.iter().filter(|(from, ..)| from == table) {
            assert!(tables.contains(other), "{other} is no table");
            writeln!(page, "    {other} |o--o{{ {table} : {column}").unwrap();
        }
    }
    page.push_str("```\n");
}

async fn describe(store: &AnyStore, table: &str, page: &mut String) {
    writeln!(page, "\n## `{table}`\n").unwrap();
    let words = comment(table);
    if !words.is_empty() {
        writeln!(page, "{words}\n").unwrap();
    }
    let columns = columns(store, table).await;
    let names: Vec<_> = columns
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    // Of a table of words there is nothing to be seen but the numbers.
    let names = if table == "message_words" {
        "rowid".to_owned()
    } else {
        names.join(", ")
    };
    let order = if table == "conversation_transcript" {
        "at, place, block, piece"
    } else {
        "1"
    };
    let sql = format!("SELECT {names} FROM {table} ORDER BY {order} LIMIT 3");
    let samples = rows(store, &sql).await;
    assert!(!samples.is_empty(), "{table} has no rows here");
    let head = [
        "",
        " first |",
        " first | second |",
        " first | second | third |",
    ][samples.len()];
    writeln!(
        page,
        "| column | type |{head}\n|---|---|{}",
        "---|".repeat(samples.len())
    )
    .unwrap();
    for (at, (name, kind)) in columns.iter().enumerate() {
        write!(page, "| `{name}` | {} |", kind.to_lowercase()).unwrap();
        for sample in &samples {
            write!(
                page,
                " {} |",
                cell(table, name, &sample[at.min(sample.len() - 1)])
            )
            .unwrap();
        }
        page.push('\n');
    }
}

fn cell(table: &str, column: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text
            .replace('\n', "\\n")
            .replace('|', "\\|")
            .replace('`', "'"),
        other => other.to_string(),
    };
    if VOLATILE.contains(&(table, column)) {
        return "…".to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}…`", &text[..at]),
        None => format!("`{text}`"),
    }
}

/// What the migrations say before they make it.
fn comment(table: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut words = Vec::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            match line.strip_prefix("-- ") {
                Some(more) => words.push(more.to_owned()),
                None => {
                    let name = line
                        .split_whitespace()
                        .find(|word| !["CREATE", "VIRTUAL", "TABLE", "VIEW"].contains(word));
                    if line.starts_with("CREATE") && name == Some(table) {
                        return words.join("\n");
                    }
                    words.clear();
                }
            }
        }
    }
    String::new()
}
