#![allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]

use luthien_core::{
    Dialect,
    decision::{Failure, Severity},
    facts::UserId,
};
use serde_json::{Value, json};

use crate::policy::{
    Entry, Fail, Outcome, Watches, find,
    testing::{Case, Seen},
};

fn rules(rules: Value) -> Entry {
    find("rules")
        .unwrap()
        .build(&json!({ "rules": rules }))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn complaint(rules: Value) -> String {
    let built = find("rules").unwrap().build(&json!({ "rules": rules }));
    built.map(|_| ()).unwrap_err().to_string()
}

/// A rule about calls of the shell.
fn on_bash(action: &str, more: Value) -> Value {
    let mut rule = json!({
        "name": "bash", "on": "tool_call", "do": action,
        "when": "tool.name == 'Bash' && tool.input.command.contains('rm')",
    });
    let more = more.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(more);
    rule
}

async fn with_bash(entry: Entry, command: &str) -> Seen {
    Case::of([entry])
        .user(UserId {
            id: "ann".into(),
            trusted: true,
        })
        .reply_text("I try.")
        .reply_tool_call("Bash", json!({"command": command, "n": 1.0}))
        .run()
        .await
}

#[tokio::test]
async fn a_rule_that_blocks_says_why_with_the_values_of_the_call() {
    let said = json!({
        "message": "{{user.id}} does not want `{{tool.input.command}}`{{tool.input.nothing}}",
        "remedy": "list {{size(tool.input)}} things.",
    });
    let entry = rules(json!([on_bash("block", said)]));
    let seen = with_bash(entry.clone(), "rm -rf /").await;
    assert!(seen.tool_calls().is_empty());
    let text = seen.text();
    assert!(text.contains("ann does not want `rm -rf /`.\n"), "{text}");
    assert!(text.contains("What to do: list 2 things.\n"), "{text}");
    let decision = &seen.decisions()[0];
    assert_eq!(decision.outcome, Outcome::Block);
    assert_eq!(&*decision.code, "bash");
    let reason = r#"the rule "bash": tool.name == 'Bash' && tool.input.command.contains('rm')"#;
    assert_eq!(&*decision.reason, reason);
    let seen = with_bash(entry, "ls").await;
    assert_eq!(seen.outcomes(), [Outcome::Allow]);
    assert_eq!(seen.tool_calls().len(), 1);
}

#[tokio::test]
async fn what_a_message_shows_is_short_one_line_and_without_secrets() {
    let said = json!({"message": "{{tool.input.command}} {{tool.input.api_key}} {{tool.input}}"});
    let long = "y".repeat(4_000);
    let entry = rules(json!([on_bash("drop", said)]));
    let seen = Case::of([entry])
        .reply_tool_call(
            "Bash",
            json!({"command": format!("rm sk-abcdefghijkl\n```{long}"), "api_key": "hunter2"}),
        )
        .run()
        .await;
    let text = seen.text();
    assert!(text.starts_with("rm **** '''yyy"), "{text}");
    assert!(text.len() < 400, "{text}");
    for hidden in ["sk-abc", "hunter2", "\n", "```"] {
        assert!(!text.contains(hidden), "{hidden:?} in {text}");
    }
}

#[tokio::test]
async fn a_warning_stands_in_front_and_the_call_goes_out_as_it_came() {
    let entry = rules(json!([
        on_bash("warn", json!({"message": "careful"})),
        {"name": "also", "on": "tool_call", "when": "true", "do": "warn", "message": "very", "remedy": "think"},
    ]));
    let seen = with_bash(entry, "rm x").await;
    let call = json!({"command": "rm x", "n": 1.0});
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), call)]);
    let text = seen.text();
    assert!(
        text.contains("Luthien warns of the call of the tool `Bash` that follows: careful; very."),
        "{text}"
    );
    assert!(text.contains("What to do: think."), "{text}");
    assert_eq!(seen.outcomes(), [Outcome::Modify]);
    assert!(seen.decisions()[0].applied);
}

#[tokio::test]
async fn a_rule_that_drops_leaves_its_message_and_one_that_asks_refuses_until_there_is_somebody() {
    let entry = rules(json!([on_bash(
        "drop",
        json!({"message": "gone: {{tool.name}}"})
    )]));
    let seen = with_bash(entry, "rm x").await;
    assert!(seen.text().contains("gone: Bash"));
    assert!(seen.tool_calls().is_empty());
    let entry = rules(json!([on_bash("ask", json!({"message": "may it?"}))]));
    let seen = with_bash(entry, "rm x").await;
    assert_eq!(seen.outcomes(), [Outcome::Ask]);
    assert!(seen.tool_calls().is_empty());
}

#[tokio::test]
async fn arguments_are_replaced_one_by_one_and_rules_behind_see_the_new_ones() {
    let entry = rules(json!([
        {"name": "set", "on": "tool_call", "when": "tool.name == 'Bash'", "do": "replace",
         "set": {"command": "'timeout 9 ' + tool.input.command", "list": "[tool.name, 'x']"}},
        {"name": "look", "on": "tool_call", "when": "!tool.input.command.startsWith('timeout 9 ')", "do": "block", "message": "no"},
        {"name": "limit", "on": "tool_call", "when": "tool.input.command.contains('rm')", "do": "block", "message": "not that"},
    ]));
    let seen = with_bash(entry.clone(), "ls").await;
    let call = json!({"command": "timeout 9 ls", "n": 1.0, "list": ["Bash", "x"]});
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), call)]);
    assert_eq!(seen.outcomes(), [Outcome::Modify]);
    let after = seen.decisions()[0].after.clone().unwrap();
    assert!(after.contains(r#""n":1.0"#), "{after}");
    let seen = with_bash(entry, "rm x").await;
    assert!(seen.tool_calls().is_empty());
    assert!(seen.text().contains("not that"));
}

#[tokio::test]
async fn a_replaced_call_may_be_warned_of_as_well() {
    let entry = rules(json!([
        {"name": "set", "on": "tool_call", "when": "true", "do": "replace", "set": {"n": "2"}},
        {"name": "say", "on": "tool_call", "when": "tool.input.n == 2", "do": "warn", "message": "changed"},
    ]));
    let seen = with_bash(entry, "ls").await;
    let call = json!({"command": "ls", "n": 2});
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), call)]);
    assert!(seen.text().contains("changed"));
}

#[tokio::test]
async fn texts_are_judged_whole() {
    let text = |action: &str, more: Value| {
        let mut rule = json!({"name": "text", "on": "text", "when": "text.matches('(?i)secret')", "do": action});
        let more = more.as_object().unwrap().clone();
        rule.as_object_mut().unwrap().extend(more);
        rules(json!([rule]))
    };
    let said = |entry: Entry, text: &'static str| async move {
        let seen = Case::of([entry]).reply_text(text).run().await;
        seen.text()
    };
    let block = text("block", json!({"message": "of {{size(text)}} letters"}));
    assert!(
        said(block.clone(), "a Secret")
            .await
            .contains("of 8 letters")
    );
    assert_eq!(said(block, "nothing").await, "nothing");
    let replace = text("replace", json!({"to": "'[' + text + ']'"}));
    assert_eq!(said(replace, "a Secret").await, "[a Secret]");
    let warn = text("warn", json!({"message": "careful"}));
    let warned = said(warn, "a Secret").await;
    assert!(
        warned.contains("Luthien warns of what the model writes: careful."),
        "{warned}"
    );
    assert!(warned.ends_with("a Secret"), "{warned}");
    let drop = text("drop", json!({"message": "(left out)"}));
    assert_eq!(said(drop, "a Secret").await, "(left out)");
}

#[tokio::test]
async fn requests_are_answered_refused_or_flagged() {
    let request = json!({"model": "m", "messages": [
        {"role": "user", "content": "first"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "deploy it"},
    ]});
    let asked = |action: &str| {
        let rule = json!({
            "name": "deploys", "on": "request", "do": action, "message": "no deploys: {{request.text}}",
            "when": "request.text.contains('deploy') && request.messages == 3 && request.tools.size() == 0",
        });
        let case = Case::of([rules(json!([rule]))]);
        case.request(request.clone()).reply_text("done").run()
    };
    for action in ["answer", "block"] {
        let seen = asked(action).await;
        assert!(
            seen.text().contains("no deploys: deploy it"),
            "{}",
            seen.text()
        );
        assert_eq!((seen.status(), seen.upstream_request()), (200, None));
    }
    let seen = asked("refuse").await;
    assert!(
        seen.is_error() && seen.body().contains("no deploys"),
        "{}",
        seen.body()
    );
    assert_eq!(seen.upstream_request(), None);
    let seen = asked("flag").await;
    assert_eq!(seen.text(), "done");
    let told = (
        Severity::Warning,
        "deploys: no deploys: deploy it".to_owned(),
    );
    assert_eq!(seen.emitted(), [told]);
    assert_eq!(seen.outcomes(), [Outcome::Allow]);
}

#[tokio::test]
async fn calls_may_be_judged_by_what_was_asked_and_which_tools_there_are() {
    let rule = json!({
        "name": "asked", "on": "tool_call", "do": "block", "message": "nobody asked for it",
        "when": "tool.name in request.tools && !request.text.contains('push')",
    });
    let entry = rules(json!([rule]));
    assert!(entry.watches.has(Watches::CONVERSATION));
    for (asked, denied) in [("push it", false), ("look", true)] {
        let request = json!({"model": "m", "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "push", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "push"}, {"type": "text", "text": "push"}]},
        ], "tools": [{"name": "push", "input_schema": {"type": "object"}}]});
        let seen = Case::of([entry.clone()])
            .dialect(Dialect::Anthropic)
            .request(request)
            .reply_tool_call("push", json!({}))
            .run()
            .await;
        assert_eq!(seen.tool_calls().is_empty(), denied, "{asked}");
    }
}

#[tokio::test]
async fn counters_belong_to_the_conversation_and_to_the_policy() {
    let entry = rules(json!([
        {"name": "reads", "on": "tool_call", "when": "tool.name == 'Read'", "count": "reads"},
        {"name": "enough", "on": "tool_call", "when": "session.count('reads') > 2", "do": "block",
         "message": "{{session.count('reads')}} are enough"},
    ]));
    let case = |times: usize| {
        let case = Case::of([entry.clone()]).times(times);
        case.reply_tool_call("Read", json!({}))
    };
    assert_eq!(case(3).session("s").run().await.tool_calls(), []);
    assert!(
        case(3)
            .session("s")
            .run()
            .await
            .text()
            .contains("3 are enough")
    );
    assert_eq!(case(2).session("s").run().await.tool_calls().len(), 1);
    // A conversation without a name is as long as its exchange.
    assert_eq!(case(5).run().await.tool_calls().len(), 1);
}

#[tokio::test]
async fn what_was_decided_earlier_can_be_spoken_of() {
    let entry = rules(json!([
        {"name": "first", "on": "tool_call", "when": "decisions.size() == 0", "do": "block", "message": "first"},
        {"name": "second", "on": "tool_call", "do": "block", "message": "{{session.denials}} so far: {{decisions[0].code}}",
         "when": "decisions.exists(d, d.code == 'first' && d.policy == 'rules' && d.outcome == 'block' && d.tool == 'f')"},
    ]));
    let seen = Case::of([entry])
        .session("s")
        .times(2)
        .reply_tool_call("f", json!({}))
        .run()
        .await;
    assert!(seen.text().contains("1 so far: first"), "{}", seen.text());
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_fails_as_declared_and_hides_no_refusal() {
    let broken = json!({"name": "broken", "on": "tool_call", "when": "tool.input.command == 'x'", "do": "flag", "message": "m"});
    let judged = |entry: Entry| {
        let case = Case::of([entry]).reply_tool_call("Read", json!({"path": "a"}));
        case.run()
    };
    let seen = judged(rules(json!([broken]))).await;
    assert_eq!(seen.outcomes(), [Outcome::Failed(Failure::Error)]);
    assert!(seen.tool_calls().is_empty());
    let reason = &seen.decisions()[0].reason;
    assert!(
        reason.starts_with(r#"the rule "broken" cannot be evaluated: "#),
        "{reason}"
    );
    let seen = judged(rules(json!([broken])).with_fail(Fail::Open)).await;
    assert_eq!(seen.tool_calls().len(), 1);
    let refuses = json!({"name": "refuses", "on": "tool_call", "when": "tool.name == 'Read'", "do": "block", "message": "m"});
    let seen = judged(rules(json!([broken, refuses])).with_fail(Fail::Open)).await;
    assert_eq!(seen.outcomes(), [Outcome::Block]);
    assert!(seen.tool_calls().is_empty());
}

#[tokio::test]
async fn all_rules_together_go_through_so_much_and_no_more() {
    let each: Vec<_> = (0..20)
        .map(|n| json!({"name": format!("r{n}"), "on": "tool_call", "do": "block", "message": "m",
                        "when": format!("tool.input.list.exists(x, tool.input.list.exists(y, x + y < -{n}))")}))
        .collect();
    let list: Vec<_> = (0..400).collect();
    let seen = Case::of([rules(json!(each))])
        .dialect(Dialect::Anthropic)
        .reply_tool_call("f", json!({"list": list}))
        .run()
        .await;
    assert_eq!(seen.outcomes(), [Outcome::Failed(Failure::Error)]);
    assert!(
        seen.decisions()[0]
            .reason
            .contains("it goes through too much")
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_its_place() {
    let rule = |more: Value| {
        let mut rule =
            json!({"name": "r", "on": "tool_call", "when": "true", "do": "block", "message": "m"});
        let members = rule.as_object_mut().unwrap();
        for (name, value) in more.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        members.retain(|_, value| !value.is_null());
        json!([{"name": "sound", "on": "tool_call", "when": "true", "count": "reads"}, rule])
    };
    for (more, expected) in [
        (
            json!({"when": "tol.name == 'x'"}),
            r#"rules[1].when: unknown name "tol": did you mean "tool"?"#,
        ),
        (
            json!({"when": "tool.name.matches(model)"}),
            "rules[1].when: the pattern of `matches` must be a text in quotes",
        ),
        (
            json!({"when": "text == 'x'"}),
            r#"rules[1].when: there is no "text" here"#,
        ),
        (
            json!({"when": "request.txt == 'x'"}),
            r#"rules[1].when: "request" has no "txt": did you mean "text"?"#,
        ),
        (
            json!({"when": "session.denails > 1"}),
            r#"rules[1].when: "session" has no "denails": did you mean "denials"?"#,
        ),
        (
            json!({"when": "session.count('raeds') > 1"}),
            r#"rules[1].when: no rule counts "raeds": did you mean "reads"?"#,
        ),
        (
            json!({"when": "session.count(model) > 1"}),
            "rules[1].when: the name of a counter must be a text in quotes",
        ),
        (
            json!({"when": "request"}),
            r#"rules[1].when: unknown name "request""#,
        ),
        (
            json!({"when": "request['text'] == ''"}),
            "rules[1].when: write request.text",
        ),
        (
            json!({"when": "session"}),
            "rules[1].when: it is neither true nor false",
        ),
        (
            json!({"when": format!("model == '{}'", "x".repeat(5_000))}),
            "rules[1].when: a condition may have 4096 bytes",
        ),
        (
            json!({"message": "{{tool.nam}}"}),
            r#"rules[1].message: "tool" has no "nam": did you mean "name"?"#,
        ),
        (
            json!({"message": "{{tool.name"}),
            "rules[1].message: a `{{` without its `}}`",
        ),
        (
            json!({"message": "{{}}"}),
            "rules[1].message: ERROR: <input>:1:1: Syntax error",
        ),
        (
            json!({"remedy": "{{session.count('x')}}"}),
            r#"rules[1].remedy: no rule counts "x""#,
        ),
        (json!({"message": null}), "rules[1]: `message` is missing"),
        (
            json!({"do": null, "message": null}),
            "rules[1]: it must have `do`, `count`, or both",
        ),
        (
            json!({"do": "answer"}),
            "rules[1].do: only a request can be answered",
        ),
        (
            json!({"on": "request", "do": "warn"}),
            "rules[1].do: a request can be answered",
        ),
        (
            json!({"on": "request", "when": "tool.name == ''"}),
            r#"rules[1].when: there is no "tool" here"#,
        ),
        (
            json!({"do": "replace", "message": null}),
            "rules[1]: replacing in a tool call takes `set`",
        ),
        (
            json!({"do": "replace", "message": null, "set": {"a": "tol.name"}}),
            "rules[1].set.a: unknown name",
        ),
        (
            json!({"do": "replace", "set": {"a": "1"}}),
            "rules[1]: nobody is told of a replacement",
        ),
        (
            json!({"set": {"a": "1"}}),
            "rules[1]: `set` and `to` are for `do: replace`",
        ),
        (
            json!({"name": "a b"}),
            "rules[1].name: it must have at most 64",
        ),
        (
            json!({"name": "sound"}),
            r#"rules[1].name: there is another rule "sound""#,
        ),
        (json!({"do": "blok"}), "rules[1].do: unknown variant `blok`"),
        (json!({"wehn": "x"}), "rules[1].wehn: unknown field `wehn`"),
    ] {
        let complaint = complaint(rule(more.clone()));
        assert!(complaint.starts_with(expected), "{more}: {complaint}");
    }
    assert!(complaint(json!([])).starts_with("rules: it must have from 1 to 256"));
    let file = find("rules").unwrap().build(&json!({"file": "x.yaml"}));
    assert!(
        file.map(|_| ())
            .unwrap_err()
            .to_string()
            .starts_with("file: nobody has read it")
    );
}

#[test]
fn a_policy_watches_what_its_rules_are_about_and_nothing_else() {
    let flag = |on: &str, when: &str| json!([{"name": "r", "on": on, "when": when, "do": "flag", "message": "m"}]);
    for (on, when, expected) in [
        ("tool_call", "true", Watches::TOOL_CALLS),
        ("text", "text == ''", Watches::TEXT),
        ("request", "request.messages > 1", Watches::REQUEST),
        (
            "tool_call",
            "request.messages > 1",
            Watches::TOOL_CALLS | Watches::CONVERSATION,
        ),
    ] {
        assert_eq!(rules(flag(on, when)).watches, expected, "{on} {when}");
    }
}

#[test]
fn the_rules_in_the_docs_are_rules() {
    let page = include_str!("../../../../../docs/policies.md");
    let (_, file) = page.split_once("```yaml\n# rules.yaml\n").unwrap();
    let (file, _) = file.split_once("```").unwrap();
    let written: Vec<Value> = serde_saphyr::from_str(file).unwrap();
    assert!(written.len() > 3);
    rules(written.into());
}

#[cfg(feature = "guards")]
#[tokio::test]
async fn a_rule_may_speak_of_what_a_call_does_however_it_is_written() {
    let entry = rules(json!([{
        "name": "home", "on": "tool_call", "do": "block",
        "when": "effects.exists(e, e.act == 'delete' && e.recursive && e.path.scope in ['home', 'in_home'])",
        "message": "{{effects[0].short}} is not done here",
    }]));
    let quiet = rules(json!([on_bash("flag", json!({ "message": "seen" }))]));
    assert!(entry.watches.has(Watches::EFFECTS) && !quiet.watches.has(Watches::EFFECTS));
    for (command, is_meant) in [
        ("X=r\\m; cd ~ && $X -rf notes", true),
        ("echo 'rm -rf ~/notes'", false),
        ("rm -rf build", false),
    ] {
        let seen = with_bash(entry.clone(), command).await;
        assert_eq!(seen.tool_calls().is_empty(), is_meant, "{command}");
        assert_eq!(
            seen.text().contains("delete(~/notes)"),
            is_meant,
            "{}",
            seen.text()
        );
    }
    let typo = complaint(json!([{
        "name": "a", "on": "request", "do": "block", "when": "size(effects) > 0", "message": "m",
    }]));
    assert!(typo.contains("effects"), "{typo}");
}
