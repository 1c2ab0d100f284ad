//! Where something goes: a host, its port, and what is asked for there.

use super::tokens;
use crate::policy::effects::{Act, Sends, mark, shell::Shell};

/// A place at another host, as far as the text tells. Its texts may hold [marks](mark).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Address {
    pub(in super::super) host: Option<String>,
    pub(in super::super) port: Option<u16>,
    /// The path of a URL. A plain connection has none.
    pub(in super::super) path: Option<String>,
}

impl Address {
    /// Of a URL, whose scheme may be missing.
    pub(in super::super) fn of_url(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let end = rest.find(['/', '?', '#', mark::ANY]).unwrap_or(rest.len());
        let (place, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let path = path.split(['?', '#', mark::ANY]).next().unwrap_or_default();
        let mut address = Self::of_pair(place);
        address.port = address.port.or(match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        });
        address.path = Some(path.trim_start_matches('/').to_owned());
        address
    }

    /// Of `user@host:port`.
    pub(super) fn of_pair(place: &str) -> Self {
        let place = place.rsplit('@').next().unwrap_or(place);
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
                (host, rest.strip_prefix(':'))
            }
            None => place
                .split_once(':')
                .map_or((place, None), |(host, port)| (host, Some(port))),
        };
        Self::at(host, port.unwrap_or_default())
    }

    /// A host, and its port where that is known.
    pub(super) fn at(host: &str, port: &str) -> Self {
        Self {
            host: (!host.is_empty()).then(|| host.to_owned()),
            port: port.trim().parse().ok(),
            path: None,
        }
    }

    pub(super) fn shown(&self) -> Option<String> {
        self.host.as_deref().map(mark::shown)
    }

    /// Something goes there.
    pub(in super::super) fn sent(&self, shell: &mut Shell<'_>, is_secret: bool, is_any: bool) {
        self.given(shell, is_secret, false, is_any);
    }

    /// The same, of which it is known whether somebody keeps it for themselves.
    pub(super) fn given(
        &self,
        shell: &mut Shell<'_>,
        is_secret: bool,
        is_private: bool,
        is_any: bool,
    ) {
        let written = self.host.as_deref().unwrap_or_default();
        let host = self.shown();
        // A name may carry something itself, to whoever is asked what it stands for.
        let is_secret = is_secret || tokens::leaks(written, None);
        let is_any = is_any || carries(written);
        let sends = match (is_secret, is_any) {
            (true, _) if !host.as_deref().is_some_and(is_here) => Sends::Secrets,
            (_, true) if is_private => Sends::Private,
            (_, true) => Sends::Data,
            _ => Sends::Nothing,
        };
        let meant = shell
            .names
            .iter()
            .find(|(name, _)| Some(name) == host.as_ref());
        let meant = meant.map(|(_, address)| address.clone());
        for host in [meant, host.clone()]
            .into_iter()
            .flatten()
            .map(Some)
            .chain(host.is_none().then_some(None))
        {
            shell.act(Act::Net {
                host,
                port: self.port,
                path: self.path.as_deref().map(mark::shown),
                sends,
            });
        }
    }
}

/// Whether there is something in a part of a name that has been packed for it, or tells of this machine.
fn carries(host: &str) -> bool {
    host.contains([mark::PACKED, mark::HERE]) && host.contains('.')
}

/// The host of a URL.
pub(in super::super) fn host(url: &str) -> Option<String> {
    Address::of_url(url).shown()
}

/// Whether a host is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "::1" | "0")
        || host.ends_with(".localhost")
        || host == "host.docker.internal"
        || host.starts_with("127.") && host.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Something goes to a host of which no more is known than its name.
pub(in super::super) fn sent(
    shell: &mut Shell<'_>,
    host: Option<String>,
    is_secret: bool,
    is_any: bool,
) {
    let address = Address {
        host,
        ..Address::default()
    };
    address.sent(shell, is_secret, is_any);
}

/// A URL, or the two parts of an address: it is connected to, and nothing more is known.
pub(super) fn met(shell: &mut Shell<'_>, url: &str) {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let address = Address::of_url(url);
    if !scheme.ends_with("file") && address.host.is_some() {
        address.sent(shell, false, false);
    }
}
