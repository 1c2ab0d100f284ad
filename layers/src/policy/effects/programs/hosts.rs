//! Hosts that are named beside the one that is asked, those that git speaks with, and those that stand in code.

use super::{
    Args,
    address::{Address, host, met},
    sent,
};
use crate::policy::effects::{
    Act, mark,
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
    if let ("config", Some(at)) = (name, words.iter().position(|word| !word.starts_with('-'))) {
        let words: Vec<&str> = words.iter().skip(at).map(String::as_str).collect();
        if let [key, value, ..] = words.as_slice() {
            git_setting(shell, key, value);
        }
        return;
    }
    let has = |options: &[&str]| words.iter().any(|word| options.contains(&word.as_str()));
    if name == "remote" && has(&["add", "set-url"]) {
        let named: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
        if let [_, name, url, ..] = named.as_slice()
            && let Some(host) = remote(url)
        {
            shell.made.remember("remote", &format!("{name} {host}"));
        }
    }
    // All that there is, to a place that has no name yet.
    let is_each = |word: &String| word.contains("refs/") && word.contains(['*', mark::STAR]);
    let is_whole = sends && (has(&["--mirror", "--all"]) || words.iter().any(is_each));
    let values = words
        .iter()
        .map(|word| word.strip_prefix("--remote=").unwrap_or(word));
    for host in values.filter_map(remote) {
        Address::at(&host, "").given(shell, false, is_whole, sends);
    }
    let named = words.iter().filter(|_| is_whole);
    for host in named
        .filter_map(|name| shell.made.named("remote", name))
        .take(4)
        .collect::<Vec<_>>()
    {
        Address::at(&host, "").given(shell, false, true, true);
    }
}

/// A setting that is given with the command: hosts in it are met in place of others, or on the way to them.
pub(super) fn git_setting(shell: &mut Shell<'_>, key: &str, value: &str) {
    let lower = key.to_ascii_lowercase();
    let instead = lower
        .strip_prefix("url.")
        .and_then(|rest| rest.rsplit_once('.'))
        .map(|(base, _)| base);
    let is_address = lower.ends_with("proxy") || lower.ends_with("url");
    for address in instead.into_iter().chain(is_address.then_some(value)) {
        if let Some(host) = remote(address) {
            sent(shell, Some(host), false, false);
        }
    }
}

/// What a request goes through, or to in place of its host.
pub(super) fn detours(shell: &mut Shell<'_>, args: &Args<'_>) {
    const THROUGH: &[&str] = &[
        "x",
        "proxy",
        "preproxy",
        "socks5",
        "socks5-hostname",
        "socks4",
        "socks4a",
        "proxy1.0",
        "http-proxy",
        "https-proxy",
        "all-proxy",
    ];
    for proxy in args.values(THROUGH) {
        // `http:http://proxy:80`
        let proxy = match proxy.split_once("://") {
            Some((scheme, rest)) => {
                format!("{}://{rest}", scheme.rsplit(':').next().unwrap_or(scheme))
            }
            None => proxy.to_owned(),
        };
        met(shell, &proxy);
    }
    // `name:port:address`, `name:port:other:port`
    for instead in args.values(&["resolve"]) {
        let mut parts = instead.splitn(3, ':');
        let (name, port, addresses) =
            (parts.next(), parts.next(), parts.next().unwrap_or_default());
        for address in addresses.split(',').take(8) {
            let address = address.trim_matches(['[', ']']);
            Address::at(address, port.unwrap_or_default()).sent(shell, false, false);
            if let Some(name) = name {
                named(shell, name.trim_start_matches('+'), address);
            }
        }
    }
    for instead in args.values(&["connect-to"]) {
        let mut parts = instead.splitn(3, ':');
        let name = parts.next().unwrap_or_default().to_owned();
        let other = parts.nth(1).unwrap_or_default();
        let mut other = Address::of_pair(other);
        // What is asked there is not what the address says.
        other.path = other.port.map(|_| String::new());
        if let Some(host) = other.shown() {
            named(shell, &name, &host);
            other.sent(shell, false, false);
        }
    }
}

/// How many names for addresses are remembered.
const MOST: usize = 32;

/// From now on a name stands for an address.
fn named(shell: &mut Shell<'_>, name: &str, address: &str) {
    if shell.names.len() < MOST && !name.is_empty() && name != address {
        shell.names.push((name.to_owned(), address.to_owned()));
    }
}

/// Lines of `/etc/hosts`: names for addresses.
pub(super) fn table(shell: &mut Shell<'_>, text: &str) {
    for line in text.lines().take(256) {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let Some(address) = words.next() else {
            continue;
        };
        for name in words.take(16) {
            named(shell, name, address);
        }
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

/// Where anybody may lay down anything for anybody.
const DROPS: &[&str] = &[
    "transfer.sh",
    "file.io",
    "0x0.st",
    "oshi.at",
    "termbin.com",
    "gofile.io",
    "temp.sh",
    "bashupload.com",
    "catbox.moe",
    "litterbox.catbox.moe",
    "uguu.se",
    "tmpfiles.org",
    "pastebin.com",
    "paste.rs",
    "paste.ee",
    "ix.io",
    "sprunge.us",
    "dpaste.org",
    "dpaste.com",
    "hastebin.com",
    "clbin.com",
    "rentry.co",
    "paste.debian.net",
    "controlc.com",
    "transfer.adminforge.de",
    "wetransfer.com",
    "anonfiles.com",
    "pixeldrain.com",
    "ufile.io",
    "sendgb.com",
    "filebin.net",
    "keep.sh",
    "free.keep.sh",
    "upload.ee",
    "x0.at",
    "envs.sh",
    "ttm.sh",
    "webhook.site",
    "requestbin.com",
    "pipedream.net",
    "requestcatcher.com",
    "beeceptor.com",
    "interact.sh",
    "oast.fun",
    "oast.pro",
    "burpcollaborator.net",
    "localhost.run",
    "lhr.life",
    "serveo.net",
    "ngrok.io",
    "ngrok-free.app",
    "ngrok.app",
    "trycloudflare.com",
    "localtunnel.me",
    "loca.lt",
    "pinggy.io",
    "bore.pub",
    "telebit.cloud",
    "tunnelmole.com",
    "loclx.io",
    "zrok.io",
    "mega.nz",
    "ppng.io",
    "piping.nwtgck.repl.co",
    "patchbay.pub",
    "bin.disroot.org",
];

/// Whether a host is one of those, or an address without a name that is nobody's own.
pub(crate) fn is_strange(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_drop = DROPS.iter().any(|drop| {
        let before = host.strip_suffix(drop);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    let address = host.parse::<std::net::Ipv4Addr>();
    is_drop || address.is_ok_and(|ip| !ip.is_private() && !ip.is_loopback() && !ip.is_link_local())
}
