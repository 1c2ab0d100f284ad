//! Hosts that are named beside the one that is asked, those that git speaks with, and those that stand in code.

use super::{Args, fetch::host, sent};
use crate::policy::effects::{
    Act,
    shell::{Shell, State},
};

/// The host of a URL, or of the short form `user@host:path`.
pub(super) fn remote(word: &str) -> Option<String> {
    if word.contains("://") {
        return (!word.starts_with("file:")).then(|| host(word))?;
    }
    let (before, _) = word.split_once(':')?;
    let is_host = !before.contains('/') && (before.contains('@') || before.contains('.'));
    is_host.then(|| before.rsplit('@').next().unwrap_or(before).to_owned())
}

/// What git fetches from or sends to, where it is written out: a remote that has a name was there before.
pub(super) fn git(shell: &mut Shell<'_>, name: &str, words: &[String]) {
    let sends = match name {
        "push" | "send-pack" => true,
        "clone" | "fetch" | "pull" | "ls-remote" | "remote" | "submodule" | "archive"
        | "config" => false,
        _ => return,
    };
    let values = words
        .iter()
        .map(|word| word.strip_prefix("--remote=").unwrap_or(word));
    for host in values.filter_map(remote) {
        sent(shell, Some(host), false, sends);
    }
}

/// What a request goes through, or to in place of its host.
pub(super) fn detours(shell: &mut Shell<'_>, args: &Args<'_>) {
    let through = [
        "x",
        "proxy",
        "preproxy",
        "socks5",
        "socks5-hostname",
        "socks4",
    ];
    for proxy in args.values(&through) {
        sent(shell, host(proxy), false, false);
    }
    // `name:port:address`, `name:port:other:port`
    for instead in args.values(&["resolve"]) {
        let address = instead.splitn(3, ':').nth(2).map(str::to_owned);
        sent(shell, address, false, false);
    }
    for instead in args.values(&["connect-to"]) {
        let other = instead.splitn(3, ':').nth(2).and_then(host);
        sent(shell, other, false, false);
    }
}

/// What code of another language names: hosts in URLs, and files that hold keys.
pub(super) fn code(shell: &mut Shell<'_>, state: &State, code: &str) {
    for literal in code.split(['"', '\'', '`']) {
        if literal.len() > 512 || literal.contains('\n') {
            continue;
        }
        let is_url = ["http://", "https://", "ws://", "wss://", "ftp://"]
            .iter()
            .any(|scheme| literal.starts_with(scheme));
        if is_url {
            sent(shell, host(literal), false, false);
        } else if literal.contains(['.', '/']) && !literal.contains([' ', '(', ')', ',']) {
            let path = shell.path(state, literal);
            if super::is_secret(&path) {
                shell.act(Act::Read { path });
            }
        }
    }
    if [
        "create_connection",
        ".connect(",
        "net.connect",
        "TCPSocket",
        "fsockopen",
    ]
    .iter()
    .any(|word| code.contains(word))
    {
        sent(shell, None, false, true);
    }
}
