use luthien_core::{
    json::{Edits, quote},
    request::LlmRequest,
};

use super::*;

struct OnRequests<F>(F);

impl<F> Policy for OnRequests<F>
where
    F: Fn(&LlmRequest) -> Result<RequestVerdict, PolicyError> + Send + Sync + 'static,
{
    fn watches(&self) -> Watches {
        Watches::REQUEST
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        _: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        (self.0)(request)
    }
}

fn denial() -> Denial {
    Denial::new("test", "not here")
        .with_remedy("ask elsewhere")
        .with_detail("operator's eyes only")
}

#[tokio::test]
async fn a_request_is_answered_in_the_place_of_the_model() {
    for (dialect, stream, _) in everywhere() {
        let policy = OnRequests(|_: &LlmRequest| Ok(RequestVerdict::Answer(denial())));
        let house = House::new(vec![Entry::new("p", policy)]);
        let provider = Provider::default();
        let response = house
            .send(dialect, request(dialect, stream), provider.clone())
            .await;
        assert_eq!(response.status(), 200);
        let kind = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        let view = check(dialect, stream, &response.into_body().unwrap()).unwrap();
        assert!(text(&view).contains("not here") && text(&view).contains("ask elsewhere"));
        assert!(!text(&view).contains("operator"));
        assert!(provider.seen().is_empty(), "the provider is not asked");
    }
}

#[tokio::test]
async fn a_refused_request_gets_an_error_that_no_client_tries_again() {
    for (dialect, stream, _) in everywhere() {
        let policy = OnRequests(|_: &LlmRequest| Ok(RequestVerdict::Refuse(denial())));
        let house = House::new(vec![Entry::new("p", policy)]);
        let provider = Provider::default();
        let response = house
            .send(dialect, request(dialect, stream), provider.clone())
            .await;
        let status = if dialect == Dialect::Anthropic {
            451
        } else {
            400
        };
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-should-retry"], "false");
        let body = response.into_body().unwrap();
        assert!(String::from_utf8_lossy(&body).contains("not here"));
        assert!(provider.seen().is_empty());
    }
}

#[tokio::test]
async fn an_edit_changes_its_span_and_the_next_policy_sees_it() {
    for (dialect, stream, reply) in everywhere() {
        let edit = OnRequests(|request: &LlmRequest| {
            let mut edits = Edits::default();
            edits.set_member(request.root(), "model", quote("other"));
            Ok(RequestVerdict::Edit(edits))
        });
        let look = OnRequests(|request: &LlmRequest| {
            assert_eq!(request.model(), Some("other"));
            Ok(RequestVerdict::Allow)
        });
        let house = House::new(vec![Entry::new("a", edit), Entry::new("b", look)]);
        let script = if stream {
            Reply::events(&reply, 0)
        } else {
            Reply::json(&reply, 0)
        };
        let provider = Provider::new([script]);
        let asked = request(dialect, stream);
        let response = house.send(dialect, asked.clone(), provider.clone()).await;
        assert_eq!(response.into_body().unwrap(), reply);
        let sent = provider.seen()[0].body.clone().unwrap();
        let sent = String::from_utf8(sent.to_vec()).unwrap();
        let model = LlmRequest::parse(
            dialect,
            asked.clone(),
            &luthien_core::json::Limits::default(),
        )
        .unwrap()
        .model()
        .unwrap()
        .to_owned();
        let asked = String::from_utf8(asked.to_vec()).unwrap();
        assert_eq!(
            sent,
            asked.replacen(&format!("\"{model}\""), "\"other\"", 1)
        );
        assert_eq!(house.noted.outcomes(), [Outcome::Modify, Outcome::Allow]);
    }
}

#[tokio::test]
async fn a_request_policy_that_fails_is_closed_or_open_as_declared() {
    let failing = || OnRequests(|_: &LlmRequest| Err(PolicyError::new("secret reason")));
    let reply = recorded(Dialect::Anthropic, true);
    let closed = House::new(vec![Entry::new("p", failing())]);
    let response = closed
        .ask(Dialect::Anthropic, true, Reply::events(&reply, 0))
        .await;
    assert_eq!(response.status(), 451);
    let body = response.into_body().unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("secret reason"));
    let open = House::new(vec![Entry::new("p", failing()).with_fail(Fail::Open)]);
    let response = open
        .ask(Dialect::Anthropic, true, Reply::events(&reply, 0))
        .await;
    assert_eq!(response.into_body().unwrap(), reply);
    assert_eq!(open.noted.outcomes(), [Outcome::Failed(Failure::Error)]);
}

#[tokio::test]
async fn what_is_no_call_meets_no_policy() {
    let policy = OnRequests(|_: &LlmRequest| Ok(RequestVerdict::Refuse(denial())));
    let layer = House::new(vec![Entry::new("p", policy)]).layer;
    let provider = Provider::default();
    let asked = Request::get("/v1/models").body(Bytes::new()).unwrap();
    let response = send(&gate(layer).layer(provider.clone()), asked).await;
    assert_eq!(response.status(), 200);
    assert_eq!(provider.seen().len(), 1);
}
