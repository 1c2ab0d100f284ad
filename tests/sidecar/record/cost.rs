//! What exchanges cost, as far as somebody knows.

use std::fs;

use serde_json::Value;

use super::{lines, printed, stop};
use crate::support::{
    client::ask,
    good::pair,
    replies::{Dialect, asked},
    sidecar::{Sidecar, luthien},
    within,
};

/// The exchanges that were recorded, by their dialect, with what they cost.
async fn costs(sidecar: &Sidecar) -> Vec<(String, Value)> {
    let exported = lines(sidecar.folder.path(), ["export", "--format", "jsonl"]).await;
    let mut costs: Vec<_> = exported
        .iter()
        .map(|line| {
            (
                line["dialect"].as_str().unwrap().to_owned(),
                line["cost_micros"].clone(),
            )
        })
        .collect();
    costs.sort_by_key(|(dialect, cost)| (dialect.clone(), cost.as_i64()));
    costs
}

#[tokio::test]
async fn known_models_have_a_price_and_unknown_ones_are_not_free() {
    let (_provider, mut sidecar) = pair("").await;
    for (dialect, stream) in [(Dialect::Anthropic, true), (Dialect::Chat, false)] {
        assert_eq!(
            ask(sidecar.agents, &asked(dialect, stream)).await.status(),
            200
        );
    }
    stop(&mut sidecar).await;
    // 12 tokens at $4 for a million, 2000 at $0.20, 100 at $5, 88 at $20: claude-opus-5-5.
    let expected = 48 + 400 + 500 + 1_760;
    let costs = costs(&sidecar).await;
    assert_eq!(
        costs,
        [
            ("anthropic".to_owned(), expected.into()),
            ("chat".to_owned(), Value::Null)
        ]
    );
    let folder = sidecar.folder.path();
    // They begin alike, and so are one conversation.
    let sessions = lines(folder, ["sessions", "--json"]).await;
    let [session] = &*sessions else {
        panic!("{sessions:?}")
    };
    assert_eq!(session["cost_micros"], expected);
    assert_eq!(session["unpriced"], 1);
    let text = async |args: &[&str]| String::from_utf8(printed(folder, args).await).unwrap();
    for args in [
        &["sessions"][..],
        &["export"],
        &["export", "--format", "html"],
    ] {
        let text = text(args).await;
        assert!(text.contains("≥ $0.0027"), "{text}");
        let is_whole = args.len() > 1 || args == ["export"];
        assert_eq!(text.contains("cost unknown"), is_whole, "{text}");
    }
}

#[tokio::test]
async fn a_conversation_with_an_unknown_part_cost_at_least_the_rest() {
    let named = "prices: { gpt-mock: { input: 1000, output: 2000 } }";
    let (provider, mut sidecar) = pair(named).await;
    let ask = async |sidecar: &Sidecar| {
        let headers = "x-api-key: sk\r\nx-claude-code-session-id: s-1\r\n";
        let body = luthien_core::testing::request(Dialect::Chat, true);
        let asked = crate::support::client::post(Dialect::Chat.path(), headers, &body);
        assert_eq!(ask(sidecar.agents, &asked).await.status(), 200);
    };
    ask(&sidecar).await;
    // What is read from the cache costs like other input if nobody says something else.
    let expected = 50 * 1_000 + 20 * 2_000;
    // Prices are taken over while it runs, for what comes.
    for (settings, known) in [
        ("", "≥ $0.09"),
        (
            "prices: { 'gpt-*': { input: 0, output: 10000, cache_read: 0 } }",
            "≥ $0.29",
        ),
    ] {
        let config = format!(
            "upstreams: {{ mock: {{ url: {} }} }}\n{settings}\n",
            provider.url()
        );
        // The first exchange is in the database by now, with its price.
        let is_priced = async || {
            costs(&sidecar)
                .await
                .iter()
                .any(|(_, cost)| cost == expected)
        };
        within("the price", async { while !is_priced().await {} }).await;
        fs::write(sidecar.config_file(), config).unwrap();
        sidecar.signal("HUP");
        let is = |line: &Value| line["message"] == "the configuration was read again";
        sidecar.logged("the change", is).await;
        ask(&sidecar).await;
        let folder = sidecar.folder.path().to_owned();
        let is_shown = async || {
            let shown = String::from_utf8(printed(&folder, ["sessions"]).await).unwrap();
            shown.contains(known)
        };
        within("the sum", async { while !is_shown().await {} }).await;
    }
    stop(&mut sidecar).await;
    let shown = printed(sidecar.folder.path(), ["show", "s-1"]).await;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("- cost: ≥ $0.29"), "{shown}");
    assert!(
        shown.contains("· $0.0900") && shown.contains("· cost unknown"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_wrong_price_is_an_error_that_says_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    for (price, said) in [
        ("{ input: 3 }", "missing field `output`"),
        (
            "{ input: -3, output: 15 }",
            "expected US dollars for a million tokens",
        ),
        (
            "{ input: 0.000003, output: 0.000015 }",
            "0.000003 for each is 3",
        ),
        ("{ input: 3, output: 15, cached: 1 }", "unknown key"),
        (
            "{ input: 3, output: 15, long: { above: 0, input: 6, output: 22.5 } }",
            "every request is long",
        ),
    ] {
        let config = format!("prices:\n  m-1: {price}\n");
        fs::write(folder.path().join("luthien.yaml"), config).unwrap();
        let mut command = luthien(folder.path());
        command.args(["--config", "luthien.yaml", "check"]);
        let output = within("the command ends", command.output()).await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && errors.contains("luthien.yaml:2:"),
            "{errors}"
        );
        assert!(
            errors.contains("prices.m-1") && errors.contains(said),
            "{errors}"
        );
    }
}
