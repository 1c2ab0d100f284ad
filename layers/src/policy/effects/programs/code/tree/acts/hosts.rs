//! What goes to other hosts, and what comes from there.

use super::super::{
    host,
    run::Runner,
    values::{Args, Value},
};
use crate::policy::effects::{mark, programs::sent};

/// The most of evidence of which all is shown.
const MAX_EVIDENCE: usize = 100;

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
            let mut words = texts.iter().flat_map(|text| text.split_whitespace());
            // `GET /path HTTP/1.1`, or the path alone.
            let said = match words.find(|word| word.starts_with('/')) {
                Some(path) => format!("http://{address}{path}"),
                None => address,
            };
            self.told_as(&said, |runner| {
                sent(runner.shell, host(&said), is_secret, true);
            });
        }
    }

    /// What goes to an address that the code has put together. Who reads of it sees the address.
    pub(in super::super) fn told_as(&mut self, address: &str, act: impl FnOnce(&mut Self)) {
        let before = self.shell.said();
        if before.len() < MAX_EVIDENCE && before.contains(address) {
            return act(self);
        }
        let program = before.split_whitespace().next().unwrap_or_default();
        let words = format!("{program} {address}");
        let before = self.shell.say(words);
        act(self);
        self.shell.say(before);
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
        let address = url.cloned().or_else(|| {
            let name = named.or(bare)?;
            // A port may stand beside the name, or anywhere.
            let port = args.named("port").or_else(|| args.named("PeerPort"));
            let port = port.and_then(Value::text).or_else(|| {
                let behind = texts.iter().skip_while(|text| **text != name).skip(1);
                let is_port = |text: &&String| text.parse::<u16>().is_ok_and(|port| port > 0);
                behind
                    .clone()
                    .take(1)
                    .chain(behind)
                    .chain(&texts)
                    .find(is_port)
                    .cloned()
            });
            let path = args.named("path").and_then(Value::text).unwrap_or_default();
            Some(match port.filter(|_| !name.contains(':')) {
                Some(port) => format!("{name}:{port}{path}"),
                None => name + &path,
            })
        });
        // Some read files with the same function.
        if address.is_none() && !sends {
            return self.read(&args.get(0));
        }
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        let has_body = ["data", "json", "files", "body", "content"]
            .iter()
            .any(|name| args.named(name).is_some());
        let posts = ["POST", "PUT", "PATCH"];
        let sends = sends || has_body || texts.iter().any(|text| posts.contains(&text.as_str()));
        let to = address.as_deref().and_then(host);
        if to.is_some() || is_secret {
            let is_url = address
                .as_deref()
                .is_some_and(|address| address.contains('/'));
            self.address = address.clone().filter(|_| !is_url);
            // Where only a way is opened, what is asked comes later.
            let said = address.filter(|_| is_url).unwrap_or_default();
            self.told_as(&said, |runner| {
                sent(runner.shell, to.clone(), is_secret, sends);
            });
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
