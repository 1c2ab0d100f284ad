//! `luthien coverage`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, ValueEnum};
use luthien::record::store::{CoverageReport, ExchangeFilter, KindCoverage, Store};

use super::{Failure, Settings, ask, counted, say, short, times};
use crate::cli::table;

pub(in super::super) const HELP: &str = "\
What is not judged by any policy has a reason:
  unwatched             no policy watches such things
  untold                nothing is known but that they were there: no policy was configured, or the exchange was
                        recorded elsewhere
  skipped: condition    no policy's `when` holds for it
  skipped: refused      an earlier policy had refused already
  skipped: opaque       nobody can read it
  skipped: overload     there was no room for one more evaluation off the hot path
  skipped: client_gone  the client left before there was an answer
  failed: REASON        panic, tripped, late, error, invalid, too_large

Examples:
  luthien coverage --since 7d
  luthien coverage --user alice --kind text --json
";

/// So many tools are listed.
const TOOLS: usize = 20;

#[derive(Debug, Args)]
pub(in super::super) struct Coverage {
    /// What was asked since then: a time ago (`7d`, `12h`) or a date (`2026-11-28`, `2026-11-28T09:30:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = times::past)]
    since: Option<i64>,
    /// What was asked before then.
    #[arg(long, value_name = "WHEN", value_parser = times::past)]
    until: Option<i64>,
    /// What this person asked.
    #[arg(long)]
    user: Option<String>,
    /// What this model was asked.
    #[arg(long)]
    model: Option<String>,
    /// Things of which kind.
    #[arg(long, value_enum, default_value_t = Kind::ToolCall)]
    kind: Kind,
    /// As JSON, one object with all kinds.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// Requests.
    Request,
    /// Texts of replies.
    Text,
    /// The model's thinking.
    Thinking,
    /// Calls of tools.
    ToolCall,
    /// Ends of replies.
    End,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Text => "text",
            Self::Thinking => "thinking",
            Self::ToolCall => "tool_call",
            Self::End => "end",
        }
    }

    /// One, and many.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Request => ["request", "requests"],
            Self::Text => ["text", "texts"],
            Self::Thinking => ["block of thinking", "blocks of thinking"],
            Self::ToolCall => ["tool call", "tool calls"],
            Self::End => ["end of a reply", "ends of replies"],
        }
    }
}

pub(in super::super) fn run(settings: &Settings, coverage: &Coverage) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let filter = ExchangeFilter {
            from: coverage.since,
            until: coverage.until,
            user: coverage.user.clone(),
            model: coverage.model.clone(),
        };
        let report = store.coverage(&filter).await?;
        if coverage.json {
            say(&serde_json::to_string(&report)?)?;
        } else {
            print(&report, coverage.kind)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn print(report: &CoverageReport, kind: Kind) -> Result<(), Failure> {
    let none = KindCoverage::default();
    let found = report.kinds.get(kind.name()).unwrap_or(&none);
    let things = counted(found.things, kind.words());
    let exchanges = counted(report.exchanges, ["exchange", "exchanges"]);
    if found.things == 0 {
        say(&format!("There are no {} in {exchanges}.", kind.words()[1]))?;
        return Ok(());
    }
    let share = share(found.judged, found.things);
    say(&format!(
        "{things} in {exchanges}: {share} judged by a policy, at least one."
    ))?;
    if report.more > 0 {
        let more = counted(report.more, ["thing", "things"]);
        say(&format!(
            "Beyond those, {more} in very long replies were not told apart."
        ))?;
    }
    if !found.policies.is_empty() {
        let head = [
            "policy",
            "judged",
            "share",
            "allow",
            "modify",
            "block",
            "ask",
            "not judged",
        ];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        for (name, policy) in &found.policies {
            let said = |outcome: &str| policy.outcomes.get(outcome).copied().unwrap_or_default();
            let mut line = vec![
                short(name, 40),
                policy.judged.to_string(),
                self::share(policy.judged, policy.things),
            ];
            line.extend(
                ["allow", "modify", "block", "ask"].map(|outcome| said(outcome).to_string()),
            );
            line.push(reasons(&policy.not_judged));
            lines.push(line);
        }
        say("")?;
        table(&lines)?;
    }
    if !found.not_judged.is_empty() {
        let mut lines = vec![vec![
            "judged by none".to_owned(),
            kind.words()[1].to_owned(),
        ]];
        let mut counts: Vec<_> = found.not_judged.iter().collect();
        counts.sort_by_key(|(_, count)| u64::MAX - **count);
        lines.extend(
            counts
                .iter()
                .map(|(name, count)| vec![short(name, 40), count.to_string()]),
        );
        say("")?;
        table(&lines)?;
    }
    tools(found)
}

/// The tools of which most calls were not judged.
fn tools(found: &KindCoverage) -> Result<(), Failure> {
    let mut tools: Vec<_> = found.tools.iter().collect();
    if tools.is_empty() {
        return Ok(());
    }
    tools.sort_by_key(|(_, tool)| {
        (
            u64::MAX - (tool.things - tool.judged),
            u64::MAX - tool.things,
        )
    });
    let head = ["tool", "calls", "judged", "share"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(tools.iter().take(TOOLS).map(|(name, tool)| {
        vec![
            short(name, 40),
            tool.things.to_string(),
            tool.judged.to_string(),
            share(tool.judged, tool.things),
        ]
    }));
    if let Some(rest @ 1..) = tools.len().checked_sub(TOOLS) {
        lines.push(vec![format!("and {rest} more")]);
    }
    say("")?;
    Ok(table(&lines)?)
}

/// In percent. It is 100 only if nothing is missing, and 0 only if all is.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let permille = u128::from(part) * 1_000 / u128::from(whole);
    let permille = if part > 0 { permille.max(1) } else { permille };
    format!("{}.{} %", permille / 10, permille % 10)
}

fn reasons(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| u64::MAX - **count);
    let reasons = counts.iter().map(|(name, count)| format!("{count} {name}"));
    short(&reasons.collect::<Vec<_>>().join(", "), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_only_if_nothing_is_missing() {
        for (part, whole, shown) in [
            (0, 0, "-"),
            (0, 5, "0.0 %"),
            (1, 1_000_000, "0.1 %"),
            (1, 3, "33.3 %"),
            (999_999, 1_000_000, "99.9 %"),
            (7, 7, "100.0 %"),
        ] {
            assert_eq!(share(part, whole), shown);
        }
    }
}
