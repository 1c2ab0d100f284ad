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
        if let (true, Some(mut address)) = (is_sent && self.is_connected, self.address.clone()) {
            let texts: Vec<String> = args.all().filter_map(Value::text).collect();
            let mut words = texts.iter().flat_map(|text| text.split_whitespace());
            // `GET /path HTTP/1.1`, or the path alone.
            if let Some(path) = words.find_map(|word| word.strip_prefix('/')) {
                address.path = Some(path.to_owned());
            }
            let is_private = args.all().any(|value| value.has(mark::PRIVATE));
            address.given(self.shell, is_secret, is_private, true);
        }
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
        let address = url.cloned().or(named).or(bare.clone());
        // Some read files with the same function.
        if address.is_none() && !sends {
            return self.read(&args.get(0));
        }
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        let has_body = ["data", "json", "files", "body", "content"]
            .iter()
            .any(|name| args.named(name).is_some());
        let posts = ["POST", "PUT", "PATCH"];
        let tells = texts.iter().any(|text| text.contains(mark::HERE));
        let sends =
            sends || tells || has_body || texts.iter().any(|text| posts.contains(&text.as_str()));
        let mut place = address.as_deref().map(Address::of_url).unwrap_or_default();
        if url.is_none() {
            let named = args.named("port").or_else(|| args.named("PeerPort"));
            // A port stands behind the name, or anywhere.
            let behind = texts.iter().skip_while(|text| Some(*text) != bare.as_ref());
            let port = behind.skip(1).chain(&texts).find_map(|text| port(text));
            let named = named.and_then(Value::text);
            place.port = place
                .port
                .or(named.as_deref().and_then(self::port))
                .or(port);
            // A plain connection asks for nothing yet.
            let path = args.named("path").and_then(Value::text);
            place.path = path.map(|path| path.trim_start_matches('/').to_owned());
        }
        let to = place.host.clone();
        if to.is_some() || is_secret {
            // Where only a way is opened, what is asked comes later.
            self.address = place.path.is_none().then(|| place.clone());
            let is_private = args.all().any(|value| value.has(mark::PRIVATE));
            place.given(self.shell, is_secret, is_private, sends || is_private);
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

/// A number that could be a port.
fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
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
