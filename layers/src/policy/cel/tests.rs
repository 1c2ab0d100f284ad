use std::time::{Duration, Instant};

use luthien_core::{
    Dialect,
    decision::Exchange,
    facts::{Caller, Purpose, SessionId, UserId},
};

use super::When;
use crate::policy::{Condition, ToolCall};

fn exchange() -> Exchange {
    Exchange {
        id: None,
        dialect: Dialect::Chat,
        path: Dialect::Chat.path().into(),
        model: Some("claude-opus-5-5".into()),
        caller: Some(Caller::Key {
            id: "k1".into(),
            name: "ci".into(),
        }),
        user: Some(UserId {
            id: "ann".into(),
            trusted: true,
        }),
        session: Some(SessionId("s1".into())),
        purpose: Some(Purpose::Turn),
    }
}

fn nothing() -> Exchange {
    Exchange {
        model: None,
        caller: None,
        user: None,
        session: None,
        purpose: None,
        ..exchange()
    }
}

fn bash() -> ToolCall {
    let input = r#"{"command":"git push --force","n":3,"edits":[{"path":"a"},{"path":"b"}]}"#;
    ToolCall::new("Bash", input)
}

fn when(source: &str) -> When {
    source
        .parse()
        .unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn everything_that_there_is_can_be_spoken_of() {
    for source in [
        r#"caller.id == "k1" && caller.kind == "key" && caller.name == "ci""#,
        r#"user.id == "ann" && user.trusted"#,
        r#"model.startsWith("claude-") && dialect == "chat""#,
        r#"session == "s1" && path == "/v1/chat/completions" && purpose == "turn""#,
        r#"model.matches("^claude-(opus|sonnet)")"#,
        r#"matches(model, "opus")"#,
        r#"model in ["a", "claude-opus-5-5"]"#,
        r#"["claude-", "gpt-"].exists(prefix, model.startsWith(prefix))"#,
        r#"caller["kind"] == "key""#,
        "size(model) > 3 && !(model == '')",
        "true",
    ] {
        let when = when(source);
        assert!(!when.is_about_calls(), "{source}");
        assert_eq!(when.holds(&exchange(), None).ok(), Some(true), "{source}");
    }
}

#[test]
fn what_an_exchange_does_not_tell_is_empty() {
    let source = r#"model == "" && session == "" && caller.id == "" && caller.kind == "" && user.id == "" && !user.trusted"#;
    assert_eq!(when(source).holds(&nothing(), None).ok(), Some(true));
    assert_eq!(
        when("purpose == 'turn'").holds(&nothing(), None).ok(),
        Some(true)
    );
}

#[test]
fn a_condition_that_speaks_of_tools_is_about_calls() {
    for source in [
        "tool.name == 'Bash'",
        "tool.input.command.contains('--force')",
        "tool.input.command.matches(r'\\bpush\\b')",
        "tool.input.n == 3 && tool.input.n + 1 == 4",
        "tool.input.edits.all(edit, edit.path.size() == 1)",
        "tool.input.edits.exists_one(edit, edit.path == 'b')",
        "tool.input.edits.filter(edit, edit.path != 'a').size() == 1",
        "has(tool.input.command) && !has(tool.input.nothing)",
        "tool['input'].n == 3",
        "type(tool.input) == map",
    ] {
        let when = when(source);
        assert!(when.is_about_calls(), "{source}");
        assert_eq!(
            when.holds(&exchange(), Some(&bash())).ok(),
            Some(true),
            "{source}"
        );
    }
    let patch = ToolCall::new("apply_patch", "*** Begin Patch");
    let when = when("tool.input.startsWith('***')");
    assert_eq!(when.holds(&exchange(), Some(&patch)).ok(), Some(true));
}

#[test]
fn what_cannot_be_said_is_an_error_and_no_answer() {
    for source in [
        "tool.input.nothing == 1",
        "tool.input.n.contains('x')",
        "tool.input.command",
        "tool.input.n / 0 == 1",
        "tool.input.edits.matches('x')",
    ] {
        assert!(
            when(source).holds(&exchange(), Some(&bash())).is_err(),
            "{source}"
        );
    }
}

#[test]
fn what_is_wrong_is_refused_when_it_is_loaded() {
    for (source, complaint) in [
        (
            "modle == 'x'",
            r#"unknown name "modle": did you mean "model"?; there are caller, user"#,
        ),
        ("x", "unknown name \"x\"; there are"),
        (".model == 'x'", "unknown name"),
        (
            "caller.nam == 'x'",
            r#""caller" has no "nam": did you mean "name"?; it has id, kind, name"#,
        ),
        ("caller['nam'] == 'x'", r#""caller" has no "nam""#),
        ("tool.inputs == 'x'", r#"did you mean "input"?"#),
        ("model.name == 'x'", r#""model" is a text"#),
        (
            "model.startWith('x')",
            r#"unknown function "startWith": did you mean "startsWith"?"#,
        ),
        ("model.matches('(')", "unclosed group"),
        ("model.matches(session)", "must be a text in quotes"),
        ("model.matches('\\\\w{1000}{1000}')", "size limit"),
        ("model ==", "Syntax error"),
        ("", "Syntax error"),
        (
            r"model.matches('\s')",
            "a text with backslashes is written r'…'",
        ),
        ("model", "neither true nor false, but of type string"),
        ("model > 3", "no matching overload"),
        ("[1, 2].map(x, x).size() == 2", "cannot use `map`"),
        (
            "[1, 2].map(x, x > 1, [x, x]).size() == 2",
            "cannot use `map`",
        ),
        ("[1, 2].exists(tool, tool == 1)", "is a variable already"),
        ("[1, 2].exists(x, y == 1)", r#"unknown name "y""#),
        ("[x].exists(x, x == 1)", r#"unknown name "x""#),
        ("a.b.C{x: 1} == 2", "cannot make messages"),
    ] {
        match source.parse::<When>() {
            Ok(_) => panic!("{source} is fine"),
            Err(error) => assert!(error.to_string().contains(complaint), "{source}: {error}"),
        }
    }
    let long = format!("model == '{}'", "x".repeat(5_000));
    assert!(long.parse::<When>().is_err());
}

#[test]
fn what_is_nested_too_deep_is_refused_before_it_is_parsed() {
    for times in [100, 1_000, 1_900] {
        for source in [
            format!("{}true{}", "(".repeat(times), ")".repeat(times)),
            format!("{}1{} == 1", "[".repeat(times), "]".repeat(times)),
            format!("1{} == 1", "+1".repeat(times)),
            format!("tool.input{} == 1", ".a".repeat(times)),
            format!("tool.input{} == 1", "[0]".repeat(times)),
            format!("tool.input{} == 1", ".size()".repeat(times)),
            format!("{}true", "true?true:".repeat(times)),
        ] {
            assert!(source.parse::<When>().is_err(), "{times} times: {source}");
        }
    }
    // As deep as they may be, there is enough stack to ask them.
    for source in [
        format!("{}true{}", "[true, ".repeat(7), "].size() > 0".repeat(7)),
        format!("{}true{}", "[1].exists(x, ".repeat(4), ")".repeat(4)),
        format!("1{} == 21", "+1".repeat(20)),
        format!("{}true", "!!".repeat(2_000)),
        format!("true{}", " && true".repeat(400)),
        "size(tool.input) == 1".to_owned(),
    ] {
        let when = when(&source);
        // Half of what a thread of a runtime has, and without optimisation.
        let asked = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || {
                let input = format!("{}{}", "[".repeat(120), "]".repeat(120));
                when.holds(&exchange(), Some(&ToolCall::new("f", input)))
                    .ok()
            });
        assert_eq!(asked.unwrap().join().unwrap(), Some(true), "{source}");
    }
}

#[test]
fn what_a_model_writes_can_make_a_condition_an_error_but_not_slow() {
    let many: Vec<_> = (0..100_000).collect();
    let text = "x".repeat(1 << 20);
    let input = serde_json::json!({"list": many, "text": text}).to_string();
    let call = ToolCall::new("Bash", input);
    for source in [
        "tool.input.list.all(x, tool.input.list.all(y, x + y >= 0))",
        "tool.input.list.exists(x, tool.input.text.contains('y'))",
        "tool.input.list.exists_one(x, tool.input.text.contains('y'))",
        "tool.input.list.filter(x, tool.input.list.filter(y, y == x).size() == 0).size() > 0",
        "tool.input.list.exists(x, tool.input.list.exists(y, y < 0) || x < 0)",
    ] {
        let start = Instant::now();
        assert!(
            when(source).holds(&exchange(), Some(&call)).is_err(),
            "{source}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{source}: {:?}",
            start.elapsed()
        );
    }
    let few: Vec<_> = (0..1_000).collect();
    let call = ToolCall::new("Bash", serde_json::json!({"list": few}).to_string());
    let honest = when("tool.input.list.all(x, x >= 0)");
    assert_eq!(honest.holds(&exchange(), Some(&call)).ok(), Some(true));
}

#[test]
fn of_what_is_too_large_nothing_can_be_said() {
    let input = serde_json::json!({"text": "x".repeat(5 << 20)}).to_string();
    let call = ToolCall::new("Write", input);
    for source in [
        "tool.input.text.contains('y')",
        "has(tool.input.text)",
        "size(tool) == 3",
    ] {
        let error = when(source).holds(&exchange(), Some(&call)).unwrap_err();
        let expected = "what it is asked about has more than 4194304 bytes";
        assert_eq!(error.to_string(), expected, "{source}");
    }
    // Where the name tells already, nothing else is looked at.
    let other = when("tool.name == 'Read' && tool.input.text.contains('y')");
    assert_eq!(other.holds(&exchange(), Some(&call)).ok(), Some(false));
}
