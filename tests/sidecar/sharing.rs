//! Several sidecars that share a Redis, and one that is left alone by it.

use crate::support::{
    client::ask,
    provider::Provider,
    redis::Redis,
    replies::{Dialect, asked, recorded},
    sidecar::Sidecar,
    within,
};

async fn provider() -> Provider {
    Provider::saying(
        200,
        "content-type: application/json\r\n",
        recorded(Dialect::Anthropic, false),
    )
    .await
}

fn settings(redis: &Redis, requests: u32) -> String {
    format!(
        "redis: {{ url: '{}', instances: 2 }}\nrate: [{{ per: key, requests: {requests}, every: 1h }}]",
        redis.url()
    )
}

#[tokio::test]
async fn a_rate_counts_for_all_sidecars_together() {
    let (redis, provider) = (Redis::start().await, provider().await);
    let settings = settings(&redis, 4);
    let sidecars = [
        Sidecar::before(&provider, &settings).await,
        Sidecar::before(&provider, &settings).await,
    ];
    for sidecar in sidecars.iter().cycle().take(4) {
        let answer = ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
        assert_eq!(answer.status(), 200);
    }
    for sidecar in &sidecars {
        let answer = ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
        assert!(
            answer
                .header("retry-after")
                .unwrap()
                .parse::<u32>()
                .unwrap()
                > 0
        );
    }
    assert_eq!(provider.seen().len(), 4);
}

#[tokio::test]
async fn while_redis_is_away_each_sidecar_allows_its_part_and_nobody_gets_an_error() {
    let (mut redis, provider) = (Redis::start().await, provider().await);
    let sidecar = Sidecar::before(&provider, &settings(&redis, 8)).await;
    let request = asked(Dialect::Anthropic, false);
    assert_eq!(ask(sidecar.agents, &request).await.status(), 200);
    redis.stop().await;
    // A part of 8 requests for two sidecars is 4.
    let mut allowed = 0;
    let refused = within("the part is used up", async {
        loop {
            let answer = ask(sidecar.agents, &request).await;
            if answer.status() != 200 {
                return answer;
            }
            allowed += 1;
        }
    })
    .await;
    assert_eq!(refused.status(), 429);
    assert_eq!(allowed, 4);
    sidecar
        .logged("that it is away", |line| {
            line["level"] == "WARN" && line.to_string().contains("Redis")
        })
        .await;
}
