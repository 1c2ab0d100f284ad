//! Clients that dawdle: with the head, with the body, with reading.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use crate::support::{
    client::{Client, ask, post},
    good::{self, call, goes_on, refused},
    provider::Provider,
    replies::{Dialect, asked, events, request},
    sidecar::Sidecar,
    within,
};

const MIB: usize = 1 << 20;

/// A provider that sends `length` bytes of stream as fast as it can, and counts what it got rid of; to those who ask
/// for it in `x-much`.
async fn torrent(length: usize) -> (Provider, Arc<AtomicUsize>, mpsc::UnboundedReceiver<()>) {
    let written = Arc::new(AtomicUsize::new(0));
    let (tell, stopped) = mpsc::unbounded_channel();
    let count = written.clone();
    let provider = Provider::start(move |request, mut wire| {
        let (written, tell) = (count.clone(), tell.clone());
        async move {
            if request.header("x-much").is_none() {
                return good::reply(request, wire).await;
            }
            let events = events(Dialect::Anthropic);
            let (last, first) = events.split_last().unwrap();
            let filling = [b": ", &vec![b'x'; 64 * 1024 - 4][..], b"\n\n"].concat();
            let sent = async {
                wire.stream().await?;
                wire.chunk(&first.concat()).await?;
                while written.load(Ordering::SeqCst) < length {
                    wire.chunk(&filling).await?;
                    written.fetch_add(filling.len(), Ordering::SeqCst);
                }
                wire.chunk(last).await?;
                wire.end().await
            };
            let sent = sent.await;
            tell.send(()).unwrap();
            sent.map(|()| Some(wire))
        }
    })
    .await;
    (provider, written, stopped)
}

fn much() -> Vec<u8> {
    let body = request(Dialect::Anthropic, true);
    post("/v1/messages", "x-much: 1\r\n", &body)
}

#[tokio::test]
async fn a_client_that_never_reads_is_left_and_nothing_piles_up() {
    let (provider, written, mut stopped) = torrent(usize::MAX).await;
    let sidecar = Sidecar::before(&provider, "deadlines: { write: 300ms }").await;
    goes_on(&provider, &sidecar).await;
    let before = sidecar.memory();
    let mut client = Client::connect(sidecar.agents).await;
    client.write(&much()).await.unwrap();
    within("the provider is left", stopped.recv())
        .await
        .unwrap();
    let line = sidecar.exchange("client_gone").await;
    assert_eq!(line["input_tokens"], 2112);
    // What the sockets of both connections hold, and little more.
    let written = written.load(Ordering::SeqCst);
    assert!(written < 24 * MIB, "{written} bytes were taken");
    let grown = sidecar.most_memory().saturating_sub(before);
    assert!(grown < 16 * MIB as u64, "{grown} bytes more in use");
    assert!(!line["bytes_down"].is_null());
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_everything_and_the_provider_waits_for_it() {
    const LENGTH: usize = 64 * MIB;
    let (provider, written, _stopped) = torrent(LENGTH).await;
    let sidecar = Sidecar::before(&provider, "").await;
    goes_on(&provider, &sidecar).await;
    let before = sidecar.memory();
    let mut client = Client::connect(sidecar.agents).await;
    client.write(&much()).await.unwrap();
    within("the head", client.read.head()).await.unwrap();
    let mut read = 0;
    while let Some(chunk) = within("a chunk", client.read.chunk()).await.unwrap() {
        read += chunk.len();
        let ahead = written.load(Ordering::SeqCst).saturating_sub(read);
        assert!(ahead < 24 * MIB, "the provider is {ahead} bytes ahead");
        // Everybody else goes first, many times.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    let own: usize = events(Dialect::Anthropic)
        .iter()
        .map(bytes::Bytes::len)
        .sum();
    assert_eq!(read, LENGTH + own);
    let grown = sidecar.most_memory().saturating_sub(before);
    assert!(grown < 16 * MIB as u64, "{grown} bytes more in use");
    assert_eq!(sidecar.exchange("complete").await["end"], "complete");
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_provider_that_is_silent_is_no_client_that_does_not_read() {
    let provider = Provider::start(|request, mut wire| async move {
        let dialect = Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.path() == request.target());
        let events = events(dialect.unwrap());
        wire.stream().await?;
        wire.chunk(&events[0]).await?;
        // Longer than a client may take to read.
        tokio::time::sleep(Duration::from_millis(400)).await;
        wire.chunk(&events[1..].concat()).await?;
        wire.end().await?;
        Ok(Some(wire))
    })
    .await;
    let settings = "deadlines: { write: 100ms, keep_alive: 100ms, request_head: 100ms }";
    let sidecar = Sidecar::before(&provider, settings).await;
    for dialect in Dialect::ALL {
        let response = ask(sidecar.agents, &asked(dialect, true)).await;
        assert_eq!(response.body, events(dialect).concat());
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let (provider, sidecar) =
        good::pair("deadlines: { request_head: 200ms, keep_alive: 300ms }").await;
    let whole = asked(Dialect::Anthropic, false);
    let end = memchr::memmem::find(&whole, b"\r\n\r\n").unwrap();
    for length in [0, 1, 10, end, end + 3] {
        let mut client = Client::connect(sidecar.agents).await;
        client.write(&whole[..length]).await.unwrap();
        let rest = within("the end", client.read.rest()).await.unwrap();
        assert_eq!(rest, b"", "after {length} bytes");
    }
    // The same on a connection that has been used.
    let mut client = Client::connect(sidecar.agents).await;
    assert_eq!(client.ask(&whole).await.status(), 200);
    client.write(&whole[..10]).await.unwrap();
    assert_eq!(within("the end", client.read.rest()).await.unwrap(), b"");
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_head_that_drips_is_not_waited_for_any_longer() {
    let (provider, sidecar) = good::pair("deadlines: { request_head: 300ms }").await;
    let mut client = Client::connect(sidecar.agents).await;
    client
        .write(b"POST /v1/messages HTTP/1.1\r\nx: ")
        .await
        .unwrap();
    let mut drip = tokio::time::interval(Duration::from_millis(20));
    let dripping = async {
        while client.write(b"x").await.is_ok() {
            drip.tick().await;
        }
    };
    within("the connection is closed", dripping).await;
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_answered_with_408() {
    let (provider, sidecar) = good::pair("deadlines: { request_body: 200ms }").await;
    for (target, dialect) in Dialect::ALL
        .map(|dialect| (dialect.path(), dialect))
        .into_iter()
        .chain([("/v1/embeddings", Dialect::Chat)])
    {
        for framing in ["content-length: 1000", "transfer-encoding: chunked"] {
            let mut client = Client::connect(sidecar.agents).await;
            let half = format!(
                "POST {target} HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n20\r\n{{\"model\""
            );
            client.write(half.as_bytes()).await.unwrap();
            let response = client.response().await;
            refused(&sidecar, &response, dialect, 408, "request_timeout").await;
            assert_eq!(within("the end", client.read.rest()).await.unwrap(), b"");
        }
    }
    assert_eq!(provider.count(), 0);
    assert!(!sidecar.log().contains("cannot be reached"));
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn a_body_that_goes_on_may_take_its_time() {
    let (provider, sidecar) = good::pair("deadlines: { request_body: 2s, request_head: 2s }").await;
    let request = call(Dialect::Chat, request(Dialect::Chat, false));
    let mut client = Client::connect(sidecar.agents).await;
    for piece in request.chunks(request.len().div_ceil(4)) {
        client.write(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(client.response().await.status(), 200);
    goes_on(&provider, &sidecar).await;
}
