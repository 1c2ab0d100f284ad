use std::{
    convert::Infallible,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::stream;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::{Notify, mpsc};
use tower::{ServiceExt, service_fn};

use super::*;

/// Judges calls when it is told to, and tells when it is dropped where it waits.
#[derive(Clone, Default)]
struct Waiting {
    go: Arc<Notify>,
    asked: Arc<Notify>,
    dropped: Arc<AtomicBool>,
}

impl Policy for Waiting {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS
    }

    async fn on_tool_call(&self, _: &ToolCall, _: &Context) -> Result<Verdict, PolicyError> {
        struct Flag(Arc<AtomicBool>);
        impl Drop for Flag {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _flag = Flag(self.dropped.clone());
        self.asked.notify_one();
        self.go.notified().await;
        Ok(Verdict::Allow)
    }
}

/// The reply's events one by one, as they are fed.
fn events(reply: &Bytes) -> Vec<Bytes> {
    let text = std::str::from_utf8(reply).unwrap();
    text.split_inclusive("\n\n")
        .map(|event| Bytes::from(event.to_owned()))
        .collect()
}

/// Opens a stream through a policy; what is put into the channel is what the provider says.
async fn open(
    entry: Entry,
    dialect: Dialect,
) -> (
    mpsc::UnboundedSender<Result<Bytes, std::io::Error>>,
    impl Body<Data = Bytes, Error = luthien_core::BoxError>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let provider = service_fn(move |_: Request<luthien_core::request::LlmBody>| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        async move {
            let frames =
                stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<_>| async {
                    let data: Result<Bytes, std::io::Error> = receiver.recv().await?;
                    Some((data.map(Frame::data), receiver))
                });
            let mut response = Response::new(StreamBody::new(Box::pin(frames)));
            response
                .headers_mut()
                .insert("content-type", "text/event-stream".parse().unwrap());
            Ok::<_, Infallible>(response)
        }
    });
    let layer = House::new(vec![entry.with_deadline(Duration::from_secs(3600))]).layer;
    let asked = Request::post(dialect.path())
        .body(http_body_util::Full::new(request(dialect, true)))
        .unwrap();
    let response = gate(layer).layer(provider).oneshot(asked).await.unwrap();
    (sender, response.into_body())
}

/// All that comes until nothing does for a moment.
async fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> String
where
    B::Error: std::fmt::Debug,
{
    let mut got = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(1), body.frame()).await {
        got.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    String::from_utf8(got).unwrap()
}

#[tokio::test(start_paused = true)]
async fn text_flows_while_a_call_is_held_and_the_call_leaves_with_its_verdict() {
    for dialect in Dialect::ALL {
        let policy = Waiting::default();
        let (provider, body) = open(Entry::new("p", policy.clone()), dialect).await;
        let mut body = pin!(body);
        let recorded = recorded(dialect, true);
        for event in events(&recorded) {
            provider.send(Ok(event)).unwrap();
        }
        let shown = read(&mut body).await;
        assert!(shown.contains("Let me "), "{dialect}: {shown}");
        for call in ["a.txt", "Read", "\"read\"", "call_A", "toolu_01A"] {
            assert!(!shown.contains(call), "{dialect}: {shown}");
        }
        assert!(
            !shown.contains("tool_use\"}") && !shown.contains("\"finish_reason\":\"tool_calls\"")
        );
        policy.go.notify_one();
        // The other call waits as well.
        assert_eq!(read(&mut body).await, "", "{dialect}: calls leave together");
        policy.go.notify_one();
        let rest = read(&mut body).await;
        assert!(
            rest.contains("toolu_01A") || rest.contains("call_A"),
            "{dialect}: {rest}"
        );
        let all = shown + &rest;
        check(dialect, true, all.as_bytes())
            .unwrap_or_else(|error| panic!("{dialect}: {error}\n{all}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_hears_from_us_every_ten_seconds_while_a_call_is_held() {
    for dialect in Dialect::ALL {
        let policy = Waiting::default();
        let (provider, body) = open(Entry::new("p", policy.clone()), dialect).await;
        let mut body = pin!(body);
        for event in events(&recorded(dialect, true)) {
            provider.send(Ok(event)).unwrap();
        }
        let mut all = read(&mut body).await;
        for _ in 0..6 {
            let sign = tokio::time::timeout(Duration::from_secs(10), body.frame()).await;
            let sign = sign
                .expect("a sign of life")
                .unwrap()
                .unwrap()
                .into_data()
                .unwrap();
            let sign = String::from_utf8(sign.to_vec()).unwrap();
            assert!(
                sign.starts_with(": ") || sign.starts_with("event: ping"),
                "{dialect}: {sign}"
            );
            all.push_str(&sign);
        }
        policy.go.notify_one();
        assert_eq!(read(&mut body).await, "");
        policy.go.notify_one();
        all.push_str(&read(&mut body).await);
        check(dialect, true, all.as_bytes()).unwrap();
        // Nothing is held any more, so nothing more is said.
        drop(provider);
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_client_leaves_the_judge_is_dropped_where_it_waits() {
    let policy = Waiting::default();
    let (provider, body) = open(Entry::new("p", policy.clone()), Dialect::Anthropic).await;
    {
        let mut body = pin!(body);
        for event in events(&recorded(Dialect::Anthropic, true)) {
            provider.send(Ok(event)).unwrap();
        }
        read(&mut body).await;
        policy.asked.notified().await;
        assert!(!policy.dropped.load(Ordering::Relaxed));
    }
    assert!(policy.dropped.load(Ordering::Relaxed));
    assert!(provider.is_closed(), "what lies below is cancelled");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_held_goes_out_when_the_provider_fails_or_is_lost() {
    for dialect in Dialect::ALL {
        for lost in [true, false] {
            let policy = Waiting::default();
            let (provider, body) = open(Entry::new("p", policy.clone()), dialect).await;
            let mut body = pin!(body);
            let all = events(&recorded(dialect, true));
            let calls = all.iter().position(|event| {
                let event = std::str::from_utf8(event).unwrap();
                event.contains("a.txt") || event.contains("\\\"a")
            });
            for event in &all[..=calls.unwrap()] {
                provider.send(Ok(event.clone())).unwrap();
            }
            let shown = read(&mut body).await;
            assert!(!shown.contains("a.txt"));
            if lost {
                provider.send(Err(std::io::Error::other("lost"))).unwrap();
                assert!(body.frame().await.unwrap().is_err(), "{dialect}");
            } else {
                let error = match dialect {
                    Dialect::Anthropic => {
                        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n"
                    }
                    Dialect::Chat => "data: {\"error\":{\"message\":\"m\",\"code\":\"c\"}}\n\n",
                    _ => {
                        "event: error\ndata: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"sequence_number\":99}\n\n"
                    }
                };
                provider.send(Ok(error.into())).unwrap();
                drop(provider);
                let rest = read(&mut body).await;
                assert!(
                    rest.contains("error") && !rest.contains("a.txt"),
                    "{dialect}: {rest}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_ends_with_the_policies_it_began_with() {
    let reply = recorded(Dialect::Anthropic, false);
    let house = House::new(vec![Entry::new("old", blocking("read"))]);
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let provider = service_fn(move |_: Request<luthien_core::request::LlmBody>| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        async move {
            let frames = stream::unfold(
                receiver,
                |mut receiver: mpsc::UnboundedReceiver<Bytes>| async {
                    let data = receiver.recv().await?;
                    Some((Ok::<_, Infallible>(Frame::data(data)), receiver))
                },
            );
            let mut response = Response::new(StreamBody::new(Box::pin(frames)));
            response
                .headers_mut()
                .insert("content-type", "application/json".parse().unwrap());
            Ok::<_, Infallible>(response)
        }
    });
    let asked = Request::post("/v1/messages")
        .body(http_body_util::Full::new(request(
            Dialect::Anthropic,
            false,
        )))
        .unwrap();
    let service = gate(house.layer.clone()).layer(provider);
    let exchange = tokio::spawn(async move {
        let response = service.oneshot(asked).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    tokio::task::yield_now().await;
    house
        .layer
        .replace(PolicySet::new(vec![Entry::new("new", blocking("bash"))]));
    assert_eq!(house.layer.current().entries()[0].name(), "new");
    sender.send(reply.clone()).unwrap();
    drop(sender);
    let view = check(Dialect::Anthropic, false, &exchange.await.unwrap()).unwrap();
    assert_eq!(calls(&view), ["Bash"], "judged by the old set");
    let view = house.view_once(Dialect::Anthropic, false, &reply, 0).await;
    assert_eq!(calls(&view), ["Read"], "judged by the new one");
}

#[tokio::test]
async fn a_message_that_has_begun_ends_as_one() {
    let created =
        r#"{"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}}"#;
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message","role":"assistant","content":[]}}"#;
    let done = added.replace(".added", ".done");
    let last = |item: &str| {
        format!(
            r#"{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{item}]}}}}"#
        )
    };
    let message = r#"{"id":"m","type":"message","role":"assistant","content":[]}"#;
    let call = r#"{"id":"f","type":"function_call","call_id":"c","name":"ls","arguments":"{}"}"#;
    let house = House::new(vec![Entry::new("calls", blocking("nothing"))]);
    for (events, is_sound) in [
        (vec![created, added, &done, &last(message)], true),
        (vec![created, added, &last(message)], false),
        (vec![created, added, &last(call)], false),
        (vec![created, added, added, &done, &last(message)], false),
        (vec![created, added, &done, &done, &last(message)], false),
        (vec![created, added, &done, &last(call)], false),
    ] {
        let stream = named(&events);
        let reply = Reply::events(&stream.clone().into(), 3);
        let response = house.ask(Dialect::Responses, true, reply).await;
        let got = response.into_body().unwrap();
        let got = String::from_utf8_lossy(&got);
        assert_eq!(got == stream, is_sound, "{stream}\n{got}");
        assert_eq!(got.contains("event: response.failed"), !is_sound, "{got}");
    }
}

#[tokio::test]
async fn what_is_said_of_a_part_that_has_ended_is_not_let_go() {
    let reply = recorded(Dialect::Responses, true);
    let all = events(&reply);
    let place = |kind: &str| {
        let kind = format!("event: {kind}\n");
        all.iter()
            .position(|event| event.starts_with(kind.as_bytes()))
            .unwrap()
    };
    let mut swapped = all.clone();
    swapped.swap(
        place("response.output_text.done"),
        place("response.content_part.done"),
    );
    let house = House::new(vec![Entry::new("calls", blocking("nothing"))]);
    for (events, is_sound) in [(all, true), (swapped, false)] {
        let script = Reply::events(&events.concat().into(), 2);
        let response = house.ask(Dialect::Responses, true, script).await;
        let got = response.into_body().unwrap();
        let got = String::from_utf8_lossy(&got);
        assert_eq!(got.contains("event: response.failed"), !is_sound, "{got}");
    }
}

/// Events, each with its name.
fn named(events: &[&str]) -> String {
    let event = |data: &&str| {
        let kind = data.split('"').nth(3).unwrap();
        format!("event: {kind}\ndata: {data}\n\n")
    };
    events.iter().map(event).collect()
}

#[tokio::test]
async fn what_does_not_belong_where_it_stands_is_not_let_go() {
    let created =
        r#"{"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}}"#;
    let part = r#"{"type":"response.content_part.added","item_id":"m","output_index":1,"content_index":0,"part":{"type":"output_text","text":"foul"}}"#;
    let call = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"f","type":"function_call","call_id":"c","name":"ls","arguments":""}}"#;
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"f","type":"function_call","call_id":"c","name":"ls","arguments":"{}"}}"#;
    let text = r#"{"type":"response.output_text.delta","item_id":"f","output_index":0,"content_index":0,"delta":"foul"}"#;
    let last = r#"{"type":"response.completed","response":{"id":"r","status":"completed","output":[{"id":"f","type":"function_call","call_id":"c","name":"ls","arguments":"{}"}]}}"#;
    for (events, is_sound) in [
        (vec![created, call, done, last], true),
        // A part outside of a message, a text inside a call, a call that ends twice.
        (vec![created, part, call, done, last], false),
        (vec![created, call, text, done, last], false),
        (vec![created, call, done, done, last], false),
    ] {
        let stream = named(&events);
        let house = House::new(vec![Entry::new("calls", blocking("nothing"))]);
        let reply = Reply::events(&stream.clone().into(), 3);
        let response = house.ask(Dialect::Responses, true, reply).await;
        let got = response.into_body().unwrap();
        let got = String::from_utf8_lossy(&got);
        assert_eq!(got == stream, is_sound, "{stream}\n{got}");
        assert!(!got.contains("foul"), "{got}");
        assert_eq!(got.contains("\"ls\""), is_sound, "{got}");
        assert_eq!(got.contains("event: response.failed"), !is_sound, "{got}");
    }
}

#[tokio::test]
async fn a_tool_of_the_providers_own_passes_and_begins_once() {
    let start = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#;
    let begin = r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#;
    let input = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"rust\"}"}}"#;
    let text =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"foul"}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#;
    let last = r#"{"type":"message_stop"}"#;
    for (events, is_sound) in [
        (vec![start, begin, input, stop, end, last], true),
        (vec![start, begin, begin, stop, end, last], false),
        (vec![start, begin, text, stop, end, last], false),
    ] {
        let stream = named(&events);
        let house = House::new(vec![Entry::new("calls", blocking("web"))]);
        let reply = Reply::events(&stream.clone().into(), 3);
        let response = house.ask(Dialect::Anthropic, true, reply).await;
        let got = response.into_body().unwrap();
        let got = String::from_utf8_lossy(&got);
        assert_eq!(got == stream, is_sound, "{stream}\n{got}");
        assert!(!got.contains("foul"), "{got}");
        assert_eq!(got.contains("event: error"), !is_sound, "{got}");
    }
}
