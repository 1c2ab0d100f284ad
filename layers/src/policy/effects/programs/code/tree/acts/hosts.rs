//! What goes to other hosts, and what comes from there.

use super::super::{
    host,
    run::Runner,
    values::{Args, Value},
};
use crate::policy::effects::{mark, programs::sent};

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
        ];
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        if is_secret && SENDS.contains(&method) && (self.is_connected || self.remote.is_some()) {
            sent(self.shell, self.remote.clone(), true, true);
        }
    }

    /// Something is asked of another host, and told it.
    pub(super) fn fetch(&mut self, args: &Args, sends: bool) -> Value {
        let texts: Vec<String> = args.all().filter_map(Value::text).collect();
        let is_host = |text: &&String| {
            let host = text.split(['/', ':']).next().unwrap_or_default();
            host.contains('.') && !text.starts_with(['/', '.']) || host == "localhost"
        };
        let url = texts.iter().find(|text| text.contains("://"));
        let is_file = url.is_none();
        let url = url.or_else(|| texts.iter().find(is_host).filter(|_| sends));
        // Some read files with the same function.
        if is_file && !sends {
            return self.read(&args.get(0));
        }
        let is_secret = args.all().any(|value| value.has(mark::SECRET));
        let has_body = ["data", "json", "files", "body", "content"]
            .iter()
            .any(|name| args.named(name).is_some());
        let address = match args.get(0) {
            // `("host", port)`
            Value::List(parts) => parts.first().and_then(Value::text),
            _ => args
                .named("host")
                .or_else(|| args.named("hostname"))
                .and_then(Value::text),
        };
        let to = url.and_then(|url| host(url)).or(address);
        if to.is_some() || is_secret {
            sent(self.shell, to.clone(), is_secret, sends || has_body);
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
