//! `luthien policy test`.

mod cases;
mod expect;

use std::{path::PathBuf, process::ExitCode};

use tokio::runtime::{Builder, Runtime};

use self::cases::{Case, Cases, Run};
use super::{Failure, Settings, chosen::Policies, say, say_indented};
use crate::{
    config::{ConfigError, Document},
    trial::Trial,
};

pub(super) const HELP: &str = r#"A file of cases:

  policies:                                  # left out: those of --config
    - { use: deny-tools, with: { tools: ["mcp__prod__*"] } }
  cases:
    - name: nobody touches production
      reply:
        text: Let me clean up.
        tool_calls:
          - { name: mcp__prod__drop_table, input: { table: users } }
          - { name: Bash, input: { command: ls } }
      expect:
        verdict: block
        policy: deny-tools
        text_contains: [Let me clean up., mcp__prod__drop_table]
        tool_calls: [Bash]

  request  What is asked: a text; or the whole body as JSON, and then say in which dialect.
  reply    What the model would answer: a text; or any of `text`, `thinking`, `tool_calls`; or, in
           the dialect that the case names, the provider's whole reply as JSON, or `sse` with the
           text of a stream.
  dialect  anthropic, chat or responses: all of them, unless told otherwise.
  model    The model that is asked for.
  expect   verdict            allow (every byte passes), modify, or block (something is refused)
           policy             one of those that changed or refused something
           text_contains      what the client reads: a text, or several
           tool_calls         the tools that the client is to run, by name and in order
           upstream_contains  what the provider is asked, as JSON: a text, or several

Examples:
  luthien policy test policies.test.yaml
  luthien --config luthien.yaml policy test cases/*.yaml
"#;

pub(super) fn run(settings: &Settings, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut cases, mut failed) = (0, 0);
    for file in files {
        let document = Document::read(file)?.with_files()?;
        let read = Cases::read(&document)?;
        let trial = trial(settings, &document, &read)?;
        say(&format!("{}", file.display()))?;
        for case in &read.cases {
            cases += 1;
            failed += usize::from(!try_out(&runtime, &trial, case)?);
        }
    }
    if failed > 0 {
        say(&format!(
            "\n{failed} of {cases} cases came out otherwise than expected."
        ))?;
        return Ok(ExitCode::FAILURE);
    }
    say(&format!("\nAll {cases} cases came out as expected."))?;
    Ok(ExitCode::SUCCESS)
}

/// The policies of the file, or those of the configuration.
fn trial(settings: &Settings, document: &Document, cases: &Cases) -> Result<Trial, ConfigError> {
    let (_, trial) = if cases.policies.is_some() {
        Policies::of(document)?
    } else {
        Policies::configured(settings)?
    };
    if trial.entries.is_empty() {
        let error = ConfigError::new("policies", "there are none to be tried out");
        return Err(document.placed(
            error.with_hint("write them here, or name a configuration with `--config FILE`"),
        ));
    }
    Ok(trial)
}

/// Runs a case in all its forms, and shows what came of it.
fn try_out(runtime: &Runtime, trial: &Trial, case: &Case) -> Result<bool, Failure> {
    let runs = case.runs();
    // What is complained of, and in which forms.
    let mut complaints: Vec<(String, Vec<String>)> = Vec::new();
    for Run { form, scenario } in &runs {
        let tried = runtime.block_on(trial.run(scenario));
        for complaint in case.expect.complaints(scenario, &tried) {
            match complaints.iter_mut().find(|(known, _)| *known == complaint) {
                Some((_, forms)) => forms.push(form.clone()),
                None => complaints.push((complaint, vec![form.clone()])),
            }
        }
    }
    if complaints.is_empty() {
        let ways = ways(runs.len());
        say_indented("  ", &format!("ok    {} ({ways})", case.name))?;
        return Ok(true);
    }
    say_indented("  ", &format!("WRONG {}", case.name))?;
    for (complaint, forms) in complaints {
        let where_from = if forms.len() == runs.len() {
            ways(runs.len())
        } else {
            forms.join("; ")
        };
        say_indented("        ", &format!("{complaint} ({where_from})"))?;
    }
    Ok(false)
}

fn ways(count: usize) -> String {
    if count == 1 {
        "1 way".to_owned()
    } else {
        format!("{count} ways")
    }
}
