//! What rules are called, and whom and what they count.

use std::net::IpAddr;

use http::Response;
use luthien_core::facts::{Caller, ClientAddr, SessionId, UserId};

use super::*;

#[test]
fn rules_have_names_that_people_and_programs_read() {
    for (rule, name, text) in [
        (
            Rule::requests(Per::Key, limit(600), MINUTE),
            "requests-per-key-1m",
            "600 requests per key in 1m",
        ),
        (
            Rule::output_tokens(Per::User, limit(200_000), 60 * MINUTE),
            "output_tokens-per-user-1h",
            "200000 output tokens per user in 1h",
        ),
        (
            Rule::input_tokens(Per::Model, limit(9), Duration::from_secs(90)),
            "input_tokens-per-model-90s",
            "9 input tokens per model in 90s",
        ),
        (
            Rule::concurrent(Per::Session, limit(4)),
            "concurrent-per-session",
            "4 concurrent exchanges per session",
        ),
    ] {
        assert_eq!((&**rule.name(), &*rule.to_string()), (name, text));
    }
}

#[tokio::test]
async fn subjects_are_what_the_facts_say_or_the_next_best_thing() {
    let books = Books {
        rules: [
            Per::Key,
            Per::User,
            Per::Session,
            Per::Model,
            Per::Address,
            Per::Everyone,
        ]
        .map(|per| Rule::requests(per, limit(1), MINUTE))
        .into(),
        ..Books::new(false)
    };
    let service = RateLayer::new(books.clone()).layer(Provider::default());
    let ask = async |change: &dyn Fn(&mut http::Extensions)| {
        let gated = gate(tower::layer::layer_fn(|decode| {
            RateLayer::new(books.clone()).layer(decode)
        }));
        let mut asked = post(Dialect::Chat, r#"{"model":"m"}"#);
        change(asked.extensions_mut());
        let _: Response<_> = send(&gated.layer(Provider::default()), asked).await;
        books
            .asked
            .lock()
            .unwrap()
            .pop()
            .unwrap()
            .iter()
            .map(|claim| claim.subject)
            .collect::<Vec<_>>()
    };
    drop(service);
    let address = IpAddr::from([192, 0, 2, 7]);
    let nobody = ask(&|_| {}).await;
    let anonymous = Subject::new("nobody", "");
    assert_eq!(
        nobody,
        [
            anonymous,
            anonymous,
            anonymous,
            Subject::new("model", "m"),
            anonymous,
            Subject::new("everyone", "")
        ]
    );
    let from = ask(&|facts| {
        facts.insert(ClientAddr(address));
    })
    .await;
    assert_eq!(from[..3], [Subject::new("address", "192.0.2.7"); 3]);
    let all = ask(&|facts| {
        facts.insert(ClientAddr(address));
        facts.insert(Caller::Key {
            id: "k".into(),
            name: "n".into(),
        });
        facts.insert(UserId {
            id: "u".into(),
            trusted: false,
        });
        facts.insert(SessionId("s".into()));
    })
    .await;
    assert_eq!(
        all[..3],
        [
            Subject::new("key", "k"),
            Subject::new("user", "u"),
            Subject::new("session", "s")
        ]
    );
}

#[tokio::test]
async fn what_is_no_call_counts_as_a_request_and_has_no_tokens() {
    let rules = vec![
        Rule::requests(Per::Everyone, limit(5), MINUTE),
        Rule::input_tokens(Per::Everyone, limit(5), MINUTE),
    ];
    let books = Books {
        rules,
        ..Books::new(false)
    };
    let service = gate(RateLayer::new(books.clone())).layer(Provider::default());
    let response = send(
        &service,
        Request::get("/v1/models").body(Bytes::new()).unwrap(),
    )
    .await;
    assert!(
        !response.headers().contains_key("ratelimit"),
        "a relayed reply is left as it is"
    );
    assert_eq!(
        books.asked.lock().unwrap()[0]
            .iter()
            .map(|claim| claim.rule)
            .collect::<Vec<_>>(),
        [0]
    );
}
