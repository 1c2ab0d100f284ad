//! Where a request ends. Two readers that do not agree let one request hide in another.

use crate::support::{
    client::{Client, post},
    good::{self, goes_on},
    http1::Message,
    within,
};

const BODY: &str = r#"{"model":"m","messages":[]}"#;

/// [`BODY`] as chunks.
const CHUNKS: &str = "1b\r\n{\"model\":\"m\",\"messages\":[]}\r\n0\r\n\r\n";

/// A request that must not be seen by anybody.
const HIDDEN: &str =
    "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-hidden: 1\r\ncontent-length: 2\r\n\r\n{}";

/// A call with these header lines and this body.
fn with(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n{body}").into_bytes()
}

/// It came as the one request that it was understood to be, framed anew.
fn assert_plain(seen: &Message) {
    assert_eq!(seen.text(), BODY);
    assert_eq!(seen.all("content-length"), ["27"]);
    assert_eq!(seen.header("transfer-encoding"), None);
    let head = std::str::from_utf8(&seen.head).unwrap();
    assert_eq!(head.matches('\n').count(), head.matches("\r\n").count());
    assert_eq!(head.matches('\r').count(), head.matches("\r\n").count());
}

#[tokio::test]
async fn a_request_whose_end_is_not_certain_is_refused_and_its_connection_closed() {
    let (provider, sidecar) = good::pair("").await;
    for (headers, body) in [
        // Two lengths, or one that is none.
        ("content-length: 27\r\ncontent-length: 5\r\n", BODY),
        ("content-length: 5\r\ncontent-length: 27\r\n", BODY),
        ("content-length: 27, 27\r\n", BODY),
        ("content-length: 27, 5\r\n", BODY),
        ("content-length: 27 5\r\n", BODY),
        ("content-length: +27\r\n", BODY),
        ("content-length: -1\r\n", BODY),
        ("content-length: 0x1b\r\n", BODY),
        ("content-length: 2_7\r\n", BODY),
        ("content-length: 27.0\r\n", BODY),
        ("content-length: \r\n", BODY),
        ("content-length: \u{664}\r\n", BODY),
        ("content-length: 18446744073709551643\r\n", BODY),
        // Codings that are not understood, or not by everybody.
        ("transfer-encoding: xchunked\r\n", CHUNKS),
        ("transfer-encoding: chunked, x\r\n", CHUNKS),
        ("transfer-encoding: gzip, chunked\r\n", CHUNKS),
        ("transfer-encoding: chunked, chunked\r\n", CHUNKS),
        ("transfer-encoding: identity\r\n", CHUNKS),
        (
            "transfer-encoding: identity\r\ncontent-length: 27\r\n",
            BODY,
        ),
        ("transfer-encoding: \"chunked\"\r\n", CHUNKS),
        ("transfer-encoding: \u{b}chunked\r\n", CHUNKS),
        ("transfer-encoding: chunked\u{b}\r\n", CHUNKS),
        ("transfer-encoding: chunked;q=1\r\n", CHUNKS),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            CHUNKS,
        ),
        (
            "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
            CHUNKS,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            CHUNKS,
        ),
        ("transfer-encoding:\r\n chunked\r\n", CHUNKS),
        ("transfer-encoding: chunked\0\r\n", CHUNKS),
        // Names that are none.
        ("transfer-encoding : chunked\r\n", CHUNKS),
        ("content-length : 27\r\n", BODY),
        ("content-length\t: 27\r\n", BODY),
        (" content-length: 27\r\n", BODY),
        ("content length: 27\r\n", BODY),
        (": 27\r\n", BODY),
        ("content-length\r\n", BODY),
        ("x\0: 1\r\ncontent-length: 27\r\n", BODY),
        // Values that go on, or break off.
        ("x: a\r\n b\r\ncontent-length: 27\r\n", BODY),
        (
            "x: a\r\n\tcontent-length: 5\r\ncontent-length: 27\r\n",
            BODY,
        ),
        ("x: a\rcontent-length: 5\r\ncontent-length: 27\r\n", BODY),
        ("x: a\0\r\ncontent-length: 27\r\n", BODY),
        // Chunks that are none.
        ("transfer-encoding: chunked\r\n", "0x1b\r\n"),
        ("transfer-encoding: chunked\r\n", "+1b\r\n"),
        ("transfer-encoding: chunked\r\n", "-1b\r\n"),
        ("transfer-encoding: chunked\r\n", " 1b\r\n"),
        ("transfer-encoding: chunked\r\n", "\r\n"),
        ("transfer-encoding: chunked\r\n", "1b\n"),
        ("transfer-encoding: chunked\r\n", "1b;a\n"),
        ("transfer-encoding: chunked\r\n", "1b;a\rb\r\n"),
        ("transfer-encoding: chunked\r\n", "1000000000000001b\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{} \r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\n\n"),
        (
            "transfer-encoding: chunked\r\n",
            "2\r\n{}\r\n0\r\nx y\r\n\r\n",
        ),
    ] {
        let mut client = Client::connect(sidecar.agents).await;
        let whole = [&with(headers, body)[..], HIDDEN.as_bytes()].concat();
        let response = client.ask(&whole).await;
        assert_eq!(response.status(), 400, "{headers:?} {body:?}");
        let rest = within("the end", client.read.rest()).await.unwrap();
        assert_eq!(rest, b"", "{headers:?} {body:?}");
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_first_line_that_is_none_is_refused_and_its_connection_closed() {
    let (provider, sidecar) = good::pair("relay: open").await;
    for first in [
        "POST  /v1/messages HTTP/1.1",
        "POST /v1/messages  HTTP/1.1",
        "POST\t/v1/messages HTTP/1.1",
        "POST /v1/messages\tHTTP/1.1",
        "POST /v1/ messages HTTP/1.1",
        "POST /v1/messages\0 HTTP/1.1",
        "POST /v1/messages HTTP/1.1 x",
        "POST /v1/messages HTTP/2.0",
        "POST /v1/messages HTTP/1.2",
        "POST /v1/messages http/1.1",
        "POST /v1/messages HTTP/01.1",
        "POST /v1/messages",
        "PO\0ST /v1/messages HTTP/1.1",
        "PO(ST /v1/messages HTTP/1.1",
        " POST /v1/messages HTTP/1.1",
        "/v1/messages HTTP/1.1",
        "\u{16}\u{3}\u{1}",
    ] {
        let mut client = Client::connect(sidecar.agents).await;
        let request = format!("{first}\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{{}}");
        let response = client.ask(request.as_bytes()).await;
        assert_eq!(response.status(), 400, "{first:?}");
        let rest = within("the end", client.read.rest()).await.unwrap();
        assert_eq!(rest, b"", "{first:?}");
    }
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn of_a_length_and_chunks_the_chunks_count_and_the_connection_is_closed() {
    // RFC 9112, 6.3: it may be so understood if the connection is closed then.
    let (length, chunks) = ("content-length: 5\r\n", "transfer-encoding: chunked\r\n");
    for headers in [
        length.to_owned() + chunks,
        chunks.to_owned() + length,
        format!("{length}x: y\n{chunks}"),
        format!("{chunks}content-length: 67\r\n"),
    ] {
        let (provider, sidecar) = good::pair("").await;
        let mut client = Client::connect(sidecar.agents).await;
        let whole = [&with(&headers, CHUNKS)[..], HIDDEN.as_bytes()].concat();
        assert_eq!(client.ask(&whole).await.status(), 200);
        let rest = within("the end", client.read.rest()).await.unwrap();
        assert_eq!(rest, b"");
        assert_plain(&provider.only());
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn what_is_spelt_oddly_and_means_one_thing_goes_up_spelt_plainly() {
    let (provider, sidecar) = good::pair("").await;
    let plain = String::from_utf8(with("content-length: 27\r\n", BODY)).unwrap();
    for request in [
        plain.clone(),
        // RFC 9112, 2.2: a line may end in LF alone.
        plain.replace("\r\n", "\n"),
        plain.replace("content-length", "x: y\ncontent-length"),
        format!("\r\n\r\n{plain}"),
        plain.replace("content-length: ", "content-length:"),
        plain.replace("content-length: ", "Content-LENGTH:\t "),
        plain.replace(": 27", ": 027"),
        plain.replace(": 27", ": 27\r\ncontent-length: 27"),
        plain.replace(
            "content-length",
            "transfer_encoding: chunked\r\ncontent-length",
        ),
        plain.replace(
            "content-length",
            "connection: content-length\r\ncontent-length",
        ),
        String::from_utf8(with("Transfer-Encoding:\tCHUNKED\r\n", CHUNKS)).unwrap(),
    ] {
        let mut client = Client::connect(sidecar.agents).await;
        let before = provider.count();
        assert_eq!(
            client.ask(request.as_bytes()).await.status(),
            200,
            "{request:?}"
        );
        assert_plain(&provider.last());
        // And so both know where the next one begins.
        let next = client.ask(&post("/v1/messages", "", BODY.as_bytes())).await;
        assert_eq!(
            (next.status(), provider.count()),
            (200, before + 2),
            "{request:?}"
        );
        assert_plain(&provider.last());
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn what_follows_a_body_is_another_request_and_is_treated_as_one() {
    let (provider, sidecar) = good::pair("").await;
    let mut client = Client::connect(sidecar.agents).await;
    let second = post("/v1/messages/batches", "", b"{}");
    let both = [&with("content-length: 27\r\n", BODY)[..], &second].concat();
    client.write(&both).await.unwrap();
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(client.response().await.status(), 404);
    // Without a length there is no body: what looks like one is no request.
    client.write(&with("", BODY)).await.unwrap();
    assert_eq!(client.response().await.status(), 400);
    assert_eq!(client.response().await.status(), 400);
    assert_eq!(within("the end", client.read.rest()).await.unwrap(), b"");
    assert_plain(&provider.only());
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn trailers_of_a_request_go_nowhere() {
    let (provider, sidecar) = good::pair("").await;
    for target in ["/v1/messages", "/v1/embeddings"] {
        let trailers = "x-a: b\r\nhost: evil.example\r\nx-api-key: other\r\ncontent-length: 3\r\n";
        let chunks = CHUNKS.replace("0\r\n\r\n", &format!("0\r\n{trailers}\r\n"));
        let headers = "te: trailers\r\ntrailer: x-a, host\r\ntransfer-encoding: chunked\r\n";
        let request = String::from_utf8(with(headers, &chunks)).unwrap();
        let request = request.replace("/v1/messages", target);
        let mut client = Client::connect(sidecar.agents).await;
        let response = client.ask(request.as_bytes()).await;
        assert_eq!(response.status(), 200);
        let seen = provider.last();
        assert_eq!(seen.text(), BODY);
        for name in ["x-a", "x-api-key", "te", "trailer"] {
            assert_eq!(seen.header(name), None);
        }
        assert_eq!(seen.all("host"), [provider.address.to_string()]);
        assert_eq!(client.ask(request.as_bytes()).await.status(), 200);
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn what_a_client_declares_to_be_of_one_hop_takes_nothing_else_away() {
    let (provider, sidecar) = good::pair("").await;
    let headers = "connection: x-mine, te, Host, x-api-key\r\nx-mine: 1\r\nte: trailers\r\n\
                   keep-alive: 5\r\nproxy-connection: close\r\nproxy-authorization: Basic eDp5\r\n\
                   x-luthien-user: root\r\nx-other: 1\r\ncontent-length: 27\r\n";
    let mut client = Client::connect(sidecar.agents).await;
    assert_eq!(client.ask(&with(headers, BODY)).await.status(), 200);
    let seen = provider.only();
    assert_plain(&seen);
    for name in [
        "x-mine",
        "te",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "x-luthien-user",
    ] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("x-other"), Some("1"));
    assert_eq!(seen.all("host"), [provider.address.to_string()]);
    goes_on(&provider, &sidecar).await;
}
