//! Providers whose bytes could be taken in more than one way, or in none.

use super::*;

/// A provider that writes these bytes to everybody who asks, and keeps its connections.
async fn writing(bytes: impl Into<Vec<u8>>) -> Provider {
    let bytes = std::sync::Arc::new(bytes.into());
    Provider::start(move |_, mut wire| {
        let bytes = bytes.clone();
        async move {
            wire.write(&bytes).await?;
            Ok(Some(wire))
        }
    })
    .await
}

#[tokio::test]
async fn what_goes_before_a_response_is_dropped() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\n\
                  HTTP/1.1 102 Processing\r\nx-early: 1\r\n\r\n\
                  HTTP/1.1 103 Early Hints\r\nlink: </x>\r\nset-cookie: early=1\r\n\r\n\
                  HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let bad = writing(answer).await;
    let scene = Scene::before(&bad, "").await;
    for dialect in Dialect::ALL {
        let mut client = Client::connect(scene.sidecar.agents).await;
        client.write(&asked(dialect, false)).await.unwrap();
        let first = within("a response", client.read.any_response(false)).await;
        let (got, _) = first.unwrap();
        assert_eq!((got.status(), got.text()), (200, "{}"));
        for name in ["x-early", "link", "set-cookie"] {
            assert_eq!(got.header(name), None);
        }
    }
    assert_eq!(bad.connections(), 1, "there is nothing wrong with it");
    scene.goes_on().await;
}

#[tokio::test]
async fn a_provider_that_never_comes_to_its_response_is_left_at_the_deadline() {
    let (mut closed, bad) = until_closed(|_, mut wire| async move {
        loop {
            wire.write(&b"HTTP/1.1 102 Processing\r\nx-early: 1\r\n\r\n".repeat(1000))
                .await?;
        }
    })
    .await;
    let scene = Scene::before(&bad, "deadlines: { first_byte: 500ms }").await;
    let before = scene.sidecar.memory();
    let got = scene.ask(&asked(Dialect::Chat, true)).await;
    got.refused(Dialect::Chat, 504);
    within("the provider is left alone", closed.recv())
        .await
        .unwrap();
    scene.uses_little_more_than(before, 0);
    scene.goes_on().await;
}

#[tokio::test]
async fn another_protocol_is_not_gone_over_to() {
    let bad = writing(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: evil\r\n\r\nevil",
    )
    .await;
    let scene = Scene::before(&bad, "").await;
    for (dialect, stream) in calls() {
        let got = scene.ask(&asked(dialect, stream)).await;
        got.refused(dialect, 502);
    }
    assert_eq!(bad.connections(), 6, "none is used again");
    scene.goes_on().await;
}

#[tokio::test]
async fn trailers_are_dropped() {
    const TRAILERS: &str =
        "0\r\nx-late: 1\r\nset-cookie: late=1\r\ncontent-length: 3\r\nrequest-id: late\r\n\r\n";
    let bad = Provider::start(|request, mut wire| async move {
        let stream = request.text().contains("\"stream\":true");
        let kind = if stream { "text/event-stream" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntrailer: x-late\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        wire.write(head.as_bytes()).await?;
        match request.method() {
            "POST" => wire.chunk(&recorded(dialect_of(&request), stream)).await?,
            _ => wire.chunk(b"{}").await?,
        }
        wire.write(TRAILERS.as_bytes()).await?;
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    let closing = "connection: close\r\nte: trailers\r\n";
    let mut requests: Vec<_> = calls()
        .map(|(dialect, stream)| post(dialect.path(), closing, &request(dialect, stream)))
        .collect();
    requests.push(format!("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n{closing}\r\n").into());
    for request in requests {
        let mut client = Client::connect(scene.sidecar.agents).await;
        client.write(&request).await.unwrap();
        let got = within("a response", client.read.rest()).await.unwrap();
        let got = String::from_utf8(got).unwrap();
        assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
        assert!(!got.contains("late"), "{got}");
    }
    assert_eq!(bad.connections(), 1, "there is nothing wrong with it");
    scene.goes_on().await;
}

#[tokio::test]
async fn a_head_that_cannot_be_understood_or_in_two_ways_is_answered_with_502_and_never_asked_on() {
    let json = "content-type: application/json\r\n";
    let ok = format!("HTTP/1.1 200 OK\r\n{json}");
    for answer in [
        // Two lengths, or a length and chunks.
        format!("{ok}content-length: 2\r\ncontent-length: 7\r\n\r\n{{}}evil!"),
        format!("{ok}content-length: 2, 7\r\n\r\n{{}}evil!"),
        format!(
            "{ok}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
        ),
        format!(
            "{ok}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        ),
        format!("{ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{ok}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("{ok}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{ok}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\n{{}}"),
        format!("HTTP/1.0 200 OK\r\n{json}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        // No length.
        format!("{ok}content-length: -2\r\n\r\n{{}}"),
        format!("{ok}content-length: +2\r\n\r\n{{}}"),
        format!("{ok}content-length: 0x2\r\n\r\n{{}}"),
        format!("{ok}content-length: 99999999999999999999999\r\n\r\n{{}}"),
        // No head.
        "SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned(),
        "HTTP/2.0 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 two hundred\r\n\r\n".to_owned(),
        "{\"error\":\"no head at all\"}\r\n\r\n".to_owned(),
        format!("{ok}a line without a colon\r\n\r\n{{}}"),
        format!("{ok}x-nul: a\0b\r\ncontent-length: 2\r\n\r\n{{}}"),
        format!("{ok}x-folded: a\r\n b\r\ncontent-length: 2\r\n\r\n{{}}"),
        format!("{ok}content-length : 2\r\n\r\n{{}}"),
        // Too much of a head.
        format!(
            "{ok}{}content-length: 2\r\n\r\n{{}}",
            "x-one-more: 1\r\n".repeat(1000)
        ),
        format!(
            "{ok}x-long: {}\r\ncontent-length: 2\r\n\r\n{{}}",
            "x".repeat(1 << 20)
        ),
    ] {
        let bad = writing(answer.clone()).await;
        let scene = Scene::before(&bad, "").await;
        for (dialect, stream) in calls() {
            let got = scene.ask(&asked(dialect, stream)).await;
            let said: String = answer.chars().take(200).collect();
            let got = got.0.unwrap_or_else(|error| panic!("{said}: {error}"));
            assert_eq!(got.0.status(), 502, "{said}");
            let got = Got(Ok(got)).refused(dialect, 502);
            assert!(!got.text().contains("evil"), "{}", got.text());
        }
        assert_eq!(scene.ask(MODELS).await.whole().status(), 502);
        assert_eq!(bad.connections(), 7, "none is used again: {answer}");
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn bytes_after_a_response_reach_nobody() {
    let evil =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\n\r\n\"evil\"";
    let json = "content-type: application/json\r\n";
    for (answer, status, body) in [
        (
            format!("HTTP/1.1 200 OK\r\n{json}content-length: 2\r\n\r\n{{}}{evil}"),
            200,
            "{}",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{json}content-length: 2\r\n\r\n{{}}\r\n\r\n{evil}"),
            200,
            "{}",
        ),
        (
            format!("HTTP/1.1 429 X\r\n{json}content-length: 0\r\n\r\n{evil}"),
            429,
            "",
        ),
        (format!("HTTP/1.1 204 X\r\n\r\n{evil}"), 204, ""),
        (
            format!("HTTP/1.1 304 X\r\ncontent-length: 6\r\n\r\n{evil}"),
            304,
            "",
        ),
        (
            format!(
                "HTTP/1.1 200 OK\r\n{json}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{evil}"
            ),
            200,
            "{}",
        ),
    ] {
        let bad = writing(answer).await;
        let scene = Scene::before(&bad, "").await;
        // Each client asks twice on its connection.
        for dialect in Dialect::ALL {
            let mut client = Client::connect(scene.sidecar.agents).await;
            for _ in 0..2 {
                let got = client.ask(&asked(dialect, false)).await;
                assert_eq!((got.status(), got.text()), (status, body));
            }
            let got = client.ask(MODELS).await;
            assert_eq!((got.status(), got.text()), (status, body));
        }
        assert_eq!(bad.connections(), 9, "none is used again");
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn the_body_of_a_reply_to_head_reaches_nobody() {
    let bad = Provider::start(|request, mut wire| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\n\r\n";
        wire.write(head.as_bytes()).await?;
        wire.write(if request.method() == "HEAD" {
            b"\"evil\""
        } else {
            b"\"good\""
        })
        .await?;
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    let mut client = Client::connect(scene.sidecar.agents).await;
    for _ in 0..3 {
        let head = b"HEAD /api/hello HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client.write(head).await.unwrap();
        let (head, _) = within("a response", client.read.response(true))
            .await
            .unwrap();
        assert_eq!(
            (head.status(), head.header("content-length")),
            (200, Some("6"))
        );
        assert_eq!(client.ask(MODELS).await.text(), "\"good\"");
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn chunks_that_are_none_break_the_transfer() {
    for chunks in [
        "fffffffffffffffff\r\n{}",
        "ffffffffffffffff\r\n{}",
        "-2\r\n{}\r\n0\r\n\r\n",
        "two\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
    ] {
        for (dialect, stream) in calls() {
            let kind = if stream {
                "text/event-stream"
            } else {
                "application/json"
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            let bad = Provider::raw(head + chunks).await;
            let scene = Scene::before(&bad, "").await;
            let name = format!("{dialect}-{stream}");
            let asked = call(dialect, stream, &name);
            scene.ask(&asked).await.broken();
            assert_eq!(scene.line_with("model", &name).await["end"], "failed");
            scene.goes_on().await;
        }
    }
}
