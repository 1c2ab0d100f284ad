//! The README is true: its commands run, its configuration is one. (Its Rust runs with the documentation's examples.)

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::{
    client::{ask, post},
    good::reply,
    provider::Provider,
    replies::{Dialect, recorded},
    sidecar::Sidecar,
    within,
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(repository().join("README.md")).unwrap();
    let begin = format!("```{language}\n");
    let blocks = page.split(&begin).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// The commands of all shell blocks, without their remarks.
fn commands() -> Vec<String> {
    let blocks = blocks("sh").join("\n");
    let lines = blocks
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// A folder in which the README's commands run: the file that it shows, and programs that stand for those of its reader.
fn desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The page shows the file in pieces.
    let yaml = blocks("yaml").join("\n");
    fs::write(folder.path().join("luthien.yaml"), yaml).unwrap();
    let binary = env!("CARGO_BIN_EXE_luthien");
    let program = |name: &str, script: &str| {
        let file = folder.path().join("bin").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/bash\nset -eu\n{script}")).unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    };
    program("luthien", &format!("exec {binary} \"$@\""));
    // What cargo builds is built already.
    program(
        "cargo",
        &format!(
            "[ \"$1 $2\" = 'run --release' ]; shift 2; [ \"${{1:-}}\" != -- ] || shift; exec {binary} \"$@\""
        ),
    );
    // An agent that asks once, with what it finds in its environment.
    program(
        "claude",
        r#"exec 3<>"/dev/tcp/127.0.0.1/${ANTHROPIC_BASE_URL##*:}"
printf 'HEAD /api/hello HTTP/1.1\r\nhost: localhost\r\n\r\n' >&3
read -r line <&3
echo "$line""#,
    );
    folder
}

/// Ready to run in the folder, on ports that are free, in front of this provider.
fn shell(folder: &Path, command: &str, provider: Option<&Provider>) -> Command {
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("exec env {command}")])
        .kill_on_drop(true);
    shell.env_clear().env("HOME", folder).current_dir(folder);
    shell.env("PATH", format!("{}:{path}", folder.join("bin").display()));
    shell.env("ANTHROPIC_API_KEY", "sk-ant-of-the-reader");
    if let Some(provider) = provider {
        let upstreams = format!("{{ mock: {{ url: '{}' }} }}", provider.url());
        shell.env("LUTHIEN_UPSTREAMS", upstreams);
    }
    shell
}

/// Runs to its end, and gives what it has printed.
async fn run(folder: &Path, command: &str, provider: Option<&Provider>) -> String {
    let output = within(command, shell(folder, command, provider).output())
        .await
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{command}: {shown}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    shown
}

/// Tries a policy without an agent.
const EVAL: &str = r#"echo '{"id":"1","tool":"Bash","input":{"command":"ls"}}' | luthien policy eval --use 'deny-tools={"tools":["Bash"]}'"#;

#[tokio::test]
async fn a_policy_is_tried_without_an_agent() {
    let shown = run(desk().path(), EVAL, None).await;
    assert!(
        shown.contains(r#""id":"1""#) && shown.contains(r#""verdict":"block""#),
        "{shown}"
    );
}

/// Look at what was recorded.
const RECORD: [&str; 4] = [
    "luthien sessions --since 7d --verdict block",
    "luthien show 4f1c",
    "luthien search '\"drop table\"'",
    "luthien export --since 30d --format jsonl --output month.jsonl",
];

#[tokio::test]
async fn what_was_recorded_without_a_word_of_configuration_is_looked_at() {
    let desk = desk();
    let home = desk.path().to_str().unwrap();
    let provider = Provider::start(reply).await;
    let config = format!(
        "upstreams: {{ mock: {{ url: {} }} }}\npolicies: [{{ use: deny-tools, with: {{ tools: ['*'] }} }}]",
        provider.url()
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let mut sidecar = Sidecar::start_in(elsewhere, &config, &[("HOME", home)]).await;
    let headers = "x-api-key: sk-test\r\nx-claude-code-session-id: 4f1c2a77\r\n";
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Please DROP TABLE users"}],"stream":true}"#;
    let asked = post("/v1/messages", headers, body.as_bytes());
    assert_eq!(ask(sidecar.agents, &asked).await.status(), 200);
    sidecar.signal("TERM");
    assert!(sidecar.ended().await.unwrap().success());
    for command in &RECORD[..3] {
        let shown = run(desk.path(), command, None).await;
        assert!(
            shown.contains("Please DROP TABLE users"),
            "{command}: {shown}"
        );
    }
    run(desk.path(), RECORD[3], None).await;
    let exported = fs::read_to_string(desk.path().join("month.jsonl")).unwrap();
    assert_eq!(exported.lines().count(), 1);
}

#[test]
fn these_are_its_commands() {
    assert_eq!(
        commands(),
        [
            "cargo run --release",
            "scripts/test",
            "cargo run --release -- demo",
            "ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude",
            "luthien exec -- claude",
            "luthien --config luthien.yaml check",
            "luthien --config luthien.yaml keys new \"alice's laptop\" --user alice",
            EVAL,
            RECORD[0],
            RECORD[1],
            RECORD[2],
            RECORD[3],
        ],
        "every command is to be run by a test of this file"
    );
}

#[tokio::test]
async fn the_first_command_serves_and_says_how_to_point_each_client_at_it() {
    let desk = desk();
    let mut command = shell(desk.path(), "cargo run --release", None);
    command.envs([
        ("LUTHIEN_LISTEN", "127.0.0.1:0"),
        ("LUTHIEN_ADMIN__LISTEN", "127.0.0.1:0"),
        ("LUTHIEN_LOG__FORMAT", "human"),
    ]);
    let mut process = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut shown = String::new();
    while !shown.contains("Ctrl-C stops") {
        shown += &within("the introduction", lines.next_line())
            .await
            .unwrap()
            .expect("more lines");
    }
    for client in [
        "Claude Code",
        "Codex",
        "ANTHROPIC_BASE_URL=http://127.0.0.1:",
        "OPENAI_BASE_URL=http://127.0.0.1:",
    ] {
        assert!(shown.contains(client), "{client} is missing: {shown}");
    }
}

#[test]
fn the_second_command_is_there() {
    let script = fs::metadata(repository().join("scripts/test")).unwrap();
    assert_ne!(
        script.permissions().mode() & 0o111,
        0,
        "scripts/test cannot be run"
    );
}

#[tokio::test]
async fn the_demonstration_runs() {
    let shown = run(desk().path(), "cargo run --release -- demo", None).await;
    assert!(shown.contains("at both ends"), "{shown}");
}

#[tokio::test]
async fn an_agent_finds_the_sidecar_by_its_base_url() {
    let provider = Provider::saying(200, "", recorded(Dialect::Anthropic, false)).await;
    let sidecar = Sidecar::before(&provider, "").await;
    let command = "ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude"
        .replace("http://127.0.0.1:8000", &sidecar.base());
    assert_eq!(
        run(desk().path(), &command, None).await,
        "HTTP/1.1 200 X\r\n"
    );
    assert_eq!(provider.only().first, "HEAD /api/hello HTTP/1.1");
}

#[tokio::test]
async fn the_sidecar_starts_an_agent_itself() {
    let provider = Provider::saying(200, "", "").await;
    let shown = run(desk().path(), "luthien exec -- claude", Some(&provider)).await;
    assert_eq!(shown, "HTTP/1.1 200 X\r\n");
    assert_eq!(provider.only().first, "HEAD /api/hello HTTP/1.1");
}

#[tokio::test]
async fn its_configuration_is_fine_and_keys_can_be_made_for_it() {
    let desk = desk();
    let shown = run(desk.path(), "luthien --config luthien.yaml check", None).await;
    assert!(
        shown.contains("identity   keys") && shown.ends_with("The configuration is fine.\n"),
        "{shown}"
    );
    assert!(!shown.contains("sk-ant-of-the-reader"));
    let key = run(
        desk.path(),
        "luthien --config luthien.yaml keys new \"alice's laptop\" --user alice",
        None,
    )
    .await;
    assert!(key.trim().len() > 40, "{key}");
}
