use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use luthien::record::store::{Progress, Store, Verified};

use super::{Failure, Settings, ask, say, shown};

#[derive(Debug, Subcommand)]
pub(in super::super) enum Log {
    /// Looks whether the record is what was recorded, and names the first thing that is not.
    ///
    /// Every event is linked to the one before it by a hash, every content, message and place in a conversation is called by
    /// its own: all of them are computed again. Ends with 1 if something was changed, is missing, or cannot be read.
    #[command(after_long_help = "Examples:
  luthien log verify
  luthien log verify --json | jq .first_break
")]
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(in super::super) struct Verify {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(in super::super) fn run(settings: &Settings, log: &Log) -> Result<ExitCode, Failure> {
    let Log::Verify(verify) = log;
    ask(settings, async |store| {
        let tells = io::stderr().is_terminal();
        let found = store.verify(|progress| {
            if tells {
                // A line that cannot be shown is no reason to stop.
                show(progress).ok();
            }
        });
        let found = found.await?;
        if tells {
            write!(io::stderr(), "\r\x1b[K")?;
        }
        match verify.json {
            true => say(&serde_json::to_string(&found)?)?,
            false => say(&shown(&sentence(&found)))?,
        }
        Ok(match found.first_break {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        })
    })
}

fn show(progress: Progress) -> io::Result<()> {
    let Progress { what, done, of, .. } = progress;
    let mut errors = io::stderr();
    write!(errors, "\r\x1b[K{what}: {done} of {of}")?;
    errors.flush()
}

fn sentence(found: &Verified) -> String {
    if let Some(first) = &found.first_break {
        return format!("The record is not what was recorded: {first}");
    }
    let Verified {
        writers,
        events,
        tombstones,
        contents,
        messages,
        nodes,
        missing,
        ..
    } = found;
    let bodies = contents + messages;
    let mut said = format!(
        "The record is what was recorded: {events} events and {tombstones} that were forgotten in {writers} chains, \
         {bodies} texts, {nodes} places in conversations"
    );
    if *missing > 0 {
        said.push_str(&format!("; {missing} more are spoken of and were not kept"));
    }
    said.push('.');
    said
}
