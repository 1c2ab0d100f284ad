//! `ssh`: what runs there, and what is led through it.

use super::{
    Args, Command,
    address::Address,
    builtins::{backdoor, run_code},
    mark_code,
};
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

const VALUED: &[&str] = &[
    "p", "i", "l", "o", "F", "L", "R", "D", "J", "b", "c", "E", "e", "m", "O", "Q", "S", "W", "w",
    "B", "I", "P", "ssh", "M",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    if !matches!(
        command.name,
        "ssh" | "mosh" | "autossh" | "slogin" | "dbclient"
    ) {
        return None;
    }
    let args = Args::leading(command.words, VALUED);
    // Options may stand behind the host as well.
    let behind = args.command(1);
    let more = Args::leading(&behind, VALUED);
    let code = more.command(0);
    for args in [&args, &more] {
        options(shell, state, args, &command.stdin);
    }
    let named = args.first();
    let host = Address::of_url(named.trim_start_matches("ssh://"));
    let alias = setting(&args, &more, "hostname");
    let host = match alias {
        Some(name) => Address::at(name, ""),
        None => Address { path: None, ..host },
    };
    if host.host.is_none() {
        return Some(Data::default());
    }
    let says = command
        .words
        .iter()
        .any(|word| super::tokens::leaks(word, host.host.as_deref()));
    let hands_over = [&args, &more].into_iter().any(sends_keys);
    host.sent(
        shell,
        command.stdin.is_secret || says || hands_over,
        command.stdin.is_any() || hands_over,
    );
    let leads = args.value(&["R"]).or(more.value(&["R"])).is_some();
    if leads && shell.made.has("served", "private") {
        host.given(shell, false, true, true);
    }
    let code = mark_code(&code.join(" "));
    let mut there = State::default();
    // What is done there is done in another home.
    there.go("~".to_owned());
    Some(match code.is_empty() {
        true if command.stdin.text.is_some() => {
            let code = command.stdin.text.clone().unwrap_or_default();
            run_code(shell, &mut there, &code, &Data::default())
        }
        true => Data::default(),
        false => {
            // What is known here has been put in already; on this machine it begins at home.
            let mut here = state.clone();
            if host.host.as_deref().is_some_and(super::is_here) {
                here.go("~".to_owned());
                // Variables do not come along.
                if super::agents::starts(&["-c".to_owned(), code.clone()]) {
                    shell.act(Act::Environment {
                        name: "*".to_owned(),
                        value: None,
                    });
                }
            }
            let out = run_code(shell, &mut here, &code, &command.stdin);
            Data {
                is_content: out.is_content,
                is_private: out.is_private,
                ..Data::hidden()
            }
        }
    })
}

/// The value of a setting that is given with `-o`.
fn setting<'a>(args: &Args<'a>, more: &Args<'a>, wanted: &str) -> Option<&'a str> {
    let all: Vec<&str> = args.values(&["o"]).chain(more.values(&["o"])).collect();
    all.into_iter().find_map(|option| {
        let (name, value) = option.split_once(['=', ' '])?;
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then(|| value.trim())
    })
}

/// What is led elsewhere, and what runs here.
fn options(shell: &mut Shell<'_>, state: &mut State, args: &Args<'_>, stdin: &Data) {
    for option in args.values(&["o"]) {
        let Some((name, value)) = option.split_once(['=', ' ']) else {
            continue;
        };
        let value = value.trim();
        match name.trim().to_lowercase().as_str() {
            "proxycommand" | "localcommand" | "knownhostscommand" | "remotecommand" => {
                shell.text(state, value, &Data::default());
            }
            "proxyjump" => jumps(shell, value),
            "localforward" | "remoteforward" => {
                forward(shell, value.split_whitespace().last().unwrap_or_default());
            }
            _ => {}
        }
    }
    for hosts in args.values(&["J"]) {
        jumps(shell, hosts);
    }
    for led in args.values(&["L", "R"]) {
        forward(shell, led);
    }
    for to in args.values(&["W"]) {
        Address::of_pair(to).sent(shell, stdin.is_secret, stdin.is_any());
    }
    if args.value(&["R"]).is_some() {
        backdoor(shell, "ssh -R");
    }
}

fn jumps(shell: &mut Shell<'_>, hosts: &str) {
    for host in hosts.split(',').take(8).filter(|host| *host != "none") {
        Address::of_pair(host.trim_start_matches("ssh://")).sent(shell, false, false);
    }
}

/// `8080:host:80`, `*:8080:host:80`, `host:80`: whoever comes is led there.
fn forward(shell: &mut Shell<'_>, led: &str) {
    let mut address = match led.rsplit_once(']') {
        Some((before, port)) => {
            let host = before.rsplit('[').next().unwrap_or_default();
            Address::at(host, port.trim_start_matches(':'))
        }
        None => {
            let mut parts = led.rsplit(':');
            let (port, host) = (parts.next().unwrap_or_default(), parts.next());
            Address::at(host.unwrap_or_default(), port)
        }
    };
    if address.host.is_none() || address.port.is_none() {
        return;
    }
    address.path = Some(String::new());
    address.sent(shell, false, false);
}

/// Whether variables with keys or the like are sent along: `-o SendEnv=AWS_*`.
fn sends_keys(args: &Args<'_>) -> bool {
    const KEYS: [&str; 9] = [
        "TOKEN",
        "SECRET",
        "KEY",
        "PASS",
        "PASSWORD",
        "AWS",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTH",
    ];
    let names = args.values(&["o"]).filter_map(|option| {
        let (name, value) = option.split_once(['=', ' '])?;
        name.trim().eq_ignore_ascii_case("sendenv").then_some(value)
    });
    names.flat_map(str::split_whitespace).any(|name| {
        let name = mark_code(name);
        name == "*" || name.split(['_', '*', '?']).any(|word| KEYS.contains(&word))
    })
}
