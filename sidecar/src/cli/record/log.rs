use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Subcommand};
use luthien::record::store::{Progress, Store, Trust, Verified};

use super::{Failure, Settings, ask, say, shown};
use crate::record::public_key;

#[derive(Debug, Subcommand)]
pub(in super::super) enum Log {
    /// Looks whether the record is what was recorded, and names the first thing that is not.
    ///
    /// Every event is linked to the one before it by a hash, every content, message and place in a conversation is called by
    /// its own: all of them are computed again. Checkpoints (see `record.signing_key`) must be signed by the key that is
    /// configured, or by one that `--key` names, and the record must hold what they say. Ends with 1 if something was changed, is
    /// missing, or cannot be read.
    #[command(after_long_help = "Examples:
  luthien log verify
  luthien log verify --json | jq .first_break
  luthien log verify --key luthien-signing.pem.pub --checkpoints /mnt/worm/checkpoints.jsonl
")]
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(in super::super) struct Verify {
    /// A public key that may have signed: a file, or its 64 digits. May be given several times.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Checkpoints that were kept elsewhere, in the form of `record.checkpoints`.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Who may have signed, and what is known from elsewhere.
fn trust(settings: &Settings, verify: &Verify) -> Result<Trust, Failure> {
    let mut trust = Trust::default();
    for key in &verify.key {
        let is_key = key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit());
        let text = match is_key {
            true => key.clone(),
            false => fs::read_to_string(key).map_err(|error| format!("{key}: {error}"))?,
        };
        trust.keys.push(text.trim().to_lowercase());
    }
    let record = settings.load()?.0.config.record;
    if trust.keys.is_empty()
        && let Some(key) = &record.signing_key
    {
        let public = public_key(key);
        let key = key.display();
        trust.keys = vec![public.map_err(|error| format!("{key}.pub: {error}"))?];
    }
    let file = verify.checkpoints.as_ref().or(record.checkpoints.as_ref());
    let Some(file) = file else {
        return Ok(trust);
    };
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    for (at, line) in (1..).zip(text.lines()) {
        let checkpoint = serde_json::from_str(line);
        let checkpoint = checkpoint.map_err(|error| format!("{name}:{at}: {error}"))?;
        trust.checkpoints.push(checkpoint);
    }
    Ok(trust)
}

pub(in super::super) fn run(settings: &Settings, log: &Log) -> Result<ExitCode, Failure> {
    let Log::Verify(verify) = log;
    let trust = trust(settings, verify)?;
    ask(settings, async |store| {
        let tells = io::stderr().is_terminal();
        let found = store.verify(&trust, |progress| {
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
        checkpoints,
        ..
    } = found;
    let bodies = contents + messages;
    let mut said = format!(
        "The record is what was recorded: {events} events and {tombstones} that were forgotten in {writers} chains, \
         {bodies} texts, {nodes} places in conversations"
    );
    if *checkpoints > 0 {
        said.push_str(&format!("; {checkpoints} checkpoints were signed"));
    }
    if *missing > 0 {
        said.push_str(&format!("; {missing} more are spoken of and were not kept"));
    }
    said.push('.');
    said
}
