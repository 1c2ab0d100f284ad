//! `luthien policy fixture`.

use std::{fmt::Write, process::ExitCode};

use luthien::record::store::Store;
use serde_json::Value;

use super::{Failure, Settings, say};
use crate::{
    cli::record::{
        ask,
        replay::{
            compare::Verdict,
            recorded::{self, Recorded},
        },
    },
    trial::Seen,
};

pub(super) const HELP: &str = "\
What was asked, what the provider answered, and what became of it stand in the file as they were recorded: see
`luthien policy test --help`. Policies do not; the case is for those of the configuration that it is tried out with.

It holds what was said. Look at it before you give it to anybody.

Examples:
  luthien policy fixture 46a94631-00000002 > case.yaml
  luthien --config luthien.yaml policy test case.yaml
";

pub(super) fn run(settings: &Settings, id: &str) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let missing = || format!("no exchange is called {id:?}: `luthien show SESSION` lists them");
        let exchange = store.transaction(id).await?.ok_or_else(missing)?;
        let recorded = recorded::read(&store, &exchange).await?;
        let recorded = recorded
            .map_err(|why| format!("{id} cannot be made a case of: it is {}", why.words()))?;
        say(case(id, &recorded).await?.trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The exchange as a file with one case.
async fn case(id: &str, recorded: &Recorded) -> Result<String, Failure> {
    let scenario = &recorded.scenario;
    let request: Value = serde_json::from_slice(&scenario.request)
        .map_err(|error| format!("the request of {id} is no JSON: {error}"))?;
    let mut text = format!("# As it was recorded: {id}\ncases:\n");
    line(&mut text, "- name", &format!("exchange {id}").into());
    line(&mut text, "  dialect", &scenario.dialect.name().into());
    line(&mut text, "  request", &request);
    let bytes = scenario.reply.concat();
    if recorded.has_reply {
        line(&mut text, "  reply", &reply(id, &bytes, scenario.streamed)?);
    }
    text.push_str("    expect:\n");
    line(
        &mut text,
        "    verdict",
        &recorded.outcome.verdict.name().into(),
    );
    let mut felt =
        recorded.outcome.decisions.iter().filter(|decision| {
            decision.applied && !matches!(&*decision.outcome, "allow" | "skipped")
        });
    if let Some(decision) = felt.next() {
        line(&mut text, "    policy", &decision.policy.as_str().into());
    }
    let asked = if recorded.has_reply {
        let all = Seen::of(scenario.dialect, scenario.streamed, &bytes.into()).await;
        all.calls.len()
    } else {
        0
    };
    if let Some(seen) = recorded.outcome.seen.as_ref().filter(|_| asked > 0) {
        let names = seen.calls.iter().map(|call| Value::from(&*call.name));
        line(&mut text, "    tool_calls", &names.collect());
    }
    Ok(text)
}

fn reply(id: &str, bytes: &[u8], streamed: bool) -> Result<Value, String> {
    if streamed {
        let text = str::from_utf8(bytes);
        let text = text.map_err(|_| format!("the reply of {id} is no text"))?;
        return Ok(serde_json::json!({ "sse": text }));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        format!("the reply of {id} is no JSON, and so no reply of a model: {error}")
    })
}

/// A member of the case. JSON is YAML, but for characters that YAML wants to have escaped.
fn line(text: &mut String, name: &str, value: &Value) {
    let mut json = String::new();
    for c in value.to_string().chars() {
        let is_plain = matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
        if is_plain {
            json.push(c);
        } else {
            // A string takes everything.
            write!(json, "\\u{:04x}", u32::from(c)).ok();
        }
    }
    writeln!(text, "  {name}: {json}").ok();
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Modify => "modify",
            Self::Block => "block",
        }
    }
}
