//! Databases that are files: whoever changes what is in them changes them.

use super::{
    Command, session,
    sql::{STATEMENTS, statements, without_comments, words},
};
use crate::policy::effects::{
    Act, Write,
    shell::{Shell, State},
};

/// Clients of such databases.
const CLIENTS: &[&str] = &["sqlite3", "sqlite", "duckdb", "litecli"];

/// What a client does to the file that it is given.
pub(super) fn client(shell: &mut Shell<'_>, state: &State, command: &Command<'_>, code: &str) {
    if !CLIENTS.contains(&command.name) {
        return;
    }
    let only_reads = command
        .words
        .iter()
        .any(|word| matches!(word.as_str(), "-readonly" | "--readonly"));
    // What comes in unread may be anything.
    let is_unread = command.stdin.is_any() && command.stdin.text.is_none();
    if let Some(file) = session::operand(command)
        && !only_reads
        && (is_unread || changes(code))
    {
        changed(shell, state, file);
    }
}

/// What statements of code do to the file that it has opened.
pub(super) fn sent(shell: &mut Shell<'_>, state: &State, file: &str, text: &str) {
    if changes(text) {
        changed(shell, state, file);
    }
}

fn changed(shell: &mut Shell<'_>, state: &State, file: &str) {
    if file.contains(":memory:") {
        return;
    }
    let path = file.strip_prefix("file:").unwrap_or(file);
    let path = shell.path(state, path.split('?').next().unwrap_or(path));
    shell.act(Act::Write {
        path,
        how: Write::Edit,
    });
}

/// Whether one of the statements of a text, or one of a client's own commands, changes the database.
fn changes(text: &str) -> bool {
    const CHANGES: &[&str] = &[
        "insert", "update", "delete", "replace", "drop", "alter", "create", "truncate", "vacuum",
        "reindex", "merge", "copy", "import", ".restore", ".import", ".read",
    ];
    let plain = without_comments(text);
    let all = statements(&plain).into_iter().take(STATEMENTS);
    all.flat_map(|statement| {
        let words = words(&statement);
        let first = words.first().cloned().unwrap_or_default();
        let sets = first == "pragma" && statement.contains('=');
        let with = first == "with" && words.iter().any(|word| CHANGES.contains(&word.as_str()));
        let own = statement.split_whitespace().next().map(str::to_owned);
        [
            Some(first),
            own,
            (sets || with).then(|| "update".to_owned()),
        ]
    })
    .flatten()
    .any(|word| CHANGES.contains(&word.as_str()))
}
