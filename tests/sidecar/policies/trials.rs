//! Trying policies out: `luthien policy test` and `luthien policy eval`.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::support::{sidecar::luthien, within};

const CASES: &str = r#"
policies:
  - { use: deny-tools, with: { tools: ["mcp__prod__*"] } }
  - { use: replace, with: { from: colour, to: color, in: both } }
cases:
  - name: nobody touches production
    reply:
      thinking: They want it gone.
      text: Let me clean up.
      tool_calls:
        - { name: mcp__prod__drop_table, input: { table: users } }
        - { name: Bash, input: { command: ls } }
    expect:
      verdict: block
      policy: deny-tools
      text_contains: [Let me clean up., mcp__prod__drop_table]
      tool_calls: [Bash]
  - name: tools that take free text
    reply: { tool_calls: [{ name: mcp__prod__sql, input: drop table users }] }
    expect: { verdict: block, tool_calls: [] }
  - name: spelling, both ways
    request: Which colour?
    model: a-model
    reply: The colour of the sky.
    expect:
      verdict: modify
      policy: replace
      text_contains: The color of the sky.
      upstream_contains: ["Which color?", '"model":"a-model"']
  - name: all else
    expect: { verdict: allow, tool_calls: [] }
  - name: a body as it came
    dialect: chat
    request: { model: m, messages: [{ role: user, content: Hi }], n: 1 }
    reply: { object: chat.completion, choices: [{ index: 0, message: { role: assistant, content: Hi }, finish_reason: stop }] }
    expect: { verdict: allow, text_contains: Hi, upstream_contains: '"n":1' }
  - name: a stream as it came
    dialect: chat
    reply:
      sse: |+
        data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"colour"}}]}

        data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

        data: [DONE]

    expect: { verdict: modify, text_contains: color }
"#;

async fn test(folder: &Path, cases: &str, more: &[&str]) -> Output {
    fs::write(folder.join("cases.yaml"), cases).unwrap();
    let arguments = [&["policy", "test", "cases.yaml"], more].concat();
    let output = luthien(folder).args(arguments).output();
    within("the command ends", output).await.unwrap()
}

#[tokio::test]
async fn cases_run_in_every_dialect_streamed_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let output = test(folder.path(), CASES, &[]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        shown,
        "cases.yaml
  ok    nobody touches production (6 ways)
  ok    tools that take free text (4 ways)
  ok    spelling, both ways (6 ways)
  ok    all else (6 ways)
  ok    a body as it came (1 way)
  ok    a stream as it came (1 way)

All 6 cases came out as expected.
"
    );
    assert!(output.status.success());
}

#[tokio::test]
async fn what_comes_out_otherwise_is_shown_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    for (expectation, complaint) in [
        (
            "verdict: allow",
            "verdict: expected allow, got modify (6 ways)",
        ),
        (
            "policy: other",
            "policy: expected other, got [replace] (6 ways)",
        ),
        (
            "text_contains: blue",
            "text: expected \"blue\", got \"color\" (6 ways)",
        ),
        (
            "tool_calls: [Bash]",
            "tool_calls: expected [Bash], got [] (6 ways)",
        ),
        ("upstream_contains: max_tokens", "(responses, whole)"),
    ] {
        let cases = format!(
            "policies: [{{ use: replace, with: {{ from: colour, to: color }} }}]\ncases: [{{ name: a, reply: colour, expect: {{ {expectation} }} }}]"
        );
        let output = test(folder.path(), &cases, &[]).await;
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("  WRONG a\n"), "{shown}");
        assert!(shown.contains(complaint), "{shown}");
        assert!(shown.contains("1 of 1 cases came out otherwise"), "{shown}");
    }
}

#[tokio::test]
async fn cases_without_policies_of_their_own_meet_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = "policies: [{ use: all-caps }]\n";
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let cases = "cases: [{ name: a, expect: { verdict: modify, text_contains: HELLO } }]";
    let output = test(folder.path(), cases, &["--config", "luthien.yaml"]).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let output = test(folder.path(), cases, &[]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("there are none to be tried out"), "{error}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn cases_that_are_wrong_themselves_are_named_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    for (case, expected) in [
        (
            "{ name: a }",
            "cases.yaml:2:9: cases.0: missing field `expect`",
        ),
        (
            "{ name: a, expect: {} }",
            "cases.yaml:2:20: cases.0.expect: whatever becomes of it is as expected",
        ),
        (
            "{ name: a, expect: { verdikt: allow } }",
            "cases.0.expect.verdikt: unknown key (did you mean `verdict`?)",
        ),
        (
            "{ name: a, reply: { tool_cals: [] }, expect: { verdict: allow } }",
            "cases.yaml:2:29: cases.0.reply.tool_cals: unknown key (did you mean `tool_calls`?)",
        ),
        (
            "{ name: a, reply: { tool_calls: [{ name: x, input: 7 }] }, expect: { verdict: allow } }",
            "cases.0.reply.tool_calls.0.input: expected keys and their values, or a text",
        ),
        (
            "{ name: a, request: { messages: [] }, expect: { verdict: allow } }",
            "cases.0: `dialect` is missing",
        ),
        (
            "{ name: a, expect: { text_contains: { a: b } } }",
            "cases.0.expect.text_contains: expected a text, or a list of texts",
        ),
    ] {
        let cases = format!("policies: [{{ use: noop }}]\ncases: [{case}]\n");
        let output = test(folder.path(), &cases, &[]).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            error.contains(expected),
            "{case}\nexpected {expected}\ngot      {error}"
        );
    }
}

/// `luthien policy eval`, which is asked line by line.
struct Eval {
    process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Eval {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = luthien(folder)
            .args(["policy", "eval"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take().unwrap(),
            lines: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        }
    }

    /// The answer, which comes before the next line is asked.
    async fn ask(&mut self, line: &str) -> String {
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
        let answer = within("an answer", self.lines.next_line()).await;
        answer.unwrap().unwrap()
    }

    async fn end(self) {
        let Self {
            mut process, input, ..
        } = self;
        drop(input);
        let ended = within("the command ends", process.wait()).await.unwrap();
        assert_eq!(ended.code(), Some(0));
    }
}

#[tokio::test]
async fn tool_calls_are_judged_line_by_line_and_no_line_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let uses = r#"deny-tools={"tools":["Bash","patch"],"arguments":[{"matches":"rm -rf"}]}"#;
    let mut eval = Eval::start(folder.path(), &["--use", uses]);
    let allowed = eval
        .ask(r#"{"id":{"a": 1.0},"tool":"Bash","input":{"command":"ls"},"cwd":"/","home":"/root"}"#)
        .await;
    assert_eq!(
        allowed,
        r#"{"id":{"a": 1.0},"verdict":"allow","policy":null,"reason":"","effects":[]}"#
    );
    for call in [
        r#"{"id":7,"tool":"Bash","input":{"command":"rm -rf /"}}"#,
        r#"{"id":7,"tool":"patch","input":"rm -rf \u002f"}"#,
        r#"{"id":7,"tool":"Ba\u0073h","input":{"command":"rm \u002drf /"}}"#,
    ] {
        let answer: Value = serde_json::from_str(&eval.ask(call).await).unwrap();
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["verdict"], "block", "{call}");
        assert_eq!(answer["policy"], "deny-tools");
        let effects = if call.contains("patch") {
            json!([])
        } else {
            json!(["delete(/)"])
        };
        assert_eq!(answer["effects"], effects, "{call}");
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains("this call is not allowed here"), "{reason}");
        // What was found is for the operator.
        assert!(!reason.contains("rm"), "{reason}");
    }
    for (line, reason) in [
        ("garbage", "invalid JSON"),
        ("7", "the line is no object"),
        (r#"{"input":{}}"#, "`tool` is missing"),
        (r#"{"tool":"Bash"}"#, "`input` is missing"),
        (
            r#"{"tool":"Bash","input":[]}"#,
            "`input` is neither an object nor a text",
        ),
        (
            r#"{"tool":"Bash","input":{},"cwd":7}"#,
            "`cwd` and `home` are texts",
        ),
        (
            r#"{"tool":"Bash","input":{"command":"ls","command":"rm -rf /"}}"#,
            "duplicate key",
        ),
    ] {
        let answer: Value = serde_json::from_str(&eval.ask(line).await).unwrap();
        assert_eq!(answer["verdict"], "error", "{line}");
        let said = answer["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{line}: {said}");
    }
    let again = eval.ask(r#"{"tool":"Read","input":{}}"#).await;
    assert!(
        again.starts_with(r#"{"id":null,"verdict":"allow""#),
        "{again}"
    );
    eval.end().await;
}

#[tokio::test]
async fn the_configured_policies_judge_and_conditions_may_ask_for_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let config = "policies: [{ use: deny-tools, name: careful, when: 'model == \"small\"', with: { tools: ['*'], remedy: ask } }]\n";
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let call = r#"{"tool":"Bash","input":{}}"#;
    for (model, verdict) in [("small", "block"), ("large", "allow")] {
        let arguments = ["--config", "luthien.yaml", "--model", model];
        let mut eval = Eval::start(folder.path(), &arguments);
        let answer: Value = serde_json::from_str(&eval.ask(call).await).unwrap();
        assert_eq!(answer["verdict"], verdict, "{answer}");
        eval.end().await;
    }
    let none = luthien(folder.path()).args(["policy", "eval"]).output();
    let none = within("the command ends", none).await.unwrap();
    assert_eq!(none.status.code(), Some(1));
    let error = String::from_utf8(none.stderr).unwrap();
    assert!(error.contains("there are no policies"), "{error}");
}
