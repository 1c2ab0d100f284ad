//! `luthien policy explain`.

use std::{fs, path::PathBuf, process::ExitCode};

use bytes::Bytes;
use clap::Args;
use luthien_core::{
    Dialect,
    decision::{Decision, Outcome},
    json::{Document, Json, Limits},
};
use tokio::runtime::Builder;

use super::{Failure, Settings, chosen::Uses, say, say_indented};
use crate::{
    policy::why,
    trial::{Scenario, Tried},
};

pub(super) const HELP: &str = r#"The file is a JSON object:

  request  The body that the client sent: an object, or a text with JSON in it.
  reply    The body that came back: an object, or the text of a stream, with its `event:` and `data:` lines.
  path     Where the request went, such as "/v1/messages"; or
  dialect  anthropic, chat or responses. Both may be left out where the bodies tell.

Nothing is sent anywhere, and nothing is remembered: policies that look at earlier turns find none.

Examples:
  luthien --config luthien.yaml policy explain exchange.json
  luthien policy explain exchange.json --use 'deny-tools={"tools":["mcp__prod__*"]}'
"#;

#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// The captured exchange.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    uses: Uses,
}

pub(super) fn run(settings: &Settings, explain: &Explain) -> Result<ExitCode, Failure> {
    let trial = explain.uses.or_configured(settings)?;
    let name = explain.file.display();
    let bytes = fs::read(&explain.file).map_err(|error| format!("{name}: {error}"))?;
    let document = Document::parse(bytes.into(), &Limits::default())
        .map_err(|error| format!("{name}: {error}"))?;
    let scenario = scenario(document.root()).map_err(|error| format!("{name}: {error}"))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let tried = runtime.block_on(trial.run(&scenario));
    show(&scenario, &tried)?;
    Ok(ExitCode::SUCCESS)
}

/// The body under this name: of an object the bytes that stand there, of a text what it says.
fn body(root: Json<'_>, name: &str) -> Option<Bytes> {
    let body = root.get(name)?;
    Some(match body.as_str() {
        Some(text) => text.decode().into_owned().into(),
        None => Bytes::copy_from_slice(body.text()),
    })
}

fn scenario(root: Json<'_>) -> Result<Scenario, String> {
    let request = body(root, "request").ok_or("`request` is missing")?;
    let reply = body(root, "reply").ok_or("`reply` is missing")?;
    let streamed = !reply.trim_ascii_start().starts_with(b"{");
    Ok(Scenario {
        dialect: dialect(root, &request, &reply)?,
        request,
        reply: vec![reply],
        streamed,
    })
}

fn dialect(root: Json<'_>, request: &Bytes, reply: &[u8]) -> Result<Dialect, String> {
    let all = Dialect::ALL.into_iter();
    let text = |name| root.get(name).and_then(|text| text.as_str());
    if let Some(name) = text("dialect") {
        let found = all.clone().find(|dialect| name.is(dialect.name()));
        return found.ok_or_else(|| "`dialect`: expected anthropic, chat or responses".to_owned());
    }
    if let Some(path) = text("path") {
        let path = path.decode();
        let path = path.split('?').next().unwrap_or_default();
        let found = all.clone().find(|dialect| path == dialect.path());
        return found.ok_or_else(|| "`path`: it is none on which models are called".to_owned());
    }
    let asked = Document::parse(request.clone(), &Limits::default());
    let asked = asked.map_err(|error| format!("`request`: {error}"))?;
    // Only the Responses have no messages; and only Chat's replies have choices.
    let says = |word: &[u8]| reply.windows(word.len()).any(|window| window == word);
    Ok(if asked.root().get("input").is_some() {
        Dialect::Responses
    } else if says(b"\"choices\"") {
        Dialect::Chat
    } else {
        Dialect::Anthropic
    })
}

fn show(scenario: &Scenario, tried: &Tried) -> Result<(), Failure> {
    let form = if scenario.streamed {
        "streamed"
    } else {
        "whole"
    };
    say(&format!(
        "{} request, {form} reply\n",
        scenario.dialect.name()
    ))?;
    if tried.decisions.is_empty() {
        say("No policy had anything to look at here.")?;
    }
    for decision in &tried.decisions {
        show_decision(decision)?;
    }
    for remark in &tried.remarks {
        let (policy, severity) = (&remark.policy, remark.severity.name());
        say_indented(
            "  ",
            &format!("{policy} remarks ({severity}): {}", remark.words),
        )?;
    }
    let unwatched = tried
        .coverage
        .things()
        .iter()
        .filter(|thing| thing.looks.is_empty());
    let unwatched: Vec<_> = unwatched.map(|thing| thing.phase.name()).collect();
    if !unwatched.is_empty() {
        say(&format!("  Watched by nobody: {}", unwatched.join(", ")))?;
    }
    say(&format!(
        "\nAll in all: {}.",
        tried.verdict(scenario).name()
    ))?;
    match &tried.asked {
        None => say("  The request is not sent up.")?,
        Some(asked) if *asked != scenario.request => say("  The request is changed.")?,
        Some(_) => say("  The request is sent up byte for byte.")?,
    }
    if tried.reply == scenario.reply.concat() {
        say("  The reply arrives byte for byte.")?;
        return Ok(());
    }
    if let Some(error) = &tried.seen.error {
        say(&format!(
            "  The client gets an error ({}):",
            tried.status.as_u16()
        ))?;
        say_indented("    | ", error)?;
    }
    if !tried.seen.text.is_empty() {
        say("  The client reads:")?;
        say_indented("    | ", &tried.seen.text)?;
    }
    for call in &tried.seen.calls {
        say_indented("  ", &format!("It is to run {} {}", call.name, call.input))?;
    }
    Ok(())
}

/// `tool_call Bash · deny-tools@0a1b2c (enforce): block, denied_tool, 0.012 ms`
fn show_decision(decision: &Decision) -> Result<(), Failure> {
    let tool = decision.tool.as_deref().map(|tool| format!(" {tool}"));
    let version = Some(&*decision.version).filter(|version| !version.is_empty());
    let said = match (decision.outcome, why(decision.outcome)) {
        (Outcome::Skipped(_), Some(why)) => format!("not asked ({why})"),
        (Outcome::Failed(_), Some(why)) => format!("failed ({why})"),
        (outcome, _) => outcome.name().to_owned(),
    };
    let code = Some(&*decision.code).filter(|code| !code.is_empty());
    let effect = match decision.outcome {
        Outcome::Allow | Outcome::Skipped(_) => "",
        _ if decision.applied => "",
        _ => ", without effect",
    };
    say_indented(
        "  ",
        &format!(
            "{}{} · {}{} ({}): {said}{}{effect}, {:.3} ms",
            decision.phase.name(),
            tool.unwrap_or_default(),
            decision.policy,
            version
                .map(|version| format!("@{version}"))
                .unwrap_or_default(),
            decision.mode.name(),
            code.map(|code| format!(", {code}")).unwrap_or_default(),
            decision.latency.as_secs_f64() * 1_000.0,
        ),
    )?;
    for vote in &decision.votes {
        let latency = vote.latency.as_secs_f64() * 1_000.0;
        let vote = format!(
            "{}: {}, {latency:.3} ms. {}",
            vote.policy,
            vote.outcome.name(),
            vote.reason
        );
        say_indented("      ", &vote)?;
    }
    if !decision.reason.is_empty() {
        say_indented("      ", &decision.reason)?;
    }
    Ok(())
}
