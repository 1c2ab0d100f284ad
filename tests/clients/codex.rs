//! Codex.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    model::{
        DOT, HELLO, INPUT_TOKENS, OUTPUT_TOKENS, Say, answer, begin, events, hello_after, thinking,
    },
    run::{self, Agent, Home, Ran, says},
    support::{http1::Message, provider::Provider, replies::Dialect, sidecar::Sidecar},
};

/// The credential of the client.
const KEY: &str = "sk-of-the-client";

pub struct Codex;

type Desk = run::Desk<Codex>;

impl Agent for Codex {
    const PROGRAM: &'static str = "codex";
    const ARGUMENTS: &'static [&'static str] = &[
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        "--json",
        "-m",
        "gpt-mock",
    ];

    fn point(command: &mut Command, base: &str) {
        // Just as the sidecar says it when it starts.
        command
            .args(["-c", &format!("openai_base_url={base}/v1")])
            .env("CODEX_API_KEY", KEY);
    }

    fn words(ran: &Ran) -> &str {
        let last = Self::texts(ran).pop();
        last.unwrap_or_else(|| panic!("no words: {ran:#?}"))
    }

    fn texts(ran: &Ran) -> Vec<&str> {
        let is = |line: &&Value| line["item"]["type"] == "agent_message";
        let said = ran.lines.iter().filter(is);
        said.map(|line| line["item"]["text"].as_str().unwrap())
            .collect()
    }

    fn session(ran: &Ran) -> &str {
        let line = ran.line("a session", |line| line["type"] == "thread.started");
        line["thread_id"].as_str().unwrap()
    }

    fn checked(seen: &[Message], session: &str) {
        for request in seen {
            assert_eq!(
                (request.method(), request.target()),
                ("POST", "/v1/responses")
            );
            assert_eq!(request.all("authorization"), [format!("Bearer {KEY}")]);
            assert_eq!(request.header("x-api-key"), None);
            for name in ["session-id", "thread-id", "x-client-request-id"] {
                assert_eq!(request.all(name), [session]);
            }
            assert_eq!(request.all("originator"), ["codex_exec"]);
            let metadata = request.header("x-codex-turn-metadata").unwrap();
            let metadata: Value = serde_json::from_str(metadata).unwrap();
            assert_eq!(metadata["session_id"], session);
            let body = request.json();
            assert_eq!(body["prompt_cache_key"], session);
            assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
        }
    }
}

async fn logged(sidecar: &Sidecar, session: &str) {
    let line = sidecar
        .logged("an exchange of the session", |line| {
            line["session"] == session && line["end"] == "complete"
        })
        .await;
    assert_eq!(line["purpose"], "turn");
    assert_eq!(line["input_tokens"], INPUT_TOKENS);
    assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
}

/// The outputs of calls in a request, by the calls' ids.
pub fn outputs(body: &Value) -> Vec<(String, String)> {
    let items = body["input"].as_array().unwrap().iter();
    let outputs = items.filter(|item| item["type"] == "function_call_output");
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    outputs
        .map(|item| (text(&item["call_id"]), text(&item["output"])))
        .collect()
}

pub fn shell(id: &'static str, command: &str) -> Say {
    Say::Call(id, "exec_command", json!({ "cmd": command }))
}

pub fn has_outputs(body: &Value) -> bool {
    body["input"]
        .to_string()
        .contains("\"function_call_output\"")
}

#[tokio::test]
async fn a_plain_answer_arrives_over_http_after_a_web_socket_was_refused_at_once() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["hi"], "Hello there", 1).await;
    let refused = desk.sidecar.exchange("refused").await;
    assert_eq!(
        (&refused["method"], &refused["status"]),
        (&json!("GET"), &json!(426))
    );
    logged(&desk.sidecar, Codex::session(&ran)).await;
    // It takes the refusal for what it is, and does not try for a while first.
    let errors: Vec<_> = ran
        .lines
        .iter()
        .filter(|line| line["type"] == "error")
        .collect();
    assert_eq!(errors, Vec::<&Value>::new());
}

#[tokio::test]
async fn reasoning_comes_back_as_it_went_out_and_parallel_calls_find_their_outputs() {
    let provider = thinking(|body| match has_outputs(body) {
        true => vec![Say::Text("Both are done.")],
        false => vec![
            Say::Thinking("Two at once."),
            Say::Text("At once."),
            shell("call_A", "echo one"),
            shell("call_B", "echo two"),
        ],
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["run"], "Both are done.", 2).await;
    let seen = desk.provider.seen();
    let mut outputs = outputs(&seen[1].json());
    outputs.sort();
    let [(first, one), (second, two)] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((first.as_str(), second.as_str()), ("call_A", "call_B"));
    assert!(one.contains("one") && two.contains("two"), "{outputs:?}");
    let second = seen[1].json();
    let items = second["input"].as_array().unwrap();
    let reasoning = items
        .iter()
        .find(|item| item["type"] == "reasoning")
        .unwrap();
    assert_eq!(reasoning["encrypted_content"], "c2VhbGVk");
    logged(&desk.sidecar, Codex::session(&ran)).await;
}

#[tokio::test]
async fn an_image_arrives_and_the_next_turn_keeps_the_session() {
    let provider = thinking(|_| vec![Say::Text("A dot.")]).await;
    let desk = Desk::new(provider, "").await;
    let dot = desk.home.file("dot.png", DOT);
    let look = ["-i", dot.to_str().unwrap(), "--", "look"];
    let ran = desk.says(&look, "A dot.", 1).await;
    assert!(
        desk.provider
            .only()
            .text()
            .contains("data:image/png;base64,iVBORw0KGgo")
    );
    let next = desk.turn(&["resume", "--last", "go on"]).await.well();
    assert_eq!(Codex::session(&next), Codex::session(&ran));
    Codex::checked(&desk.provider.seen(), Codex::session(&ran));
}

#[tokio::test]
async fn a_cut_stream_is_asked_for_again() {
    let provider = hello_after(|request, mut wire| async move {
        begin(&mut wire, &request, 5).await?;
        Ok(None)
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["hi"], "Hello there", 2).await;
    desk.sidecar.exchange("failed").await;
    logged(&desk.sidecar, Codex::session(&ran)).await;
}

#[tokio::test]
async fn luthien_exec_points_it_at_itself() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let home = Home::new();
    let mut exec = home.exec::<Codex>(&provider, "passthrough", "");
    exec.args(["--", "hi"]).env("CODEX_API_KEY", KEY);
    let ran = says::<Codex>(&mut exec, "Hello there").await;
    provider.only();
    Codex::checked(&provider.seen(), Codex::session(&ran));
    assert_eq!(
        home.exec_logged("complete")["session"],
        Codex::session(&ran)
    );
}

#[tokio::test]
async fn luthien_exec_gives_it_a_key_even_if_it_has_a_login() {
    for login in [false, true] {
        let provider = thinking(|_| HELLO.to_vec()).await;
        let home = Home::new();
        if login {
            log_in(&home);
        }
        let mut exec = home.exec::<Codex>(&provider, "keys", "credential: '${UPSTREAM_KEY}'");
        let ran = says::<Codex>(exec.args(["--", "hi"]), "Hello there").await;
        let seen = provider.only();
        assert_eq!(seen.all("authorization"), ["Bearer sk-of-the-upstream"]);
        assert_eq!(seen.header("chatgpt-account-id"), None);
        assert_eq!(
            home.exec_logged("complete")["session"],
            Codex::session(&ran)
        );
    }
}

#[tokio::test]
async fn luthien_exec_understands_it_when_it_has_a_login() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let home = Home::new();
    log_in(&home);
    let mut exec = home.exec::<Codex>(&provider, "passthrough", "");
    says::<Codex>(exec.args(["--", "hi"]), "Hello there").await;
    for request in provider.seen() {
        assert_eq!(request.all("authorization"), [format!("Bearer {TOKEN}")]);
        assert_eq!(request.all("chatgpt-account-id"), ["account-1"]);
        assert_eq!(request.header("content-encoding"), None);
    }
    let line = home.exec_logged("complete");
    assert_eq!(
        (&line["path"], &line["user"]),
        (&json!("/v1/models"), &json!("user-1"))
    );
}

/// A token, not signed: `{"alg":"none","typ":"JWT"}`, and `{"sub":"user-1","exp":4102444800,
/// "https://api.openai.com/auth":{"chatgpt_plan_type":"pro","chatgpt_account_id":"account-1"}}`.
const TOKEN: &str = concat!(
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.",
    "eyJzdWIiOiJ1c2VyLTEiLCJleHAiOjQxMDI0NDQ4MDAsImh0dHBzOi8vYXBpLm9wZW5haS5jb20vYXV0aCI6eyJjaG",
    "F0Z3B0X3BsYW5fdHlwZSI6InBybyIsImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY291bnQtMSJ9fQ.",
    "c2ln",
);

/// As if somebody had logged in with an account.
fn log_in(home: &Home) {
    let login = json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": TOKEN,
            "access_token": TOKEN,
            "refresh_token": "r",
            "account_id": "account-1",
        },
        // So late that it needs no new one.
        "last_refresh": "2099-01-01T00:00:00Z",
    });
    home.file(".codex/auth.json", login.to_string().as_bytes());
}

#[tokio::test]
async fn a_conversation_is_compacted_and_goes_on_in_the_same_session() {
    let provider = Provider::start(|request, mut wire| async move {
        let asked = request.json();
        let last = asked["input"].as_array().unwrap().last().unwrap().clone();
        if last["type"] == "compaction_trigger" {
            let item =
                json!({ "type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbGVk" });
            let done =
                json!({ "type": "response.output_item.done", "output_index": 0, "item": item });
            let mut events = events(Dialect::Responses, "gpt-mock", &[]);
            events.insert(
                2,
                format!("event: response.output_item.done\ndata: {done}\n\n"),
            );
            wire.streamed(events).await?;
        } else {
            answer(&mut wire, &request, &HELLO).await?;
        }
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let first = desk.turn(&["hi"]).await.well();
    let full = [
        "-c",
        "model_auto_compact_token_limit=10",
        "resume",
        "--last",
        "go on",
    ];
    let next = desk.turn(&full).await.well();
    assert_eq!(
        (Codex::words(&next), Codex::session(&next)),
        ("Hello there", Codex::session(&first))
    );
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 3);
    Codex::checked(&seen, Codex::session(&first));
    let items = seen[2].json()["input"].clone();
    let mut items = items.as_array().unwrap().iter();
    let kept = items.find(|item| item["type"] == "compaction").unwrap();
    assert_eq!(kept["encrypted_content"], "c2VhbGVk");
    let line = desk
        .sidecar
        .logged("a compaction", |line| line["purpose"] == "compaction")
        .await;
    assert_eq!(
        (&line["session"], &line["end"]),
        (&json!(Codex::session(&first)), &json!("complete"))
    );
}
