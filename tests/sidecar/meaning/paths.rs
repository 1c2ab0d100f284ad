//! Which request is a call. What is nearly one is none, and passes only if the configuration says so.

use crate::support::{
    client::{Client, ask, post},
    good::{self, goes_on, refused},
    replies::{Dialect, asked, recorded, request},
    within,
};

/// What servers behind some proxies take for `/v1/messages`, and other doors to the same model.
const ODD: [&str; 42] = [
    "/v1/messages/",
    "/v1/messages//",
    "//v1/messages",
    "/v1//messages",
    "/./v1/messages",
    "/v1/./messages",
    "/v1/x/../messages",
    "/v1/messages/.",
    "/v1/messages/x/..",
    "/..;/v1/messages",
    "/v1/messages;x=y",
    "/v1;x/messages",
    "/v1/messages%20",
    "/v1/messages%00",
    "/v1/messages%2F",
    "/v1%2Fmessages",
    "/v1%2fmessages",
    "/v1%252Fmessages",
    "/%76%31/messages",
    "/v1/%6dessages",
    "/v1/%6Dessages",
    "/v1/%2e/messages",
    "/v1/x/%2e%2e/messages",
    "/v1/messages%3Fbeta=true",
    "/V1/messages",
    "/v1/Messages",
    "/v1/MESSAGES",
    "/v1\\messages",
    "/v1/messages\\",
    "/v1/messages.json",
    "/v1/messages/batches",
    "/v1/messages/batches/",
    "/v1/messages/count_tokens/",
    "/v1/messages/count_tokens/..",
    "/v1/complete",
    "/v1/completions",
    "/v1/chat/completions/",
    "/v1/responses/",
    "/v1/responses/compact",
    "/v1/batches",
    "/messages",
    "/",
];

#[tokio::test]
async fn what_is_nearly_a_call_is_refused_and_told_how_to_let_it_pass() {
    let (provider, sidecar) = good::pair("").await;
    let mut client = Client::connect(sidecar.agents).await;
    for path in ODD {
        for target in [path.to_owned(), format!("{path}?beta=true")] {
            let response = client.ask(&post(&target, "", b"{}")).await;
            let dialect = Dialect::of_client(path, &http::HeaderMap::new());
            refused(&sidecar, &response, dialect, 404, "unpoliced_path").await;
            let message = response.json()["error"]["message"]
                .as_str()
                .unwrap()
                .to_owned();
            let named = path.escape_debug().to_string();
            assert!(
                message.starts_with(&format!("POST {named} is not relayed")),
                "{message}"
            );
            assert!(
                message.contains("`relay` of the configuration"),
                "{message}"
            );
        }
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn of_a_target_that_only_looks_odd_the_plain_path_counts() {
    let (provider, sidecar) = good::pair("").await;
    for target in [
        "/v1/messages?",
        "/v1/messages?beta=true",
        "/v1/messages?beta=true&beta=false&x=%2F%0d%0a",
        "/v1/messages?/../x?y",
        "http://localhost/v1/messages?beta=true",
        "http://127.0.0.1:1/v1/messages",
        "http://user@localhost/v1/messages",
    ] {
        let body = request(Dialect::Anthropic, true);
        let response = ask(sidecar.agents, &post(target, "", &body)).await;
        assert_eq!(
            response.body,
            recorded(Dialect::Anthropic, true),
            "{target}"
        );
        let seen = provider.last();
        let up = &target[target.find("/v1").unwrap()..];
        assert_eq!(
            (seen.target(), seen.body.clone()),
            (up, body.to_vec()),
            "{target}"
        );
        assert_eq!(
            seen.headers
                .iter()
                .filter(|(name, _)| name == "host")
                .count(),
            1
        );
        let line = good::line(&sidecar, &response).await;
        assert_eq!(
            (&line["dialect"], &line["path"]),
            (&"anthropic".into(), &"/v1/messages".into())
        );
    }
    // It was read, although it was addressed so: a call is a call.
    let response = ask(
        sidecar.agents,
        &post("http://localhost/v1/messages", "", b"{"),
    )
    .await;
    refused(&sidecar, &response, Dialect::Anthropic, 400, "invalid_json").await;
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn other_methods_are_other_requests_and_none_disguises_itself() {
    let (provider, sidecar) = good::pair("").await;
    for method in [
        "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "Post", "POSTX", "CONNECT",
    ] {
        for dialect in Dialect::ALL {
            let path = dialect.path();
            let target = if method == "CONNECT" {
                "localhost:443"
            } else {
                path
            };
            let request = format!(
                "{method} {target} HTTP/1.1\r\nhost: localhost\r\nanthropic-version: 1\r\n\
                 x-http-method-override: POST\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            let response = ask(sidecar.agents, request.as_bytes()).await;
            refused(
                &sidecar,
                &response,
                Dialect::Anthropic,
                404,
                "unpoliced_path",
            )
            .await;
        }
    }
    assert_eq!(provider.connections(), 0);
    let disguises = "x-http-method: DELETE\r\nx-http-method-override: POST\r\nx-method-override: PUT\r\n\
                     x-original-url: /v1/messages\r\nx-original-method: POST\r\n\
                     x-rewrite-url: /v1/messages\r\nx-forwarded-uri: /v1/messages\r\n";
    for target in ["/v1/embeddings", "/v1/messages"] {
        let response = ask(sidecar.agents, &post(target, disguises, b"{}")).await;
        assert_eq!(response.status(), 200);
        let seen = provider.last();
        assert_eq!(seen.first, format!("POST {target} HTTP/1.1"));
        for line in disguises.lines() {
            let name = line.split(':').next().unwrap();
            assert_eq!(seen.header(name), None, "{name}");
        }
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn what_is_listed_is_relayed_unread_and_nothing_beside_it() {
    let settings = "relay: [\"POST /v1/messages/batches\", \"GET /v1/files/*\"]";
    let (provider, sidecar) = good::pair(settings).await;
    let mut client = Client::connect(sidecar.agents).await;
    // No JSON, and nobody minds.
    let response = client
        .ask(&post("/v1/messages/batches?x=1", "", b"{{{"))
        .await;
    assert_eq!((response.status(), response.text()), (200, "{{{"));
    assert_eq!(provider.last().target(), "/v1/messages/batches?x=1");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
    assert_eq!(client.ask(&get("/v1/files/f_1")).await.status(), 200);
    let before = provider.count();
    for request in [
        get("/v1/files/"),
        get("/v1/files"),
        get("/v1/files/a/b"),
        get("/v1/files/.."),
        get("/v1/files/%2e%2e"),
        get("/v1/files/a%2Fb"),
        get("/v1/files/a;b"),
        get("/v1/files/\u{e9}"),
        get("/v1/messages/batches"),
        get("/v1/models"),
        post("/v1/files/f_1", "", b"{}"),
        post("/v1/messages/batches/", "", b"{}"),
    ] {
        let response = client.ask(&request).await;
        assert_eq!(
            response.status(),
            404,
            "{}",
            String::from_utf8_lossy(&request)
        );
    }
    assert_eq!(provider.count(), before);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn with_relay_open_everything_passes_as_it_is_spelt_but_for_tunnels_and_echoes() {
    let (provider, sidecar) = good::pair("relay: open").await;
    let mut client = Client::connect(sidecar.agents).await;
    for path in ODD {
        let response = client.ask(&post(path, "", b"\xFF no JSON")).await;
        assert_eq!(
            (response.status(), &*response.body),
            (200, &b"\xFF no JSON"[..]),
            "{path}"
        );
        assert_eq!(provider.last().first, format!("POST {path} HTTP/1.1"));
    }
    let before = provider.count();
    for first in [
        "CONNECT localhost:443",
        "CONNECT 127.0.0.1:22",
        "TRACE /v1/models",
        "OPTIONS *",
        "POST localhost",
    ] {
        let request = format!("{first} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let response = ask(sidecar.agents, request.as_bytes()).await;
        refused(&sidecar, &response, Dialect::Chat, 404, "unpoliced_path").await;
    }
    assert_eq!(provider.count(), before);
    // Calls are read all the same.
    let response = client.ask(&post("/v1/messages", "", b"{")).await;
    refused(&sidecar, &response, Dialect::Anthropic, 400, "invalid_json").await;
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_websocket_is_refused_at_once_and_other_offers_are_passed_over() {
    let (provider, sidecar) = good::pair("relay: open").await;
    for dialect in Dialect::ALL {
        let path = dialect.path();
        for (method, offer) in [
            ("GET", "websocket"),
            ("GET", "WebSocket"),
            ("POST", "h2c, websocket"),
        ] {
            // As Codex asks; the body of the POST never comes.
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: {offer}\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{}\r\n",
                if method == "POST" {
                    "content-length: 10\r\n"
                } else {
                    ""
                }
            );
            let response = ask(sidecar.agents, request.as_bytes()).await;
            refused(&sidecar, &response, dialect, 426, "upgrade_required").await;
            assert_eq!(response.header("upgrade"), Some("HTTP/1.1"));
        }
    }
    assert_eq!(provider.connections(), 0);
    // Java's client offers this with its first request.
    for dialect in Dialect::ALL {
        let offer = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
        let mut client = Client::connect(sidecar.agents).await;
        let response = client
            .ask(&post(dialect.path(), offer, &request(dialect, true)))
            .await;
        assert_eq!(response.body, recorded(dialect, true));
        for name in ["upgrade", "http2-settings", "connection"] {
            assert_eq!(provider.last().header(name), None, "{name}");
        }
        let again = within("the next", client.ask(&asked(dialect, false))).await;
        assert_eq!(again.body, recorded(dialect, false));
    }
    goes_on(&provider, &sidecar).await;
}
