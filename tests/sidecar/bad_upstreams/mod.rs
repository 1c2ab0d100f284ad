//! Providers that fail, break off, lie, or never end. Whatever they do: the client learns of it in words it understands
//! or by a broken transfer, the log says so, and the sidecar goes on.

mod away;
mod breaker;
mod cut;
mod endless;
mod failover;
mod framing;
mod http2;
mod packed;
mod relayed;
mod tls;

use std::{cell::RefCell, collections::BTreeMap, io};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    client::{Client, ask, post},
    good,
    http1::Message,
    provider::{Provider, Wire},
    replies::{Dialect, asked, recorded, request},
    sidecar::Sidecar,
    within,
};

/// A sidecar with a bad provider behind it, and a good one for the models `good-…`.
struct Scene {
    sidecar: Sidecar,
    good: Provider,
}

impl Scene {
    async fn before(bad: &Provider, settings: &str) -> Self {
        Self::start(&format!("url: {}", bad.url()), settings).await
    }

    /// `bad` is what the configuration says about the bad provider.
    async fn start(bad: &str, settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), bad, settings, &[]).await
    }

    async fn start_in(
        folder: TempDir,
        bad: &str,
        settings: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let good = Provider::start(good::reply).await;
        let config = format!(
            "upstreams: {{ bad: {{ {bad} }}, good: {{ url: {} }} }}\n\
             routes: [{{ models: [\"good-*\"], upstreams: [good] }}, {{ models: [\"*\"], upstreams: [bad] }}]\n\
             {settings}\n",
            good.url()
        );
        let sidecar = Sidecar::start_in(folder, &config, environment).await;
        Self { sidecar, good }
    }

    /// Asks on a connection of its own: what came of it.
    async fn ask(&self, request: &[u8]) -> Got {
        let mut client = Client::connect(self.sidecar.agents).await;
        client.write(request).await.unwrap();
        Got(within("a response", client.read.response(false)).await)
    }

    /// The line of the log about the exchange with this response.
    async fn line(&self, response: &Message) -> Value {
        let id = response.header("x-luthien-request-id").unwrap();
        self.line_with("id", id).await
    }

    /// The line of the log about the exchange with this member.
    async fn line_with(&self, name: &str, value: &str) -> Value {
        self.sidecar
            .logged("the exchange", |line| {
                line["message"] == "exchange" && line[name] == value
            })
            .await
    }

    /// How the exchanges about this many models ended, by model.
    async fn ends(&self, count: usize) -> BTreeMap<String, Value> {
        let ends = RefCell::new(BTreeMap::new());
        let all = |line: &Value| {
            if line["message"] == "exchange" {
                let model = line["model"].as_str().unwrap().to_owned();
                ends.borrow_mut().insert(model, line["end"].clone());
            }
            ends.borrow().len() == count
        };
        self.sidecar.logged("the exchanges", all).await;
        ends.into_inner()
    }

    /// At its peak it has used as much memory as before, `more` bytes, and some slack.
    fn uses_little_more_than(&self, before: u64, more: u64) {
        let peak = self.sidecar.most_memory();
        assert!(
            peak < before + more + (32 << 20),
            "{} KiB, after {} KiB",
            peak >> 10,
            before >> 10
        );
    }

    /// Whatever has happened: the sidecar lives, says so, and serves others as if nothing had been. (That nothing has
    /// panicked is asserted when it is dropped.)
    async fn goes_on(&self) {
        let health = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
        assert_eq!(ask(self.sidecar.admin, health).await.status(), 200);
        for dialect in Dialect::ALL {
            for stream in [true, false] {
                let asked = about(dialect, stream, "good-large");
                let got = ask(
                    self.sidecar.agents,
                    &post(dialect.path(), "", asked.as_bytes()),
                )
                .await;
                assert_eq!(
                    (got.status(), &*got.body),
                    (200, &*recorded(dialect, stream))
                );
                assert_eq!(self.good.seen().pop().unwrap().text(), asked);
            }
        }
    }
}

/// A small request for this model.
fn about(dialect: Dialect, stream: bool, model: &str) -> String {
    let request = String::from_utf8(request(dialect, stream).to_vec()).unwrap();
    request.replace("mock-large", model)
}

/// The same, ready for the wire.
fn call(dialect: Dialect, stream: bool, model: &str) -> Vec<u8> {
    post(dialect.path(), "", about(dialect, stream, model).as_bytes())
}

fn dialect_of(request: &Message) -> Dialect {
    let called = |dialect: &Dialect| request.target() == dialect.path();
    Dialect::ALL.into_iter().find(called).unwrap()
}

/// What a client got, however broken: a head with a body and how that ended, or not even a head.
struct Got(io::Result<(Message, io::Result<()>)>);

impl Got {
    /// A response that ended as its framing says.
    fn whole(self) -> Message {
        let (message, end) = self.0.unwrap();
        end.unwrap_or_else(|error| panic!("{}: the body is cut: {error}", message.first));
        message
    }

    /// The beginning of a response whose transfer is broken, so that no client takes it for all; or nothing at all.
    fn broken(self) -> Message {
        let Ok((message, end)) = self.0 else {
            return Message::default();
        };
        assert!(
            end.is_err(),
            "a clean end: {:?}",
            String::from_utf8_lossy(&message.body)
        );
        message
    }

    /// What a broken transfer, or nothing but a refusal of ours, brought of the provider's reply.
    fn not_a_reply(self) -> String {
        match self.0 {
            Ok((message, Ok(()))) => {
                assert_eq!(message.status(), 502);
                String::new()
            }
            broken => Self(broken).broken().text().to_owned(),
        }
    }

    /// A refusal of ours with this status, in this dialect's words.
    fn refused(self, dialect: Dialect, status: u16) -> Message {
        let message = self.whole();
        assert_eq!(message.status(), status, "{}", message.text());
        assert_eq!(message.header("content-type"), Some("application/json"));
        let json = message.json();
        match dialect {
            Dialect::Anthropic => {
                assert_eq!(json["type"], "error");
                let kind = if status == 504 {
                    "timeout_error"
                } else {
                    "api_error"
                };
                assert_eq!(json["error"]["type"], kind);
            }
            _ => {
                assert_eq!(json["error"]["type"], "server_error");
                assert!(json["error"]["code"].is_string());
            }
        }
        assert!(json["error"]["message"].is_string());
        message
    }

    /// A stream that ended in order, with an error event of this dialect as its last: the bytes before it, and its words.
    fn ended_in_error(self, dialect: Dialect) -> (Vec<u8>, String) {
        let message = self.whole();
        let text = message.text().strip_suffix("\n\n").unwrap();
        let (before, last) = match text.rfind("\n\n") {
            Some(at) => text.split_at(at + 2),
            None => ("", text),
        };
        let data = match dialect {
            Dialect::Chat => last.strip_prefix("data: ").unwrap(),
            _ => last.strip_prefix("event: error\ndata: ").unwrap(),
        };
        let json: Value = serde_json::from_str(data).unwrap();
        let words = match dialect {
            Dialect::Anthropic => {
                assert_eq!(json["type"], "error");
                assert!(json["error"]["type"].is_string());
                &json["error"]["message"]
            }
            Dialect::Chat => &json["error"]["message"],
            _ => {
                assert_eq!(json["type"], "error");
                assert!(json["sequence_number"].is_u64());
                &json["message"]
            }
        };
        (
            before.as_bytes().to_vec(),
            words.as_str().unwrap().to_owned(),
        )
    }
}

/// All dialects, streamed and whole.
fn calls() -> impl Iterator<Item = (Dialect, bool)> {
    Dialect::ALL
        .into_iter()
        .flat_map(|dialect| [(dialect, true), (dialect, false)])
}

/// Asks the provider by GET for something that is relayed.
const MODELS: &[u8] = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-api-key: sk-test\r\n\r\n";

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A provider that tells through the first of what it gives when one of its connections has been closed, having
/// answered by `answer` before.
async fn until_closed<F>(
    answer: impl Fn(Message, Wire) -> F + Clone + Send + Sync + 'static,
) -> (tokio::sync::mpsc::UnboundedReceiver<()>, Provider)
where
    F: Future<Output = io::Result<Wire>> + Send + 'static,
{
    let (tell, closed) = tokio::sync::mpsc::unbounded_channel();
    let provider = Provider::start(move |request, wire| {
        let (tell, answering) = (tell.clone(), answer(request, wire));
        async move {
            // A write may find it closed already.
            if let Ok(mut wire) = answering.await {
                wire.closed().await;
            }
            tell.send(()).ok();
            Ok(None)
        }
    })
    .await;
    (closed, provider)
}
