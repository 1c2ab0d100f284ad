//! The corpus, and what agents and operators are told.

use std::sync::{Arc, Mutex};

use luthien_core::Dialect;
use serde_json::{Value, json};

use super::Settings;
use crate::policy::{
    Context, Entry, Mode, Outcome, Policy, PolicyError, PolicySettings, ToolCall, Verdict, Watches,
    effects::Effects, find, policies::guard::corpus::measure, registry::Settings as _,
    testing::Case,
};

#[test]
fn dangerous_calls_are_found_and_everyday_ones_pass() {
    let settings: Settings = serde_json::from_value(json!({})).unwrap();
    let policy = settings.policy().unwrap();
    measure("dangerous-commands", |_, call, place| {
        policy.find(&Effects::of(call, place)).is_some()
    });
}

async fn said(with: Value, tool: &str, input: Value) -> (String, Vec<String>, bool) {
    let entry = find("dangerous-commands").unwrap().build(&with).unwrap();
    let seen = Case::of([entry])
        .reply_text("I try.")
        .reply_tool_call(tool, input.clone())
        .run()
        .await;
    let passed = !seen.tool_calls().is_empty();
    assert_eq!(seen.outcomes() == [Outcome::Block], !passed);
    if passed {
        assert_eq!(seen.tool_calls(), [(tool.to_owned(), input)]);
    }
    (
        seen.text(),
        seen.decisions()
            .iter()
            .map(|decision| decision.reason.to_string())
            .collect(),
        passed,
    )
}

#[tokio::test]
async fn the_agent_learns_the_kind_of_harm_and_the_operator_the_effect() {
    let (text, reasons, passed) = said(
        json!({}),
        "Bash",
        json!({"command": "cd ~ && X=rm; sudo $X -rf *"}),
    )
    .await;
    assert!(!passed);
    assert!(
        text.contains("it would destroy files that cannot be brought back.\n"),
        "{text}"
    );
    assert!(!text.contains("delete("), "{text}");
    assert_eq!(
        reasons,
        [r#"files: delete(~/*), as somebody who may do more, in "rm -rf *""#]
    );
}

#[tokio::test]
async fn what_is_everyday_work_passes_as_it_came() {
    for command in [
        "cargo test",
        "rm -rf node_modules dist",
        "git push",
        "echo \"rm -rf /\"",
        "# rm -rf /",
    ] {
        let (_, _, passed) = said(json!({}), "Bash", json!({"command": command})).await;
        assert!(passed, "{command}");
    }
}

#[tokio::test]
async fn settings_say_what_passes_and_what_never_does() {
    let passes = |with: Value, command: &'static str| async move {
        said(with, "Bash", json!({"command": command})).await.2
    };
    assert!(!passes(json!({}), "git reset --hard HEAD~1").await);
    assert!(
        passes(
            json!({"categories": {"history": false}}),
            "git reset --hard HEAD~1"
        )
        .await
    );
    assert!(
        passes(
            json!({"allow": ["git reset --hard*"]}),
            "git reset --hard HEAD~1"
        )
        .await
    );
    assert!(
        !passes(
            json!({"allow": ["git reset --hard*"]}),
            "git reset --hard; rm -rf /"
        )
        .await
    );
    assert!(
        !passes(
            json!({"deny": ["*--no-verify*"]}),
            "git commit --no-verify -m x"
        )
        .await
    );
    assert!(!passes(json!({"deny": ["/work/secret/*"]}), "cat /work/secret/x").await);
    assert!(!passes(json!({}), "eval \"$CODE\"").await);
    assert!(passes(json!({"opaque": "allow"}), "eval \"$CODE\"").await);
    assert!(!passes(json!({"opaque": "allow"}), "eval \"$CODE\"; rm -rf ~").await);
}

/// Whether the guard lets a command pass, in a place that the settings or a client tells.
async fn passes_in(settings: PolicySettings, system: &str, command: &str) -> bool {
    let entry = find("dangerous-commands").unwrap().build(&Value::Null);
    let request = json!({"model": "m", "max_tokens": 1, "messages": [
        {"role": "system", "content": system},
        {"role": "user", "content": "Working directory: /home/me/other"},
    ]});
    let seen = Case::of([entry.unwrap()])
        .settings(settings)
        .request(request)
        .reply_tool_call("Bash", json!({"command": command}))
        .run()
        .await;
    !seen.tool_calls().is_empty()
}

#[tokio::test]
async fn what_the_client_says_of_its_directory_counts() {
    for (cwd, passes) in [
        ("/home/me/shop/web", true),
        ("/home/me", false),
        ("/", false),
    ] {
        let said = format!("You work here.\n - Primary working directory: {cwd}\n");
        let passed = passes_in(
            PolicySettings::default(),
            &said,
            "rm -rf shop/web/dist Documents",
        );
        assert_eq!(passed.await, passes, "{cwd}");
    }
}

#[tokio::test]
async fn what_the_settings_say_of_the_place_counts_more_than_what_the_client_says() {
    let settings = PolicySettings {
        project: Some("/home/me/shop".to_owned()),
        ..PolicySettings::default()
    };
    let said = "Working directory: /home/me\n";
    assert!(passes_in(settings.clone(), said, "rm -rf Documents").await);
    assert!(!passes_in(settings.clone(), said, "rm -rf ../Documents").await);
    assert!(!passes_in(PolicySettings::default(), said, "rm -rf Documents").await);
    let elsewhere = PolicySettings {
        home: Some("/data/people/me".to_owned()),
        ..settings
    };
    assert!(!passes_in(elsewhere, said, "rm -rf /data/people/me").await);
}

/// Asks for the effects of each call, and remembers where they stand.
struct Asks(Arc<Mutex<Vec<usize>>>);

impl Policy for Asks {
    fn watches(&self) -> Watches {
        Watches::TOOL_CALLS | Watches::EFFECTS
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let place = std::ptr::from_ref(cx.effects(call)).addr();
        self.0.lock().unwrap().push(place);
        Ok(Verdict::Allow)
    }
}

#[tokio::test]
async fn what_a_call_does_is_found_out_once_however_many_ask() {
    let asked = Arc::default();
    let entry = |name, mode| Entry::new(name, Asks(Arc::clone(&asked))).with_mode(mode);
    Case::of([
        entry("one", Mode::Enforce),
        entry("other", Mode::Warn),
        entry("shadow", Mode::Shadow),
    ])
    .dialect(Dialect::Anthropic)
    .reply_tool_call("Bash", json!({"command": "ls"}))
    .run()
    .await;
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty());
    for exchange in asked.chunks(3) {
        let [one, other, shadow] = exchange else {
            panic!("somebody was not asked: {exchange:?}");
        };
        assert_eq!([one, one], [other, shadow]);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"project": "/shop"}),
            "project: unknown field `project`",
        ),
        (
            json!({"categories": {"file": false}}),
            "categories.file: unknown field `file`",
        ),
        (json!({"opaque": "ask"}), "opaque: unknown variant `ask`"),
    ] {
        let error = find("dangerous-commands")
            .unwrap()
            .build(&with)
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}
