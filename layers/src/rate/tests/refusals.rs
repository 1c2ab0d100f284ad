//! What a caller is told: refusals and standings.

use http_body::Body;
use http_body_util::BodyExt;

use super::*;

#[tokio::test]
async fn refusals_are_in_the_callers_dialect_with_retry_after_and_standard_headers() {
    for (dialect, error) in [
        (Dialect::Anthropic, r#""type":"rate_limit_error""#),
        (Dialect::Chat, r#""type":"rate_limit_error""#),
        (Dialect::Responses, r#""code":"rate_limited""#),
    ] {
        let (ledger, _) = ledger(vec![
            Rule::requests(Per::Everyone, limit(1), Duration::from_millis(90_500)),
            Rule::concurrent(Per::Everyone, limit(7)),
        ]);
        let service = gate(RateLayer::over(ledger)).layer(Provider::default());
        let first = send(&service, post(dialect, "{}")).await;
        assert_eq!(
            first.headers()["ratelimit-policy"],
            r#""requests-per-everyone-90s";q=1;w=91"#
        );
        assert_eq!(
            first.headers()["ratelimit"],
            r#""requests-per-everyone-90s";r=0;t=91"#
        );
        let second = send(&service, post(dialect, "{}")).await;
        assert_eq!(second.status(), 429);
        assert_eq!(second.headers()["retry-after"], "91");
        assert_eq!(
            second.headers()["ratelimit"],
            r#""requests-per-everyone-90s";r=0;t=91"#
        );
        assert!(second.headers().contains_key("ratelimit-policy"));
        let body = String::from_utf8(second.into_body().unwrap().to_vec()).unwrap();
        assert!(
            body.contains(error) && body.contains("1 requests per everyone"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_reply_holds_its_place_until_it_ends() {
    let (ledger, _) = ledger(vec![Rule::concurrent(Per::Everyone, limit(1))]);
    let all = recorded(Dialect::Chat, true);
    let steps = [Step::Data(all.slice(..500)), Step::Data(all.slice(500..))];
    let service = gate(RateLayer::over(ledger.clone())).layer(Provider::new([Reply::steps(steps)]));
    let ask = || post(Dialect::Chat, "{}").map(|body| ScriptedBody::of([body]));
    let mut body = service.clone().call(ask()).await.unwrap().into_body();
    let refused = service.clone().call(ask()).await.unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "1")
    );
    while body.frame().await.is_some() {}
    assert!(body.is_end_stream());
    assert_eq!(
        service.clone().call(ask()).await.unwrap().status(),
        200,
        "the body still exists, but is over"
    );
}
