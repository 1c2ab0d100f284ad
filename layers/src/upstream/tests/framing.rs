//! Replies that break off, are framed ambiguously, or come after interim ones.

use super::*;

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
