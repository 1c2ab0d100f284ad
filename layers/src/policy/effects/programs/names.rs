//! Programs that look names up: whoever answers learns the name.

use super::{Command, address::Address};
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State},
};

const VALUED: &[&str] = &[
    "c",
    "i",
    "s",
    "W",
    "w",
    "t",
    "p",
    "q",
    "b",
    "f",
    "k",
    "y",
    "x",
    "I",
    "M",
    "m",
    "l",
    "S",
    "Q",
    "T",
    "R",
    "N",
    "type",
    "timeout",
    "interface",
    "port",
];
/// Kinds of entries, and other words that are no names.
const KINDS: &[&str] = &[
    "a", "aaaa", "any", "axfr", "caa", "cname", "mx", "ns", "ptr", "soa", "srv", "txt", "ds",
    "dnskey", "in", "https", "svcb", "naptr", "hosts", "ahosts", "ahostsv4", "ahostsv6", "query",
    "resolve", "hinfo",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let is_one = matches!(
        command.name,
        "dig"
            | "nslookup"
            | "host"
            | "ping"
            | "ping6"
            | "fping"
            | "hping3"
            | "delv"
            | "drill"
            | "kdig"
            | "dog"
            | "doggo"
            | "arping"
            | "nping"
            | "systemd-resolve"
            | "resolvectl"
            | "avahi-resolve"
            | "traceroute"
            | "tracepath"
            | "mtr"
    );
    let first = command
        .words
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let is_database =
        command.name == "getent" && (first.ends_with("hosts") || first.starts_with("ahosts"));
    let asks = command.name != "resolvectl" || first == "query";
    if !is_one && !is_database || !asks {
        return None;
    }
    let args = command.args(VALUED);
    let mut names: Vec<&str> = args.operands.clone();
    names.extend(args.values(&["q"]).filter(|name| name.contains('.')));
    names.retain(|name| {
        !name.starts_with('+') && !KINDS.contains(&name.to_ascii_lowercase().as_str())
    });
    // `dig -f`: a list of them.
    let lists = args.values(&["f"]).filter(|_| command.name == "dig");
    for file in lists {
        let data = match super::is_stdin(file) {
            true => command.stdin.clone(),
            false => shell.read_file(state, file),
        };
        let text = data.text.as_deref().unwrap_or_default();
        for name in text.lines().take(16) {
            Address::at(name.trim(), "").sent(shell, data.is_secret, false);
        }
        if data.text.is_none() {
            super::sent(shell, None, data.is_secret, data.is_packed);
        }
    }
    for name in names.iter().take(16) {
        // Whom to ask may be told, and then learns it first.
        let name = name.trim_start_matches('@');
        let is_packed = name.contains(mark::PACKED) && name.chars().any(|c| !mark::is_unknown(c));
        Address::at(name, "").sent(shell, false, is_packed);
    }
    Some(Data::hidden())
}
