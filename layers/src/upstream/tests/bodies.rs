//! Bodies both ways: as they are, packed, and failing.

use std::io;

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use luthien_core::{
    facts::Answered,
    testing::{ScriptedBody, Step, recorded},
};
use tokio::io::AsyncReadExt;
use tower::ServiceExt;

use super::*;

#[tokio::test]
async fn a_call_goes_up_byte_for_byte_and_its_reply_comes_down_so() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let reply = recorded(dialect, stream);
            let kind = if stream {
                "text/event-stream"
            } else {
                "application/json"
            };
            let server = Server::start(move |_| {
                Response::builder()
                    .header("content-type", kind)
                    .header("request-id", "r")
                    .body(body(reply.clone()))
                    .unwrap()
            })
            .await;
            let service = gates().layer(one(&server));
            let response = send(
                &service,
                Request::post(dialect.path())
                    .body(request(dialect, stream))
                    .unwrap(),
            )
            .await;
            assert_eq!(response.headers()["request-id"], "r");
            assert_eq!(
                &*response.extensions().get::<Answered>().unwrap().upstream,
                "test"
            );
            assert_eq!(response.body(), &Ok(recorded(dialect, stream)));
            let (head, body) = server.last();
            assert_eq!(body, request(dialect, stream));
            assert_eq!(head.headers["content-length"], body.len().to_string());
            assert!(!head.headers.contains_key("transfer-encoding"));
        }
    }
}

async fn packed(encoding: &str, bytes: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    match encoding {
        "gzip" => GzipEncoder::new(bytes).read_to_end(&mut packed).await,
        "deflate" => ZlibEncoder::new(bytes).read_to_end(&mut packed).await,
        "br" => BrotliEncoder::new(bytes).read_to_end(&mut packed).await,
        "zstd" => ZstdEncoder::new(bytes).read_to_end(&mut packed).await,
        other => Err(io::Error::other(other.to_owned())),
    }
    .unwrap();
    packed.into()
}

#[tokio::test]
async fn a_reply_that_comes_packed_is_unpacked_for_those_who_read_it_and_left_alone_for_others() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let reply = recorded(Dialect::Anthropic, true);
        let bytes = packed(encoding, &reply).await;
        let sent = bytes.clone();
        let server = Server::start(move |_| {
            let response = Response::builder().header("content-type", "text/event-stream");
            response
                .header("content-encoding", encoding)
                .body(body(sent.clone()))
                .unwrap()
        })
        .await;
        let service = gates().layer(one(&server));
        let response = send(&service, call(Dialect::Anthropic)).await;
        assert_eq!(response.body(), &Ok(reply), "{encoding}");
        assert!(!response.headers().contains_key("content-encoding"));
        let relayed = send(
            &service,
            Request::get("/v1/files/1").body(Bytes::new()).unwrap(),
        )
        .await;
        assert_eq!(relayed.body(), &Ok(bytes));
        assert_eq!(relayed.headers()["content-encoding"], encoding);
    }
}

#[tokio::test]
async fn an_encoding_that_nobody_knows_is_refused() {
    let server = Server::start(|_| {
        Response::builder()
            .header("content-encoding", "rot13")
            .body(body("{}"))
            .unwrap()
    })
    .await;
    let response = send(&gates().layer(one(&server)), call(Dialect::Chat)).await;
    assert_eq!(code(&response), (502, "encoded_reply"));
}

#[tokio::test]
async fn a_relayed_body_that_fails_is_the_clients_fault() {
    let server = Server::start(ok).await;
    let service = gates()
        .with_parse(luthien_core::gate::ParseLayer::new().with_body_limit(10))
        .layer(one(&server));
    for (steps, expected) in [
        (
            vec![
                Step::Data(Bytes::from("12345678")),
                Step::Data("90123".into()),
            ],
            413,
        ),
        (vec![Step::Data(Bytes::from("1234")), Step::Fail], 400),
    ] {
        let asked = Request::post("/v1/files")
            .body(ScriptedBody::new(steps))
            .unwrap();
        assert_eq!(
            service.clone().oneshot(asked).await.unwrap().status(),
            expected
        );
    }
}
