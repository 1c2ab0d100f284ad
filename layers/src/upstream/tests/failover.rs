//! When the next upstream is tried, and what is said when none is left.

use luthien_core::facts::Answered;
use tower::ServiceExt;

use super::*;

/// Upstreams that are tried in this order, by name and address.
fn in_turn<const N: usize>(upstreams: [(&str, &str); N]) -> Upstreams {
    upstreams
        .iter()
        .fold(Upstreams::builder(), |builder, (name, url)| {
            builder.upstream(Upstream::new(name, url).unwrap())
        })
        .route(["*"], upstreams.map(|(name, _)| name))
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_next_upstream_is_tried_before_the_first_byte_only() {
    let good = Server::start(ok).await;
    let absent = nobody().await;
    for status in [429, 500, 502, 503, 504, 529] {
        let busy = Server::start(with_status(status)).await;
        let service = in_turn([
            ("absent", &absent),
            ("busy", &busy.url()),
            ("good", &good.url()),
        ]);
        let response = send(&gates().layer(service.clone()), call(Dialect::Chat)).await;
        assert_eq!(response.body(), &Ok("{}".into()), "{status}");
        let answered = response.extensions().get::<Answered>().unwrap();
        assert_eq!((&*answered.upstream, answered.attempts), ("good", 3));
        assert_eq!(
            (busy.count(), good.last().1),
            (1, request(Dialect::Chat, false))
        );
        // What is streamed up unread cannot be sent twice; what has no body can.
        let relayed = in_turn([("busy", &busy.url()), ("good", &good.url())]);
        let relayed = gates().layer(relayed);
        let once = send(
            &relayed,
            Request::post("/v1/files").body("x".into()).unwrap(),
        )
        .await;
        assert_eq!(once.status(), status);
        let empty = Request::get("/v1/models")
            .body(http_body_util::Empty::<Bytes>::new())
            .unwrap();
        let empty = relayed.oneshot(empty).await.unwrap();
        assert_eq!(empty.status(), 200);
    }
    for status in [400, 401, 403, 404, 413, 422] {
        let wrong = Server::start(with_status(status)).await;
        let service = in_turn([("wrong", &wrong.url()), ("good", &good.url())]);
        assert_eq!(
            send(&gates().layer(service), call(Dialect::Chat))
                .await
                .status(),
            status,
            "the client's own mistake"
        );
    }
}

#[tokio::test]
async fn without_a_route_a_request_and_its_credential_go_to_one_host_alone() {
    let (busy, other) = (
        Server::start(with_status(503)).await,
        Server::start(ok).await,
    );
    let service = Upstreams::builder()
        .upstream(Upstream::new("busy", &busy.url()).unwrap())
        .upstream(Upstream::new("other", &other.url()).unwrap())
        .build()
        .unwrap();
    let response = send(&gates().layer(service), call(Dialect::Chat)).await;
    assert_eq!(response.status(), 503);
    assert_eq!((busy.count(), other.count()), (1, 0));
}

#[tokio::test]
async fn what_the_last_upstream_says_is_relayed_as_it_is() {
    for status in [400, 402, 429, 503, 529] {
        let server = Server::start(move |_| {
            Response::builder()
                .status(status)
                .header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")
                .header("retry-after-ms", "1500")
                .header("x-should-retry", "false")
                .header("location", "http://127.0.0.1:1/elsewhere")
                .body(body("<html>not json</html>"))
                .unwrap()
        })
        .await;
        let response = send(&gates().layer(one(&server)), call(Dialect::Anthropic)).await;
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers()["retry-after"],
            "Wed, 21 Oct 2026 07:28:00 GMT"
        );
        assert_eq!(response.headers()["x-should-retry"], "false");
        assert_eq!(response.body(), &Ok("<html>not json</html>".into()));
    }
}
