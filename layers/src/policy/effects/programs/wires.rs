//! Plain connections: `nc`, `socat`, `openssl s_client`, and files below `/dev/tcp`.

use super::{Command, address::Address, builtins, database, requests, tokens};
use crate::policy::effects::{
    Act, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let first = command.words.first().map(String::as_str);
    match command.name {
        "nc" | "ncat" | "netcat" | "telnet" | "gnutls-cli" | "ztcp" => {
            Some(wire(shell, state, command))
        }
        "socat" => Some(both_ways(shell, state, command)),
        "openssl" if first == Some("s_client") => Some(secured(shell, command)),
        _ => None,
    }
}

/// `/dev/tcp/host/port`, opened and written into.
pub(in super::super) fn socket(shell: &mut Shell<'_>, name: &str, data: &Data) {
    let mut parts = name.split('/').skip(3);
    let host = parts.next().unwrap_or_default();
    let address = Address::at(host, parts.next().unwrap_or_default());
    told(shell, &address, data);
}

/// Something goes over a plain connection. Where it is a request, what is asked for is told as well.
fn told(shell: &mut Shell<'_>, address: &Address, data: &Data) {
    let text = data.text.as_deref().unwrap_or_default();
    let is_secret = data.is_secret || tokens::leaks(text, address.host.as_deref());
    let is_private = data.is_private || text.contains(mark::PRIVATE);
    let is_any = data.is_any() && !is_nothing(data);
    let mut paths = requested(text).peekable();
    if paths.peek().is_none() {
        address.given(shell, is_secret, is_private, is_any);
    }
    for path in paths.take(16) {
        let address = Address {
            path: Some(path.to_owned()),
            ..address.clone()
        };
        address.given(shell, is_secret, is_private, is_any);
    }
}

/// What is sent only to end a connection.
fn is_nothing(data: &Data) -> bool {
    let text = data.text.as_deref().map(str::trim);
    text.is_some_and(|text| matches!(text, "" | "Q" | "QUIT" | "quit" | "exit")) && !data.is_secret
}

/// What is asked for by the requests in a text: `GET /x HTTP/1.1`.
fn requested(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (method, rest) = line.trim().split_once(' ')?;
        let (path, version) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_method = method.len() > 2 && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_request = is_method
            && path.starts_with('/')
            && (version.is_empty() || version.starts_with("HTTP"));
        let path = path.split(['?', '#']).next().unwrap_or(path);
        is_request.then(|| path.trim_start_matches('/'))
    })
}

/// What comes back.
fn answer(shell: &mut Shell<'_>, address: &Address) -> Data {
    let from = address.shown().unwrap_or_else(|| "?".to_owned());
    shell.remote = Some(from.clone());
    Data {
        remote: (!super::is_here(&from)).then_some(from),
        ..Data::hidden()
    }
}

fn wire(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    // A database takes its statements from a plain connection as well.
    if let Some(text) = &command.stdin.text {
        database::statements(shell, text);
    }
    let args = command.args(&[
        "e",
        "c",
        "p",
        "w",
        "s",
        "exec",
        "sh-exec",
        "i",
        "q",
        "X",
        "x",
        "I",
        "O",
        "T",
        "M",
        "m",
        "proxy",
        "proxy-type",
        "proxy-auth",
        "wait",
        "idle-timeout",
        "source",
        "source-port",
        "lua-exec",
        "port",
        "ssl-cert",
        "ssl-key",
        "ssl-trustfile",
        "allow",
        "deny",
        "o",
        "output",
        "max-conns",
    ]);
    if command.name != "telnet" && args.has(&["e", "c", "exec", "sh-exec", "lua-exec"]) {
        builtins::backdoor(shell, command.name);
        return Data::default();
    }
    for proxy in args.values(&["x", "proxy"]) {
        Address::of_pair(proxy).sent(shell, false, false);
    }
    if args.has(&["U", "unixsock"]) {
        return requests::over_socket(shell, state, args.first(), &command.stdin);
    }
    if args.has(&["l", "listen"]) {
        // Whoever comes gets it.
        if command.stdin.is_secret {
            super::sent(shell, None, true, true);
        }
        return Data::hidden();
    }
    let mut address = match args.operands.as_slice() {
        [pair] if pair.contains(':') => Address::of_pair(pair),
        operands => {
            let port = operands
                .get(1)
                .copied()
                .or(args.value(&["port"]))
                .unwrap_or_default();
            let port = port.split('-').next().unwrap_or(port);
            Address::at(args.first(), port)
        }
    };
    if command.name == "gnutls-cli" {
        address.port = args
            .value(&["p", "port"])
            .and_then(|port| port.parse().ok())
            .or(address.port);
    }
    let asks = Data::default();
    // Whoever opens it means to speak.
    if !args.has(&["z"]) && !command.stdin.is_any() {
        address.path = Some(String::new());
    }
    told(
        shell,
        &address,
        if args.has(&["z"]) {
            &asks
        } else {
            &command.stdin
        },
    );
    answer(shell, &address)
}

fn secured(shell: &mut Shell<'_>, command: &Command<'_>) -> Data {
    let mut words = command.words.iter().map(String::as_str).skip(1);
    let (mut address, mut port) = (Address::default(), "");
    while let Some(word) = words.next() {
        match word {
            "-connect" => address = Address::of_pair(words.next().unwrap_or_default()),
            "-host" => address = Address::at(words.next().unwrap_or_default(), ""),
            "-port" => port = words.next().unwrap_or_default(),
            "-proxy" => {
                Address::of_pair(words.next().unwrap_or_default()).sent(shell, false, false);
            }
            "-servername" | "-CAfile" | "-CApath" | "-cert" | "-key" | "-starttls" | "-alpn"
            | "-cipher" | "-verify" | "-nextprotoneg" | "-verify_hostname" => drop(words.next()),
            word if !word.starts_with('-') && word.contains(':') => {
                address = Address::of_pair(word);
            }
            _ => {}
        }
    }
    address.port = address.port.or_else(|| port.parse().ok());
    told(shell, &address, &command.stdin);
    answer(shell, &address)
}

/// The two ends of `socat`.
enum End {
    /// A connection.
    Far(Address),
    /// What goes through it, if it is known.
    Near(Data),
    /// A socket that is a file.
    Socket(String),
    /// Somebody who connects.
    Listens,
}

fn both_ways(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&[
        "T", "t", "b", "L", "W", "lf", "lp", "lm", "ly", "lh", "S", "r", "R",
    ]);
    let runs = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.starts_with("exec:") || word.starts_with("system:") || word.starts_with("shell:")
    };
    if args.operands.iter().any(|word| runs(word)) {
        builtins::backdoor(shell, command.name);
        return Data::default();
    }
    let ends: Vec<End> = args
        .operands
        .iter()
        .take(2)
        .map(|word| end(shell, state, command, word))
        .collect();
    let listens = ends.iter().any(|end| matches!(end, End::Listens));
    let mut data = Data::default();
    for near in &ends {
        if let End::Near(near) = near {
            data = data.and(near.clone());
        }
    }
    let mut out = Data::hidden();
    for far in &ends {
        match far {
            End::Far(address) => {
                // Whatever comes goes through: it is no question.
                let mut address = address.clone();
                if listens {
                    address.path = Some(String::new());
                }
                told(shell, &address, &data);
                out = answer(shell, &address);
            }
            End::Socket(path) => out = requests::over_socket(shell, state, path, &data),
            End::Near(_) | End::Listens => {}
        }
    }
    if listens && data.is_secret {
        super::sent(shell, None, true, true);
    }
    out
}

/// `TCP:host:port,nodelay`, `FILE:path`, `-`.
fn end(shell: &mut Shell<'_>, state: &State, command: &Command<'_>, word: &str) -> End {
    let bare = word.split(',').next().unwrap_or(word);
    let (kind, rest) = bare.split_once(':').unwrap_or((bare, ""));
    let kind = kind.to_ascii_lowercase();
    let mut parts = rest.split(':');
    let is_six = rest.starts_with('[');
    match kind.as_str() {
        "-" | "stdio" | "stdin" | "stdout" | "fd" => End::Near(command.stdin.clone()),
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5-connect" | "proxy"
        | "proxy-connect" => {
            let through = Address::at(parts.next().unwrap_or_default(), "");
            through.sent(shell, false, false);
            End::Far(Address::at(
                parts.next().unwrap_or_default(),
                parts.next().unwrap_or_default(),
            ))
        }
        kind if kind.contains("listen")
            || kind.contains("recv")
            || kind == "pty"
            || kind == "tun" =>
        {
            End::Listens
        }
        kind if kind.starts_with("unix") || kind.starts_with("abstract") => {
            End::Socket(rest.to_owned())
        }
        kind if ["tcp", "udp", "openssl", "ssl", "sctp", "dtls", "dccp", "ip"]
            .iter()
            .any(|known| kind.starts_with(known)) =>
        {
            End::Far(match is_six {
                true => Address::of_pair(rest),
                false => Address::at(
                    parts.next().unwrap_or_default(),
                    parts.next().unwrap_or_default(),
                ),
            })
        }
        "file" | "open" | "gopen" | "creat" | "create" | "pipe" => file(shell, state, rest),
        _ => file(shell, state, bare),
    }
}

fn file(shell: &mut Shell<'_>, state: &State, path: &str) -> End {
    let path = shell.path(state, path);
    let data = state
        .files
        .get(&path.resolved)
        .cloned()
        .unwrap_or_else(|| Data {
            is_secret: super::is_secret(&path),
            is_content: true,
            ..Data::hidden()
        });
    shell.act(Act::Read { path });
    End::Near(data)
}
