//! The Anthropic SDKs.

use serde_json::{Value, json};

use crate::{
    model::{self, HELLO, INPUT_TOKENS, OUTPUT_TOKENS},
    sdk::{self, KEY, Sdk, Vendor, data_of, for_each_sdk},
    support::{
        http1::Message,
        replies::{Dialect, events},
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

struct Anthropic;

type Scene = sdk::Scene<Anthropic>;

impl Vendor for Anthropic {
    const NAME: &'static str = "anthropic";
    const REQUEST_ID: &'static str = "request-id";
    const ASKS_NOT: u16 = 529;
    const CUT: usize = 12;

    fn error(status: u16) -> Vec<u8> {
        let (_, kind, _) = ERRORS.into_iter().find(|known| known.0 == status).unwrap();
        let error = json!({ "type": "error", "error": { "type": kind, "message": "of the provider" }, "request_id": "req_1" });
        error.to_string().into_bytes()
    }

    fn beside(request: &Message) -> Option<Value> {
        match request.target() {
            "/v1/models" => Some(
                json!({ "data": [{ "type": "model", "id": "mock-large", "display_name": "L", "created_at": "2026-01-01T00:00:00Z" }], "has_more": false, "first_id": "mock-large", "last_id": "mock-large" }),
            ),
            "/v1/messages/count_tokens" => Some(json!({ "input_tokens": 42 })),
            _ => None,
        }
    }
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

fn asked(model: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 100,
        "messages": [{ "role": "user", "content": "Say hello: Grüße, 世界 🌍 \u{2028}" }],
    })
}

async fn a_plain_reply_arrives(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene
        .tell(json!([{ "do": "create", "body": asked("plain") }]))
        .await;
    let mut message = said.result()["message"].clone();
    // The TypeScript SDK adds who was asked.
    message.as_object_mut().unwrap().remove("_request_id");
    assert_eq!(message, model::whole(Dialect::Anthropic, "plain", &HELLO));
    said.arrived(&scene.provider);
    let line = scene.sidecar.exchange("complete").await;
    assert_eq!(line["input_tokens"], INPUT_TOKENS);
    assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
}

async fn a_streamed_reply_arrives(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let calls = json!([{ "do": "events", "body": asked("recorded") }, { "do": "stream", "body": asked("recorded") }]);
    let said = scene.tell(calls).await;
    said.arrived(&scene.provider);
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
    let line = scene.sidecar.exchange("complete").await;
    assert_eq!(
        (&line["input_tokens"], &line["output_tokens"]),
        (&json!(2112), &json!(88))
    );
}

async fn thinking_comes_back_as_it_went_out_and_parallel_calls_find_their_results(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let mut body = asked("recorded");
    body["thinking"] = json!({ "type": "adaptive" });
    body["tools"] = json!([
        { "name": "Read", "input_schema": { "type": "object" } },
        { "name": "Bash", "input_schema": { "type": "object" } },
    ]);
    let results = json!({ "Read": "what stands in it", "Bash": "a.txt" });
    let said = scene
        .tell(json!([{ "do": "loop", "body": body, "results": results }]))
        .await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&scene.provider);
    let second = scene.provider.seen()[1].json();
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
    let scene = Scene::new(sdk, "").await;
    let mut body = asked("plain");
    let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=".repeat(100_000) });
    body["messages"][0]["content"] =
        json!([{ "type": "image", "source": source }, { "type": "text", "text": "What is it?" }]);
    let said = scene.tell(json!([{ "do": "create", "body": body }])).await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&scene.provider);
}

async fn betas_stay_as_they_were_named(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let mut body = asked("plain");
    body["betas"] = json!(["one-2026-01-01", "two-2026-02-02"]);
    let said = scene.tell(json!([{ "do": "beta", "body": body }])).await;
    assert_eq!(
        said.result()["message"]["content"][0]["text"],
        "Hello there"
    );
    said.arrived(&scene.provider);
    let beta = scene.provider.only().all("anthropic-beta").join(",");
    assert_eq!(beta, "one-2026-01-01,two-2026-02-02");
}

async fn tokens_are_counted_and_models_listed(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let mut body = asked("plain");
    body.as_object_mut().unwrap().remove("max_tokens");
    let said = scene
        .tell(json!([{ "do": "count_tokens", "body": body }, { "do": "models" }]))
        .await;
    assert_eq!(said.results()[0]["count"]["input_tokens"], 42);
    assert_eq!(said.results()[1]["models"], json!(["mock-large"]));
    said.arrived(&scene.provider);
    let line = scene.sidecar.exchange("complete").await;
    assert_eq!(line["purpose"], "token_count");
}

async fn errors_of_the_provider_are_the_exceptions_that_they_are_without_us(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let call = |(status, ..): &(u16, &str, &str)| json!({ "do": "create", "body": asked(&format!("status-{status}")) });
    let calls: Value = ERRORS.iter().map(call).collect();
    let said = scene.tell(calls).await;
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
    said.arrived(&scene.provider);
}

async fn the_provider_says_whether_to_ask_again_and_when(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let call = |model: &str| json!({ "do": "create", "body": asked(model) });
    scene.asks_again_as_it_is_told(call).await;
}

async fn a_request_with_too_many_messages_is_refused_as_too_large(sdk: Sdk) {
    let scene = Scene::new(sdk, "limits: { messages: 2 }").await;
    let mut body = asked("plain");
    let message = body["messages"][0].clone();
    body["messages"] = json!([message, { "role": "assistant", "content": "Hi" }, message]);
    let said = scene
        .tell(json!([{ "do": "create", "body": body, "retries": 2 }]))
        .await;
    said.only_raised().is("ContentTooLargeError", 413);
    scene.nothing_arrived();
    assert_eq!(said.all("sent").len(), 1, "asking again does not help");
}

async fn who_asks_too_often_is_told_when_to_come_again(sdk: Sdk) {
    let settings = "rate: [{ per: key, requests: 1, every: 1h }]";
    let scene = Scene::new(sdk, settings).await;
    let call = json!({ "do": "stream", "body": asked("plain") });
    let said = scene.tell(json!([call, call])).await;
    assert_eq!(said.all("result").len(), 1);
    let [raised] = said.caught()[..] else {
        panic!("{said:#?}")
    };
    assert_eq!(raised.class(), "RateLimitError");
    assert_eq!(raised.field("type"), Some("rate_limit_error"));
    let wait = raised.retry_after();
    assert!((3500..=3600).contains(&wait), "{wait}");
    scene.provider.only();
    scene.sidecar.exchange("refused").await;
}

async fn a_key_of_ours_stays_here_and_the_upstreams_goes_up(sdk: Sdk) {
    let calls = json!([{ "do": "create", "body": asked("plain") }]);
    Scene::keeps_a_key_of_ours(sdk, calls).await;
}

async fn a_wrong_key_is_an_authentication_error(sdk: Sdk) {
    let (scene, _) = Scene::keyed(sdk).await;
    let call = json!([{ "do": "create", "body": asked("plain"), "retries": 2 }]);
    let said = scene.tell(call).await;
    let raised = said.only_raised();
    raised.is("AuthenticationError", 401);
    assert_eq!(raised.field("type"), Some("authentication_error"));
    assert!(!raised.message().contains(KEY));
    scene.nothing_arrived();
}

async fn an_unknown_path_is_not_found(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene
        .tell(json!([{ "do": "get", "path": "/v1/nothing", "retries": 2 }]))
        .await;
    said.only_raised().is("NotFoundError", 404);
    scene.nothing_arrived();
}

async fn a_provider_that_is_not_there_is_a_server_error(sdk: Sdk) {
    let calls = json!([{ "do": "create", "body": asked("plain") }]);
    let said = Scene::without_provider(sdk, calls).await;
    let raised = said.only_raised();
    raised.is("InternalServerError", 502);
    assert_eq!(raised.field("type"), Some("api_error"));
}

async fn a_stream_that_takes_too_long_ends_in_an_exception(sdk: Sdk) {
    let scene = Scene::new(sdk, "deadlines: { idle: 300ms }").await;
    let said = scene
        .tell(json!([{ "do": "events", "body": asked("slow") }]))
        .await;
    assert_eq!(said.all("event").len(), 1);
    let raised = said.only_raised();
    assert_eq!(raised.class(), sdk.either("APIStatusError", "APIError"));
    assert_eq!(raised.field("type"), Some("timeout_error"));
    let line = scene.let_go("failed").await;
    assert_eq!(line["refusal"], "upstream_timeout");
}

async fn a_cut_stream_is_an_exception(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene
        .tell(json!([{ "do": "events", "body": asked("cut") }]))
        .await;
    assert_eq!(said.all("event").len(), 11);
    assert_eq!(
        said.only_raised().class(),
        sdk.either("RemoteProtocolError", "TypeError")
    );
    scene.sidecar.exchange("failed").await;
}

async fn who_stops_reading_stops_the_provider(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene
        .tell(json!([{ "do": "abort", "body": asked("slow") }]))
        .await;
    assert_eq!(said.result()["first"], "message_start");
    scene.let_go("client_gone").await;
}
