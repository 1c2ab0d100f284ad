//! Real clients where policies judge.
//!
//! Whether a call has run is seen by the file that it makes. That the clients do run such calls is seen where a policy only
//! looks on.

mod claude_code;
mod codex;
mod guards;
mod history;
mod judges;
mod rules;
mod secrets;
mod told;
mod vault;

use serde_json::Value;

use crate::{
    run::{Agent, Desk, Ran},
    support::sidecar::Sidecar,
};

/// A command that is denied, in whatever shell.
const DENIED: &str = "touch denied";

const POLICIES: &str = "policies: [{ use: deny-tools, with: { tools: [Bash, exec_command], \
     arguments: [{ matches: 'touch denied' }], remedy: ask a person } }]";

/// So little may be held that a [`long`] call cannot be judged.
const LITTLE: &str = "policy: { held: 2KiB }";

/// A command that would be allowed, if only it could be judged.
fn long() -> String {
    format!("touch long # {}", "x".repeat(4_096))
}

/// The policies, in this mode.
fn in_mode(mode: &str) -> String {
    POLICIES.replace("{ use", &format!("{{ mode: {mode}, use"))
}

/// The line of the log about the first decision that is no `allow`.
async fn decision(sidecar: &Sidecar) -> Value {
    let is = |line: &Value| line["message"] == "decision";
    sidecar.logged("a decision", is).await
}

/// The explanation of a blocked call, as it was shown: it says what, why, what to do, and under which name it is recorded.
async fn explanation<A: Agent>(desk: &Desk<A>, ran: &Ran) -> String {
    let decision = decision(&desk.sidecar).await;
    assert_eq!(
        (&decision["outcome"], &decision["applied"]),
        (&"block".into(), &true.into())
    );
    let (tool, name) = (
        decision["tool"].as_str().unwrap(),
        decision["decision"].as_str().unwrap(),
    );
    let texts = A::texts(ran);
    let mut ours = texts.iter().filter(|text| text.contains("Luthien"));
    let (Some(text), None) = (ours.next(), ours.next()) else {
        panic!("one explanation, not more: {texts:?}")
    };
    for part in [
        &format!("Luthien blocked a call of the tool `{tool}`: this call is not allowed here."),
        DENIED,
        "What to do: ask a person.",
        &format!("Decision {name}"),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    (*text).to_owned()
}

/// These words say that a check could not be made, and under which name that is recorded.
async fn could_not(sidecar: &Sidecar, words: &str) {
    let decision = decision(sidecar).await;
    assert_eq!(
        (&decision["outcome"], &decision["why"]),
        (&"failed".into(), &"too_large".into())
    );
    for part in [
        "Luthien blocked this reply: a check that must pass first could not be made.",
        "What to do: try again later",
        "Decision d-",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let (_, name) = words.split_once("Decision ").unwrap();
    let is = |line: &Value| line["message"] == "decision" && line["decision"] == name.trim();
    sidecar.logged("the decision that it names", is).await;
}

/// How many requests for a model the sidecar has seen, once it has written of as many.
async fn requests(sidecar: &Sidecar, count: usize) {
    let is = |line: &Value| line["message"] == "exchange" && line["method"] == "POST";
    let lines = || {
        let log = sidecar.log();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(is).count()
    };
    sidecar
        .logged("the last exchange", |_| lines() >= count)
        .await;
    assert_eq!(lines(), count, "{}", sidecar.log());
}
