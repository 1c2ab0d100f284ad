//! Programs that bring files to other hosts: `scp`, `sftp`, `lftp`, and mail.

use super::{Args, Command, address::Address, hosts, is_secret, private, sent, tokens};
use crate::policy::effects::shell::{Data, Shell, State};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "scp" | "pscp" => copy(shell, state, command),
        "sftp" | "lftp" | "ftp" | "tftp" | "ncftp" | "psftp" | "smbclient" => {
            session(shell, state, command);
        }
        "ncftpput" | "ftp-upload" | "wput" => {
            let address = Address::of_url(command.args(&["u", "p", "P"]).first());
            let is_secret = has_secret(shell, state, command.words);
            address.sent(shell, is_secret, true);
        }
        "mail" | "mailx" | "s-nail" | "sendmail" | "ssmtp" | "msmtp" | "mutt" | "neomutt"
        | "swaks" | "sendemail" | "mpack" | "mailsend" => mail(shell, state, command),
        _ => return None,
    }
    Some(Data::default())
}

fn has_secret(shell: &Shell<'_>, state: &State, words: &[String]) -> bool {
    words
        .iter()
        .take(64)
        .any(|word| holds(shell, state, word) || tokens::leaks(word, None))
}

/// Whether a file holds something secret, by its name or by what was written into it.
fn holds(shell: &Shell<'_>, state: &State, file: &str) -> bool {
    let path = shell.path(state, file);
    is_secret(&path)
        || state
            .files
            .get(&path.resolved)
            .is_some_and(|data| data.is_secret)
}

/// `user@host:path`, `scp://user@host:22/path`.
fn far(word: &str) -> Option<Address> {
    if let Some((_, rest)) = word.split_once("://") {
        let address = Address::of_url(rest);
        return Some(Address {
            path: None,
            ..address
        });
    }
    let is_six = word.contains('[') && word.contains("]:");
    let (before, _) = word.split_once(':')?;
    if before.contains('/') || before.len() < 2 {
        return None;
    }
    let place = if is_six { word } else { before };
    let address = Address::of_pair(place);
    Some(Address {
        port: None,
        ..address
    })
}

/// Hosts on the way.
fn jumps(shell: &mut Shell<'_>, args: &Args<'_>) {
    let told = args
        .values(&["o"])
        .filter_map(|option| option.split_once(['=', ' ']));
    let told = told.filter(|(name, _)| {
        name.eq_ignore_ascii_case("proxyjump") || name.eq_ignore_ascii_case("hostname")
    });
    let all: Vec<&str> = args
        .values(&["J"])
        .chain(told.map(|(_, host)| host))
        .collect();
    for host in all.into_iter().flat_map(|hosts| hosts.split(',')).take(8) {
        Address::of_pair(host).sent(shell, false, false);
    }
}

fn copy(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let args = command.args(&["i", "P", "o", "F", "c", "S", "J", "l", "D", "X", "pw"]);
    jumps(shell, &args);
    let Some((to, from)) = args.operands.split_last() else {
        return;
    };
    for source in from.iter().filter_map(|word| far(word)) {
        source.sent(shell, false, false);
    }
    if let Some(there) = far(to) {
        let is_secret =
            from.iter().any(|file| holds(shell, state, file)) || tokens::leaks(to, None);
        let host = there.shown().unwrap_or_default();
        let is_private = hosts::is_strange(&host)
            && from
                .iter()
                .any(|file| private::is_personal(&shell.path(state, file)));
        there.given(shell, is_secret, is_private, true);
        return;
    }
    // What comes from there is somebody else's.
    for (word, there) in from.iter().filter_map(|word| Some((word, far(word)?))) {
        let file = word.rsplit([':', '/']).next().unwrap_or_default();
        let to = to.trim_end_matches('/');
        for name in [to.to_owned(), format!("{to}/{file}")] {
            let path = shell.path(state, &name).resolved;
            let data = Data {
                remote: there.shown(),
                ..Data::hidden()
            };
            state.files.insert(path, data);
        }
    }
}

/// Programs that are told line by line what to bring where.
fn session(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let valued: &[&str] = match command.name {
        "sftp" | "psftp" => &[
            "b", "B", "c", "D", "F", "i", "J", "l", "o", "P", "R", "S", "s", "X",
        ],
        "lftp" => &["e", "c", "f", "u", "p"],
        "smbclient" => &["c", "U", "A", "p", "W", "D", "I", "m", "n"],
        "tftp" => &["m", "R"],
        _ => &["P", "s", "u", "o"],
    };
    let args = command.args(valued);
    jumps(shell, &args);
    let mut lines: Vec<String> = args
        .values(&["e", "c"])
        .flat_map(|text| text.split(';'))
        .map(str::to_owned)
        .collect();
    // `tftp host -c put x`
    if command.name == "tftp" && args.has(&["c"]) {
        lines.push(
            args.operands
                .iter()
                .skip(1)
                .copied()
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    let mut is_hidden = false;
    let files: Vec<&str> = args.values(&["b", "f"]).collect();
    let mut texts: Vec<Data> = Vec::new();
    for file in files {
        texts.push(match file {
            "-" | "/dev/stdin" => command.stdin.clone(),
            file => shell.read_file(state, file),
        });
    }
    if texts.is_empty() {
        texts.push(command.stdin.clone());
    }
    for data in texts {
        is_hidden |= data.is_any() && data.text.is_none();
        lines.extend(data.text.unwrap_or_default().lines().map(str::to_owned));
    }
    lines.truncate(256);
    let mut hosts: Vec<Address> = Vec::new();
    let (mut sends, mut is_secret) = (is_hidden, false);
    let mut folder = String::new();
    for line in &lines {
        let mut words = line
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'', '-']));
        match words.next().unwrap_or_default() {
            "open" | "o" | "connect" => {
                hosts.extend(words.filter(|word| word.contains('.')).map(opened));
            }
            "lcd" => folder = words.next().unwrap_or_default().to_owned(),
            "put" | "mput" | "reput" | "send" | "append" | "mirror" | "pput" => {
                let reverses = line.contains("-R") || line.contains("--reverse");
                sends |= !line.trim_start().starts_with("mirror") || reverses;
                is_secret |= line.split_whitespace().skip(1).any(|file| {
                    let from = if folder.is_empty() {
                        "~"
                    } else {
                        folder.as_str()
                    };
                    holds(shell, state, file) || holds(shell, state, &format!("{from}/{file}"))
                });
            }
            _ => {}
        }
    }
    // Where it works is told by its first word, or within.
    if let Some(first) = args.operands.first() {
        let first = first.trim_start_matches("//");
        let named = far(first).unwrap_or_else(|| opened(first));
        // `sftp host:dir <<< "put x"`, and files that are put with the words of the command.
        hosts.push(named);
    }
    hosts.truncate(8);
    for host in hosts {
        host.sent(shell, is_secret, sends);
    }
}

fn opened(word: &str) -> Address {
    let address = Address::of_url(word);
    Address {
        path: None,
        ..address
    }
}

/// Mail goes to whoever is named.
fn mail(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let args = command.args(&[
        "s",
        "a",
        "A",
        "c",
        "b",
        "r",
        "f",
        "F",
        "S",
        "e",
        "E",
        "u",
        "m",
        "t",
        "o",
        "q",
        "to",
        "from",
        "server",
        "header",
        "body",
        "attach",
        "port",
        "auth-user",
        "auth-password",
        "cc",
        "subject",
        "au",
        "ap",
        "host",
        "smtp",
    ]);
    let is_secret = command.stdin.is_secret
        || command
            .stdin
            .text
            .as_deref()
            .is_some_and(|text| tokens::leaks(text, None))
        || has_secret(shell, state, command.words)
        || args
            .values(&["attach"])
            .any(|file| holds(shell, state, file.trim_start_matches('@')));
    let servers = args.values(&["server", "smtp", "host"]);
    for server in servers.chain(
        args.values(&["s"])
            .filter(|_| matches!(command.name, "sendemail" | "swaks")),
    ) {
        Address::of_pair(server).sent(shell, is_secret, true);
    }
    let told = args
        .values(&["to", "c", "b", "cc"])
        .chain(args.values(&["t"]).filter(|_| command.name == "sendemail"));
    let people: Vec<&str> = told
        .chain(args.operands.iter().copied())
        .flat_map(|word| word.split(','))
        .collect();
    let mut found = false;
    for domain in people
        .iter()
        .filter_map(|person| person.trim_end_matches('>').split_once('@'))
        .take(8)
    {
        found = true;
        sent(shell, Some(domain.1.to_owned()), is_secret, true);
    }
    let is_local = people.iter().any(|person| !person.is_empty()) && !found;
    if !found && !is_local {
        sent(shell, None, is_secret, true);
    }
}
