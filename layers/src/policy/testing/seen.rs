use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::CONTENT_TYPE};
use luthien_core::{
    Dialect,
    decision::{Decision, Outcome, Phase, Severity},
    request::BlockKind,
    testing::protocol::{View, check},
};
use serde_json::{Value, json};

use super::case::Noted;

/// What came of a [`Case`](super::Case).
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// In which of the ways it was played.
    way: String,
    form: Option<(Dialect, bool)>,
    status: StatusCode,
    headers: HeaderMap,
    view: View,
    body: String,
    upstream: Option<Value>,
    decisions: Vec<Decision>,
    emitted: Vec<(Severity, String)>,
}

impl Seen {
    pub(super) fn read(
        way: String,
        form: (Dialect, bool),
        answered: Option<Response<Result<Bytes, String>>>,
        asked: Option<Bytes>,
        noted: &Noted,
    ) -> Self {
        let (head, body) = answered
            .unwrap_or(Response::new(Ok(Bytes::new())))
            .into_parts();
        let body = body.unwrap_or_else(|error| {
            assert!(error.is_empty(), "{way}: the reply was cut: {error}");
            Bytes::new()
        });
        let text = String::from_utf8_lossy(&body).into_owned();
        let content_type = head
            .headers
            .get(CONTENT_TYPE)
            .map(http::HeaderValue::as_bytes);
        let streamed = content_type.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let view = check(form.0, streamed, &body).unwrap_or_else(|error| {
            assert!(
                error.is_empty(),
                "{way}: the reply breaks a rule: {error}\n{text}"
            );
            View::default()
        });
        Self {
            way,
            form: Some(form),
            status: head.status,
            headers: head.headers,
            view,
            body: text,
            upstream: asked.and_then(|body| serde_json::from_slice(&body).ok()),
            decisions: noted.decisions(),
            emitted: noted.emitted(),
        }
    }

    /// The status of the reply.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header of the reply.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of the reply, in the first of the ways in which it was played.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Whether the reply is an error, or ends in one.
    pub fn is_error(&self) -> bool {
        !self.status.is_success() || self.view.error.is_some()
    }

    /// All the text that the client shows: blocks, with a blank line between them.
    pub fn text(&self) -> String {
        self.of(BlockKind::Text).join("\n\n")
    }

    /// All the thinking.
    pub fn thinking(&self) -> String {
        self.of(BlockKind::Thinking).join("\n\n")
    }

    fn of(&self, kind: BlockKind) -> Vec<&str> {
        let blocks = self.view.blocks.iter();
        let blocks = blocks.filter(|block| block.kind == kind);
        blocks.map(|block| block.text.as_str()).collect()
    }

    /// The calls that the client runs: the tools and their arguments; arguments that are no JSON, as a text.
    pub fn tool_calls(&self) -> Vec<(String, Value)> {
        let blocks = self.view.blocks.iter();
        blocks
            .filter(|block| block.kind == BlockKind::ToolCall)
            .map(|block| {
                let input = serde_json::from_str(&block.input);
                let input = input.unwrap_or_else(|_| block.input.clone().into());
                (block.name.clone().unwrap_or_default(), input)
            })
            .collect()
    }

    /// What the client's next request has more than the one before: the calls that it got, and their results.
    pub(super) fn carried_on(&self) -> Vec<Value> {
        let calls = self.view.blocks.iter();
        let calls: Vec<_> = calls
            .filter(|block| block.kind == BlockKind::ToolCall)
            .map(|block| {
                let (id, name) = (block.id.as_deref(), block.name.as_deref());
                (
                    id.unwrap_or_default(),
                    name.unwrap_or_default(),
                    block.input.as_str(),
                )
            })
            .collect();
        if calls.is_empty() {
            return vec![
                json!({ "role": "assistant", "content": self.text() }),
                json!({ "role": "user", "content": "Go on." }),
            ];
        }
        match self.form.map(|(dialect, _)| dialect) {
            Some(Dialect::Chat) => {
                let made = calls.iter().map(|(id, name, input)| {
                    let function = json!({ "name": name, "arguments": input });
                    json!({ "id": id, "type": "function", "function": function })
                });
                let made: Vec<_> = made.collect();
                let made = json!({ "role": "assistant", "content": null, "tool_calls": made });
                let results = calls.iter().map(
                    |(id, ..)| json!({ "role": "tool", "tool_call_id": id, "content": "ok" }),
                );
                std::iter::once(made).chain(results).collect()
            }
            Some(Dialect::Responses) => calls
                .iter()
                .flat_map(|(id, name, input)| {
                    [
                        json!({ "type": "function_call", "call_id": id, "name": name, "arguments": input }),
                        json!({ "type": "function_call_output", "call_id": id, "output": "ok" }),
                    ]
                })
                .collect(),
            _ => {
                let made = calls.iter().map(|(id, name, input)| {
                    let input: Value = serde_json::from_str(input).unwrap_or_default();
                    json!({ "type": "tool_use", "id": id, "name": name, "input": input })
                });
                let results = calls.iter().map(
                    |(id, ..)| json!({ "type": "tool_result", "tool_use_id": id, "content": "ok" }),
                );
                vec![
                    json!({ "role": "assistant", "content": made.collect::<Vec<_>>() }),
                    json!({ "role": "user", "content": results.collect::<Vec<_>>() }),
                ]
            }
        }
    }

    /// Why the model stopped, in the words of Anthropic: `end_turn`, `tool_use`, `max_tokens`; what other dialects say is
    /// translated. Empty if there was none.
    pub fn stop_reason(&self) -> &str {
        let word = self.view.stops.values().next().map_or("", String::as_str);
        match word {
            // The Responses do not tell apart whether there are calls.
            "completed" if !self.tool_calls().is_empty() => "tool_use",
            "stop" | "completed" => "end_turn",
            "tool_calls" | "function_call" => "tool_use",
            "length" | "max_output_tokens" | "incomplete" => "max_tokens",
            word => word,
        }
    }

    /// What was decided, in order.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What came of each decision, in order.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.decisions
            .iter()
            .map(|decision| decision.outcome)
            .collect()
    }

    /// What policies told the operator beside their verdicts.
    pub fn emitted(&self) -> &[(Severity, String)] {
        &self.emitted
    }

    /// The request as it came to the provider; `None` if it did not.
    pub fn upstream_request(&self) -> Option<&Value> {
        self.upstream.as_ref()
    }

    /// Fails unless the other is the same to the client and to the operator.
    pub(super) fn assert_same(&self, other: &Self) {
        let pair = format!("\n  {}\nand\n  {}\ndiffer", self.way, other.way);
        let error = self.is_error();
        assert_eq!(error, other.is_error(), "{pair} in whether it is an error");
        if error {
            // A stream may have begun before the error came up.
            return;
        }
        assert_eq!(self.status, other.status, "{pair} in status");
        // Whole and streamed, what is added may stand in the text before it or behind.
        if self.form == other.form {
            let (texts, others) = (self.normal_texts(), other.normal_texts());
            assert_eq!(texts, others, "{pair} in text");
        }
        let (lines, others) = (self.normal_lines(), other.normal_lines());
        assert_eq!(lines, others, "{pair} in text");
        assert_eq!(self.thinking(), other.thinking(), "{pair} in thinking");
        assert_eq!(
            self.tool_calls(),
            other.tool_calls(),
            "{pair} in tool calls"
        );
        assert_eq!(
            self.stop_reason(),
            other.stop_reason(),
            "{pair} in the reason to stop"
        );
        // Chat makes one text of all there are, and one thought, so less is decided there.
        let all = self.form.map(|(dialect, _)| dialect) == other.form.map(|(dialect, _)| dialect);
        assert_eq!(
            self.normal_decisions(all),
            other.normal_decisions(all),
            "{pair} in decisions"
        );
        assert_eq!(self.emitted, other.emitted, "{pair} in what was emitted");
        assert_eq!(
            self.upstream.is_some(),
            other.upstream.is_some(),
            "{pair} in whether the provider was asked"
        );
    }

    /// The texts, without what is random in them: the names of decisions.
    fn normal_texts(&self) -> Vec<String> {
        let normal = |text: &str| {
            let mut parts = text.split("Decision d-");
            let mut normal = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                normal.push_str("Decision …");
                normal.extend(part.chars().skip_while(char::is_ascii_hexdigit));
            }
            normal
        };
        self.of(BlockKind::Text).into_iter().map(normal).collect()
    }

    /// All lines of the texts: how many are blank between two texts is a matter of the dialect.
    fn normal_lines(&self) -> Vec<String> {
        let text = self.normal_texts().join("\n");
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(str::to_owned).collect()
    }

    /// The decisions, without what is random in them, and in an order of their own: a stream may end its blocks otherwise
    /// than a whole reply lists them.
    fn normal_decisions(&self, all: bool) -> Vec<String> {
        let mut normal: Vec<_> = self
            .decisions
            .iter()
            .filter(|decision| all || !matches!(decision.phase, Phase::Text | Phase::Thinking))
            .map(|decision| {
                format!(
                    "{} {} {:?} {:?} applied: {} {:?}",
                    decision.policy,
                    decision.phase.name(),
                    decision.tool,
                    decision.outcome,
                    decision.applied,
                    decision.code
                )
            })
            .collect();
        normal.sort();
        normal
    }
}
