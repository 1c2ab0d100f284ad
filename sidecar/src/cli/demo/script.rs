//! What is said in the demonstration.

use bytes::Bytes;
use luthien_core::Dialect;
use serde_json::{Value, json};

use crate::script::{Call, Said};

/// One exchange: what the agent asks, and what the provider answers.
pub(super) struct Scene {
    pub(super) title: &'static str,
    /// Who speaks before the model does, and what is said.
    pub(super) told: (&'static str, &'static str),
    pub(super) dialect: Dialect,
    pub(super) request: Bytes,
    /// What the model says.
    pub(super) reply: Said,
}

const QUESTION: &str = "Is there anything left to commit?";
const RESULT: &str = "M  src/parser.rs";

/// The policy of the demonstration: no tool that touches production.
pub(super) const POLICIES: &str = r#"[{ use: deny-tools, with: { tools: ["mcp__prod__*"] } }]"#;

/// What it does not let through.
pub(super) const FORBIDDEN: &str = "mcp__prod__drop_table";

/// A model that does more than it was asked for.
pub(super) fn overdone() -> Scene {
    let asked = "The old migrations are in the way. Clean up.";
    Scene {
        title: "Two tool calls, of which a policy lets one through: what an agent never gets it cannot run",
        told: ("you", asked),
        dialect: Dialect::Anthropic,
        request: bytes(
            &json!({"model": "claude-demo", "max_tokens": 1000, "stream": true, "messages": [{"role": "user", "content": asked}]}),
        ),
        reply: Said {
            calls: vec![
                call("Bash", json!({"command": "ls migrations"})),
                call(FORBIDDEN, json!({"table": "customers"})),
            ],
            ..said(
                "claude-demo",
                "I will look at the migrations, and drop what is in the way.",
            )
        },
    }
}

/// The conversation, from its beginning to its end.
pub(super) fn scenes() -> [Scene; 3] {
    let user = json!({"role": "user", "content": QUESTION});
    let called = json!({"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "git status --short"}});
    let turn = json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "I should look before I answer.", "signature": "c2lnbmVk"},
        {"type": "text", "text": "Let me look."},
        called,
    ]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": RESULT}]});
    let messages = |messages: &[&Value]| json!({"model": "claude-demo", "max_tokens": 1000, "stream": true, "messages": messages});
    [
        Scene {
            title: "Anthropic Messages, streamed: the model thinks, speaks, and calls a tool",
            told: ("you", QUESTION),
            dialect: Dialect::Anthropic,
            request: bytes(&messages(&[&user])),
            reply: Said {
                thinking: "I should look before I answer.".to_owned(),
                calls: vec![call("Bash", json!({"command": "git status --short"}))],
                ..said("claude-demo", "Let me look.")
            },
        },
        Scene {
            title: "The tool's result goes up with the whole conversation, and the model answers",
            told: ("result", RESULT),
            dialect: Dialect::Anthropic,
            request: bytes(&messages(&[&user, &turn, &result])),
            reply: said(
                "claude-demo",
                "Yes: a change to src/parser.rs is staged, and waits for its commit.",
            ),
        },
        Scene {
            title: "OpenAI Responses, streamed, through the same port",
            told: ("you", QUESTION),
            dialect: Dialect::Responses,
            request: bytes(
                &json!({"model": "gpt-demo", "stream": true, "store": false, "input": QUESTION}),
            ),
            reply: said(
                "gpt-demo",
                "I cannot see your working tree from here. Run git status, and I will read it with you.",
            ),
        },
    ]
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

fn said(model: &str, text: &str) -> Said {
    Said {
        model: model.to_owned(),
        text: text.to_owned(),
        ..Said::default()
    }
}

fn call(name: &str, input: Value) -> Call {
    Call {
        name: name.to_owned(),
        input,
    }
}
