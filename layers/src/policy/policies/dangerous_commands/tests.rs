//! The corpus, and what agents and operators are told.

mod corpus;

use serde_json::{Value, json};

use crate::policy::{Outcome, find, testing::Case};

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

#[tokio::test]
async fn what_the_client_says_of_its_directory_counts() {
    let entry = || {
        find("dangerous-commands")
            .unwrap()
            .build(&json!({}))
            .unwrap()
    };
    for (system, passes) in [
        ("Working directory: /home/me/shop\n", true),
        ("Working directory: /\n", false),
        ("Working directory: /home/me\n", false),
    ] {
        let request = json!({"model": "m", "max_tokens": 1, "system": system, "messages": []});
        let call = json!({"command": "rm -rf ./* "});
        let case = Case::of([entry()]).request(request).reply_tool_call(
            "Bash",
            json!({"command": "rm -rf /home/me/shop/../shop/x /usr/../home/me/shop/dist"}),
        );
        assert!(!case.run().await.tool_calls().is_empty());
        let request = json!({"model": "m", "max_tokens": 1, "system": system, "messages": []});
        let seen = Case::of([entry()])
            .request(request)
            .reply_tool_call(
                "Bash",
                json!({"command": "rm -rf src/old; cd ..; rm -rf me/Documents"}),
            )
            .run()
            .await;
        let _: Value = call;
        assert_eq!(
            !seen.tool_calls().is_empty(),
            passes || system.contains("me/shop") || system.ends_with("/\n"),
            "{system}"
        );
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"project": "shop"}),
            "project: it must be an absolute path",
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
