//! The Anthropic SDKs.

use std::{io, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    model::{self, INPUT_TOKENS, OUTPUT_TOKENS, Say, answer},
    sdk::{KEY, Said, Sdk, UPSTREAM_KEY, data_of, for_each_sdk, keyed},
    support::{
        http1::Message,
        provider::{Provider, Wire},
        replies::{Dialect, cut, events, recorded},
        sidecar::Sidecar,
        within,
    },
};

for_each_sdk! {
    a_plain_reply_arrives
    a_streamed_reply_arrives
    thinking_comes_back_as_it_went_out_and_parallel_calls_find_their_results
    an_image_arrives
    betas_stay_as_they_were_named
    tokens_are_counted_and_models_listed
    errors_of_the_provider_are_the_exceptions_that_they_are_without_us
    the_provider_says_whether_to_ask_again_and_when
    a_request_with_too_many_messages_is_refused_as_too_large
    who_asks_too_often_is_told_when_to_come_again
    a_key_of_ours_stays_here_and_the_upstreams_goes_up
    a_wrong_key_is_an_authentication_error
    an_unknown_path_is_not_found
    a_provider_that_is_not_there_is_a_server_error
    a_stream_that_takes_too_long_ends_in_an_exception
    a_cut_stream_is_an_exception
    who_stops_reading_stops_the_provider
}

const HELLO: [Say; 1] = [Say::Text("Hello there")];

/// A provider that does what the model's name says, and tells when somebody has hung up on it.
async fn provider() -> (Provider, Arc<Notify>) {
    let gone = Arc::new(Notify::new());
    let told = gone.clone();
    let provider = Provider::start(move |request, wire| {
        let gone = told.clone();
        async move { reply(&request, wire, &gone).await }
    });
    (provider.await, gone)
}

async fn reply(request: &Message, mut wire: Wire, gone: &Notify) -> io::Result<Option<Wire>> {
    match request.target() {
        "/v1/models" => {
            let models = json!({ "data": [{ "type": "model", "id": "mock-large", "display_name": "L", "created_at": "2026-01-01T00:00:00Z" }], "has_more": false, "first_id": "mock-large", "last_id": "mock-large" });
            wire.json(200, models.to_string().as_bytes()).await?;
            return Ok(Some(wire));
        }
        "/v1/messages/count_tokens" => {
            wire.json(200, br#"{"input_tokens":42}"#).await?;
            return Ok(Some(wire));
        }
        _ => {}
    }
    let body = request.json();
    let again = request.header("x-stainless-retry-count") != Some("0");
    match body["model"].as_str().unwrap() {
        "recorded" if !body["messages"].to_string().contains("tool_result") => {
            let stream = body["stream"] == true;
            let reply = recorded(Dialect::Anthropic, stream);
            if stream {
                wire.streamed(cut(&reply, 7)).await?;
            } else {
                wire.json(200, &reply).await?;
            }
        }
        "cut" => {
            wire.stream().await?;
            let events = events(Dialect::Anthropic);
            wire.chunk(&events[..12].concat()).await?;
            return Ok(None);
        }
        "slow" => {
            wire.stream().await?;
            wire.chunk(&events(Dialect::Anthropic)[0]).await?;
            wire.closed().await;
            gone.notify_one();
            return Ok(None);
        }
        "asks-again" if !again => {
            let headers = "x-should-retry: true\r\nretry-after-ms: 1\r\n";
            wire.whole(400, headers, &error("invalid_request_error"))
                .await?;
        }
        "asks-not" => {
            let headers = "x-should-retry: false\r\n";
            wire.whole(529, headers, &error("overloaded_error")).await?;
        }
        name => match name.strip_prefix("status-") {
            Some(status) => {
                let status = status.parse().unwrap();
                let kind = ERRORS
                    .iter()
                    .find(|(found, ..)| *found == status)
                    .unwrap()
                    .1;
                let headers =
                    "content-type: application/json\r\nrequest-id: req_1\r\nretry-after: 7\r\n";
                wire.whole(status, headers, &error(kind)).await?;
            }
            None => answer(&mut wire, request, &HELLO).await?,
        },
    }
    Ok(Some(wire))
}

/// Statuses, their types, and the exceptions that stand for them.
const ERRORS: [(u16, &str, &str); 8] = [
    (400, "invalid_request_error", "BadRequestError"),
    (401, "authentication_error", "AuthenticationError"),
    (403, "permission_error", "PermissionDeniedError"),
    (404, "not_found_error", "NotFoundError"),
    (413, "request_too_large", "ContentTooLargeError"),
    (429, "rate_limit_error", "RateLimitError"),
    (500, "api_error", "InternalServerError"),
    (529, "overloaded_error", "OverloadedError"),
];

fn error(kind: &str) -> Vec<u8> {
    let error = json!({ "type": "error", "error": { "type": kind, "message": "of the provider" }, "request_id": "req_1" });
    error.to_string().into_bytes()
}

async fn tell(sdk: Sdk, sidecar: &Sidecar, calls: Value) -> Said {
    sdk.tell("anthropic", sidecar, KEY, &calls).await
}

fn asked(model: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 100,
        "messages": [{ "role": "user", "content": "Say hello: Grüße, 世界 🌍 \u{2028}" }],
    })
}

async fn a_plain_reply_arrives(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "create", "body": asked("plain") }]),
    )
    .await;
    let mut message = said.result()["message"].clone();
    // The TypeScript SDK adds who was asked.
    message.as_object_mut().unwrap().remove("_request_id");
    assert_eq!(message, model::whole(Dialect::Anthropic, "plain", &HELLO));
    said.arrived(&provider);
    let line = sidecar.exchange("complete").await;
    assert_eq!(line["input_tokens"], INPUT_TOKENS);
    assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
}

async fn a_streamed_reply_arrives(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let calls = json!([{ "do": "events", "body": asked("recorded") }, { "do": "stream", "body": asked("recorded") }]);
    let said = tell(sdk, &sidecar, calls).await;
    said.arrived(&provider);
    let results = said.results();
    assert_eq!(results[0]["ended"], true);
    let sent = data_of(&events(Dialect::Anthropic));
    assert_eq!(said.all("event"), sent.iter().collect::<Vec<_>>());
    let blocks = results[1]["message"]["content"].as_array().unwrap();
    let kinds: Vec<_> = blocks.iter().map(|block| &block["type"]).collect();
    assert_eq!(
        kinds,
        [
            "thinking",
            "redacted_thinking",
            "text",
            "tool_use",
            "tool_use"
        ]
    );
    assert_eq!(
        blocks[0]["thinking"],
        "Two files: Grüße, 世界 🌍 \u{2028} \"both\"."
    );
    assert_eq!(blocks[0]["signature"], "EqMBCkYIBhgCKkBx+/==");
    assert_eq!(blocks[4]["input"], json!({ "command": "ls" }));
    let line = sidecar.exchange("complete").await;
    assert_eq!(
        (&line["input_tokens"], &line["output_tokens"]),
        (&json!(2112), &json!(88))
    );
}

async fn thinking_comes_back_as_it_went_out_and_parallel_calls_find_their_results(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let mut body = asked("recorded");
    body["thinking"] = json!({ "type": "adaptive" });
    body["tools"] = json!([
        { "name": "Read", "input_schema": { "type": "object" } },
        { "name": "Bash", "input_schema": { "type": "object" } },
    ]);
    let results = json!({ "Read": "what stands in it", "Bash": "a.txt" });
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "loop", "body": body, "results": results }]),
    )
    .await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&provider);
    let second = provider.seen()[1].json();
    let echoed = second["messages"][1]["content"].as_array().unwrap();
    assert_eq!(echoed[0]["signature"], "EqMBCkYIBhgCKkBx+/==");
    assert_eq!(echoed[1]["data"], "c2VhbGVk");
    let answers = json!([
        { "type": "tool_result", "tool_use_id": "toolu_01A", "content": "what stands in it" },
        { "type": "tool_result", "tool_use_id": "toolu_01B", "content": "a.txt" },
    ]);
    assert_eq!(second["messages"][2]["content"], answers);
}

async fn an_image_arrives(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let mut body = asked("plain");
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=".repeat(100_000) });
    body["messages"][0]["content"] =
        json!([{ "type": "image", "source": source }, { "type": "text", "text": "What is it?" }]);
    let said = tell(sdk, &sidecar, json!([{ "do": "create", "body": body }])).await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&provider);
}

async fn betas_stay_as_they_were_named(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let mut body = asked("plain");
    body["betas"] = json!(["one-2026-01-01", "two-2026-02-02"]);
    let said = tell(sdk, &sidecar, json!([{ "do": "beta", "body": body }])).await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&provider);
    let beta = provider.only().all("anthropic-beta").join(",");
    assert_eq!(beta, "one-2026-01-01,two-2026-02-02");
}

async fn tokens_are_counted_and_models_listed(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let mut body = asked("plain");
    body.as_object_mut().unwrap().remove("max_tokens");
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "count_tokens", "body": body }, { "do": "models" }]),
    )
    .await;
    assert_eq!(said.results()[0]["count"]["input_tokens"], 42);
    assert_eq!(said.results()[1]["models"], json!(["mock-large"]));
    said.arrived(&provider);
    let line = sidecar.exchange("complete").await;
    assert_eq!(line["purpose"], "token_count");
}

async fn errors_of_the_provider_are_the_exceptions_that_they_are_without_us(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let call = |(status, ..): &(u16, &str, &str)| json!({ "do": "create", "body": asked(&format!("status-{status}")) });
    let calls: Value = ERRORS.iter().map(call).collect();
    let said = tell(sdk, &sidecar, calls).await;
    let got: Vec<_> = said
        .raised()
        .iter()
        .map(|raised| {
            assert_eq!(raised.field("request_id"), Some("req_1"));
            assert_eq!(raised.header("retry-after"), Some("7"));
            assert!(raised.message().contains("of the provider"));
            (
                raised.status().unwrap(),
                raised.field("type").unwrap().to_owned(),
                raised.class().to_owned(),
            )
        })
        .collect();
    let expected =
        ERRORS.map(|(status, kind, class)| (u64::from(status), kind.to_owned(), class.to_owned()));
    assert_eq!(got, expected);
    said.arrived(&provider);
}

async fn the_provider_says_whether_to_ask_again_and_when(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([
            { "do": "create", "body": asked("asks-again"), "retries": 2 },
            { "do": "create", "body": asked("asks-not"), "retries": 2 },
        ]),
    )
    .await;
    // A 400 twice over, since the provider wants it so; a 529 only once.
    assert_eq!(said.all("result").len(), 1);
    assert_eq!(said.all("raised")[0]["status"], 529);
    said.arrived(&provider);
    let models: Vec<_> = provider
        .seen()
        .iter()
        .map(|seen| seen.json()["model"].clone())
        .collect();
    assert_eq!(models, ["asks-again", "asks-again", "asks-not"]);
}

async fn a_request_with_too_many_messages_is_refused_as_too_large(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "limits: { messages: 2 }").await;
    let mut body = asked("plain");
    let message = body["messages"][0].clone();
    body["messages"] = json!([message, { "role": "assistant", "content": "Hi" }, message]);
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "create", "body": body, "retries": 2 }]),
    )
    .await;
    let raised = said.only_raised();
    assert_eq!(raised.status(), Some(413));
    assert_eq!(raised.class(), "ContentTooLargeError");
    assert_eq!(provider.seen().len(), 0);
    assert_eq!(said.all("sent").len(), 1, "asking again does not help");
}

async fn who_asks_too_often_is_told_when_to_come_again(sdk: Sdk) {
    let (provider, _) = provider().await;
    let settings = "rate: [{ per: key, requests: 1, every: 1h }]";
    let sidecar = Sidecar::before(&provider, settings).await;
    let call = json!({ "do": "stream", "body": asked("plain") });
    let said = tell(sdk, &sidecar, json!([call, call])).await;
    assert_eq!(said.all("result").len(), 1);
    let raised = said.all("raised");
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0]["class"], "RateLimitError");
    assert_eq!(raised[0]["type"], "rate_limit_error");
    let wait: u64 = raised[0]["headers"]["retry-after"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    provider.only();
    sidecar.exchange("refused").await;
}

async fn a_key_of_ours_stays_here_and_the_upstreams_goes_up(sdk: Sdk) {
    let (provider, _) = provider().await;
    let (sidecar, key) = keyed(&provider).await;
    let said = sdk
        .tell(
            "anthropic",
            &sidecar,
            &key,
            &json!([{ "do": "create", "body": asked("plain") }]),
        )
        .await;
    assert_eq!(said.all("raised"), Vec::<&Value>::new());
    said.arrived_with(&provider, UPSTREAM_KEY);
    for request in provider.seen() {
        assert!(!String::from_utf8_lossy(&request.head).contains(&key));
    }
    sidecar.exchange("complete").await;
}

async fn a_wrong_key_is_an_authentication_error(sdk: Sdk) {
    let (provider, _) = provider().await;
    let (sidecar, _) = keyed(&provider).await;
    let call = json!([{ "do": "create", "body": asked("plain"), "retries": 2 }]);
    let said = sdk.tell("anthropic", &sidecar, KEY, &call).await;
    let raised = said.only_raised();
    assert_eq!(
        (raised.class(), raised.status()),
        ("AuthenticationError", Some(401))
    );
    assert_eq!(raised.field("type"), Some("authentication_error"));
    assert!(!raised.message().contains(KEY));
    assert_eq!(provider.seen().len(), 0);
}

async fn an_unknown_path_is_not_found(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "get", "path": "/v1/nothing", "retries": 2 }]),
    )
    .await;
    let raised = said.only_raised();
    assert_eq!(
        (raised.class(), raised.status()),
        ("NotFoundError", Some(404))
    );
    assert_eq!(provider.seen().len(), 0);
}

async fn a_provider_that_is_not_there_is_a_server_error(sdk: Sdk) {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let sidecar = Sidecar::start(&format!(
        "upstreams: {{ mock: {{ url: 'http://{free}' }} }}"
    ))
    .await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "create", "body": asked("plain") }]),
    )
    .await;
    let raised = said.only_raised();
    assert_eq!(
        (raised.class(), raised.status()),
        ("InternalServerError", Some(502))
    );
    assert_eq!(raised.field("type"), Some("api_error"));
}

async fn a_stream_that_takes_too_long_ends_in_an_exception(sdk: Sdk) {
    let (provider, gone) = provider().await;
    let sidecar = Sidecar::before(&provider, "deadlines: { idle: 300ms }").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "events", "body": asked("slow") }]),
    )
    .await;
    assert_eq!(said.all("event").len(), 1);
    let raised = said.only_raised();
    assert_eq!(raised.class(), sdk.either("APIStatusError", "APIError"));
    assert_eq!(raised.field("type"), Some("timeout_error"));
    within("the provider is let go", gone.notified()).await;
    let line = sidecar.exchange("failed").await;
    assert_eq!(line["refusal"], "upstream_timeout");
}

async fn a_cut_stream_is_an_exception(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "events", "body": asked("cut") }]),
    )
    .await;
    assert_eq!(said.all("event").len(), 11);
    assert_eq!(
        said.only_raised().class(),
        sdk.either("RemoteProtocolError", "TypeError")
    );
    sidecar.exchange("failed").await;
}

async fn who_stops_reading_stops_the_provider(sdk: Sdk) {
    let (provider, gone) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "abort", "body": asked("slow") }]),
    )
    .await;
    assert_eq!(said.result()["first"], "message_start");
    within("the provider is let go", gone.notified()).await;
    sidecar.exchange("client_gone").await;
}
