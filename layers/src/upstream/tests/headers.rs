//! Which headers are passed on.

use super::*;

#[tokio::test]
async fn headers_that_are_not_meant_for_the_other_side_are_taken_off_both_ways() {
    let server = Server::start(|_| {
        Response::builder()
            .header("connection", "x-between, close")
            .header("x-between", "1")
            .header("keep-alive", "timeout=5")
            .header("x-luthien-request-id", "forged")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("anthropic-ratelimit-requests-limit", "50")
            .header("x-new", "y")
            .body(body("{}"))
            .unwrap()
    })
    .await;
    let mut asked = call(Dialect::Anthropic);
    for (name, value) in [
        ("connection", "keep-alive, X-Secret-Hop"),
        ("connection", "x-api-key-not"),
        ("x-secret-hop", "1"),
        ("keep-alive", "x"),
        ("proxy-authorization", "Basic x"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("expect", "100-continue"),
        ("host", "evil.example"),
        ("baggage", "user=alice"),
        ("x-luthien-user-id", "alice"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/v1/messages/batches"),
        ("anthropic-beta", "a"),
        ("anthropic-beta", "b,c"),
        ("anthropic-version", "2026-10-21"),
        ("x-stainless-retry-count", "0"),
        ("user-agent", "claude-cli/2"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-api-key", "sk-1"),
        ("x-brand-new", "kept"),
    ] {
        asked.headers_mut().append(name, value.parse().unwrap());
    }
    let response = send(&gates().layer(one(&server)), asked).await;
    let (head, _) = server.last();
    let mut names: Vec<_> = head.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let kept = "accept-encoding anthropic-beta anthropic-version content-length host traceparent user-agent x-api-key \
                x-brand-new x-stainless-retry-count";
    assert_eq!(names.join(" "), kept);
    assert_eq!(head.headers["host"], server.address.to_string());
    assert_eq!(
        head.headers
            .get_all("anthropic-beta")
            .iter()
            .collect::<Vec<_>>(),
        ["a", "b,c"]
    );
    let mut names: Vec<_> = response
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names.join(" "),
        "anthropic-ratelimit-requests-limit content-length date set-cookie x-new"
    );
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
}
