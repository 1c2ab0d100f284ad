//! What the log says of decisions.

use serde_json::Value;

use super::{NO_READING, seen};
use crate::support::{
    client::{ask, post},
    good::pair,
    provider::Provider,
    replies::{Dialect, asked},
    sidecar::Sidecar,
};

/// The line about the first decision with this outcome.
async fn decision(sidecar: &Sidecar, outcome: &str) -> Value {
    let is = |line: &Value| line["message"] == "decision" && line["outcome"] == outcome;
    sidecar.logged(outcome, is).await
}

#[tokio::test]
async fn a_refusal_has_a_line_that_says_who_what_and_why_but_not_of_what() {
    let (_provider, sidecar) = pair(NO_READING).await;
    for dialect in Dialect::ALL {
        let response = ask(sidecar.agents, &asked(dialect, true)).await;
        let id = response.header("x-luthien-request-id").unwrap();
        let is = |line: &Value| line["message"] == "decision" && line["id"] == id;
        let line = sidecar.logged("the decision", is).await;
        for (member, expected) in [
            ("level", "INFO"),
            ("target", "luthien::policy"),
            ("policy", "deny-tools"),
            ("mode", "enforce"),
            ("phase", "tool_call"),
            ("outcome", "block"),
            ("severity", "warning"),
        ] {
            assert_eq!(line[member], expected, "{member} of {line}");
        }
        assert_eq!(line["applied"], true);
        let tool = line["tool"].as_str().unwrap();
        assert!(tool.eq_ignore_ascii_case("read"), "{line}");
        let name = line["decision"].as_str().unwrap();
        assert!(
            response.text().contains(name),
            "the client is told its name"
        );
        assert!(!line["code"].as_str().unwrap().is_empty());
        assert!(!line["reason"].as_str().unwrap().is_empty());
        assert!(!line["version"].as_str().unwrap().is_empty());
        assert!(line["ms"].is_number());
    }
    assert!(!sidecar.log().contains("a.txt"), "{}", sidecar.log());
    assert!(!sidecar.log().contains(r#""outcome":"allow""#));
}

#[tokio::test]
async fn who_wants_to_know_it_all_is_told_what_passed_and_what_was_not_looked_at() {
    let settings = format!("{NO_READING}\nlog: {{ level: debug }}").replace(
        "]\npolicy:",
        ", { use: deny-tools, name: writes, when: 'tool.name == \"Write\"', with: { tools: [Write] } }]\npolicy:",
    );
    let (_provider, sidecar) = pair(&settings).await;
    ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    let passed = decision(&sidecar, "allow").await;
    assert_eq!(
        (&passed["level"], &passed["tool"]),
        (&"DEBUG".into(), &"Bash".into())
    );
    assert!(passed["block"].is_string());
    let skipped = decision(&sidecar, "skipped").await;
    assert_eq!(skipped["policy"], "writes");
    assert_eq!(skipped["why"], "condition");
}

#[tokio::test]
async fn what_of_an_exchange_was_looked_at_is_told_at_its_end() {
    let is = |line: &Value| line["message"] == "coverage";
    let settings = format!("{NO_READING}\nlog: {{ level: debug }}");
    let (_provider, sidecar) = pair(&settings).await;
    ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    let line = sidecar.logged("its coverage", is).await;
    assert_eq!(
        (&line["level"], &line["gaps"]),
        (&"DEBUG".into(), &0.into())
    );
    assert_eq!(line["looked_at"], 2, "both calls: {line}");
    assert!(line["things"].as_u64() > Some(2), "texts, too: {line}");

    let settings = NO_READING
        .replace("{ use", "{ fail: open, deadline: 1ms, use")
        .replace("policy: {", "policy: { held: 200B,");
    let (_provider, sidecar) = pair(&settings).await;
    ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
    let line = sidecar.logged("its coverage", is).await;
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["missed"], "end: deny-tools too_large");
}

#[tokio::test]
async fn a_tool_with_a_name_for_terminals_does_not_reach_one() {
    let reply = r#"{"type":"message","role":"assistant","content":[{"type":"tool_use","id":"t","name":"evil\u001b[2J\u202e","input":{}}],"stop_reason":"tool_use"}"#;
    let provider = Provider::saying(200, "content-type: application/json\r\n", reply).await;
    let settings = "policies: [{ use: deny-tools, with: { tools: ['evil*'] } }]";
    let sidecar = Sidecar::before(&provider, settings).await;
    let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
    ask(sidecar.agents, &post("/v1/messages", "", body)).await;
    let line = decision(&sidecar, "block").await;
    assert_eq!(line["tool"], "evil\u{1b}[2J\u{202e}");
    let log = sidecar.log();
    assert!(!log.contains(['\u{1b}', '\u{202e}']), "{log}");
}

#[tokio::test]
async fn several_judge_as_one_and_each_vote_is_recorded() {
    let deny = |name: &str, tool: &str| {
        format!("{{ use: deny-tools, name: {name}, with: {{ tools: ['{tool}'] }} }}")
    };
    let (one, two, three) = (
        deny("one", "Read"),
        deny("two", "*"),
        deny("three", "Write"),
    );
    let settings = format!(
        "policies: [{{ parallel: {{ decide: majority, of: [{one}, {two}, {three}] }}, name: board }}]"
    );
    let (_provider, sidecar) = pair(&settings).await;
    let response = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    let (_, calls) = seen(Dialect::Anthropic, true, &response.body).await;
    assert_eq!(
        calls,
        ["Bash"],
        "two of three were against `Read`, one against `Bash`"
    );
    let line = decision(&sidecar, "block").await;
    assert_eq!(
        (&line["policy"], &line["tool"]),
        (&"board".into(), &"Read".into())
    );
    assert_eq!(line["votes"], "one=block two=block three=allow");
    let disagree = |line: &Value| line["message"] == "remark" && line["policy"] == "board";
    let line = sidecar.logged("that they disagree", disagree).await;
    assert_eq!(line["severity"], "warning");
    assert_eq!(line["id"], response.header("x-luthien-request-id").unwrap());
}

#[tokio::test]
async fn what_is_too_long_to_be_judged_has_not_passed() {
    for (fail, passes) in [("closed", false), ("open", true)] {
        let settings = NO_READING
            .replace("{ show", "{ held: 200B, show")
            .replace("{ use", &format!("{{ fail: {fail}, use"));
        let (_provider, sidecar) = pair(&settings).await;
        let response = ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
        let status = if passes { 200 } else { 451 };
        assert_eq!(response.status(), status, "{}", response.text());
        let line = decision(&sidecar, "failed").await;
        assert_eq!(
            (&line["why"], &line["severity"]),
            (&"too_large".into(), &"critical".into())
        );
        assert_eq!(line["applied"], !passes);
    }
}
