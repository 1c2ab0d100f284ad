//! What programs do, by their names and arguments.

mod address;
mod agents;
mod archives;
mod args;
mod asked;
mod assignments;
mod awk;
mod builtins;
mod carriers;
mod clients;
mod code;
mod compositions;
mod containers;
mod database;
mod deletions;
mod described;
mod disk;
mod editors;
mod encodings;
mod env;
mod expressions;
mod fetch;
mod files;
mod find;
mod firewall;
mod foreign;
mod forges;
mod formats;
mod git;
mod hosts;
mod images;
mod infrastructure;
mod interpreters;
mod kubernetes;
mod languages;
mod made;
mod make;
mod meaning;
mod migrations;
mod names;
mod packages;
mod patches;
mod payload;
mod private;
mod readers;
mod registries;
mod requests;
mod rules;
mod secrets;
mod sed;
mod session;
mod setters;
mod sql;
mod sqlite;
mod ssh;
mod stores;
mod system;
mod terminals;
mod texts;
mod tokens;
mod told;
mod transfers;
mod unpack;
mod valued;
mod vaults;
mod vim;
mod wires;
mod wrappers;
mod xargs;

pub(crate) use self::{address::is_here, git::is_shared_branch};
use self::{address::met, args::Args};
pub(super) use self::{
    address::{Address, host, sent},
    database::sql,
    made::Made,
    meaning::{is_secret, variable},
    tokens::mark as token,
    wires::socket,
};
use super::{
    Act, PathRef, mark,
    shell::{Data, Shell, State},
};

/// Programs that a pattern in the place of a name is looked up among: `/bin/r?`.
pub(super) const PATTERNS: &[&str] = &[
    "rm",
    "dd",
    "mkfs",
    "mkfs.ext4",
    "shred",
    "bash",
    "sh",
    "zsh",
    "dash",
    "curl",
    "wget",
    "nc",
    "chmod",
    "chown",
    "kill",
    "killall",
    "pkill",
    "reboot",
    "shutdown",
    "halt",
    "poweroff",
    "git",
    "mv",
    "cp",
    "find",
    "python3",
    "python",
    "perl",
    "ruby",
    "node",
    "php",
    "sudo",
    "su",
    "env",
    "xargs",
    "base64",
    "crontab",
    "systemctl",
    "docker",
    "kubectl",
    "terraform",
    "cat",
    "tee",
    "ls",
    "echo",
    "truncate",
    "rmdir",
    "unlink",
    "luthien",
    "ssh",
    "scp",
    "rsync",
    "ncat",
    "socat",
    "openssl",
    "awk",
    "sed",
    "tar",
    "head",
    "tail",
    "less",
    "xxd",
    "install",
    "ln",
    "claude",
    "codex",
    "nft",
    "iptables",
    "service",
    "aws",
    "gh",
    "psql",
    "mysql",
    "sqlite3",
    "wipefs",
    "blkdiscard",
    "dropdb",
    "redis-cli",
    "helm",
    "gcloud",
    "ufw",
    "insmod",
    "modprobe",
    "mount",
    "umount",
    "useradd",
    "usermod",
    "passwd",
    "visudo",
    "security",
    "getent",
    "launchctl",
];

/// A command that is carried out.
pub(super) struct Command<'c> {
    pub(super) name: &'c str,
    /// The words behind the name.
    pub(super) words: &'c [String],
    pub(super) stdin: Data,
}

impl<'c> Command<'c> {
    fn args(&self, valued: &[&str]) -> Args<'c> {
        Args::of(self.words, valued)
    }
}

/// Carries out a program of its kind; `None` if it is of another.
type Room = fn(&mut Shell<'_>, &mut State, &Command<'_>) -> Option<Data>;

/// Carries out a program. The answer is what it writes.
pub(super) fn run(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    argv: &[String],
    stdin: Data,
) -> Data {
    let (before, since) = (payload::Before::of(&stdin), shell.count());
    let mut out = carried_out(shell, state, name, argv, stdin);
    let words = argv.get(1..).unwrap_or_default();
    let has_read = shell.reads_since(since);
    payload::mark(name, words, &before, has_read, &mut out);
    secrets::marked(shell, state, name, words, out)
}

fn carried_out(
    shell: &mut Shell<'_>,
    state: &mut State,
    name: &str,
    argv: &[String],
    stdin: Data,
) -> Data {
    let words = argv.get(1..).unwrap_or_default();
    let command = Command { name, words, stdin };
    // What has been written here into a folder in which programs are looked for.
    if !state.files.is_empty() && argv.first().is_some_and(|word| !word.contains('/')) {
        let folders = [
            "/usr/local/bin",
            "/usr/bin",
            "/bin",
            "~/.local/bin",
            "~/bin",
        ];
        let script = folders.iter().find_map(|folder| {
            let path = shell.path(state, &format!("{folder}/{name}"));
            state.files.get(&path.resolved).cloned()
        });
        if let Some(script) = script {
            return interpreters::started(shell, state, argv, script);
        }
    }
    // A script that has been written here.
    if let Some(word) = argv.first().filter(|word| word.contains('/')) {
        let path = shell.path(state, word);
        if let Some(script) = state.files.get(&path.resolved).cloned() {
            return interpreters::started(shell, state, argv, script);
        }
    }
    let rooms: [Room; 26] = [
        builtins::run,
        told::run,
        unpack::run,
        texts::run,
        files::run,
        find::run,
        wrappers::run,
        editors::run,
        interpreters::run,
        git::run,
        rules::run,
        ssh::run,
        fetch::run,
        wires::run,
        transfers::run,
        names::run,
        disk::run,
        database::run,
        migrations::run,
        agents::run,
        vaults::run,
        firewall::run,
        infrastructure::run,
        packages::run,
        terminals::run,
        system::run,
    ];
    if argv
        .first()
        .is_some_and(|word| word.starts_with("/etc/init.d/"))
    {
        let argv = ["service".to_owned(), name.to_owned()];
        let argv = argv.into_iter().chain(words.iter().cloned()).collect();
        return shell.invoke(state, argv, command.stdin);
    }
    if asked::is_question(name, words) || asked::only_checks(name, words) {
        executes(shell, name, words);
        return Data::hidden();
    }
    carriers::edits_in_place(shell, state, &command);
    carriers::outputs(shell, state, &command);
    let is_secret = carriers::reads_secret(shell, state, &command);
    told::runs(shell, state, &command);
    told::edited(shell, state, &command);
    setters::changed(shell, state, &command);
    private::logged(shell, state, &command);
    private::kept(shell, state, &command);
    private::served(shell, state, &command);
    private::led(shell, &command);
    for room in rooms {
        if let Some(mut data) = room(shell, state, &command) {
            data.is_secret |= is_secret;
            return data;
        }
    }
    carriers::told(shell, state, &command);
    executes(shell, name, words);
    Data {
        is_for_shells: packages::writes_for_shells(name, words),
        is_secret: is_secret || command.stdin.is_secret && carriers::passes_on(name),
        ..Data::hidden()
    }
}

/// The most words of a command that are told.
const MAX_WORDS: usize = 32;

/// A program runs that is not looked into.
fn executes(shell: &mut Shell<'_>, program: &str, words: &[String]) {
    let words = words.iter().take(MAX_WORDS);
    shell.act(Act::Exec {
        program: program.to_owned(),
        args: words.map(|word| mark::shown(word)).collect(),
    });
}

/// A shell whose output goes to another host.
pub(super) fn to_far(shell: &mut Shell<'_>, argv: &[String]) {
    let name = argv
        .first()
        .map(|name| name.rsplit('/').next().unwrap_or(name))
        .unwrap_or_default();
    if interpreters::SHELLS.contains(&name) {
        builtins::backdoor(shell, name);
    }
}

/// Whether a file is what the program is given: `-`, `/dev/stdin`.
fn is_stdin(file: &str) -> bool {
    matches!(file, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|c| {
        c.is_alphanumeric()
            || matches!(c, '/' | '.' | '_' | '-' | '=' | ':' | ',' | '+' | '@' | '%')
    });
    match is_plain && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Words as a shell reads them that gets them as one text: quotes are gone.
fn unquoted(words: &[&str]) -> String {
    mark_code(&words.join(" "))
}

/// Text that becomes code: its patterns are patterns again.
fn mark_code(text: &str) -> String {
    text.replace(mark::STAR, "*")
        .replace(mark::ANY, "?")
        .replace(mark::SET, "[")
}

/// What it means that this is written into that file.
pub(super) fn content(shell: &mut Shell<'_>, path: &PathRef, data: &Data) {
    if let Some(text) = &data.text {
        meaning::written(shell, path, text);
    }
}
