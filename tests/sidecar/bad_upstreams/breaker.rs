//! A provider that fails again and again is left alone for a while, and asked again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::*;

/// A provider that answers with a 500 as long as this is so.
async fn failing(is_failing: Arc<AtomicBool>) -> Provider {
    Provider::start(move |request, mut wire| {
        let is_failing = is_failing.clone();
        async move {
            if is_failing.load(Ordering::Relaxed) {
                wire.json(500, b"{\"error\":{}}").await?;
                return Ok(Some(wire));
            }
            good::reply(request, wire).await
        }
    })
    .await
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_until_it_answers_again() {
    for dialect in Dialect::ALL {
        let is_failing = Arc::new(AtomicBool::new(true));
        let bad = failing(is_failing.clone()).await;
        let settings = "breaker: { failures: 3, rest: 1s }";
        let scene = Scene::before(&bad, settings).await;
        for _ in 0..3 {
            let got = scene.ask(&asked(dialect, true)).await.whole();
            assert_eq!(got.status(), 500);
        }
        let got = scene.ask(&asked(dialect, true)).await.whole();
        let status = if dialect == Dialect::Anthropic {
            529
        } else {
            503
        };
        assert_eq!(got.status(), status, "{}", got.text());
        assert_eq!(got.header("retry-after"), Some("1"));
        assert_eq!(scene.line(&got).await["refusal"], "circuit_open");
        assert_eq!(bad.seen().len(), 3);
        let health = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let health = ask(scene.sidecar.admin, health).await;
        assert_eq!(health.status(), 200);
        assert_eq!(health.json()["upstreams"], "degraded");
        assert_eq!(health.json()["status"], "degraded");
        scene.goes_on().await;
        // As soon as the time is over, and one that was let through has succeeded.
        is_failing.store(false, Ordering::Relaxed);
        let again = async {
            while scene.ask(&asked(dialect, true)).await.whole().status() != 200 {
                tokio::task::yield_now().await;
            }
        };
        within("it is asked again", again).await;
        scene
            .sidecar
            .logged("that it answers", |line| {
                line["message"] == "the upstream answers again"
            })
            .await;
        let got = scene.ask(&asked(dialect, true)).await.whole();
        assert_eq!(&*got.body, &*recorded(dialect, true));
    }
}

#[tokio::test]
async fn while_one_is_left_alone_the_next_one_answers_at_once() {
    let bad = failing(Arc::new(AtomicBool::new(true))).await;
    let good = Provider::start(good::reply).await;
    let config = format!(
        "upstreams: {{ bad: {{ url: {} }}, good: {{ url: {} }} }}\n\
         routes: [{{ models: [\"*\"], upstreams: [bad, good] }}]\n\
         breaker: {{ failures: 2, rest: 1h, longest: 1h }}\n",
        bad.url(),
        good.url()
    );
    let sidecar = Sidecar::start(&config).await;
    for _ in 0..10 {
        for dialect in Dialect::ALL {
            let got = ask(sidecar.agents, &asked(dialect, true)).await;
            assert_eq!((got.status(), &*got.body), (200, &*recorded(dialect, true)));
        }
    }
    assert_eq!((bad.seen().len(), good.seen().len()), (2, 30));
}

#[tokio::test]
async fn what_clients_do_wrong_leaves_nobody_alone() {
    let strict = Provider::start(|_, mut wire| async move {
        wire.json(429, b"{\"error\":{}}").await?;
        Ok(Some(wire))
    })
    .await;
    let scene = Scene::before(&strict, "breaker: { failures: 1 }").await;
    for _ in 0..20 {
        let got = scene.ask(&asked(Dialect::Anthropic, true)).await.whole();
        assert_eq!(got.status(), 429);
    }
    assert_eq!(strict.seen().len(), 20);
}
