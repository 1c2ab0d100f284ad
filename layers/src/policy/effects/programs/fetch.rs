//! Programs that ask for what has an address: `curl`, `wget` and the like.

use super::valued::{CURL, OTHERS, WGET};
use super::{
    Args, Command, address::Address, deletions, hosts, is_here, registries, requests, sent, tokens,
};
use crate::policy::effects::{
    Act, Write, mark,
    shell::{Data, Shell, State},
};

/// Options whose values are addresses as well.
const URLS: &[&str] = &["url", "expand-url", "doh-url", "ipfs-gateway", "B", "base"];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "curl" | "curlie" | "wget" | "wget2" | "http" | "https" | "xh" | "xhs" | "fetch"
        | "aria2c" | "axel" | "lwp-request" | "get" | "httpie" => Some(web(shell, state, command)),
        "lynx" | "w3m" | "links" | "elinks" | "chromium" | "google-chrome" | "firefox"
        | "xdg-open" => Some(browser(shell, command)),
        "gh" | "glab"
            if command
                .words
                .first()
                .is_some_and(|word| word == "gist" || word == "snippet") =>
        {
            let mut files = command.words.iter().skip(2);
            let is_secret = command.stdin.is_secret
                || files.any(|file| super::is_secret(&shell.path(state, file)));
            let host = match command.name {
                "gh" => "gist.github.com",
                _ => "gitlab.com",
            };
            let writes = command
                .words
                .get(1)
                .is_some_and(|word| matches!(word.as_str(), "create" | "edit" | "new"));
            sent(shell, Some(host.to_owned()), is_secret, writes);
            Some(Data::default())
        }
        _ => None,
    }
}

fn browser(shell: &mut Shell<'_>, command: &Command<'_>) -> Data {
    let url = command.words.iter().find(|word| word.contains("://"));
    let Some(url) = url.filter(|url| !url.starts_with("file:")) else {
        return Data::hidden();
    };
    let address = Address::of_url(url);
    address.sent(
        shell,
        tokens::leaks(url, address.host.as_deref()),
        says_more(url),
    );
    let host = address.shown().filter(|host| !is_here(host));
    shell.remote.clone_from(&host);
    Data {
        remote: host,
        ..Data::hidden()
    }
}

/// Whether a URL has the content of files in it: in what it asks, or packed wherever. Or it tells of this machine.
fn says_more(url: &str) -> bool {
    let asked = url.split_once('?').map_or("", |(_, asked)| asked);
    url.contains([mark::PACKED, mark::HERE, mark::PRIVATE]) || asked.contains(mark::is_content)
}

/// Whether a header has the content of files in it, other than to say who asks.
fn header_says(header: &str) -> bool {
    let name = header
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_key = ["auth", "token", "key", "accept", "content-type"]
        .iter()
        .any(|word| name.contains(word));
    header.contains([mark::PACKED, mark::HERE]) || !is_key && header.contains(mark::is_content)
}

/// Whether a program only says how it is used.
fn only_helps(command: &Command<'_>, args: &Args<'_>) -> bool {
    let short: &[&str] = match command.name {
        "curl" => &["help", "version", "manual", "h", "V", "M"],
        "wget" | "wget2" => &["help", "version", "h", "V"],
        _ => &["help", "version"],
    };
    args.has(short)
}

/// The addresses that are asked, in their order.
fn addresses(
    shell: &mut Shell<'_>,
    state: &State,
    command: &Command<'_>,
    args: &Args<'_>,
) -> Vec<String> {
    let mut urls: Vec<String> = args.values(URLS).map(str::to_owned).collect();
    match command.name {
        "curl" | "curlie" => {
            let literal = args.has(&["g", "globoff"]);
            for url in &args.operands {
                match literal {
                    true => urls.push((*url).to_owned()),
                    false => urls.extend(requests::addresses(url)),
                }
            }
        }
        "wget" | "wget2" | "aria2c" | "axel" | "fetch" => {
            urls.extend(args.operands.iter().map(|url| (*url).to_owned()));
            // A list of them.
            for file in args.values(&["i", "input-file"]) {
                let data = match file {
                    "-" | "/dev/stdin" => command.stdin.clone(),
                    file => shell.read_file(state, file),
                };
                match data.text {
                    Some(text) => urls.extend(
                        text.lines()
                            .map(|line| line.trim().to_owned())
                            .filter(|line| !line.is_empty())
                            .take(64),
                    ),
                    None => urls.push(mark::SOME.to_string()),
                }
            }
        }
        _ => {
            let is_method =
                |word: &&&str| word.chars().all(|c| c.is_ascii_uppercase()) && !word.is_empty();
            let url = args.operands.iter().find(|word| !is_method(word));
            // `:4001/x` is here.
            urls.extend(url.map(|url| match url.strip_prefix(':') {
                Some(rest) => format!("localhost:{}", rest.trim_start_matches(':')),
                None => (*url).to_owned(),
            }));
        }
    }
    urls.truncate(64);
    // What a shell would fill in is what stands there, if no file is called so.
    urls.iter().map(|url| url.replace(mark::ANY, "?")).collect()
}

/// What stands behind the address for programs that take members: `name=x`, `file@path`.
fn members(
    shell: &Shell<'_>,
    state: &State,
    command: &Command<'_>,
    args: &Args<'_>,
) -> (bool, bool) {
    if !matches!(command.name, "http" | "https" | "xh" | "xhs" | "httpie") {
        return (false, false);
    }
    let is_member =
        |word: &&str| word.contains(['=', '@']) && !word.contains("==") && !word.contains("://");
    let mut members = args
        .operands
        .iter()
        .skip(1)
        .copied()
        .filter(is_member)
        .peekable();
    let is_any = members.peek().is_some();
    let is_secret = members
        .filter_map(|word| word.split_once('@'))
        .any(|(_, file)| super::is_secret(&shell.path(state, file)));
    let raw = args.value(&["raw"]).is_some();
    let stdin = command.stdin.is_any() && command.stdin.text.as_deref() != Some("");
    (is_any || raw || stdin, is_secret || command.stdin.is_secret)
}

fn web(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let is_wget = command.name.starts_with("wget");
    let is_curl = command.name.starts_with("curl");
    let words = match is_curl {
        true => requests::with_config(shell, state, command.words, &command.stdin),
        false => command.words.to_vec(),
    };
    let valued = match command.name {
        "curl" | "curlie" => CURL,
        "wget" | "wget2" => WGET,
        _ => OTHERS,
    };
    let args = Args::of(&words, valued);
    if only_helps(command, &args) {
        return Data::hidden();
    }
    let urls = addresses(shell, state, command, &args);
    let url = urls.first().cloned().unwrap_or_default();
    let body = requests::body(shell, state, &args, &command.stdin);
    let (has_members, has_secret_member) = members(shell, state, command, &args);
    let headers = || {
        args.values(&[
            "H",
            "header",
            "A",
            "user-agent",
            "e",
            "referer",
            "b",
            "cookie",
            "U",
            "u",
            "user",
            "proxy-header",
        ])
    };
    let says = headers().any(header_says)
        || body
            .text
            .contains(|c| mark::is_content(c) || c == mark::HERE);
    let is_known = args.has(&[
        "u",
        "user",
        "n",
        "netrc",
        "E",
        "cert",
        "oauth2-bearer",
        "aws-sigv4",
        "a",
        "auth",
    ]) || headers().any(|header| {
        let name = header.split(':').next().unwrap_or_default();
        ["auth", "token", "key"]
            .iter()
            .any(|word| name.to_ascii_lowercase().contains(word))
    });
    hosts::detours(shell, &args);
    if let Some(socket) = args.value(&["unix-socket"]) {
        let method = args.value(&["X", "request"]).unwrap_or("GET");
        let path = Address::of_url(&url).path.unwrap_or_default();
        requests::to_containers(shell, state, socket, method, &format!("/{path}"));
    }
    for setting in args
        .values(&["execute"])
        .chain(args.values(&["e"]).filter(|_| is_wget))
    {
        if let Some((name, value)) = setting.split_once('=') {
            registries::variable(shell, name.trim(), value.trim());
        }
    }
    // Without an address nobody knows which.
    for url in urls.iter().chain(urls.is_empty().then_some(&url)) {
        if url.starts_with("file:") {
            continue;
        }
        let address = Address::of_url(url);
        let host = address.host.as_deref();
        let is_secret = body.is_secret
            || has_secret_member
            || words.iter().any(|word| tokens::leaks(word, host))
            || tokens::leaks(&body.text, host);
        // Who says who they are is known there.
        let is_strange = host.is_some_and(|host| hosts::is_strange(&mark::shown(host)));
        let is_told =
            body.is_private || body.text.contains(mark::PRIVATE) || url.contains(mark::PRIVATE);
        let is_private = is_told && (is_strange || !is_known) || body.is_personal && is_strange;
        let is_any = body.is_any || has_members || says || says_more(url);
        address.given(shell, is_secret, is_private, is_any);
    }
    // Whom a server in between is told to ask.
    let is_far = |url: &String| {
        !Address::of_url(url)
            .shown()
            .is_some_and(|host| is_here(&host))
    };
    for header in args
        .values(&["H", "header"])
        .filter(|_| urls.iter().any(is_far))
    {
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            Address::of_pair(value.trim()).sent(shell, false, false);
        }
    }
    let from = Address::of_url(&url)
        .shown()
        .unwrap_or_else(|| "?".to_owned());
    shell.remote = Some(from.clone());
    let told = args.operands.first().copied();
    let told = told.filter(|_| !is_curl && !is_wget).unwrap_or_default();
    let method = args.value(&["X", "request", "method"]).unwrap_or(told);
    if method.eq_ignore_ascii_case("delete") {
        for url in &urls {
            let host = Address::of_url(url).shown().unwrap_or_default();
            deletions::deleted(shell, &host, url);
        }
    }
    deletions::emptied(shell, &from, &url, &body.text);
    let is_local = is_here(&from) || url.starts_with("file:");
    let data = Data {
        remote: (!is_local).then_some(from),
        ..Data::hidden()
    };
    kept(shell, state, command, &args, &url, data)
}

/// Where what has come is written.
fn kept(
    shell: &mut Shell<'_>,
    state: &mut State,
    command: &Command<'_>,
    args: &Args<'_>,
    url: &str,
    data: Data,
) -> Data {
    let is_wget = command.name.starts_with("wget");
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
