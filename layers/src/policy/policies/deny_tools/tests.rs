use luthien_core::Dialect;
use serde_json::{Value, json};

use crate::policy::{Entry, Outcome, find, testing::Case};

fn deny(with: &Value) -> Entry {
    find("deny-tools").unwrap().build(with).unwrap()
}

async fn denied(with: &Value, tool: &str, input: Value) -> bool {
    let seen = Case::of([deny(with)])
        .reply_text("I try.")
        .reply_tool_call(tool, input.clone())
        .run()
        .await;
    let denied = seen.tool_calls().is_empty();
    assert_eq!(seen.outcomes() == [Outcome::Block], denied);
    assert_eq!(
        seen.stop_reason(),
        if denied { "end_turn" } else { "tool_use" }
    );
    if !denied {
        assert_eq!(seen.tool_calls(), [(tool.to_owned(), input)]);
    }
    denied
}

#[tokio::test]
async fn tools_are_meant_by_patterns_of_their_names() {
    let with = json!({"tools": ["mcp__prod__*", "Bash", "exec?"]});
    for (tool, expected) in [
        ("mcp__prod__drop", true),
        ("mcp__prod__", true),
        ("mcp__test__drop", false),
        ("Bash", true),
        ("bash", false),
        ("BashOutput", false),
        ("exec1", true),
        ("exec", false),
    ] {
        assert_eq!(
            denied(&with, tool, json!({"a": 1})).await,
            expected,
            "{tool}"
        );
    }
}

#[tokio::test]
async fn arguments_are_looked_at_where_they_are() {
    for (argument, input, expected) in [
        (
            json!({"path": "command", "matches": r"\brm\b"}),
            json!({"command": "rm -rf /"}),
            true,
        ),
        (
            json!({"path": "command", "matches": r"\brm\b"}),
            json!({"command": "ls", "note": "rm"}),
            false,
        ),
        (
            json!({"path": "command", "matches": r"\brm\b"}),
            json!({"cmd": "rm"}),
            false,
        ),
        (
            json!({"path": "command", "matches": "rm -rf"}),
            json!({"command": ["sudo", "rm", "-rf", "/"]}),
            true,
        ),
        (
            json!({"path": "command", "glob": "git push*"}),
            json!({"command": "git push origin"}),
            true,
        ),
        (
            json!({"path": "command", "glob": "git push*"}),
            json!({"command": "cd x; git push"}),
            false,
        ),
        (
            json!({"path": "env.STAGE", "glob": "prod*"}),
            json!({"env": {"STAGE": "production"}}),
            true,
        ),
        (
            json!({"path": "edits.*.path", "glob": "/etc/*"}),
            json!({"edits": [{"path": "a"}, {"path": "/etc/b"}]}),
            true,
        ),
        (
            json!({"path": "edits.1.path", "glob": "/etc/*"}),
            json!({"edits": [{"path": "/etc/b"}, {"path": "a"}]}),
            false,
        ),
        (
            json!({"path": "n", "matches": "^7$"}),
            json!({"n": 7}),
            true,
        ),
        (
            json!({"matches": "(?i)drop\\s+table"}),
            json!({"a": {"b": ["x", "DROP  TABLE t"]}}),
            true,
        ),
        (json!({"matches": "drop"}), json!({"drop": "x"}), false),
        (json!({"matches": "a b"}), json!(["a", "b"]), true),
        (
            json!({"path": "command", "matches": "é"}),
            json!({"command": "caf\u{e9}"}),
            true,
        ),
    ] {
        let with = json!({"tools": ["*"], "arguments": [argument]});
        assert_eq!(
            denied(&with, "f", input.clone()).await,
            expected,
            "{argument} {input}"
        );
    }
    let either = json!({"tools": ["*"], "arguments": [{"matches": "a"}, {"matches": "b"}]});
    assert!(denied(&either, "f", json!({"x": "b"})).await);
    assert!(!denied(&either, "f", json!({"x": "c"})).await);
}

#[test]
fn arguments_that_are_no_json_are_looked_at_as_text() {
    let settings: super::arguments::Settings =
        serde_json::from_value(json!({"path": "command", "matches": "rm -rf"})).unwrap();
    let argument = settings.compile(0).unwrap();
    for input in ["*** Begin Patch\nrm -rf", r#"{"command": "rm -rf"#] {
        assert!(
            argument.is_in(&crate::policy::ToolCall::new("f", input)),
            "{input}"
        );
    }
}

#[tokio::test]
async fn the_agent_learns_the_reason_and_the_operator_the_pattern() {
    let with = json!({
        "tools": ["Bash"], "arguments": [{"path": "command", "matches": "--force"}],
        "reason": "history is not rewritten here.", "remedy": "push without force.",
    });
    let seen = Case::of([deny(&with)])
        .reply_tool_call("Bash", json!({"command": "git push --force"}))
        .reply_tool_call("Bash", json!({"command": "git push"}))
        .run()
        .await;
    assert_eq!(seen.tool_calls().len(), 1);
    let text = seen.text();
    assert!(text.contains("history is not rewritten here.\n"), "{text}");
    assert!(text.contains("push without force."), "{text}");
    let decision = &seen.decisions()[0];
    assert_eq!(&*decision.code, "denied_tool");
    assert_eq!(
        &*decision.reason,
        r#"the tool "Bash" is meant by "Bash", and its "command" matches "--force""#
    );
    assert!(!text.contains("is meant by"), "{text}");
}

#[tokio::test]
async fn tools_that_are_always_denied_need_not_be_offered() {
    let offered = |dialect: Dialect, with: Value, request: Value| async move {
        let case = Case::of([deny(&with)]).dialect(dialect).request(request);
        let seen = case.run().await;
        let tools = seen.upstream_request().unwrap()["tools"].clone();
        let tools = tools.as_array().unwrap().iter();
        let names = tools.map(|tool| {
            tool.get("name")
                .unwrap_or(&tool["function"]["name"])
                .as_str()
                .unwrap()
                .to_owned()
        });
        names.collect::<Vec<_>>()
    };
    let remove = || json!({"tools": ["mcp__prod__*"], "offer": "remove"});
    let flat = |names: &[&str]| -> Value {
        let tools = names
            .iter()
            .map(|name| json!({"type": "function", "name": name}));
        json!({"model": "m", "messages": [], "tools": tools.collect::<Vec<_>>()})
    };
    let all = flat(&["mcp__prod__a", "Bash", "mcp__prod__b"]);
    for dialect in [Dialect::Anthropic, Dialect::Responses] {
        assert_eq!(offered(dialect, remove(), all.clone()).await, ["Bash"]);
        assert_eq!(
            offered(dialect, json!({"tools": ["mcp__prod__*"]}), all.clone())
                .await
                .len(),
            3
        );
        let patterns =
            json!({"tools": ["mcp__prod__*"], "offer": "remove", "arguments": [{"matches": "x"}]});
        assert_eq!(offered(dialect, patterns, all.clone()).await.len(), 3);
        let denied_only = flat(&["mcp__prod__a"]);
        assert_eq!(
            offered(dialect, remove(), denied_only).await,
            ["mcp__prod__a"]
        );
        let mut demanded = all.clone();
        demanded["tool_choice"] = json!({"type": "tool", "name": "mcp__prod__a"});
        assert_eq!(offered(dialect, remove(), demanded).await.len(), 3);
    }
    let wrapped = json!({"model": "m", "messages": [], "tools": [
        {"type": "function", "function": {"name": "mcp__prod__a"}}, {"type": "function", "function": {"name": "Bash"}},
    ]});
    assert_eq!(offered(Dialect::Chat, remove(), wrapped).await, ["Bash"]);
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (with, complaint) in [
        (
            json!({"tools": []}),
            "tools: it must name at least one tool",
        ),
        (
            json!({"tools": ["a"], "arguments": [{"path": "a"}]}),
            "arguments[0]: it must have either",
        ),
        (
            json!({"tools": ["a"], "arguments": [{"matches": "a"}, {"matches": "("}]}),
            "arguments[1].matches: regex parse error",
        ),
        (
            json!({"tools": ["a"], "arguments": [{"path": "a..b", "glob": "a"}]}),
            "arguments[0].path: it must be names",
        ),
        (
            json!({"tools": ["a"], "arguments": [{"paths": "a"}]}),
            "arguments[0].paths: unknown field `paths`",
        ),
        (
            json!({"tools": ["a"], "offer": "hide"}),
            "offer: unknown variant `hide`",
        ),
    ] {
        let error = find("deny-tools")
            .unwrap()
            .build(&with)
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().starts_with(complaint), "{with}: {error}");
    }
}
