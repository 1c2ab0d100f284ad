//! What requests are told beside their addresses: settings in files, bodies, sockets that are files.

use super::{Args, private};
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State},
};

/// How many addresses a pattern of curl's stands for, at most.
const MOST: usize = 16;

/// Options of curl in which files with more options are named, replaced by what is in them.
pub(super) fn with_config(
    shell: &mut Shell<'_>,
    state: &State,
    words: &[String],
    stdin: &Data,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let letters = word
            .strip_prefix('-')
            .filter(|letters| !letters.starts_with('-'));
        let glued = letters.and_then(|letters| {
            let (flags, file) = letters.split_once('K')?;
            flags
                .chars()
                .all(|c| "sSLkfgiIvNqa".contains(c))
                .then_some(file)
        });
        let file = match (word.strip_prefix("--config"), glued) {
            (Some(""), _) | (_, Some("")) => rest.next().map(String::as_str),
            (Some(file), _) => file.strip_prefix('='),
            (_, file) => file,
        };
        let Some(file) = file else {
            all.push(word.clone());
            continue;
        };
        let data = match file {
            "-" | "/dev/stdin" => stdin.clone(),
            file => shell.read_file(state, file),
        };
        match data.text {
            Some(text) => all.extend(text.lines().take(256).flat_map(setting)),
            // An address that nobody knows.
            None => all.push(format!("--url={}", mark::SOME)),
        }
    }
    all
}

/// `url = "https://…"`, `-d @x`, `silent`.
fn setting(line: &str) -> Vec<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Vec::new();
    }
    let end = line
        .find(|c: char| c.is_whitespace() || matches!(c, '=' | ':'))
        .unwrap_or(line.len());
    let (name, value) = line.split_at_checked(end).unwrap_or((line, ""));
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
    let value = match value.strip_prefix('"') {
        Some(quoted) => unescaped(quoted),
        None => value.trim_end().to_owned(),
    };
    let name = match name.starts_with('-') {
        true => name.to_owned(),
        false => format!("--{name}"),
    };
    match value.is_empty() {
        true => vec![name],
        false => vec![name, value],
    }
}

/// What stands in double quotes.
fn unescaped(quoted: &str) -> String {
    let mut out = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next().map(|c| match c {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c => c,
            })),
            c => out.push(c),
        }
    }
    out
}

/// The addresses that a pattern of curl's stands for: `{a,b}`, `[1-3]`.
pub(super) fn addresses(url: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![url.replace(mark::SET, "[")];
    while let Some(url) = open.pop() {
        if done.len() + open.len() >= MOST {
            done.push(url);
            break;
        }
        match pattern(&url) {
            Some(more) => open.extend(more),
            None => done.push(url),
        }
    }
    done
}

/// The same with the first pattern filled in.
fn pattern(url: &str) -> Option<Vec<String>> {
    let filled = |before: &str, parts: Vec<String>, after: &str| {
        let all = parts
            .iter()
            .take(MOST)
            .map(|part| format!("{before}{part}{after}"));
        Some(all.collect())
    };
    if let Some((before, rest)) = url.split_once('{')
        && let Some((inside, after)) = rest.split_once('}')
    {
        return filled(
            before,
            inside.split(',').map(str::to_owned).collect(),
            after,
        );
    }
    let (before, rest) = url.split_once('[')?;
    let (inside, after) = rest.split_once(']')?;
    let range = inside.split(':').next().unwrap_or(inside);
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
    filled(
        before,
        (first..=last).take(MOST).map(|n| n.to_string()).collect(),
        after,
    )
}

/// What is sent along.
#[derive(Default)]
pub(super) struct Body {
    /// There is something, other than what stands in the address.
    pub(super) is_any: bool,
    pub(super) is_secret: bool,
    /// It is what somebody keeps for themselves.
    pub(super) is_private: bool,
    /// The same, as far as it is no more than a file among others.
    pub(super) is_personal: bool,
    /// What stands in the text of it.
    pub(super) text: String,
}

/// What options say is sent: texts, files, standard input.
pub(super) fn body(shell: &mut Shell<'_>, state: &State, args: &Args<'_>, stdin: &Data) -> Body {
    let mut body = Body::default();
    let plain = ["d", "data", "data-ascii", "data-binary", "json"];
    let mut files: Vec<&str> = Vec::new();
    let marked = args
        .values(&plain)
        .filter_map(|value| value.strip_prefix('@'));
    files.extend(marked);
    let encoded = args
        .values(&["data-urlencode"])
        .filter(|value| !value.starts_with('='));
    files.extend(
        encoded
            .filter_map(|value| value.split_once('@'))
            .filter(|(name, _)| !name.contains('='))
            .map(|(_, file)| file),
    );
    let fields = args
        .values(&["F", "form"])
        .filter_map(|value| value.split_once('='));
    files.extend(fields.filter_map(|(_, value)| value.strip_prefix(['@', '<'])));
    let whole = ["T", "upload-file", "post-file", "body-file"];
    files.extend(args.values(&whole));
    files.extend(
        args.values(&["H", "header", "b", "cookie"])
            .filter_map(|value| value.strip_prefix('@')),
    );
    files.extend(
        args.values(&["variable"])
            .filter_map(|value| value.split_once('@'))
            .map(|(_, file)| file),
    );
    let texts = [
        "data-raw",
        "form-string",
        "post-data",
        "body-data",
        "data-urlencode",
        "F",
        "form",
    ];
    for text in args.values(&plain).chain(args.values(&texts)) {
        body.text.push_str(text);
        body.text.push('\n');
    }
    // What is asked in the address is no body.
    let asks = args.has(&["G", "get"]);
    body.is_any = !files.is_empty() || !body.text.is_empty() && !asks;
    for file in files.into_iter().flat_map(|file| file.split(',')).take(64) {
        let file = file.split(';').next().unwrap_or(file).trim_matches('"');
        if matches!(file, "-" | "." | "/dev/stdin" | "/dev/fd/0") {
            body.is_secret |= stdin.is_secret;
            body.is_private |= stdin.is_private;
            body.text
                .push_str(stdin.text.as_deref().unwrap_or_default());
            continue;
        }
        let path = shell.path(state, file);
        let known = state.files.get(&path.resolved);
        body.is_personal |= private::is_personal(&path) || private::is_database(&path);
        body.is_private |= known.is_some_and(|data| data.is_private);
        body.is_secret |= super::is_secret(&path) || known.is_some_and(|data| data.is_secret);
        body.text.push_str(
            known
                .and_then(|data| data.text.as_deref())
                .unwrap_or_default(),
        );
    }
    body
}

/// A request over a socket that is a file. That of containers takes what its own program says in words.
pub(super) fn over_socket(
    shell: &mut Shell<'_>,
    state: &mut State,
    socket: &str,
    data: &Data,
) -> Data {
    let text = data.text.as_deref().unwrap_or_default();
    let requests: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .filter_map(|(method, rest)| Some((method, rest.split(' ').next()?)))
        .filter(|(_, path)| path.starts_with('/'))
        .take(MOST)
        .collect();
    for (method, path) in requests {
        to_containers(shell, state, socket, method, path);
    }
    Data::hidden()
}

/// `POST /v1.43/containers/x/kill` is `docker kill x`.
pub(super) fn to_containers(
    shell: &mut Shell<'_>,
    state: &mut State,
    socket: &str,
    method: &str,
    path: &str,
) {
    let program = match socket {
        socket if socket.contains("docker") => "docker",
        socket if socket.contains("podman") => "podman",
        _ => return,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let is_version = |part: &&str| part.starts_with('v') && part.contains('.') || *part == "libpod";
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .skip_while(is_version)
        .collect();
    let words: &[&str] = match (method.to_ascii_uppercase().as_str(), parts.as_slice()) {
        ("DELETE", ["containers", name]) => &["rm", "-f", name],
        ("DELETE", [kind, name]) => &[kind.trim_end_matches('s'), "rm", name],
        (
            "POST",
            [
                "containers",
                name,
                act @ ("kill" | "stop" | "restart" | "pause" | "rename" | "update"),
            ],
        ) => &[act, name],
        ("POST", ["services", name, "update"]) => &["service", "update", name],
        ("POST", [kind, "prune"]) => &[kind.trim_end_matches('s'), "prune"],
        _ => return,
    };
    let argv = [&[program], words].concat();
    shell.invoke(
        state,
        argv.iter().map(|word| (*word).to_owned()).collect(),
        Data::default(),
    );
}
