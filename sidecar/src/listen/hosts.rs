//! For whom a request is meant. A web page can make a browser send requests to this machine (by name, once its name
//! leads here); it cannot make the browser lie about the host and the origin.

use http::{
    HeaderMap, Request, Version,
    header::{HOST, HeaderName, ORIGIN},
    uri::Authority,
};
use luthien_core::reject::{Rejection, RejectionKind};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The hosts under which a listener may be reached.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// `None` if every host is fine: a listener for other machines that was told no names.
    names: Option<Vec<String>>,
}

impl Hosts {
    /// Of a listener on loopback, its usual names and these; of another one these, or all.
    pub(crate) fn new(loopback: bool, configured: &[String]) -> Self {
        let mut names: Vec<_> = configured.iter().map(|name| name.to_lowercase()).collect();
        if loopback {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        Self {
            names: (!names.is_empty()).then_some(names),
        }
    }

    /// Refuses what a web page has sent, and what is meant for somebody else.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Rejection> {
        let (target, headers) = (request.uri(), request.headers());
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().map(|host| {
            host.to_str()
                .ok()
                .and_then(|host| host.parse::<Authority>().ok())
        });
        let missing = host.is_none() && request.version() == Version::HTTP_11;
        if missing || hosts.next().is_some() || host == Some(None) {
            return Err(Rejection::new(
                RejectionKind::InvalidRequest,
                "the header host must be there once, and name one host",
            ));
        }
        let named = host.flatten();
        for authority in named.iter().chain(target.authority()) {
            if !self.knows(authority.host()) {
                let message = format!(
                    "{:?} is not a name of this sidecar: if it should be, add it to `hosts` of the configuration",
                    authority.host()
                );
                return Err(
                    Rejection::new(RejectionKind::Forbidden, message).with_code("unknown_host")
                );
            }
        }
        if self.is_from_a_page(headers) {
            let message = "web pages may not use this sidecar";
            return Err(Rejection::new(RejectionKind::Forbidden, message).with_code("cross_origin"));
        }
        Ok(())
    }

    fn knows(&self, host: &str) -> bool {
        self.names
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(host)))
    }

    /// Programs send neither header; browsers send them, and pages cannot change them. A page that is served under one
    /// of the configured names is at home.
    fn is_from_a_page(&self, headers: &HeaderMap) -> bool {
        if let Some(origin) = headers.get(ORIGIN) {
            let Ok(origin) = origin.to_str() else {
                return true;
            };
            // An application that is no page has a scheme of its own, which no page can have.
            let web = ["http://", "https://"]
                .iter()
                .find_map(|scheme| origin.strip_prefix(scheme));
            return match web {
                Some(authority) => !authority
                    .parse::<Authority>()
                    .is_ok_and(|authority| self.names.is_some() && self.knows(authority.host())),
                None => origin == "null",
            };
        }
        matches!(
            headers.get(SEC_FETCH_SITE).map(http::HeaderValue::as_bytes),
            Some(b"cross-site" | b"same-site")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &Hosts, target: &str, headers: &[(&'static str, &str)]) -> u16 {
        check_version(hosts, Version::HTTP_11, target, headers)
    }

    fn check_version(
        hosts: &Hosts,
        version: Version,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> u16 {
        let mut request = Request::get(target).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match hosts.check(&request.body(()).unwrap()) {
            Ok(()) => 200,
            Err(rejection) => rejection.kind().status().as_u16(),
        }
    }

    #[test]
    fn a_name_that_leads_here_by_a_trick_is_refused() {
        let hosts = Hosts::new(true, &["proxy.internal".into()]);
        for (host, expected) in [
            ("127.0.0.1:8000", 200),
            ("localhost:8000", 200),
            ("LOCALHOST", 200),
            ("[::1]:8000", 200),
            ("proxy.internal", 200),
            ("evil.example:8000", 403),
            ("localhost.evil.example", 403),
            ("127.0.0.2", 403),
            ("localhost@evil.example", 403),
            ("a b", 400),
        ] {
            assert_eq!(
                check(&hosts, "/v1/messages", &[("host", host)]),
                expected,
                "{host}"
            );
        }
        assert_eq!(
            check(
                &hosts,
                "http://evil.example/v1/messages",
                &[("host", "localhost")]
            ),
            403
        );
        assert_eq!(
            check(&hosts, "/", &[("host", "localhost"), ("host", "localhost")]),
            400
        );
        for (version, expected) in [
            (Version::HTTP_10, 200),
            (Version::HTTP_11, 400),
            // There it stands in the target.
            (Version::HTTP_2, 200),
        ] {
            assert_eq!(check_version(&hosts, version, "/", &[]), expected);
        }
    }

    #[test]
    fn web_pages_are_refused_and_programs_are_not() {
        let hosts = Hosts::new(true, &[]);
        for (name, value, expected) in [
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("origin", "http://localhost:3000", 200),
            ("origin", "vscode-file://vscode-app", 200),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-mode", "cors", 200),
        ] {
            assert_eq!(
                check(&hosts, "/", &[("host", "localhost"), (name, value)]),
                expected,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn a_listener_for_other_machines_knows_only_what_it_is_told() {
        assert_eq!(
            check(&Hosts::new(false, &[]), "/", &[("host", "anything")]),
            200
        );
        let named = Hosts::new(false, &["luthien.example".into()]);
        assert_eq!(check(&named, "/", &[("host", "luthien.example:443")]), 200);
        assert_eq!(check(&named, "/", &[("host", "localhost")]), 403);
    }
}
