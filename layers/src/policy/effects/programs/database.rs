//! Databases: statements, and commands that set them back.

use super::{Command, args::joined};
use crate::policy::effects::{
    Act, Database, Effects, mark,
    shell::{Data, Shell, State},
};

/// What the statements of a text do, for a tool that takes them.
pub(in super::super) fn sql(text: &str, effects: &mut Effects) {
    for (what, target) in losses(text) {
        effects.add(
            Act::Database {
                what,
                target: target.clone(),
            },
            &target,
            false,
        );
    }
}

/// What the statements do that a program sends.
pub(super) fn statements(shell: &mut Shell<'_>, text: &str) {
    for (what, target) in losses(text) {
        shell.act(Act::Database { what, target });
    }
}

/// Statements that lose something.
fn losses(text: &str) -> Vec<(Database, String)> {
    let mut losses = Vec::new();
    let mut plain = String::with_capacity(text.len());
    // Comments are no part of a statement; they separate words.
    let mut rest = text;
    while let Some(at) = ["--", "/*"].iter().filter_map(|open| rest.find(open)).min() {
        plain.push_str(rest.get(..at).unwrap_or_default());
        plain.push(' ');
        let comment = rest.get(at..).unwrap_or_default();
        let end = if comment.starts_with("/*") {
            comment.find("*/").map(|end| end + 2)
        } else {
            comment.find('\n')
        };
        // `/*! … */` is run by MySQL.
        if let Some(inner) = comment.strip_prefix("/*!") {
            plain.push_str(
                inner
                    .get(..end.unwrap_or(3).saturating_sub(5))
                    .unwrap_or_default(),
            );
        }
        rest = end.and_then(|end| comment.get(end..)).unwrap_or_default();
    }
    plain.push_str(rest);
    for statement in plain
        .split([';', '\n'])
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .take(128)
        .chain([plain.as_str()])
    {
        let words: Vec<String> = statement
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '`' | '\'' | '='))
            .filter(|word| !word.is_empty())
            .take(400)
            .map(str::to_lowercase)
            .collect();
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        let start = words
            .iter()
            .position(|word| {
                !matches!(
                    word.as_str(),
                    "begin" | "explain" | "analyze" | "start" | "transaction"
                )
            })
            .unwrap_or(0);
        let has_where = words
            .iter()
            .any(|word| matches!(word.as_str(), "where" | "limit" | "using"));
        let is_always = [
            "where 1=1",
            "where true",
            "where 1 = 1",
            "where 1",
            "where '1'='1'",
        ]
        .iter()
        .any(|all| {
            let statement = statement.to_lowercase();
            statement
                .trim_end_matches([';', '"', '\'', ' '])
                .ends_with(all)
        });
        let what = match (word(start), word(start + 1)) {
            (
                "drop",
                "table" | "database" | "schema" | "keyspace" | "collection" | "user" | "role"
                | "tablespace" | "owned" | "materialized",
            ) => Some(Database::Drop),
            ("truncate", _) if words.len() < 20 => Some(Database::Truncate),
            ("delete", "from") if !has_where || is_always => Some(Database::DeleteAll),
            ("update", _)
                if words.iter().any(|word| word == "set") && (!has_where || is_always) =>
            {
                Some(Database::UpdateAll)
            }
            ("alter", "table")
                if words
                    .windows(2)
                    .any(|pair| matches!(pair, [a, b] if a == "drop" && b == "column")) =>
            {
                Some(Database::Drop)
            }
            ("flushall" | "flushdb", _) => Some(Database::DeleteAll),
            _ => None,
        };
        if let Some(what) = what {
            let target: String = statement
                .split_whitespace()
                .take(8)
                .collect::<Vec<_>>()
                .join(" ");
            if !losses.iter().any(|(known, _)| *known == what) {
                losses.push((what, mark::shown(&target)));
            }
        }
    }
    losses
}

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let text = joined(words);
    let mut act = |what: Database| {
        shell.act(Act::Database {
            what,
            target: text.chars().take(80).collect(),
        });
    };
    match command.name {
        "influx" if words.first().is_some_and(|word| word == "delete") => {
            act(Database::DeleteAll);
            Some(Data::default())
        }
        "psql" | "mysql" | "mariadb" | "sqlite3" | "sqlite" | "duckdb" | "cockroach"
        | "clickhouse-client" | "clickhouse" | "sqlcmd" | "sqlplus" | "cqlsh" | "snowsql"
        | "bq" | "mycli" | "pgcli" | "usql" | "influx" | "trino" | "presto" | "impala-shell"
        | "hive" | "beeline" | "isql" | "db2" | "litecli" | "turso" => {
            for word in words {
                // `-c "…"`, `-e"…"`, `--command=…`, or bare.
                let code = word
                    .split_once('=')
                    .filter(|(name, _)| name.starts_with("--"))
                    .map_or(word.as_str(), |(_, code)| code);
                let code = code
                    .strip_prefix("-e")
                    .or_else(|| code.strip_prefix("-c"))
                    .unwrap_or(code);
                statements(shell, code);
                for line in code.lines() {
                    if let Some(code) = line
                        .trim_start()
                        .strip_prefix("\\!")
                        .or_else(|| line.trim_start().strip_prefix(".shell "))
                        .or_else(|| line.trim_start().strip_prefix(".system "))
                    {
                        shell.text(state, code, &Data::default());
                    }
                }
            }
            if command.name == "bq" && text.starts_with("rm") {
                shell.act(Act::Database {
                    what: Database::Drop,
                    target: text,
                });
            }
            if let Some(code) = &command.stdin.text {
                statements(shell, code);
            }
            Some(Data::hidden())
        }
        "dropdb" | "dropuser" => {
            act(Database::Drop);
            Some(Data::default())
        }
        "mysqladmin" if words.iter().any(|word| word == "drop") => {
            act(Database::Drop);
            Some(Data::default())
        }
        "mongo" | "mongosh" => {
            let mut code = text.clone();
            code.push_str(command.stdin.text.as_deref().unwrap_or_default());
            let code = code.to_lowercase();
            if code.contains("dropdatabase")
                || code.contains(".drop(")
                || code.contains("dropcollection")
                || code.contains("dropuser")
            {
                act(Database::Drop);
            } else if [
                "deletemany({})",
                "remove({})",
                "deletemany( {} )",
                "deletemany({ })",
            ]
            .iter()
            .any(|all| code.contains(all))
            {
                act(Database::DeleteAll);
            }
            Some(Data::hidden())
        }
        "mongorestore" if words.iter().any(|word| word == "--drop") => {
            act(Database::Drop);
            Some(Data::default())
        }
        "redis-cli" | "valkey-cli" | "keydb-cli" => {
            let code = format!(
                "{text}\n{}",
                command.stdin.text.as_deref().unwrap_or_default()
            )
            .to_lowercase();
            let deletes = command
                .words
                .iter()
                .any(|word| matches!(word.as_str(), "del" | "unlink"));
            let is_any = command
                .words
                .iter()
                .any(|word| word.contains(mark::is_unknown));
            if deletes && is_any
                || code.contains("flushall")
                || code.contains("flushdb")
                || code.contains("script flush")
                || code.contains("shutdown")
            {
                act(Database::DeleteAll);
            }
            Some(Data::hidden())
        }
        "rails" | "rake" | "bin/rails" => {
            let resets = [
                "db:drop",
                "db:reset",
                "db:migrate:reset",
                "db:schema:load",
                "db:truncate_all",
                "db:purge",
            ];
            if words
                .iter()
                .any(|word| resets.iter().any(|reset| word.starts_with(reset)))
            {
                act(Database::Reset);
                return Some(Data::default());
            }
            let is_code = words
                .first()
                .is_some_and(|word| word == "runner" || word == "r");
            let code = words.get(1).filter(|_| is_code)?;
            // The code itself, or where it is.
            let code = match code.as_str() {
                "-" => command.stdin.text.clone()?,
                code => super::mark_code(code),
            };
            super::code::scan(shell, state, "ruby", &code);
            Some(Data::hidden())
        }
        "dotnet" if text.contains("ef database drop") => {
            act(Database::Drop);
            Some(Data::default())
        }
        "manage.py" | "django-admin" if words.first().is_some_and(|word| word == "shell") => {
            let code = words.iter().skip_while(|word| *word != "-c").nth(1)?;
            super::code::scan(shell, state, "python", &super::mark_code(code));
            Some(Data::hidden())
        }
        "prisma" | "drizzle-kit" | "knex" | "sequelize" | "sequelize-cli" | "typeorm"
        | "supabase" | "artisan" | "alembic" | "flask" | "django-admin" | "manage.py" | "mix"
        | "diesel" | "sqlx" | "dbmate" | "migrate" | "flyway" | "liquibase" | "wp" | "goose"
        | "doctrine" | "console" | "hasura" | "mikro-orm" | "strapi" | "convex" | "payload" => {
            let has = |all: &[&str]| all.iter().all(|part| words.iter().any(|word| word == part));
            let resets = has(&["migrate", "reset"])
                || has(&["db", "push", "--force-reset"])
                || has(&["push", "--force"]) && command.name == "drizzle-kit"
                || words.iter().any(|word| {
                    matches!(
                        word.as_str(),
                        "migrate:fresh"
                            | "migrate:reset"
                            | "db:wipe"
                            | "db:drop"
                            | "schema:drop"
                            | "flush"
                            | "reset_db"
                            | "drop"
                            | "ecto.drop"
                            | "ecto.reset"
                            | "dropdb"
                            | "drop-all"
                            | "dropAll"
                            | "migrate:rollback"
                            | "db:migrate:undo:all"
                            | "migration:fresh"
                            | "schema:fresh"
                            | "doctrine:schema:drop"
                            | "doctrine:database:drop"
                    )
                })
                || has(&["db", "reset"])
                || has(&["database", "reset"])
                || has(&["downgrade", "base"])
                || has(&["rollback", "--all"])
                || has(&["clean"]) && command.name == "flyway";
            let asks_only = has(&["migrate:rollback"]) && !has(&["--step"]) && words.len() == 1;
            if resets && !asks_only {
                act(Database::Reset);
                return Some(Data::default());
            }
            None
        }
        _ => None,
    }
}
