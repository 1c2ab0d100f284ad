//! Requests that are too large: heads, targets, bodies.

use crate::support::{
    client::{Client, ask, post},
    good::{self, call, goes_on, refused},
    replies::Dialect,
    sidecar::Sidecar,
    within,
};

const MOST: usize = 32 << 20;

/// A call with a body of this length.
fn long(length: usize) -> Vec<u8> {
    let (start, end) = (br#"{"model":"m","x":""#, br#""}"#);
    let filling = vec![b'x'; length - start.len() - end.len()];
    [&start[..], &filling, end].concat()
}

/// The same request with its body in chunks.
fn chunked(target: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut request = head.into_bytes();
    for chunk in body.chunks(1 << 20) {
        request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_the_connection_closed() {
    let many = |count: usize| {
        (0..count)
            .map(|n| format!("x-{n}: v\r\n"))
            .collect::<String>()
    };
    let long = |length: usize| format!("x-long: {}\r\n", "v".repeat(length));
    let query = |length: usize| format!("?{}", "q".repeat(length));
    for (settings, target, headers, expected) in [
        ("", String::new(), long(60 << 10), 200),
        ("", String::new(), long(65 << 10), 431),
        ("", String::new(), long(1 << 20), 431),
        ("", String::new(), many(97), 200),
        ("", String::new(), many(98), 431),
        ("", String::new(), many(10_000), 431),
        ("", query(60 << 10), String::new(), 200),
        ("", query(70 << 10), String::new(), 431),
        (
            "limits: { headers: 256KiB }",
            query(65_534),
            String::new(),
            414,
        ),
        (
            "limits: { headers: 256KiB }",
            query(65_000),
            long(100 << 10),
            200,
        ),
        (
            "limits: { headers: 8KiB }",
            String::new(),
            long(9 << 10),
            431,
        ),
    ] {
        let (provider, sidecar) = good::pair(settings).await;
        let target = format!("/v1/messages{target}");
        let mut client = Client::connect(sidecar.agents).await;
        let response = client.ask(&post(&target, &headers, b"{}")).await;
        let sizes = (target.len(), headers.len());
        assert_eq!(response.status(), expected, "{settings} {sizes:?}");
        if expected == 200 {
            assert_eq!(provider.only().target(), target);
        } else {
            let rest = within("the end", client.read.rest()).await.unwrap();
            assert_eq!((provider.connections(), rest), (0, vec![]));
        }
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_refused_as_soon_as_it_is_too_large() {
    let (provider, sidecar) = good::pair("").await;
    for start in [
        "POST /v1/messages",
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx: ",
    ] {
        let endless = start.to_owned() + &"x".repeat(70 << 10);
        assert_eq!(ask(sidecar.agents, endless.as_bytes()).await.status(), 431);
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_body_of_32_mib_passes_and_one_byte_more_does_not() {
    let (provider, sidecar) = good::pair("").await;
    let (fits, too_long) = (long(MOST), long(MOST + 1));
    for target in ["/v1/messages", "/v1/embeddings"] {
        let dialect = Dialect::of_client(target, &http::HeaderMap::new());
        for request in [post(target, "", &fits), chunked(target, &fits)] {
            assert_eq!(ask(sidecar.agents, &request).await.status(), 200);
            assert!(provider.last().body == fits);
        }
        let before = provider.count();
        for request in [post(target, "", &too_long), chunked(target, &too_long)] {
            let response = ask(sidecar.agents, &request).await;
            refused(&sidecar, &response, dialect, 413, "request_too_large").await;
        }
        assert_eq!(provider.count(), before);
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_body_that_announces_to_be_too_large_is_refused_before_it_is_sent() {
    let (provider, sidecar) = good::pair("").await;
    for dialect in Dialect::ALL {
        let path = dialect.path();
        for length in [MOST as u64 + 1, u64::MAX >> 1] {
            let mut client = Client::connect(sidecar.agents).await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
            );
            client.write(head.as_bytes()).await.unwrap();
            let (first, _) = within("an answer", client.read.any_response(false))
                .await
                .unwrap();
            refused(&sidecar, &first, dialect, 413, "request_too_large").await;
        }
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn whoever_still_sends_when_he_is_refused_hears_why() {
    // A connection that is closed while the other side sends is reset, and the answer is lost.
    let (provider, sidecar) = good::pair("").await;
    let body = vec![b' '; MOST + 1];
    for (target, headers, status, code) in [
        ("/v1/messages", "", 413, "request_too_large"),
        ("/v1/messages/", "", 404, "unpoliced_path"),
        (
            "/v1/messages",
            "content-encoding: gzip\r\n",
            415,
            "unsupported_encoding",
        ),
        (
            "/v1/messages",
            "origin: https://evil.example\r\n",
            403,
            "cross_origin",
        ),
    ] {
        let body = if status == 413 {
            &body[..]
        } else {
            &body[..MOST]
        };
        let mut client = Client::connect(sidecar.agents).await;
        let response = client.ask(&post(target, headers, body)).await;
        refused(&sidecar, &response, Dialect::Anthropic, status, code).await;
        let rest = within("the end", client.read.rest()).await.unwrap();
        assert_eq!(rest, b"");
    }
    assert_eq!(provider.connections(), 0);

    let upstream = format!("{{ url: {}, credential: none }}", provider.url());
    let config = format!("upstreams: {{ mock: {upstream} }}\nidentity: {{ mode: keys }}\n");
    let strict = Sidecar::start(&config).await;
    let response = ask(strict.agents, &call(Dialect::Anthropic, &body[..MOST])).await;
    refused(
        &strict,
        &response,
        Dialect::Anthropic,
        401,
        "invalid_api_key",
    )
    .await;
    goes_on(&provider, &sidecar).await;
}
