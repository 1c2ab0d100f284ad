//! Looking at policies: `luthien policy list`, `show`, `check`, `explain`.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::support::{
    replies::{Dialect, recorded, request},
    sidecar::luthien,
    within,
};

async fn policy(folder: &Path, arguments: &[&str]) -> Output {
    let output = luthien(folder).arg("policy").args(arguments).output();
    within("the command ends", output).await.unwrap()
}

fn out(output: &Output) -> &str {
    assert!(output.status.success(), "{}", err(output));
    assert_eq!(err(output), "");
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[tokio::test]
async fn every_policy_is_listed_and_explained_with_an_example_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let listed = policy(folder.path(), &["list"]).await;
    assert!(out(&listed).contains("None of them is active"));
    let lines = out(&listed).lines().skip(2);
    let names: Vec<_> = lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(
        names.contains(&"deny-tools") && names.len() >= 7,
        "{names:?}"
    );
    for name in names {
        let shown = policy(folder.path(), &["show", name]).await;
        let example = out(&shown).split("In the configuration:\n").nth(1).unwrap();
        let example = example.split("\nThe settings").next().unwrap();
        fs::write(folder.path().join("example.yaml"), example).unwrap();
        let checked = policy(folder.path(), &["check", "example.yaml"]).await;
        assert!(out(&checked).starts_with("example.yaml: the policies are fine."));
        let schema = policy(folder.path(), &["show", name, "--schema"]).await;
        let schema: Value = serde_json::from_str(out(&schema)).unwrap();
        assert_eq!(schema["type"], "object");
    }
    let unknown = policy(folder.path(), &["show", "deny-tool"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        err(&unknown).contains("did you mean \"deny-tools\"?"),
        "{}",
        err(&unknown)
    );
}

#[tokio::test]
async fn those_that_are_active_are_listed_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = "
identity: { mode: keys }
upstreams: { a: { url: 'http://x', credential: '${NOT_SET_HERE}' } }
policies:
  - { use: noop, system: true, deadline: 50ms, when: 'model == \"x\"' }
  - parallel: { decide: any_block, of: [{ use: deny-tools, name: a, with: { tools: [z] } }, { use: deny-tools, with: { tools: [x] } }] }
    name: reviewers
    mode: observe
";
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let listed = policy(folder.path(), &["list", "--config", "luthien.yaml"]).await;
    let shown = out(&listed)
        .split("in which they judge:\n\n")
        .nth(1)
        .unwrap();
    let rows: Vec<Vec<_>> = shown
        .lines()
        .map(|line| {
            line.split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    assert_eq!(
        rows,
        [
            vec![
                "NAME", "POLICY", "MODE", "FAIL", "DEADLINE", "SYSTEM", "WHEN"
            ],
            vec![
                "noop",
                "noop",
                "enforce",
                "closed",
                "50ms",
                "yes",
                "model == \"x\""
            ],
            vec![
                "reviewers",
                "any_block of a, deny-tools",
                "observe",
                "closed",
                "-",
                "-",
                "-"
            ],
        ]
    );
}

#[tokio::test]
async fn check_looks_at_every_file_and_ends_with_1_if_one_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    file("good.yaml", "limitz: 1\npolicies: [{ use: noop }]\n");
    file("none.yaml", "listen: 127.0.0.1:1\n");
    file("bad.yaml", "policies:\n  - { use: nope }\n");
    file("worse.yaml", "policies: [\n");
    let files = ["check", "bad.yaml", "good.yaml", "worse.yaml", "none.yaml"];
    let checked = policy(folder.path(), &files).await;
    assert_eq!(checked.status.code(), Some(1));
    let shown = String::from_utf8(checked.stdout.clone()).unwrap();
    assert!(
        shown.contains("good.yaml: the policies are fine."),
        "{shown}"
    );
    assert!(
        shown.contains("none.yaml: there are no policies."),
        "{shown}"
    );
    assert!(
        err(&checked).contains("luthien: bad.yaml:2:7: policies.0.use: "),
        "{}",
        err(&checked)
    );
    assert!(
        err(&checked).contains("luthien: worse.yaml:"),
        "{}",
        err(&checked)
    );
}

#[tokio::test]
async fn a_captured_exchange_is_explained_in_every_dialect_streamed_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    for dialect in Dialect::ALL {
        for stream in [true, false] {
            let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
            let (request, reply) = (
                text(request(dialect, stream)),
                text(recorded(dialect, stream)),
            );
            // As objects where they are some, as texts, and with the path where they went.
            let reply_json = if stream {
                json!(reply).to_string()
            } else {
                reply
            };
            let exchange = format!(
                r#"{{"path":"{}?beta=true","request":{request},"reply":{reply_json}}}"#,
                dialect.path()
            );
            let untold = exchange.split_once(',').unwrap().1;
            for exchange in [exchange.clone(), format!("{{{untold}")] {
                fs::write(folder.path().join("exchange.json"), exchange).unwrap();
                let uses = r#"deny-tools={"tools":["Read","read"]}"#;
                let arguments = ["explain", "exchange.json", "--use", uses, "--use", "noop"];
                let output = policy(folder.path(), &arguments).await;
                let shown = out(&output);
                let form = if stream { "streamed" } else { "whole" };
                let head = format!("{} request, {form} reply\n", dialect.name());
                assert!(shown.starts_with(&head), "{shown}");
                assert_eq!(
                    shown.matches("(enforce): block, denied_tool, ").count(),
                    1,
                    "{shown}"
                );
                assert_eq!(shown.matches("(enforce): allow, ").count(), 1, "{shown}");
                assert!(shown.contains("Watched by nobody: "), "{shown}");
                assert!(shown.contains("All in all: block."), "{shown}");
                assert!(
                    shown.contains("The request is sent up byte for byte."),
                    "{shown}"
                );
                assert!(
                    shown.contains("Luthien blocked a call of the tool"),
                    "{shown}"
                );
                assert_eq!(shown.matches("It is to run ").count(), 1, "{shown}");
            }
        }
    }
    let output = policy(
        folder.path(),
        &["explain", "exchange.json", "--use", "noop"],
    )
    .await;
    assert!(
        out(&output).contains("The reply arrives byte for byte."),
        "{}",
        out(&output)
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (exchange, expected) in [
        ("{", "exchange.json: "),
        (r#"{"reply":{}}"#, "`request` is missing"),
        (r#"{"request":{}}"#, "`reply` is missing"),
        (
            r#"{"request":{},"reply":{},"path":"/v1/models"}"#,
            "`path`: ",
        ),
        (
            r#"{"request":{},"reply":{},"dialect":"french"}"#,
            "`dialect`: expected anthropic",
        ),
    ] {
        fs::write(folder.path().join("exchange.json"), exchange).unwrap();
        let output = policy(
            folder.path(),
            &["explain", "exchange.json", "--use", "noop"],
        )
        .await;
        assert_eq!(output.status.code(), Some(1), "{exchange}");
        assert!(
            err(&output).contains(expected),
            "{exchange}: {}",
            err(&output)
        );
    }
    let none = policy(folder.path(), &["explain", "exchange.json"]).await;
    assert!(
        err(&none).contains("there are no policies"),
        "{}",
        err(&none)
    );
}
