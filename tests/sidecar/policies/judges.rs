//! A second model judges what the first wants done: both over the sidecar's own upstreams.

use serde_json::{Value, json};

use super::{other_call, seen};
use crate::support::{
    client::{ask, post},
    good::reply,
    provider::Provider,
    replies::{Dialect, asked, request},
    sidecar::{Sidecar, luthien},
};

/// A judge that scores calls of `read`, and of `Read`, with 1, and others with 0.
async fn judge() -> Provider {
    Provider::start(|asked, mut wire| async move {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let content = body["messages"][0]["content"].as_str().unwrap();
        let shown: Value = serde_json::from_str(content).unwrap();
        let tool = shown["call"]["tool"].as_str().unwrap();
        let score = u8::from(tool.eq_ignore_ascii_case("read"));
        let said = json!({
            "type": "message", "stop_reason": "tool_use", "usage": { "input_tokens": 70, "output_tokens": 9 },
            "content": [{ "type": "tool_use", "id": "t", "name": "answer", "input": { "score": score, "reason": "it reads" } }],
        });
        wire.json(200, said.to_string().as_bytes()).await?;
        Ok(Some(wire))
    })
    .await
}

/// A sidecar before a provider and this judge.
async fn house(provider: &Provider, judge: &Provider, pays: &str) -> Sidecar {
    let credential = match pays {
        "upstream" => ", credential: '${JUDGES_KEY}'",
        _ => "",
    };
    Sidecar::start_in(
        tempfile::tempdir().unwrap(),
        &format!(
            "listen: 127.0.0.1:0
admin: {{ listen: 127.0.0.1:0 }}
upstreams:
  models: {{ url: '{}', dialects: [anthropic, chat, responses] }}
  judges: {{ url: '{}', dialects: [anthropic]{credential} }}
routes: [{{ models: ['*'], upstreams: [models] }}]
policies:
  - {{ use: tool-call-judge, with: {{ upstream: judges, model: claude-haiku-4-5, credential: {pays}, cache: false }} }}",
            provider.url(),
            judge.url()
        ),
        &[("JUDGES_KEY", "sk-of-the-judges")],
    )
    .await
}

#[tokio::test]
async fn what_the_judge_advises_against_is_blocked_and_its_cost_and_reason_are_logged() {
    let (provider, judge) = (Provider::start(reply).await, judge().await);
    let sidecar = house(&provider, &judge, "upstream").await;
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let before = judge.count();
            let response = ask(sidecar.agents, &asked(dialect, stream)).await;
            let (text, calls) = seen(dialect, stream, &response.body).await;
            assert_eq!(calls, [other_call(dialect)], "{dialect} {stream}");
            assert!(
                text.contains("a second model advises against this call"),
                "{text}"
            );
            assert!(!response.text().contains("it reads"));
            assert_eq!(judge.count(), before + 2, "one question for each call");
            assert_eq!(provider.last().body, request(dialect, stream));
            assert_eq!(judge.last().header("x-api-key"), Some("sk-of-the-judges"));
        }
    }
    let blocked = |line: &Value| line["message"] == "decision" && line["outcome"] == "block";
    let line = sidecar.logged("the decision", blocked).await;
    assert!(
        line["reason"]
            .as_str()
            .unwrap()
            .contains("claude-haiku-4-5 gave it 1")
    );
    let judges = line["judges"].as_str().unwrap();
    assert!(
        judges.starts_with("claude-haiku-4-5 ") && judges.ends_with(" ms 70+9 tokens"),
        "{judges}"
    );
    assert!(!sidecar.log().contains("sk-of-the-judges"));
}

#[tokio::test]
async fn the_callers_credential_pays_where_that_is_declared() {
    let (provider, judge) = (Provider::start(reply).await, judge().await);
    let sidecar = house(&provider, &judge, "caller").await;
    let body = request(Dialect::Anthropic, false);
    let headers = "x-api-key: sk-of-the-caller\r\nanthropic-beta: oauth-2025-04-20, other-1\r\n";
    ask(sidecar.agents, &post("/v1/messages", headers, &body)).await;
    let asked = judge.last();
    assert_eq!(asked.header("x-api-key"), Some("sk-of-the-caller"));
    assert_eq!(asked.header("anthropic-beta"), Some("oauth-2025-04-20"));
    assert!(!sidecar.log().contains("sk-of-the-caller"));
}

#[tokio::test]
async fn a_judge_that_is_down_lets_nothing_pass_and_the_session_goes_on() {
    let provider = Provider::start(reply).await;
    for down in [
        Provider::saying(401, "content-type: application/json\r\n", "{}").await,
        Provider::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
        )
        .await,
        Provider::saying(200, "content-type: text/html\r\n", "<html>").await,
    ] {
        let sidecar = house(&provider, &down, "upstream").await;
        for stream in [true, false] {
            let response = ask(sidecar.agents, &asked(Dialect::Anthropic, stream)).await;
            assert_eq!(response.status(), 200);
            let (text, calls) = seen(Dialect::Anthropic, stream, &response.body).await;
            assert!(calls.is_empty(), "{calls:?}");
            assert!(
                text.contains("a check that must pass first could not be made"),
                "{text}"
            );
        }
        let failed = |line: &Value| line["message"] == "decision" && line["outcome"] == "failed";
        let line = sidecar.logged("the failure", failed).await;
        assert_eq!(
            (&line["code"], &line["why"]),
            (&"judge_unavailable".into(), &"error".into())
        );
        assert_eq!(line["severity"], "critical");
    }
}

#[tokio::test]
async fn whom_a_judge_asks_and_who_pays_is_checked_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (judge, said) in [
        (
            "upstream: antropic",
            "policies.0.with.upstream: no upstream is named \"antropic\" (did you mean `anthropic`?)",
        ),
        (
            "upstream: anthropic",
            "policies.0.with.upstream: the upstream \"anthropic\" has no credential with which to ask",
        ),
    ] {
        let policy =
            format!("{{ use: tool-call-judge, with: {{ {judge}, model: claude-haiku-4-5 }} }}");
        let config = format!("policies: [{policy}]\n");
        std::fs::write(folder.path().join("luthien.yaml"), config).unwrap();
        let output = luthien(folder.path())
            .args(["--config", "luthien.yaml", "check"])
            .output();
        let output = output.await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(said), "{error}");
    }
}
