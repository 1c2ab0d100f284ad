//! `luthien import`.

mod claude_code;
mod export;
mod recorded;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use luthien::record::{
    import::{Foreign, Import as Importing},
    store::AnyStore,
};

use super::{Failure, Settings, ask, counted, say, shown};
use claude_code::{CLIENT, Transcript};
use recorded::Recorded;

use crate::record;

pub(in super::super) const HELP: &str = "\
Forms:
  luthien      what `luthien export --format jsonl` has written. A line that cannot be read ends the import.
  claude-code  what Claude Code writes about a session. Each reply of a model becomes an exchange; what Claude Code does not
               write (system prompts, tools, exact bytes) is not there. Lines of other kinds are counted. Lines that cannot be
               read are named, all others are taken in, and the exit code is 1. Sessions that have not ended may be imported
               again later.

Examples:
  luthien import alice.jsonl
  luthien import ~/.claude/projects
  luthien import ~/.claude/projects/-home-alice-shop/4f1c2a9e-8d1b-4c5f-9e0a-6b7c8d9e0f10.jsonl
  luthien export --since 30d --format jsonl | luthien --set database=sqlite:copy.db import -
";

#[derive(Debug, Args)]
pub(in super::super) struct Import {
    /// Files; folders, with all that are called `*.jsonl` in them and below; `-` for standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// In which form they are; each is looked at if nothing is said.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An exchange a line.
    Luthien,
    /// A session of Claude Code.
    ClaudeCode,
}

/// So many exchanges are handed to the database at once.
const MANY: u64 = 64;

pub(in super::super) fn run(settings: &Settings, import: &Import) -> Result<ExitCode, Failure> {
    let files = found(&import.files)?;
    let folder = tempfile::tempdir()?;
    let redact = record::redact(&settings.load()?.0.config)?;
    let sums = ask(settings, async |store| {
        let importing = Importing::begin(folder.path())?;
        let mut importer = Importer {
            recorded: Recorded::default(),
            importing: match redact {
                Some(redact) => importing.with_redaction(redact),
                None => importing,
            },
            sums: Sums::default(),
            tells: io::stderr().is_terminal(),
            store,
        };
        for together in &files {
            importer.files(together, import.format).await?;
        }
        importer.keep().await?;
        if importer.tells && importer.sums.new >= MANY {
            writeln!(io::stderr())?;
        }
        Ok(importer.sums)
    })?;
    sums.tell()?;
    Ok(match sums.broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// A file that is to be taken in.
struct Found {
    path: PathBuf,
    /// Whether it was named, and not found in a folder.
    is_named: bool,
}

/// The files that are meant, those that are named, and those in the folders that are: what belongs together, together.
fn found(named: &[PathBuf]) -> Result<Vec<Vec<Found>>, Failure> {
    let mut files = Vec::new();
    for path in named {
        let is_folder = path.as_os_str() != "-" && path.is_dir();
        if is_folder {
            below(path, &mut files).map_err(|error| format!("{}: {error}", path.display()))?;
        } else {
            files.push(vec![Found {
                path: path.clone(),
                is_named: true,
            }]);
        }
    }
    Ok(files)
}

/// All transcripts in a folder and below, in the order of their names. A file and what is in the folder of its name belong
/// together: a session and its sub-agents. Links are not followed.
fn below(folder: &Path, files: &mut Vec<Vec<Found>>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut folders = BTreeSet::new();
    let mut sessions = Vec::new();
    for entry in entries {
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() {
            folders.insert(path);
        } else if kind.is_file() && path.extension().is_some_and(|name| name == "jsonl") {
            sessions.push(path);
        }
    }
    for path in sessions {
        let own = path.with_extension("");
        let mut inside = Vec::new();
        if folders.remove(&own) {
            below(&own, &mut inside)?;
        }
        let mut together = vec![Found {
            path,
            is_named: false,
        }];
        together.extend(inside.into_iter().flatten());
        files.push(together);
    }
    folders.iter().try_for_each(|folder| below(folder, files))
}

/// What has come of it.
#[derive(Default)]
struct Sums {
    new: u64,
    known: u64,
    /// Exchanges that the sidecar has recorded itself.
    recorded: u64,
    broken: u64,
    /// Lines that say nothing of exchanges, by their kind.
    skipped: BTreeMap<String, u64>,
    /// Files in folders that are of no form that is known.
    others: u64,
}

impl Sums {
    fn tell(&self) -> io::Result<()> {
        let known = match self.known {
            1 => "1 was there already".to_owned(),
            known => format!("{known} were there already"),
        };
        let new = counted(self.new, ["exchange", "exchanges"]);
        say(&format!("{new} taken in; {known}."))?;
        if self.recorded > 0 {
            let recorded = counted(self.recorded, ["exchange", "exchanges"]);
            say(&format!(
                "{recorded} left out: the sidecar has recorded the same."
            ))?;
        }
        if !self.skipped.is_empty() {
            let count = counted(self.skipped.values().sum(), ["line", "lines"]);
            let kinds = self
                .skipped
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"));
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            say(&shown(&format!(
                "{count} of kinds that say nothing of exchanges: {kinds}."
            )))?;
        }
        if self.others > 0 {
            let others = counted(self.others, ["file", "files"]);
            say(&format!(
                "{others} left out: neither an export nor a transcript."
            ))?;
        }
        if self.broken > 0 {
            let broken = counted(self.broken, ["line", "lines"]);
            say(&format!(
                "{broken} could not be read; all others were taken in."
            ))?;
        }
        Ok(())
    }
}

struct Importer {
    store: AnyStore,
    importing: Importing,
    recorded: Recorded,
    sums: Sums,
    tells: bool,
}

impl Importer {
    /// Takes in files that belong together: their exchanges in the order in which they were asked.
    async fn files(&mut self, files: &[Found], format: Option<Format>) -> Result<(), Failure> {
        let mut transcripts = Vec::new();
        for file in files {
            let name = file.path.display().to_string();
            let content = content(&file.path).map_err(|error| format!("{name}: {error}"))?;
            match format.or_else(|| guessed(&content, file.is_named)) {
                Some(Format::ClaudeCode) => transcripts.push(self.transcript(&name, &content)?),
                Some(Format::Luthien) => self.exported(&name, &content).await?,
                None if file.is_named && !content.trim_ascii().is_empty() => {
                    let what = "this is neither an export nor a transcript";
                    let hint = "`--format` says in which form it is";
                    return Err(format!("{name}:1: {what} ({hint})").into());
                }
                None => self.sums.others += 1,
            }
        }
        let exchanges = transcripts.iter().flat_map(Transcript::exchanges);
        let mut exchanges: Vec<_> = exchanges.collect();
        exchanges.sort_by_key(|exchange| exchange.asked_at);
        for exchange in exchanges {
            if self.recorded.is_one(&self.store, &exchange).await? {
                self.sums.recorded += 1;
            } else if self.is_new(&exchange.id).await? {
                self.add(exchange.foreign()).await?;
            }
        }
        Ok(())
    }

    async fn exported(&mut self, name: &str, content: &Bytes) -> Result<(), Failure> {
        for (at, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line = str::from_utf8(line).map_err(|error| format!("{name}:{at}: {error}"))?;
            let read = export::read(line);
            let (id, exchange) = read.map_err(|error| format!("{name}:{at}: {error}"))?;
            if self.is_new(&id).await? {
                self.add(exchange).await?;
            }
        }
        Ok(())
    }

    /// Reads a transcript, and names the lines that cannot be read.
    fn transcript(&mut self, name: &str, content: &Bytes) -> io::Result<Transcript> {
        let transcript = Transcript::read(content);
        for (line, error) in &transcript.broken {
            writeln!(io::stderr(), "{name}:{line}: {error}")?;
            self.sums.broken += 1;
        }
        for (kind, count) in &transcript.skipped {
            *self.sums.skipped.entry(kind.clone()).or_default() += count;
        }
        Ok(transcript)
    }

    /// Whether an exchange is still to be taken in.
    async fn is_new(&mut self, id: &str) -> Result<bool, Failure> {
        let is_known = self.recorded.is_known(&self.store, id).await?;
        self.sums.known += u64::from(is_known);
        if !is_known {
            self.recorded.added(id);
        }
        Ok(!is_known)
    }

    async fn add(&mut self, exchange: Foreign) -> Result<(), Failure> {
        self.importing.add(exchange);
        self.sums.new += 1;
        if self.sums.new.is_multiple_of(MANY) {
            self.keep().await?;
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), Failure> {
        self.importing.keep(&self.store).await?;
        if self.tells && self.sums.new >= MANY {
            write!(io::stderr(), "\r{} exchanges", self.sums.new)?;
        }
        Ok(())
    }
}

/// What is in a file, or comes from standard input.
fn content(path: &Path) -> io::Result<Bytes> {
    if path.as_os_str() != "-" {
        return fs::read(path).map(Bytes::from);
    }
    let mut content = Vec::new();
    io::stdin().lock().read_to_end(&mut content)?;
    Ok(content.into())
}

/// In which form a file is, by its first line. What is found in a folder may be anything; who names a file means it.
fn guessed(content: &[u8], is_named: bool) -> Option<Format> {
    let mut lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty())?;
    if claude_code::is_one(first) {
        return Some(Format::ClaudeCode);
    }
    let value: serde_json::Value = serde_json::from_slice(first).ok()?;
    let is_ours =
        value.get("version").is_some() && (is_named || value.get("transaction_id").is_some());
    is_ours.then_some(Format::Luthien)
}
