//! `luthien policy list`, `show`, `check`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use luthien::policy::{Builtin, builtins, find};
use serde_json::Value;

use super::{super::table, Failure, Settings, chosen::Policies, say, say_indented};
use crate::config::{ConfigError, Document, Policy, Reviewer};

pub(super) fn list(settings: &Settings) -> Result<ExitCode, Failure> {
    let (active, _) = Policies::configured(settings)?;
    say("Policies that come with Luthien (`luthien policy show NAME` explains one):\n")?;
    let rows = builtins().iter();
    let rows: Vec<_> = rows
        .map(|builtin| vec![builtin.name.to_owned(), builtin.summary.to_owned()])
        .collect();
    table(&rows)?;
    if active.policies.is_empty() {
        say("\nNone of them is active: they stand under `policies` in the configuration.")?;
    } else {
        say("\nActive, in the order in which they judge:\n")?;
        show_active(&active.policies)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of policies as they are configured.
fn show_active(policies: &[Policy]) -> io::Result<()> {
    let head = [
        "NAME", "POLICY", "MODE", "FAIL", "DEADLINE", "SYSTEM", "WHEN",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(policies.iter().map(row));
    table(&rows)
}

fn row(policy: &Policy) -> Vec<String> {
    vec![
        policy.own_name().to_owned(),
        what(policy),
        format!("{:?}", policy.mode).to_lowercase(),
        format!("{:?}", policy.fail).to_lowercase(),
        policy
            .deadline
            .map_or("-".to_owned(), |deadline| deadline.to_string()),
        if policy.system { "yes" } else { "-" }.to_owned(),
        policy.when.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

/// `deny-tools`, or `majority of a, b, c`.
fn what(policy: &Policy) -> String {
    let Some(parallel) = &policy.parallel else {
        return policy.builtin.clone().unwrap_or_default();
    };
    let reviewers: Vec<_> = parallel.of.iter().map(Reviewer::own_name).collect();
    let reviewers = reviewers.join(", ");
    match serde_json::to_value(&parallel.decide) {
        Ok(Value::String(rule)) => format!("{rule} of {reviewers}"),
        Ok(Value::Object(rule)) => {
            let name = rule.values().find_map(Value::as_str).unwrap_or_default();
            format!("{name}, heard with {reviewers}")
        }
        _ => reviewers,
    }
}

pub(super) fn show(name: &str, schema_only: bool) -> Result<ExitCode, Failure> {
    let builtin = find(name)?;
    let schema = serde_json::to_string_pretty(&builtin.schema())?;
    if schema_only {
        say(&schema)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!(
        "{}: {}\n\nIn the configuration:\n",
        builtin.name, builtin.summary
    ))?;
    say_indented("    ", &in_a_list(builtin))?;
    say("\nThe settings under `with`, as a JSON Schema:\n")?;
    say_indented("    ", &schema)?;
    Ok(ExitCode::SUCCESS)
}

/// The example as an entry of the list of policies.
fn in_a_list(builtin: &Builtin) -> String {
    let Builtin { name, example, .. } = builtin;
    if !example.trim().contains('\n') {
        return format!("policies:\n  - use: {name}\n    with: {example}");
    }
    let lines = example.lines().map(|line| format!("\n      {line}"));
    format!(
        "policies:\n  - use: {name}\n    with:{}",
        lines.collect::<String>()
    )
}

pub(super) fn check(settings: &Settings, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    if files.is_empty() {
        let (policies, _) = Policies::configured(settings)?;
        fine("The configuration", &policies)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut ended = ExitCode::SUCCESS;
    for file in files {
        let read = || -> Result<Policies, ConfigError> {
            Ok(Policies::of(&Document::read(file)?.with_files()?)?.0)
        };
        match read() {
            Ok(policies) => fine(&file.display().to_string(), &policies)?,
            Err(error) => {
                writeln!(io::stderr(), "luthien: {error}")?;
                ended = ExitCode::FAILURE;
            }
        }
    }
    Ok(ended)
}

fn fine(what: &str, policies: &Policies) -> io::Result<()> {
    match policies.policies.as_slice() {
        [] => say(&format!("{what}: there are no policies.")),
        policies => {
            say(&format!("{what}: the policies are fine.\n"))?;
            show_active(policies)
        }
    }
}
