//! The policy in Python, as a process that the stack asks.

use std::process::Stdio;

use luthien::policy::{Entry, Outcome, find, testing::Case};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::within;

/// The example, listening. It is killed when dropped.
struct Judge {
    url: String,
    _process: Child,
}

impl Judge {
    async fn start() -> Self {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/policy_over_http.py"
        );
        let mut process = Command::new("python3")
            .args([file, "0"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 is there");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within("the example", lines.next_line()).await.unwrap();
        let line = line.expect("it says where it listens");
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self {
            url,
            _process: process,
        }
    }

    fn entry(&self) -> Entry {
        let with = json!({"url": self.url, "watch": ["request", "tool_call", "text"], "conversation": true});
        find("http").unwrap().build(&with).unwrap()
    }
}

#[tokio::test]
async fn the_policy_in_python_refuses_a_forced_push_and_lets_the_rest_pass() {
    let judge = Judge::start().await;
    let seen = Case::of([judge.entry()])
        .reply_text("Let me push.")
        .reply_tool_call("Bash", json!({"command": "git push --force"}))
        .reply_tool_call("Bash", json!({"command": "git status"}))
        .run()
        .await;
    let left = json!({"command": "git status"});
    assert_eq!(seen.tool_calls(), [("Bash".to_owned(), left)]);
    let text = seen.text();
    assert!(text.contains("Let me push."), "{text}");
    assert!(text.contains("history is not rewritten here."), "{text}");
    assert!(text.contains("What to do: push without force."), "{text}");
    let mut outcomes = seen.outcomes();
    outcomes.retain(|outcome| *outcome != Outcome::Allow);
    assert_eq!(outcomes, [Outcome::Block]);
}
