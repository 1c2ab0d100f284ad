//! What goes to other hosts, and what comes from there.

use super::super::{
    run::Runner,
    values::{Args, Value},
};
use crate::policy::effects::{
    mark,
    programs::{Address, sent},
};

impl Runner<'_, '_> {
    /// What goes to a host by a way that is open, by the name of the method.
    pub(in super::super) fn told(&mut self, method: &str, args: &Args) {
        const SENDS: &[&str] = &[
            "send",
            "sendall",
            "sendto",
            "sendfile",
            "write",
            "end",
            "request",
            "post",
            "put",
            "sendmail",
            "send_message",
            "storbinary",
            "storlines",
            "emit",
            "puts",
            "print",
            "syswrite",
            "get",
            "head",
            "patch",
            "delete",
            "putrequest",
            "send_request",
        ];
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        let is_sent = SENDS.contains(&method);
        if is_secret && is_sent && (self.is_connected || self.remote.is_some()) {
            sent(self.shell, self.remote.clone(), true, true);
        }
        if let (true, Some(address)) = (is_sent && self.is_connected, self.address.clone()) {
            let texts: Vec<String> = args.all().filter_map(Value::text).collect();
            self.said_to(&address, &texts, is_secret, true);
        }
    }

    /// What is said by a way that is open: `GET /path HTTP/1.1`, or the path alone.
    pub(in super::super) fn said_to(
        &mut self,
        address: &Address,
        texts: &[String],
        is_secret: bool,
        is_any: bool,
    ) {
        let mut words = texts.iter().flat_map(|text| text.split_whitespace());
        let path = words.find_map(|word| word.strip_prefix('/'));
        let path = path.map(|path| path.split(['?', '#']).next().unwrap_or(path).to_owned());
        let address = Address {
            path: path.or_else(|| address.path.clone()),
            ..address.clone()
        };
        address.sent(self.shell, is_secret, is_any);
    }

    /// Something is asked of another host, and told it.
    pub(super) fn fetch(&mut self, args: &Args, sends: bool) -> Value {
        let (mut texts, mut patience) = (Vec::new(), 256);
        args.all()
            .for_each(|value| words(value, &mut texts, &mut patience));
        let url = texts.iter().find(|text| text.contains("://"));
        let named = args.named("host").or_else(|| args.named("hostname"));
        let named = named
            .or_else(|| args.named("PeerAddr"))
            .and_then(Value::text);
        let bare = texts.iter().find(|text| sends && is_host(text)).cloned();
        let place = match (url, named.or(bare)) {
            (Some(url), _) => Address::of_url(url),
            (None, Some(name)) => beside(&name, args, &texts),
            (None, None) => Address::default(),
        };
        // Some read files with the same function.
        if place.host.is_none() && !sends {
            return self.read(&args.get(0));
        }
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        let has_body = ["data", "json", "files", "body", "content"]
            .iter()
            .any(|name| args.named(name).is_some());
        let posts = ["POST", "PUT", "PATCH"];
        let sends = sends || has_body || texts.iter().any(|text| posts.contains(&text.as_str()));
        let to = place.host.clone();
        if to.is_some() || is_secret {
            place.sent(self.shell, is_secret, sends);
            // Where only a way is opened, what is asked comes later.
            self.address = (to.is_some() && place.path.is_none()).then_some(place);
        }
        if to.is_some() {
            self.remote.clone_from(&to);
        } else if is_secret && self.remote.is_some() {
            sent(self.shell, self.remote.clone(), true, true);
        }
        self.shell.remote = to.or_else(|| self.shell.remote.clone());
        Value::mark(mark::REMOTE)
    }
}

/// A host whose port and path stand in other arguments. A plain connection asks for nothing yet.
fn beside(name: &str, args: &Args, texts: &[String]) -> Address {
    let mut place = Address::of_url(name);
    let port = args.named("port").or_else(|| args.named("PeerPort"));
    let port = port.and_then(Value::text).or_else(|| {
        // Beside the name, or anywhere.
        let at = texts.iter().position(|text| text == name).unwrap_or(0);
        let behind = texts.iter().skip(at + 1);
        let is_port = |text: &&String| text.parse::<u16>().is_ok_and(|port| port > 0);
        behind.chain(texts).find(is_port).cloned()
    });
    place.port = place.port.or_else(|| port?.parse().ok());
    place.path = match args.named("path").and_then(Value::text) {
        Some(path) => Some(path.trim_start_matches('/').to_owned()),
        None => place.path.filter(|path| !path.is_empty()),
    };
    place
}

/// The texts of a value, as far as there is patience for.
fn words(value: &Value, texts: &mut Vec<String>, patience: &mut usize) {
    let Some(left) = patience.checked_sub(1) else {
        return;
    };
    *patience = left;
    match value {
        Value::List(items) => items.iter().for_each(|item| words(item, texts, patience)),
        Value::Map(pairs) => pairs
            .iter()
            .for_each(|(_, value)| words(value, texts, patience)),
        value => texts.extend(value.text()),
    }
}

/// Whether a text could be a host, with a port perhaps.
fn is_host(text: &str) -> bool {
    let host = text.split(['/', ':']).next().unwrap_or_default();
    host == "localhost"
        || host.contains('.') && !text.starts_with(['/', '.']) && !host.contains(' ')
}
