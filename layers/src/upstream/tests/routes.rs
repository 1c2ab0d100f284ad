//! Where a request goes: upstream, path and query.

use http::Method;
use luthien_core::facts::Destination;

use super::*;

#[tokio::test]
async fn the_target_goes_up_as_it_is_spelt() {
    let server = Server::start(ok).await;
    let service = gates().layer(one(&server));
    for target in [
        "/v1/messages?beta=true",
        "/v1/messages?a=%2F&a=2&",
        "/v1/files/a%2Fb//c?x=%20",
        "/",
    ] {
        let method = if target.starts_with("/v1/messages") {
            Method::POST
        } else {
            Method::GET
        };
        let asked = Request::builder()
            .method(method)
            .uri(target)
            .body("{}".into())
            .unwrap();
        assert_eq!(send(&service, asked).await.status(), 200);
        assert_eq!(server.last().0.uri, target);
    }
}

#[tokio::test]
async fn a_base_path_goes_before_every_target_and_v1_is_not_doubled() {
    let server = Server::start(ok).await;
    for (base, expected) in [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("/proxy/anthropic", "/proxy/anthropic/v1/messages"),
        ("/proxy/v1", "/proxy/v1/messages"),
    ] {
        let upstream = Upstream::new("test", &format!("{}{base}", server.url())).unwrap();
        let service = gates().layer(Upstreams::builder().upstream(upstream).build().unwrap());
        send(&service, call(Dialect::Anthropic)).await;
        assert_eq!(server.last().0.uri, expected);
    }
}

#[tokio::test]
async fn requests_go_where_dialect_and_model_say() {
    let (a, b, c) = (
        Server::start(ok).await,
        Server::start(ok).await,
        Server::start(ok).await,
    );
    let named = |name, server: &Server, dialects: &[Dialect]| {
        Upstream::new(name, &server.url())
            .unwrap()
            .with_dialects(dialects.iter().copied())
    };
    let service = Upstreams::builder()
        .upstream(named("a", &a, &[Dialect::Anthropic]))
        .upstream(named("b", &b, &[Dialect::Chat, Dialect::Anthropic]))
        .upstream(named("c", &c, &[Dialect::Responses]))
        .route(["claude-haiku-*", "*-mini"], ["b", "c"])
        .route(["claude-*"], ["a"])
        .build()
        .unwrap();
    let service = gates().layer(service);
    for (path, body, expected) in [
        ("/v1/messages", r#"{"model":"claude-opus-5-5"}"#, [1, 0, 0]),
        ("/v1/messages", r#"{"model":"claude-haiku-4-5"}"#, [0, 1, 0]),
        ("/v1/messages", "{}", [1, 0, 0]),
        (
            "/v1/chat/completions",
            r#"{"model":"claude-opus-5-5"}"#,
            [0, 1, 0],
        ),
        (
            "/v1/chat/completions",
            r#"{"model":"gpt-5-mini"}"#,
            [0, 1, 0],
        ),
        ("/v1/responses", r#"{"model":"gpt-5-mini"}"#, [0, 0, 1]),
        ("/v1/messages/count_tokens", "x", [1, 0, 0]),
        ("/v1/embeddings", "x", [0, 1, 0]),
    ] {
        let before = [a.count(), b.count(), c.count()];
        send(&service, Request::post(path).body(body.into()).unwrap()).await;
        let after = [
            a.count() - before[0],
            b.count() - before[1],
            c.count() - before[2],
        ];
        assert_eq!(after, expected, "{path} {body}");
    }
    let only = Upstreams::builder()
        .upstream(named("a", &a, &[Dialect::Anthropic]))
        .build()
        .unwrap();
    let response = send(&gates().layer(only), call(Dialect::Chat)).await;
    assert_eq!(code(&response), (404, "no_upstream"));
}

#[tokio::test]
async fn who_names_an_upstream_is_sent_there_and_nowhere_else() {
    let (a, b) = (Server::start(ok).await, Server::start(ok).await);
    let named = |name, server: &Server| {
        Upstream::new(name, &server.url())
            .unwrap()
            .with_dialects([Dialect::Anthropic])
    };
    let upstreams = Upstreams::builder()
        .upstream(named("a", &a))
        .upstream(named("b", &b))
        .route(["*"], ["a", "b"])
        .build();
    let service = gates().layer(upstreams.unwrap());
    for (dialect, name, expected) in [
        (Dialect::Anthropic, "b", [0, 1]),
        (Dialect::Anthropic, "c", [0, 0]),
        (Dialect::Chat, "b", [0, 0]),
    ] {
        let before = [a.count(), b.count()];
        let mut request = call(dialect);
        request.extensions_mut().insert(Destination(name.into()));
        let response = send(&service, request).await;
        let after = [a.count() - before[0], b.count() - before[1]];
        assert_eq!(after, expected, "{dialect} {name}");
        assert_eq!(response.status() == 404, expected == [0, 0]);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(ok).await;
    let target = elsewhere.url();
    let server = Server::start(move |_| {
        Response::builder()
            .status(307)
            .header("location", &target)
            .body(body(""))
            .unwrap()
    })
    .await;
    let response = send(&gates().layer(one(&server)), call(Dialect::Chat)).await;
    assert_eq!((response.status().as_u16(), elsewhere.count()), (307, 0));
}

#[test]
fn upstreams_that_cannot_be_meant_are_refused_in_words_that_help() {
    for url in [
        "api.anthropic.com",
        "ftp://x",
        "https://",
        "https://user:pass@x",
        "https://x?key=1",
        "",
    ] {
        let error = Upstream::new("up", url).unwrap_err().to_string();
        assert!(
            error.contains("\"up\"") && error.contains("https://host[:port][/path]"),
            "{url}: {error}"
        );
    }
    let up = |name| Upstream::new(name, "http://127.0.0.1:1").unwrap();
    let build = |builder: Builder| builder.build().unwrap_err().to_string();
    assert_eq!(
        build(Upstreams::builder().upstream(up("a")).upstream(up("a"))),
        "two upstreams are named \"a\""
    );
    let route = Upstreams::builder().upstream(up("a")).route(["*"], ["b"]);
    assert_eq!(
        build(route),
        "a route names the upstream \"b\", which is not there"
    );
    let secret = up("a").with_credential(Credential::bearer("a\nb"));
    let error = build(Upstreams::builder().upstream(secret));
    assert!(
        error.contains("line end") && !error.contains("a\nb"),
        "{error}"
    );
}
