//! `luthien policy`.

pub(super) mod chosen;
mod eval;
mod explain;
mod fixture;
mod list;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use super::{Failure, Settings, say};
use crate::log::is_hidden;

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Lists the policies that come with Luthien, and those that the configuration makes active.
    #[command(after_long_help = "Examples:
  luthien policy list
  luthien --config luthien.yaml policy list
")]
    List,
    /// Explains a policy: what it does, how to use it, and each of its settings.
    #[command(after_long_help = "Examples:
  luthien policy show deny-tools
  luthien policy show deny-tools --schema
")]
    Show {
        /// Its name, as `luthien policy list` shows it.
        name: String,
        /// Only the JSON Schema of its settings.
        #[arg(long)]
        schema: bool,
    },
    /// Checks the policies of configurations, their settings and their conditions, and nothing else of them.
    ///
    /// Without files, those of the configuration that `--config` names. Ends with 1 if anything is wrong.
    #[command(after_long_help = "Examples:
  luthien policy check luthien.yaml
  luthien policy check policies/*.yaml
")]
    Check {
        /// Configurations; what they say beside `policies` and `policy` is not looked at.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Tries policies out on cases: what is asked, what a model would answer, and what is to become of it.
    ///
    /// Every case runs through the layers of a sidecar, in this process and without a network: streamed and whole, in every
    /// dialect, unless it names one. Ends with 1 if anything becomes otherwise than expected.
    #[command(after_long_help = test::HELP)]
    Test {
        /// Files of cases.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Makes a case for `luthien policy test` of an exchange that was recorded.
    #[command(after_long_help = fixture::HELP)]
    Fixture {
        /// The exchange, by the id in the log and in `x-luthien-request-id`.
        #[arg(value_name = "EXCHANGE")]
        id: String,
    },
    /// Judges tool calls from standard input, one JSON object a line, and answers each with a line.
    ///
    /// For scripts, and as the answer to an agent's own hook before a tool runs.
    #[command(after_long_help = eval::HELP)]
    Eval(eval::Eval),
    /// Says of a captured exchange which policy would say what of it, why, and how long it takes.
    #[command(after_long_help = explain::HELP)]
    Explain(explain::Explain),
}

pub(super) fn run(settings: &Settings, command: Policy) -> Result<ExitCode, Failure> {
    match command {
        Policy::List => list::list(settings),
        Policy::Show { name, schema } => list::show(&name, schema),
        Policy::Check { files } => list::check(settings, &files),
        Policy::Test { files } => test::run(settings, &files),
        Policy::Fixture { id } => fixture::run(settings, &id),
        Policy::Eval(eval) => eval::run(settings, &eval),
        Policy::Explain(explain) => explain::run(settings, &explain),
    }
}

/// What somebody else has written, in a form that a terminal does not obey.
fn plain(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => c,
        c if is_hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// Prints a text, each line of it behind `margin`.
fn say_indented(margin: &str, text: &str) -> Result<(), Failure> {
    for line in plain(text).lines() {
        say(format!("{margin}{line}").trim_end())?;
    }
    Ok(())
}
