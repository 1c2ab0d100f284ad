//! When circuits open and close, and that replies pass untouched.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use luthien_core::{
    Dialect,
    gate::gate,
    testing::{Provider, Reply, recorded, request, send},
};
use tokio::time::advance;
use tower::Layer;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn answered(status: u16, retry_after: Option<u64>, is_shared: bool) -> Outcome {
    Outcome::Answered {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        is_shared,
        took: SECOND,
    }
}

/// Makes an attempt that comes to this, if it may be made.
fn attempt(breakers: &Breakers, outcome: Outcome) -> Result<(), Duration> {
    let upstream: Arc<str> = "a".into();
    breakers.admit(&upstream, Some("m"), true)?;
    breakers.report(&upstream, Some("m"), outcome);
    Ok(())
}

fn failing(count: u32) -> Breakers {
    let breakers = Breakers::default();
    for _ in 0..count {
        attempt(&breakers, answered(500, None, false)).unwrap();
    }
    breakers
}

#[tokio::test(start_paused = true)]
async fn it_opens_when_half_of_many_attempts_have_failed_and_closes_when_one_succeeds() {
    let breakers = failing(9);
    attempt(&breakers, answered(200, None, false)).unwrap();
    attempt(&breakers, Outcome::Unreachable).unwrap();
    let wait = attempt(&breakers, answered(200, None, false)).unwrap_err();
    assert_eq!(wait, 5 * SECOND);
    assert_eq!(breakers.open()[0].state, State::Open);
    // Another model is another matter, and so is another upstream.
    assert_eq!(breakers.admit(&"a".into(), Some("n"), true), Ok(()));
    assert_eq!(breakers.admit(&"b".into(), Some("m"), true), Ok(()));
    advance(5 * SECOND).await;
    assert_eq!(breakers.open()[0].state, State::HalfOpen);
    attempt(&breakers, answered(200, None, false)).unwrap();
    assert_eq!(breakers.open(), []);
    attempt(&breakers, answered(500, None, false)).unwrap();
    attempt(&breakers, answered(200, None, false)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_few_among_many_or_long_ago_do_not_open_it() {
    let breakers = Breakers::default();
    for _ in 0..100 {
        attempt(&breakers, answered(200, None, false)).unwrap();
        attempt(&breakers, answered(200, None, false)).unwrap();
        attempt(&breakers, answered(503, None, false)).unwrap();
    }
    let breakers = failing(9);
    advance(31 * SECOND).await;
    for _ in 0..9 {
        attempt(&breakers, answered(529, None, false)).unwrap();
    }
    assert_eq!(breakers.open(), []);
}

#[tokio::test(start_paused = true)]
async fn one_attempt_decides_at_a_time_and_each_failure_doubles_the_rest() {
    let breakers = failing(10);
    let upstream: Arc<str> = "a".into();
    for rest in [5, 10, 20, 40, 60, 60] {
        assert_eq!(attempt(&breakers, Outcome::Unreachable), Err(rest * SECOND));
        advance(rest * SECOND).await;
        assert_eq!(breakers.admit(&upstream, Some("m"), true), Ok(()));
        breakers.admit(&upstream, Some("m"), true).unwrap_err();
        breakers.report(&upstream, Some("m"), Outcome::Unreachable);
    }
    // Whoever leaves decides nothing, and stands in nobody's way.
    advance(60 * SECOND).await;
    attempt(&breakers, Outcome::Abandoned { after: SECOND }).unwrap();
    attempt(&breakers, answered(200, None, false)).unwrap();
    assert_eq!(breakers.open(), []);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_wants_to_be_left_alone_is_at_once_as_long_as_is_bearable() {
    for (status, is_shared, asked, wait) in [
        (529, false, 7, Some(7)),
        (503, false, 3_600, Some(60)),
        (429, true, 20, Some(20)),
        (429, false, 20, None),
    ] {
        let breakers = Breakers::default();
        attempt(&breakers, answered(status, Some(asked), is_shared)).unwrap();
        let upstream: Arc<str> = "a".into();
        let refused = breakers.admit(&upstream, Some("m"), true).err();
        assert_eq!(refused, wait.map(Duration::from_secs), "{status}");
        // With no other to ask, it is asked, until it has failed often.
        for _ in 0..9 {
            assert_eq!(breakers.admit(&upstream, Some("m"), false), Ok(()));
            breakers.report(
                &upstream,
                Some("m"),
                answered(status, Some(asked), is_shared),
            );
        }
        let refused = breakers.admit(&upstream, Some("m"), false).err();
        assert_eq!(refused, wait.map(Duration::from_secs), "{status}");
        advance(60 * SECOND).await;
        assert_eq!(breakers.admit(&upstream, Some("m"), true), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_the_clients_own_never_opens_it() {
    let breakers = Breakers::default();
    for status in [400, 401, 403, 404, 408, 413, 422, 429] {
        for _ in 0..50 {
            attempt(&breakers, answered(status, None, false)).unwrap();
        }
    }
    assert_eq!(breakers.open(), []);
}

#[tokio::test(start_paused = true)]
async fn slow_heads_are_failures_where_that_was_said() {
    let settings = Settings {
        failures: 2,
        slow: Some(2 * SECOND),
        ..Settings::default()
    };
    let breakers = Breakers::new(settings);
    let slow = Outcome::Answered {
        status: 200,
        retry_after: None,
        is_shared: false,
        took: 3 * SECOND,
    };
    attempt(&breakers, slow).unwrap();
    attempt(&breakers, Outcome::Abandoned { after: 3 * SECOND }).unwrap();
    attempt(&breakers, slow).unwrap_err();
}

#[test]
fn names_of_models_do_not_take_memory_without_end() {
    let breakers = Breakers::default();
    let upstream: Arc<str> = "a".into();
    for number in 0..5_000 {
        let model = format!("m-{number}");
        // Those beyond the bound share one circuit, which is open soon.
        if breakers.admit(&upstream, Some(&model), true).is_ok() {
            breakers.report(&upstream, Some(&model), answered(529, Some(30), false));
        }
    }
    assert_eq!(breakers.open().len(), 1_001);
}

fn asked(dialect: Dialect, stream: bool) -> Request<Bytes> {
    Request::post(dialect.path())
        .body(request(dialect, stream))
        .unwrap()
}

#[tokio::test]
async fn replies_pass_byte_for_byte_and_refusals_speak_every_dialect() {
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let reply = recorded(dialect, stream);
            let good = match stream {
                true => Reply::events(&reply, 3),
                false => Reply::json(&reply, 3),
            };
            let error = Bytes::from_static(br#"{"error":{"type":"overloaded","message":"x"}}"#);
            let bad = Reply::json(&error, 1).with_status(StatusCode::BAD_GATEWAY);
            let provider = Provider::new([good, bad]);
            let settings = Settings {
                failures: 1,
                ..Settings::default()
            };
            let layer = BreakerLayer::new("a", Breakers::new(settings));
            let service = gate(layer).layer(provider.clone());
            let response = send(&service, asked(dialect, stream)).await;
            assert_eq!(response.body(), &Ok(reply));
            let response = send(&service, asked(dialect, stream)).await;
            assert_eq!(
                (response.status(), response.body()),
                (StatusCode::BAD_GATEWAY, &Ok(error))
            );
            let response = send(&service, asked(dialect, stream)).await;
            let status = if dialect == Dialect::Anthropic {
                529
            } else {
                503
            };
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["retry-after"], "5");
            let words = String::from_utf8(response.into_body().unwrap().to_vec()).unwrap();
            assert!(words.contains("is left alone"), "{words}");
            assert_eq!(provider.seen().len(), 2);
            assert_eq!(provider.seen()[0].body, Some(request(dialect, stream)));
        }
    }
}
