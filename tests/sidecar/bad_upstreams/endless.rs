//! Providers that never end, or never end a line.

use super::*;

const EVENT: &[u8] =
    b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"and so on and on \"}}]}\n\n";

/// Writes the same over and over, as chunks, for as long as somebody takes it.
async fn for_ever(wire: &mut Wire, kind: &str, piece: &[u8]) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    wire.write(head.as_bytes()).await?;
    loop {
        wire.chunk(piece).await?;
    }
}

#[tokio::test]
async fn a_stream_without_an_end_is_ended_at_the_deadline_in_constant_memory() {
    let (mut closed, bad) = until_closed(|_, mut wire| async move {
        for_ever(&mut wire, "text/event-stream", &EVENT.repeat(100)).await?;
        Ok(wire)
    })
    .await;
    let deadlines = "deadlines: { first_byte: 1s, idle: 1s, total: 1s }";
    let scene = Scene::before(&bad, deadlines).await;
    let before = scene.sidecar.memory();
    for dialect in Dialect::ALL {
        let got = scene.ask(&asked(dialect, true)).await;
        let line = scene.line(&got.0.as_ref().unwrap().0).await;
        assert_eq!(line["end"], "failed");
        assert_eq!(line["refusal"], "upstream_timeout");
        let (sent, words) = got.ended_in_error(dialect);
        assert!(words.contains("no end in 1s"), "{words}");
        assert!(sent.len() > 100 * EVENT.len());
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
    }
    // What may wait to be recorded.
    scene.uses_little_more_than(before, 16 << 20);
    scene.goes_on().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_without_an_end_cancels_the_provider() {
    let (mut closed, bad) = until_closed(|_, mut wire| async move {
        for_ever(&mut wire, "text/event-stream", EVENT).await?;
        Ok(wire)
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    for dialect in Dialect::ALL {
        let mut client = Client::connect(scene.sidecar.agents).await;
        client.write(&asked(dialect, true)).await.unwrap();
        let head = within("a head", client.read.head()).await.unwrap().unwrap();
        within("an event", client.read.chunk())
            .await
            .unwrap()
            .unwrap();
        drop(client);
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
        assert_eq!(scene.line(&head).await["end"], "client_gone");
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn a_line_without_an_end_is_ended_in_an_error_event_at_the_limit() {
    for piece in [
        &b"x"[..],
        b"data: ",
        b": comment",
        b"data: x\n",
        b"event: x\r",
    ] {
        let (mut closed, bad) = until_closed(move |_, mut wire| async move {
            wire.stream().await?;
            wire.chunk(EVENT).await?;
            let piece = piece.repeat((64 << 10) / piece.len());
            loop {
                wire.chunk(&piece).await?;
            }
        })
        .await;
        let scene = Scene::before(&bad, "limits: { event: 4MiB }").await;
        let before = scene.sidecar.memory();
        for dialect in Dialect::ALL {
            let got = scene.ask(&asked(dialect, true)).await;
            let line = scene.line(&got.0.as_ref().unwrap().0).await;
            assert_eq!(line["end"], "failed");
            assert_eq!(line["refusal"], "event_too_long");
            let (sent, words) = got.ended_in_error(dialect);
            assert_eq!(sent, EVENT);
            assert!(words.contains("longer than 4194304 bytes"), "{words}");
            within("the provider is left alone", closed.recv())
                .await
                .unwrap();
        }
        // What there is of the event, and the piece of it that grows.
        scene.uses_little_more_than(before, 3 * (4 << 20));
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn a_whole_reply_without_an_end_is_broken_off_at_the_limit() {
    let (mut closed, bad) = until_closed(|_, mut wire| async move {
        let piece = "[0,1,2,3,4,5,6,7],".repeat(4096);
        for_ever(&mut wire, "application/json", piece.as_bytes()).await?;
        Ok(wire)
    })
    .await;
    for dialect in Dialect::ALL {
        let scene = Scene::before(&bad, "limits: { reply: 8MiB }").await;
        let before = scene.sidecar.memory();
        let name = format!("{dialect}");
        let asked = call(dialect, false, &name);
        let got = scene.ask(&asked).await.broken();
        assert_eq!(got.text(), "");
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
        assert_eq!(scene.line_with("model", &name).await["end"], "failed");
        // What there is of the reply, and the piece of it that grows.
        scene.uses_little_more_than(before, 3 * (8 << 20));
        scene.goes_on().await;
    }
}

#[tokio::test]
async fn a_large_reply_that_is_relayed_unread_takes_no_memory() {
    const SIZE: usize = 64 << 20;
    let bad = Provider::start(|_, mut wire| async move {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
        wire.write(head.as_bytes()).await?;
        let piece = vec![7; 1 << 20];
        for _ in 0..SIZE >> 20 {
            wire.write(&piece).await?;
        }
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    let before = scene.sidecar.memory();
    let got = scene.ask(MODELS).await.whole();
    assert_eq!(got.body.len(), SIZE);
    assert!(got.body == vec![7; SIZE]);
    scene.uses_little_more_than(before, 0);
    scene.goes_on().await;
}

#[tokio::test]
async fn a_stream_is_ended_at_the_limit_of_its_length() {
    let (mut closed, bad) = until_closed(|_, mut wire| async move {
        for_ever(&mut wire, "text/event-stream", &EVENT.repeat(100)).await?;
        Ok(wire)
    })
    .await;
    let limit = 1000 * EVENT.len();
    let scene = Scene::before(&bad, &format!("limits: {{ stream: {limit}B }}")).await;
    for dialect in Dialect::ALL {
        let got = scene.ask(&asked(dialect, true)).await;
        let line = scene.line(&got.0.as_ref().unwrap().0).await;
        assert_eq!(
            (&line["end"], &line["refusal"]),
            (&"failed".into(), &"reply_too_long".into())
        );
        let (sent, words) = got.ended_in_error(dialect);
        assert_eq!(sent, EVENT.repeat(1000));
        assert!(words.contains("the stream is longer"), "{words}");
        within("the provider is left alone", closed.recv())
            .await
            .unwrap();
    }
    scene.goes_on().await;
}
