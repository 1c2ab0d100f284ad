//! Statements for databases, and what is lost by them.

use super::made::{Made, is_scratch};
use crate::policy::effects::{Database, mark};

/// The most statements of a text that are looked at.
pub(super) const STATEMENTS: usize = 256;
/// The most words of a statement that are looked at.
const WORDS: usize = 400;

/// A loss by a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) what: Database,
    /// The statement, shortened.
    pub(super) target: String,
}

/// Where statements are carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Session {
    /// On this machine, as far as is told.
    pub(super) is_local: bool,
    /// What is dropped stays dropped, whatever becomes of the transaction.
    pub(super) drops_at_once: bool,
}

/// What the statements of a text lose. What they have made themselves, and what is taken back in the end, is no loss.
pub(super) fn losses(text: &str, session: Session, made: &mut Made) -> Vec<Loss> {
    let plain = without_comments(text);
    let mut losses: Vec<Loss> = Vec::new();
    // Where the transaction began that has not ended yet.
    let mut begun: Option<usize> = None;
    for statement in statements(&plain).into_iter().take(STATEMENTS) {
        let words = words(&statement);
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        match word(0) {
            "begin" | "start" if begun.is_none() => begun = Some(losses.len()),
            "commit" | "end" => begun = None,
            _ => {}
        }
        if let Some(what) = lost(&statement, &words, session, made) {
            let target: Vec<&str> = statement.split_whitespace().take(8).collect();
            losses.push(Loss {
                what,
                target: mark::shown(&target.join(" ")),
            });
        }
        let is_undone = words
            .iter()
            .position(|word| word == "rollback")
            .is_some_and(|at| {
                (at == 0 || word(0) == "begin") && !words.iter().skip(at).any(|word| word == "to")
            });
        if let (true, Some(from)) = (is_undone, begun.take_if(|_| is_undone)) {
            let behind = losses.split_off(from.min(losses.len()));
            losses.extend(behind.into_iter().filter(|loss| {
                session.drops_at_once && matches!(loss.what, Database::Drop | Database::Truncate)
            }));
        }
    }
    // Said once or often, it is the same.
    let mut said = Vec::new();
    losses.retain(|loss| {
        let is_new = !said.contains(&loss.what);
        said.push(loss.what);
        is_new
    });
    losses
}

/// Statements that are written by a statement, for being run: `SELECT 'DROP TABLE ' || name …`.
pub(super) fn generated(text: &str) -> Option<String> {
    let starts = [
        "drop ",
        "truncate ",
        "delete ",
        "alter ",
        "update ",
        "kill ",
    ];
    let mut code = String::new();
    let mut is_code = false;
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"']) {
        let (_, literal) = rest.split_at(at);
        let mut chars = literal.chars();
        let quote = chars.next().unwrap_or('\'');
        let Some((inner, behind)) = chars.as_str().split_once(quote) else {
            break;
        };
        let lower = inner.trim_start().to_lowercase();
        if starts.iter().any(|start| lower.starts_with(start)) {
            is_code = true;
        }
        if is_code {
            code.push_str(inner);
            code.push(mark::SOME);
        }
        rest = behind;
    }
    is_code.then_some(code)
}

/// Comments are no part of a statement; they separate words.
pub(super) fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
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
            let inner = inner.trim_start_matches(|c: char| c.is_ascii_digit());
            let inner = inner.split("*/").next().unwrap_or_default();
            plain.push_str(inner);
        }
        rest = end.and_then(|end| comment.get(end..)).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The statements of a text: up to a semicolon, or to a line that begins one.
pub(super) fn statements(text: &str) -> Vec<String> {
    let begins = [
        "drop", "truncate", "delete", "update", "alter", "flushall", "flushdb", "go", "begin",
        "commit", "rollback", "create", "insert", "select", "explain", "use",
    ];
    let mut all = Vec::new();
    for part in text.split(';') {
        let mut statement = String::new();
        for line in part.lines() {
            let mut line_words = line.split_whitespace();
            let first = line_words.next().unwrap_or_default().to_lowercase();
            let second = line_words.next().unwrap_or_default();
            // What is asked about is one with what it is asked of, and `DO UPDATE SET` is a part.
            let goes_on = statement.trim_start().to_lowercase().starts_with("explain")
                || second.eq_ignore_ascii_case("set")
                || ["as", "(", "then", "do", "with"]
                    .iter()
                    .any(|end| statement.trim_end().to_lowercase().ends_with(end));
            if begins.contains(&first.as_str()) && !goes_on && !statement.trim().is_empty() {
                all.push(std::mem::take(&mut statement));
            }
            statement.push_str(line);
            statement.push('\n');
        }
        if !statement.trim().is_empty() {
            all.push(statement);
        }
    }
    all
}

pub(super) fn words(statement: &str) -> Vec<String> {
    statement
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '`' | '\'' | '=' | ','))
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(str::to_lowercase)
        .collect()
}

/// What a statement loses.
fn lost(statement: &str, all: &[String], session: Session, made: &mut Made) -> Option<Database> {
    let lower = statement.trim_start().to_lowercase();
    let skipped = all.iter().position(|word| {
        !matches!(
            word.as_str(),
            "begin"
                | "start"
                | "transaction"
                | "tran"
                | "work"
                | "explain"
                | "analyze"
                | "verbose"
                | "immediate"
        )
    });
    // Who only asks for the plan runs nothing.
    if lower.starts_with("explain") && !all.iter().take(6).any(|word| word.starts_with("analy")) {
        return None;
    }
    let words = all.get(skipped.unwrap_or(0)..).unwrap_or_default();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let has_where = words
        .iter()
        .any(|word| matches!(word.as_str(), "where" | "limit" | "using"));
    let is_always = [
        "where 1=1",
        "where true",
        "where 1 = 1",
        "where 1",
        "where '1'='1'",
        "or 1=1",
        "or true",
        "where 1<2",
    ]
    .iter()
    .any(|always| {
        lower
            .trim_end_matches([';', '"', '\'', ' ', '\n'])
            .ends_with(always)
    });
    let whole = !has_where || is_always;
    match (word(0), word(1)) {
        ("create", _) => {
            remember(words, made);
            None
        }
        (
            "drop",
            kind @ ("table" | "database" | "schema" | "keyspace" | "collection" | "user" | "role"
            | "tablespace" | "owned" | "materialized" | "measurement" | "bucket" | "series"),
        ) => {
            let mut named = words
                .iter()
                .skip(2)
                .map(String::as_str)
                .filter(|word| {
                    !matches!(
                        *word,
                        "if" | "exists"
                            | "cascade"
                            | "restrict"
                            | "view"
                            | "with"
                            | "force"
                            | "purge"
                    )
                })
                .peekable();
            let is_there = named.peek().is_some();
            let is_passing = matches!(kind, "database" | "schema") && session.is_local;
            let is_own = |name: &str| made.has("sql", bare(name)) || is_passing && is_scratch(name);
            (!is_there || !named.all(is_own)).then_some(Database::Drop)
        }
        ("truncate", name) if words.len() < 20 => {
            let at = usize::from(name == "table") + 1;
            (!made.has("sql", bare(word(at)))).then_some(Database::Truncate)
        }
        ("delete", "from") if whole => {
            let at = if word(2) == "only" { 3 } else { 2 };
            (!made.has("sql", bare(word(at)))).then_some(Database::DeleteAll)
        }
        ("update", name) if words.iter().any(|word| word == "set") && whole => {
            (name != "set" && !made.has("sql", bare(name))).then_some(Database::UpdateAll)
        }
        ("alter", "table") => {
            let drops = words
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if a == "drop" && matches!(b.as_str(), "column" | "partition")));
            let at = if word(2) == "if" { 4 } else { 2 };
            (drops && !made.has("sql", bare(word(at)))).then_some(Database::Drop)
        }
        ("flushall" | "flushdb", _) => Some(Database::DeleteAll),
        // Statements that are put together and run within another.
        (
            "do" | "execute" | "exec" | "prepare" | "set" | "declare" | "if" | "while" | "call",
            _,
        ) => {
            let drops = words.windows(2).any(|pair| {
                matches!(pair, [a, b] if a == "drop" && matches!(b.as_str(), "table" | "database" | "schema" | "owned"))
            });
            let empties = words.iter().any(|word| word == "truncate");
            match (drops, empties) {
                (true, _) => Some(Database::Drop),
                (_, true) => Some(Database::Truncate),
                _ => None,
            }
        }
        // `\gexec` runs what comes out.
        ("select", _) if lower.contains("\\gexec") => generated(statement).map(|_| Database::Drop),
        _ => None,
    }
}

/// What a statement makes is known from then on, unless it may have been there before.
fn remember(words: &[String], made: &mut Made) {
    let mut rest = words.iter().skip(1).map(String::as_str).skip_while(|word| {
        matches!(
            *word,
            "temp" | "temporary" | "local" | "global" | "unlogged" | "or" | "replace"
        )
    });
    let is_temporary = words.iter().take(4).any(|word| word.starts_with("temp"));
    let kind = rest.next().unwrap_or_default();
    let rest: Vec<&str> = rest.collect();
    let is_perhaps = rest.first() == Some(&"if");
    let name = rest
        .iter()
        .find(|word| !matches!(**word, "if" | "not" | "exists"));
    if matches!(
        kind,
        "table" | "database" | "schema" | "keyspace" | "user" | "role" | "materialized"
    ) && (is_temporary || !is_perhaps)
        && let Some(name) = name
    {
        made.remember("sql", bare(name));
        if kind == "database" {
            made.remember("database", bare(name));
        }
    }
}

/// `public.t` is `t`.
fn bare(name: &str) -> &str {
    let name = name.trim_matches(['[', ']', '"', '`', '\'']);
    name.strip_prefix("public.")
        .or_else(|| name.strip_prefix("main."))
        .or_else(|| name.strip_prefix("dbo."))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Database> {
        let session = Session {
            is_local: true,
            ..Session::default()
        };
        let losses = losses(text, session, &mut Made::default());
        losses.into_iter().map(|loss| loss.what).collect()
    }

    #[test]
    fn what_is_there_before_is_lost() {
        for (text, what) in [
            ("drop\n table users", Database::Drop),
            (
                "CREATE TABLE IF NOT EXISTS users(i int); DROP TABLE users",
                Database::Drop,
            ),
            ("CREATE TABLE a(i int); DROP TABLE a, users", Database::Drop),
            (
                "BEGIN; DELETE FROM users; COMMIT; ROLLBACK",
                Database::DeleteAll,
            ),
            ("EXPLAIN ANALYZE DELETE FROM users", Database::DeleteAll),
            ("DELETE FROM users", Database::DeleteAll),
            (
                "DO $$ BEGIN EXECUTE 'DROP TABLE ' || t; END $$",
                Database::Drop,
            ),
            (
                "BEGIN; DELETE FROM users; SAVEPOINT s; ROLLBACK TO s",
                Database::DeleteAll,
            ),
        ] {
            assert_eq!(found(text), [what], "{text}");
        }
    }

    #[test]
    fn what_is_made_taken_back_or_asked_about_is_not() {
        for text in [
            "CREATE TEMP TABLE c AS SELECT 1; DROP TABLE c",
            "create table public.t(i int); delete from t; update t set i = 1; truncate t; drop table if exists t cascade",
            "BEGIN;\nDELETE FROM users;\nDROP TABLE users;\nROLLBACK;",
            "EXPLAIN DELETE FROM users",
            "EXPLAIN\nDELETE FROM users;",
            "DELETE FROM users\nWHERE id = 1",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO\nUPDATE SET x = 1",
            "DROP DATABASE IF EXISTS shop_test; CREATE DATABASE shop_test",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn statements_write_statements() {
        let code =
            generated("SELECT CONCAT('DROP TABLE ', name, ';') FROM tables").unwrap_or_default();
        assert!(code.starts_with("DROP TABLE "), "{code}");
        assert_eq!(generated("SELECT 'drop' FROM words"), None);
    }
}
