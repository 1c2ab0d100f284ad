//! Functions of libraries that do something, by their names.

use super::{super::is_end_of, rows};

/// What a call does with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Does {
    /// A command: one text for a shell, or words.
    Command,
    /// The same with the name of the program twice: `execvp("rm", ["rm", "x"])`.
    Exec,
    /// What this command does that has the arguments for words.
    As(&'static [&'static str]),
    Delete {
        recursive: bool,
    },
    Write {
        append: bool,
    },
    Read,
    Open,
    /// `open($file, "<", $path)`, without the file.
    PerlOpen,
    Mode,
    Kill,
    Sql,
    Eval,
    Fetch,
    Send,
    /// Opens a way to another host, by which something may then go.
    Connect,
    /// What is at an address goes away.
    Remove,
    /// `(url, file)`
    Download,
    Directory,
    Fork,
    Include,
}

/// What a function does; `None` for one that is not known to do anything.
pub(in super::super) fn find(name: &str, language: &str) -> Option<Does> {
    let name = name.to_lowercase();
    let name = name.as_str();
    let is_script = matches!(language, "node" | "nodejs" | "bun" | "deno");
    // Others have functions of these names that do nothing of the kind.
    let is_other = is_end_of(name, "re.compile")
        || is_script && name == "open"
        || name.contains("regexp") && name.ends_with("exec")
        || name.contains("expect") && name.ends_with("assert")
        || name.ends_with("assert") && language != "php"
        || name == "raw"
        || name == "text"
        || name.ends_with(".raw")
            && !name.contains("knex")
            && !name.contains("sequelize")
            && !name.contains("prisma");
    if is_other {
        return None;
    }
    let found = rows::find(name, language);
    // What is no shell, and no pattern, is a database.
    let is_method =
        matches!(language, "php" | "ruby") && !["kernel.exec", "process.exec"].contains(&name);
    if is_method && name.ends_with(".exec") {
        return Some(Does::Sql);
    }
    if is_script && name.ends_with(".exec") && !is_shell(name) {
        return Some(Does::Sql);
    }
    found.map(|does| match (language, does) {
        ("perl" | "ruby" | "php" | "lua", Does::Eval) if name.ends_with("exec") => Does::Command,
        _ if is_script && is_end_of(name, "exec") => Does::Command,
        (_, does) => does,
    })
}

fn is_shell(name: &str) -> bool {
    [
        "child_process",
        "promisify",
        "shell",
        "cp.exec",
        "util",
        "db.exec",
        "require",
    ]
    .iter()
    .any(|word| name.contains(word))
}
