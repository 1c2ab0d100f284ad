//! The OpenAI SDKs, with Chat Completions and with Responses.

use serde_json::{Value, json};

use crate::{
    model::{self, HELLO, INPUT_TOKENS, OUTPUT_TOKENS},
    sdk::{self, KEY, Sdk, Vendor, data_of, floats, for_each_sdk},
    support::{
        http1::Message,
        replies::{Dialect, events},
        sidecar::Sidecar,
    },
};

for_each_sdk! {
    plain_replies_arrive
    every_event_of_a_stream_arrives_as_it_went_out
    the_helpers_put_streams_together
    reasoning_comes_back_as_it_went_out_and_parallel_calls_find_their_results
    images_arrive
    embeddings_and_models_pass_unread
    errors_of_the_provider_are_the_exceptions_that_they_are_without_us
    the_provider_says_whether_to_ask_again_and_when
    requests_with_too_many_messages_are_refused_as_too_large
    who_asks_too_often_is_told_when_to_come_again
    a_key_of_ours_stays_here_and_the_upstreams_goes_up
    a_wrong_key_is_an_authentication_error
    an_unknown_path_is_not_found
    a_provider_that_is_not_there_is_a_server_error
    a_stream_that_takes_too_long_ends_in_an_error
    a_cut_stream_is_an_exception
    who_stops_reading_stops_the_provider
}

const APIS: [(&str, Dialect); 2] = [("chat", Dialect::Chat), ("responses", Dialect::Responses)];

struct OpenAi;

type Scene = sdk::Scene<OpenAi>;

impl Vendor for OpenAi {
    const NAME: &'static str = "openai";
    const REQUEST_ID: &'static str = "x-request-id";
    const ASKS_NOT: u16 = 500;
    const CUT: usize = 6;

    fn error(status: u16) -> Vec<u8> {
        let error = json!({ "message": "of the provider", "type": "some_error", "param": null, "code": format!("status-{status}") });
        json!({ "error": error }).to_string().into_bytes()
    }

    fn beside(request: &Message) -> Option<Value> {
        match request.target() {
            "/v1/models" => {
                let model = json!({ "id": "mock-large", "object": "model", "created": 1, "owned_by": "us" });
                Some(json!({ "object": "list", "data": [model] }))
            }
            "/v1/embeddings" => {
                // 1 and -2 as they lie in memory, which is how the SDKs ask for them.
                assert_eq!(request.json()["encoding_format"], "base64");
                let vector =
                    json!({ "object": "embedding", "index": 0, "embedding": "AACAPwAAAMA=" });
                Some(
                    json!({ "object": "list", "data": [vector], "model": "mock-small", "usage": { "prompt_tokens": 2, "total_tokens": 2 } }),
                )
            }
            _ => None,
        }
    }
}

/// Statuses, and the exceptions that stand for them.
const ERRORS: [(u16, &str); 9] = [
    (400, "BadRequestError"),
    (401, "AuthenticationError"),
    (403, "PermissionDeniedError"),
    (404, "NotFoundError"),
    (422, "UnprocessableEntityError"),
    (429, "RateLimitError"),
    (500, "InternalServerError"),
    (503, "InternalServerError"),
    (529, "InternalServerError"),
];

fn asked(dialect: Dialect, model: &str) -> Value {
    let turn = json!([{ "role": "user", "content": "Say hello: Grüße, 世界 🌍 \u{2028}" }]);
    match dialect {
        Dialect::Chat => {
            json!({ "model": model, "messages": turn, "prompt_cache_key": "session-1" })
        }
        _ => json!({ "model": model, "input": turn, "prompt_cache_key": "session-1" }),
    }
}

/// The same call of both.
fn both(call: &str, model: &str) -> Value {
    APIS.map(|(of, dialect)| json!({ "do": call, "of": of, "body": asked(dialect, model) }))
        .into_iter()
        .collect()
}

async fn complete(sidecar: &Sidecar, dialect: Dialect) -> Value {
    let is = |line: &Value| line["dialect"] == dialect.name() && line["end"] == "complete";
    sidecar.logged("an exchange that is complete", is).await
}

async fn plain_replies_arrive(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene.tell(both("create", "plain")).await;
    for ((_, dialect), result) in APIS.into_iter().zip(said.results()) {
        let mut reply = result["reply"].clone();
        // What the TypeScript SDK adds.
        for name in ["_request_id", "output_text"] {
            reply.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(
            floats(&reply),
            floats(&model::whole(dialect, "plain", &HELLO))
        );
        let line = complete(&scene.sidecar, dialect).await;
        assert_eq!(line["session"], "session-1");
        assert_eq!(line["input_tokens"], INPUT_TOKENS);
        assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
    }
    said.arrived(&scene.provider);
}

async fn every_event_of_a_stream_arrives_as_it_went_out(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene.tell(both("events", "recorded")).await;
    said.arrived(&scene.provider);
    assert_eq!(
        said.results(),
        [&json!({ "ended": true }), &json!({ "ended": true })]
    );
    let sent = APIS.map(|(_, dialect)| data_of(&events(dialect))).concat();
    let sent: Vec<_> = sent.iter().map(floats).collect();
    let got: Vec<_> = said.all("event").into_iter().map(floats).collect();
    assert_eq!(got, sent);
    for (_, dialect) in APIS {
        let line = complete(&scene.sidecar, dialect).await;
        assert_eq!(
            (&line["input_tokens"], &line["output_tokens"]),
            (&json!(50), &json!(20))
        );
    }
}

async fn the_helpers_put_streams_together(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene.tell(both("stream", "tools")).await;
    said.arrived(&scene.provider);
    let [chat, responses] = said.results()[..] else {
        panic!("{said:#?}")
    };
    let message = &chat["reply"]["choices"][0]["message"];
    assert_eq!(message["content"], "Let me look.");
    assert_eq!(
        message["tool_calls"][0]["function"]["arguments"],
        r#"{"path":"a.txt"}"#
    );
    assert_eq!(
        message["tool_calls"][1]["function"]["arguments"],
        r#"{"cmd":"ls"}"#
    );
    let output = &responses["reply"]["output"];
    assert_eq!(output[0]["encrypted_content"], "c2VhbGVk");
    assert_eq!(output[1]["content"][0]["text"], "Let me look.");
    assert_eq!(output[3]["arguments"], r#"{"cmd":"ls"}"#);
}

async fn reasoning_comes_back_as_it_went_out_and_parallel_calls_find_their_results(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let results = json!({ "read": "what stands in it", "bash": "a.txt" });
    let calls = APIS.map(|(of, dialect)| {
        json!({ "do": format!("loop_{of}"), "body": asked(dialect, "tools"), "results": results })
    });
    let said = scene.tell(calls.into_iter().collect()).await;
    said.arrived(&scene.provider);
    let texts: Vec<_> = said
        .results()
        .into_iter()
        .map(|result| &result["text"])
        .collect();
    assert_eq!(texts, ["Hello there", "Hello there"]);
    let seen = scene.provider.seen();
    let chat = seen[1].json();
    assert_eq!(chat["messages"][1]["tool_calls"][1]["id"], "call_B");
    assert_eq!(chat["messages"][1]["reasoning_content"], "Two files.");
    assert_eq!(
        chat["messages"][2],
        json!({ "role": "tool", "tool_call_id": "call_A", "content": "what stands in it" })
    );
    assert_eq!(
        chat["messages"][3],
        json!({ "role": "tool", "tool_call_id": "call_B", "content": "a.txt" })
    );
    let responses = seen[3].json();
    assert_eq!(responses["input"][1]["encrypted_content"], "c2VhbGVk");
    assert_eq!(
        responses["input"][5],
        json!({ "type": "function_call_output", "call_id": "call_A", "output": "what stands in it" })
    );
    assert_eq!(
        responses["input"][6],
        json!({ "type": "function_call_output", "call_id": "call_B", "output": "a.txt" })
    );
}

async fn images_arrive(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let url = format!("data:image/png;base64,{}", "iVBORw0KGgo=".repeat(100_000));
    let mut chat = asked(Dialect::Chat, "plain");
    chat["messages"][0]["content"] = json!([
        { "type": "image_url", "image_url": { "url": url } },
        { "type": "text", "text": "What is it?" },
    ]);
    let mut responses = asked(Dialect::Responses, "plain");
    responses["input"][0]["content"] = json!([
        { "type": "input_image", "image_url": url, "detail": "auto" },
        { "type": "input_text", "text": "What is it?" },
    ]);
    let calls = json!([
        { "do": "create", "of": "chat", "body": chat },
        { "do": "create", "of": "responses", "body": responses },
    ]);
    let said = scene.tell(calls).await;
    assert_eq!(said.results().len(), 2);
    said.arrived(&scene.provider);
}

async fn embeddings_and_models_pass_unread(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let body = json!({ "model": "mock-small", "input": "hello" });
    let said = scene
        .tell(json!([{ "do": "embed", "body": body }, { "do": "models" }]))
        .await;
    said.arrived(&scene.provider);
    assert_eq!(floats(&said.results()[0]["vectors"]), json!([[1.0, -2.0]]));
    assert_eq!(said.results()[1]["models"], json!(["mock-large"]));
}

async fn errors_of_the_provider_are_the_exceptions_that_they_are_without_us(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let calls = ERRORS.iter().flat_map(|(status, _)| {
        let model = format!("status-{status}");
        APIS.map(
            |(of, dialect)| json!({ "do": "create", "of": of, "body": asked(dialect, &model) }),
        )
    });
    let said = scene.tell(calls.collect()).await;
    let describe = |raised: &sdk::Raised<'_>| {
        assert_eq!(raised.field("request_id"), Some("req_1"));
        assert_eq!(raised.field("type"), Some("some_error"));
        assert_eq!(raised.header("retry-after"), Some("7"));
        assert!(raised.message().contains("of the provider"));
        (
            raised.field("code").unwrap().to_owned(),
            raised.class().to_owned(),
        )
    };
    let got: Vec<_> = said.raised().iter().map(describe).collect();
    let expected = ERRORS.iter().flat_map(|(status, class)| {
        APIS.map(|_| (format!("status-{status}"), (*class).to_owned()))
    });
    assert_eq!(got, expected.collect::<Vec<_>>());
    said.arrived(&scene.provider);
}

async fn the_provider_says_whether_to_ask_again_and_when(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let call =
        |model: &str| json!({ "do": "create", "of": "chat", "body": asked(Dialect::Chat, model) });
    scene.asks_again_as_it_is_told(call).await;
}

async fn requests_with_too_many_messages_are_refused_as_too_large(sdk: Sdk) {
    let scene = Scene::new(sdk, "limits: { messages: 2 }").await;
    let mut calls = both("create", "plain");
    for (call, name) in calls
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(["messages", "input"])
    {
        let message = call["body"][name][0].clone();
        call["body"][name] = json!([message, { "role": "assistant", "content": "Hi" }, message]);
        call["retries"] = json!(2);
    }
    let said = scene.tell(calls).await;
    for raised in said.raised() {
        raised.is(sdk.either("APIStatusError", "APIError"), 413);
        assert_eq!(raised.field("type"), Some("invalid_request_error"));
    }
    scene.nothing_arrived();
    assert_eq!(said.all("sent").len(), 2, "asking again does not help");
}

async fn who_asks_too_often_is_told_when_to_come_again(sdk: Sdk) {
    let settings = "rate: [{ per: key, requests: 2, every: 1h }]";
    let scene = Scene::new(sdk, settings).await;
    let calls = [both("create", "plain"), both("events", "plain")];
    let calls = calls
        .iter()
        .flat_map(|calls| calls.as_array().unwrap().clone());
    let said = scene.tell(calls.collect()).await;
    assert_eq!(said.all("result").len(), 2);
    let raised = said.caught();
    assert_eq!(raised.len(), 2);
    for raised in raised {
        assert_eq!(raised.class(), "RateLimitError");
        let wait = raised.retry_after();
        assert!((1700..=1800).contains(&wait), "{wait}");
    }
    assert_eq!(scene.provider.seen().len(), 2);
    scene.sidecar.exchange("refused").await;
}

async fn a_key_of_ours_stays_here_and_the_upstreams_goes_up(sdk: Sdk) {
    Scene::keeps_a_key_of_ours(sdk, both("create", "plain")).await;
}

async fn a_wrong_key_is_an_authentication_error(sdk: Sdk) {
    let (scene, _) = Scene::keyed(sdk).await;
    let said = scene.tell(both("create", "plain")).await;
    for raised in said.raised() {
        raised.is("AuthenticationError", 401);
        assert_eq!(raised.field("code"), Some("invalid_api_key"));
        assert!(!raised.message().contains(KEY));
    }
    scene.nothing_arrived();
}

async fn an_unknown_path_is_not_found(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene
        .tell(json!([{ "do": "get", "path": "/nothing", "retries": 2 }]))
        .await;
    said.only_raised().is("NotFoundError", 404);
    scene.nothing_arrived();
}

async fn a_provider_that_is_not_there_is_a_server_error(sdk: Sdk) {
    let said = Scene::without_provider(sdk, both("create", "plain")).await;
    for raised in said.raised() {
        raised.is("InternalServerError", 502);
    }
}

async fn a_stream_that_takes_too_long_ends_in_an_error(sdk: Sdk) {
    let scene = Scene::new(sdk, "deadlines: { idle: 300ms }").await;
    let said = scene.tell(both("events", "slow")).await;
    let chat = said.all("raised")[0];
    assert_eq!(
        (&chat["class"], &chat["code"]),
        (&json!("APIError"), &json!("upstream_timeout"))
    );
    // An error among the events of Responses is for the Python SDK an event as any other.
    let responses = said.all(sdk.either("event", "raised"));
    assert_eq!(responses.last().unwrap()["code"], "upstream_timeout");
    let line = scene.let_go("failed").await;
    assert_eq!(line["refusal"], "upstream_timeout");
}

async fn a_cut_stream_is_an_exception(sdk: Sdk) {
    let scene = Scene::new(sdk, "").await;
    let said = scene.tell(both("events", "cut")).await;
    assert_eq!(said.all("event").len(), 12);
    for raised in said.raised() {
        assert_eq!(
            raised.class(),
            sdk.either("APIConnectionError", "TypeError")
        );
    }
    scene.sidecar.exchange("failed").await;
}

async fn who_stops_reading_stops_the_provider(sdk: Sdk) {
    for (of, dialect) in APIS {
        let scene = Scene::new(sdk, "").await;
        let call = json!([{ "do": "abort", "of": of, "body": asked(dialect, "slow") }]);
        let said = scene.tell(call).await;
        let first = &data_of(&events(dialect))[0];
        assert_eq!(floats(&said.result()["first"]), floats(first));
        scene.let_go("client_gone").await;
    }
}
