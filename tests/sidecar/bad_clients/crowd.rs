//! Too many at once.

use std::sync::Arc;

use tokio::sync::{Barrier, Notify, mpsc};

use crate::support::{
    client::{Client, ask, post},
    good::{self, goes_on, refused},
    provider::Provider,
    replies::{Dialect, asked, events, recorded, request},
    sidecar::Sidecar,
    within,
};

#[tokio::test]
async fn hundreds_of_streams_at_once_all_arrive_whole() {
    const STREAMS: usize = 300;
    let all_here = Arc::new(Barrier::new(STREAMS));
    let provider = Provider::start(move |request, mut wire| {
        let all_here = all_here.clone();
        async move {
            let called = |dialect: &Dialect| dialect.path() == request.target();
            let events = events(Dialect::ALL.into_iter().find(called).unwrap());
            wire.stream().await?;
            wire.chunk(&events[0]).await?;
            all_here.wait().await;
            for event in &events[1..] {
                wire.chunk(event).await?;
            }
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await;
    let sidecar = Sidecar::before(&provider, "").await;
    let clients = (0..STREAMS).map(|number| {
        let dialect = Dialect::ALL[number % 3];
        let agents = sidecar.agents;
        tokio::spawn(async move {
            let response = ask(agents, &asked(dialect, true)).await;
            assert_eq!(response.status(), 200);
            assert!(response.body == recorded(dialect, true));
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(provider.count(), STREAMS);
}

/// A provider that sends the first event of a stream, tells so, and the rest when it may; only to who asks for it.
async fn half(go_on: Arc<Notify>) -> (Provider, mpsc::UnboundedReceiver<()>) {
    let (tell, begun) = mpsc::unbounded_channel();
    let provider = Provider::start(move |request, mut wire| {
        let (go_on, tell) = (go_on.clone(), tell.clone());
        async move {
            if request.header("x-slow").is_none() {
                return good::reply(request, wire).await;
            }
            let called = |dialect: &Dialect| dialect.path() == request.target();
            let events = events(Dialect::ALL.into_iter().find(called).unwrap());
            wire.stream().await?;
            wire.chunk(&events[0]).await?;
            tell.send(()).unwrap();
            go_on.notified().await;
            wire.chunk(&events[1..].concat()).await?;
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await;
    (provider, begun)
}

fn slow(dialect: Dialect) -> Vec<u8> {
    let body = request(dialect, true);
    post(dialect.path(), "x-slow: 1\r\n", &body)
}

#[tokio::test]
async fn more_connections_than_there_may_be_wait_until_one_is_closed() {
    let go_on = Arc::new(Notify::new());
    let (provider, mut begun) = half(go_on.clone()).await;
    let sidecar = Sidecar::before(&provider, "limits: { connections: 2 }").await;
    let mut first = Client::connect(sidecar.agents).await;
    let mut second = Client::connect(sidecar.agents).await;
    for client in [&mut first, &mut second] {
        client.write(&slow(Dialect::Chat)).await.unwrap();
        within("a stream has begun", begun.recv()).await.unwrap();
    }
    let mut third = Client::connect(sidecar.agents).await;
    third
        .write(&asked(Dialect::Anthropic, false))
        .await
        .unwrap();
    drop(first);
    sidecar.exchange("client_gone").await;
    let response = third.response().await;
    assert_eq!(response.body, recorded(Dialect::Anthropic, false));
    // The one that was there before has noticed nothing. (Both wait to go on, one of them in vain.)
    go_on.notify_waiters();
    let response = second.response().await;
    assert_eq!(response.body, recorded(Dialect::Chat, true));
    // In the order in which they were let in.
    let seen: Vec<_> = provider
        .seen()
        .iter()
        .map(|seen| seen.target().to_owned())
        .collect();
    assert_eq!(
        seen,
        [
            "/v1/chat/completions",
            "/v1/chat/completions",
            "/v1/messages"
        ]
    );
    drop((second, third));
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn beyond_the_capacity_one_is_refused_at_once_and_who_was_admitted_notices_nothing() {
    let go_on = Arc::new(Notify::new());
    let (provider, mut begun) = half(go_on.clone()).await;
    let sidecar = Sidecar::before(&provider, "rate: [{ per: everyone, concurrent: 1 }]").await;
    for dialect in Dialect::ALL {
        let mut admitted = Client::connect(sidecar.agents).await;
        admitted.write(&slow(dialect)).await.unwrap();
        within("a stream has begun", begun.recv()).await.unwrap();
        let before = provider.count();
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            refused(&sidecar, &response, dialect, 429, "rate_limited").await;
            assert_eq!(response.header("retry-after"), Some("1"));
            // Trying again helps, and the SDKs do so after such a status.
            assert_eq!(response.header("x-should-retry"), None);
        }
        assert_eq!(provider.count(), before);
        go_on.notify_one();
        let response = admitted.response().await;
        assert_eq!(response.body, recorded(dialect, true));
        // Its place is free again once it is over.
        let complete = sidecar.logged("it is over", |line| {
            line["end"] == "complete" && line["dialect"] == dialect.name()
        });
        complete.await;
        assert_eq!(
            ask(sidecar.agents, &asked(dialect, true)).await.status(),
            200
        );
    }
    goes_on(&provider, &sidecar).await;
}

#[tokio::test]
async fn who_has_asked_too_often_is_told_when_to_come_again() {
    for dialect in Dialect::ALL {
        let (provider, sidecar) = good::pair("rate: [{ per: key, requests: 2, every: 1h }]").await;
        let mut client = Client::connect(sidecar.agents).await;
        for _ in 0..2 {
            assert_eq!(client.ask(&asked(dialect, true)).await.status(), 200);
        }
        let response = client.ask(&asked(dialect, true)).await;
        refused(&sidecar, &response, dialect, 429, "rate_limited").await;
        let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1800).contains(&wait), "{wait} s");
        assert!(response.text().contains(&format!("try again in {wait} s")));
        // Somebody else's key is somebody else.
        let other = String::from_utf8(asked(dialect, true))
            .unwrap()
            .replace("sk-test", "sk-other");
        assert_eq!(client.ask(other.as_bytes()).await.status(), 200);
        assert_eq!(provider.count(), 3);
    }
}
