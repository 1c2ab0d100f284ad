//! Other policies while the sidecar runs.

use std::{fs, sync::Arc};

use tokio::sync::Notify;

use super::{NO_READING, other_call, seen};
use crate::support::{
    client::{Client, ask, post},
    good::pair,
    provider::Provider,
    replies::{Dialect, asked, events, recorded},
    sidecar::Sidecar,
    within,
};

/// A provider that streams: the beginning of its first reply, and the rest when told to.
async fn slow(dialect: Dialect, go_on: Arc<Notify>) -> Provider {
    let first = Arc::new(Notify::new());
    first.notify_one();
    Provider::start(move |_, mut wire| {
        let (go_on, first) = (go_on.clone(), first.clone());
        async move {
            let events = events(dialect);
            let (begin, rest) = events.split_at(2);
            wire.stream().await?;
            wire.chunk(&begin.concat()).await?;
            let is_first = tokio::time::timeout(std::time::Duration::ZERO, first.notified());
            if is_first.await.is_ok() {
                go_on.notified().await;
            }
            wire.chunk(&rest.concat()).await?;
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await
}

/// Puts these settings in the place of those before.
async fn configure(sidecar: &Sidecar, provider: &Provider, settings: &str) {
    let config = format!(
        "upstreams: {{ mock: {{ url: {} }} }}\n{settings}\n",
        provider.url()
    );
    fs::write(sidecar.config_file(), config).unwrap();
    sidecar.signal("HUP");
}

async fn taken_over(sidecar: &Sidecar) {
    let is = |line: &serde_json::Value| line["message"] == "the configuration was read again";
    sidecar.logged("the change", is).await;
}

#[tokio::test]
async fn a_stream_ends_with_the_policies_it_began_with() {
    for dialect in Dialect::ALL {
        for (before, after) in [(NO_READING, ""), ("", NO_READING)] {
            let go_on = Arc::new(Notify::new());
            let provider = slow(dialect, go_on.clone()).await;
            let sidecar = Sidecar::before(&provider, before).await;
            let mut client = Client::connect(sidecar.agents).await;
            client.write(&asked(dialect, true)).await.unwrap();
            let head = within("the head", client.read.head()).await.unwrap();
            assert_eq!(head.unwrap().status(), 200);

            configure(&sidecar, &provider, after).await;
            taken_over(&sidecar).await;
            let response = ask(sidecar.agents, &asked(dialect, true)).await;
            let (_, calls) = seen(dialect, true, &response.body).await;
            assert_eq!(
                calls.len(),
                if after.is_empty() { 2 } else { 1 },
                "{dialect}"
            );

            go_on.notify_one();
            let mut rest = Vec::new();
            while let Some(chunk) = within("a chunk", client.read.chunk()).await.unwrap() {
                rest.extend(chunk);
            }
            let (_, calls) = seen(dialect, true, &rest).await;
            if before.is_empty() {
                assert_eq!(rest, recorded(dialect, true));
            } else {
                assert_eq!(calls, [other_call(dialect)]);
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_policy_leaves_the_old_ones_in_their_place() {
    let (provider, sidecar) = pair(NO_READING).await;
    for (wrong, place) in [
        (
            "policies: [{ use: deny-tulls }]",
            "luthien.yaml:2:14: policies.0.use: ",
        ),
        (
            "policies: [{ use: deny-tools, with: { tols: [] } }]",
            "luthien.yaml:2:39: policies.0.with.tols: unknown key",
        ),
        (
            "policies: [{ use: noop, when: 'modle == 1' }]",
            "luthien.yaml:2:25: policies.0.when: unknown name",
        ),
    ] {
        configure(&sidecar, &provider, wrong).await;
        let is = |line: &serde_json::Value| {
            let error = line["error"].as_str();
            line["level"] == "ERROR" && error.is_some_and(|error| error.contains(place))
        };
        sidecar.logged(place, is).await;
        let response = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
        let (_, calls) = seen(Dialect::Anthropic, true, &response.body).await;
        assert_eq!(calls, ["Bash"], "{wrong}");
    }
}

#[tokio::test]
async fn what_was_refused_before_is_not_forgotten_with_the_policies() {
    let reply = r#"{"id":"r","object":"response","status":"completed","output":[{"id":"f","type":"function_call","call_id":"c","name":"read","arguments":"{}"}]}"#;
    let provider = Provider::saying(200, "content-type: application/json\r\n", reply).await;
    let sidecar = Sidecar::before(&provider, NO_READING).await;
    let request = post(
        "/v1/responses",
        "session-id: s\r\n",
        br#"{"model":"m","input":"x"}"#,
    );
    for _ in 0..2 {
        let response = ask(sidecar.agents, &request).await;
        assert!(
            !response.text().contains("ends here"),
            "{}",
            response.text()
        );
    }
    let other = NO_READING.replace("[Read, read]", "[read]");
    configure(&sidecar, &provider, &other).await;
    taken_over(&sidecar).await;
    // The same call, refused for the third time running.
    let response = ask(sidecar.agents, &request).await;
    assert!(response.text().contains("ends here"), "{}", response.text());
}

#[tokio::test]
async fn a_file_of_rules_is_read_again_when_it_changes() {
    let (provider, sidecar) = pair("").await;
    let rules = sidecar.config_file().with_file_name("rules.yaml");
    let rule = |tool: &str| {
        format!(
            "- {{ name: r, on: tool_call, when: tool.name == '{tool}', do: block, message: not here }}\n"
        )
    };
    let calls = async || {
        let response = ask(sidecar.agents, &asked(Dialect::Anthropic, true)).await;
        seen(Dialect::Anthropic, true, &response.body).await.1
    };
    fs::write(&rules, rule("Read")).unwrap();
    let settings = "policies: [{ use: rules, with: { file: rules.yaml } }]";
    configure(&sidecar, &provider, settings).await;
    taken_over(&sidecar).await;
    assert_eq!(calls().await, ["Bash"]);

    fs::write(&rules, rule("Bash").replace("tool.name", "tol.name")).unwrap();
    let is = |line: &serde_json::Value| {
        let error = line["error"].as_str();
        error.is_some_and(|error| error.contains("rules.yaml:1:29: policies.0.with.rules.0.when"))
    };
    sidecar.logged("the error", is).await;
    assert_eq!(calls().await, ["Bash"]);

    fs::write(&rules, rule("Bash")).unwrap();
    within("the other rule", async {
        while calls().await != ["Read"] {}
    })
    .await;
}
