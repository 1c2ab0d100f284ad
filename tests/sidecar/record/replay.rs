//! What was recorded goes through other policies.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use super::{lines, printed, stop};
use crate::support::{
    client::ask,
    good::{call, pair},
    provider::Provider,
    replies::{Dialect, asked},
    sidecar::{Sidecar, luthien},
    within,
};

/// What a replay with these policies says, and its report.
async fn replay(folder: &Path, policies: &str, more: &[&str]) -> (Output, Value) {
    fs::write(folder.join("other.yaml"), policies).unwrap();
    let mut command = luthien(folder);
    command.args([
        "--config",
        "luthien.yaml",
        "replay",
        "--policies",
        "other.yaml",
    ]);
    command.args(["--report", "report.json"]).args(more);
    let output = within("the replay ends", command.output()).await.unwrap();
    let report = fs::read(folder.join("report.json"));
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = report.unwrap_or_else(|_| panic!("{errors}"));
    (output, serde_json::from_slice(&report).unwrap())
}

/// Of each change, its kind and who makes it.
fn changes(report: &Value) -> Vec<(&str, &str)> {
    let changes = report["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let policy = change["policies"][0].as_str();
            let policy = policy.unwrap_or_else(|| panic!("{change}"));
            (change["kind"].as_str().unwrap(), policy)
        })
        .collect()
}

/// A sidecar with these settings that has answered in every dialect, streamed and whole, and has ended.
async fn house(settings: &str) -> Sidecar {
    let (_provider, mut sidecar) = pair(settings).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            ask(sidecar.agents, &asked(dialect, stream)).await;
        }
    }
    stop(&mut sidecar).await;
    sidecar
}

const DENIES: &str = "policies: [{ use: deny-tools, with: { tools: ['*'] } }]";

#[tokio::test]
async fn the_same_policies_change_nothing() {
    for policies in [
        "policies: []",
        DENIES,
        "policies: [{ use: all-caps }]",
        "policies: [{ use: indicator }]",
        "policies: [{ use: secrets }, { use: personal-data, with: { action: redact } }]",
        "policies: [{ use: replace, with: { from: a, to: e, in: both } }]",
        "policies: [{ use: deny-tools, mode: warn, with: { tools: ['*'] } }]",
    ] {
        let sidecar = house(policies).await;
        let (output, report) = replay(sidecar.folder.path(), policies, &[]).await;
        assert_eq!(report["changes"], json!([]), "{policies}");
        assert_eq!(
            (&report["compared"], &report["same"]),
            (&json!(6), &json!(6))
        );
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains("All 6 exchanges would end as they did."),
            "{said}"
        );
    }
}

#[tokio::test]
async fn what_would_be_refused_and_what_would_not_be_any_more_is_told() {
    let sidecar = house("").await;
    let folder = sidecar.folder.path();
    let (output, report) = replay(folder, DENIES, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let blocked = changes(&report);
    assert!(!blocked.is_empty());
    assert!(
        blocked
            .iter()
            .all(|change| *change == ("blocked", "deny-tools"))
    );
    assert_eq!(
        report["policies"]["deny-tools"]["blocked"],
        json!(blocked.len())
    );
    let first = &report["changes"][0];
    assert_eq!(first["before"]["verdict"], "allow");
    assert_eq!(first["after"]["decisions"][0]["code"], "denied_tool");
    // In the same order each time, and with the same words.
    let again = replay(folder, DENIES, &[]).await;
    assert_eq!((&again.0.stdout, &again.1), (&output.stdout, &report));

    let sidecar = house(DENIES).await;
    let (output, report) = replay(sidecar.folder.path(), "policies: []", &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let allowed = changes(&report);
    assert_eq!(allowed.len(), blocked.len());
    assert!(
        allowed
            .iter()
            .all(|change| *change == ("allowed", "deny-tools"))
    );
}

#[tokio::test]
async fn other_edits_are_told_apart_from_the_same() {
    let sidecar =
        house("policies: [{ use: replace, with: { from: a, to: e, in: request } }]").await;
    let other = "policies: [{ use: replace, with: { from: a, to: o, in: request } }]";
    let (_, report) = replay(sidecar.folder.path(), other, &[]).await;
    let edited = changes(&report);
    assert!(!edited.is_empty());
    assert!(edited.iter().all(|change| *change == ("edited", "replace")));
    assert_eq!(report["changes"][0]["request"], true);
    assert_eq!(report["changes"][0]["reply"], false);
}

#[tokio::test]
async fn a_request_that_was_refused_has_no_reply_and_is_judged_alone() {
    let rule = "policies: [{ use: rules, with: { rules: [{ name: no-secrets, on: request, when: 'request.text.contains(\"xyzzy\")', do: block, message: Never say that. }] } }]";
    let (_provider, mut sidecar) = pair(rule).await;
    let body = json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "say xyzzy" }] });
    let refused = ask(sidecar.agents, &call(Dialect::Anthropic, body.to_string())).await;
    assert!(refused.text().contains("Never say that."));
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let (_, report) = replay(folder, rule, &[]).await;
    assert_eq!(report["changes"], json!([]));
    let (_, report) = replay(folder, DENIES, &[]).await;
    assert_eq!(changes(&report), [("allowed", "rules")]);
}

#[tokio::test]
async fn filters_choose_and_what_cannot_go_through_is_counted() {
    let sidecar = house("database: sqlite:kept.db").await;
    let folder = sidecar.folder.path();
    let (_, report) = replay(folder, DENIES, &["--until", "2020-01-01"]).await;
    assert_eq!(
        (&report["compared"], &report["sessions"]),
        (&json!(0), &json!(0))
    );
    let asks = "policies: [{ use: http, name: ours, with: { url: 'http://127.0.0.1:1/' } }]";
    let (output, report) = replay(folder, asks, &[]).await;
    assert_eq!(report["left_out"], json!(["ours"]));
    assert_eq!(report["same"], 6);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("asks over the network: ours"), "{said}");
}

#[tokio::test]
async fn any_exchange_becomes_a_case_that_comes_out_as_it_was() {
    for policies in [
        "policies: [{ use: noop }]",
        DENIES,
        "policies: [{ use: replace, with: { from: a, to: e, in: both } }]",
    ] {
        let sidecar = house(policies).await;
        let folder = sidecar.folder.path();
        let exchanges = lines(folder, ["export", "--format", "jsonl"]).await;
        for exchange in &exchanges {
            let id = exchange["transaction_id"].as_str().unwrap();
            let case = printed(folder, ["policy", "fixture", id]).await;
            fs::write(folder.join("case.yaml"), &case).unwrap();
            let said = printed(folder, ["policy", "test", "case.yaml"]).await;
            let said = String::from_utf8(said).unwrap();
            assert!(said.contains("All 1 cases came out as expected."), "{said}");
        }
        assert_eq!(exchanges.len(), 6);
    }
}

#[tokio::test]
async fn cases_hold_what_yaml_would_not() {
    let (_provider, mut sidecar) = pair(DENIES).await;
    let body = json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "\u{7f}\u{85}\u{2028}\u{feff}\u{1f99a}: {x} #\n- \"" }] });
    let answer = ask(sidecar.agents, &call(Dialect::Anthropic, body.to_string())).await;
    let id = answer.header("x-luthien-request-id").unwrap().to_owned();
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let case = printed(folder, ["policy", "fixture", &id]).await;
    let other = String::from_utf8(case)
        .unwrap()
        .replace("verdict: \"block\"", "verdict: allow");
    fs::write(folder.join("case.yaml"), other).unwrap();
    let mut command = luthien(folder);
    command.args(["--config", "luthien.yaml", "policy", "test", "case.yaml"]);
    let output = within("the command ends", command.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("verdict: expected allow, got block"),
        "{said}"
    );
}

/// A judge that finds every call worth this.
async fn judge(score: f64) -> Provider {
    Provider::start(move |_, mut wire| async move {
        let said = json!({
            "type": "message", "stop_reason": "tool_use", "usage": { "input_tokens": 70, "output_tokens": 9 },
            "content": [{ "type": "tool_use", "id": "t", "name": "answer", "input": { "score": score, "reason": "it reads" } }],
        });
        wire.json(200, said.to_string().as_bytes()).await?;
        Ok(Some(wire))
    })
    .await
}

#[tokio::test]
async fn judges_answer_from_the_record() {
    let judging = |threshold: f64| {
        format!(
            "policies: [{{ use: tool-call-judge, with: {{ upstream: judges, model: claude-haiku-4-5, credential: caller, threshold: {threshold} }} }}]"
        )
    };
    let (provider, judge) = (
        Provider::start(crate::support::good::reply).await,
        judge(0.5).await,
    );
    let config = format!(
        "upstreams:\n  models: {{ url: '{}', dialects: [anthropic, chat, responses] }}\n  judges: {{ url: '{}', dialects: [anthropic] }}\nroutes: [{{ models: ['*'], upstreams: [models] }}]\n{}\n",
        provider.url(),
        judge.url(),
        judging(0.9),
    );
    let mut sidecar = Sidecar::start(&config).await;
    let answered = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    assert_eq!(answered.status(), 200);
    stop(&mut sidecar).await;
    let asked_before = judge.count();
    assert!(asked_before > 0);
    drop(provider);
    let folder = sidecar.folder.path();
    let (_, report) = replay(folder, &judging(0.9), &[]).await;
    assert_eq!(
        (&report["same"], &report["unanswered"]),
        (&json!(1), &json!([]))
    );
    let (_, report) = replay(folder, &judging(0.3), &[]).await;
    assert_eq!(changes(&report), [("blocked", "tool-call-judge")]);
    let other = judging(0.9).replace("claude-haiku-4-5", "claude-sonnet-4-5");
    let (output, report) = replay(folder, &other, &[]).await;
    assert_eq!(report["unanswered"].as_array().unwrap().len(), 1);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("would be asked what it was not asked then: 1."),
        "{said}"
    );
    assert_eq!(judge.count(), asked_before);
}
