//! What the SDKs have in common: a script is told calls, and says what it sent, got, and caught.

use std::{io, marker::PhantomData, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    model::{HELLO, Say, answer, dialect_of},
    run::{Home, Ran, installed, run, script},
    support::{
        http1::Message,
        provider::{Provider, Wire},
        replies::{cut, events, recorded},
        sha256,
        sidecar::{Sidecar, luthien},
        within,
    },
};

/// The language of an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    Python,
    Typescript,
}

/// The credential that clients have.
pub const KEY: &str = "sk-of-the-client";

/// Makes a test of each function for each SDK.
macro_rules! for_each_sdk {
    ($($name:ident)*) => {
        mod python {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::sdk::Sdk::Python).await;
            })*
        }

        mod typescript {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::sdk::Sdk::Typescript).await;
            })*
        }
    };
}

pub(crate) use for_each_sdk;

/// What a script has said.
#[derive(Debug)]
pub struct Said(Ran);

impl Sdk {
    /// What differs between the two.
    pub fn either<T>(self, python: T, typescript: T) -> T {
        match self {
            Self::Python => python,
            Self::Typescript => typescript,
        }
    }

    /// Has the SDK of this vendor make these calls.
    async fn tell(self, vendor: &str, sidecar: &Sidecar, key: &str, calls: &Value) -> Said {
        let home = Home::new();
        let mut command = match self {
            Self::Python => {
                let mut command = home.command(installed("python").join("bin/python"));
                // It must not write beside the scripts, of which one imports another.
                command.args(["-E", "-s", "-B"]);
                command.arg(script(&format!("python/{vendor}_sdk.py")));
                command
            }
            Self::Typescript => {
                let mut command = home.command("node");
                command.arg(script(&format!("node/{vendor}_sdk.mjs")));
                command.arg(installed("node"));
                command
            }
        };
        command
            .arg(home.file("calls.json", calls.to_string().as_bytes()))
            .env("ANTHROPIC_BASE_URL", sidecar.base())
            .env("ANTHROPIC_API_KEY", key)
            .env("OPENAI_BASE_URL", format!("{}/v1", sidecar.base()))
            .env("OPENAI_API_KEY", key);
        Said(run(&mut command).await.well())
    }
}

/// What stands in for a client's key on the way up.
const UPSTREAM_KEY: &str = "sk-of-the-upstream";

/// A sidecar for which clients need a key of its own, and such a key.
async fn keyed(provider: &Provider) -> (Sidecar, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "upstreams: {{ mock: {{ url: {}, credential: '${{UPSTREAM_KEY}}' }} }}\nidentity: {{ mode: keys, keys: keys.json }}\n",
        provider.url()
    );
    std::fs::write(folder.path().join("luthien.yaml"), &config).unwrap();
    let environment = [("UPSTREAM_KEY", UPSTREAM_KEY)];
    let mut new = luthien(folder.path());
    new.args(["--config", "luthien.yaml", "keys", "new", "test"]);
    let new = new.envs(environment).output().await.unwrap();
    assert!(new.status.success(), "{new:?}");
    let key = String::from_utf8(new.stdout).unwrap().trim().to_owned();
    let sidecar = Sidecar::start_in(folder, &config, &environment).await;
    (sidecar, key)
}

/// Whose SDK it is, and what is special about their provider.
pub trait Vendor: 'static {
    /// As the scripts are named.
    const NAME: &'static str;
    /// The header that names a request.
    const REQUEST_ID: &'static str;
    /// The status with which the provider does not want to be asked again.
    const ASKS_NOT: u16;
    /// How many events of a stream come before it is cut.
    const CUT: usize;

    /// An error of the provider with this status.
    fn error(status: u16) -> Vec<u8>;

    /// The reply to a call that is not for a model.
    fn beside(request: &Message) -> Option<Value>;
}

/// A provider that does what the model's name says, and tells when somebody has hung up on it.
async fn provider<V: Vendor>() -> (Provider, Arc<Notify>) {
    let gone = Arc::new(Notify::new());
    let told = gone.clone();
    let provider = Provider::start(move |request, wire| {
        let gone = told.clone();
        async move { reply::<V>(&request, wire, &gone).await }
    });
    (provider.await, gone)
}

async fn reply<V: Vendor>(
    request: &Message,
    mut wire: Wire,
    gone: &Notify,
) -> io::Result<Option<Wire>> {
    if let Some(reply) = V::beside(request) {
        wire.json(200, reply.to_string().as_bytes()).await?;
        return Ok(Some(wire));
    }
    let (dialect, body) = (dialect_of(request), request.json());
    let text = body.to_string();
    let has_results = ["tool_result", "function_call_output", "tool_call_id"]
        .iter()
        .any(|mark| text.contains(mark));
    let again = request.header("x-stainless-retry-count") != Some("0");
    match body["model"].as_str().unwrap() {
        "recorded" if !has_results => {
            let stream = body["stream"] == true;
            let reply = recorded(dialect, stream);
            if stream {
                wire.streamed(cut(&reply, 7)).await?;
            } else {
                wire.json(200, &reply).await?;
            }
        }
        "tools" if !has_results => answer(&mut wire, request, &two_calls()).await?,
        "cut" => {
            wire.stream().await?;
            wire.chunk(&events(dialect)[..V::CUT].concat()).await?;
            return Ok(None);
        }
        "slow" => {
            wire.stream().await?;
            wire.chunk(&events(dialect)[0]).await?;
            wire.closed().await;
            gone.notify_one();
            return Ok(None);
        }
        "asks-again" if !again => {
            let headers = "x-should-retry: true\r\nretry-after-ms: 1\r\n";
            wire.whole(400, headers, &V::error(400)).await?;
        }
        "asks-not" => {
            let headers = "x-should-retry: false\r\n";
            wire.whole(V::ASKS_NOT, headers, &V::error(V::ASKS_NOT))
                .await?;
        }
        name => match name.strip_prefix("status-") {
            Some(status) => {
                let status = status.parse().unwrap();
                let headers = format!(
                    "content-type: application/json\r\n{}: req_1\r\nretry-after: 7\r\n",
                    V::REQUEST_ID
                );
                wire.whole(status, &headers, &V::error(status)).await?;
            }
            None => answer(&mut wire, request, &HELLO).await?,
        },
    }
    Ok(Some(wire))
}

/// What the model `tools` says first.
fn two_calls() -> [Say; 4] {
    [
        Say::Thinking("Two files."),
        Say::Text("Let me look."),
        Say::Call("call_A", "read", json!({ "path": "a.txt" })),
        Say::Call("call_B", "bash", json!({ "cmd": "ls" })),
    ]
}

/// An SDK, a sidecar, and a provider behind it.
pub struct Scene<V> {
    sdk: Sdk,
    pub sidecar: Sidecar,
    pub provider: Provider,
    gone: Arc<Notify>,
    vendor: PhantomData<V>,
}

impl<V: Vendor> Scene<V> {
    /// Where the sidecar has these settings.
    pub async fn new(sdk: Sdk, settings: &str) -> Self {
        let (provider, gone) = provider::<V>().await;
        let sidecar = Sidecar::before(&provider, settings).await;
        Self::of(sdk, sidecar, provider, gone)
    }

    /// Where clients need a key of the sidecar's own, and such a key.
    pub async fn keyed(sdk: Sdk) -> (Self, String) {
        let (provider, gone) = provider::<V>().await;
        let (sidecar, key) = keyed(&provider).await;
        (Self::of(sdk, sidecar, provider, gone), key)
    }

    fn of(sdk: Sdk, sidecar: Sidecar, provider: Provider, gone: Arc<Notify>) -> Self {
        Self {
            sdk,
            sidecar,
            provider,
            gone,
            vendor: PhantomData,
        }
    }

    /// What comes of these calls where there is no provider.
    pub async fn without_provider(sdk: Sdk, calls: Value) -> Said {
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let config = format!("upstreams: {{ mock: {{ url: 'http://{free}' }} }}");
        let sidecar = Sidecar::start(&config).await;
        sdk.tell(V::NAME, &sidecar, KEY, &calls).await
    }

    /// Has the SDK make these calls.
    pub async fn tell(&self, calls: Value) -> Said {
        self.sdk.tell(V::NAME, &self.sidecar, KEY, &calls).await
    }

    /// No request has come as far as the provider.
    pub fn nothing_arrived(&self) {
        assert_eq!(self.provider.seen().len(), 0);
    }

    /// Nobody waits for the slow provider any more. The line of the exchange that ended so.
    pub async fn let_go(&self, end: &str) -> Value {
        within("the provider is let go", self.gone.notified()).await;
        self.sidecar.exchange(end).await
    }

    /// The SDK asks again where the provider wants it so, and only there.
    pub async fn asks_again_as_it_is_told(&self, call: impl Fn(&str) -> Value) {
        let calls = ["asks-again", "asks-not"].map(|model| {
            let mut call = call(model);
            call["retries"] = json!(2);
            call
        });
        let said = self.tell(calls.into_iter().collect()).await;
        // A 400 twice over, since the provider wants it so; the other only once.
        assert_eq!(said.all("result").len(), 1);
        assert_eq!(said.caught()[0].status(), Some(u64::from(V::ASKS_NOT)));
        said.arrived(&self.provider);
        let seen = self.provider.seen();
        let models: Vec<_> = seen
            .iter()
            .map(|seen| seen.json()["model"].clone())
            .collect();
        assert_eq!(models, ["asks-again", "asks-again", "asks-not"]);
    }

    /// With a key of the sidecar's own: another one goes up in its place.
    pub async fn keeps_a_key_of_ours(sdk: Sdk, calls: Value) {
        let (scene, key) = Self::keyed(sdk).await;
        let said = sdk.tell(V::NAME, &scene.sidecar, &key, &calls).await;
        assert_eq!(said.all("raised"), Vec::<&Value>::new());
        said.arrived_with(&scene.provider, UPSTREAM_KEY);
        for request in scene.provider.seen() {
            assert!(!String::from_utf8_lossy(&request.head).contains(&key));
        }
        scene.sidecar.exchange("complete").await;
    }
}

/// What events say, without the marks that only end a stream or keep it alive.
pub fn data_of(events: &[bytes::Bytes]) -> Vec<Value> {
    let data = |event: &bytes::Bytes| {
        let text = std::str::from_utf8(event).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        data.unwrap().to_owned()
    };
    let said = events.iter().map(data).filter(|data| data != "[DONE]");
    let said = said.map(|data| serde_json::from_str::<Value>(&data).unwrap());
    said.filter(|data| data["type"] != "ping").collect()
}

/// With all numbers as floats: the Python SDK reads some whole ones so.
pub fn floats(json: &Value) -> Value {
    match json {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), floats(value)))
                .collect()
        }
        other => other.clone(),
    }
}

impl Said {
    /// All of what it has said under this name.
    pub fn all(&self, name: &str) -> Vec<&Value> {
        let lines = self.0.lines.iter();
        lines.filter_map(|line| line.get(name)).collect()
    }

    /// The results of all calls. Panics if one was not successful.
    pub fn results(&self) -> Vec<&Value> {
        assert_eq!(self.all("raised"), Vec::<&Value>::new(), "{self:#?}");
        self.all("result")
    }

    /// The only result.
    pub fn result(&self) -> &Value {
        let results = self.results();
        assert_eq!(results.len(), 1, "{self:#?}");
        results[0]
    }

    /// The exceptions of those calls that had one.
    pub fn caught(&self) -> Vec<Raised<'_>> {
        self.all("raised").into_iter().map(Raised).collect()
    }

    /// The exceptions of all calls. Panics if one was successful.
    pub fn raised(&self) -> Vec<Raised<'_>> {
        assert_eq!(self.all("result"), Vec::<&Value>::new(), "{self:#?}");
        self.caught()
    }

    /// The only exception.
    pub fn only_raised(&self) -> Raised<'_> {
        let mut raised = self.raised();
        assert_eq!(raised.len(), 1, "{self:#?}");
        raised.remove(0)
    }

    /// Every request that the client sent has arrived at the provider as it was sent: target, headers, body.
    pub fn arrived(&self, provider: &Provider) {
        self.arrived_with(provider, KEY);
    }

    /// The same, but with this key.
    fn arrived_with(&self, provider: &Provider, key: &str) {
        let (sent, seen) = (self.all("sent"), provider.seen());
        assert_eq!(sent.len(), seen.len(), "requests: {self:#?}");
        for (sent, seen) in sent.into_iter().zip(&seen) {
            assert_eq!(sent["method"], seen.method());
            assert_eq!(sent["target"], seen.target());
            assert_eq!(sent["sha256"], sha256(&seen.body), "{}", seen.target());
            for header in sent["headers"].as_array().unwrap() {
                let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
                same_header(&name.to_lowercase(), value, seen);
            }
            one_credential(seen, key);
        }
    }
}

fn same_header(name: &str, value: &str, seen: &Message) {
    // These are of one hop. What is accepted is narrowed where the reply must be read.
    const OWN: [&str; 5] = [
        "host",
        "connection",
        "content-length",
        "accept-encoding",
        // Looked at apart.
        "authorization",
    ];
    if !OWN.contains(&name) {
        assert_eq!(seen.all(name), [value], "{name} of {}", seen.target());
    }
}

/// The credential arrives in the form in which these SDKs send it, and there is no other.
fn one_credential(seen: &Message, key: &str) {
    assert_eq!(seen.all("authorization"), [format!("Bearer {key}")]);
    assert_eq!(seen.header("x-api-key"), None);
    assert!(!String::from_utf8_lossy(&seen.head).contains("luthien"));
}

/// An exception as an SDK raised it.
#[derive(Clone, Copy, Debug)]
pub struct Raised<'a>(&'a Value);

impl Raised<'_> {
    pub fn class(&self) -> &str {
        self.0["class"].as_str().unwrap()
    }

    pub fn status(&self) -> Option<u64> {
        self.0["status"].as_u64()
    }

    /// Panics if it is not of this class, with this status.
    pub fn is(&self, class: &str, status: u64) {
        assert_eq!((self.class(), self.status()), (class, Some(status)));
    }

    /// In how many seconds to come again.
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after").unwrap().parse().unwrap()
    }

    pub fn message(&self) -> &str {
        self.0["message"].as_str().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }
}
