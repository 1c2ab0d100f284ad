//! A conversation, to be read.

use std::fmt::Write;

use luthien::record::store::{Block, BlockKind, Said, SessionRow, Turn};

use super::{cost, cost_of, times};

/// A session with its turns.
pub(super) fn session(session: &SessionRow, turns: &[Turn]) -> String {
    let mut text = String::new();
    let title = session.preview.as_deref().unwrap_or(&session.session_id);
    let title = title.lines().next().unwrap_or_default();
    line(&mut text, format_args!("# {title}\n"));
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
        ("blocked", session.blocked.to_string()),
    ];
    for (name, value) in about.iter().filter(|(_, value)| !value.is_empty()) {
        line(&mut text, format_args!("- {name}: {value}"));
    }
    for turn in turns {
        self::turn(&mut text, turn);
    }
    text
}

fn turn(text: &mut String, turn: &Turn) {
    let row = &turn.row;
    let at = row.started_at.map(times::moment).unwrap_or_default();
    let mut about = vec![at];
    about.extend(row.purpose.clone().filter(|purpose| purpose != "turn"));
    about.extend(row.agent.clone());
    about.extend(row.answered_model.clone().or_else(|| row.model.clone()));
    about.extend(row.duration_us.map(times::took));
    about.extend(cost_of(row));
    about.extend(row.ending.clone().filter(|ending| ending != "ok"));
    line(
        text,
        format_args!("\n---\n\n`{}` {}\n", row.transaction_id, about.join(" · ")),
    );
    if let (Some(before), false) = (&turn.follows, turn.continues) {
        line(
            text,
            format_args!("*goes on from before the end of `{before}`*\n"),
        );
    }
    for said in &turn.messages {
        message(text, said);
    }
    let verdicts = turn.decisions.iter();
    let verdicts = verdicts.filter(|decision| !matches!(&*decision.outcome, "allow" | "skipped"));
    for decision in verdicts {
        let tool = decision.tool.as_deref().map(|tool| format!(" of `{tool}`"));
        let effect = if decision.applied {
            ""
        } else {
            ", without effect"
        };
        line(
            text,
            format_args!(
                "> **{}** by `{}`: {}{}{effect}. {}\n",
                decision.outcome,
                decision.policy,
                decision.phase,
                tool.unwrap_or_default(),
                decision.reason.replace('\n', " "),
            ),
        );
    }
}

fn message(text: &mut String, said: &Said) {
    let role = match (said.role.as_deref(), said.is_reply) {
        (_, true) => "assistant",
        (Some(role), _) => role,
        (None, _) => "?",
    };
    line(text, format_args!("**{role}**\n"));
    if said.blocks.is_empty() {
        line(text, format_args!("*(not kept)*\n"));
    }
    for block in &said.blocks {
        self::block(text, block);
    }
}

fn block(text: &mut String, block: &Block) {
    let said = block.text.as_deref().unwrap_or_default();
    match block.kind {
        BlockKind::Text | BlockKind::Refusal => line(text, format_args!("{said}\n")),
        BlockKind::Thinking => quoted(text, "thinking", said),
        BlockKind::ToolCall => {
            let tool = block.tool_name.as_deref().unwrap_or("a tool");
            quoted(text, &format!("calls {tool}"), said);
        }
        BlockKind::ToolResult => quoted(text, "result", said),
        kind => {
            let place = block.reference.as_deref().unwrap_or("inline");
            line(text, format_args!("*{}: {place}*\n", kind.name()));
        }
    }
}

/// A text between fences that are longer than any in it.
fn quoted(text: &mut String, name: &str, said: &str) {
    let longest = said
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    line(text, format_args!("{fence}{name}\n{said}\n{fence}\n"));
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    writeln!(text, "{what}").ok();
}
