//! Databases: clients to which statements are given, and commands that take data away.

use super::{
    Command,
    args::joined,
    clients,
    made::{Made, is_scratch},
    session,
    sql::{Session, generated, losses},
    sqlite,
};
use crate::policy::effects::{
    Act, Database, Effects, mark,
    shell::{Data, Shell, State},
};

/// What the statements of a text do, for a tool that takes them.
pub(in super::super) fn sql(text: &str, effects: &mut Effects) {
    for loss in losses(text, Session::default(), &mut Made::default()) {
        let target = loss.target.clone();
        let what = loss.what;
        effects.add(Act::Database { what, target }, &loss.target, false);
    }
}

/// What the statements do that a program sends.
pub(super) fn statements(shell: &mut Shell<'_>, text: &str) {
    sent(shell, text, Session::default());
}

fn sent(shell: &mut Shell<'_>, text: &str, session: Session) {
    for loss in losses(text, session, &mut shell.made) {
        shell.act(Act::Database {
            what: loss.what,
            target: loss.target,
        });
    }
}

/// Clients that take statements.
const CLIENTS: &[&str] = &[
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "sqlite",
    "duckdb",
    "cockroach",
    "clickhouse-client",
    "clickhouse",
    "sqlcmd",
    "sqlplus",
    "cqlsh",
    "snowsql",
    "bq",
    "mycli",
    "pgcli",
    "usql",
    "influx",
    "trino",
    "presto",
    "impala-shell",
    "hive",
    "beeline",
    "isql",
    "db2",
    "litecli",
    "turso",
    "tsql",
    "ysqlsh",
    "monetdb",
    "questdb",
    "surreal",
    "osqueryi",
    "vertica",
    "vsql",
    "tarantool",
    "mssql-cli",
    "libsql",
    "ksql",
    "pscale",
    "neonctl",
];

/// Commands that take data away, whatever else they are given: a program, and words that stand among its own.
const TAKING: &[(&str, &[&str], Database)] = &[
    ("influx", &["delete"], Database::DeleteAll),
    ("influx", &["bucket", "delete"], Database::Drop),
    ("bq", &["rm"], Database::Drop),
    ("turso", &["db", "destroy"], Database::Drop),
    ("pscale", &["database", "delete"], Database::Drop),
    ("pscale", &["branch", "delete"], Database::Drop),
    ("neonctl", &["projects", "delete"], Database::Drop),
    ("neonctl", &["databases", "delete"], Database::Drop),
    ("pg_dropcluster", &[], Database::Drop),
    ("mysqladmin", &["drop"], Database::Drop),
    ("mariadb-admin", &["drop"], Database::Drop),
    ("mongorestore", &["--drop"], Database::Drop),
    ("dotnet", &["ef", "database", "drop"], Database::Drop),
    (
        "dotnet",
        &["ef", "database", "update", "0"],
        Database::Reset,
    ),
    ("dotnet-ef", &["database", "drop"], Database::Drop),
    ("kafka-topics", &["--delete"], Database::Drop),
    ("kafka-delete-records", &[], Database::DeleteAll),
    ("kafka-storage", &["format"], Database::Reset),
    ("rpk", &["topic", "delete"], Database::Drop),
    ("rabbitmqctl", &["delete_queue"], Database::Drop),
    ("rabbitmqctl", &["delete_vhost"], Database::Drop),
    ("rabbitmqctl", &["purge_queue"], Database::DeleteAll),
    ("rabbitmqctl", &["reset"], Database::Reset),
    ("rabbitmqctl", &["force_reset"], Database::Reset),
    ("rabbitmqadmin", &["delete"], Database::Drop),
    ("rabbitmqadmin", &["purge"], Database::DeleteAll),
    ("nats", &["stream", "rm"], Database::Drop),
    ("nats", &["stream", "purge"], Database::DeleteAll),
    ("nats", &["kv", "del"], Database::Drop),
    ("pulsar-admin", &["delete"], Database::Drop),
    ("zkcli", &["deleteall"], Database::Drop),
    ("zkcli", &["rmr"], Database::Drop),
    ("solr", &["delete"], Database::Drop),
    ("neo4j-admin", &["database", "drop"], Database::Drop),
    ("curator_cli", &["delete-indices"], Database::Drop),
    ("elasticdump", &["--deleteAll"], Database::DeleteAll),
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let name = command.name.trim_end_matches(".sh");
    let text = joined(words);
    let has = |all: &[&str]| all.iter().all(|part| words.iter().any(|word| word == part));
    let mut act = |what: Database| {
        shell.act(Act::Database {
            what,
            target: text.chars().take(80).collect(),
        });
    };
    if let Some((.., what)) = TAKING
        .iter()
        .find(|(program, wanted, _)| *program == name && has(wanted))
    {
        if !session::of(shell, state, command).is_own {
            let what = *what;
            shell.act(Act::Database {
                what,
                target: text.chars().take(80).collect(),
            });
        }
        return Some(Data::default());
    }
    match name {
        name if CLIENTS.contains(&name) => Some(client(shell, state, command)),
        "createdb" | "createuser" | "mysqladmin" | "mariadb-admin"
            if name.starts_with("create") || has(&["create"]) =>
        {
            if let Some(database) = session::operand(command) {
                shell.made.remember("database", database);
            }
            None
        }
        "dropdb" | "dropuser" => {
            let at = session::of(shell, state, command);
            let database = session::operand(command).unwrap_or_default();
            let is_made = shell.made.has("database", database);
            let is_passing = at.is_own || is_made || at.is_local && is_scratch(database);
            if !is_passing {
                shell.act(Act::Database {
                    what: Database::Drop,
                    target: text.chars().take(80).collect(),
                });
            }
            Some(Data::default())
        }
        "redis-server" | "valkey-server" | "keydb-server" | "mongod" | "mysqld" | "mariadbd"
        | "postgres" | "etcd" | "memcached" | "pg_ctl" | "initdb" | "pg_ctlcluster" | "minio" => {
            session::started(shell, state, command);
            None
        }
        "mongo" | "mongosh" => Some(mongo(shell, state, command)),
        "redis-cli" | "valkey-cli" | "keydb-cli" => Some(redis(shell, state, command)),
        "cypher-shell" => {
            let code = format!(
                "{text} {}",
                command.stdin.text.as_deref().unwrap_or_default()
            )
            .to_lowercase();
            let deletes =
                code.contains("detach delete") && !code.contains("where") && !code.contains(":");
            if deletes || code.contains("drop database") {
                act(Database::DeleteAll);
            }
            Some(Data::hidden())
        }
        _ => None,
    }
}

/// A client that takes statements: as words, in files, or from what comes in.
fn client(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let at = session::of(shell, state, command);
    let mut code = String::new();
    let mut files: Vec<String> = Vec::new();
    let mut before = "";
    for word in command.words {
        // `-c "…"`, `-e"…"`, `--command=…`, or bare.
        let part = word
            .split_once('=')
            .filter(|(name, _)| name.starts_with("--"))
            .map_or(word.as_str(), |(_, code)| code);
        let part = part
            .strip_prefix("-e")
            .or_else(|| part.strip_prefix("-c"))
            .unwrap_or(part);
        code.push_str(part);
        code.push_str("\n;\n");
        if matches!(before, "-f" | "--file" | "-i") {
            files.push(word.clone());
        } else if let Some(file) = word
            .strip_prefix("--file=")
            .or_else(|| word.strip_prefix(".read "))
            .or_else(|| word.strip_prefix("source "))
        {
            files.push(file.to_owned());
        }
        before = word;
    }
    if let Some(text) = &command.stdin.text {
        code.push_str(text);
    }
    for file in files {
        let path = shell.path(state, &file).resolved;
        let written = state.files.get(&path).and_then(|data| data.text.clone());
        if let Some(text) = written {
            code.push_str(&text);
            code.push_str("\n;\n");
        }
    }
    clients::told(shell, state, command, &code);
    sqlite::client(shell, state, command, &code);
    if !at.is_own {
        let session = Session {
            is_local: at.is_local,
            drops_at_once: matches!(command.name, "mysql" | "mariadb" | "mycli" | "sqlplus"),
        };
        sent(shell, &code, session);
    }
    match generated(&code) {
        Some(code) => Data::text(code),
        None => Data::hidden(),
    }
}

fn mongo(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let text = joined(command.words);
    let mut code = text.clone();
    code.push_str(command.stdin.text.as_deref().unwrap_or_default());
    for word in command.words.iter().filter(|word| word.ends_with(".js")) {
        let path = shell.path(state, word).resolved;
        if let Some(file) = state.files.get(&path).and_then(|data| data.text.as_deref()) {
            code.push_str(file);
        }
    }
    let code: String = code
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let at = session::of(shell, state, command);
    let chosen = ["getsiblingdb(\"", "getsiblingdb('"]
        .iter()
        .filter_map(|call| code.split_once(call))
        .filter_map(|(_, rest)| rest.split(['"', '\'']).next());
    let mut chosen = chosen.peekable();
    let is_passing = chosen.peek().is_some() && at.is_local && chosen.all(is_scratch);
    if at.is_own || is_passing {
        return Data::hidden();
    }
    let drops = [
        "dropdatabase",
        ".drop(",
        "dropcollection",
        "dropuser",
        "dropindexes(",
        "dropallusers",
        "dropallroles",
    ];
    let empties = ["deletemany({})", "remove({})", "deletemany()", "remove()"];
    let what = if drops.iter().any(|call| code.contains(call)) {
        Database::Drop
    } else if empties.iter().any(|call| code.contains(call)) {
        Database::DeleteAll
    } else {
        return Data::hidden();
    };
    shell.act(Act::Database {
        what,
        target: text.chars().take(80).collect(),
    });
    Data::hidden()
}

fn redis(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let text = joined(command.words);
    let code = format!(
        "{text}\n{}",
        command.stdin.text.as_deref().unwrap_or_default()
    );
    let code = code.to_lowercase();
    let has = |wanted: &[&str]| {
        command
            .words
            .iter()
            .any(|word| wanted.contains(&word.to_lowercase().as_str()))
    };
    let is_any = command.words.iter().any(|word| {
        word.chars()
            .any(|c| mark::is_unknown(c) && c != mark::UNSET)
    });
    let deletes = has(&["del", "unlink"]) && is_any;
    let empties = ["flushall", "flushdb", "script flush", "shutdown"];
    if !deletes && !empties.iter().any(|word| code.contains(word)) {
        return Data::hidden();
    }
    let at = session::of(shell, state, command);
    // One of the numbered ones that nobody uses but tests.
    let number = command.args(&["h", "p", "n", "a", "u", "s"]).value(&["n"]);
    let is_numbered = number
        .and_then(|number| number.parse::<u8>().ok())
        .is_some_and(|number| number > 8)
        && !code.contains("flushall")
        && at.is_local;
    if !at.is_own && !is_numbered {
        shell.act(Act::Database {
            what: Database::DeleteAll,
            target: text.chars().take(80).collect(),
        });
    }
    Data::hidden()
}
