//! The commands, as people and scripts use them.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{
    client::{ask, post},
    provider::Provider,
    replies::{Dialect, asked, recorded},
    sidecar::{Sidecar, luthien},
    within,
};

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = luthien(folder).args(arguments).output();
    within("the command ends", output).await.unwrap()
}

fn out(output: &Output) -> &str {
    assert!(output.status.success(), "{}", err(output));
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[tokio::test]
async fn the_demonstration_needs_nothing_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo"]).await;
    let shown = out(&output);
    assert_eq!(shown.matches("at both ends").count(), 7, "{shown}");
    for expected in [
        "calls   Bash {\"command\":\"git status --short\"}",
        "calls   mcp__prod__drop_table {\"table\":\"customers\"}",
        "says    Luthien blocked a call of the tool `mcp__prod__drop_table`",
        "1 of 2 calls has gone through",
        "decision=d-",
        "404 ",
        "400 ",
        "429 ",
        "end=complete",
        "end=refused",
    ] {
        assert!(shown.contains(expected), "{expected} is missing:\n{shown}");
    }
    assert_eq!(err(&output), "");
}

#[tokio::test]
async fn check_says_what_a_configuration_amounts_to_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["check"]).await;
    assert!(out(&output).ends_with("The configuration is fine.\n"));
    assert!(out(&output).contains("upstream   anthropic: https://api.anthropic.com (anthropic)"));

    fs::write(folder.path().join("luthien.yaml"), "listen: 0.0.0.0:8000\n").unwrap();
    let output = run(folder.path(), &["--config", "luthien.yaml", "check"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).starts_with(
            "luthien: luthien.yaml:1:1: listen: 0.0.0.0:8000 can be reached from other machines"
        ),
        "{}",
        err(&output)
    );
}

#[tokio::test]
async fn a_wrong_configuration_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--set", "limits.boddy=1MiB"][..], "did you mean `body`?"),
        (
            &["--listen", "0.0.0.0:0"][..],
            "can be reached from other machines",
        ),
        (
            &["--config", "nowhere.yaml"][..],
            "nowhere.yaml: the file cannot be read",
        ),
    ] {
        let output = run(folder.path(), arguments).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(expected), "{}", err(&output));
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = run(
        folder.path(),
        &["--listen", &address, "--admin", "127.0.0.1:0"],
    )
    .await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains(&address) && err(&output).contains("in use"),
        "{}",
        err(&output)
    );
}

#[tokio::test]
async fn the_schema_is_json_and_explains_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let schema: Value = serde_json::from_str(out(&run(folder.path(), &["schema"]).await)).unwrap();
    assert_eq!(schema["title"], "Config");
    assert!(schema["properties"]["limits"].is_object());
}

#[tokio::test]
async fn help_teaches_and_completion_scripts_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["--help"]).await;
    for expected in [
        "Examples:",
        "luthien exec -- claude",
        "--set <PATH=VALUE>",
        "LUTHIEN_CONFIG",
    ] {
        assert!(
            out(&help).contains(expected),
            "{expected} is missing:\n{}",
            out(&help)
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).await;
        assert!(out(&script).contains("luthien"));
    }
    let typo = run(folder.path(), &["chek"]).await;
    assert!(err(&typo).contains("check"), "{}", err(&typo));
}

#[tokio::test]
async fn a_key_is_shown_once_counts_at_once_and_not_after_it_was_revoked() {
    let provider = Provider::saying(
        200,
        "content-type: application/json\r\n",
        recorded(Dialect::Anthropic, false),
    )
    .await;
    let config = format!(
        "identity: {{ mode: keys, keys: keys.json }}\nupstreams: {{ mock: {{ url: {}, dialects: [anthropic], credential: '${{THEIRS}}' }} }}\n",
        provider.url()
    );
    let folder = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start_in(folder, &config, &[("THEIRS", "sk-upstream")]).await;
    let folder = sidecar.folder.path();
    let keys = async |arguments: &[&str]| {
        let output = luthien(folder)
            .env("THEIRS", "x")
            .args(["--config", "luthien.yaml", "keys"])
            .args(arguments)
            .output()
            .await;
        output.unwrap()
    };

    let made = keys(&[
        "new",
        "alice's laptop",
        "--user",
        "alice",
        "--expires",
        "90d",
    ])
    .await;
    let key = out(&made).trim().to_owned();
    assert!(key.starts_with("lk-") || key.len() > 40, "{key}");
    let listed: Value = serde_json::from_str(out(&keys(&["list", "--json"]).await)).unwrap();
    assert_eq!(listed[0]["name"], "alice's laptop");
    assert!(
        !fs::read_to_string(folder.join("keys.json"))
            .unwrap()
            .contains(&key)
    );
    assert!(!out(&keys(&["list"]).await).contains(&key));

    let read_again = |line: &Value| line["message"] == "the configuration was read again";
    sidecar.logged("the new key counts", read_again).await;
    let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
    let ours = post(
        "/v1/messages",
        &format!("authorization: Bearer {key}\r\n"),
        body,
    );
    assert_eq!(ask(sidecar.agents, &ours).await.status(), 200);
    let seen = provider.only();
    assert_eq!(seen.all("x-api-key"), ["sk-upstream"]);
    assert_eq!(seen.all("authorization"), [""; 0]);
    assert_eq!(sidecar.exchange("complete").await["user"], "alice");

    let id = listed[0]["id"].as_str().unwrap();
    out(&keys(&["revoke", id]).await);
    let refused = async {
        loop {
            let answer = ask(sidecar.agents, &ours).await;
            if answer.status() != 200 {
                return answer;
            }
        }
    };
    let refused = within("the key counts no more", refused).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json()["error"]["type"], "authentication_error");
    let again = keys(&["revoke", "nobody"]).await;
    assert_eq!(again.status.code(), Some(1));
}

#[tokio::test]
async fn exec_runs_a_program_with_the_right_environment_and_ends_as_it_ends() {
    let provider = Provider::saying(200, "", "").await;
    let folder = tempfile::tempdir().unwrap();
    let upstreams = format!("upstreams={{ mock: {{ url: '{}' }} }}", provider.url());
    let script = r#"
        printf '%s\n' "$ANTHROPIC_BASE_URL" "$OPENAI_BASE_URL"
        exit 7
    "#;
    let output = run(
        folder.path(),
        &["--set", &upstreams, "exec", "--", "sh", "-c", script],
    )
    .await;
    assert_eq!(output.status.code(), Some(7), "{}", err(&output));
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("http://127.0.0.1:"));
    assert_eq!(lines[1], format!("{}/v1", lines[0]));
    let log = fs::read_to_string(folder.path().join(".local/state/luthien/luthien.log")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["message"], json!("stopped"));
}

#[tokio::test]
async fn exec_carries_the_programs_requests() {
    let reply = recorded(Dialect::Chat, false);
    let provider = Provider::saying(200, "content-type: application/json\r\n", reply.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("request"), asked(Dialect::Chat, false)).unwrap();
    let upstreams = format!("upstreams={{ mock: {{ url: '{}' }} }}", provider.url());
    let script =
        r#"exec 3<>"/dev/tcp/127.0.0.1/${ANTHROPIC_BASE_URL##*:}"; cat request >&3; head -c 2 <&3"#;
    let output = run(
        folder.path(),
        &[
            "--set",
            &upstreams,
            "exec",
            "--log-file",
            "log",
            "--",
            "bash",
            "-c",
            script,
        ],
    )
    .await;
    assert_eq!(out(&output), "HT");
    assert_eq!(
        provider.only().body,
        luthien_core::testing::request(Dialect::Chat, false)
    );
    assert!(folder.path().join("log").exists());
}

#[tokio::test]
async fn exec_gives_the_program_a_key_where_keys_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let config = "identity: { mode: keys }\nupstreams: { mock: { url: 'http://127.0.0.1:9', credential: none } }\n";
    fs::write(folder.path().join("luthien.yaml"), config).unwrap();
    let arguments = [
        "--config",
        "luthien.yaml",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "exec",
        "--",
        "sh",
        "-c",
        "echo $ANTHROPIC_API_KEY",
    ];
    let output = run(folder.path(), &arguments).await;
    let key = out(&output).trim();
    assert!(key.len() > 40, "{key}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["exec", "--", "no-such-agent"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("no-such-agent cannot be started"),
        "{}",
        err(&output)
    );
}

#[tokio::test]
async fn told_to_stop_exec_tells_the_program_and_ends_as_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'exit 9' TERM; echo ready; while :; do read -r _; done";
    let mut process = luthien(folder.path())
        .args(["exec", "--", "bash", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = within("the program runs", lines.next_line()).await.unwrap();
    assert_eq!(line.as_deref(), Some("ready"));
    let id = process.id().unwrap().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(told.unwrap().success());
    let ended = within("both end", process.wait()).await.unwrap();
    assert_eq!(ended.code(), Some(9));
}
