//! Providers that compress although nobody has asked for it.

use async_compression::{
    Level,
    tokio::{
        bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder},
        write,
    },
    zstd::CParameter,
};
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, mpsc},
};

use super::*;
use crate::support::replies::events;

async fn all(mut packed: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    packed.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn packed(encoding: &str, bytes: impl AsyncBufRead + Unpin) -> Vec<u8> {
    match encoding {
        "gzip" => all(GzipEncoder::new(bytes)).await,
        "deflate" => all(ZlibEncoder::new(bytes)).await,
        "br" => all(BrotliEncoder::with_quality(bytes, Level::Fastest)).await,
        "zstd" => all(ZstdEncoder::new(bytes)).await,
        other => panic!("{other}"),
    }
}

const ENCODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// A provider that answers everything with these bytes, said to be in this encoding.
async fn saying(encoding: &str, stream: bool, bytes: Vec<u8>) -> Provider {
    let kind = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    let head = format!("content-type: {kind}\r\ncontent-encoding: {encoding}\r\netag: \"1\"\r\n");
    let reply = std::sync::Arc::new((head, bytes));
    Provider::start(move |_, mut wire| {
        let reply = reply.clone();
        async move {
            wire.whole(200, &reply.0, &reply.1).await?;
            Ok(Some(wire))
        }
    })
    .await
}

#[tokio::test]
async fn a_reply_that_comes_packed_is_unpacked_for_calls_and_left_as_it_is_for_others() {
    for encoding in ENCODINGS {
        for (dialect, stream) in calls() {
            let reply = recorded(dialect, stream);
            let bytes = packed(encoding, &reply[..]).await;
            let bad = saying(encoding, stream, bytes.clone()).await;
            let scene = Scene::before(&bad, "").await;
            let accepts = "accept-encoding: gzip, deflate, br, zstd\r\n";
            let asked = post(dialect.path(), accepts, &request(dialect, stream));
            let got = scene.ask(&asked).await.whole();
            assert_eq!(got.status(), 200);
            assert_eq!(got.header("content-encoding"), None);
            assert_eq!(got.header("etag"), Some("\"1\""));
            assert_eq!(got.body, reply);
            assert_eq!(scene.line(&got).await["end"], "complete");
            assert_eq!(bad.seen()[0].all("accept-encoding"), ["identity"]);
            let relayed = scene.ask(MODELS).await.whole();
            assert_eq!(
                (relayed.header("content-encoding"), relayed.body.as_slice()),
                (Some(encoding), bytes.as_slice())
            );
            scene.goes_on().await;
        }
    }
}

#[tokio::test]
async fn an_encoding_that_nobody_knows_is_refused_and_none_of_it_released() {
    for encoding in ["rot13", "gzip, gzip", "gzip, br", "compress", ""] {
        for (dialect, stream) in calls() {
            let bad = saying(encoding, stream, recorded(dialect, stream).to_vec()).await;
            let scene = Scene::before(&bad, "").await;
            let got = scene
                .ask(&asked(dialect, stream))
                .await
                .refused(dialect, 502);
            assert_eq!(scene.line(&got).await["refusal"], "encoded_reply");
            scene.goes_on().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_breaks_the_transfer() {
    for encoding in ENCODINGS {
        for (dialect, stream) in calls() {
            let whole = packed(encoding, &recorded(dialect, stream)[..]).await;
            let cut = whole[..whole.len() / 2].to_vec();
            let more = [&whole[..], b"and more"].concat();
            let noise = recorded(dialect, stream).to_vec();
            for (what, bytes) in [("cut", cut), ("noise", noise), ("more", more)] {
                let bad = saying(encoding, stream, bytes).await;
                let scene = Scene::before(&bad, "").await;
                let name = format!("{encoding}-{dialect}-{stream}-{what}");
                let asked = call(dialect, stream, &name);
                let got = scene.ask(&asked).await;
                let end = scene.line_with("model", &name).await["end"].clone();
                // After the last event of a stream nothing matters any more.
                if what == "more" && stream {
                    assert_eq!(got.whole().body, recorded(dialect, stream), "{name}");
                } else {
                    let got = got.broken();
                    assert!(recorded(dialect, stream).starts_with(&got.body), "{name}");
                    assert_eq!(end, "failed", "{name}");
                }
                scene.goes_on().await;
            }
        }
    }
}

/// Very many bytes in very few.
async fn bomb(encoding: &str) -> Vec<u8> {
    packed(encoding, &b" ".repeat(1 << 20)[..]).await.repeat(64)
}

#[tokio::test]
async fn a_bomb_is_unpacked_up_to_the_limit_of_what_it_claims_to_be() {
    for encoding in ENCODINGS {
        let bytes = bomb(encoding).await;
        for (dialect, stream) in calls() {
            let bad = saying(encoding, stream, bytes.clone()).await;
            let scene = Scene::before(&bad, "limits: { event: 1MiB, reply: 1MiB }").await;
            let before = scene.sidecar.memory();
            let name = format!("{encoding}-{dialect}-{stream}");
            let asked = call(dialect, stream, &name);
            let got = scene.ask(&asked).await;
            assert_eq!(scene.line_with("model", &name).await["end"], "failed");
            if stream {
                got.ended_in_error(dialect);
            } else {
                assert_eq!(got.broken().text(), "");
            }
            scene.uses_little_more_than(before, 0);
            scene.goes_on().await;
        }
    }
}

#[tokio::test]
async fn a_window_larger_than_clients_must_support_is_not_made_room_for() {
    // RFC 9659: at most 8 MiB.
    let comment = format!(":{}\n\n", "x".repeat(64 << 10));
    let text = comment.repeat(2048);
    let window = [CParameter::window_log(27)];
    let bytes = all(ZstdEncoder::with_quality_and_params(
        text.as_bytes(),
        Level::Fastest,
        &window,
    ))
    .await;
    let bad = saying("zstd", true, bytes).await;
    let scene = Scene::before(&bad, "").await;
    let before = scene.sidecar.memory();
    for dialect in Dialect::ALL {
        scene.ask(&asked(dialect, true)).await.broken();
    }
    scene.uses_little_more_than(before, 0);
    scene.goes_on().await;
}

#[tokio::test]
async fn a_packed_stream_flows_as_far_as_it_was_flushed() {
    let (tell, told) = mpsc::channel(1);
    let told = std::sync::Arc::new(Mutex::new(told));
    let bad = Provider::start(move |request, mut wire| {
        let told = told.clone();
        async move {
            let mut packer = write::GzipEncoder::new(Vec::new());
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
            wire.write(head.as_bytes()).await?;
            let mut sent = 0;
            for event in events(dialect_of(&request)) {
                packer.write_all(&event).await?;
                packer.flush().await?;
                wire.chunk(&packer.get_ref()[sent..]).await?;
                sent = packer.get_ref().len();
                // The next one when this one has arrived.
                told.lock().await.recv().await;
            }
            packer.shutdown().await?;
            wire.chunk(&packer.get_ref()[sent..]).await?;
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await;
    let scene = Scene::before(&bad, "").await;
    for dialect in Dialect::ALL {
        let mut client = Client::connect(scene.sidecar.agents).await;
        client.write(&asked(dialect, true)).await.unwrap();
        within("a head", client.read.head()).await.unwrap().unwrap();
        for event in events(dialect) {
            let chunk = within("an event", client.read.chunk()).await.unwrap();
            assert_eq!(chunk.unwrap(), event);
            tell.send(()).await.unwrap();
        }
        assert_eq!(within("the end", client.read.chunk()).await.unwrap(), None);
    }
    scene.goes_on().await;
}

#[tokio::test]
async fn parts_that_are_packed_one_by_one_are_one_reply_and_nothing_packed_is_nothing() {
    let reply = recorded(Dialect::Chat, false);
    for encoding in ["gzip", "zstd"] {
        let (first, second) = reply.split_at(reply.len() / 2);
        let parts = [
            packed(encoding, first).await,
            packed(encoding, second).await,
        ]
        .concat();
        for (bytes, expected) in [(parts, &reply[..]), (vec![], b"")] {
            let bad = saying(encoding, false, bytes).await;
            let scene = Scene::before(&bad, "").await;
            let got = scene.ask(&asked(Dialect::Chat, false)).await.whole();
            assert_eq!((got.status(), &*got.body), (200, expected));
            scene.goes_on().await;
        }
    }
}
