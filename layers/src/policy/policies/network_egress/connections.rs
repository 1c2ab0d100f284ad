//! Which effects connect, and which read what must stay.

use crate::policy::effects::{Act, Effect, PathRef, Place, Sends, is_secret};

/// Whether keys or the like are read, other than to have them as variables.
pub(super) fn is_secret_read(effect: &Effect, place: &Place) -> bool {
    let is_sourced = matches!(
        effect.evidence.split_whitespace().next(),
        Some("source" | ".")
    );
    match &effect.act {
        Act::Read { path } => is_secret(path) && !is_sourced,
        Act::Copy { from, .. } | Act::Move { from, .. } => is_secret(from),
        // A program that is told to send it.
        Act::Exec { program, args } if SENDERS.contains(&program.as_str()) => args
            .iter()
            .any(|word| is_secret(&PathRef::new(word, place))),
        _ => false,
    }
}

/// Where an act connects, and what it sends there.
pub(super) fn connections(act: &Act) -> Vec<(Option<&str>, Sends)> {
    match act {
        Act::Net { host, sends, .. } => vec![(host.as_deref(), *sends)],
        Act::RunRemote { from } => vec![(Some(from.as_str()), Sends::Nothing)],
        // A program that nobody knows, and that is given an address.
        Act::Exec { program, args } if SENDERS.contains(&program.as_str()) => {
            let host = match program.as_str() {
                "gh" => Some("github.com"),
                "glab" => Some("gitlab.com"),
                _ => args.iter().find_map(|word| named_host(word)),
            };
            vec![(host, Sends::Nothing)]
        }
        Act::Exec { args, .. } => {
            let hosts = args.iter().filter_map(|word| address(word));
            hosts.map(|host| (Some(host), Sends::Nothing)).collect()
        }
        _ => Vec::new(),
    }
}

/// Programs that connect to what they are told, and of which no effect tells where.
const SENDERS: &[&str] = &[
    "ftp",
    "lftp",
    "tftp",
    "traceroute",
    "tracepath",
    "mtr",
    "whois",
    "gh",
    "glab",
    "svn",
    "hg",
    "smbclient",
    "drill",
    "kdig",
    "dog",
    "ngrok",
    "cloudflared",
    "websocat",
    "grpcurl",
    "magic-wormhole",
    "croc",
];

/// A word that is the name of a host, or begins with one: `evil.io:443`.
fn named_host(word: &str) -> Option<&str> {
    if let Some(host) = address(word) {
        return Some(host);
    }
    let host = word.split([':', '/']).next()?;
    let host = host.rsplit('@').next()?;
    let is_host = !word.starts_with(['-', '.', '/', '~']) && host.contains('.');
    is_host.then_some(host)
}

/// The host of a URL in a word.
fn address(word: &str) -> Option<&str> {
    let (scheme, rest) = word.split_once("://")?;
    if scheme.ends_with("file") {
        return None;
    }
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}
