//! What people keep for themselves: their folders at home, databases, whole repositories, and what they have sealed.

use super::Command;
use crate::policy::effects::{
    PathRef, Scope,
    shell::{Data, Shell, State},
};

/// Folders at home that hold what somebody is, or does.
const PERSONAL: &[&str] = &[
    "Documents",
    "Desktop",
    "Pictures",
    "Photos",
    "Movies",
    "Videos",
    "Music",
    "Dropbox",
    "OneDrive",
    "Google Drive",
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/Signal",
    "Library/Messages",
    "Library/Mail",
    "Library/Safari",
    "Library/Calendars",
    "Library/Mobile Documents",
    "Library/Application Support/Firefox",
    "Library/Application Support/Google",
    "Library/Application Support/AddressBook",
    "Library/Application Support/Signal",
];
/// Programs that write out a database, and words with which they leave out what is in it.
const DUMPERS: &[(&str, &[&str])] = &[
    ("pg_dump", &["-s", "--schema-only"]),
    (
        "pg_dumpall",
        &["-s", "--schema-only", "-g", "--globals-only"],
    ),
    ("pg_basebackup", &[]),
    ("mysqldump", &["-d", "--no-data"]),
    ("mariadb-dump", &["-d", "--no-data"]),
    ("mydumper", &["--no-data"]),
    ("mongodump", &[]),
    ("mongoexport", &[]),
];
/// Programs that pass on what they are given, in whatever form.
const PASSING: &[&str] = &[
    "cat", "tee", "pv", "dd", "sed", "awk", "jq", "cut", "tr", "base64", "base32", "basenc", "xxd",
    "od", "hexdump", "openssl", "gpg", "gpg2", "age", "gzip", "pigz", "bzip2", "xz", "zstd", "lz4",
    "brotli", "fold", "rev", "split", "tar", "zip", "7z", "uuencode", "iconv", "sort",
];

/// Whether a path is one of the folders in which people have what is theirs, or a file in it.
pub(super) fn is_personal(path: &PathRef) -> bool {
    let rest = path.in_home().unwrap_or_default();
    matches!(path.scope, Scope::Home | Scope::Root)
        || path.scope == Scope::InHome
            && PERSONAL.iter().any(|folder| {
                let below = rest.strip_prefix(folder);
                below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
            })
}

/// Whether it is a database in a file, or what has been written out of one.
pub(super) fn is_database(path: &PathRef) -> bool {
    const ENDS: [&str; 8] = [
        ".sqlite", ".sqlite3", ".db", ".sql", ".dump", ".rdb", ".mdb", ".kdbx",
    ];
    let name = path.name().trim_end_matches(".gz");
    ENDS.iter().any(|end| name.ends_with(end))
}

/// The same of what is packed as a whole: any folder at home that is not hidden, and the project itself.
pub(super) fn is_packed(path: &PathRef) -> bool {
    let is_shown = || path.in_home().is_some_and(|rest| !rest.starts_with('.'));
    is_personal(path)
        || path.scope == Scope::InHome && is_shown()
        || path.scope == Scope::Project
        || path.resolved.ends_with("/.git")
}

/// What comes out of a program is private if it writes out a database, seals what it is given, or passes on what is.
pub(super) fn mark(
    name: &str,
    words: &[String],
    was_private: bool,
    was_content: bool,
    out: &mut Data,
) {
    let has = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    let dumps = DUMPERS
        .iter()
        .any(|(program, without)| *program == name && !has(without));
    let seals = match name {
        "openssl" => has(&["enc", "smime", "cms"]) && !has(&["-d", "-a", "-base64"]),
        "gpg" | "gpg2" => has(&["-c", "--symmetric", "-e", "--encrypt", "-se", "-er"]),
        "age" => !has(&["-d", "--decrypt"]),
        _ => false,
    };
    let tells = match name {
        "sqlite3" => has(&[".dump"]),
        "git" => has(&["bundle"]) && has(&["-", "/dev/stdout"]),
        _ => false,
    };
    out.is_private |= dumps || tells || seals && (was_content || out.is_content);
    out.is_private |= was_private && PASSING.contains(&name);
}

/// A file that a program is told to write a database or a repository into.
pub(super) fn kept(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let words = command.words;
    let has = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    let dumps = DUMPERS.iter().find(|(program, _)| *program == command.name);
    let file = match dumps {
        Some((_, without)) if !has(without) => command
            .args(&["f", "file", "r", "result-file", "archive", "o", "out", "D"])
            .value(&["f", "file", "r", "result-file", "archive", "o", "out", "D"]),
        _ if command.name == "git" && has(&["bundle"]) => {
            let mut behind = words.iter().skip_while(|word| *word != "create");
            behind.nth(1).map(String::as_str)
        }
        _ => None,
    };
    if let Some(file) = file.filter(|file| !file.starts_with('-') && !file.starts_with("/dev/")) {
        let path = shell.path(state, file);
        let data = Data {
            is_private: true,
            is_content: true,
            ..Data::hidden()
        };
        state.files.insert(path.resolved, data);
    }
}

/// Programs that lay a folder open to whoever comes, and options that say which.
const SERVERS: &[(&str, &[&str])] = &[
    ("http-server", &["p", "a", "c"]),
    ("serve", &["l", "p", "listen", "c"]),
    ("http.server", &["d", "directory", "b", "bind"]),
    ("live-server", &["port", "host"]),
    ("caddy", &["root", "listen", "r", "l"]),
    ("miniserve", &["p", "i"]),
    ("httpd", &["p", "h"]),
    ("darkhttpd", &["port"]),
    ("sfz", &["p"]),
    ("php", &["S", "t"]),
    ("dufs", &["p", "b"]),
];

/// A folder is laid open: what leads others to this machine leads them to it.
pub(super) fn served(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let Some((_, valued)) = SERVERS.iter().find(|(name, _)| *name == command.name) else {
        return;
    };
    let args = command.args(valued);
    if command.name == "php" && !args.has(&["S"]) {
        return;
    }
    let named = args
        .values(&["d", "directory", "root", "r", "h", "t"])
        .chain(args.operands.iter().copied());
    let folders: Vec<&str> = named
        .filter(|word| word.parse::<u16>().is_err() && *word != "file-server")
        .collect();
    let folders = if folders.is_empty() {
        vec!["."]
    } else {
        folders
    };
    if folders
        .iter()
        .any(|folder| is_personal(&shell.path(state, folder)))
    {
        shell.made.remember("served", "private");
    }
}

/// Programs that lead others to this machine, through which host.
const TUNNELS: &[(&str, &str)] = &[
    ("ngrok", "ngrok.io"),
    ("cloudflared", "trycloudflare.com"),
    ("lt", "localtunnel.me"),
    ("localtunnel", "localtunnel.me"),
    ("bore", "bore.pub"),
    ("zrok", "zrok.io"),
    ("tailscale", "tailscale.com"),
    ("devtunnel", "devtunnels.ms"),
    ("localxpose", "loclx.io"),
    ("tunnelmole", "tunnelmole.com"),
    ("tmole", "tunnelmole.com"),
];

/// Others are led to a folder that has been laid open here.
pub(super) fn led(shell: &mut Shell<'_>, command: &Command<'_>) {
    let tunnel = TUNNELS.iter().find(|(name, _)| *name == command.name);
    if let Some((_, host)) = tunnel.filter(|_| shell.made.has("served", "private")) {
        super::Address::at(host, "").given(shell, false, true, true);
    }
}

/// A line of a log server: `logger --server host --file x`.
pub(super) fn logged(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    if command.name != "logger" {
        return;
    }
    let valued = [
        "n", "server", "P", "port", "f", "file", "t", "tag", "p", "priority", "id", "u", "socket",
        "S", "size",
    ];
    let args = command.args(&valued);
    let Some(server) = args.value(&["n", "server"]) else {
        return;
    };
    let mut data = command.stdin.clone();
    for file in args.values(&["f", "file"]) {
        data = data.and(shell.read_file(state, file));
    }
    let says = command
        .words
        .iter()
        .any(|word| super::tokens::leaks(word, Some(server)));
    let address = super::Address::at(server, args.value(&["P", "port"]).unwrap_or_default());
    address.given(shell, data.is_secret || says, data.is_private, true);
}

/// `zip`, `7z`: what is packed into a file, or is written out packed.
pub(super) fn archived(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&["TT", "x", "i", "P"]);
    // `7z a archive files`
    let skip = usize::from(command.name != "zip");
    let mut operands = args.operands.iter().skip(skip);
    let archive = operands.next().copied().unwrap_or_default();
    let is_private = operands.any(|file| is_packed(&shell.path(state, file)));
    let data = Data {
        is_private,
        is_content: true,
        ..Data::hidden()
    };
    if super::is_stdin(archive) {
        return data;
    }
    if is_private {
        let path = shell.path(state, archive).resolved;
        state.files.insert(path, data);
    }
    Data::default()
}
