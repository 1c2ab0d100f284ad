//! Providers that are not there, or do not answer.

use tokio::net::{TcpSocket, TcpStream};

use super::*;

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_answered_for_in_the_callers_dialect() {
    // Nobody listens; nobody has that name (RFC 6761 keeps it so).
    for host in [nobody().await, "nobody.invalid".to_owned()] {
        let scene = Scene::start(&format!("url: \"http://{host}\""), "").await;
        for (dialect, stream) in calls() {
            let got = scene.ask(&asked(dialect, stream)).await;
            let got = got.refused(dialect, 502);
            assert!(
                got.text().contains("cannot reach the upstream"),
                "{}",
                got.text()
            );
            let line = scene.line(&got).await;
            assert_eq!(
                (&line["end"], &line["refusal"]),
                (&"refused".into(), &"bad_upstream".into())
            );
        }
        let relayed = scene.ask(MODELS).await.whole();
        assert_eq!(relayed.status(), 502);
        scene.goes_on().await;
    }
}

/// A listener that accepts nobody, and whose queue is full: the next one's first packet is not answered.
async fn black_hole() -> (String, TcpStream, tokio::net::TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let first = TcpStream::connect(address).await.unwrap();
    (address.to_string(), first, listener)
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up_at_the_declared_deadline() {
    let (host, _first, _listener) = black_hole().await;
    let scene = Scene::start(
        &format!("url: \"http://{host}\""),
        "deadlines: { connect: 200ms }",
    )
    .await;
    for (dialect, stream) in calls() {
        let got = scene
            .ask(&asked(dialect, stream))
            .await
            .refused(dialect, 504);
        assert!(
            got.text().contains("no connection in 200ms"),
            "{}",
            got.text()
        );
        assert_eq!(scene.line(&got).await["refusal"], "upstream_timeout");
    }
    scene.goes_on().await;
}

/// What a provider says before it falls silent.
const NEVER_A_HEAD: [&str; 5] = [
    "",
    "HTTP",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-st",
    "HTTP/1.1 100 Continue\r\n\r\n",
];

#[tokio::test]
async fn a_head_that_does_not_come_is_answered_with_504_and_the_connection_closed() {
    for said in NEVER_A_HEAD {
        let (mut closed, bad) = until_closed(move |_, mut wire| async move {
            wire.write(said.as_bytes()).await?;
            Ok(wire)
        })
        .await;
        let scene = Scene::before(&bad, "deadlines: { first_byte: 200ms }").await;
        for (dialect, stream) in calls() {
            let got = scene
                .ask(&asked(dialect, stream))
                .await
                .refused(dialect, 504);
            assert!(
                got.text().contains("no first byte in 200ms"),
                "{}",
                got.text()
            );
            within("the provider is left alone", closed.recv())
                .await
                .unwrap();
            let line = scene.line(&got).await;
            assert_eq!(
                (&line["end"], &line["refusal"]),
                (&"refused".into(), &"upstream_timeout".into())
            );
        }
        assert_eq!(scene.ask(MODELS).await.whole().status(), 504);
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_provider_at_once() {
    let (tell, mut reached) = tokio::sync::mpsc::unbounded_channel();
    let (mut closed, bad) = until_closed(move |_, wire| {
        tell.send(()).ok();
        async { Ok(wire) }
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    for (dialect, stream) in calls() {
        let mut client = Client::connect(scene.sidecar.agents).await;
        let name = format!("{dialect}-{stream}");
        client.write(&call(dialect, stream, &name)).await.unwrap();
        within("the provider is asked", reached.recv())
            .await
            .unwrap();
        drop(client);
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
        assert_eq!(scene.line_with("model", &name).await["end"], "client_gone");
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn silence_after_the_head_ends_in_an_error_event_or_a_broken_transfer() {
    let (mut closed, bad) = until_closed(|request, mut wire| async move {
        let dialect = dialect_of(&request);
        if request.text().contains("\"stream\":true") {
            wire.stream().await?;
            if request.header("x-events").is_some() {
                let reply = recorded(dialect, true);
                let first = memchr::memmem::find(&reply, b"\n\n").unwrap() + 2;
                wire.chunk(&reply[..first]).await?;
            }
        } else {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
            wire.write(head.as_bytes()).await?;
        }
        Ok(wire)
    })
    .await;
    let deadlines = "deadlines: { first_byte: 300ms, idle: 200ms, total: 10s }";
    let scene = Scene::before(&bad, deadlines).await;
    for dialect in Dialect::ALL {
        for (headers, events, words) in [
            ("", 0, "no first byte in 300ms"),
            ("x-events: 1\r\n", 1, "nothing more in 200ms"),
        ] {
            let got = scene
                .ask(&post(dialect.path(), headers, &request(dialect, true)))
                .await;
            let id = got.0.as_ref().unwrap().0.clone();
            let (before, error) = got.ended_in_error(dialect);
            assert!(error.contains(words), "{error}");
            assert_eq!(
                String::from_utf8(before).unwrap().matches("\n\n").count(),
                events
            );
            within("the provider is left alone", closed.recv())
                .await
                .unwrap();
            let line = scene.line(&id).await;
            assert_eq!(
                (&line["end"], &line["refusal"]),
                (&"failed".into(), &"upstream_timeout".into())
            );
        }
        let whole = scene.ask(&asked(dialect, false)).await.broken();
        assert_eq!(whole.body, b"");
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
        assert_eq!(scene.line(&whole).await["end"], "failed");
    }
    scene.goes_on().await;
}
