//! What policies have looked at is told by the record.

use serde_json::{Value, json};

use super::{lines, printed, stop};
use crate::support::{
    client::ask,
    good::pair,
    replies::{Dialect, asked},
};

const POLICIES: &str = "policies: [{ use: deny-tools, name: no-reading, with: { tools: [Read, read] } }, \
    { use: deny-tools, name: writes, when: 'tool.name == \"Write\"', with: { tools: [Write] } }]";

#[tokio::test]
async fn what_was_judged_is_told_by_policy_and_by_reason() {
    let (_provider, mut sidecar) = pair(POLICIES).await;
    for _ in 0..2 {
        let response = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
        assert_eq!(response.status(), 200);
    }
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let reports = lines(folder, ["coverage", "--json"]).await;
    let [report] = &*reports else {
        panic!("{reports:?}")
    };
    assert_eq!(report["exchanges"], 2);
    assert_eq!(report["untold"], 0);
    let calls = &report["kinds"]["tool_call"];
    let count = calls["things"].as_u64().unwrap();
    assert!(count >= 4 && calls["judged"] == count, "{report}");
    let policies = &calls["policies"];
    assert_eq!(policies["no-reading"]["judged"], count);
    assert_eq!(policies["no-reading"]["outcomes"]["block"], 2);
    assert_eq!(policies["writes"]["judged"], 0);
    assert!(
        policies["writes"]["not_judged"]["skipped: condition"].is_u64(),
        "{report}"
    );
    assert_eq!(calls["tools"]["Read"], json!({ "things": 2, "judged": 2 }));
    // Nobody watches what the model says.
    let texts = &report["kinds"]["text"];
    assert_eq!(
        (&texts["judged"], &texts["not_judged"]["unwatched"]),
        (&0.into(), &texts["things"])
    );
    let text = String::from_utf8(printed(folder, ["coverage"]).await).unwrap();
    let first = format!("{count} tool calls in 2 exchanges: 100.0 % judged by a policy");
    assert!(text.starts_with(&first), "{text}");
    assert!(
        text.contains("no-reading") && text.contains("skipped: condition"),
        "{text}"
    );
    let text = String::from_utf8(printed(folder, ["coverage", "--kind", "text"]).await).unwrap();
    assert!(
        text.contains("0.0 % judged") && text.contains("unwatched"),
        "{text}"
    );
    for (args, exchanges) in [
        (["--since", "1h"], 2),
        (["--until", "2020-01-01"], 0),
        (["--model", "claude-x"], 0),
        (["--user", "nobody"], 0),
    ] {
        let args = ["coverage", "--json"].into_iter().chain(args);
        assert_eq!(lines(folder, args).await[0]["exchanges"], exchanges);
    }
}

#[tokio::test]
async fn calls_without_policies_are_told_to_be_judged_by_none() {
    let (_provider, mut sidecar) = pair("").await;
    ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
    stop(&mut sidecar).await;
    let folder = sidecar.folder.path();
    let report: Value = lines(folder, ["coverage", "--json"]).await.remove(0);
    let calls = &report["kinds"]["tool_call"];
    assert!(calls["things"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(calls["judged"], 0);
    let text = String::from_utf8(printed(folder, ["coverage"]).await).unwrap();
    assert!(text.contains("0.0 % judged by a policy"), "{text}");
}
