//! Programs that speak with other hosts.

use super::{Args, Command, database};
use crate::policy::effects::{
    Act, Database, Sends, Write, mark,
    shell::{Data, Shell, State},
};

/// The host of a URL.
pub(in super::super) fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => host.split(':').next().unwrap_or(host),
    };
    (!host.is_empty()).then(|| mark::shown(host))
}

/// Whether a host is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1")
        || host.ends_with(".localhost")
        || host == "host.docker.internal"
}

/// Something goes to a host.
pub(in super::super) fn sent(
    shell: &mut Shell<'_>,
    host: Option<String>,
    is_secret: bool,
    is_any: bool,
) {
    let sends = match (is_secret, is_any) {
        (true, _) if !host.as_deref().is_some_and(is_here) => Sends::Secrets,
        (_, true) => Sends::Data,
        _ => Sends::Nothing,
    };
    shell.act(Act::Net { host, sends });
}

const VALUED: &[&str] = &[
    "o",
    "output",
    "O",
    "H",
    "header",
    "X",
    "request",
    "d",
    "data",
    "data-raw",
    "data-binary",
    "data-urlencode",
    "u",
    "user",
    "A",
    "user-agent",
    "F",
    "form",
    "T",
    "upload-file",
    "e",
    "referer",
    "b",
    "cookie",
    "c",
    "cookie-jar",
    "m",
    "max-time",
    "retry",
    "connect-timeout",
    "proxy",
    "preproxy",
    "socks5",
    "socks5-hostname",
    "socks4",
    "connect-to",
    "x",
    "w",
    "write-out",
    "cacert",
    "cert",
    "key",
    "post-data",
    "post-file",
    "output-document",
    "P",
    "directory-prefix",
    "t",
    "tries",
    "timeout",
    "json",
    "K",
    "config",
    "resolve",
    "body-data",
    "body-file",
    "method",
    "retry-delay",
    "url",
    "U",
    "i",
    "input-file",
    "D",
    "dump-header",
    "E",
    "oauth2-bearer",
    "retry-max-time",
    "limit-rate",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "curl" | "wget" | "wget2" | "http" | "https" | "xh" | "fetch" | "aria2c" | "axel"
        | "lwp-request" | "get" | "lynx" | "w3m" | "links" | "httpie" | "curlie" => {
            Some(web(shell, state, command))
        }
        "nc" | "ncat" | "netcat" | "socat" | "telnet" => Some(wire(shell, command)),
        "scp" | "sftp" => {
            let args = command.args(&["i", "P", "o", "F", "c", "S", "J", "l"]);
            let far = args
                .operands
                .iter()
                .find(|path| path.contains(':'))
                .copied()
                .unwrap_or(if command.name == "sftp" {
                    args.first()
                } else {
                    ""
                });
            let host = far
                .split(':')
                .next()
                .map(|host| host.rsplit('@').next().unwrap_or(host).to_owned());
            let is_up = args.operands.last() == Some(&far);
            let is_secret = is_up
                && args
                    .operands
                    .iter()
                    .any(|path| super::is_secret(&shell.path(state, path)));
            // What `sftp` is told to put there, and whether that is at home.
            let told = command.stdin.text.as_deref().unwrap_or_default();
            let puts = told.split_whitespace().any(|word| {
                super::is_secret(&shell.path(state, word))
                    || super::is_secret(&shell.path(state, &format!("~/{word}")))
            });
            sent(
                shell,
                host.clone(),
                is_secret || puts && told.contains("put"),
                is_up,
            );
            if let (false, Some(to)) = (is_up, args.operands.last()) {
                // What comes from there is somebody else's.
                let file = far.rsplit([':', '/']).next().unwrap_or_default();
                let to = to.trim_end_matches('/');
                for name in [to.to_owned(), format!("{to}/{file}")] {
                    let path = shell.path(state, &name).resolved;
                    let data = Data {
                        remote: host.clone(),
                        ..Data::hidden()
                    };
                    state.files.insert(path, data);
                }
            }
            Some(Data::default())
        }
        "dig" | "nslookup" | "host" | "ping" => {
            // A name that is made of something carries it away.
            let is_secret = command.words.iter().any(|word| word.contains(mark::SECRET));
            sent(
                shell,
                command.words.last().map(|word| mark::shown(word)),
                is_secret,
                is_secret,
            );
            Some(Data::hidden())
        }
        "gh" | "glab"
            if command
                .words
                .first()
                .is_some_and(|word| word == "gist" || word == "snippet") =>
        {
            let mut files = command.words.iter().skip(2);
            let is_secret = command.stdin.is_secret
                || files.any(|file| super::is_secret(&shell.path(state, file)));
            sent(shell, Some("github.com".to_owned()), is_secret, true);
            Some(Data::default())
        }
        "mail" | "mailx" | "sendmail" | "mutt" => {
            sent(shell, None, command.stdin.is_secret, true);
            Some(Data::default())
        }
        _ => None,
    }
}

fn web(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    if matches!(command.name, "lynx" | "w3m" | "links") {
        let host = command
            .words
            .iter()
            .find(|word| word.contains("://"))
            .and_then(|url| host(url));
        sent(shell, host.clone(), false, false);
        shell.remote.clone_from(&host);
        return Data {
            remote: host,
            ..Data::hidden()
        };
    }
    let is_wget = command.name.starts_with("wget");
    let mut valued: Vec<&str> = VALUED.to_vec();
    if is_wget {
        valued.retain(|name| {
            !matches!(
                *name,
                "d" | "F" | "x" | "m" | "c" | "b" | "K" | "H" | "E" | "w"
            )
        });
    } else if command.name == "curl" {
        valued.retain(|name| !matches!(*name, "O" | "i"));
    }
    let args = Args::of(command.words, &valued);
    let is_url = |word: &&&str| {
        word.contains("://") || (word.contains('.') && !word.starts_with(['@', '.', '/']))
    };
    let url = args
        .operands
        .iter()
        .find(is_url)
        .copied()
        .or_else(|| args.value(&["url"]))
        .unwrap_or(args.first());
    let host = host(url);
    let bodies: Vec<&str> = args
        .values(&[
            "d",
            "data",
            "data-raw",
            "data-binary",
            "data-urlencode",
            "F",
            "form",
            "T",
            "upload-file",
            "post-data",
            "post-file",
            "json",
            "body-data",
            "body-file",
        ])
        .collect();
    let mut is_secret = command.words.iter().any(|word| word.contains(mark::SECRET));
    for body in &bodies {
        let file = body
            .rsplit_once(['@', '<'])
            .map_or(*body, |(_, file)| file)
            .split(';')
            .next()
            .unwrap_or_default();
        let is_file = body.contains(['@', '<'])
            || args
                .values(&["T", "upload-file", "post-file", "body-file"])
                .any(|value| value == *body);
        if matches!(file, "-" | "." | "/dev/stdin") {
            is_secret |= command.stdin.is_secret;
        } else if is_file {
            let path = shell.path(state, file);
            is_secret |= super::is_secret(&path)
                || state
                    .files
                    .get(&path.resolved)
                    .is_some_and(|data| data.is_secret);
        }
    }
    // Addresses in a list of settings.
    let listed = args
        .values(&["K", "config"])
        .any(|file| matches!(file, "-" | "/dev/stdin"));
    let listed = command
        .stdin
        .text
        .as_deref()
        .filter(|_| listed)
        .unwrap_or_default();
    for word in listed
        .split(['"', '\'', '=', ' ', '\n'])
        .filter(|word| word.contains("://"))
    {
        sent(shell, self::host(word), is_secret, !bodies.is_empty());
    }
    is_secret |= matches!(command.name, "http" | "https" | "xh") && command.stdin.is_secret;
    // One after the other, if there are several.
    for other in args
        .operands
        .iter()
        .filter(is_url)
        .filter(|other| **other != url)
    {
        sent(shell, self::host(other), is_secret, !bodies.is_empty());
    }
    super::hosts::detours(shell, &args);
    sent(shell, host.clone(), is_secret, !bodies.is_empty());
    let from = host.unwrap_or_else(|| "?".to_owned());
    shell.remote = Some(from.clone());
    let method = args.value(&["X", "request", "method"]).unwrap_or_default();
    if method.eq_ignore_ascii_case("delete") {
        deleted(shell, &from, url);
    }
    let is_local = is_here(&from) || url.starts_with("file:");
    let data = Data {
        remote: (!is_local).then_some(from),
        ..Data::hidden()
    };
    let output = match is_wget {
        true => args.value(&["O", "output-document"]),
        false => args.value(&["o", "output"]),
    };
    let name = url
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    match output {
        Some("-" | "/dev/stdout") => data,
        Some(file) => {
            shell.write_file(state, file, false, &data);
            Data::default()
        }
        None if is_wget
            || args.has(&["O", "remote-name"])
            || matches!(command.name, "aria2c" | "axel") =>
        {
            let folder = args
                .value(&["P", "directory-prefix"])
                .map(|folder| format!("{folder}/"))
                .unwrap_or_default();
            if !name.is_empty() {
                let path = shell.path(state, &format!("{folder}{name}"));
                state.files.insert(path.resolved.clone(), data);
                shell.act(Act::Write {
                    path,
                    how: Write::Replace,
                });
            }
            Data::default()
        }
        None => data,
    }
}

/// Services of clouds, at which a question can take down what runs there.
const CLOUDS: &[&str] = &[
    "api.digitalocean.com",
    "management.azure.com",
    "api.cloudflare.com",
    "api.heroku.com",
    "api.github.com",
    "api.hetzner.cloud",
    "api.linode.com",
    "api.vultr.com",
    "api.fly.io",
    "api.vercel.com",
    "api.machines.dev",
];

/// Something is deleted at a host: all of an index, or what a cloud runs.
pub(super) fn deleted(shell: &mut Shell<'_>, host: &str, url: &str) {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    // An index whose name comes from a list of them.
    let is_search = host.contains("es-") || host.contains("elastic") || url.contains(":9200/");
    let is_each = is_search && last.contains(mark::is_unknown);
    if last == "_all" || last.contains(['*', mark::STAR]) || is_each {
        shell.act(Act::Database {
            what: Database::DeleteAll,
            target: mark::shown(url),
        });
    } else if CLOUDS.contains(&host) || host.ends_with(".googleapis.com") {
        shell.act(Act::Infrastructure {
            program: "curl".to_owned(),
            target: mark::shown(url),
        });
    }
}

/// Plain connections: a door, if a shell stands at one end.
fn wire(shell: &mut Shell<'_>, command: &Command<'_>) -> Data {
    let words = command.words;
    // A database takes its statements from a plain connection as well.
    if let Some(text) = &command.stdin.text {
        database::statements(shell, text);
    }
    let args = command.args(&[
        "e", "c", "p", "w", "s", "exec", "sh-exec", "i", "q", "X", "x",
    ]);
    let runs = args.has(&["e", "c", "exec", "sh-exec"])
        || words.iter().any(|word| {
            let word = word.to_lowercase();
            word.starts_with("exec:") || word.starts_with("system:")
        });
    if runs && command.name != "telnet" {
        super::builtins::backdoor(shell, command.name);
        return Data::default();
    }
    if args.has(&["z"]) {
        return Data::default();
    }
    let host = args.operands.first().map(|host| (*host).to_owned());
    let listens = args.has(&["l"]);
    sent(
        shell,
        host.clone(),
        command.stdin.is_secret && !listens,
        command.stdin.is_any(),
    );
    let from = host.unwrap_or_else(|| "?".to_owned());
    shell.remote = Some(from.clone());
    Data {
        remote: (!is_here(&from)).then_some(from),
        ..Data::hidden()
    }
}
