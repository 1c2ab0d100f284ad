//! What a reply is settled by, however it ends.

use std::{convert::Infallible, future::pending, task::Poll};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use luthien_core::{
    request::LlmBody,
    testing::{cut, request},
};
use tower::service_fn;

use super::*;

#[tokio::test]
async fn tokens_are_settled_by_what_the_provider_reports_streamed_and_whole_in_all_dialects() {
    for (dialect, expected) in [
        (Dialect::Anthropic, used(2112, 88)),
        (Dialect::Chat, used(50, 20)),
        (Dialect::Responses, used(50, 20)),
    ] {
        for stream in [true, false] {
            for later in [true, false] {
                let reply = recorded(dialect, stream);
                let books = Books::new(later);
                let provider = Provider::new([if stream {
                    Reply::events(&reply, 3)
                } else {
                    Reply::json(&reply, 3)
                }]);
                let service = gate(RateLayer::new(books.clone())).layer(provider.clone());
                let sent = request(dialect, stream);
                let response = send(&service, post(dialect, sent.clone())).await;
                assert_eq!(response.body(), &Ok(reply));
                assert_eq!(provider.seen()[0].body, Some(sent.clone()));
                assert_eq!(books.settled(), [expected], "{dialect}, stream: {stream}");
                let asked = &books.asked.lock().unwrap()[0];
                let expected = [
                    sent.len() as u32 / 4,
                    if dialect == Dialect::Responses {
                        1000
                    } else {
                        100
                    },
                ];
                assert_eq!(
                    asked.iter().map(|claim| claim.amount).collect::<Vec<_>>(),
                    expected
                );
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_has_come() {
    // (how many bytes of the recorded stream had come, what is settled)
    let all = recorded(Dialect::Anthropic, true);
    let text = std::str::from_utf8(&all).unwrap();
    let after = |mark: &str| {
        text.find(mark).unwrap()
            + mark.len()
            + text[text.find(mark).unwrap() + mark.len()..]
                .find("\n\n")
                .unwrap()
            + 2
    };
    for (length, expected) in [
        (
            0,
            Used {
                input: None,
                output: Some(0),
            },
        ),
        (after("message_start"), used(2112, 1)),
        (after("look.\\n"), used(2112, 18)),
        (after("\"output_tokens\":88"), used(2112, 88)),
    ] {
        let mut steps: Vec<_> = cut(&all.slice(..length), 1)
            .into_iter()
            .map(Step::Data)
            .collect();
        steps.push(Step::Hang);
        let books = Books::new(false);
        let mut service =
            gate(RateLayer::new(books.clone())).layer(Provider::new([Reply::steps(steps)]));
        let asked = post(Dialect::Anthropic, "{}").map(|body| ScriptedBody::of([body]));
        let mut body = Service::call(&mut service, asked)
            .await
            .unwrap()
            .into_body();
        let mut got = 0;
        while got < length {
            got += body
                .frame()
                .await
                .unwrap()
                .unwrap()
                .into_data()
                .unwrap()
                .len();
        }
        assert_eq!(books.settled(), [], "not before it is over");
        drop(body);
        assert_eq!(books.settled(), [expected], "{length}");
    }
}

#[tokio::test]
async fn a_request_abandoned_before_the_head_is_settled_too() {
    let books = Books::new(false);
    let silent =
        service_fn(|_: Request<LlmBody>| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let mut service = gate(RateLayer::new(books.clone())).layer(silent);
    let asked = post(Dialect::Chat, "{}").map(|body| ScriptedBody::of([body]));
    let mut future = Box::pin(Service::call(&mut service, asked));
    let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    assert_eq!(books.settled(), []);
    drop(future);
    assert_eq!(
        books.settled(),
        [Used {
            input: None,
            output: Some(0)
        }],
        "the provider has the input"
    );
}

#[tokio::test]
async fn what_the_provider_refuses_costs_no_tokens() {
    let refusals = [
        Reply::json(&"{\"error\":{}}".into(), 1).with_status(StatusCode::TOO_MANY_REQUESTS),
        Reply::events(&"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n".into(), 1),
    ];
    for refusal in refusals {
        let books = Books::new(false);
        let service = gate(RateLayer::new(books.clone())).layer(Provider::new([refusal]));
        send(&service, post(Dialect::Anthropic, "{}")).await;
        assert_eq!(books.settled(), [used(0, 0)]);
    }
}
