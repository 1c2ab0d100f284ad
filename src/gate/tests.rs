use std::{collections::HashMap, convert::Infallible};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tower_layer::{Identity, Layer};
use tower_service::Service;

use super::*;
use crate::{
    BoxError, Dialect,
    body::{Form, Plain, ReplyLimits},
    json::{Document, Limits},
    reject::Rejection,
    request::LlmBody,
    testing::{Provider, Reply, ScriptedBody, Step, cut, recorded, request},
};

type Answer = Response<Result<Bytes, String>>;

/// Sends a request through both gates; the body comes in pieces.
async fn send(gate: &Gate<Identity>, provider: &Provider, request: Request<Vec<Bytes>>) -> Answer {
    let mut service = gate.layer(provider.clone());
    let response: Result<_, Infallible> = service.call(request.map(ScriptedBody::of)).await;
    let (head, body) = response.unwrap().into_parts();
    let body: Result<_, BoxError> = Plain::collect(body).await;
    Response::from_parts(
        head,
        body.map(http_body_util::Collected::to_bytes)
            .map_err(|error| error.to_string()),
    )
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Vec<Bytes>> {
    Request::post(path).body(vec![body.into()]).unwrap()
}

fn plain() -> Gate<Identity> {
    gate(Identity::new())
}

fn code(answer: &Answer) -> (u16, &'static str) {
    (
        answer.status().as_u16(),
        answer
            .extensions()
            .get::<Rejection>()
            .map_or("", Rejection::code),
    )
}

#[tokio::test]
async fn calls_pass_byte_for_byte_both_ways_streamed_and_whole_in_all_dialects() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            for seed in 0..10 {
                let reply = recorded(dialect, stream);
                let reply = if stream {
                    Reply::events(&reply, seed)
                } else {
                    Reply::json(&reply, seed)
                };
                let provider = Provider::new([reply]);
                let sent = request(dialect, stream);
                let asked = Request::post(dialect.path())
                    .body(cut(&sent, seed))
                    .unwrap();
                let answer = send(&plain(), &provider, asked).await;
                assert_eq!(answer.body(), &Ok(recorded(dialect, stream)));
                let form = if stream {
                    Form::Stream(dialect)
                } else {
                    Form::Whole(dialect)
                };
                assert_eq!(Form::of(&answer), form);
                let seen = provider.seen();
                assert_eq!(seen[0].body, Some(sent.clone()));
                assert_eq!(
                    seen[0].head.headers[header::CONTENT_LENGTH],
                    sent.len().to_string()
                );
                assert_eq!(seen[0].head.headers[header::ACCEPT_ENCODING], "identity");
            }
        }
    }
}

#[tokio::test]
async fn every_recorded_request_of_every_client_passes_byte_for_byte() {
    let mut requests = 0;
    for file in std::fs::read_dir(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/captures"
    ))
    .unwrap()
    {
        let capture = std::fs::read(file.unwrap().path()).unwrap();
        let capture = Document::parse(capture.into(), &Limits::default()).unwrap();
        for recorded in capture.root().get("requests").unwrap().items() {
            let Some(body) = recorded.get("body") else {
                continue;
            };
            let sent = Bytes::copy_from_slice(body.text());
            let target = recorded.get("target").unwrap().as_str().unwrap().decode();
            let mut asked = Request::post(&*target).body(cut(&sent, requests)).unwrap();
            asked
                .headers_mut()
                .insert("accept-encoding", "gzip".parse().unwrap());
            let call = Dialect::of_call(asked.method(), asked.uri().path());
            let provider = Provider::default();
            assert_eq!(send(&plain(), &provider, asked).await.status(), 200);
            let seen = &provider.seen()[0];
            assert_eq!(seen.body, Some(sent));
            let encoding = if call.is_some() { "identity" } else { "gzip" };
            assert_eq!(
                seen.head.headers["accept-encoding"], encoding,
                "only what is read is asked for unpacked"
            );
            requests += 1;
        }
    }
    assert!(requests > 100, "{requests}");
}

#[tokio::test]
async fn what_is_no_call_streams_through_unread() {
    let reply = ScriptedBody::of(["\x1f\u{8b}".into(), "binary".into()]);
    let provider = Provider::new([Reply::new("application/octet-stream", reply)]);
    for (method, path) in [
        (Method::POST, "/v1/embeddings"),
        (Method::GET, "/v1/messages"),
        (Method::POST, "/v1/messages/"),
        (Method::POST, "/v1/%6Dessages"),
        (Method::POST, "//v1/messages"),
        (Method::POST, "/V1/messages"),
    ] {
        let asked = Request::builder()
            .method(&method)
            .uri(path)
            .body(vec!["not json".into()])
            .unwrap();
        let answer = send(&plain(), &provider, asked).await;
        assert_eq!(answer.body(), &Ok("\x1f\u{8b}binary".into()), "{path}");
        assert_eq!(Form::of(&answer), Form::Opaque);
        assert_eq!(provider.seen().pop().unwrap().body, Some("not json".into()));
    }
}

#[tokio::test]
async fn paths_that_are_not_on_the_list_are_refused_with_a_word_that_helps() {
    let relay = Relay::only([
        "GET /v1/models",
        "GET /v1/models/*",
        "POST /v1/messages/count_tokens",
    ])
    .unwrap();
    let gate = plain().with_parse(ParseLayer::new().with_relay(relay));
    let provider = Provider::default();
    for (method, path, allowed) in [
        ("GET", "/v1/models", true),
        ("GET", "/v1/models/a-b.c", true),
        ("GET", "/v1/models?limit=5", true),
        ("POST", "/v1/messages/count_tokens?beta=true", true),
        ("POST", "/v1/messages?beta=true", true),
        ("POST", "/v1/models", false),
        ("GET", "/v1/models/", false),
        ("GET", "/v1/models/..", false),
        ("GET", "/v1/models/a/b", false),
        ("GET", "/v1/models/a%2Fb", false),
        ("POST", "/v1/messages/", false),
        ("POST", "//v1/messages", false),
        ("POST", "/v1/messages/batches", false),
        ("POST", "/v1/messages/./count_tokens", false),
        ("POST", "/v1/%6dessages", false),
        ("POST", "/v1/messages;x", false),
        ("GET", "/", false),
        ("BREW", "/v1/models", false),
    ] {
        let before = provider.seen().len();
        let asked = Request::builder()
            .method(method)
            .uri(path)
            .body(vec!["{}".into()])
            .unwrap();
        let answer = send(&gate, &provider, asked).await;
        assert_eq!(
            provider.seen().len() - before,
            usize::from(allowed),
            "{method} {path}"
        );
        if !allowed {
            assert_eq!(code(&answer), (404, "unpoliced_path"), "{method} {path}");
            let body = String::from_utf8(answer.into_body().unwrap().to_vec()).unwrap();
            assert!(body.contains(path) && body.contains("`relay`"), "{body}");
        }
    }
}

#[test]
fn relay_lists_that_cannot_be_meant_are_refused() {
    for pattern in [
        "/v1/models",
        "get /v1/models",
        "GET v1/models",
        "GET /v1/models?x",
        "GET  ",
        "",
    ] {
        assert!(
            matches!(Relay::only([pattern]), Err(RelayError::NotAPattern(_))),
            "{pattern}"
        );
    }
    assert_eq!(
        Relay::only(["POST /v1/messages"]).unwrap_err().to_string(),
        "\"POST /v1/messages\" is an LLM call: it is always read, and needs not be relayed"
    );
}

#[test]
fn what_asks_for_nothing_is_not_relayed_even_if_everything_else_is() {
    let open = Relay::open();
    assert!(open.allows(&Method::DELETE, "/v1/files/f_1"));
    for (method, path) in [
        (Method::CONNECT, ""),
        (Method::TRACE, "/v1/models"),
        (Method::OPTIONS, "*"),
        (Method::POST, ""),
    ] {
        assert!(!open.allows(&method, path), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_are_counted_as_they_arrive() {
    let gate = plain().with_parse(ParseLayer::new().with_body_limit(1000));
    let provider = Provider::default();
    let padded = |length: usize| -> Bytes { format!("{{{}}}", " ".repeat(length - 2)).into() };
    for (dialect, error) in [
        (Dialect::Anthropic, "request_too_large"),
        (Dialect::Chat, "invalid_request_error"),
    ] {
        let fits = Request::post(dialect.path())
            .body(cut(&padded(1000), 1))
            .unwrap();
        assert_eq!(send(&gate, &provider, fits).await.status(), 200);
        let before = provider.seen().len();
        let exceeds = Request::post(dialect.path())
            .body(cut(&padded(1001), 1))
            .unwrap();
        let answer = send(&gate, &provider, exceeds).await;
        assert_eq!(code(&answer), (413, "request_too_large"));
        assert!(String::from_utf8_lossy(answer.body().as_ref().unwrap()).contains(error));
        assert_eq!(provider.seen().len(), before);
    }
    // Of an unread body the head is long gone; it fails.
    let asked = Request::post("/v1/embeddings")
        .body(cut(&padded(1001), 1))
        .unwrap();
    send(&gate, &provider, asked).await;
    assert_eq!(provider.seen().pop().unwrap().body, None);
    // A length that is announced is refused at once.
    let mut service = gate.layer(provider.clone());
    let announced = Request::post("/v1/embeddings")
        .body(Full::new(padded(1001)))
        .unwrap();
    assert_eq!(service.call(announced).await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_answered() {
    let mut service = plain().layer(Provider::default());
    let lost = ScriptedBody::new([Step::Data(Bytes::from("{")), Step::Wait, Step::Fail]);
    let response = service
        .call(Request::post("/v1/messages").body(lost).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn compressed_requests_and_websockets_are_refused_at_once() {
    let provider = Provider::default();
    for encoding in ["gzip", "zstd", "identity, gzip"] {
        let mut asked = post("/v1/responses", "{}");
        asked
            .headers_mut()
            .insert("content-encoding", encoding.parse().unwrap());
        assert_eq!(
            code(&send(&plain(), &provider, asked).await),
            (415, "unsupported_encoding")
        );
    }
    let mut asked = post("/v1/responses", "{}");
    asked
        .headers_mut()
        .insert("content-encoding", "Identity".parse().unwrap());
    assert_eq!(send(&plain(), &provider, asked).await.status(), 200);
    let upgrade = Request::get("/v1/responses")
        .header("connection", "upgrade")
        .header("upgrade", "websocket");
    let answer = send(&plain(), &provider, upgrade.body(vec![]).unwrap()).await;
    assert_eq!(code(&answer), (426, "upgrade_required"));
    // Another path's upgrade is none of our business.
    let upgrade = Request::get("/live").header("upgrade", "websocket");
    assert_eq!(
        send(&plain(), &provider, upgrade.body(vec![]).unwrap())
            .await
            .status(),
        200
    );
    assert_eq!(provider.seen().len(), 2);
    // Nor is what a call offers and does not insist on: Java's client does so with its first request.
    let offer = Request::post("/v1/messages").header("upgrade", "h2c");
    let answer = send(&plain(), &provider, offer.body(vec!["{}".into()]).unwrap()).await;
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_for_its_reason() {
    use std::io::{Error, ErrorKind};
    for (kind, expected) in [
        (ErrorKind::TimedOut, (408, "request_timeout")),
        (ErrorKind::UnexpectedEof, (400, "client_gone")),
        (ErrorKind::ConnectionReset, (400, "client_gone")),
        (ErrorKind::InvalidInput, (400, "invalid_request")),
    ] {
        let rejection = Rejection::unreadable(&Error::from(kind));
        let found = (rejection.kind().status().as_u16(), rejection.code());
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_read_in_one_way_never_reaches_the_provider() {
    let provider = Provider::default();
    let gate = plain().with_parse(ParseLayer::new().with_json_limits(Limits {
        depth: 64,
        values: 1000,
    }));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!("{{\"a\":[{}1]}}", "1,".repeat(1000));
    for (body, expected) in [
        (
            Bytes::from_static(br#"{"messages":[1],"messages":[3]}"#),
            "ambiguous_json",
        ),
        (
            Bytes::from_static(br#"{"tools":[1],"t\u006fols":[2]}"#),
            "ambiguous_json",
        ),
        (Bytes::from_static(b"\xEF\xBB\xBF{}"), "invalid_json"),
        (Bytes::from_static(b"\xFE\xFF\0{\0}"), "invalid_json"),
        (Bytes::from_static(b""), "invalid_json"),
        (deep.into(), "invalid_json"),
        (wide.into(), "invalid_json"),
    ] {
        assert_eq!(
            code(&send(&gate, &provider, post("/v1/messages", body)).await),
            (400, expected)
        );
    }
    let fits = format!("{{\"a\":{}{}}}", "[".repeat(63), "]".repeat(63));
    assert_eq!(
        send(&gate, &provider, post("/v1/messages", fits))
            .await
            .status(),
        200
    );
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test]
async fn what_arrives_decides_over_what_was_asked_for() {
    let forms = HashMap::from([
        (("text/event-stream", 200, false), true),
        (("Text/Event-Stream;charset=UTF-8", 200, false), true),
        (("application/json", 200, true), false),
        (("text/plain", 200, true), true),
        (("text/plain", 200, false), false),
        (("text/html", 502, true), false),
        (("text/event-stream", 429, true), true),
    ]);
    for ((kind, status, stream), is_stream) in forms {
        let reply = Reply::new(kind, ScriptedBody::of([]))
            .with_status(StatusCode::from_u16(status).unwrap());
        let asked = post("/v1/chat/completions", request(Dialect::Chat, stream));
        let answer = send(&plain(), &Provider::new([reply]), asked).await;
        let expected = if is_stream {
            Form::Stream(Dialect::Chat)
        } else {
            Form::Whole(Dialect::Chat)
        };
        assert_eq!(Form::of(&answer), expected, "{kind} {status} {stream}");
    }
}

#[tokio::test]
async fn an_error_of_the_provider_passes_with_status_headers_and_bytes() {
    for body in [
        "{\"error\":{\"message\":\"m\",\"new\":1}}",
        "<html>Bad Gateway</html>",
        "",
    ] {
        let mut reply =
            Reply::json(&body.into(), 1).with_status(StatusCode::from_u16(529).unwrap());
        for (name, value) in [
            ("retry-after", "7"),
            ("request-id", "req_1"),
            ("x-should-retry", "true"),
        ] {
            reply
                .response
                .headers_mut()
                .insert(name, value.parse().unwrap());
        }
        let answer = send(
            &plain(),
            &Provider::new([reply]),
            post("/v1/messages", request(Dialect::Anthropic, true)),
        )
        .await;
        assert_eq!(answer.status(), 529);
        assert_eq!(answer.headers()["retry-after"], "7");
        assert_eq!(answer.headers()["request-id"], "req_1");
        assert_eq!(answer.headers()["x-should-retry"], "true");
        assert_eq!(answer.body(), &Ok(body.into()));
    }
}

#[tokio::test]
async fn a_reply_that_nobody_could_read_is_refused() {
    let mut reply = Reply::json(&"xx".into(), 1);
    reply
        .response
        .headers_mut()
        .insert("content-encoding", "br".parse().unwrap());
    let provider = Provider::new([reply]);
    let answer = send(&plain(), &provider, post("/v1/messages", "{}")).await;
    assert_eq!(code(&answer), (502, "encoded_reply"));
    let answer = send(
        &plain(),
        &provider,
        Request::get("/v1/files").body(vec![]).unwrap(),
    )
    .await;
    assert_eq!(
        (answer.status().as_u16(), answer.body()),
        (200, &Ok("xx".into()))
    );
}

#[tokio::test]
async fn limits_of_replies_are_settings() {
    let limits = ReplyLimits {
        event: 100,
        whole: 100,
        ..ReplyLimits::default()
    };
    let gate = plain().with_decode(DecodeLayer::new().with_limits(limits));
    let long = Bytes::from(format!("[{}1]", "1,".repeat(100)));
    let answer = send(
        &gate,
        &Provider::new([Reply::json(&long, 1)]),
        post("/v1/messages", "{}"),
    )
    .await;
    assert_eq!(
        answer.body(),
        &Err("the reply is longer than 100 bytes".into())
    );
    let answer = send(
        &gate,
        &Provider::new([Reply::events(&long, 1)]),
        post("/v1/messages", "{}"),
    )
    .await;
    assert!(String::from_utf8_lossy(answer.body().as_ref().unwrap()).starts_with("event: error\n"));
}

#[test]
fn gates_fit_into_any_stack() {
    fn fits<T: Clone + Send + Sync + 'static>(_: T) {}
    fits(plain().layer(Provider::default()));
    fn future<S: Service<Request<Full<Bytes>>>>(mut service: S) -> S::Future {
        service.call(Request::new(Full::default()))
    }
    fn sends<T: Send + 'static>(_: T) {}
    sends(future(plain().layer(Provider::default())));
    let _: fn(LlmBody) -> Option<Dialect> = |body| body.dialect();
}
