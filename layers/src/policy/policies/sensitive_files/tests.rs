//! The corpus, and what agents and operators are told.

use serde_json::{Value, json};

use super::Settings;
use crate::policy::{
    Outcome, find,
    policies::guard::corpus::measure,
    registry::Settings as _,
    testing::{Case, Seen},
};

#[test]
fn changes_of_sensitive_files_are_found_and_everyday_ones_pass() {
    measure("sensitive-files", |with, call, place| {
        let settings: Settings = serde_json::from_value(with.clone()).unwrap();
        settings.policy().unwrap().find(call, place).is_some()
    });
}

async fn seen(with: Value, tool: &str, input: Value) -> Seen {
    let entry = find("sensitive-files").unwrap().build(&with).unwrap();
    Case::of([entry])
        .reply_text("I try.")
        .reply_tool_call(tool, input)
        .run()
        .await
}

fn shop() -> Value {
    json!({"project": "/work/shop", "home": "/home/me"})
}

#[tokio::test]
async fn the_agent_learns_the_kind_of_file_and_the_operator_the_effect() {
    let input = json!({"file_path": "/work/shop/../../home/me/.bashrc", "content": "x"});
    let seen = seen(shop(), "Write", input).await;
    assert_eq!(seen.outcomes(), [Outcome::Block]);
    assert_eq!(seen.tool_calls(), []);
    let text = seen.text();
    assert!(
        text.contains("it changes what runs when a shell starts"),
        "{text}"
    );
    assert!(!text.contains("write("), "{text}");
    let reasons: Vec<_> = seen
        .decisions()
        .iter()
        .map(|decision| decision.reason.to_string())
        .collect();
    assert_eq!(
        reasons,
        [r#"startup: write(~/.bashrc), in "/work/shop/../../home/me/.bashrc""#]
    );
}

#[tokio::test]
async fn work_in_the_project_passes_as_it_came() {
    let input = json!({"file_path": "/work/shop/src/main.rs", "content": "fn main() {}"});
    let seen = seen(shop(), "Write", input.clone()).await;
    assert_eq!(seen.outcomes(), [Outcome::Allow]);
    assert_eq!(seen.tool_calls(), [("Write".to_owned(), input)]);
}

#[tokio::test]
async fn the_project_is_the_one_that_the_client_names() {
    for (system, outcome) in [
        ("Working directory: /work/shop\n", Outcome::Allow),
        ("Working directory: /work/other\n", Outcome::Block),
        ("No directory at all.\n", Outcome::Block),
    ] {
        let request = json!({"model": "m", "max_tokens": 1, "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": "Working directory: /work/shop\n"},
        ]});
        let entry = find("sensitive-files")
            .unwrap()
            .build(&Value::Null)
            .unwrap();
        let seen = Case::of([entry])
            .request(request)
            .reply_tool_call(
                "Write",
                json!({"file_path": "/work/shop/a", "content": "x"}),
            )
            .run()
            .await;
        assert_eq!(seen.outcomes(), [outcome], "{system}");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (json!({"home": "me"}), "home: it must be an absolute path"),
        (
            json!({"kinds": {"keys": false}}),
            "kinds.keys: unknown field `keys`",
        ),
        (json!({"outside": "ask"}), "outside: unknown variant `ask`"),
    ] {
        let built = find("sensitive-files").unwrap().build(&with);
        let error = built.map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(complaint), "{with}: {error}");
    }
}
