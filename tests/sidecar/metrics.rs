//! What is counted, as Prometheus reads it.

use crate::support::{
    client::{ask, post},
    good::pair,
    http1::Message,
    replies::{Dialect, asked, recorded},
    sidecar::Sidecar,
};

async fn scrape(sidecar: &Sidecar, accept: &str) -> Message {
    let request = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\n{accept}\r\n");
    ask(sidecar.admin, request.as_bytes()).await
}

/// All samples of a metric that have these labels, added up.
async fn sum(sidecar: &Sidecar, name: &str, labels: &[&str]) -> f64 {
    let scraped = scrape(sidecar, "").await;
    let text = scraped.text();
    let is_meant = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    let values = text.lines().filter(is_meant);
    values
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

#[tokio::test]
async fn exchanges_policies_and_the_record_are_counted() {
    let settings = "prices: { mock-*: { input: 3.00, output: 15.00 } }\nroutes: [{ models: [\"mock-*\", \"*\"], upstreams: [mock] }]\npolicies: [{ use: deny-tools, with: { tools: [bash] } }]\nrate: [{ per: everyone, requests: 7, every: 1h }]";
    let (provider, sidecar) = pair(settings).await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            assert_eq!(
                ask(sidecar.agents, &asked(dialect, stream)).await.status(),
                200
            );
        }
    }
    let other = br#"{"model":"made-up-4711","messages":[]}"#;
    ask(sidecar.agents, &post("/v1/messages", "", other)).await;
    assert_eq!(
        ask(sidecar.agents, &asked(Dialect::Chat, true))
            .await
            .status(),
        429
    );
    assert_eq!(provider.seen().len(), 7);

    assert_eq!(sum(&sidecar, "luthien_exchanges_total", &[]).await, 8.0);
    let refused = ["end=\"refused\"", "status=\"429\"", "upstream=\"none\""];
    assert_eq!(
        sum(&sidecar, "luthien_exchanges_total", &refused).await,
        1.0
    );
    assert_eq!(
        sum(
            &sidecar,
            "luthien_refusals_total",
            &["code=\"rate_limited\""]
        )
        .await,
        1.0
    );
    assert_eq!(sum(&sidecar, "luthien_open_exchanges", &[]).await, 0.0);
    assert!(
        sum(
            &sidecar,
            "luthien_cost_dollars_total",
            &["model=\"mock-large\""]
        )
        .await
            > 0.0
    );
    assert!(sum(&sidecar, "luthien_tokens_total", &["kind=\"output\""]).await > 0.0);
    assert!(
        sum(
            &sidecar,
            "luthien_policy_decisions_total",
            &["policy=\"deny-tools\""]
        )
        .await
            > 0.0
    );
    assert!(
        sum(
            &sidecar,
            "luthien_overhead_seconds_count",
            &["phase=\"event\""]
        )
        .await
            > 0.0
    );
    assert_eq!(sum(&sidecar, "luthien_record_ended_total", &[]).await, 8.0);
    assert_eq!(sum(&sidecar, "luthien_record_lost_total", &[]).await, 0.0);
    assert_eq!(
        sum(&sidecar, "luthien_build_info", &["version="]).await,
        1.0
    );
    // Whoever asks chooses the names of models, and no name becomes a label by that.
    let scraped = scrape(&sidecar, "").await;
    let text = scraped.text();
    assert!(!text.contains("4711"), "{text}");
}

#[tokio::test]
async fn both_formats_are_told_and_agents_learn_nothing() {
    let (_provider, sidecar) = pair("").await;
    let plain = scrape(&sidecar, "").await;
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(!plain.text().contains("# EOF"));
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = scrape(&sidecar, accept).await;
    assert!(
        open.header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(open.text().ends_with("# EOF\n"));
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    assert_eq!(ask(sidecar.agents, request).await.status(), 404);
}

#[tokio::test]
async fn configurations_that_are_taken_over_or_refused_are_counted() {
    let (_provider, sidecar) = pair("").await;
    let config = std::fs::read_to_string(sidecar.config_file()).unwrap();
    for (more, result) in [
        ("drain: 3s\n", "taken"),
        ("no_such_setting: 1\n", "refused"),
    ] {
        std::fs::write(sidecar.config_file(), format!("{config}{more}")).unwrap();
        sidecar.signal("HUP");
        let label = format!("result=\"{result}\"");
        while sum(&sidecar, "luthien_config_reloads_total", &[&label]).await < 1.0 {
            tokio::task::yield_now().await;
        }
    }
    let got = ask(sidecar.agents, &asked(Dialect::Chat, true)).await;
    assert_eq!(got.body, recorded(Dialect::Chat, true));
}
