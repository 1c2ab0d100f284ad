use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use luthien_core::{
    Dialect,
    body::Holding,
    gate::gate,
    request::LlmBody,
    testing::{Provider, Reply, ScriptedBody, recorded, request, send},
};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn deadlines(first_byte: u32, idle: u32, total: u32) -> Deadlines {
    Deadlines {
        first_byte: SECOND * first_byte,
        idle: SECOND * idle,
        total: SECOND * total,
    }
}

/// A provider whose head comes after `head` seconds, and then a piece of the reply after each of `gaps`, the last of
/// them once for each piece that is left. Tells when it is dropped.
fn slow(
    form: &'static str,
    pieces: Vec<Bytes>,
    head: u32,
    gaps: &'static [u32],
    dropped: &Arc<AtomicBool>,
) -> impl Service<
    Request<LlmBody>,
    Response = Response<impl http_body::Body<Data = Bytes, Error = Infallible>>,
    Error = Infallible,
> + Clone {
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = dropped.clone();
    service_fn(move |_| {
        let (pieces, flag) = (pieces.clone(), Flag(dropped.clone()));
        async move {
            sleep(SECOND * head).await;
            let (sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
            let feed = async move {
                let mut sender = sender;
                for (index, piece) in pieces.into_iter().enumerate() {
                    sleep(SECOND * gaps[index.min(gaps.len() - 1)]).await;
                    if sender.send_data(piece).await.is_err() {
                        return;
                    }
                }
            };
            // Ends with its pieces, or with the body that nobody reads any more.
            tokio::spawn(feed);
            let mut response = Response::new(Holding::new(body, flag));
            response
                .headers_mut()
                .insert("content-type", form.parse().unwrap());
            Ok(response)
        }
    })
}

fn events(dialect: Dialect, count: usize) -> Vec<Bytes> {
    let all = recorded(dialect, true);
    let text = std::str::from_utf8(&all).unwrap();
    text.split_inclusive("\n\n")
        .take(count)
        .map(|event| Bytes::copy_from_slice(event.as_bytes()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_answered_with_504_in_the_callers_dialect() {
    for (dialect, kind) in [
        (Dialect::Anthropic, "timeout_error"),
        (Dialect::Chat, "server_error"),
        (Dialect::Responses, "server_error"),
    ] {
        let start = Instant::now();
        let silent = service_fn(|_: Request<LlmBody>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let service = gate(DeadlineLayer::new(deadlines(7, 5, 60))).layer(silent);
        let response = send(
            &service,
            Request::post(dialect.path())
                .body(request(dialect, true))
                .unwrap(),
        )
        .await;
        assert_eq!(response.status(), 504);
        assert_eq!(start.elapsed().as_secs(), 7);
        let body = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
        assert!(
            body.contains(kind) && body.contains("the provider took too long: no first byte in 7s"),
            "{body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn inside_a_stream_a_deadline_ends_in_an_error_event_and_cancels_the_provider() {
    for dialect in Dialect::ALL {
        for (limits, head, gaps, events_before, message, after) in [
            (
                deadlines(10, 5, 60),
                4,
                &[8][..],
                0,
                "no first byte in 10s",
                10,
            ),
            (
                deadlines(10, 5, 60),
                4,
                &[3, 4, 7][..],
                2,
                "nothing more in 5s",
                16,
            ),
            // The next event may be due sooner than the first was.
            (
                deadlines(600, 5, 1000),
                4,
                &[3, 4, 7][..],
                2,
                "nothing more in 5s",
                16,
            ),
            (deadlines(10, 5, 20), 4, &[4][..], 3, "no end in 20s", 20),
        ] {
            let dropped = Arc::default();
            let provider = slow(
                "text/event-stream",
                events(dialect, 6),
                head,
                gaps,
                &dropped,
            );
            let service = gate(DeadlineLayer::new(limits)).layer(provider);
            let start = Instant::now();
            let response = send(
                &service,
                Request::post(dialect.path())
                    .body(request(dialect, true))
                    .unwrap(),
            )
            .await;
            assert_eq!(start.elapsed().as_secs(), after, "{message}");
            let body = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
            let sent = events(dialect, events_before).concat();
            let last = body
                .strip_prefix(std::str::from_utf8(&sent).unwrap())
                .unwrap();
            assert!(
                last.contains(message) && last.matches("\n\n").count() == 1,
                "{last}"
            );
            assert!(dropped.load(Ordering::Relaxed));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_not_streamed_is_broken_off() {
    let dropped = Arc::default();
    let provider = slow(
        "application/json",
        vec!["{\"a\"".into(), ":1}".into()],
        1,
        &[1, 9],
        &dropped,
    );
    let service = gate(DeadlineLayer::new(deadlines(5, 60, 8))).layer(provider);
    let response = send(
        &service,
        Request::post("/v1/messages").body("{}".into()).unwrap(),
    )
    .await;
    assert_eq!(response.status(), 200, "its head is long gone");
    assert!(
        response
            .body()
            .as_ref()
            .unwrap_err()
            .contains("no first byte in 5s"),
        "a whole reply is one piece"
    );
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_time_passes_untouched_however_slowly() {
    for dialect in Dialect::ALL {
        let dropped = Arc::default();
        let all = events(dialect, usize::MAX);
        let provider = slow("text/event-stream", all.clone(), 9, &[5], &dropped);
        let service = gate(DeadlineLayer::new(deadlines(15, 6, 1000))).layer(provider);
        let response = send(
            &service,
            Request::post(dialect.path())
                .body(request(dialect, true))
                .unwrap(),
        )
        .await;
        assert_eq!(response.into_body().unwrap(), all.concat());
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_pattern_that_matches_a_model_counts() {
    let silent =
        service_fn(|_: Request<LlmBody>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let layer = DeadlineLayer::new(deadlines(1, 1, 9))
        .with_models("claude-*", deadlines(2, 1, 9))
        .with_models("*opus*", deadlines(3, 1, 9));
    let service = gate(layer).layer(silent);
    for (body, expected) in [
        (r#"{"model":"claude-opus-5-5"}"#, 2),
        (r#"{"model":"gpt-opus"}"#, 3),
        (r#"{"model":"gpt-5"}"#, 1),
        ("{}", 1),
    ] {
        let start = Instant::now();
        send(
            &service,
            Request::post("/v1/messages").body(body.into()).unwrap(),
        )
        .await;
        assert_eq!(start.elapsed().as_secs(), expected, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_no_limit() {
    let forever = Deadlines {
        first_byte: Duration::MAX,
        idle: Duration::MAX,
        total: Duration::MAX,
    };
    let dropped = Arc::default();
    let provider = slow(
        "text/event-stream",
        events(Dialect::Chat, usize::MAX),
        86_400,
        &[86_400],
        &dropped,
    );
    let service = gate(DeadlineLayer::new(forever)).layer(provider);
    let response = send(
        &service,
        Request::post("/v1/chat/completions")
            .body(request(Dialect::Chat, true))
            .unwrap(),
    )
    .await;
    assert!(response.body().is_ok());
}

#[tokio::test(start_paused = true)]
async fn while_the_client_does_not_read_nobody_asks() {
    let dropped = Arc::default();
    let provider = slow(
        "text/event-stream",
        events(Dialect::Chat, usize::MAX),
        0,
        &[0],
        &dropped,
    );
    let service = gate(DeadlineLayer::new(deadlines(5, 5, 1000))).layer(provider);
    let asked = Request::post("/v1/chat/completions")
        .body(ScriptedBody::of([request(Dialect::Chat, true)]))
        .unwrap();
    let mut body = service.oneshot(asked).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    sleep(SECOND * 100).await;
    // What had come meanwhile goes first; then the deadline has passed.
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"[DONE]\n\n"), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn relayed_replies_have_deadlines_too() {
    let dropped = Arc::default();
    let provider = slow(
        "application/octet-stream",
        vec!["a".into(), "b".into()],
        0,
        &[1, 9],
        &dropped,
    );
    let service = gate(DeadlineLayer::new(deadlines(5, 5, 60))).layer(provider);
    let response = send(
        &service,
        Request::get("/v1/files/1").body(Bytes::new()).unwrap(),
    )
    .await;
    assert!(
        response
            .body()
            .as_ref()
            .unwrap_err()
            .contains("nothing more in 5s")
    );
    let provider = Provider::new([Reply::json(&"{}".into(), 1)]);
    let service = gate(DeadlineLayer::new(Deadlines::default())).layer(provider);
    let response = send(
        &service,
        Request::get("/v1/models").body(Bytes::new()).unwrap(),
    )
    .await;
    assert_eq!(response.body(), &Ok("{}".into()));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_never_waited_for_ends_as_well() {
    let endless = service_fn(|_: Request<LlmBody>| async {
        let event = || Ok::<_, Infallible>(Frame::data(Bytes::from("data: {\"choices\":[]}\n\n")));
        let mut response = Response::new(StreamBody::new(futures_util::stream::repeat_with(event)));
        let kind = "text/event-stream".parse().unwrap();
        response.headers_mut().insert("content-type", kind);
        Ok::<_, Infallible>(response)
    });
    let service = gate(DeadlineLayer::new(deadlines(5, 5, 8))).layer(endless);
    let asked = Request::post("/v1/chat/completions").body(Full::<Bytes>::from("{}"));
    let mut body = service.oneshot(asked.unwrap()).await.unwrap().into_body();
    let mut events = Vec::new();
    while let Some(frame) = body.frame().await {
        events.push(frame.unwrap().into_data().unwrap());
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(
        events.len(),
        10,
        "one a second, the eighth included, and the error"
    );
    let last = String::from_utf8_lossy(events.last().unwrap());
    assert!(last.contains("no end in 8s"), "{last}");
}
