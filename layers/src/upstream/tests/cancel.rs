//! A client that leaves cancels the provider.

use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use luthien_core::testing::ScriptedBody;
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::{server::Event, *};

/// A provider whose reply comes from a channel; it tells when it is no longer wanted.
async fn live() -> (Server, mpsc::Sender<Bytes>, mpsc::Receiver<&'static str>) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let (told, gone) = mpsc::channel(1);
    struct Gone(mpsc::Sender<&'static str>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.try_send("gone").ok();
        }
    }
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some((receiver, Gone(told)))));
    let server = Server::start(move |_| {
        let (mut receiver, gone) = receiver.lock().unwrap().take().unwrap();
        let stream = async_stream(move |cx| {
            let _hold = &gone;
            receiver.poll_recv(cx)
        });
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(StreamBody::new(stream).boxed_unsync())
            .unwrap()
    })
    .await;
    (server, sender, gone)
}

/// Frames from a function that is polled.
fn async_stream(
    mut poll: impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<Bytes>> + Send,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> + Send {
    futures_util::stream::poll_fn(move |cx| {
        poll(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    })
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_cancels_the_provider() {
    for http2 in [false, true] {
        let (server, sender, mut gone) = live().await;
        let service = Upstreams::builder()
            .upstream(upstream(&server).with_http2(http2))
            .build()
            .unwrap();
        let asked = call(Dialect::Chat).map(|body| ScriptedBody::of([body]));
        let mut body = gates()
            .layer(service)
            .oneshot(asked)
            .await
            .unwrap()
            .into_body();
        sender
            .send("data: {\"choices\":[]}\n\n".into())
            .await
            .unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        drop(body);
        assert_eq!(gone.recv().await, Some("gone"), "HTTP/2: {http2}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_provider() {
    let (server, mut events) = Server::raw(b"", false).await;
    let service = gates().layer(one(&server));
    let asked = Request::get("/v1/models")
        .body(ScriptedBody::<Bytes>::of([]))
        .unwrap();
    let waiting = tokio::spawn(service.oneshot(asked));
    assert_eq!(events.recv().await, Some(Event::Asked));
    waiting.abort();
    assert_eq!(events.recv().await, Some(Event::Closed));
}
