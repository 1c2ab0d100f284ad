//! What the SDKs have in common: a script is told calls, and says what it sent, got, and caught.

use serde_json::{Value, json};

use crate::{
    run::{Home, Ran, installed, run, script},
    support::{
        http1::Message,
        provider::Provider,
        sha256,
        sidecar::{Sidecar, luthien},
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
    pub async fn tell(self, vendor: &str, sidecar: &Sidecar, key: &str, calls: &Value) -> Said {
        let home = Home::new();
        let mut command = match self {
            Self::Python => {
                let mut command = home.command(installed("python").join("bin/python"));
                // It must not write beside the scripts.
                command.args(["-I", "-B"]);
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
pub const UPSTREAM_KEY: &str = "sk-of-the-upstream";

/// A sidecar for which clients need a key of its own, and such a key.
pub async fn keyed(provider: &Provider) -> (Sidecar, String) {
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

    /// The exceptions of all calls. Panics if one was successful.
    pub fn raised(&self) -> Vec<Raised<'_>> {
        assert_eq!(self.all("result"), Vec::<&Value>::new(), "{self:#?}");
        self.all("raised").into_iter().map(Raised).collect()
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
    pub fn arrived_with(&self, provider: &Provider, key: &str) {
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
pub fn one_credential(seen: &Message, key: &str) {
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
