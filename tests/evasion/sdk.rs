//! The official SDKs as oracles: what they make of the bytes that a client got. `scripts/clients` installs them.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use luthien_core::Dialect;
use serde_json::{Value, json};

use crate::{
    attempt::{Call, Exchange, Expect, Form},
    carriers::catalogue,
    house::{Got, House},
    oracles::{kept, raw::is_marked, says_why},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Python,
    Typescript,
}

/// What an SDK makes of a reply, read in one way.
#[derive(Clone, Debug)]
pub struct Made {
    calls: Vec<(String, String)>,
    text: String,
    error: Option<String>,
}

/// A process that shows replies to an SDK.
pub struct Sdk {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

fn installed(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = root.join("target/clients").join(path);
    assert!(
        found.exists(),
        "there is no target/clients/{path}: run `scripts/clients`, which installs the clients"
    );
    found
}

fn script(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients");
    here.join(path).canonicalize().unwrap()
}

impl Sdk {
    pub fn of(language: Language, dialect: Dialect) -> Self {
        let vendor = match dialect {
            Dialect::Anthropic => "anthropic",
            _ => "openai",
        };
        let mut command = match language {
            Language::Python => {
                let mut command = Command::new(installed("python").join("bin/python"));
                command
                    .args(["-E", "-s", "-B"])
                    .arg(script("python/replayed.py"));
                command
            }
            Language::Typescript => {
                let mut command = Command::new("node");
                command
                    .arg(script("node/replayed.mjs"))
                    .arg(installed("node"));
                command
            }
        };
        command
            .arg(vendor)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            input,
            output,
        }
    }

    /// What the SDK makes of a reply, in every way in which it can be read.
    pub fn read(&mut self, dialect: Dialect, asked: Form, got: &Got) -> BTreeMap<String, Made> {
        let line = json!({
            "id": "",
            "dialect": dialect.name(),
            "stream": asked == Form::Stream,
            "status": got.status.as_u16(),
            "content_type": got.content_type(),
            "broken": got.broken,
            "body_base64": BASE64_STANDARD.encode(&got.body),
        });
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        let mut said = String::new();
        self.output.read_line(&mut said).unwrap();
        let said: Value =
            serde_json::from_str(&said).expect("the SDK's process says what it has seen");
        let ways = said["ways"].as_object().unwrap();
        ways.iter()
            .map(|(way, made)| (way.clone(), Made::read(made)))
            .collect()
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        drop(self.input.take());
        let ended = self.process.wait();
        assert!(std::thread::panicking() || ended.is_ok_and(|ended| ended.success()));
    }
}

impl Made {
    fn read(made: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let calls = made["tool_calls"].as_array().unwrap();
        Self {
            calls: calls
                .iter()
                .map(|call| (text(&call["name"]), text(&call["arguments"])))
                .collect(),
            text: text(&made["text"]),
            error: made["error"].as_str().map(str::to_owned),
        }
    }

    /// Whether a call that must not pass is among those that the SDK hands on.
    pub fn leaks(&self) -> bool {
        self.calls
            .iter()
            .any(|(name, input)| is_marked(name.as_bytes()) || is_marked(input.as_bytes()))
    }

    /// Whether it was read without an error, with these calls and an explanation.
    fn is_explained(&self, calls: &[Call]) -> bool {
        self.error.is_none() && self.has_exactly(calls) && says_why(self.text.as_bytes())
    }

    fn has_exactly(&self, calls: &[Call]) -> bool {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into());
        let mut seen: Vec<_> = self
            .calls
            .iter()
            .map(|(name, input)| (name.clone(), json(input).to_string()))
            .collect();
        // A way of reading that looks at every event sees a call as often as it is said; without a name, a piece of it.
        seen.retain(|(name, _)| !name.is_empty());
        seen.sort();
        seen.dedup();
        let placeholder = |input: &str| matches!(input, "\"\"" | "{}");
        let wanted: Vec<_> = calls
            .iter()
            .map(|call| (call.name.clone(), json(&call.input).to_string()))
            .collect();
        seen.iter().all(|(name, input)| {
            wanted
                .iter()
                .any(|call| call.0 == *name && (call.1 == *input || placeholder(input)))
        }) && wanted.iter().all(|call| seen.contains(call))
    }
}

/// In how many ways a reply of this dialect is read, by both languages.
pub fn ways(dialect: Dialect, asked: Form) -> usize {
    let is_anthropic = dialect == Dialect::Anthropic;
    2 * (1 + usize::from(is_anthropic) + usize::from(asked == Form::Stream))
}

/// What is wrong with what the SDK makes of a reply. `unpoliced` is what it makes of what the provider sent.
pub fn complaints(
    exchange: &Exchange,
    got: &Got,
    made: &BTreeMap<String, Made>,
    unpoliced: &BTreeMap<String, Made>,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for (way, made) in made {
        if made.leaks() {
            complaints.push(format!("LEAK: the SDK, {way}, hands on {made:?}"));
        }
        // Not every reply that is to be explained is one that the SDK reads.
        let reads = unpoliced[way].error.is_none() && unpoliced[way].leaks();
        let is_error = !got.status.is_success() || got.broken;
        // An SDK that has asked for the other form takes what comes for a text without a call, or reads nothing of it.
        let is_stream = got
            .content_type()
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        let is_as_asked =
            exchange.asked == exchange.arrives && is_stream == (exchange.asked == Form::Stream);
        match &exchange.expect {
            Expect::Explained(calls) if reads && !made.is_explained(calls) => {
                complaints.push(format!("the SDK, {way}, reads {made:?}"));
            }
            Expect::Refused if (is_error || is_as_asked) && made.error.is_none() => {
                complaints.push(format!("the SDK, {way}, raises nothing: {made:?}"));
            }
            _ => {}
        }
        let kept = kept(exchange);
        let others = made
            .calls
            .iter()
            .find(|(name, _)| !name.is_empty() && !kept.iter().any(|call| call.name == *name));
        if let Some(other) = others {
            complaints.push(format!("LEAK: the SDK, {way}, hands on {other:?}"));
        }
    }
    complaints
}

/// The seed with which replies are cut that SDKs see: what is well-formed is the same with any.
const SEED: u64 = 2;

/// Shows every attempt to an SDK, and what the provider sent as well.
async fn sees_nothing(language: Language, dialect: Dialect) {
    let house = House::new();
    let mut sdk = Sdk::of(language, dialect);
    let (mut found, mut shown, mut would) = (Vec::new(), 0, 0);
    for attempt in catalogue(dialect).iter().flatten() {
        let all = house.play(attempt, SEED).await;
        for (exchange, got) in attempt.exchanges.iter().zip(&all) {
            let unpoliced = sdk.read(dialect, exchange.asked, &Got::unpoliced(exchange));
            let made = sdk.read(dialect, exchange.asked, got);
            assert_eq!(made.len() * 2, ways(dialect, exchange.asked));
            shown += made.len();
            would += unpoliced.values().filter(|made| made.leaks()).count();
            for complaint in complaints(exchange, got, &made, &unpoliced) {
                found.push(format!("{}: {complaint}\nOUT {got}", attempt.name()));
            }
        }
    }
    println!(
        "{language:?}, {dialect}: {} complaints about {shown} replies; without policies, {would} of them hand on the call",
        found.len()
    );
    assert!(
        found.is_empty(),
        "{}\n== {}",
        found.len(),
        found.join("\n== ")
    );
}

macro_rules! for_each_sdk {
    ($($name:ident($language:ident, $dialect:ident);)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            sees_nothing(Language::$language, Dialect::$dialect).await;
        })*
    };
}

for_each_sdk! {
    the_anthropic_sdk_for_python_sees_nothing_of_a_blocked_call(Python, Anthropic);
    the_openai_sdk_for_python_sees_nothing_of_a_blocked_call_in_chat(Python, Chat);
    the_openai_sdk_for_python_sees_nothing_of_a_blocked_call_in_responses(Python, Responses);
    the_anthropic_sdk_for_typescript_sees_nothing_of_a_blocked_call(Typescript, Anthropic);
    the_openai_sdk_for_typescript_sees_nothing_of_a_blocked_call_in_chat(Typescript, Chat);
    the_openai_sdk_for_typescript_sees_nothing_of_a_blocked_call_in_responses(Typescript, Responses);
}
