//! For whom a request is meant. A page in a browser can reach what listens on this machine; it cannot lie about who it
//! is.

use crate::support::{
    client::ask,
    good::{self, goes_on, refused},
    replies::{Dialect, request},
};

/// A call with these header lines, `host` among them if there is to be one.
fn with(target: &str, headers: &str) -> Vec<u8> {
    let body = request(Dialect::Anthropic, false);
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), &body].concat()
}

#[tokio::test]
async fn a_request_for_somebody_else_is_refused() {
    let (provider, sidecar) = good::pair("hosts: [proxy.internal]").await;
    let port = sidecar.agents.port();
    for host in [
        "localhost".to_owned(),
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        "[::1]".to_owned(),
        "LocalHost:1".to_owned(),
        "proxy.internal:8080".to_owned(),
    ] {
        let response = ask(
            sidecar.agents,
            &with("/v1/messages", &format!("host: {host}\r\n")),
        )
        .await;
        assert_eq!(response.status(), 200, "{host}");
        assert_eq!(provider.last().all("host"), [provider.address.to_string()]);
    }
    let before = provider.count();
    for (target, headers, status, code) in [
        // A name that its owner has lead to this machine.
        (
            "/v1/messages",
            "host: evil.example\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: evil.example:8000\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: 127.0.0.1.evil.example\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: localhost.evil.example\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: evil.localhost\r\n",
            403,
            "unknown_host",
        ),
        ("/v1/messages", "host: localhost.\r\n", 403, "unknown_host"),
        ("/v1/messages", "host: 127.1\r\n", 403, "unknown_host"),
        ("/v1/messages", "host: 0.0.0.0\r\n", 403, "unknown_host"),
        ("/v1/messages", "host: 2130706433\r\n", 403, "unknown_host"),
        (
            "/v1/messages",
            "host: [::ffff:127.0.0.1]\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: localhost@evil.example\r\n",
            403,
            "unknown_host",
        ),
        (
            "/v1/messages",
            "host: localhost\r\nhost: localhost\r\n",
            400,
            "invalid_request",
        ),
        (
            "/v1/messages",
            "host: localhost\r\nhost: evil.example\r\n",
            400,
            "invalid_request",
        ),
        (
            "/v1/messages",
            "host: localhost, evil.example\r\n",
            400,
            "invalid_request",
        ),
        (
            "/v1/messages",
            "host: localhost/x\r\n",
            400,
            "invalid_request",
        ),
        (
            "/v1/messages",
            "host: local host\r\n",
            400,
            "invalid_request",
        ),
        ("/v1/messages", "host: \r\n", 400, "invalid_request"),
        ("/v1/messages", "host: \u{ff}\r\n", 400, "invalid_request"),
        // RFC 9112, 3.2: it must be there.
        ("/v1/messages", "", 400, "invalid_request"),
        (
            "http://evil.example/v1/messages",
            "host: localhost\r\n",
            403,
            "unknown_host",
        ),
        (
            "http://localhost/v1/messages",
            "host: evil.example\r\n",
            403,
            "unknown_host",
        ),
        (
            "http://localhost@evil.example/v1/messages",
            "host: localhost\r\n",
            403,
            "unknown_host",
        ),
        (
            "https://evil.example/v1/messages",
            "host: evil.example\r\n",
            403,
            "unknown_host",
        ),
    ] {
        let headers =
            format!("{headers}x-forwarded-host: localhost\r\nforwarded: host=localhost\r\n");
        let response = ask(sidecar.agents, &with(target, &headers)).await;
        assert_eq!(response.status(), status, "{target} {headers}");
        refused(&sidecar, &response, Dialect::Anthropic, status, code).await;
    }
    assert_eq!(provider.count(), before);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_web_page_is_refused_whatever_it_asks_for() {
    let (provider, sidecar) = good::pair("relay: open").await;
    for (header, status) in [
        ("origin: https://evil.example", 403),
        ("origin: http://localhost.evil.example", 403),
        ("origin: null", 403),
        ("origin: http://", 403),
        ("origin: \u{ff}", 403),
        ("sec-fetch-site: cross-site", 403),
        ("sec-fetch-site: same-site", 403),
        ("sec-fetch-site: same-origin", 200),
        ("sec-fetch-site: none", 200),
        ("origin: http://localhost:3000", 200),
        ("origin: vscode-file://vscode-app", 200),
        // Node's fetch says so.
        ("sec-fetch-mode: cors", 200),
    ] {
        let headers = format!("host: localhost\r\n{header}\r\n");
        for target in ["/v1/messages", "/v1/models", "/anything"] {
            let response = ask(sidecar.agents, &with(target, &headers)).await;
            assert_eq!(response.status(), status, "{target} {header}");
            // Nor does it learn anything by asking whether it may.
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
    }
    let preflight =
        b"OPTIONS /v1/messages HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\n\
        access-control-request-method: POST\r\n\r\n";
    assert_eq!(ask(sidecar.agents, preflight).await.status(), 403);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn the_admin_listener_is_as_strict() {
    let (provider, sidecar) = good::pair("").await;
    for (headers, status) in [
        ("host: localhost\r\n", 200),
        ("host: evil.example\r\n", 403),
        ("", 400),
        ("host: localhost\r\nhost: localhost\r\n", 400),
        ("host: localhost\r\norigin: https://evil.example\r\n", 403),
        ("host: localhost\r\nsec-fetch-site: cross-site\r\n", 403),
    ] {
        let request = format!("GET /health HTTP/1.1\r\n{headers}\r\n");
        let response = ask(sidecar.admin, request.as_bytes()).await;
        assert_eq!(response.status(), status, "{headers:?}");
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn nobody_is_believed_who_says_where_he_comes_from() {
    let (provider, sidecar) = good::pair("").await;
    let headers = "host: localhost\r\nx-forwarded-for: 192.0.2.1\r\nforwarded: for=192.0.2.1\r\nx-real-ip: 192.0.2.1\r\n";
    let response = ask(sidecar.agents, &with("/v1/messages", headers)).await;
    let line = good::line(&sidecar, &response).await;
    assert_eq!(line["address"], "127.0.0.1");
    goes_on(&provider, &sidecar).await;
}
