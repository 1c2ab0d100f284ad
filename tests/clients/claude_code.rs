//! Claude Code.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use tokio::{process::Command, sync::Notify};

use crate::{
    model::{DOT, HELLO, INPUT_TOKENS, OUTPUT_TOKENS, Say, answer, begin, hello_after, thinking},
    run::{self, Agent, Home, Ran, run, says},
    support::{
        client,
        http1::Message,
        provider::Provider,
        replies::{Dialect, asked},
        sidecar::Sidecar,
        within,
    },
};

/// The credential of the client.
const KEY: &str = "sk-ant-of-the-client";

pub struct Claude;

type Desk = run::Desk<Claude>;

impl Agent for Claude {
    const PROGRAM: &'static str = "claude";
    const ARGUMENTS: &'static [&'static str] = &["--output-format", "stream-json", "--verbose"];

    fn point(command: &mut Command, base: &str) {
        command
            .env("ANTHROPIC_BASE_URL", base)
            .env("ANTHROPIC_API_KEY", KEY);
    }

    fn words(ran: &Ran) -> &str {
        result(ran)["result"].as_str().unwrap()
    }

    fn texts(ran: &Ran) -> Vec<&str> {
        let lines = ran.lines.iter().filter(|line| line["type"] == "assistant");
        let blocks = lines.filter_map(|line| line["message"]["content"].as_array());
        blocks
            .flatten()
            .filter_map(|block| block["text"].as_str())
            .collect()
    }

    fn session(ran: &Ran) -> &str {
        result(ran)["session_id"].as_str().unwrap()
    }

    fn checked(seen: &[Message], session: &str) {
        for request in seen {
            assert_eq!(request.target(), "/v1/messages?beta=true");
            assert_eq!(request.all("x-api-key"), [KEY]);
            assert_eq!(request.header("authorization"), None);
            assert_eq!(request.all("x-claude-code-session-id"), [session]);
            assert_eq!(request.all("anthropic-version"), ["2023-06-01"]);
            let beta = request.all("anthropic-beta").join(",");
            assert!(beta.starts_with("claude-code-20250219,"), "{beta}");
            assert!(
                request
                    .header("user-agent")
                    .unwrap()
                    .starts_with("claude-cli/")
            );
        }
    }
}

/// The last line.
pub fn result(ran: &Ran) -> &Value {
    ran.line("a result", |line| line["type"] == "result")
}

/// The log knows of an exchange of this session and purpose, with what it cost.
async fn logged(sidecar: &Sidecar, session: &str, purpose: &str) {
    let line = sidecar
        .logged("an exchange of the session", |line| {
            line["session"] == session && line["purpose"] == purpose && line["end"] == "complete"
        })
        .await;
    assert_eq!(line["input_tokens"], INPUT_TOKENS);
    assert_eq!(line["output_tokens"], OUTPUT_TOKENS);
}

pub fn has_results(body: &Value) -> bool {
    body["messages"].to_string().contains("\"tool_result\"")
}

/// All results of tools in a request.
pub fn results(body: &Value) -> Vec<Value> {
    let messages = body["messages"].as_array().unwrap();
    let blocks = messages
        .iter()
        .filter_map(|message| message["content"].as_array());
    let blocks = blocks
        .flatten()
        .filter(|block| block["type"] == "tool_result");
    blocks.cloned().collect()
}

pub fn bash(id: &'static str, command: &str) -> Say {
    Say::Call(
        id,
        "Bash",
        json!({ "command": command, "description": "says it" }),
    )
}

#[tokio::test]
async fn a_plain_answer_arrives() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["-p", "hi"], "Hello there", 1).await;
    logged(&desk.sidecar, Claude::session(&ran), "turn").await;
}

#[tokio::test]
async fn thinking_is_shown_and_comes_back_in_the_next_turn() {
    let provider = thinking(|_| vec![Say::Thinking("Let me see."), Say::Text("Hello there")]).await;
    let desk = Desk::new(provider, "").await;
    let ran = desk
        .turn(&["--include-partial-messages", "-p", "hi"])
        .await
        .well();
    ran.line("thinking", |line| {
        line["message"]["content"][0]["thinking"] == "Let me see."
    });
    ran.line("a piece of it", |line| {
        line["event"]["delta"]["thinking"] == "Let m"
    });
    let session = Claude::session(&ran);
    let next = desk.turn(&["--continue", "-p", "go on"]).await.well();
    assert_eq!(
        (Claude::words(&next), Claude::session(&next)),
        ("Hello there", session)
    );
    Claude::checked(&desk.provider.seen(), session);
    let second = desk.provider.seen()[1].json();
    let messages = second["messages"].as_array().unwrap();
    let said = messages
        .iter()
        .find(|message| message["role"] == "assistant")
        .unwrap();
    let thought = json!({ "type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmVk" });
    assert_eq!(said["content"][0], thought);
}

#[tokio::test]
async fn tools_run_in_parallel_and_their_results_arrive() {
    let provider = thinking(|body| match has_results(body) {
        true => vec![Say::Text("Both are done.")],
        false => vec![
            Say::Text("At once."),
            bash("toolu_A", "echo one"),
            bash("toolu_B", "echo two"),
        ],
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk
        .says(
            &["--allowedTools", "Bash", "-p", "run"],
            "Both are done.",
            2,
        )
        .await;
    let seen = desk.provider.seen();
    // In the order in which the commands have ended.
    let mut got: Vec<_> = results(&seen[1].json())
        .into_iter()
        .map(|result| {
            (
                result["tool_use_id"].to_string(),
                result["content"].to_string(),
            )
        })
        .collect();
    got.sort();
    let expected = [("toolu_A", "one"), ("toolu_B", "two")];
    assert_eq!(
        got,
        expected.map(|(id, text)| (json!(id).to_string(), json!(text).to_string()))
    );
    logged(&desk.sidecar, Claude::session(&ran), "turn").await;
}

#[tokio::test]
async fn an_image_that_a_tool_reads_arrives() {
    let provider = thinking(|body| match has_results(body) {
        true => vec![Say::Text("A dot.")],
        false => vec![Say::Call(
            "toolu_A",
            "Read",
            json!({ "file_path": format!("{}/dot.png", folder(body)) }),
        )],
    })
    .await;
    let desk = Desk::new(provider, "").await;
    fs::write(desk.home.work().join("dot.png"), DOT).unwrap();
    desk.says(&["-p", "look at dot.png"], "A dot.", 2).await;
    let results = results(&desk.provider.seen()[1].json());
    let source = &results[0]["content"][0]["source"];
    assert_eq!(
        (&source["type"], &source["media_type"]),
        (&json!("base64"), &json!("image/png")),
        "{results:?}"
    );
    assert!(source["data"].as_str().unwrap().starts_with("iVBORw0KGgo"));
}

/// Where it works, as it tells the model.
pub fn folder(body: &Value) -> String {
    let all = body["messages"].to_string();
    let (_, after) = all.split_once("Primary working directory: ").unwrap();
    after.split(['\\', '"', ' ']).next().unwrap().to_owned()
}

#[tokio::test]
async fn a_conversation_is_compacted_and_goes_on_in_the_same_session() {
    let provider = thinking(|body| {
        let asked = body["messages"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .to_string();
        vec![match asked.contains("CRITICAL: Respond with TEXT ONLY") {
            true => Say::Text("<analysis>Short.</analysis><summary>They said hello.</summary>"),
            false => Say::Text("Hello there"),
        }]
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let first = desk.turn(&["-p", "hi"]).await.well();
    let session = Claude::session(&first);
    desk.turn(&["--continue", "-p", "/compact"]).await.well();
    logged(&desk.sidecar, session, "compaction").await;
    let next = desk.turn(&["--continue", "-p", "go on"]).await.well();
    assert_eq!(
        (Claude::words(&next), Claude::session(&next)),
        ("Hello there", session)
    );
    let seen = desk.provider.seen();
    assert_eq!(seen.len(), 3);
    Claude::checked(&seen, session);
    assert!(seen[2].text().contains("They said hello."));
}

#[tokio::test]
async fn a_sub_agent_works_in_the_same_session() {
    let provider = thinking(|body| {
        let sub = body["system"].to_string().contains("cc_is_subagent=true");
        match (sub, has_results(body)) {
            (true, _) => vec![Say::Text("It is in a.txt.")],
            (false, true) => vec![Say::Text("The agent has found it.")],
            (false, false) => {
                let input = json!({ "description": "find it", "prompt": "find it", "subagent_type": "general-purpose", "run_in_background": false });
                vec![Say::Call("toolu_A", "Agent", input)]
            }
        }
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk
        .says(&["-p", "Use an agent"], "The agent has found it.", 3)
        .await;
    let seen = desk.provider.seen();
    let agents: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("x-claude-code-agent-id").is_some())
        .collect();
    assert_eq!(agents, [false, true, false]);
    assert!(
        results(&seen[2].json())[0]
            .to_string()
            .contains("It is in a.txt.")
    );
    logged(&desk.sidecar, Claude::session(&ran), "sub_agent").await;
}

#[tokio::test]
async fn a_busy_provider_is_asked_again() {
    let provider = hello_after(|_, mut wire| async move {
        let headers = "content-type: application/json\r\nretry-after: 1\r\n";
        let error = br#"{"type":"error","error":{"type":"rate_limit_error","message":"slowly"}}"#;
        wire.whole(429, headers, error).await?;
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["-p", "hi"], "Hello there", 2).await;
    let retry = ran.line("a retry", |line| line["subtype"] == "api_retry");
    assert_eq!(retry["error_status"], 429, "{retry}");
    let seen = desk.provider.seen();
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn luthien_exec_points_it_at_itself() {
    let keyed = "credential: '${UPSTREAM_KEY}', credential_header: x-api-key";
    for (mode, credential, key) in [
        ("passthrough", "", KEY),
        ("keys", keyed, "sk-of-the-upstream"),
    ] {
        let provider = thinking(|_| HELLO.to_vec()).await;
        let home = Home::new();
        let mut exec = home.exec::<Claude>(&provider, mode, credential);
        exec.args(["-p", "hi"]).env("ANTHROPIC_API_KEY", KEY);
        let ran = says::<Claude>(&mut exec, "Hello there").await;
        let seen = provider.only();
        assert_eq!(seen.all("x-api-key"), [key]);
        assert_eq!(seen.header("authorization"), None);
        let line = home.exec_logged("complete");
        assert_eq!(line["session"], Claude::session(&ran));
    }
}

#[tokio::test]
async fn a_cut_stream_is_asked_for_again() {
    let provider = hello_after(|request, mut wire| async move {
        begin(&mut wire, &request, 3).await?;
        Ok(None)
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.says(&["-p", "hi"], "Hello there", 2).await;
    let seen = desk.provider.seen();
    assert_eq!(seen[1].json()["stream"], true);
    desk.sidecar.exchange("failed").await;
    logged(&desk.sidecar, Claude::session(&ran), "turn").await;
}

#[tokio::test]
async fn after_a_deadline_inside_a_stream_it_asks_again_without_streaming() {
    let provider = Provider::start(|request, mut wire| async move {
        if request.json()["stream"] == true {
            begin(&mut wire, &request, 1).await?;
            wire.closed().await;
            return Ok(None);
        }
        answer(&mut wire, &request, &HELLO).await?;
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, "deadlines: { idle: 300ms }").await;
    let ran = desk.says(&["-p", "hi"], "Hello there", 2).await;
    let line = desk.sidecar.exchange("failed").await;
    assert_eq!(line["refusal"], "upstream_timeout");
    let line = desk.sidecar.exchange("complete").await;
    assert_eq!(
        (&line["stream"], &line["session"]),
        (&json!(false), &json!(Claude::session(&ran)))
    );
}

#[tokio::test]
async fn a_refusal_of_our_own_ends_the_turn_with_one_request() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let desk = Desk::new(provider, "limits: { tools: 3 }").await;
    let ran = desk.turn(&["-p", "hi"]).await;
    assert_eq!(ran.status.code(), Some(1));
    let last = result(&ran);
    assert_eq!(
        (&last["is_error"], &last["api_error_status"]),
        (&json!(true), &json!(413))
    );
    assert_eq!(desk.provider.seen().len(), 0);
    assert_eq!(
        desk.sidecar.exchange("refused").await["refusal"],
        "too_many_tools"
    );
    assert_eq!(desk.sidecar.log().matches("\"exchange\"").count(), 1);
}

#[tokio::test]
async fn one_too_many_at_once_waits_and_asks_again() {
    let (begun, free) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, freed) = (begun.clone(), free.clone());
    let provider = Provider::start(move |request, mut wire| {
        let (begins, freed) = (begins.clone(), freed.clone());
        async move {
            if request.json()["model"] == "mock-large" {
                begins.notify_one();
                freed.notified().await;
            }
            answer(&mut wire, &request, &HELLO).await?;
            Ok(Some(wire))
        }
    })
    .await;
    let settings = "rate: [{ per: everyone, concurrent: 1 }]";
    let desk = Desk::new(provider, settings).await;
    let other = asked(Dialect::Anthropic, true);
    let first = client::ask(desk.sidecar.agents, &other);
    let second = async {
        within("the first request is there", begun.notified()).await;
        desk.turn(&["-p", "hi"]).await.well()
    };
    let refused = async {
        desk.sidecar.exchange("refused").await;
        free.notify_one();
    };
    let (first, ran, ()) = tokio::join!(first, second, refused);
    assert_eq!(first.status(), 200);
    assert_eq!(Claude::words(&ran), "Hello there");
    let retry = ran.line("a retry", |line| line["subtype"] == "api_retry");
    assert_eq!(retry["error"], "rate_limit");
    assert_eq!(desk.provider.seen().len(), 2);
}

#[tokio::test]
async fn the_tokens_of_its_overview_are_counted() {
    let provider = Provider::start(|request, mut wire| async move {
        assert_eq!(request.target(), "/v1/messages/count_tokens?beta=true");
        wire.json(200, br#"{"input_tokens":42}"#).await?;
        Ok(Some(wire))
    })
    .await;
    let desk = Desk::new(provider, "").await;
    let ran = desk.turn(&["-p", "/context"]).await.well();
    let (text, session) = (Claude::words(&ran), Claude::session(&ran));
    assert!(text.contains("| Messages | 42 |"), "{text}");
    let seen = desk.provider.seen();
    assert!(seen.len() > 10, "{}", seen.len());
    for request in &seen {
        assert_eq!(request.all("x-claude-code-session-id"), [session]);
        assert_eq!(request.all("x-api-key"), [KEY]);
    }
    let line = desk.sidecar.exchange("complete").await;
    assert_eq!(
        (&line["purpose"], &line["session"]),
        (&json!("token_count"), &json!(session))
    );
}

#[tokio::test]
async fn a_bearer_token_goes_up_as_one() {
    let provider = thinking(|_| HELLO.to_vec()).await;
    let desk = Desk::new(provider, "").await;
    let mut command = desk.command();
    command
        .env_remove("ANTHROPIC_API_KEY")
        .env("ANTHROPIC_AUTH_TOKEN", KEY);
    run(command.args(["-p", "hi"])).await.well();
    let seen = desk.provider.only();
    assert_eq!(seen.all("authorization"), [format!("Bearer {KEY}")]);
    assert_eq!(seen.header("x-api-key"), None);
}
