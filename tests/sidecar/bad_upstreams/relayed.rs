//! What a provider says is passed on as it was said.

use super::*;
use crate::support::replies::events;

/// Headers that clients go by, and some that nobody knows yet.
const HEADERS: [&str; 24] = [
    "request-id: req_011CSHoEeqs5C35K2UUqR7Fy",
    "x-request-id: req_f4a0",
    "anthropic-organization-id: 00000000-0000-4000-8000-000000000000",
    "anthropic-ratelimit-requests-limit: 50",
    "anthropic-ratelimit-requests-remaining: 0",
    "anthropic-ratelimit-requests-reset: 2026-11-21T07:28:00Z",
    "anthropic-ratelimit-input-tokens-remaining: 39000",
    "anthropic-ratelimit-unified-5h-status: allowed",
    "x-ratelimit-limit-requests: 60",
    "x-ratelimit-remaining-tokens: 149984",
    "x-ratelimit-reset-requests: 1s",
    "openai-processing-ms: 17",
    "openai-version: 2020-10-01",
    "openai-organization: org",
    "x-should-retry: false",
    "retry-after-ms: 1500",
    "cf-ray: 8f1-FRA",
    "server: provider/1",
    "location: http://127.0.0.1:1/elsewhere",
    "www-authenticate: Bearer realm=\"x\"",
    "x-brand-new: a",
    "x-brand-new: b, c",
    "set-cookie: a=1; Path=/; HttpOnly",
    "set-cookie: b=2, c=3",
];

const ERRORS: [&str; 5] = [
    r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down","details":{"error_code":12345678901234567890123}},"request_id":null,"new":[1e2,-0,"\ud800"],"new":2}"#,
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>Gr\u{fc}\u{df}e</body></html>\r\n",
    "",
    "{\"error\":",
    "upstream connect error or disconnect/reset before headers",
];

#[tokio::test]
async fn errors_arrive_with_status_headers_and_body_to_the_byte() {
    let bad = Provider::start(|request, mut wire| async move {
        let number = |name| request.header(name).unwrap().parse::<usize>().unwrap();
        let retry = [
            "retry-after: 7",
            "retry-after: Wed, 21 Oct 2026 07:28:00 GMT",
        ];
        let lines = HEADERS.iter().chain([&retry[number("x-retry")]]);
        let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
        let status = u16::try_from(number("x-status")).unwrap();
        wire.whole(status, &headers, ERRORS[number("x-error")].as_bytes())
            .await?;
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&bad, "breaker: { enabled: false }").await;
    let statuses = [
        300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 451,
        500, 502, 503, 504, 520, 529, 599,
    ];
    for (place, status) in statuses.into_iter().enumerate() {
        let (error, retry) = (place % ERRORS.len(), place % 2);
        for (dialect, stream) in calls() {
            let asking = format!("x-status: {status}\r\nx-error: {error}\r\nx-retry: {retry}\r\n");
            let asked = post(dialect.path(), &asking, &request(dialect, stream));
            let got = scene.ask(&asked).await.whole();
            assert_eq!(got.status(), status);
            assert_eq!(got.text(), ERRORS[error]);
            let retry = [
                "retry-after: 7",
                "retry-after: Wed, 21 Oct 2026 07:28:00 GMT",
            ][retry];
            for line in HEADERS.iter().chain([&retry]) {
                let (name, value) = line.split_once(": ").unwrap();
                assert!(
                    got.all(name).contains(&value),
                    "{line}: {:?}",
                    got.all(name)
                );
            }
            assert_eq!(got.all("set-cookie"), ["a=1; Path=/; HttpOnly", "b=2, c=3"]);
            assert_eq!(got.all("x-brand-new"), ["a", "b, c"]);
            assert_eq!(scene.line(&got).await["end"], "complete");
        }
    }
    assert_eq!(bad.connections(), 1, "errors are no reason to hang up");
    assert_eq!(
        bad.seen().len(),
        6 * statuses.len(),
        "and nothing is asked twice"
    );
    scene.goes_on().await;
}

#[tokio::test]
async fn the_headers_of_a_stream_and_of_what_is_relayed_unread_arrive_too() {
    let bad = Provider::start(|request, mut wire| async move {
        let headers: String = HEADERS.iter().map(|line| format!("{line}\r\n")).collect();
        if request.method() == "POST" {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                        cache-control: no-cache\r\ntransfer-encoding: chunked\r\n";
            wire.write(format!("{head}{headers}\r\n").as_bytes())
                .await?;
            wire.chunk(&recorded(dialect_of(&request), true)).await?;
            wire.end().await?;
        } else {
            wire.whole(200, &headers, b"{}").await?;
        }
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    let streams = Dialect::ALL.map(|dialect| asked(dialect, true));
    for asked in streams.into_iter().chain([MODELS.to_vec()]) {
        let got = scene.ask(&asked).await.whole();
        for line in HEADERS {
            let (name, value) = line.split_once(": ").unwrap();
            assert!(got.all(name).contains(&value), "{line}");
        }
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn a_redirect_is_the_clients_to_follow() {
    let elsewhere = Provider::saying(200, "", "{}").await;
    let target = elsewhere.url();
    let bad = Provider::start(move |_, mut wire| {
        let location = format!("location: {target}/v1/messages\r\n");
        async move {
            wire.whole(307, &location, b"").await?;
            Ok(Some(wire))
        }
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    for (dialect, stream) in calls() {
        let got = scene.ask(&asked(dialect, stream)).await.whole();
        assert_eq!(got.status(), 307);
        assert!(
            got.header("location")
                .unwrap()
                .starts_with(&elsewhere.url())
        );
    }
    assert_eq!(elsewhere.connections(), 0);
    scene.goes_on().await;
}

#[tokio::test]
async fn bodies_that_are_no_text_arrive_to_the_byte() {
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let multipart = [
        b"--x\r\ncontent-disposition: form-data; name=\"f\"\r\n\r\n",
        &every_byte[..1000],
        b"\r\n--x--\r\n",
    ]
    .concat();
    for (kind, body) in [
        ("audio/mpeg", every_byte.clone()),
        ("application/octet-stream", every_byte),
        ("multipart/form-data; boundary=x", multipart),
        (
            "application/json",
            b"\xef\xbb\xbf{\"a\":\"\xff\xfe\"}".to_vec(),
        ),
        ("text/plain", vec![]),
    ] {
        let (length, chunked) = (body.clone(), body.clone());
        let bad = Provider::start(move |request, mut wire| {
            let (length, chunked) = (length.clone(), chunked.clone());
            async move {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n");
                if request.target().ends_with("chunked") {
                    let head = format!("{head}transfer-encoding: chunked\r\n\r\n");
                    wire.write(head.as_bytes()).await?;
                    for piece in chunked.chunks(777) {
                        wire.chunk(piece).await?;
                    }
                    wire.end().await?;
                } else {
                    wire.whole(200, &format!("content-type: {kind}\r\n"), &length)
                        .await?;
                }
                Ok(Some(wire))
            }
        })
        .await;
        let scene = Scene::before(
            &bad,
            "relay: [\"GET /v1/files/*/content\", \"POST /v1/files\"]",
        )
        .await;
        let mut client = Client::connect(scene.sidecar.agents).await;
        for asked in [
            b"GET /v1/files/f/content HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
            b"GET /v1/files/f/content?chunked HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
            post("/v1/files", "", &body),
            // A whole reply to a call is no different.
            asked(Dialect::Chat, false),
        ] {
            let got = client.ask(&asked).await;
            assert_eq!(
                (got.header("content-type"), got.body.clone()),
                (Some(kind), body.clone())
            );
        }
        assert_eq!(bad.seen()[2].body, body);
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn a_reply_that_is_no_json_or_no_stream_arrives_as_it_came() {
    for (stream, body) in [
        (false, "{\"id\":\"msg_1\",\"content\":["),
        (false, "not json"),
        (false, "{\"a\":1}{\"a\":2}"),
        (false, "{\"a\":1,\"a\":2}"),
        (false, "\u{feff}{}"),
        (
            true,
            "data: {\"type\":\"content_block_del\n\ndata: [DONE]\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\nevent: error\ndata: {\"type\":\"error\"}\n\n",
        ),
        (
            true,
            "event: a_new_one\nid: 7\nretry: 10\ndata: {\"type\":\"a_new_one\",\"x\":[]}\n\n: comment\r\n\r\ndata:no space\rdata: 2\r\rfield\n\n\n\ndata: [DONE]\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\nevent: error\ndata: {\"type\":\"error\"}\n\n",
        ),
        // A delta without a start, text after the stop.
        (
            true,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":9,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"late\"}}\n\nevent: error\ndata: {\"type\":\"error\"}\n\n",
        ),
    ] {
        let bad = Provider::start(move |_, mut wire| async move {
            if stream {
                wire.streamed(body.as_bytes().chunks(7)).await?;
            } else {
                wire.json(200, body.as_bytes()).await?;
            }
            Ok(Some(wire))
        })
        .await;
        let scene = Scene::before(&bad, "").await;
        for (dialect, asked_for) in calls() {
            // What arrives decides, not what was asked for.
            let got = scene.ask(&asked(dialect, asked_for)).await.whole();
            assert_eq!((got.status(), got.text()), (200, body));
        }
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn errors_that_a_provider_sends_inside_a_stream_arrive_as_they_are() {
    for (dialect, error) in [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"details\":{\"error_code\":7},\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        ),
        (
            Dialect::Chat,
            "data: {\"error\":{\"message\":\"The server had an error\",\"new\":1}}\n\n",
        ),
        (
            Dialect::Responses,
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n",
        ),
    ] {
        let sent = [&events(dialect)[0], error.as_bytes()].concat();
        let reply = sent.clone();
        let bad = Provider::start(move |_, mut wire| {
            let reply = reply.clone();
            async move {
                wire.streamed([reply]).await?;
                Ok(Some(wire))
            }
        })
        .await;
        let scene = Scene::before(&bad, "").await;
        let got = scene.ask(&asked(dialect, true)).await.whole();
        assert_eq!(got.body, sent);
        scene.goes_on().await;
    }
}
