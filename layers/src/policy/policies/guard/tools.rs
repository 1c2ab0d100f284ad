//! Tools that fetch something, by the shape of their arguments.

use serde_json::Value;

use crate::policy::{ToolCall, effects::Sends, mask};

/// Ends of the names of members that have an address.
const ADDRESSES: &[&str] = &[
    "url", "urls", "uri", "uris", "href", "link", "links", "endpoint", "webhook", "origin",
    "website", "site",
];
/// Members that are sent along.
const BODIES: &[&str] = &[
    "body", "data", "payload", "json", "form", "files", "content",
];

/// Something that a call fetches.
pub(in super::super) struct Fetch {
    pub(in super::super) host: String,
    /// What goes there.
    pub(in super::super) sends: Sends,
    /// The URL says more than which page is meant.
    pub(in super::super) has_query: bool,
}

/// Every URL that a call names.
pub(in super::super) fn fetches(call: &ToolCall) -> Vec<Fetch> {
    let mut found = Vec::new();
    if let Some(arguments) = call.arguments() {
        let is_body = |name: &&str| arguments.get(*name).is_some_and(|body| !body.is_null());
        let sends = match BODIES.iter().any(is_body) {
            true => Sends::Data,
            false => Sends::Nothing,
        };
        look(arguments, false, sends, &mut found);
    }
    found
}

fn look(value: &Value, is_address: bool, sends: Sends, found: &mut Vec<Fetch>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                look(value, has_address(name), sends, found);
            }
        }
        Value::Array(values) => {
            for value in values {
                look(value, is_address, sends, found);
            }
        }
        Value::String(text) if is_address => {
            if let Some(host) = host(text) {
                let is_secret = mask::mask_text(text) != *text;
                found.push(Fetch {
                    host,
                    sends: if is_secret { Sends::Secrets } else { sends },
                    has_query: text.contains('?'),
                });
            }
        }
        _ => {}
    }
}

/// `url`, `targetUrl`, `start_urls`.
fn has_address(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or(&name);
    ADDRESSES.contains(&last) || last.ends_with("url") || last.ends_with("urls")
}

/// The host of an address as browsers read it: `\` is a slash, and a scheme need not be there.
fn host(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .filter(|c| !c.is_ascii_control())
        .map(|c| if c == '\\' { '/' } else { c })
        .collect();
    let text = text.trim();
    let rest = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => {
            if matches!(
                scheme.to_ascii_lowercase().as_str(),
                "file" | "data" | "about" | "blob" | "javascript" | "mailto" | "chrome"
            ) {
                return None;
            }
            rest
        }
        _ => text,
    };
    // A path of this site, or of this machine.
    if rest.len() == text.len() && (text.starts_with(['.', '#', '?']) || is_path(text)) {
        return None;
    }
    let rest = rest.trim_start_matches('/');
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or(address),
        None => host.split(':').next().unwrap_or(host),
    };
    (!host.is_empty()).then(|| host.to_owned())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//")
}

/// `https`; not the name of a host before a port.
fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text != "localhost"
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_found_by_the_names_of_members() {
        let hosts = |arguments: Value| {
            let found = fetches(&ToolCall::new("x", arguments.to_string()));
            found
                .into_iter()
                .map(|fetch| fetch.host)
                .collect::<Vec<_>>()
        };
        for (arguments, wanted) in [
            (json!({"url": "https://a.io/x?y"}), vec!["a.io"]),
            (json!({"url": "a.io/x"}), vec!["a.io"]),
            (json!({"url": "//a.io/x"}), vec!["a.io"]),
            (json!({"url": "HTTP:\\\\u:p@a.io:80\\x"}), vec!["a.io"]),
            (json!({"url": "ht\ntps://a.io"}), vec!["a.io"]),
            (
                json!({"urls": ["https://a.io", "https://b.io"]}),
                vec!["a.io", "b.io"],
            ),
            (
                json!({"page": {"targetUrl": "https://[::1]:8080/"}}),
                vec!["::1"],
            ),
            (
                json!({"url": "file:///etc/hosts", "link": "/docs/x"}),
                vec![],
            ),
            (json!({"prompt": "read https://a.io"}), vec![]),
            (json!({"url": "localhost:8080"}), vec!["localhost"]),
        ] {
            assert_eq!(hosts(arguments.clone()), wanted, "{arguments}");
        }
    }
}
