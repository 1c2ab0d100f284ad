//! Starting, reloading, draining, stopping.

use std::{fs, sync::Arc};

use tokio::sync::Notify;

use crate::support::{
    client::{Client, ask, post},
    provider::Provider,
    replies::{Dialect, asked, events, recorded},
    sidecar::Sidecar,
    within,
};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
const READY: &[u8] = b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A provider that sends the first two events of a stream, and the rest when told to.
async fn half(dialect: Dialect, go_on: Arc<Notify>) -> Provider {
    Provider::start(move |_, mut wire| {
        let go_on = go_on.clone();
        async move {
            let events = events(dialect);
            let (first, rest) = events.split_at(2);
            wire.stream().await?;
            wire.chunk(&first.concat()).await?;
            go_on.notified().await;
            wire.chunk(&rest.concat()).await?;
            wire.end().await?;
            Ok(Some(wire))
        }
    })
    .await
}

/// A client that has read the head and the first chunk of its stream.
async fn in_the_middle(sidecar: &Sidecar, dialect: Dialect) -> (Client, Vec<u8>) {
    let mut client = Client::connect(sidecar.agents).await;
    client.write(&asked(dialect, true)).await.unwrap();
    let head = within("the head", client.read.head())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(head.status(), 200);
    let first = within("the first chunk", client.read.chunk())
        .await
        .unwrap()
        .unwrap();
    (client, first)
}

/// Tells it to stop, and waits until it has understood.
async fn told_to_stop(sidecar: &Sidecar) {
    sidecar.signal("TERM");
    let stopping = |line: &serde_json::Value| {
        let message = line["message"].as_str();
        message.is_some_and(|message| message.starts_with("stopping"))
    };
    sidecar.logged("the order to stop", stopping).await;
}

/// The rest of a chunked body.
async fn rest(client: &mut Client, mut read: Vec<u8>) -> Vec<u8> {
    while let Some(chunk) = within("the next chunk", client.read.chunk()).await.unwrap() {
        read.extend(chunk);
    }
    read
}

#[tokio::test]
async fn health_and_readiness_are_told_on_the_admin_listener_alone() {
    let provider = Provider::saying(200, "", "").await;
    let sidecar = Sidecar::before(&provider, "").await;
    for (request, status) in [(HEALTH, "ok"), (READY, "ready")] {
        let answer = ask(sidecar.admin, request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json()["status"], status);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(ask(sidecar.agents, request).await.status(), 404);
    }
    assert_eq!(provider.seen().len(), 0);
}

#[tokio::test]
async fn told_to_stop_it_accepts_no_more_lets_streams_finish_and_exits_with_0() {
    for dialect in Dialect::ALL {
        let go_on = Arc::new(Notify::new());
        let provider = half(dialect, go_on.clone()).await;
        let mut sidecar = Sidecar::before(&provider, "").await;
        let (mut client, first) = in_the_middle(&sidecar, dialect).await;

        told_to_stop(&sidecar).await;
        let refused =
            async { while tokio::net::TcpStream::connect(sidecar.agents).await.is_ok() {} };
        within("no more connections are accepted", refused).await;
        let ready = ask(sidecar.admin, READY).await;
        assert_eq!(
            (ready.status(), &ready.json()["status"]),
            (503, &"not_ready".into())
        );

        go_on.notify_one();
        assert_eq!(rest(&mut client, first).await, recorded(dialect, true));
        let ended = sidecar.ended().await.unwrap();
        assert_eq!(ended.code(), Some(0), "{}", sidecar.log());
        sidecar.exchange("complete").await;
    }
}

#[tokio::test]
async fn streams_that_outlast_the_drain_end_in_an_error_event_of_their_dialect() {
    for (dialect, error) in [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\"",
        ),
        (Dialect::Chat, "data: {\"error\":{"),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\"",
        ),
    ] {
        let provider = half(dialect, Arc::new(Notify::new())).await;
        let mut sidecar = Sidecar::before(&provider, "drain: 200ms").await;
        let (mut client, first) = in_the_middle(&sidecar, dialect).await;

        sidecar.signal("TERM");
        let all = rest(&mut client, first).await;
        let all = String::from_utf8(all).unwrap();
        let original = String::from_utf8(events(dialect)[..2].concat()).unwrap();
        let last = all
            .strip_prefix(&original)
            .unwrap_or_else(|| panic!("{all}"));
        assert!(last.contains(error), "{dialect:?}: {last}");
        assert_eq!(sidecar.ended().await.unwrap().code(), Some(0));
        sidecar.exchange("cut").await;
    }
}

#[tokio::test]
async fn told_twice_it_stops_at_once() {
    let provider = half(Dialect::Chat, Arc::new(Notify::new())).await;
    let mut sidecar = Sidecar::before(&provider, "drain: 1h").await;
    let (_client, _) = in_the_middle(&sidecar, Dialect::Chat).await;
    told_to_stop(&sidecar).await;
    sidecar.signal("INT");
    assert_eq!(sidecar.ended().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_configuration_that_changes_is_taken_over_while_streams_go_on() {
    let go_on = Arc::new(Notify::new());
    let old = half(Dialect::Anthropic, go_on.clone()).await;
    let new = Provider::saying(
        200,
        "content-type: application/json\r\n",
        recorded(Dialect::Anthropic, false),
    )
    .await;
    let sidecar = Sidecar::before(&old, "").await;
    let (mut client, first) = in_the_middle(&sidecar, Dialect::Anthropic).await;

    // Seen without being told.
    let config =
        |provider: &Provider| format!("upstreams: {{ mock: {{ url: {} }} }}\n", provider.url());
    fs::write(sidecar.config_file(), config(&new)).unwrap();
    sidecar
        .logged("the change", |line| {
            line["message"] == "the configuration was read again"
        })
        .await;
    let answer = ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
    assert_eq!(answer.body, recorded(Dialect::Anthropic, false));
    assert_eq!((old.seen().len(), new.seen().len()), (1, 1));

    go_on.notify_one();
    assert_eq!(
        rest(&mut client, first).await,
        recorded(Dialect::Anthropic, true)
    );
}

#[tokio::test]
async fn a_wrong_configuration_changes_nothing_and_says_what_is_wrong() {
    let provider = Provider::saying(
        200,
        "content-type: application/json\r\n",
        recorded(Dialect::Chat, false),
    )
    .await;
    let sidecar = Sidecar::before(&provider, "").await;
    fs::write(sidecar.config_file(), "limitz: {}\n").unwrap();
    sidecar.signal("HUP");
    let line = sidecar
        .logged("the mistake", |line| line["level"] == "ERROR")
        .await;
    let error = line["error"].as_str().unwrap();
    assert!(
        error.contains("luthien.yaml:1:1: limitz: unknown key (did you mean `limits`?)"),
        "{error}"
    );
    let answer = ask(sidecar.agents, &asked(Dialect::Chat, false)).await;
    assert_eq!(answer.body, recorded(Dialect::Chat, false));
}

#[tokio::test]
async fn what_cannot_change_while_it_runs_is_named() {
    let provider = Provider::saying(200, "", "").await;
    let sidecar = Sidecar::before(&provider, "").await;
    let changed = format!(
        "upstreams: {{ mock: {{ url: {} }} }}\nlimits: {{ connections: 7 }}\n",
        provider.url()
    );
    fs::write(sidecar.config_file(), changed).unwrap();
    sidecar.signal("HUP");
    let line = sidecar
        .logged("the change", |line| line["settings"].is_string())
        .await;
    assert_eq!(line["settings"], "limits.connections");
}

#[tokio::test]
async fn one_line_of_json_tells_of_an_exchange_and_nothing_of_a_secret() {
    let reply = recorded(Dialect::Anthropic, false);
    let provider = Provider::saying(200, "content-type: application/json\r\n", reply).await;
    let sidecar = Sidecar::before(&provider, "").await;
    let body = br#"{"model":"claude\n\u001b[31mred","max_tokens":1,"messages":[{"role":"user","content":"my secret question"}],"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"the-session\"}"}}"#;
    let headers = "x-api-key: sk-ant-secret\r\nauthorization: Bearer sk-other-secret\r\n";
    ask(
        sidecar.agents,
        &post("/v1/messages?key=sk-query-secret", headers, body),
    )
    .await;
    let line = sidecar.exchange("complete").await;
    assert_eq!(line["session"], "the-session");
    assert_eq!(line["path"], "/v1/messages");
    assert_eq!(line["status"], 200);
    assert_eq!(line["upstream"], "mock");
    assert!(line["input_tokens"].as_u64().is_some() && line["output_tokens"].as_u64().is_some());
    let log = sidecar.log();
    assert!(!log.contains("secret"), "{log}");
    assert!(!log.contains('\u{1b}'), "a control character: {log}");
    assert_eq!(line["model"], "claude\n\u{1b}[31mred");
}

#[tokio::test]
async fn replies_carry_the_name_of_the_exchange_and_where_the_time_went() {
    let provider = Provider::saying(
        200,
        "request-id: req_theirs\r\nserver-timing: theirs;dur=1\r\n",
        "{}",
    )
    .await;
    let sidecar = Sidecar::before(&provider, "").await;
    let answer = ask(sidecar.agents, &asked(Dialect::Anthropic, false)).await;
    assert_eq!(answer.header("request-id"), Some("req_theirs"));
    let timing = answer.all("server-timing");
    assert_eq!(timing[0], "theirs;dur=1");
    assert!(
        timing[1].starts_with("luthien;dur=") && timing[1].contains(", upstream;dur="),
        "{timing:?}"
    );
    let id = answer.header("x-luthien-request-id").unwrap();
    let line = sidecar.exchange("complete").await;
    assert_eq!(line["id"], id);
}

#[tokio::test]
async fn an_error_in_which_a_provider_ends_a_stream_is_in_the_line() {
    for (dialect, error) in [
        (
            Dialect::Anthropic,
            r#"event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n"#,
        ),
        (
            Dialect::Chat,
            r#"data: {"error":{"message":"m","type":"overloaded_error"}}\n\n"#,
        ),
        (
            Dialect::Responses,
            r#"event: error\ndata: {"type":"error","code":"overloaded_error","message":"m"}\n\n"#,
        ),
    ] {
        let error = error.replace("\\n", "\n");
        let provider = Provider::start(move |_, mut wire| {
            let pieces = [events(dialect)[0].to_vec(), error.clone().into_bytes()];
            async move {
                wire.streamed(pieces).await?;
                Ok(Some(wire))
            }
        })
        .await;
        let sidecar = Sidecar::before(&provider, "").await;
        ask(sidecar.agents, &asked(dialect, true)).await;
        let line = sidecar.exchange("complete").await;
        assert_eq!(line["provider_error"], "overloaded_error", "{dialect:?}");
    }
}
