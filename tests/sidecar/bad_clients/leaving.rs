//! Clients that leave: before the head, in the middle, while they still send, when they have what they came for.

use std::{cell::Cell, io};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::support::{
    client::{Client, post},
    good::{self, goes_on},
    provider::Provider,
    replies::{Dialect, events, request},
    sidecar::Sidecar,
    within,
};

#[derive(Debug, PartialEq, Eq)]
enum Happened {
    Asked,
    Left,
}

/// A provider that goes as far as the header `x-hold` says, and tells what happens to it.
async fn holding() -> (Provider, mpsc::UnboundedReceiver<Happened>) {
    let (tell, happened) = mpsc::unbounded_channel();
    let provider = Provider::start(move |request, mut wire| {
        let tell = tell.clone();
        async move {
            let Some(until) = request.header("x-hold").map(str::to_owned) else {
                return good::reply(request, wire).await;
            };
            tell.send(Happened::Asked).unwrap();
            if until != "before the head" {
                let called = |dialect: &Dialect| dialect.path() == request.target();
                let events = events(Dialect::ALL.into_iter().find(called).unwrap());
                let in_the_middle = until == "in the middle";
                let count = if in_the_middle { 2 } else { events.len() };
                wire.stream().await?;
                wire.chunk(&events[..count].concat()).await?;
            }
            wire.closed().await;
            tell.send(Happened::Left).unwrap();
            Ok(None)
        }
    })
    .await;
    (provider, happened)
}

/// A streamed request that is held so.
fn held(dialect: Dialect, until: &str) -> Vec<u8> {
    let header = format!("x-hold: {until}\r\n");
    post(dialect.path(), &header, &request(dialect, true))
}

/// Ends a connection, in one way or the other.
fn leave(client: Client, reset: bool) {
    if reset {
        client.reset();
    }
}

async fn gone(sidecar: &Sidecar, dialect: Dialect, more: &str) -> serde_json::Value {
    sidecar
        .logged("the exchange", |line| {
            line["end"] == "client_gone"
                && line["dialect"] == dialect.name()
                && !line[more].is_null()
        })
        .await
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_followed_by_the_provider_being_left() {
    for reset in [false, true] {
        let (provider, mut happened) = holding().await;
        let sidecar = Sidecar::before(&provider, "").await;
        for dialect in Dialect::ALL {
            let mut client = Client::connect(sidecar.agents).await;
            client
                .write(&held(dialect, "before the head"))
                .await
                .unwrap();
            let asked = within("the provider is asked", happened.recv()).await;
            assert_eq!(asked, Some(Happened::Asked));
            leave(client, reset);
            let left = within("the provider is left", happened.recv()).await;
            assert_eq!(left, Some(Happened::Left));
            let line = gone(&sidecar, dialect, "ms").await;
            assert_eq!(
                (&line["bytes_down"], &line["events"]),
                (&0.into(), &0.into())
            );
            assert!(line["status"].is_null());
        }
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_followed_by_the_provider_being_left_and_the_usage_so_far_is_logged()
 {
    for reset in [false, true] {
        let (provider, mut happened) = holding().await;
        let sidecar = Sidecar::before(&provider, "").await;
        for dialect in Dialect::ALL {
            let first = events(dialect)[..2].concat();
            let mut client = Client::connect(sidecar.agents).await;
            client.write(&held(dialect, "in the middle")).await.unwrap();
            within("the provider is asked", happened.recv()).await;
            let head = within("the head", client.read.head()).await.unwrap();
            assert_eq!(head.unwrap().status(), 200);
            let mut read = Vec::new();
            while read.len() < first.len() {
                let chunk = within("a chunk", client.read.chunk()).await.unwrap();
                read.extend(chunk.unwrap());
            }
            assert_eq!(read, first);
            leave(client, reset);
            let left = within("the provider is left", happened.recv()).await;
            assert_eq!(left, Some(Happened::Left));
            let line = gone(&sidecar, dialect, "status").await;
            assert_eq!(
                (&line["bytes_down"], &line["events"]),
                (&first.len().into(), &2.into())
            );
            if dialect == Dialect::Anthropic {
                // The others tell at the end.
                assert_eq!(
                    (&line["input_tokens"], &line["output_tokens"]),
                    (&2112.into(), &1.into())
                );
            }
        }
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_with_the_last_event_has_what_it_came_for() {
    // OpenAI's Python SDK closes after `[DONE]`, before the end of the body.
    for reset in [false, true] {
        let (provider, mut happened) = holding().await;
        let sidecar = Sidecar::before(&provider, "").await;
        for dialect in Dialect::ALL {
            let all = events(dialect).concat();
            let mut client = Client::connect(sidecar.agents).await;
            client
                .write(&held(dialect, "before the end"))
                .await
                .unwrap();
            within("the provider is asked", happened.recv()).await;
            within("the head", client.read.head()).await.unwrap();
            let mut read = Vec::new();
            while read.len() < all.len() {
                let chunk = within("a chunk", client.read.chunk()).await.unwrap();
                read.extend(chunk.unwrap());
            }
            assert_eq!(read, all);
            leave(client, reset);
            let left = within("the provider is left", happened.recv()).await;
            assert_eq!(left, Some(Happened::Left));
            let line = sidecar
                .logged("the exchange", |line| {
                    line["end"] == "complete" && line["dialect"] == dialect.name()
                })
                .await;
            assert!(line["input_tokens"].as_u64().unwrap() > 0);
            assert!(line["output_tokens"].as_u64().unwrap() > 1);
        }
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn of_a_call_that_does_not_arrive_the_provider_hears_nothing() {
    for reset in [false, true] {
        let (provider, sidecar) = good::pair("").await;
        for dialect in Dialect::ALL {
            for framing in ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"] {
                let mut client = Client::connect(sidecar.agents).await;
                let path = dialect.path();
                let half = format!(
                    "POST {path} HTTP/1.1\r\nhost: localhost\r\n{framing}x-half: 1\r\nexpect: 100-continue\r\n\r\n"
                );
                client.write(half.as_bytes()).await.unwrap();
                // Whoever says so has begun to read.
                let go_on = within("the word to go on", client.read.head()).await;
                assert_eq!(go_on.unwrap().unwrap().status(), 100);
                client
                    .write(b"20\r\n{\"model\": \"m\", \"mess")
                    .await
                    .unwrap();
                leave(client, reset);
            }
        }
        let lines = Cell::new(0);
        let sixth = |line: &serde_json::Value| {
            lines.set(lines.get() + i32::from(line["end"] == "client_gone"));
            lines.get() == 6
        };
        sidecar.logged("six lines", sixth).await;
        assert_eq!(provider.connections(), 0);
        assert!(!sidecar.log().contains(r#""end":"refused""#));
        goes_on(&provider, &sidecar).await;
    }
}

#[tokio::test]
async fn what_is_relayed_unread_and_does_not_arrive_breaks_off_at_the_provider_too() {
    for reset in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let sidecar = Sidecar::start(&format!(
            "upstreams: {{ mock: {{ url: \"http://{at}\" }} }}"
        ))
        .await;
        let mut client = Client::connect(sidecar.agents).await;
        let half = b"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{\"input\"";
        client.write(half).await.unwrap();
        let (mut upstream, _) = within("a connection", listener.accept()).await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{\"input\"") {
            let count = within("the beginning", upstream.read_buf(&mut seen)).await;
            assert_ne!(count.unwrap(), 0);
        }
        leave(client, reset);
        let mut rest = Vec::new();
        // A reset would be an end as well.
        within("the end", upstream.read_to_end(&mut rest))
            .await
            .ok();
        assert_eq!(rest, b"");
        let line = sidecar.exchange("client_gone").await;
        assert_eq!(line["path"], "/v1/embeddings");
        assert!(!sidecar.log().contains("cannot be reached"));
    }
}

#[tokio::test]
async fn over_http2_a_call_that_is_taken_back_before_it_has_arrived_is_in_the_log() {
    let (provider, sidecar) = good::pair("").await;
    let socket = TcpStream::connect(sidecar.agents).await.unwrap();
    let (mut asks, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let (pieces, body) = mpsc::channel::<io::Result<Bytes>>(1);
    let body = StreamBody::new(stream::unfold(body, |mut body| async {
        let piece = body.recv().await?;
        Some((piece.map(Frame::data), body))
    }));
    let request = http::Request::post("http://localhost/v1/messages");
    let request = request.body(BodyExt::boxed_unsync(body)).unwrap();
    let asked = tokio::spawn(asks.send_request(request));
    // More than may be on its way unread.
    for _ in 0..200 {
        let piece = pieces.send(Ok(vec![b' '; 16 << 10].into()));
        within("a piece is taken", piece).await.unwrap();
    }
    pieces
        .send(Err(io::Error::other("taken back")))
        .await
        .unwrap();
    let line = sidecar.exchange("client_gone").await;
    assert_eq!(line["path"], "/v1/messages");
    assert!(within("the end", asked).await.unwrap().is_err());
    assert_eq!(provider.connections(), 0);
    goes_on(&provider, &sidecar).await;
}
