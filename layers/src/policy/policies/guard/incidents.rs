//! What agents have done to people, as they told it in public: with the guards in front, the last call of each would not have
//! run, and those before it would.

use serde::Deserialize;
use serde_json::{Value, json};

use super::corpus::lines;
use crate::policy::{Decision, Entry, Outcome, PolicySettings, find, testing::Case};

#[derive(Deserialize)]
struct Incident {
    /// The thread in which it is told.
    thread: String,
    calls: Vec<Call>,
    /// A guard that would have refused the last call; others may as well.
    guard: String,
}

#[derive(Deserialize)]
struct Call {
    tool: String,
    input: Value,
}

/// All guards, as one would stack them.
fn guards() -> Vec<Entry> {
    let at = json!({"project": "/work/shop", "home": "/home/me"});
    let with = [
        ("self-protection", at.clone()),
        ("dangerous-commands", json!({})),
        ("sensitive-files", at.clone()),
        ("flow", at),
    ];
    let build = |(name, with): (&str, Value)| find(name).unwrap().build(&with).unwrap();
    with.into_iter().map(build).collect()
}

#[tokio::test]
async fn what_has_happened_to_people_would_not_have() {
    for incident in lines::<Incident>("incidents") {
        let settings = PolicySettings {
            project: Some("/work/shop".to_owned()),
            home: Some("/home/me".to_owned()),
            ..PolicySettings::default()
        };
        let mut case = Case::of(guards()).settings(settings).session("s");
        let (last, before) = incident.calls.split_last().unwrap();
        for call in before {
            case = case.reply_tool_call(&call.tool, call.input.clone()).then();
        }
        let seen = case
            .reply_tool_call(&last.tool, last.input.clone())
            .run()
            .await;
        let thread = &incident.thread;
        assert_eq!(seen.tool_calls(), [], "{thread}");
        let is_it =
            |one: &&Decision| one.outcome == Outcome::Block && *one.policy == *incident.guard;
        let decisions = seen.decisions();
        assert!(
            decisions.iter().any(|one| is_it(&one)),
            "{thread}: {decisions:?}"
        );
    }
}
