use std::{
    convert::Infallible,
    future::pending,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use governor::clock::FakeRelativeClock;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    facts::{Caller, ClientAddr, SessionId, UserId},
    gate::gate,
    request::LlmBody,
    testing::{Provider, Reply, ScriptedBody, Step, cut, recorded, request, send},
};
use tower::{Layer, Service, service_fn};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn ledger(rules: Vec<Rule>) -> (Arc<LocalLedger<FakeRelativeClock>>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (
        Arc::new(LocalLedger::with_clock(rules, clock.clone())),
        clock,
    )
}

fn claim(rule: usize, who: &str, amount: u32) -> Claim {
    Claim {
        rule,
        subject: Subject::new("key", who),
        amount,
    }
}

fn reserve(ledger: &LocalLedger<FakeRelativeClock>, claims: &[Claim]) -> Result<Grant, Denied> {
    match ledger.reserve(claims.to_vec()) {
        Decision::Now(decision) => decision,
        Decision::Later(_) => panic!("accounts in process answer at once"),
    }
}

fn used(input: u64, output: u64) -> Used {
    Used {
        input: Some(input),
        output: Some(output),
    }
}

#[test]
fn requests_come_back_one_by_one_and_each_key_has_its_own() {
    let (ledger, clock) = ledger(vec![Rule::requests(Per::Key, limit(3), MINUTE)]);
    for remaining in [2, 1, 0] {
        let grant = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
        let reset = Duration::from_secs(20) * (3 - remaining);
        assert_eq!(grant.standings, [Standing { remaining, reset }]);
        ledger.settle(grant, used(9, 9));
    }
    let denied = reserve(&ledger, &[claim(0, "a", 1)]).unwrap_err();
    assert_eq!(
        denied,
        Denied {
            rule: 0,
            retry_after: Some(Duration::from_secs(20))
        }
    );
    assert!(reserve(&ledger, &[claim(0, "b", 1)]).is_ok());
    clock.advance(Duration::from_secs(19));
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 1)])
            .unwrap_err()
            .retry_after,
        Some(Duration::from_secs(1))
    );
    clock.advance(Duration::from_secs(1));
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_err());
}

#[test]
fn a_request_that_one_rule_refuses_costs_nothing_under_the_others() {
    let rules = vec![
        Rule::requests(Per::Key, limit(2), MINUTE),
        Rule::concurrent(Per::Key, limit(5)),
        Rule::output_tokens(Per::Key, limit(100), MINUTE),
        Rule::requests(Per::Everyone, limit(1), MINUTE),
    ];
    let (ledger, clock) = ledger(rules);
    let claims = [
        claim(0, "a", 1),
        claim(1, "a", 1),
        claim(2, "a", 60),
        claim(3, "", 1),
    ];
    let open = reserve(&ledger, &claims).unwrap();
    for _ in 0..10 {
        assert_eq!(
            reserve(
                &ledger,
                &claims[..2]
                    .iter()
                    .chain(&claims[3..])
                    .copied()
                    .collect::<Vec<_>>()
            )
            .unwrap_err()
            .rule,
            3
        );
    }
    let left = reserve(&ledger, &claims[..2]).unwrap();
    assert_eq!(
        left.standings
            .iter()
            .map(|standing| standing.remaining)
            .collect::<Vec<_>>(),
        [0, 3]
    );
    ledger.settle(open, used(0, 0));
    clock.advance(MINUTE);
    assert!(reserve(&ledger, &claims).is_ok());
}

#[test]
fn tokens_used_beyond_the_account_are_a_debt() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(600), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 100)]).unwrap();
    assert_eq!(grant.standings[0].remaining, 500);
    // Ten tokens a second come back: 900 used of 600 is 30 seconds of debt, and 10 more until 100 are there.
    ledger.settle(grant, used(0, 900));
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 100)])
            .unwrap_err()
            .retry_after,
        Some(Duration::from_secs(40))
    );
    clock.advance(Duration::from_secs(39));
    assert!(reserve(&ledger, &[claim(0, "a", 100)]).is_err());
    clock.advance(Duration::from_secs(1));
    assert!(reserve(&ledger, &[claim(0, "a", 100)]).is_ok());
}

#[test]
fn a_debt_made_long_after_the_reservation_counts_from_when_it_was_made() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(600), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 100)]).unwrap();
    clock.advance(10 * MINUTE);
    ledger.settle(grant, used(0, 1300));
    let wait = reserve(&ledger, &[claim(0, "a", 1)])
        .unwrap_err()
        .retry_after
        .unwrap();
    assert!(wait > Duration::from_secs(59), "{wait:?}");
}

#[test]
fn what_was_reserved_and_not_used_is_given_back() {
    let (ledger, _) = ledger(vec![Rule::input_tokens(Per::Key, limit(600), MINUTE)]);
    for _ in 0..10 {
        let grant = reserve(&ledger, &[claim(0, "a", 500)]).unwrap();
        ledger.settle(grant, used(10, 0));
    }
    assert!(
        reserve(&ledger, &[claim(0, "a", 501)]).is_err(),
        "10 times 10 are used"
    );
    assert!(reserve(&ledger, &[claim(0, "a", 500)]).is_ok());
}

#[test]
fn an_estimate_beyond_the_limit_waits_for_all_of_it_but_not_for_ever() {
    let (ledger, clock) = ledger(vec![Rule::input_tokens(Per::Key, limit(60), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 50_000)]).unwrap();
    ledger.settle(grant, used(60, 0));
    assert!(reserve(&ledger, &[claim(0, "a", 50_000)]).is_err());
    clock.advance(MINUTE);
    assert!(reserve(&ledger, &[claim(0, "a", 50_000)]).is_ok());
}

#[test]
fn a_provider_that_reports_absurd_numbers_locks_nobody_out_for_years() {
    let (ledger, clock) = ledger(vec![Rule::output_tokens(Per::Key, limit(60), MINUTE)]);
    let grant = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    ledger.settle(grant, used(0, u64::MAX));
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_err());
    clock.advance(11 * MINUTE);
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
}

#[test]
fn a_million_idle_keys_are_forgotten() {
    let rules = vec![
        Rule::requests(Per::Session, limit(1), Duration::from_millis(10)),
        Rule::concurrent(Per::Session, limit(1)),
    ];
    let (ledger, clock) = ledger(rules);
    let mut most = 0;
    for n in 0..1_000_000 {
        let claims = [0, 1].map(|rule| Claim {
            rule,
            subject: Subject(n * 0x9E37_79B9_7F4A_7C15),
            amount: 1,
        });
        let grant = reserve(&ledger, &claims).unwrap();
        ledger.settle(grant, Used::default());
        clock.advance(Duration::from_micros(10));
        most = most.max(if n % 1000 == 0 { ledger.accounts() } else { 0 });
    }
    assert!(most < 10_000, "{most}");
}

#[test]
fn where_there_is_no_room_for_another_account_all_newcomers_share_one() {
    let clock = FakeRelativeClock::default();
    let rules = vec![
        Rule::requests(Per::Session, limit(10), MINUTE),
        Rule::concurrent(Per::Session, limit(10)),
    ];
    let ledger = LocalLedger::with_clock(rules, clock.clone()).with_most_accounts(1600);
    let mut grants = Vec::new();
    let mut refused = 0;
    for n in 0..20_000 {
        let claims = [0, 1].map(|rule| Claim {
            rule,
            subject: Subject(n * 0x9E37_79B9_7F4A_7C15 + 1),
            amount: 1,
        });
        match reserve(&ledger, &claims) {
            Ok(grant) => grants.push(grant),
            Err(_) => refused += 1,
        }
    }
    assert!(ledger.accounts() <= 2 * 1600 + 2, "{}", ledger.accounts());
    assert!(refused > 18_000, "{refused}");
    for grant in grants {
        ledger.settle(grant, Used::default());
    }
    clock.advance(2 * MINUTE);
    let claims = [0, 1].map(|rule| Claim {
        rule,
        subject: Subject(7),
        amount: 1,
    });
    assert!(
        reserve(&ledger, &claims).is_ok(),
        "what was open has been closed where it was opened"
    );
}

#[test]
fn exchanges_at_once_are_counted_until_they_are_settled() {
    let (ledger, _) = ledger(vec![Rule::concurrent(Per::Key, limit(2))]);
    let first = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    let _second = reserve(&ledger, &[claim(0, "a", 1)]).unwrap();
    assert_eq!(
        reserve(&ledger, &[claim(0, "a", 1)]).unwrap_err(),
        Denied {
            rule: 0,
            retry_after: None
        }
    );
    assert!(reserve(&ledger, &[claim(0, "b", 1)]).is_ok());
    ledger.settle(first, Used::default());
    assert!(reserve(&ledger, &[claim(0, "a", 1)]).is_ok());
}

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

/// Remembers what it was asked to settle.
#[derive(Clone)]
struct Books {
    rules: Vec<Rule>,
    asked: Arc<Mutex<Vec<Vec<Claim>>>>,
    settled: Arc<Mutex<Vec<Used>>>,
    later: bool,
}

impl Books {
    fn new(later: bool) -> Self {
        let rules = vec![
            Rule::input_tokens(Per::Key, limit(1000), MINUTE),
            Rule::output_tokens(Per::Key, limit(1000), MINUTE),
        ];
        Self {
            rules,
            asked: Arc::default(),
            settled: Arc::default(),
            later,
        }
    }

    fn settled(&self) -> Vec<Used> {
        self.settled.lock().unwrap().clone()
    }
}

impl Ledger for Books {
    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn reserve(&self, claims: Vec<Claim>) -> Decision {
        self.asked.lock().unwrap().push(claims.clone());
        let standings = vec![
            Standing {
                remaining: 1,
                reset: MINUTE
            };
            claims.len()
        ];
        let grant = Ok(Grant {
            claims,
            standings,
            book: 0,
        });
        if !self.later {
            return Decision::Now(grant);
        }
        Decision::Later(Box::pin(async {
            tokio::task::yield_now().await;
            grant
        }))
    }

    fn settle(&self, _: Grant, used: Used) {
        self.settled.lock().unwrap().push(used);
    }
}

fn post(dialect: Dialect, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(dialect.path()).body(body.into()).unwrap()
}

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
