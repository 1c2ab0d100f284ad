//! The examples as processes, between a client and a provider on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, as it should"
)]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test program uses its part of `support`"
)]

// Of `support`, what needs no sidecar.
#[path = "support/client.rs"]
mod client;
#[path = "support/http1.rs"]
mod http1;
#[path = "support/provider.rs"]
mod provider;
#[path = "support/replies.rs"]
mod replies;

#[cfg(all(feature = "policies-http", feature = "testing"))]
#[path = "examples/over_http.rs"]
mod over_http;
#[path = "examples/process.rs"]
mod process;
#[path = "examples/script.rs"]
mod script;

use std::{collections::BTreeSet, time::Duration};

use client::post;
use http1::Message;
use luthien_core::{
    Dialect,
    testing::{protocol::check, recorded, request},
};
use process::Example;
use replies::{asked, events};
use script::Provider;

const ALL: [&str; 5] = [
    "one_room_in_axum",
    "reverse_proxy",
    "stack_under_hyper",
    "your_own_layer",
    "your_own_policy",
];

/// Those that hold nothing and change nothing.
const TRANSPARENT: [&str; 4] = [
    "one_room_in_axum",
    "reverse_proxy",
    "stack_under_hyper",
    "your_own_layer",
];

/// Both are routes of every example.
const DIALECTS: [Dialect; 2] = [Dialect::Anthropic, Dialect::Chat];

/// Waits for what must happen, and fails if it does not.
async fn within<F: Future>(what: &str, happens: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(30), happens).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: did not happen within 30 s"),
    }
}

/// The headers, apart from the date, in the order of their names.
fn headers(message: &Message) -> Vec<String> {
    let all = message.headers.iter();
    let all = all.filter(|(name, _)| name != "date");
    let mut lines: Vec<_> = all
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    lines.sort();
    lines
}

#[test]
fn every_example_is_tested_here() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let found: BTreeSet<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: BTreeSet<_> = ALL.map(|name| format!("{name}.rs")).into();
    expected.insert("policy_over_http.py".to_owned());
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_stream_comes_event_by_event_as_the_provider_sends_it() {
    for name in TRANSPARENT {
        for dialect in DIALECTS {
            let mut provider = Provider::start().await;
            let example = Example::start(name, &provider.url()).await;
            let mut client = example.connect().await;
            client.write(&asked(dialect, true)).await.unwrap();

            let (seen, mut wire) = provider.asked().await;
            assert_eq!(seen.first, format!("POST {} HTTP/1.1", dialect.path()));
            assert_eq!(seen.body, request(dialect, true));

            wire.stream().await.unwrap();
            let head = within("the head", client.read.head()).await.unwrap();
            assert_eq!(head.unwrap().first, "HTTP/1.1 200 OK", "{name}");
            for event in events(dialect) {
                // The next event is not sent before this one has arrived.
                let (first, second) = event.split_at(event.len() / 2);
                wire.chunk(first).await.unwrap();
                wire.chunk(second).await.unwrap();
                let chunk = within("an event", client.read.chunk()).await.unwrap();
                assert_eq!(chunk.unwrap(), event, "{name}, {dialect}");
            }
            wire.end().await.unwrap();
            let end = within("the end", client.read.chunk()).await.unwrap();
            assert_eq!(end, None, "{name}, {dialect}");
        }
    }
}

#[tokio::test]
async fn a_whole_reply_comes_byte_for_byte() {
    for name in TRANSPARENT {
        for dialect in DIALECTS {
            let mut provider = Provider::start().await;
            let example = Example::start(name, &provider.url()).await;
            let mut client = example.connect().await;
            client.write(&asked(dialect, false)).await.unwrap();

            let (seen, mut wire) = provider.asked().await;
            assert_eq!(seen.body, request(dialect, false));
            wire.json(200, &recorded(dialect, false)).await.unwrap();
            let response = client.response().await;
            assert_eq!(response.status(), 200, "{name}, {dialect}");
            assert_eq!(response.body, recorded(dialect, false), "{name}, {dialect}");
        }
    }
}

#[tokio::test]
async fn a_provider_hears_at_once_that_the_client_has_left() {
    for name in ALL {
        let mut provider = Provider::start().await;
        let example = Example::start(name, &provider.url()).await;
        let mut client = example.connect().await;
        client.write(&asked(Dialect::Chat, true)).await.unwrap();
        let (_, mut wire) = provider.asked().await;
        wire.stream().await.unwrap();
        wire.chunk(&events(Dialect::Chat)[0]).await.unwrap();
        within("the head", client.read.head()).await.unwrap();
        within("an event", client.read.chunk()).await.unwrap();
        drop(client);
        within(name, wire.closed()).await;
    }
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_before_the_provider() {
    for name in ALL {
        let mut provider = Provider::start().await;
        let example = Example::start(name, &provider.url()).await;
        let asked = post("/v1/messages", "", br#"{"model":"a","model":"b"}"#);
        let response = example.ask(&asked).await;
        assert_eq!(response.status(), 400);
        assert_eq!(
            response.text(),
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"duplicate key \"model\" at byte 13"}}"#,
            "{name}"
        );
        assert!(provider.is_unasked());
    }
}

#[tokio::test]
async fn one_room_in_axum_refuses_the_third_call_of_a_model_and_nothing_else() {
    let mut provider = Provider::start().await;
    let example = Example::start("one_room_in_axum", &provider.url()).await;
    let call = |model: &str| {
        let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
        post("/v1/chat/completions?a=b", "", body.as_bytes())
    };
    for model in ["small", "large", "small"] {
        let mut client = example.connect().await;
        client.write(&call(model)).await.unwrap();
        let (seen, mut wire) = provider.asked().await;
        assert_eq!(seen.first, "POST /v1/chat/completions?a=b HTTP/1.1");
        wire.json(200, b"{ }").await.unwrap();
        let response = client.response().await;
        assert_eq!(response.text(), "{ }");
        assert_eq!(
            response.header("ratelimit-policy"),
            Some(r#""requests-per-model-1m";q=2;w=60"#)
        );
    }
    let refused = example.ask(&call("small")).await;
    assert_eq!(refused.first, "HTTP/1.1 429 Too Many Requests");
    // Half a minute, less what has passed.
    let wait = refused.header("retry-after").unwrap();
    assert_eq!(
        refused.text(),
        format!(
            r#"{{"error":{{"message":"the limit of 2 requests per model in 1m is reached: try again in {wait} s","type":"rate_limit_error","param":null,"code":"rate_limited"}}}}"#
        )
    );
    let health = example
        .ask(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert_eq!(health.text(), "well\n");
    assert!(provider.is_unasked());
}

#[tokio::test]
async fn reverse_proxy_changes_nothing_but_what_belongs_to_the_connection() {
    let mut provider = Provider::start().await;
    let example = Example::start("reverse_proxy", &provider.url()).await;
    let mut client = example.connect().await;
    client
        .write(b"GET /v1/models?limit=2 HTTP/1.1\r\nhost: here\r\nauthorization: Bearer sk\r\nx-new: 1\r\n\r\n")
        .await
        .unwrap();
    let (seen, mut wire) = provider.asked().await;
    assert_eq!(seen.first, "GET /v1/models?limit=2 HTTP/1.1");
    let host = provider.url().replace("http://", "host: ");
    assert_eq!(
        headers(&seen),
        ["authorization: Bearer sk", &host, "x-new: 1"]
    );
    wire.whole(404, "x-other: 2\r\n", b"\x00\xff")
        .await
        .unwrap();
    let response = client.response().await;
    assert_eq!(response.status(), 404);
    assert_eq!(headers(&response), ["content-length: 2", "x-other: 2"]);
    assert_eq!(response.body, b"\x00\xff");
}

#[tokio::test]
async fn reverse_proxy_says_in_the_words_of_the_api_that_the_provider_is_lost() {
    let mut provider = Provider::start().await;
    let example = Example::start("reverse_proxy", &provider.url()).await;
    let mut client = example.connect().await;
    client
        .write(&asked(Dialect::Anthropic, true))
        .await
        .unwrap();
    let (_, wire) = provider.asked().await;
    wire.close();
    let response = client.response().await;
    assert_eq!(response.status(), 502);
    let url = provider.url();
    assert_eq!(
        response.text(),
        format!(
            r#"{{"type":"error","error":{{"type":"api_error","message":"cannot reach the upstream \"provider\" at {url}: connection closed before message completed"}}}}"#
        )
    );
}

#[tokio::test]
async fn stack_under_hyper_sends_the_credential_up_and_the_standing_of_its_holder_down() {
    let mut provider = Provider::start().await;
    let example = Example::start("stack_under_hyper", &provider.url()).await;
    let mut client = example.connect().await;
    client
        .write(&post("/v1/messages", "x-api-key: sk\r\n", b"{ }"))
        .await
        .unwrap();
    let (seen, mut wire) = provider.asked().await;
    let host = provider.url().replace("http://", "host: ");
    assert_eq!(
        headers(&seen),
        [
            "accept-encoding: identity",
            "content-length: 3",
            "content-type: application/json",
            &host,
            "x-api-key: sk",
        ]
    );
    wire.whole(200, "content-type: application/json\r\n", b"{ }")
        .await
        .unwrap();
    assert_eq!(
        headers(&client.response().await),
        [
            "content-length: 3",
            "content-type: application/json",
            r#"ratelimit-policy: "requests-per-key-1m";q=600;w=60"#,
            r#"ratelimit: "requests-per-key-1m";r=599;t=1"#,
        ]
    );
}

#[tokio::test]
async fn stack_under_hyper_lets_pass_what_is_listed_and_refuses_what_is_not() {
    let mut provider = Provider::start().await;
    let example = Example::start("stack_under_hyper", &provider.url()).await;
    let mut client = example.connect().await;
    client
        .write(&post("/v1/messages/count_tokens", "", b"anything"))
        .await
        .unwrap();
    let (seen, mut wire) = provider.asked().await;
    assert_eq!(seen.text(), "anything");
    wire.json(200, b"{}").await.unwrap();
    assert_eq!(client.response().await.text(), "{}");

    let refused = example.ask(&post("/v1/files", "", b"anything")).await;
    assert_eq!(refused.status(), 404);
    assert_eq!(
        refused.text(),
        r#"{"error":{"message":"POST /v1/files is not relayed: if it may pass unread, add it to the list `relay` of the configuration","type":"invalid_request_error","param":null,"code":"unpoliced_path"}}"#
    );

    let messages = vec!["{}"; 2_001].join(",");
    let body = format!(r#"{{"messages":[{messages}]}}"#);
    let refused = example
        .ask(&post("/v1/messages", "", body.as_bytes()))
        .await;
    assert_eq!(refused.status(), 413);
    assert_eq!(
        refused.text(),
        r#"{"type":"error","error":{"type":"request_too_large","message":"the request has 2001 messages; at most 2000 are allowed"}}"#
    );
    assert!(provider.is_unasked());
}

#[tokio::test]
async fn your_own_layer_says_which_tools_were_called_and_how_the_reply_ended() {
    let mut provider = Provider::start().await;
    let mut example = Example::start("your_own_layer", &provider.url()).await;
    for (dialect, tools) in [
        (Dialect::Anthropic, r#"["Read", "Bash"]"#),
        (Dialect::Chat, r#"["read", "bash"]"#),
        (Dialect::Responses, r#"["read", "apply_patch"]"#),
    ] {
        for stream in [true, false] {
            let mut client = example.connect().await;
            client.write(&asked(dialect, stream)).await.unwrap();
            let (_, mut wire) = provider.asked().await;
            let reply = recorded(dialect, stream);
            match stream {
                true => wire.streamed([reply]).await.unwrap(),
                false => wire.json(200, &reply).await.unwrap(),
            }
            assert_eq!(client.response().await.body, recorded(dialect, stream));
            assert_eq!(
                example.line().await,
                format!("2 tool calls: {tools}, Complete"),
                "{dialect}, {stream}"
            );
        }
    }
    let mut client = example.connect().await;
    client.write(&asked(Dialect::Chat, true)).await.unwrap();
    let (_, mut wire) = provider.asked().await;
    wire.stream().await.unwrap();
    within("the head", client.read.head()).await.unwrap();
    drop(client);
    assert_eq!(example.line().await, "0 tool calls: [], Dropped");
}

#[tokio::test]
async fn your_own_policy_replaces_a_shell_command_and_lets_the_other_call_pass() {
    let mut provider = Provider::start().await;
    let example = Example::start("your_own_policy", &provider.url()).await;
    for dialect in DIALECTS {
        for stream in [true, false] {
            let mut client = example.connect().await;
            client.write(&asked(dialect, stream)).await.unwrap();
            let (seen, mut wire) = provider.asked().await;
            assert_eq!(seen.body, request(dialect, stream));
            if stream {
                wire.stream().await.unwrap();
                for event in events(dialect) {
                    wire.chunk(&event).await.unwrap();
                }
                wire.end().await.unwrap();
            } else {
                wire.json(200, &recorded(dialect, false)).await.unwrap();
            }
            let response = client.response().await;
            let view = check(dialect, stream, &response.body).unwrap();
            let names: Vec<_> = view
                .blocks
                .iter()
                .filter_map(|block| block.name.as_deref())
                .collect();
            assert_eq!(names.len(), 1, "{dialect} {stream}: {names:?}");
            assert!(names[0].eq_ignore_ascii_case("read"));
            assert!(response.text().contains("there is no shell here"));
        }
    }
}
