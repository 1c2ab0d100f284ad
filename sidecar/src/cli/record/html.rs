//! A conversation as a file that a browser shows, and that loads and runs nothing.

use std::fmt::{self, Write};

use luthien::record::store::{Block, BlockKind, DecisionRow, Said, SessionRow, Turn};

use super::{cost, cost_of, times};

/// Everything before the first session. Nothing but the styles of this file has any effect.
pub(super) const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Conversations, as Luthien has recorded them</title>
<style>
:root { --text: #1d2129; --quiet: #5b6472; --back: #fff; --raised: #f4f5f7; --line: #d9dde3; --bad: #b3261e; --changed: #8a5a00; --own: #eef4ff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7ec; --quiet: #9aa4b2; --back: #15181d; --raised: #1e232a; --line: #343b46; --bad: #ff8a80; --changed: #f2c14e; --own: #1b2636 }
}
body { margin: 0 auto; max-width: 56rem; padding: 2rem 1rem 4rem; color: var(--text); background: var(--back); font: 16px/1.55 system-ui, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.3; overflow-wrap: anywhere }
section { margin-bottom: 4rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; color: var(--quiet); font-size: .875rem }
dd { margin: 0; overflow-wrap: anywhere }
article { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: .75rem }
.about, .role { color: var(--quiet); font-size: .8125rem; margin: .25rem 0 }
.message { margin: .75rem 0; padding: .5rem .875rem; border-radius: .5rem; background: var(--raised) }
.assistant { background: var(--own) }
.text, pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .375rem 0 }
pre { font: .8125rem/1.5 ui-monospace, monospace }
details { margin: .375rem 0; border-left: 3px solid var(--line); padding-left: .75rem }
summary { cursor: pointer; color: var(--quiet); font-size: .875rem }
.decision { border-left: 4px solid var(--changed); background: var(--raised); margin: .75rem 0; padding: .5rem .875rem }
.decision b { color: var(--changed) }
.refused { border-color: var(--bad) }
.refused b { color: var(--bad) }
</style>
</head>
<body>
"#;

/// Everything behind the last.
pub(super) const END: &str = "</body>\n</html>\n";

/// A text as text: nothing in it is markup, and nothing in it moves what stands around it.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                c if crate::log::is_hidden(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A session with its turns.
pub(super) fn session(session: &SessionRow, turns: &[Turn]) -> String {
    let mut page = Page(String::new());
    let title = session.preview.as_deref().unwrap_or(&session.session_id);
    let title = title.lines().next().unwrap_or_default();
    page.line(format_args!("<section>\n<h1>{}</h1>\n<dl>", Text(title)));
    let about = [
        ("session", session.session_id.clone()),
        ("from", times::moment(session.first_at)),
        ("to", times::moment(session.last_at)),
        ("users", session.users.join(", ")),
        ("models", session.models.join(", ")),
        ("client", session.client.clone().unwrap_or_default()),
        (
            "tokens",
            format!("{} in, {} out", session.input_tokens, session.output_tokens),
        ),
        ("cost", cost(session)),
        ("refused", session.blocked.to_string()),
        ("changed", session.modified.to_string()),
    ];
    for (name, value) in about.iter().filter(|(_, value)| !value.is_empty()) {
        page.line(format_args!("<dt>{name}</dt><dd>{}</dd>", Text(value)));
    }
    page.line(format_args!("</dl>"));
    for turn in turns {
        page.turn(turn);
    }
    page.line(format_args!("</section>"));
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, what: fmt::Arguments<'_>) {
        // A string takes everything.
        writeln!(self.0, "{what}").ok();
    }

    fn turn(&mut self, turn: &Turn) {
        let row = &turn.row;
        let mut about = vec![row.transaction_id.clone()];
        about.extend(row.started_at.map(times::moment));
        about.extend(row.purpose.clone().filter(|purpose| purpose != "turn"));
        about.extend(row.agent.clone());
        about.extend(row.answered_model.clone().or_else(|| row.model.clone()));
        about.extend(row.duration_us.map(times::took));
        about.extend(cost_of(row));
        about.extend(row.ending.clone().filter(|ending| ending != "ok"));
        self.line(format_args!(
            "<article>\n<p class=\"about\">{}</p>",
            Text(&about.join(" · "))
        ));
        if let (Some(before), false) = (&turn.follows, turn.continues) {
            self.line(format_args!(
                "<p class=\"about\">goes on from before the end of {}</p>",
                Text(before)
            ));
        }
        for said in &turn.messages {
            self.message(said);
        }
        for decision in &turn.decisions {
            if !matches!(&*decision.outcome, "allow" | "skipped") {
                self.decision(decision);
            }
        }
        self.line(format_args!("</article>"));
    }

    fn message(&mut self, said: &Said) {
        let role = match (said.role.as_deref(), said.is_reply) {
            (_, true) => "assistant",
            (Some(role), false) => role,
            (None, false) => "?",
        };
        let class = if role == "assistant" {
            "message assistant"
        } else {
            "message"
        };
        self.line(format_args!(
            "<div class=\"{class}\">\n<p class=\"role\">{}</p>",
            Text(role)
        ));
        if said.blocks.is_empty() {
            self.line(format_args!("<p class=\"about\">not kept</p>"));
        }
        for block in &said.blocks {
            self.block(block);
        }
        self.line(format_args!("</div>"));
    }

    fn block(&mut self, block: &Block) {
        let said = Text(block.text.as_deref().unwrap_or_default());
        match block.kind {
            BlockKind::Text | BlockKind::Refusal => {
                self.line(format_args!("<div class=\"text\">{said}</div>"));
            }
            BlockKind::Thinking => self.folded("thinking", &said),
            BlockKind::ToolResult => self.folded("result", &said),
            BlockKind::ToolCall => {
                let tool = Text(block.tool_name.as_deref().unwrap_or("a tool"));
                self.line(format_args!(
                    "<p class=\"role\">calls {tool}</p>\n<pre>{said}</pre>"
                ));
            }
            kind => {
                let place = Text(block.reference.as_deref().unwrap_or("inline"));
                self.line(format_args!(
                    "<p class=\"about\">{}: {place}</p>",
                    kind.name()
                ));
            }
        }
    }

    fn folded(&mut self, name: &str, said: &Text<'_>) {
        self.line(format_args!(
            "<details><summary>{name}</summary><pre>{said}</pre></details>"
        ));
    }

    fn decision(&mut self, decision: &DecisionRow) {
        let class = match &*decision.outcome {
            "modify" => "decision",
            _ => "decision refused",
        };
        let tool = decision.tool.as_deref().map(|tool| format!(" of {tool}"));
        let effect = if decision.applied {
            ""
        } else {
            ", without effect"
        };
        self.line(format_args!(
            "<p class=\"{class}\"><b>{}</b> by {}: {}{}{effect}. {}</p>",
            Text(&decision.outcome),
            Text(&decision.policy),
            Text(&decision.phase),
            Text(&tool.unwrap_or_default()),
            Text(&decision.reason),
        ));
    }
}
