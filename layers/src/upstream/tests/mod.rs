mod server;

use std::{io, time::Duration};

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use bytes::Bytes;
use http::{Method, Request, Response, Version, request::Parts};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use luthien_core::{
    Dialect,
    facts::{Answered, Caller},
    gate::{Gate, gate},
    reject::Rejection,
    testing::{ScriptedBody, Step, recorded, request, send},
};
use tokio::{io::AsyncReadExt, sync::mpsc};
use tower::{Layer, ServiceExt, layer::util::Identity};

use self::server::{Body, Event, Server, body};
use super::*;

fn gates() -> Gate<Identity> {
    gate(Identity::new())
}

fn upstream(server: &Server) -> Upstream {
    Upstream::new("test", &server.url()).unwrap()
}

fn one(server: &Server) -> Upstreams {
    Upstreams::builder()
        .upstream(upstream(server))
        .build()
        .unwrap()
}

fn call(dialect: Dialect) -> Request<Bytes> {
    Request::post(dialect.path())
        .body(request(dialect, false))
        .unwrap()
}

fn ok(_: &Parts) -> Response<Body> {
    Response::new(body("{}"))
}

fn with_status(status: u16) -> impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static {
    move |_| {
        Response::builder()
            .status(status)
            .body(body("busy"))
            .unwrap()
    }
}

fn code<B>(response: &Response<B>) -> (u16, &'static str) {
    (
        response.status().as_u16(),
        response
            .extensions()
            .get::<Rejection>()
            .map_or("", Rejection::code),
    )
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_call_goes_up_byte_for_byte_and_its_reply_comes_down_so() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let reply = recorded(dialect, stream);
            let kind = if stream {
                "text/event-stream"
            } else {
                "application/json"
            };
            let server = Server::start(move |_| {
                Response::builder()
                    .header("content-type", kind)
                    .header("request-id", "r")
                    .body(body(reply.clone()))
                    .unwrap()
            })
            .await;
            let service = gates().layer(one(&server));
            let response = send(
                &service,
                Request::post(dialect.path())
                    .body(request(dialect, stream))
                    .unwrap(),
            )
            .await;
            assert_eq!(response.headers()["request-id"], "r");
            assert_eq!(
                &*response.extensions().get::<Answered>().unwrap().upstream,
                "test"
            );
            assert_eq!(response.body(), &Ok(recorded(dialect, stream)));
            let (head, body) = server.last();
            assert_eq!(body, request(dialect, stream));
            assert_eq!(head.headers["content-length"], body.len().to_string());
            assert!(!head.headers.contains_key("transfer-encoding"));
        }
    }
}

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
async fn headers_that_are_not_meant_for_the_other_side_are_taken_off_both_ways() {
    let server = Server::start(|_| {
        Response::builder()
            .header("connection", "x-between, close")
            .header("x-between", "1")
            .header("keep-alive", "timeout=5")
            .header("x-luthien-request-id", "forged")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("anthropic-ratelimit-requests-limit", "50")
            .header("x-new", "y")
            .body(body("{}"))
            .unwrap()
    })
    .await;
    let mut asked = call(Dialect::Anthropic);
    for (name, value) in [
        ("connection", "keep-alive, X-Secret-Hop"),
        ("connection", "x-api-key-not"),
        ("x-secret-hop", "1"),
        ("keep-alive", "x"),
        ("proxy-authorization", "Basic x"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("expect", "100-continue"),
        ("host", "evil.example"),
        ("baggage", "user=alice"),
        ("x-luthien-user-id", "alice"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/v1/messages/batches"),
        ("anthropic-beta", "a"),
        ("anthropic-beta", "b,c"),
        ("anthropic-version", "2026-10-21"),
        ("x-stainless-retry-count", "0"),
        ("user-agent", "claude-cli/2"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-api-key", "sk-1"),
        ("x-brand-new", "kept"),
    ] {
        asked.headers_mut().append(name, value.parse().unwrap());
    }
    let response = send(&gates().layer(one(&server)), asked).await;
    let (head, _) = server.last();
    let mut names: Vec<_> = head.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let kept = "accept-encoding anthropic-beta anthropic-version content-length host traceparent user-agent x-api-key \
                x-brand-new x-stainless-retry-count";
    assert_eq!(names.join(" "), kept);
    assert_eq!(head.headers["host"], server.address.to_string());
    assert_eq!(
        head.headers
            .get_all("anthropic-beta")
            .iter()
            .collect::<Vec<_>>(),
        ["a", "b,c"]
    );
    let mut names: Vec<_> = response
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names.join(" "),
        "anthropic-ratelimit-requests-limit content-length date set-cookie x-new"
    );
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn the_upstreams_credential_is_put_on_for_holders_of_our_keys_only() {
    let server = Server::start(ok).await;
    let sent = |headers: &http::HeaderMap| -> Vec<(String, String)> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let known = luthien_core::facts::CREDENTIAL_HEADERS;
        headers
            .iter()
            .filter(|(name, _)| known.contains(name))
            .map(|(n, v)| (n.to_string(), text(v)))
            .collect()
    };
    for (credential, expected) in [
        (
            Credential::for_dialect(Dialect::Anthropic, "sk-up"),
            ("x-api-key", "sk-up"),
        ),
        (
            Credential::for_dialect(Dialect::Chat, "sk-up"),
            ("authorization", "Bearer sk-up"),
        ),
        (
            Credential::bearer("sk-up"),
            ("authorization", "Bearer sk-up"),
        ),
    ] {
        assert!(!format!("{credential:?}").contains("sk-up"));
        let upstream = upstream(&server).with_credential(credential);
        let service = gates().layer(Upstreams::builder().upstream(upstream).build().unwrap());
        let mut asked = call(Dialect::Anthropic);
        asked
            .headers_mut()
            .insert("x-api-key", "left over".parse().unwrap());
        asked
            .headers_mut()
            .insert("authorization", "Bearer left over".parse().unwrap());
        asked.extensions_mut().insert(Caller::Key {
            id: "k".into(),
            name: "n".into(),
        });
        send(&service, asked).await;
        assert_eq!(
            sent(&server.last().0.headers),
            [(expected.0.into(), expected.1.into())]
        );
        let mut asked = call(Dialect::Anthropic);
        asked
            .headers_mut()
            .insert("authorization", "Bearer own".parse().unwrap());
        send(&service, asked).await;
        assert_eq!(
            sent(&server.last().0.headers),
            [("authorization".into(), "Bearer own".into())]
        );
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
async fn the_next_upstream_is_tried_before_the_first_byte_only() {
    let good = Server::start(ok).await;
    let absent = Upstream::new("absent", &nobody().await).unwrap();
    for status in [429, 500, 502, 503, 504, 529] {
        let busy = Server::start(with_status(status)).await;
        let service = Upstreams::builder()
            .upstream(absent.clone())
            .upstream(Upstream::new("busy", &busy.url()).unwrap())
            .upstream(Upstream::new("good", &good.url()).unwrap())
            .route(["*"], ["absent", "busy", "good"])
            .build()
            .unwrap();
        let response = send(&gates().layer(service.clone()), call(Dialect::Chat)).await;
        assert_eq!(response.body(), &Ok("{}".into()), "{status}");
        let answered = response.extensions().get::<Answered>().unwrap();
        assert_eq!((&*answered.upstream, answered.attempts), ("good", 3));
        assert_eq!(
            (busy.count(), good.last().1),
            (1, request(Dialect::Chat, false))
        );
        // What is streamed up unread cannot be sent twice; what has no body can.
        let relayed = Upstreams::builder()
            .upstream(Upstream::new("busy", &busy.url()).unwrap())
            .upstream(Upstream::new("good", &good.url()).unwrap())
            .route(["*"], ["busy", "good"])
            .build()
            .unwrap();
        let relayed = gates().layer(relayed);
        let once = send(
            &relayed,
            Request::post("/v1/files").body("x".into()).unwrap(),
        )
        .await;
        assert_eq!(once.status(), status);
        let empty = Request::get("/v1/models")
            .body(http_body_util::Empty::<Bytes>::new())
            .unwrap();
        let empty = relayed.oneshot(empty).await.unwrap();
        assert_eq!(empty.status(), 200);
    }
    for status in [400, 401, 403, 404, 413, 422] {
        let wrong = Server::start(with_status(status)).await;
        let service = Upstreams::builder()
            .upstream(Upstream::new("wrong", &wrong.url()).unwrap())
            .upstream(Upstream::new("good", &good.url()).unwrap())
            .route(["*"], ["wrong", "good"])
            .build()
            .unwrap();
        assert_eq!(
            send(&gates().layer(service), call(Dialect::Chat))
                .await
                .status(),
            status,
            "the client's own mistake"
        );
    }
}

#[tokio::test]
async fn without_a_route_a_request_and_its_credential_go_to_one_host_alone() {
    let (busy, other) = (
        Server::start(with_status(503)).await,
        Server::start(ok).await,
    );
    let service = Upstreams::builder()
        .upstream(Upstream::new("busy", &busy.url()).unwrap())
        .upstream(Upstream::new("other", &other.url()).unwrap())
        .build()
        .unwrap();
    let response = send(&gates().layer(service), call(Dialect::Chat)).await;
    assert_eq!(response.status(), 503);
    assert_eq!((busy.count(), other.count()), (1, 0));
}

#[tokio::test]
async fn what_the_last_upstream_says_is_relayed_as_it_is() {
    for status in [400, 402, 429, 503, 529] {
        let server = Server::start(move |_| {
            Response::builder()
                .status(status)
                .header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")
                .header("retry-after-ms", "1500")
                .header("x-should-retry", "false")
                .header("location", "http://127.0.0.1:1/elsewhere")
                .body(body("<html>not json</html>"))
                .unwrap()
        })
        .await;
        let response = send(&gates().layer(one(&server)), call(Dialect::Anthropic)).await;
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers()["retry-after"],
            "Wed, 21 Oct 2026 07:28:00 GMT"
        );
        assert_eq!(response.headers()["x-should-retry"], "false");
        assert_eq!(response.body(), &Ok("<html>not json</html>".into()));
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

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_502_and_one_that_does_not_answer_504() {
    // Accepts, and says nothing in the handshake.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute = (format!("https://{}", mute.local_addr().unwrap()), mute);
    for (url, expected) in [
        (nobody().await, (502, "bad_upstream")),
        (
            nobody().await.replace("http:", "https:"),
            (502, "bad_upstream"),
        ),
        ("http://host.invalid".into(), (502, "bad_upstream")),
        (mute.0.clone(), (504, "upstream_timeout")),
    ] {
        let service = Upstreams::builder()
            .upstream(Upstream::new("test", &url).unwrap())
            .connect_timeout(Duration::from_millis(300))
            .tls(server::tls(&[]).1)
            .build()
            .unwrap();
        for dialect in Dialect::ALL {
            let response = send(&gates().layer(service.clone()), call(dialect)).await;
            assert_eq!(code(&response), expected, "{url}");
            let body = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
            assert!(
                body.contains("cannot reach the upstream \\\"test\\\""),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_never_accepted() {
    let (acceptor, trusting) = server::tls(&[]);
    let server = Server::with_tls(Some(acceptor), ok).await;
    let (_, other) = server::tls(&[]);
    let port = server.address.port();
    for (host, config, expected) in [
        ("localhost", trusting.clone(), 200),
        ("127.0.0.1", trusting, 502),
        ("localhost", other, 502),
    ] {
        let upstream = Upstream::new("test", &format!("https://{host}:{port}")).unwrap();
        let service = Upstreams::builder()
            .upstream(upstream)
            .tls(config)
            .build()
            .unwrap();
        assert_eq!(
            send(&gates().layer(service), call(Dialect::Chat))
                .await
                .status(),
            expected,
            "{host}"
        );
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_asked_for() {
    let plain = Server::start(ok).await;
    let (acceptor, config) = server::tls(&[b"h2", b"http/1.1"]);
    let tls = Server::with_tls(Some(acceptor), ok).await;
    let (acceptor, old_config) = server::tls(&[b"http/1.1"]);
    let old = Server::with_tls(Some(acceptor), ok).await;
    for (server, url, config, http2, expected) in [
        (&plain, plain.url(), config.clone(), false, Version::HTTP_11),
        (&plain, plain.url(), config.clone(), true, Version::HTTP_2),
        (
            &tls,
            format!("https://localhost:{}", tls.address.port()),
            config.clone(),
            false,
            Version::HTTP_11,
        ),
        (
            &tls,
            format!("https://localhost:{}", tls.address.port()),
            config,
            true,
            Version::HTTP_2,
        ),
        (
            &old,
            format!("https://localhost:{}", old.address.port()),
            old_config,
            true,
            Version::HTTP_11,
        ),
    ] {
        let upstream = Upstream::new("test", &url).unwrap().with_http2(http2);
        let service = Upstreams::builder()
            .upstream(upstream)
            .tls(config)
            .build()
            .unwrap();
        let response = send(&gates().layer(service), call(Dialect::Chat)).await;
        assert_eq!(response.body(), &Ok("{}".into()), "{url}");
        assert_eq!(server.last().0.version, expected, "{url}");
        assert_eq!(server.last().1, request(Dialect::Chat, false));
    }
}

/// A provider whose reply comes from a channel; it tells when it is no longer wanted.
async fn live() -> (Server, mpsc::Sender<Bytes>, mpsc::Receiver<&'static str>) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let (told, gone) = mpsc::channel(1);
    struct Gone(mpsc::Sender<&'static str>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.try_send("gone").ok();
        }
    }
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some((receiver, Gone(told)))));
    let server = Server::start(move |_| {
        let (mut receiver, gone) = receiver.lock().unwrap().take().unwrap();
        let stream = async_stream(move |cx| {
            let _hold = &gone;
            receiver.poll_recv(cx)
        });
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(StreamBody::new(stream).boxed_unsync())
            .unwrap()
    })
    .await;
    (server, sender, gone)
}

/// Frames from a function that is polled.
fn async_stream(
    mut poll: impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<Bytes>> + Send,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> + Send {
    futures_util::stream::poll_fn(move |cx| {
        poll(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    })
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_cancels_the_provider() {
    for http2 in [false, true] {
        let (server, sender, mut gone) = live().await;
        let service = Upstreams::builder()
            .upstream(upstream(&server).with_http2(http2))
            .build()
            .unwrap();
        let asked = call(Dialect::Chat).map(|body| ScriptedBody::of([body]));
        let mut body = gates()
            .layer(service)
            .oneshot(asked)
            .await
            .unwrap()
            .into_body();
        sender
            .send("data: {\"choices\":[]}\n\n".into())
            .await
            .unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        drop(body);
        assert_eq!(gone.recv().await, Some("gone"), "HTTP/2: {http2}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_provider() {
    let (server, mut events) = Server::raw(b"", false).await;
    let service = gates().layer(one(&server));
    let asked = Request::get("/v1/models")
        .body(ScriptedBody::<Bytes>::of([]))
        .unwrap();
    let waiting = tokio::spawn(service.oneshot(asked));
    assert_eq!(events.recv().await, Some(Event::Asked));
    waiting.abort();
    assert_eq!(events.recv().await, Some(Event::Closed));
}

#[tokio::test]
async fn a_provider_that_breaks_off_is_never_shown_as_a_clean_end() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    let cases: [(&'static [u8], bool); 4] = [
        // Chunked, and cut inside a chunk; chunked, and cut between two; by length, and short; until it closes.
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nff\r\ndata: 1\n\n", true),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\ndata: 1\n\n", true),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n", true),
    ];
    for (answer, close) in cases {
        assert!(answer.starts_with(HEAD.as_bytes()));
        let (server, _) = Server::raw(answer, close).await;
        let response = send(&gates().layer(one(&server)), call(Dialect::Chat)).await;
        assert_eq!(response.status(), 200);
        assert!(
            response.body().is_err(),
            "{}",
            String::from_utf8_lossy(answer)
        );
    }
}

#[tokio::test]
async fn framing_that_two_readers_could_take_differently_never_leaks_into_another_reply() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n\"evil\""[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ncontent-length: 7\r\n\r\n{}evil!",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ncontent-length: 40\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (server, _) = Server::raw(answer, false).await;
        let service = gates().layer(one(&server));
        for _ in 0..3 {
            let response = send(&service, call(Dialect::Chat)).await;
            let fine = response.status() == 200 && response.body() == &Ok("{}".into());
            assert!(fine || response.status() == 502, "{response:?}");
        }
    }
}

#[tokio::test]
async fn interim_answers_are_dropped() {
    let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let (server, _) = Server::raw(answer, false).await;
    let response = send(&gates().layer(one(&server)), call(Dialect::Chat)).await;
    assert_eq!(
        (response.status().as_u16(), response.body()),
        (200, &Ok("{}".into()))
    );
    assert!(!response.headers().contains_key("link"));
}

async fn packed(encoding: &str, bytes: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    match encoding {
        "gzip" => GzipEncoder::new(bytes).read_to_end(&mut packed).await,
        "deflate" => ZlibEncoder::new(bytes).read_to_end(&mut packed).await,
        "br" => BrotliEncoder::new(bytes).read_to_end(&mut packed).await,
        "zstd" => ZstdEncoder::new(bytes).read_to_end(&mut packed).await,
        other => Err(io::Error::other(other.to_owned())),
    }
    .unwrap();
    packed.into()
}

#[tokio::test]
async fn a_reply_that_comes_packed_is_unpacked_for_those_who_read_it_and_left_alone_for_others() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let reply = recorded(Dialect::Anthropic, true);
        let bytes = packed(encoding, &reply).await;
        let sent = bytes.clone();
        let server = Server::start(move |_| {
            let response = Response::builder().header("content-type", "text/event-stream");
            response
                .header("content-encoding", encoding)
                .body(body(sent.clone()))
                .unwrap()
        })
        .await;
        let service = gates().layer(one(&server));
        let response = send(&service, call(Dialect::Anthropic)).await;
        assert_eq!(response.body(), &Ok(reply), "{encoding}");
        assert!(!response.headers().contains_key("content-encoding"));
        let relayed = send(
            &service,
            Request::get("/v1/files/1").body(Bytes::new()).unwrap(),
        )
        .await;
        assert_eq!(relayed.body(), &Ok(bytes));
        assert_eq!(relayed.headers()["content-encoding"], encoding);
    }
}

#[tokio::test]
async fn an_encoding_that_nobody_knows_is_refused() {
    let server = Server::start(|_| {
        Response::builder()
            .header("content-encoding", "rot13")
            .body(body("{}"))
            .unwrap()
    })
    .await;
    let response = send(&gates().layer(one(&server)), call(Dialect::Chat)).await;
    assert_eq!(code(&response), (502, "encoded_reply"));
}

#[tokio::test]
async fn a_relayed_body_that_fails_is_the_clients_fault() {
    let server = Server::start(ok).await;
    let service = gates()
        .with_parse(luthien_core::gate::ParseLayer::new().with_body_limit(10))
        .layer(one(&server));
    for (steps, expected) in [
        (
            vec![
                Step::Data(Bytes::from("12345678")),
                Step::Data("90123".into()),
            ],
            413,
        ),
        (vec![Step::Data(Bytes::from("1234")), Step::Fail], 400),
    ] {
        let asked = Request::post("/v1/files")
            .body(ScriptedBody::new(steps))
            .unwrap();
        assert_eq!(
            service.clone().oneshot(asked).await.unwrap().status(),
            expected
        );
    }
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
