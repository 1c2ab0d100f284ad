//! The OpenAI SDKs, with Chat Completions and with Responses.

use std::{io, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    model::{self, INPUT_TOKENS, OUTPUT_TOKENS, Say, answer},
    sdk::{KEY, Said, Sdk, UPSTREAM_KEY, data_of, floats, for_each_sdk, keyed},
    support::{
        http1::Message,
        provider::{Provider, Wire},
        replies::{Dialect, cut, events, recorded},
        sidecar::Sidecar,
        within,
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

const HELLO: [Say; 1] = [Say::Text("Hello there")];

const APIS: [(&str, Dialect); 2] = [("chat", Dialect::Chat), ("responses", Dialect::Responses)];

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
    let dialect = match request.target() {
        "/v1/models" => {
            let model =
                json!({ "id": "mock-large", "object": "model", "created": 1, "owned_by": "us" });
            let models = json!({ "object": "list", "data": [model] });
            wire.json(200, models.to_string().as_bytes()).await?;
            return Ok(Some(wire));
        }
        "/v1/embeddings" => {
            // 1 and -2 as they lie in memory, which is how the SDKs ask for them.
            assert_eq!(request.json()["encoding_format"], "base64");
            let vector = json!({ "object": "embedding", "index": 0, "embedding": "AACAPwAAAMA=" });
            let vectors = json!({ "object": "list", "data": [vector], "model": "mock-small", "usage": { "prompt_tokens": 2, "total_tokens": 2 } });
            wire.json(200, vectors.to_string().as_bytes()).await?;
            return Ok(Some(wire));
        }
        "/v1/chat/completions" => Dialect::Chat,
        _ => Dialect::Responses,
    };
    let body = request.json();
    let again = request.header("x-stainless-retry-count") != Some("0");
    match body["model"].as_str().unwrap() {
        "recorded" => {
            let stream = body["stream"] == true;
            let reply = recorded(dialect, stream);
            if stream {
                wire.streamed(cut(&reply, 7)).await?;
            } else {
                wire.json(200, &reply).await?;
            }
        }
        "tools" => {
            let asked = body.to_string();
            let done = asked.contains("function_call_output") || asked.contains("tool_call_id");
            answer(
                &mut wire,
                request,
                if done { HELLO.to_vec() } else { calls() }.as_slice(),
            )
            .await?;
        }
        "cut" => {
            wire.stream().await?;
            wire.chunk(&events(dialect)[..6].concat()).await?;
            return Ok(None);
        }
        "slow" => {
            wire.stream().await?;
            wire.chunk(&events(dialect)[0]).await?;
            wire.closed().await;
            gone.notify_one();
            return Ok(None);
        }
        "asks-again" if !again => {
            let headers = "x-should-retry: true\r\nretry-after-ms: 1\r\n";
            wire.whole(400, headers, &error("asks-again")).await?;
        }
        "asks-not" => {
            let headers = "x-should-retry: false\r\n";
            wire.whole(500, headers, &error("asks-not")).await?;
        }
        name => match name.strip_prefix("status-") {
            Some(status) => {
                let headers =
                    "content-type: application/json\r\nx-request-id: req_1\r\nretry-after: 7\r\n";
                wire.whole(status.parse().unwrap(), headers, &error(name))
                    .await?;
            }
            None => answer(&mut wire, request, &HELLO).await?,
        },
    }
    Ok(Some(wire))
}

fn calls() -> Vec<Say> {
    vec![
        Say::Thinking("Two files."),
        Say::Text("Let me look."),
        Say::Call("call_A", "read", json!({ "path": "a.txt" })),
        Say::Call("call_B", "bash", json!({ "cmd": "ls" })),
    ]
}

fn error(code: &str) -> Vec<u8> {
    let error =
        json!({ "message": "of the provider", "type": "some_error", "param": null, "code": code });
    json!({ "error": error }).to_string().into_bytes()
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

async fn tell(sdk: Sdk, sidecar: &Sidecar, calls: Value) -> Said {
    sdk.tell("openai", sidecar, KEY, &calls).await
}

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
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(sdk, &sidecar, both("create", "plain")).await;
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
        let line = complete(&sidecar, dialect).await;
        assert_eq!(line["session"], "session-1");
        assert_eq!(line["input_tokens"], INPUT_TOKENS);
        assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
    }
    said.arrived(&provider);
}

async fn every_event_of_a_stream_arrives_as_it_went_out(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(sdk, &sidecar, both("events", "recorded")).await;
    said.arrived(&provider);
    assert_eq!(
        said.results(),
        [&json!({ "ended": true }), &json!({ "ended": true })]
    );
    let sent = APIS.map(|(_, dialect)| data_of(&events(dialect))).concat();
    let sent: Vec<_> = sent.iter().map(floats).collect();
    let got: Vec<_> = said.all("event").into_iter().map(floats).collect();
    assert_eq!(got, sent);
    for (_, dialect) in APIS {
        let line = complete(&sidecar, dialect).await;
        assert_eq!(
            (&line["input_tokens"], &line["output_tokens"]),
            (&json!(50), &json!(20))
        );
    }
}

async fn the_helpers_put_streams_together(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(sdk, &sidecar, both("stream", "tools")).await;
    said.arrived(&provider);
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
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let results = json!({ "read": "what stands in it", "bash": "a.txt" });
    let calls = APIS.map(|(of, dialect)| {
        json!({ "do": format!("loop_{of}"), "body": asked(dialect, "tools"), "results": results })
    });
    let said = tell(sdk, &sidecar, calls.into_iter().collect()).await;
    said.arrived(&provider);
    let texts: Vec<_> = said
        .results()
        .into_iter()
        .map(|result| &result["text"])
        .collect();
    assert_eq!(texts, ["Hello there", "Hello there"]);
    let seen = provider.seen();
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
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
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
    let said = tell(sdk, &sidecar, calls).await;
    assert_eq!(said.results().len(), 2);
    said.arrived(&provider);
}

async fn embeddings_and_models_pass_unread(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let body = json!({ "model": "mock-small", "input": "hello" });
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "embed", "body": body }, { "do": "models" }]),
    )
    .await;
    said.arrived(&provider);
    assert_eq!(floats(&said.results()[0]["vectors"]), json!([[1.0, -2.0]]));
    assert_eq!(said.results()[1]["models"], json!(["mock-large"]));
}

async fn errors_of_the_provider_are_the_exceptions_that_they_are_without_us(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let calls = ERRORS.iter().flat_map(|(status, _)| {
        let model = format!("status-{status}");
        APIS.map(
            |(of, dialect)| json!({ "do": "create", "of": of, "body": asked(dialect, &model) }),
        )
    });
    let said = tell(sdk, &sidecar, calls.collect()).await;
    let describe = |raised: &crate::sdk::Raised<'_>| {
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
    said.arrived(&provider);
}

async fn the_provider_says_whether_to_ask_again_and_when(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let call = |model: &str| json!({ "do": "create", "of": "chat", "body": asked(Dialect::Chat, model), "retries": 2 });
    let said = tell(sdk, &sidecar, json!([call("asks-again"), call("asks-not")])).await;
    // A 400 twice over, since the provider wants it so; a 500 only once.
    assert_eq!(said.all("result").len(), 1);
    assert_eq!(said.all("raised")[0]["status"], 500);
    said.arrived(&provider);
    let models: Vec<_> = provider
        .seen()
        .iter()
        .map(|seen| seen.json()["model"].clone())
        .collect();
    assert_eq!(models, ["asks-again", "asks-again", "asks-not"]);
}

async fn requests_with_too_many_messages_are_refused_as_too_large(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "limits: { messages: 2 }").await;
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
    let said = tell(sdk, &sidecar, calls).await;
    for raised in said.raised() {
        assert_eq!(
            (raised.class(), raised.status()),
            (sdk.either("APIStatusError", "APIError"), Some(413))
        );
        assert_eq!(raised.field("type"), Some("invalid_request_error"));
    }
    assert_eq!(provider.seen().len(), 0);
    assert_eq!(said.all("sent").len(), 2, "asking again does not help");
}

async fn who_asks_too_often_is_told_when_to_come_again(sdk: Sdk) {
    let (provider, _) = provider().await;
    let settings = "rate: [{ per: key, requests: 2, every: 1h }]";
    let sidecar = Sidecar::before(&provider, settings).await;
    let calls = [both("create", "plain"), both("events", "plain")];
    let calls = calls
        .iter()
        .flat_map(|calls| calls.as_array().unwrap().clone());
    let said = tell(sdk, &sidecar, calls.collect()).await;
    assert_eq!(said.all("result").len(), 2);
    let raised = said.all("raised");
    assert_eq!(raised.len(), 2);
    for raised in raised {
        assert_eq!(raised["class"], "RateLimitError");
        let wait: u64 = raised["headers"]["retry-after"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1700..=1800).contains(&wait), "{wait}");
    }
    assert_eq!(provider.seen().len(), 2);
    sidecar.exchange("refused").await;
}

async fn a_key_of_ours_stays_here_and_the_upstreams_goes_up(sdk: Sdk) {
    let (provider, _) = provider().await;
    let (sidecar, key) = keyed(&provider).await;
    let said = sdk
        .tell("openai", &sidecar, &key, &both("create", "plain"))
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
    let said = tell(sdk, &sidecar, both("create", "plain")).await;
    for raised in said.raised() {
        assert_eq!(
            (raised.class(), raised.status()),
            ("AuthenticationError", Some(401))
        );
        assert_eq!(raised.field("code"), Some("invalid_api_key"));
        assert!(!raised.message().contains(KEY));
    }
    assert_eq!(provider.seen().len(), 0);
}

async fn an_unknown_path_is_not_found(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(
        sdk,
        &sidecar,
        json!([{ "do": "get", "path": "/nothing", "retries": 2 }]),
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
    let said = tell(sdk, &sidecar, both("create", "plain")).await;
    for raised in said.raised() {
        assert_eq!(
            (raised.class(), raised.status()),
            ("InternalServerError", Some(502))
        );
    }
}

async fn a_stream_that_takes_too_long_ends_in_an_error(sdk: Sdk) {
    let (provider, gone) = provider().await;
    let sidecar = Sidecar::before(&provider, "deadlines: { idle: 300ms }").await;
    let said = tell(sdk, &sidecar, both("events", "slow")).await;
    let chat = said.all("raised")[0];
    assert_eq!(
        (&chat["class"], &chat["code"]),
        (&json!("APIError"), &json!("upstream_timeout"))
    );
    // An error among the events of Responses is for the Python SDK an event as any other.
    let responses = said.all(sdk.either("event", "raised"));
    assert_eq!(responses.last().unwrap()["code"], "upstream_timeout");
    within("the provider is let go", gone.notified()).await;
    let line = sidecar.exchange("failed").await;
    assert_eq!(line["refusal"], "upstream_timeout");
}

async fn a_cut_stream_is_an_exception(sdk: Sdk) {
    let (provider, _) = provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let said = tell(sdk, &sidecar, both("events", "cut")).await;
    assert_eq!(said.all("event").len(), 12);
    for raised in said.raised() {
        assert_eq!(
            raised.class(),
            sdk.either("APIConnectionError", "TypeError")
        );
    }
    sidecar.exchange("failed").await;
}

async fn who_stops_reading_stops_the_provider(sdk: Sdk) {
    for (of, dialect) in APIS {
        let (provider, gone) = provider().await;
        let sidecar = Sidecar::before(&provider, "").await;
        let call = json!([{ "do": "abort", "of": of, "body": asked(dialect, "slow") }]);
        let said = tell(sdk, &sidecar, call).await;
        let first = &data_of(&events(dialect))[0];
        assert_eq!(floats(&said.result()["first"]), floats(first));
        within("the provider is let go", gone.notified()).await;
        sidecar.exchange("client_gone").await;
    }
}
