//! `luthien keys`.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::{self, Duration, UNIX_EPOCH},
};

use clap::Subcommand;
use luthien::identity::{KeyEntry, Scope};
use secrecy::ExposeSecret;

use super::{Failure, Settings, say};
use crate::{
    config::Time,
    keyfile::{self, Record},
};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Makes a key and prints it: it is shown this once and never again. A sidecar that runs accepts it within seconds.
    New {
        /// What it is for, such as "alice's laptop".
        name: String,
        /// Whose it is: requests with it count as this user's.
        #[arg(long)]
        user: Option<String>,
        /// When it ends, from now: 12h, 90d. It does not end unless told so.
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires: Option<Duration>,
        /// What it may be used for: data (requests to models), transcripts, admin. May be given several times.
        #[arg(long = "scope", value_name = "SCOPE", default_value = "data", value_parser = scope)]
        scopes: Vec<Scope>,
    },
    /// Lists all keys, without what is secret of them.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revokes a key. A sidecar that runs refuses it within seconds.
    Revoke {
        /// Its public part, as `luthien keys list` shows it.
        id: String,
    },
}

fn time(text: &str) -> Result<Duration, String> {
    match serde_json::from_value(text.into()) {
        Ok(Time(time)) if time < Duration::MAX => Ok(time),
        _ => Err("expected a time with its unit, such as 12h or 90d".to_owned()),
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    let found = Scope::ALL.into_iter().find(|scope| scope.name() == text);
    found.ok_or_else(|| "expected data, transcripts or admin".to_owned())
}

pub(super) fn run(settings: &Settings, command: Keys) -> Result<ExitCode, Failure> {
    let configured = settings.load()?.0.config.identity.keys;
    let path = keyfile::path(configured.as_deref());
    match command {
        Keys::New {
            name,
            user,
            expires,
            scopes,
        } => new(&path, &name, user, expires, scopes)?,
        Keys::List { json } => list(&path, json)?,
        Keys::Revoke { id } => revoke(&path, &id)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn new(
    path: &Path,
    name: &str,
    user: Option<String>,
    expires: Option<Duration>,
    scopes: Vec<Scope>,
) -> Result<(), Failure> {
    let mut records = keyfile::records(path)?;
    let (key, mut entry) =
        KeyEntry::generate(name).map_err(|error| format!("no random numbers: {error}"))?;
    let now = now();
    entry.scopes = scopes;
    entry.user = user.map(Into::into);
    entry.expires_at = expires.map(|time| now.saturating_add(time.as_secs()));
    records.push(Record::new(&entry, now));
    keyfile::write(path, &records)?;
    if io::stdout().is_terminal() {
        writeln!(
            io::stderr(),
            "Keep it: it is shown this once and never again."
        )?;
    }
    say(key.expose_secret())?;
    Ok(())
}

fn list(path: &Path, json: bool) -> Result<(), Failure> {
    let records = keyfile::records(path)?;
    if json {
        say(&serde_json::to_string_pretty(&records)?)?;
        return Ok(());
    }
    if records.is_empty() {
        say(&format!(
            "There are no keys in {}. `luthien keys new NAME` makes one.",
            path.display()
        ))?;
        return Ok(());
    }
    let (now, width) = (
        now(),
        records
            .iter()
            .map(|record| record.name.chars().count())
            .max()
            .unwrap_or(4)
            .max(4),
    );
    say(&format!(
        "{:8}  {:width$}  {:16}  {:12}  {}",
        "ID", "NAME", "USER", "ENDS", "SCOPES"
    ))?;
    for record in &records {
        let ends = match record.expires_at {
            None => "never".to_owned(),
            Some(end) if end <= now => "has ended".to_owned(),
            Some(end) => format!("in {}", rough(end - now)),
        };
        let user = record.user.as_deref().unwrap_or("-");
        say(&format!(
            "{:8}  {:width$}  {user:16}  {ends:12}  {}",
            record.id,
            record.name,
            record.scopes.join(" ")
        ))?;
    }
    Ok(())
}

fn revoke(path: &Path, id: &str) -> Result<(), Failure> {
    let mut records = keyfile::records(path)?;
    let before = records.len();
    records.retain(|record| record.id != id);
    if records.len() == before {
        return Err(format!("no key has the id {id:?}: `luthien keys list` shows them").into());
    }
    keyfile::write(path, &records)?;
    say(&format!("{id} is revoked."))?;
    Ok(())
}

fn rough(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{} min", seconds.div_ceil(60)),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[allow(clippy::disallowed_types, reason = "a key is made and ends on a date")]
fn now() -> u64 {
    time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
