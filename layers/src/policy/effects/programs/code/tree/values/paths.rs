//! Paths and addresses: put together, and taken apart.

use super::{super::is_end_of, Value};

/// Whether a `join` is one of paths.
pub(super) fn is_path(name: &str) -> bool {
    [
        "path.join",
        "File.join",
        "posixpath.join",
        "posix.join",
        "pathlib.join",
    ]
    .iter()
    .any(|known| is_end_of(name, known))
}

/// A path below another, or in its place.
pub(in super::super) fn joined_path(parts: &[Value]) -> Value {
    let mut path = String::new();
    for part in parts {
        let part = part.written();
        if part.starts_with(['/', '~']) {
            path = part;
        } else {
            if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
    }
    Value::made(path)
}

/// The directory that something is in.
pub(in super::super) fn parent(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((parent, _)) => parent.to_owned(),
        None if path.starts_with('~') || path == ".." => format!("{path}/.."),
        None if path == "." => "..".to_owned(),
        None => ".".to_owned(),
    }
}

/// The parts of a URL.
pub(super) fn address(url: &str) -> Value {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (netloc, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
    let path = behind.split(['?', '#']).next().unwrap_or_default();
    let host = netloc.rsplit('@').next().unwrap_or(netloc);
    let host = host.split(':').next().unwrap_or(host);
    let query = behind.split_once('?').map_or("", |(_, query)| query);
    let parts = [
        ("scheme", scheme),
        ("netloc", netloc),
        ("hostname", host),
        ("host", host),
        ("path", path),
        ("query", query),
    ];
    let parts = parts.map(|(name, part)| (name.to_owned(), Value::made(part.to_owned())));
    Value::map(parts.to_vec())
}
