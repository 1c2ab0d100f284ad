//! Exchanges through both layers, and what is found of them afterwards.

use std::{collections::HashMap, convert::Infallible};

use bytes::Bytes;
use http::Request as HttpRequest;
use luthien_core::{
    Dialect,
    body::Chunk,
    facts::{ExchangeId, SessionId},
    gate::{Decode, DecodeLayer, Parse, ParseLayer},
    request::LlmBody,
    testing::{Provider, Reply as Script, ScriptedBody, Step, cut, recorded, request, send},
};
use tempfile::TempDir;
use tower::{Layer, Service, ServiceExt};

use super::{
    ContentHash, Durability, Ended, Ending, Event, Parts, ProviderSideLayer, Record, RecordLayer,
    RecordProvider, Recorder, Settings, What, join,
    spool::{Feed, Kept},
};

/// Both layers over a provider, and what they have written.
struct Recorded {
    _folder: TempDir,
    recorder: Recorder,
    feed: Feed,
    contents: HashMap<ContentHash, Bytes>,
    parts: Parts,
    events: Vec<Event>,
}

impl Recorded {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::new(folder.path());
        change(&mut settings);
        let (recorder, feed) = Recorder::start(&settings).unwrap();
        Self {
            _folder: folder,
            recorder,
            feed,
            contents: HashMap::new(),
            parts: Parts::default(),
            events: Vec::new(),
        }
    }

    fn service(&self, provider: Provider) -> Parse<Record<RecordProvider<Decode<Provider>>>> {
        let service = ProviderSideLayer::new().layer(DecodeLayer::new().layer(provider));
        ParseLayer::new().layer(RecordLayer::new(self.recorder.clone()).layer(service))
    }

    /// What the disk has by now.
    fn read(&mut self) {
        let mut nodes = Vec::new();
        let mut messages = HashMap::new();
        loop {
            let batch = self.feed.read().unwrap();
            if batch.kept.is_empty() {
                break;
            }
            for kept in batch.kept {
                match kept {
                    Kept::Content(content) => {
                        self.contents.insert(content.hash, content.body);
                    }
                    Kept::Message(message) => {
                        messages.insert(message.hash, message);
                    }
                    Kept::Node(node) => nodes.push(node),
                    Kept::Event(link) => self.events.push(*link.event),
                }
            }
        }
        for node in nodes {
            let message = messages[&node.message].clone();
            self.parts.path.push((node, message));
        }
        self.parts.contents = self.contents.clone();
    }

    fn ended(&self) -> &Ended {
        let ended = self.events.iter().filter_map(|event| match &event.what {
            What::Ended(ended) => Some(&**ended),
            _ => None,
        });
        let ended: Vec<_> = ended.collect();
        assert_eq!(ended.len(), 1, "{:?}", self.events);
        ended[0]
    }

    fn names(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.what.name()).collect()
    }

    fn reply(&self) -> Option<Bytes> {
        let reply = &self.ended().reply;
        let pieces = reply.body.iter().chain(&reply.rest);
        let pieces = pieces.map(|piece| self.contents.get(piece).cloned());
        let pieces: Option<Vec<Bytes>> = pieces.collect();
        pieces
            .filter(|pieces| !pieces.is_empty())
            .map(|pieces| pieces.concat().into())
    }
}

fn asked(dialect: Dialect, stream: bool) -> HttpRequest<Bytes> {
    HttpRequest::post(dialect.path())
        .header("user-agent", "agent/1.0")
        .header("x-api-key", "sk-secret")
        .extension(ExchangeId("x-1".into()))
        .extension(SessionId("s-1".into()))
        .body(request(dialect, stream))
        .unwrap()
}

fn script(dialect: Dialect, stream: bool, seed: u64) -> Script {
    let reply = recorded(dialect, stream);
    if stream {
        Script::events(&reply, seed)
    } else {
        Script::json(&reply, seed)
    }
}

#[tokio::test]
async fn what_was_asked_and_answered_is_on_the_disk_when_the_client_has_it() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            for durability in [Durability::Terminal, Durability::Request] {
                let mut record = Recorded::new(|settings| settings.durability = durability);
                let service = record.service(Provider::new([script(dialect, stream, 3)]));
                let response = send(&service, asked(dialect, stream)).await;
                assert_eq!(response.into_body(), Ok(recorded(dialect, stream)));

                record.read();
                assert_eq!(record.names(), ["request_received", "ended"]);
                let What::RequestReceived(asked) = &record.events[0].what else {
                    panic!("{:?}", record.events);
                };
                assert_eq!(asked.session.as_deref(), Some("s-1"));
                assert_eq!(asked.client.as_deref(), Some("agent/1.0"));
                let kept = join(asked.request.as_ref().unwrap(), &record.parts);
                assert_eq!(kept, Ok(request(dialect, stream)));
                let ended = record.ended();
                assert_eq!((ended.ending, ended.status), (Ending::Ok, Some(200)));
                assert_eq!(ended.provider_reply, None);
                assert!(ended.reply.complete && ended.usage.output.is_some());
                assert!(ended.model.is_some() && ended.stop_reason.is_some());
                assert!(!ended.reply.blocks.is_empty());
                assert_eq!(record.reply(), Some(recorded(dialect, stream)));
                let text = format!("{:?}", record.events);
                assert!(!text.contains("sk-secret"));
            }
        }
    }
}

#[tokio::test]
async fn the_same_conversation_is_kept_once() {
    let mut record = Recorded::new(|_| {});
    let dialect = Dialect::Anthropic;
    let service = record.service(Provider::new([script(dialect, true, 3)]));
    for _ in 0..5 {
        send(&service, asked(dialect, true))
            .await
            .into_body()
            .unwrap();
    }
    record.read();
    assert_eq!(record.events.len(), 10);
    let messages = record.parts.path.len();
    let What::RequestReceived(asked) = &record.events[8].what else {
        panic!("{:?}", record.events);
    };
    assert_eq!(asked.request.as_ref().unwrap().messages as usize, messages);
}

#[tokio::test]
async fn a_client_that_leaves_is_recorded_with_what_it_got() {
    let mut record = Recorded::new(|_| {});
    let dialect = Dialect::Chat;
    let reply = recorded(dialect, true);
    let half = reply.slice(..reply.len() / 2);
    let steps = cut(&half, 1).into_iter().map(Step::Data);
    let provider = Provider::new([Script::steps(steps.chain([Step::Hang]))]);
    let service = record.service(provider);
    let request = asked(dialect, true).map(http_body_util::Full::new);
    let mut body = service.oneshot(request).await.unwrap().into_body();
    let first = http_body_util::BodyExt::frame(&mut body).await.unwrap();
    let first = first.unwrap().into_data().unwrap();
    drop(body);
    record.recorder.close();
    record.read();
    let ended = record.ended();
    assert_eq!(ended.ending, Ending::ClientGone);
    assert!(!ended.reply.complete);
    assert_eq!(record.reply(), Some(first));
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_an_answer_is_recorded() {
    let mut record = Recorded::new(|_| {});
    let service = ProviderSideLayer::new().layer(tower::service_fn(|_| {
        std::future::pending::<Result<http::Response<ScriptedBody<Chunk>>, Infallible>>()
    }));
    let mut service = RecordLayer::new(record.recorder.clone()).layer(service);
    drop(service.call(HttpRequest::new(LlmBody::default())));
    record.recorder.close();
    record.read();
    assert_eq!(record.ended().ending, Ending::ClientGone);
}

#[tokio::test]
async fn replies_that_break_off_are_recorded_as_such() {
    let dialect = Dialect::Anthropic;
    let reply = recorded(dialect, true);
    let half = reply.slice(..reply.len() / 2);
    for (steps, ending) in [
        (vec![Step::Data(half.clone()), Step::Fail], Ending::Truncated),
        (vec![Step::Data(half.clone())], Ending::Truncated),
        (
            vec![Step::Data(Bytes::from_static(
                b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n",
            ))],
            Ending::UpstreamError,
        ),
    ] {
        let mut record = Recorded::new(|_| {});
        let service = record.service(Provider::new([Script::steps(steps)]));
        send(&service, asked(dialect, true)).await;
        record.recorder.close();
        record.read();
        assert_eq!(record.ended().ending, ending);
    }
}

#[tokio::test]
async fn errors_of_the_provider_are_recorded_word_for_word() {
    let mut record = Recorded::new(|_| {});
    let body = Bytes::from_static(br#"{"type":"error","error":{"type":"x","message":"\u00e9"}}"#);
    let script = Script::json(&body, 1).with_status(http::StatusCode::TOO_MANY_REQUESTS);
    let service = record.service(Provider::new([script]));
    let response = send(&service, asked(Dialect::Anthropic, true)).await;
    assert_eq!(response.status(), 429);
    record.read();
    let ended = record.ended();
    assert_eq!(
        (ended.ending, ended.status),
        (Ending::UpstreamError, Some(429))
    );
    assert_eq!(record.reply(), Some(body));
}

#[tokio::test]
async fn bodies_without_room_are_counted_and_the_rest_is_kept() {
    let mut record = Recorded::new(|settings| settings.queue = 0);
    let service = record.service(Provider::new([script(Dialect::Responses, true, 1)]));
    let response = send(&service, asked(Dialect::Responses, true)).await;
    assert_eq!(response.into_body(), Ok(recorded(Dialect::Responses, true)));
    record.read();
    let ended = record.ended();
    assert_eq!(ended.ending, Ending::Ok);
    assert!(ended.shed && ended.reply.body.is_none());
    assert!(record.recorder.health().shed_bodies >= 2);
    assert_eq!(record.recorder.health().lost_notes, 0);
}

#[tokio::test]
async fn a_full_spool_takes_ends_and_no_bodies() {
    let mut record = Recorded::new(|settings| settings.spool = 1);
    let service = record.service(Provider::new([script(Dialect::Chat, false, 1)]));
    let response = send(&service, asked(Dialect::Chat, false)).await;
    assert_eq!(response.into_body(), Ok(recorded(Dialect::Chat, false)));
    record.read();
    assert!(record.ended().shed && record.contents.is_empty());
    assert!(record.recorder.health().shed_bodies >= 2);
}

#[tokio::test]
async fn what_is_still_going_on_when_the_recorder_stops_has_an_end() {
    let mut record = Recorded::new(|_| {});
    let provider = Provider::new([Script::steps([Step::Hang])]);
    let request = asked(Dialect::Chat, true).map(http_body_util::Full::new);
    let response = record.service(provider).oneshot(request).await.unwrap();
    record.recorder.close();
    record.read();
    assert_eq!(record.ended().ending, Ending::Shutdown);
    drop(response);
}

#[tokio::test]
async fn a_long_reply_is_kept_in_pieces() {
    let delta = |number: usize| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{number} {}\"}}}}\n\n",
            "words ".repeat(20)
        )
    };
    let recorded = String::from_utf8(recorded(Dialect::Anthropic, true).to_vec()).unwrap();
    let (start, rest) = recorded.split_once("event: content_block_delta").unwrap();
    let deltas: String = (0..6_000).map(delta).collect();
    let reply = Bytes::from(format!("{start}{deltas}event: content_block_delta{rest}"));
    let mut record = Recorded::new(|_| {});
    let service = record.service(Provider::new([Script::steps([Step::Data(reply.clone())])]));
    let response = send(&service, asked(Dialect::Anthropic, true)).await;
    assert_eq!(response.into_body(), Ok(reply.clone()));
    record.read();
    let ended = record.ended();
    assert!(ended.reply.rest.len() > 4, "{}", ended.reply.rest.len());
    assert_eq!((ended.ending, ended.shed), (Ending::Ok, false));
    assert_eq!(ended.provider_reply, None);
    assert!(ended.model.is_some() && ended.stop_reason.is_some());
    assert_eq!(record.reply(), Some(reply));
}

#[tokio::test]
async fn what_the_store_has_forgotten_is_written_again() {
    let mut record = Recorded::new(|_| {});
    let dialect = Dialect::Anthropic;
    let service = record.service(Provider::new([script(dialect, true, 3)]));
    let mut counts = Vec::new();
    for is_forgotten in [false, false, true] {
        if is_forgotten {
            record.feed.renew();
        }
        let response = send(&service, asked(dialect, true)).await;
        response.into_body().unwrap();
        let kept = record.feed.read().unwrap().kept;
        let bodies = kept.iter().filter(|kept| !matches!(kept, Kept::Event(_)));
        counts.push(bodies.count());
    }
    assert!(counts[0] > 2, "{counts:?}");
    assert_eq!(counts, [counts[0], 0, counts[0]]);
}
