//! Which database a client is connected to: whether it is one that the call has made, or one for tests.

use super::{Command, is_here, made::is_scratch};
use crate::policy::effects::{
    Scope, mark,
    shell::{Shell, State},
};

/// What is known of the other end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct At {
    /// It is on this machine, as far as is told.
    pub(super) is_local: bool,
    /// Nothing in it has been there before, or it is for tests.
    pub(super) is_own: bool,
}

/// Databases in a file, or in memory.
const FILES: &[&str] = &["sqlite3", "sqlite", "duckdb", "litecli", "libsql"];
/// Variables that say where a client connects.
const HOSTS: &[&str] = &["PGHOST", "MYSQL_HOST", "REDISCLI_HOST"];

/// Where a client connects.
pub(super) fn of(shell: &Shell<'_>, state: &State, command: &Command<'_>) -> At {
    if FILES.contains(&command.name) {
        return in_file(shell, state, command);
    }
    let words = command.words;
    let option = |short: &[&str], long: &[&str]| value(words, short, long);
    let port_letter: &[&str] = match command.name {
        "mysql" | "mariadb" | "mysqladmin" | "mariadb-admin" | "mycli" => &["-P"],
        _ => &["-p"],
    };
    let set = |name: &str| {
        let value = state.variable(name);
        (!value.contains(mark::UNSET) && !value.is_empty()).then_some(value)
    };
    let mut host = option(&["-h", "-S"], &["--host", "--server"])
        .or_else(|| HOSTS.iter().find_map(|name| set(name)));
    let mut port = option(port_letter, &["--port"]).or_else(|| set("PGPORT"));
    let mut database =
        option(&["-d", "-D"], &["--dbname", "--database"]).or_else(|| set("PGDATABASE"));
    if database.is_none() {
        database = operand(command).map(str::to_owned);
    }
    let url = words
        .iter()
        .map(String::as_str)
        .chain(database.as_deref())
        .find(|word| word.contains("://") && !word.contains(' '));
    if let Some(url) = url.map(Url::of) {
        host = Some(url.host.to_owned());
        port = url.port.map(str::to_owned);
        database = Some(url.database.to_owned());
    }
    if let Some(known) = database.clone().filter(|text| text.contains("dbname=")) {
        let member = |name: &str| {
            let mut members = known
                .split_whitespace()
                .filter_map(|part| part.split_once('='));
            members.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
        };
        host = member("host").or(host);
        port = member("port").or(port);
        database = member("dbname");
    }
    let is_temporary = host.as_deref().is_some_and(|host| {
        host.starts_with('/') && shell.path(state, host).scope == Scope::Temporary
    });
    let is_local = host.as_deref().is_none_or(|host| {
        host.is_empty() || host == "." || host.starts_with('/') || is_here(host)
    });
    let database = database.unwrap_or_default();
    let port = port.unwrap_or_default();
    let is_made = shell.made.has("port", &port) || shell.made.has("database", &database);
    At {
        is_local,
        is_own: is_temporary || is_local && (is_made || is_scratch(&database)),
    }
}

/// What a command is about that takes the name of a database as its operand.
pub(super) fn operand<'c>(command: &Command<'c>) -> Option<&'c str> {
    let valued = [
        "h",
        "host",
        "p",
        "port",
        "P",
        "U",
        "username",
        "u",
        "user",
        "d",
        "dbname",
        "c",
        "command",
        "f",
        "file",
        "v",
        "e",
        "execute",
        "O",
        "owner",
        "T",
        "template",
        "E",
        "encoding",
        "eval",
        "n",
        "D",
        "maintenance-db",
    ];
    let args = command.args(&valued);
    let mut operands = args.operands.into_iter();
    operands.find(|word| !matches!(*word, "create" | "drop") && !word.contains(' '))
}

fn value(words: &[String], short: &[&str], long: &[&str]) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if short.contains(&word.as_str()) || long.contains(&word.as_str()) {
            return words.next().cloned();
        }
        if let Some((name, value)) = word.split_once('=')
            && long.contains(&name)
        {
            return Some(value.to_owned());
        }
        let attached = short.iter().find_map(|letter| word.strip_prefix(letter));
        if let Some(value) = attached.filter(|value| !value.is_empty() && !word.starts_with("--")) {
            return Some(value.to_owned());
        }
    }
    None
}

/// A file that is temporary, or was made here; or none.
fn in_file(shell: &Shell<'_>, state: &State, command: &Command<'_>) -> At {
    let args = command.args(&[
        "cmd",
        "-cmd",
        "-init",
        "-separator",
        "c",
        "-c",
        "newline",
        "-s",
    ]);
    let file = args.first();
    let path = shell.path(state, file);
    let is_memory = matches!(file, ":memory:" | "") || file.starts_with("file::memory:");
    At {
        is_local: true,
        is_own: is_memory
            || path.scope == Scope::Temporary
            || shell.made.has("file", &path.resolved),
    }
}

struct Url<'u> {
    host: &'u str,
    port: Option<&'u str>,
    database: &'u str,
}

impl<'u> Url<'u> {
    /// `postgres://me:key@host:5432/shop?sslmode=off`
    fn of(text: &'u str) -> Self {
        let (_, rest) = text.split_once("://").unwrap_or_default();
        let (at, path) = rest.split_once('/').unwrap_or((rest, ""));
        let at = at.rsplit('@').next().unwrap_or(at);
        let (host, port) = at
            .rsplit_once(':')
            .map_or((at, None), |(host, port)| (host, Some(port)));
        Self {
            host,
            port,
            database: path.split(['?', '#']).next().unwrap_or_default(),
        }
    }
}

/// Whether a URL of a database leads to one that the call has made, or that is for tests.
pub(super) fn is_own_url(shell: &Shell<'_>, state: &State, url: &str) -> bool {
    if let Some(file) = ["sqlite:", "sqlite3:", "file:"]
        .iter()
        .find_map(|start| url.strip_prefix(start))
    {
        let file = file.strip_prefix("//").unwrap_or(file);
        let path = shell.path(state, file);
        let name = path.name();
        return file.contains(":memory:") || path.scope == Scope::Temporary || is_scratch(name);
    }
    if !url.contains("://") {
        return false;
    }
    let at = Url::of(url);
    is_here(at.host)
        && (is_scratch(at.database)
            || shell.made.has("database", at.database)
            || at.port.is_some_and(|port| shell.made.has("port", port)))
}

/// A server has been started: what is asked at its port is its own.
pub(super) fn started(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let words = command.words;
    let folder = value(
        words,
        &["-D"],
        &["--dbpath", "--datadir", "--data-dir", "--pgdata", "--dir"],
    );
    let is_temporary = folder
        .as_deref()
        .is_none_or(|folder| shell.path(state, folder).scope == Scope::Temporary);
    if !is_temporary {
        return;
    }
    let options = value(words, &["-o"], &["--options"]).unwrap_or_default();
    let inner: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
    let port = value(words, &["-p"], &["--port"])
        .or_else(|| value(&inner, &["-p"], &["--port"]))
        .filter(|port| port.chars().all(|c| c.is_ascii_digit()));
    // Without another port it may be that of the machine, which then has it already.
    if let Some(port) = port {
        shell.made.remember("port", &port);
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{
        ToolCall,
        effects::{Effects, Place},
    };

    fn loses(command: &str) -> bool {
        let place = Place {
            cwd: Some("/home/me/shop".into()),
            home: Some("/home/me".into()),
            project: None,
        };
        let input = serde_json::json!({ "command": command }).to_string();
        let effects = Effects::of(&ToolCall::new("Bash", input), &place);
        effects
            .iter()
            .any(|effect| effect.to_string().starts_with("database("))
    }

    #[test]
    fn what_the_call_has_started_or_made_is_its_own() {
        for command in [
            "createdb t_1 && dropdb t_1",
            "dropdb -h localhost shop_test",
            "sqlite3 :memory: 'DELETE FROM t'",
            "f=$(mktemp); sqlite3 $f 'DROP TABLE t'",
            "redis-server --port 7001 & redis-cli -p 7001 flushall",
            "psql postgres://localhost/shop_test -c 'TRUNCATE t'",
            "docker run -d -p 127.0.0.1:5499:5432 postgres && psql -h localhost -p 5499 -c 'DROP TABLE t'",
            "docker run -d --name pg postgres && docker exec pg psql -c 'DROP TABLE t'",
            "RAILS_ENV=test rails db:drop",
            "mongosh mongodb://localhost/scratch_$$ --eval 'db.dropDatabase()'",
        ] {
            assert!(!loses(command), "{command}");
        }
    }

    #[test]
    fn what_was_there_before_is_not() {
        for command in [
            "dropdb t_1; createdb t_1",
            "dropdb -h db.example.com shop_test",
            "sqlite3 shop.db 'DELETE FROM t'",
            "redis-server --port 7001 & redis-cli flushall",
            "psql postgres://db.example.com/shop_test -c 'TRUNCATE t'",
            "docker run -d -p 5499:5432 postgres && psql -c 'DROP TABLE t'",
            "docker exec pg psql -c 'DROP TABLE t'",
            "RAILS_ENV=test true; rails db:drop",
            "mysql -e \"SELECT CONCAT('DROP TABLE ', t, ';') FROM x\" | mysql",
        ] {
            assert!(loses(command), "{command}");
        }
    }
}
